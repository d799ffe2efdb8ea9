"""design: which runs to make next, and how small a ladder is enough."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from isoflop.commands.given_law import saved
from isoflop.commands.registry import Option, command
from isoflop.errors import UnknownName, UsageError
from isoflop.quantities import show
from isoflop.report import Axis, Block, Figure, Line, Note, Paragraph, Points, Report, Table

if TYPE_CHECKING:
    from isoflop.plan.design import Design
    from isoflop.plan.uncertain import Model, Pool

STAGES = (0.1, 0.3, 1.0)  # shares of the design at which the rule for stopping is told
BEYOND = 3.0  # by which the default grid goes further than the runs

Span = Annotated[
    Mapping[str, float] | None,
    Option("an end of the grid of candidates, such as N=1e7", "N|D=NUMBER", beside=("pool",)),
]
Known = Annotated[
    str, Option("a fit saved with --out, or a law of which nothing is known yet", "FIT")
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


@command(
    "design",
    example="isoflop design chinchilla --at N=70e9,D=1.4e12 --at-least N=1e7,D=2e8 "
    "--at-most N=1e9,D=2e10 --noise 0.005 --within 0.15",
)
def design(
    fit: Known,
    *,
    also: Also = (),
    at: At,
    budget: Annotated[float | None, Option("compute to spend on runs [FLOP]")] = None,
    count: Annotated[int | None, Option("how many runs to choose")] = None,
    within: Within = None,
    at_least: Span = None,
    at_most: Span = None,
    steps: Annotated[
        int, Option("sizes, and token counts, of the grid", least=2, most=100, beside=("pool",))
    ] = 12,
    pool: Candidates = None,
    criterion: Criterion = "target",
    noise: Scatter = None,
    drift: Drift = 0.0,
    level: Annotated[float, Option("share of chances that a width holds")] = 0.9,
) -> Report:
    """Choose the next runs that narrow a forecast most for their compute.

    Candidates are a grid of sizes and token counts, or the rows of a file. Several fits of
    different laws are averaged, and what they disagree on is worth learning too. End the design
    by a budget, by a count of runs that go in parallel, or by how well the target must be known:
    that tells how small a ladder is enough.
    """
    from isoflop.plan.design import design as choose
    from isoflop.plan.uncertain import Target

    models = [_model(text) for text in (fit, *also)]
    candidates = _pool(models, pool, at_least, at_most, steps)
    if unknown := sorted(set(at) - {"N", "D", "C"}):
        raise UsageError(f"--at speaks of {unknown[0]}; give N and D, or C")
    found = choose(
        models, Target(**at), candidates, criterion=criterion, budget=budget, count=count,
        within=within, noise=noise, drift=drift, level=level,
    )  # fmt: skip
    blocks: list[Block] = [
        *(Note(text, "doubt" if i else "info") for i, text in enumerate(found.notes)),
        Paragraph(
            f"{len(found.choices)} runs for {show(found.spent)} FLOP bring {found.target.words} "
            f"from ± {_percent(found.start)} to ± {_percent(found.half_width)} "
            f"({found.level:.0%})."
        ),
        _runs(found),
        *_stopping(found),
        _map(found, candidates),
        _narrowing(found),
    ]
    return Report(f"Runs to make next, for {found.target.words}", tuple(blocks), _data(found))


def _model(text: str) -> Model:
    """Return the saved fit that `text` names, or the key of a law."""
    from isoflop import laws  # noqa: F401  (fills the registry)
    from isoflop.law import Law

    return text if text in Law.registry and not Path(text).exists() else saved(text)


def _pool(
    models: list[Model],
    path: str | None,
    low: Mapping[str, float] | None,
    high: Mapping[str, float] | None,
    steps: int,
) -> Pool:
    """Return the rows of a file, or a grid over the range of the runs and a bit further."""
    from isoflop.plan.design import grid, pool
    from isoflop.sources import read

    if path is not None:
        return pool(read(path))
    if unknown := sorted({*(low or {}), *(high or {})} - {"N", "D"}):
        raise UnknownName("end of a grid", unknown[0], ("N", "D"))
    spans = {}
    for symbol in ("N", "D"):
        seen = [m.runs[symbol] for m in models if not isinstance(m, str)]
        least, most = (low or {}).get(symbol), (high or {}).get(symbol)
        if (least is None or most is None) and not seen:
            raise UsageError(
                f"laws without runs do not know which {symbol} can be made; give "
                f"--at-least {symbol}=... and --at-most {symbol}=..."
            )
        spans[symbol] = (
            least if least is not None else float(min(v.min() for v in seen)),
            most if most is not None else BEYOND * float(max(v.max() for v in seen)),
        )
    return grid(spans["N"], spans["D"], steps)


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"


def _runs(found: Design) -> Table:
    rows = tuple(
        (i + 1, c.N, c.D, c.D / c.N, c.cost, c.spent, _percent(c.half_width))
        for i, c in enumerate(found.choices)
    )
    return Table(
        ("run", "N", "D", "D/N", "cost [FLOP]", "spent [FLOP]", "target known within"), rows,
        "In the order in which they pay; a batch in parallel is the first rows.",
    )  # fmt: skip


def _stopping(found: Design) -> list[Block]:
    """Return what another stretch of compute buys: a rule for stopping."""
    from isoflop.plan.design import narrowed

    if not found.choices:
        return []
    costs = sorted({max(s * found.spent, found.choices[0].spent) for s in STAGES})
    rows = tuple((cost, _percent(narrowed(found, cost))) for cost in costs)
    return [
        Table(("another [FLOP]", "narrows the target by"), rows,
              "Stop where this is no longer worth its compute."),
    ]  # fmt: skip


def _map(found: Design, candidates: Pool) -> Figure:
    N, D = (np.array([getattr(c, s) for c in found.choices]) for s in "ND")
    hover = tuple(f"run {i + 1}: {show(c.cost)} FLOP" for i, c in enumerate(found.choices))
    layers = (
        Points("candidates", candidates.N, candidates.D, "dropped"),
        Points("chosen", N, D, "best", hover=hover),
    )
    return Figure("Runs to make", Axis.of("N"), Axis.of("D"), layers)


def _narrowing(found: Design) -> Figure:
    spent = np.array([c.spent for c in found.choices])
    width = 100 * np.array([c.half_width for c in found.choices])
    return Figure(
        "How the target narrows", Axis("compute spent", "FLOP"),
        Axis("half-width of the target", "%"), (Line("after each run", spent, width),),
    )  # fmt: skip


def _data(found: Design) -> dict[str, Any]:
    """Return the design as JSON types."""
    return {
        "target": found.target.words,
        "criterion": found.criterion,
        "level": found.level,
        "noise": found.noise,
        "start": found.start,
        "half_width": found.half_width,
        "spent": found.spent,
        "runs": [
            {"N": c.N, "D": c.D, "cost": c.cost, "spent": c.spent, "half_width": c.half_width}
            for c in found.choices
        ],
        "notes": list(found.notes),
    }
