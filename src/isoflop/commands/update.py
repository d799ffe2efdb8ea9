"""update: a fit held against runs that it had not seen, and what they change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import numpy as np

from isoflop.commands.inputs import RunsOptions, Source
from isoflop.commands.law_source import Growth, Model, saved
from isoflop.commands.registry import Option, command
from isoflop.pages.update import ForecastOutcome, report_of, unseen
from isoflop.report import (
    Report,
)
from isoflop.terminal import say

if TYPE_CHECKING:
    pass


@command("update", example="isoflop update fit.json sample:tiny --out newer.json")
def update(
    fit: Model,
    newruns: Source,
    *,
    growth: Growth = None,
    table_options: RunsOptions = RunsOptions(),
    out: Annotated[str | None, Option("write the new fit here", "FILE")] = None,
) -> Report:
    """Hold a saved fit against new runs, then fit all of them together.

    For each new run: the forecast, its interval, the truth. Then what the new runs change in
    each parameter and in the best size. Runs that the fit has already are left out.
    """
    from isoflop import fitting, forecasting
    from isoflop.assess import Pool, again

    before = saved(fit)
    new_runs = table_options.read(newruns)
    new = unseen(before, new_runs)
    takes = before.binding.takes
    names = new.labels.get("run", np.array([f"row {row}" for row in new.rows]))
    outcomes = tuple(
        ForecastOutcome(
            str(names[i]),
            forecasting.forecast(before, growth=growth, **{s: float(new[s][i]) for s in takes}),
            float(new[before.binding.predicts][i]),
        )
        for i in range(len(new))
    )
    both = before.runs + new
    after = again(before, both) if isinstance(before, Pool) else fitting.refit(before, both)
    if out is not None:
        after.save(out)
        say(f"wrote {out}")
    return report_of(before, after, outcomes, len(new_runs) - len(new))
