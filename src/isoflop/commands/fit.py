"""fit: a law through runs, with intervals, and how far it can be trusted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from isoflop.commands.inputs import Columns, Convention, Derive, RunsOptions, Source, Unit, Where
from isoflop.commands.registry import Option, command
from isoflop.pages.fit import page_of
from isoflop.report import Report
from isoflop.terminal import say

if TYPE_CHECKING:
    pass


DRAWN = ("draws!=0",)  # what says something of draws alone

Objective = Annotated[
    Literal["huber", "squared", "asymmetric", "student-t"], Option("what is minimised")
]
Residuals = Annotated[
    Literal["log", "linear"] | None, Option("scale of the residuals; the law says unless given")
]
Fix = Annotated[
    Mapping[str, float] | None, Option("pin a parameter, such as E=1.69", "NAME=NUMBER")
]
Over = Annotated[
    str | None, Option("the input of a law that leaves it open, such as C", "QUANTITY")
]
Predicts = Annotated[
    str | None, Option("the output of a law that leaves it open; L unless given", "QUANTITY")
]
Resample = Annotated[
    Literal["pairs", "wild", "jackknife"],
    Option("how draws are made: runs, signs, or all but one", needs=DRAWN),
]
Stratify = Annotated[
    str | None, Option("resample within each value of this column or label", "NAME", needs=DRAWN)
]
Cluster = Annotated[
    str | None, Option("resample whole groups by this column or label", "NAME", needs=DRAWN)
]


@command(
    "fit", example="isoflop fit sample:tiny --law chinchilla --where 'C < 2e11' --out fit.json"
)
def fit(
    runs: Source,
    *,
    law: Annotated[str, Option("the law to fit; 'isoflop laws' lists them", "LAW")],
    objective: Objective = "huber",
    delta: Annotated[float | None, Option("scale of the objective; 1e-3 for huber")] = None,
    residuals: Residuals = None,
    draws: Annotated[
        int,
        Option(
            "refits to resampled runs, for intervals; 0 for none", needs=("resample!=jackknife",)
        ),
    ] = 1000,
    level: Annotated[float, Option("share of draws that an interval holds", needs=DRAWN)] = 0.9,
    seed: Annotated[int, Option("of the starting points and draws", "SEED")] = 0,
    where: Where = None,
    columns: Columns = None,
    derive: Derive = (),
    convention: Convention = None,
    unit: Unit = None,
    fix: Fix = None,
    over: Over = None,
    predicts: Predicts = None,
    resample: Resample = "pairs",
    stratify: Stratify = None,
    cluster: Cluster = None,
    out: Annotated[str | None, Option("write the fit here, for forecast and plan", "FILE")] = None,
) -> Report:
    """Fit a law to runs.

    The answer says first whether it can be trusted, then gives each parameter with its interval,
    what is left over, and the best size and data at a few budgets.
    """
    from isoflop import fitting
    from isoflop.assess import form_error
    from isoflop.laws import form

    table = RunsOptions(where, columns, derive, convention, unit)(runs)
    fit = fitting.fit(
        form(law),
        table,
        objective=objective,
        delta=delta,
        residuals=residuals,
        over=over,
        predicts=predicts,
        fix=fix,
        draws=draws,
        level=level,
        seed=seed,
        resample=resample,
        stratify=stratify,
        cluster=cluster,
    )
    if out is not None:
        replace(fit, form=form_error(fit)).save(out)
        say(f"wrote {out}")
    return page_of(fit)
