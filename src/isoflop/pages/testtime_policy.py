"""Which way of using samples is best for which problems, and what it saves."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.errors import Notes, texts
from isoflop.pages import shows
from isoflop.pages.answer import answered
from isoflop.plan.sampling.policy import AtBudget, SamplingPolicy
from isoflop.plan.sampling.prices import UNITS
from isoflop.quantities import show
from isoflop.report import Block, Cell, Remark, Report, Table, note_blocks


@shows(SamplingPolicy)
def page_of(policy: SamplingPolicy, notes: Notes = (), out: str | None = None) -> Report:
    """Return the policy by difficulty and what it saves over the baseline.

    `notes` are those of the source of the samples, `out` is where the router was written.
    """
    from isoflop.pages.coverage_figures import of_policy

    unit = UNITS[policy.unit]
    best = max(policy.budgets, key=lambda b: b.gain_ends[0])
    blocks: list[Block] = [
        *note_blocks(notes),
        *note_blocks(policy.notes),
        Remark(
            sentence := _verdict(best, policy, unit), "good" if best.gain_ends[0] > 0 else "doubt"
        ),
        _budgets(policy, unit),
        _bins(policy),
        _choices(policy, unit),
        of_policy(policy, unit),
    ]
    data: dict[str, Any] = {
        "difficulty": policy.difficulty.of,
        "estimated_from": policy.estimated_from,
        "price_of_estimate": policy.price_of_estimate,
        "unit": policy.unit,
        "charged": policy.charged,
        "baseline": policy.baseline,
        "level": policy.level,
        "router": out,
        "bins": [{"problems": n, "pass_rate": _finite(r)} for n, r in policy.bins],
        "budgets": [_as_data(b) for b in policy.budgets],
        "notes": texts((*notes, *policy.notes)),
    }
    doubts = note_blocks((*notes, *policy.notes))
    answer = answered(f"{sentence[0].upper()}{sentence[1:]}", doubts)
    return Report(f"A policy by the {policy.difficulty.of}", tuple(blocks), data, answer=answer)


def _verdict(best: AtBudget, policy: SamplingPolicy, unit: str) -> str:
    low, high = best.gain_ends
    if low <= 0:
        return (
            f"at no budget does the policy beat {policy.baseline} at equal compute beyond chance; "
            f"the nearest is {best.gain:+.3f} ({low:+.3f} to {high:+.3f}) at {show(best.budget)} "
            f"{unit}"
        )
    return (
        f"at {show(best.budget)} {unit} a problem the policy solves {best.score:.3f}, "
        f"{policy.baseline} {best.baseline:.3f}: {best.gain:+.3f} ({low:+.3f} to {high:+.3f}); "
        + _saved(best)
    )


def _saved(at: AtBudget) -> str:
    low, high = at.saving_ends
    if not np.isfinite(at.saving):
        return "no budget in the bank brings the baseline there"
    return f"the baseline needs {at.saving:.2f} times the compute ({low:.2f} to {_times(high)})"


def _times(value: float) -> str:
    return f"{value:.2f}" if np.isfinite(value) else "more than the bank holds"


def _budgets(policy: SamplingPolicy, unit: str) -> Table:
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
        for b in policy.budgets
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
        f"The baseline is {policy.baseline}. A saving of 4 is a quarter of its compute for the "
        f"same "
        "score; empty where it never gets there.",
    )


def _bins(policy: SamplingPolicy) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (i + 1, n, _finite(rate)) for i, (n, rate) in enumerate(policy.bins)
    ]
    return Table(
        ("bin, hard to easy", "problems", "pass rate"),
        tuple(rows),
        f"By the {policy.difficulty.of} of {policy.estimated_from} samples; the pass rate is of "
        "others.",
    )


def _choices(policy: SamplingPolicy, unit: str) -> Table:
    names = tuple(f"bin {i + 1}" for i in range(len(policy.bins)))
    rows: list[tuple[Cell, ...]] = [(b.budget, *b.choices) for b in policy.budgets]
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
