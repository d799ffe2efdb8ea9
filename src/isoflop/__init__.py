"""The laboratory for neural scaling laws: runs, law, fit, assess, forecast, plan, report.

Names are loaded when they are first used, so that `import isoflop` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from isoflop import claims, laws, plan
    from isoflop.assess.audit import audit
    from isoflop.assess.extrapolation.backtest import Backtest, Candidate, backtest
    from isoflop.assess.extrapolation.comparison import compare
    from isoflop.assess.extrapolation.pool import Pool, load
    from isoflop.assess.extrapolation.pooling import pool
    from isoflop.assess.identifiability import identify
    from isoflop.assess.influence import influence
    from isoflop.assess.speedup import speedup
    from isoflop.errors import IsoflopError
    from isoflop.experiments.design import StudyFile, run_study
    from isoflop.experiments.trainer import trial
    from isoflop.fitting import Fit, fit
    from isoflop.forecasting import Forecast, forecast
    from isoflop.law import Law, Published, constants, form
    from isoflop.monitor.callbacks.loop import Watch
    from isoflop.monitor.live.plan import RunPlan
    from isoflop.monitor.live.session import watch
    from isoflop.monitor.register import register
    from isoflop.monitor.score import score
    from isoflop.monitor.update import update
    from isoflop.plan import Plan
    from isoflop.plan.model_verdicts import models
    from isoflop.plan.serve import serve
    from isoflop.report import Report
    from isoflop.runs import Runs
    from isoflop.sources import read

# The public names in the order of the pipeline, and where each of them lives.
_HOMES = {
    "StudyFile": "isoflop.experiments.design",
    "trial": "isoflop.experiments.trainer",
    "run_study": "isoflop.experiments.design",
    "read": "isoflop.sources",
    "Runs": "isoflop.runs",
    "laws": "isoflop",
    "Law": "isoflop.law",
    "form": "isoflop.law",
    "constants": "isoflop.law",
    "Published": "isoflop.law",
    "fit": "isoflop.fitting",
    "Fit": "isoflop.fitting",
    "backtest": "isoflop.assess",
    "Candidate": "isoflop.assess",
    "Backtest": "isoflop.assess",
    "compare": "isoflop.assess",
    "pool": "isoflop.assess",
    "Pool": "isoflop.assess",
    "load": "isoflop.assess",
    "influence": "isoflop.assess",
    "identify": "isoflop.assess",
    "audit": "isoflop.assess",
    "speedup": "isoflop.assess",
    "forecast": "isoflop.forecasting",
    "Forecast": "isoflop.forecasting",
    "plan": "isoflop",
    "serve": "isoflop.plan",
    "Plan": "isoflop.plan",
    "register": "isoflop.monitor",
    "RunPlan": "isoflop.monitor.live.plan",
    "watch": "isoflop.monitor.live.session",
    "Watch": "isoflop.monitor.callbacks.loop",
    "score": "isoflop.monitor",
    "update": "isoflop.monitor.update",
    "models": "isoflop.plan.model_verdicts",
    "claims": "isoflop",
    "Report": "isoflop.report",
    "IsoflopError": "isoflop.errors",
}

__all__ = [  # noqa: RUF022 (the order of the pipeline)
    "StudyFile",
    "trial",
    "run_study",
    "read",
    "Runs",
    "laws",
    "Law",
    "form",
    "constants",
    "Published",
    "fit",
    "Fit",
    "backtest",
    "Candidate",
    "Backtest",
    "compare",
    "pool",
    "Pool",
    "load",
    "influence",
    "identify",
    "audit",
    "speedup",
    "forecast",
    "Forecast",
    "plan",
    "serve",
    "Plan",
    "register",
    "RunPlan",
    "watch",
    "Watch",
    "score",
    "update",
    "models",
    "claims",
    "Report",
    "IsoflopError",
]


def __getattr__(name: str) -> Any:
    """Return a public name, loaded now; every law is registered before."""
    if name == "__version__":
        return importlib.import_module("isoflop.report.html").version()
    if name not in _HOMES:
        raise AttributeError(f"module 'isoflop' has no attribute {name!r}")
    importlib.import_module("isoflop.laws")
    home = _HOMES[name]
    if home == __name__:
        return importlib.import_module(f"{home}.{name}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
