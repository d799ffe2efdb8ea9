"""fit: a law through runs, with intervals, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

from isoflop.commands.inputs import RunsOptions, Source
from isoflop.commands.registry import Option, command
from isoflop.pages.fit import page_of
from isoflop.pages.progress import progress
from isoflop.report import Report
from isoflop.terminal import say

if TYPE_CHECKING:
    from isoflop.runs import Runs


DRAWN = ("draws!=0",)  # what says something of draws alone
ONE = "law!=pool|best"  # of a law that is named

Objective = Annotated[
    Literal["huber", "squared", "asymmetric", "student-t"],
    Option("what is minimised", needs=(ONE,)),
]
Residuals = Annotated[
    Literal["log", "linear"] | None,
    Option("scale of the residuals; the law says unless given", needs=(ONE,)),
]
Fix = Annotated[
    Mapping[str, float] | None,
    Option("pin a parameter, such as E=1.69", "NAME=NUMBER", needs=(ONE,)),
]
Over = Annotated[
    str | None, Option("the input of a law that leaves it open, such as C", "QUANTITY")
]
Predicts = Annotated[
    str | None,
    Option("the output of a law that leaves it open; L unless given", "QUANTITY", needs=(ONE,)),
]
Resample = Annotated[
    Literal["pairs", "wild", "jackknife"],
    Option("how draws are made: runs, signs, or all but one", needs=(*DRAWN, ONE)),
]
Stratify = Annotated[
    str | None,
    Option("resample within each value of this column or label", "NAME", needs=(*DRAWN, ONE)),
]
Cluster = Annotated[
    str | None, Option("resample whole groups by this column or label", "NAME", needs=(*DRAWN, ONE))
]


@dataclass(frozen=True, slots=True, kw_only=True)
class FitOptions:
    """How a law is fitted."""

    objective: Objective = "huber"
    delta: Annotated[
        float | None, Option("scale of the objective; 1e-3 for huber", needs=(ONE,))
    ] = None
    residuals: Residuals = None
    fix: Fix = None
    over: Over = None
    predicts: Predicts = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResamplingOptions:
    """How draws are made, and what an interval holds of them."""

    draws: Annotated[
        int,
        Option(
            "refits to resampled runs, for intervals; 0 for none", needs=("resample!=jackknife",)
        ),
    ] = 1000
    level: Annotated[float, Option("share of draws that an interval holds", needs=DRAWN)] = 0.9
    seed: Annotated[int, Option("of the starting points and draws", "SEED")] = 0
    resample: Resample = "pairs"
    stratify: Stratify = None
    cluster: Cluster = None


@command(
    "fit",
    section="Begin here",
    example="isoflop fit sample:tiny --law chinchilla --where 'C < 2e11' --out fit.json",
)
def fit(
    runs: Source,
    *,
    law: Annotated[
        str,
        Option(
            "the law to fit; 'isoflop laws' lists them; pool weighs those that the runs call for, "
            "best takes its first",
            "LAW",
        ),
    ],
    method: FitOptions = FitOptions(),
    resampling: ResamplingOptions = ResamplingOptions(),
    table_options: RunsOptions = RunsOptions(),
    out: Annotated[str | None, Option("write the fit here, for forecast and plan", "FILE")] = None,
) -> Report:
    """Fit a law to runs.

    The answer says first whether it can be trusted, then gives each parameter with its interval,
    the residuals, and the best size and data at a few budgets.
    """
    from isoflop import fitting
    from isoflop.assess import form_error
    from isoflop.laws import form

    table = table_options.read(runs)
    if law in ("pool", "best"):
        settings = {"draws": resampling.draws, "level": resampling.level, "seed": resampling.seed}
        return _chosen(law, table, method.over, settings, out)
    fit = fitting.fit(
        form(law),
        table,
        objective=method.objective,
        delta=method.delta,
        residuals=method.residuals,
        over=method.over,
        predicts=method.predicts,
        fix=method.fix,
        draws=resampling.draws,
        level=resampling.level,
        seed=resampling.seed,
        resample=resampling.resample,
        stratify=resampling.stratify,
        cluster=resampling.cluster,
    )
    if out is not None:
        replace(fit, form=form_error(fit)).save(out)
        say(f"wrote {out}")
    return page_of(fit)


def _chosen(
    law: str, table: Runs, over: str | None, options: Mapping[str, Any], out: str | None
) -> Report:
    """Return the page of a pool, or of the law that a backtest puts first, with their options."""
    from isoflop import assess, pages

    choose = assess.pool if law == "pool" else assess.best
    with progress(f"comparing laws on {len(table):,} runs") as watch:
        result = choose(table, over=over, watch=watch, **options)
    if out is not None:
        result.save(out)
        say(f"wrote {out}")
    return pages.page(result)
