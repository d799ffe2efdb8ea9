"""The best size and data of a budget, told in Chinchilla's three ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import texts
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimated
from isoflop.plan.approaches import Approach, ApproachComparison
from isoflop.quantities import show
from isoflop.report import (
    Axis,
    Block,
    ErrorBar,
    Figure,
    Heading,
    Line,
    Points,
    Remark,
    Report,
    Table,
    note_blocks,
)

if TYPE_CHECKING:
    from isoflop.fitting.isoflop_profile import Profiles
    from isoflop.plan.result import Estimate


APART = 1.5  # a factor between N* of different approaches that a reader must be told of

STEPS = 60  # points of a line


MOST_CURVES = 10  # budgets that one figure can hold

MOST_REASONS = 3  # budgets that are named where many are left out for the like reason


@shows(ApproachComparison)
def page_of(comparison: ApproachComparison) -> Report:
    """Return the three approaches side by side: exponents, the best split, and the curves."""
    runs = comparison.runs
    blocks: list[Block] = [
        *note_blocks(runs.doubts_of(("N", "D", "C", "L"))),
        *notes_of(comparison),
        exponents_of(comparison),
        *splits(comparison),
        Heading("Figures"),
        best_sizes(comparison),
    ]
    stated = runs.conventions.get("L")
    curve = comparison.curve or "parabola"
    blocks += [profiles(p, stated) for p in comparison.profiles if p.curve == curve]
    sizes = "; ".join(f"{x.name}: {estimated(x.N)}" for x in comparison.approaches)
    budget = f"{show(comparison.C)} FLOP"
    answer = f"The best N for {budget} is {sizes}" if sizes else f"No best N for {budget} is known"
    title = f"The best split of {budget}, by {len(runs):,} runs of {runs.origin}"
    return Report(title, tuple(blocks), as_data(comparison), answer=answered(answer, blocks))


def notes_of(comparison: ApproachComparison) -> list[Block]:
    """Return what a reader must know of the approaches before their numbers."""
    blocks: list[Block] = []
    if len(comparison.approaches) > 1:
        kind = "doubt" if comparison.factor > APART else "good"
        text = f"the approaches differ by a factor of {show(comparison.factor)} in N"
        blocks.append(Remark(text, kind))  # type: ignore[arg-type]
    if comparison.curve is not None:
        text = f"of the curves of approach 2, {comparison.curve} misses sizes left out by least"
        blocks.append(Remark(text, "info"))
    names: dict[str, list[str]] = {}
    for name, reason in comparison.refused:
        names.setdefault(_shortened(reason), []).append(name)
    for reason, who in names.items():
        are = "is" if len(who) == 1 else "are"
        blocks.append(Remark(f"{', '.join(who)} {are} refused: {reason}", "doubt"))
    budgets = [p for each in comparison.profiles for p in each.profiles if p.fault]
    if budgets:
        text = "; ".join(dict.fromkeys(f"{show(p.budget.C)} FLOP: {p.fault}" for p in budgets))
        blocks.append(Remark(_shortened(f"2: budgets left out: {text}")))
    return [*blocks, *note_blocks(n for n in comparison.notes if n.topic != "left-out")]


def _shortened(text: str) -> str:
    """Return text that lists many budgets with the first few of them."""
    parts = text.split("; ")
    if len(parts) <= MOST_REASONS + 1:
        return text
    more = len(parts) - MOST_REASONS
    return f"{'; '.join(parts[:MOST_REASONS])}; and {more} more (--json names them)"


def _cells(estimate: Estimate) -> tuple[float | None, ...]:
    return estimate.value, estimate.low, estimate.high


def exponents_of(comparison: ApproachComparison) -> Table:
    """Return the exponents of N* and D* in compute, by approach."""
    rows = tuple(
        (x.name, *(v if v is None else round(v, 4) for v in (*_cells(x.a), *_cells(x.b))))
        for x in comparison.approaches
    )
    return Table(
        ("approach", "a", "low", "high", "b", "low", "high"),
        rows,
        "Exponents of N* in C (a) and of D* in C (b); those of a law are taken at the budget.",
    )


def splits(comparison: ApproachComparison) -> tuple[Table, Table]:
    """Return the best split of a budget by approach, and how far each is from equal ratios."""
    best = tuple((x.name, *_cells(x.N), *_cells(x.D)) for x in comparison.approaches)
    caption = (
        f"The best split of {show(comparison.C)} FLOP; intervals hold "
        f"{comparison.level:.0%} of draws."
    )
    off = tuple(
        (x.name, *_cells(x.ratio), *(f"{v:+.1%}" for v in x.bias or ()))
        + ((None, None) if x.bias is None else ())
        for x in comparison.approaches
    )
    law = comparison.fits[0].law.key if comparison.fits else "a law"
    return (
        Table(("approach", "N*", "low", "high", "D*", "low", "high"), best, caption),
        Table(
            ("approach", "D/N", "low", "high", "N* off by", "D* off by"),
            off,
            f"Off by: where an approach lands on this grid, without noise, if {law} as fitted is "
            "the truth.",
        ),
    )


def best_sizes(comparison: ApproachComparison) -> Figure:
    """Return N* against C by every approach, and the intervals at the budget."""
    from isoflop.plan import optimum

    frontiers = {f"2 {p.curve}": p.frontier for p in comparison.profiles}
    if comparison.envelope is not None:
        frontiers["1 envelope"] = comparison.envelope.frontier
    limits = [f.C.max() for f in frontiers.values()]
    limits += [(6 * f.runs["N"] * f.runs["D"]).max() for f in comparison.fits]
    largest = float(max(limits))
    C = np.geomspace(min(comparison.C, largest) / 1e3, max(comparison.C, largest), STEPS)
    layers: list[Any] = []
    for name, frontier in frontiers.items():
        N = np.array([float(frontier.split(float(c)).N[0]) for c in C])
        layers.append(Line(name, C, N, group=name))
        if name.startswith("2"):
            layers.append(Points(f"{name}: minima", frontier.C, frontier.N, group=name))
    for fit in comparison.fits:
        name = f"3 {fit.law.key}"
        layers.append(Line(name, C, np.asarray(optimum(fit.law, C).N), group=name))
    for i, x in enumerate(comparison.approaches):
        if x.N.low is not None and x.N.high is not None:
            at = comparison.C * 1.08 ** (i - (len(comparison.approaches) - 1) / 2)  # side by side
            layers.append(ErrorBar("at the budget", at, x.N.value, x.N.low, x.N.high, group=x.name))
    return Figure(
        "Best size by approach",
        Axis("C: training compute", "FLOP"),
        Axis.of("N"),
        tuple(layers),
        "Intervals stand side by side at the budget.",
        largest,
    )


def profiles(profiles: Profiles, unit: str | None) -> Figure:
    """Return loss against size at each budget, with curves and minima."""
    layers: list[Any] = []
    visible = [p for p in profiles.profiles if p.sizes.size]
    step = max(1, -(-len(visible) // MOST_CURVES))
    for p in visible[::step]:
        name = f"{show(p.budget.C)} FLOP"
        layers += [
            Line(name, p.sizes, p.losses, group=name),
            Points(name, p.runs_N, p.runs_L, group=name),
        ]
        if not p.fault:
            least = float(np.interp(np.log(p.N), np.log(p.sizes), p.losses))
            layers.append(Points("minimum", np.array([p.N]), np.array([least]), "best", group=name))
    return Figure(
        f"IsoFLOP profiles: {profiles.curve}",
        Axis.of("N"),
        Axis.of("L", unit),
        tuple(layers),
        "A budget whose curve has no minimum inside its runs is drawn without one."
        + (f" One budget in {step} is drawn." if step > 1 else ""),
    )


def as_data(comparison: ApproachComparison) -> dict[str, Any]:
    """Return the comparison as JSON types."""
    return {
        "C": comparison.C,
        "level": comparison.level,
        "approaches": [_approach(x) for x in comparison.approaches],
        "refused": [{"approach": name, "reason": reason} for name, reason in comparison.refused],
        "factor": comparison.factor,
        "notes": texts(comparison.notes),
    }


def _approach(x: Approach) -> dict[str, Any]:
    numbers = {"a": x.a, "b": x.b, "N": x.N, "D": x.D, "D/N": x.ratio}
    return {
        "approach": x.name,
        **{k: {"value": e.value, "low": e.low, "high": e.high} for k, e in numbers.items()},
        "bias": x.bias and {"N": x.bias.N, "D": x.bias.D},
    }
