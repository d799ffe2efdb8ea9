"""Which way of using samples is best for which problems, and what it saves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.pages.testtime_strategies import OtherStrategies
from isoflop.report import Block, Cell, Note, Report, Table

if TYPE_CHECKING:
    from isoflop.plan.sampling.options import SamplingChoice as Choice
    from isoflop.plan.sampling.policy import AtBudget, SamplingPolicy
    from isoflop.plan.sampling.prices import Prices


def others_of(
    tried: OtherStrategies, unit: str, prices: Prices | None
) -> tuple[list[Choice], tuple[str, ...]]:
    """Return the strategies that were run as options by their means, and those that cannot be."""
    from isoflop.plan.sampling.options import SamplingChoice as Choice
    from isoflop.plan.sampling.prices import cost_of_run

    costs = {name: cost_of_run(own, unit, prices) for name, own in tried.samples.items()}
    made = [
        Choice(name, own.counts.solved / own.counts.tried, cost)
        for name, own in tried.samples.items()
        if (cost := costs[name]) is not None
    ]
    dear = [name for name, cost in costs.items() if cost is None]
    note = f"{', '.join(dear)}: what they cost in {unit} is not known, so they are left out"
    return made, (*tried.notes, *((note,) if dear else ()))


def report(made: SamplingPolicy, notes: tuple[str, ...], out: str | None) -> Report:
    """Return the policy by difficulty and what it saves over the baseline."""
    from isoflop.pages.coverage_figures import of_policy
    from isoflop.plan.sampling.prices import UNITS

    unit = UNITS[made.unit]
    best = max(made.budgets, key=lambda b: b.gain_ends[0])
    blocks: list[Block] = [
        *(Note(text, "doubt") for text in notes),
        *(Note(text) for text in made.notes),
        Note(_verdict(best, made, unit), "good" if best.gain_ends[0] > 0 else "doubt"),
        _budgets(made, unit),
        _bins(made),
        _choices(made, unit),
        of_policy(made, unit),
    ]
    data: dict[str, Any] = {
        "difficulty": made.difficulty.of,
        "estimated_from": made.estimated_from,
        "price_of_estimate": made.price_of_estimate,
        "unit": made.unit,
        "charged": made.charged,
        "baseline": made.baseline,
        "level": made.level,
        "router": out,
        "bins": [{"problems": n, "pass_rate": _finite(r)} for n, r in made.bins],
        "budgets": [_as_data(b) for b in made.budgets],
        "notes": [*notes, *made.notes],
    }
    return Report(f"A policy by the {made.difficulty.of}", tuple(blocks), data)


def _verdict(best: AtBudget, made: SamplingPolicy, unit: str) -> str:
    low, high = best.gain_ends
    if low <= 0:
        return (
            f"at no budget does the policy beat {made.baseline} at equal compute beyond chance; "
            f"the nearest is {best.gain:+.3f} ({low:+.3f} to {high:+.3f}) at {best.budget:.3g} "
            f"{unit}"
        )
    return (
        f"at {best.budget:.3g} {unit} a problem the policy solves {best.score:.3f}, "
        f"{made.baseline} {best.baseline:.3f}: {best.gain:+.3f} ({low:+.3f} to {high:+.3f}); "
        + _saved(best)
    )


def _saved(at: AtBudget) -> str:
    low, high = at.saving_ends
    if not np.isfinite(at.saving):
        return "no budget in the bank brings the baseline there"
    return f"the baseline needs {at.saving:.2f} times the compute ({low:.2f} to {_times(high)})"


def _times(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "more than the bank holds"


def _budgets(made: SamplingPolicy, unit: str) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (
            b.budget,
            b.score,
            b.baseline,
            b.gain,
            *b.gain_ends,
            _finite(b.saving),
            _finite(b.saving_ends[0]),
            _finite(b.saving_ends[1]),
        )
        for b in made.budgets
    ]
    columns = (
        f"budget [{unit}]",
        "policy",
        "baseline",
        "gain",
        "low",
        "high",
        "saving",
        "low",
        "high",
    )
    return Table(
        columns,
        tuple(rows),
        f"The baseline is {made.baseline}. A saving of 4 is a quarter of its compute for the same "
        "score; empty where it never gets there.",
    )


def _bins(made: SamplingPolicy) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (i + 1, n, _finite(rate)) for i, (n, rate) in enumerate(made.bins)
    ]
    return Table(
        ("bin, hard to easy", "problems", "pass rate"),
        tuple(rows),
        f"By the {made.difficulty.of} of {made.estimated_from} samples; the pass rate is of "
        "others.",
    )


def _choices(made: SamplingPolicy, unit: str) -> Table:
    names = tuple(f"bin {i + 1}" for i in range(len(made.bins)))
    rows: list[tuple[Cell, ...]] = [(b.budget, *b.choices) for b in made.budgets]
    return Table((f"budget [{unit}]", *names), tuple(rows), "The router's choices.")


def _as_data(b: AtBudget) -> dict[str, Any]:
    return {
        "budget": b.budget,
        "score": b.score,
        "score_ends": list(b.score_ends),
        "baseline": b.baseline,
        "gain": b.gain,
        "gain_ends": list(b.gain_ends),
        "saving": _finite(b.saving),
        "saving_ends": [_finite(e) for e in b.saving_ends],
        "choices": list(b.choices),
    }


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
