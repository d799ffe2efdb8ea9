"""design: which runs to make next, and how small a ladder is enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from isoflop.commands.law_source import saved
from isoflop.commands.pricing import SpendOptions
from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.pages.design import page_of, pool_of
from isoflop.report import Report

if TYPE_CHECKING:
    from isoflop.assess import Pool
    from isoflop.plan.design.uncertainty import Model


Span = Annotated[
    Mapping[str, float] | None,
    Option("an end of the grid of candidates, such as N=1e7", "N|D=NUMBER", excludes=("pool",)),
]
Known = Annotated[
    str, Option("a fit or a pool saved with --out, or a law of which nothing is known yet", "FIT")
]
Also = Annotated[
    tuple[str, ...], Option("another fit or law, averaged with the first; may be repeated", "FIT")
]
At = Annotated[
    Mapping[str, float],
    Option("what is to be known: the loss at N and D, or the best N at C", "NAME=NUMBER"),
]
Within = Annotated[
    float | None, Option("stop where the target is known within this share, such as 0.02")
]
Candidates = Annotated[
    str | None, Option("candidates with N, D and perhaps C, in place of a grid", "FILE")
]
Criterion = Annotated[Literal["target", "parameters", "cheapest"], Option("what a run is worth")]
Scatter = Annotated[
    float | None, Option("scatter of losses, as a share; that of the fits unless given")
]
Drift = Annotated[
    float, Option("how far the form may be off: log loss per squared factor e from the runs")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndOptions(SpendOptions):
    """Where the design ends: at a budget, a count of runs, or what is known by then."""

    count: Annotated[int | None, Option("how many runs to choose")] = None
    within: Within = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GridOptions:
    """The runs to choose from."""

    at_least: Span = None
    at_most: Span = None
    steps: Annotated[
        int, Option("sizes, and token counts, of the grid", least=2, most=100, excludes=("pool",))
    ] = 12
    pool: Candidates = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorthOptions:
    """What a run is worth."""

    criterion: Criterion = "target"
    noise: Scatter = None
    drift: Drift = 0.0
    level: Annotated[float, Option("share of chances that a width holds")] = 0.9


@command(
    "design",
    section="Plans",
    example="isoflop design chinchilla --at N=70e9,D=1.4e12 --at-least N=1e7,D=2e8 "
    "--at-most N=1e9,D=2e10 --noise 0.005 --within 0.15",
)
def design(
    fit: Known,
    *,
    also: Also = (),
    at: At,
    end: EndOptions = EndOptions(),
    grid: GridOptions = GridOptions(),
    worth: WorthOptions = WorthOptions(),
) -> Report:
    """Choose the next runs that narrow a forecast most for their compute.

    Candidates are a grid of sizes and token counts, or the rows of a file. Several fits of
    different laws are averaged, and what they disagree on is worth learning too. End the design
    by a budget, by a count of runs that go in parallel, or by how well the target must be known:
    that tells how small a ladder is enough.
    """
    from isoflop.plan.design.greedy import design as choose
    from isoflop.plan.design.uncertainty import Target

    C, cost, assumed = end.spending()
    models = [_model(text) for text in (fit, *also)]
    candidates = pool_of(models, grid.pool, grid.at_least, grid.at_most, grid.steps)
    if unknown := sorted(set(at) - {"N", "D", "C"}):
        raise UsageError(f"--at speaks of {unknown[0]}; give N and D, or C")
    result = choose(
        models,
        Target(**at),
        candidates,
        criterion=worth.criterion,
        budget=C,
        count=end.count,
        within=end.within,
        noise=worth.noise,
        drift=worth.drift,
        level=worth.level,
    )
    return page_of(result, assumed, cost)


def _model(text: str) -> Model | Pool:
    """Return the saved fit or pool that `text` names, or the key of a law."""
    from isoflop import laws  # noqa: F401  (fills the registry)
    from isoflop.law import Law

    return text if text in Law.registry and not Path(text).exists() else saved(text)
