"""Which laws a table calls for, by the inputs that vary in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isoflop.assess.extrapolation.backtest import Candidate
from isoflop.assess.extrapolation.splits import SIZES
from isoflop.errors import UsageError, brief
from isoflop.law import Law, form
from isoflop.quantities import SHARES
from isoflop.runs import Runs, Tabular, as_runs

OBJECTIVES = ("huber", "student-t")
PLANE = frozenset(("N", "D"))
# Inputs that change what a loss comes to: where one varies, a law that lacks it cannot hold.
MODIFIERS = frozenset(
    (
        *("U", "experts", "granularity", "sparsity", "copies", "L_teacher", "L_alone"),
        *("bits", "bits_act", "bits_cache", "bits_post"),
        *SHARES,
    )
)


def candidates(
    runs: Tabular,
    laws: Sequence[str | Candidate] | None = None,
    objectives: Sequence[str] = OBJECTIVES,
    over: str | None = None,
) -> tuple[Candidate, ...]:
    """Return each law with each objective; without laws, those that the table calls for.

    These are the laws that take the inputs varying in it: of experts where experts vary, of
    unique tokens where some runs repeat them, else of N and D, or a power of the one size that
    there is. `over` is the input of those that leave it open.

    Raises UsageError if the table can feed no law that predicts L.
    """
    if laws is None:
        runs = as_runs(runs)
        laws = _called_for(runs, over, objectives)
        if not laws:
            raise UsageError(
                "these runs hold no N, D and L, nor other inputs of a law of L; name laws to "
                "compare"
            )
    out: list[Candidate] = []
    for law in laws:
        if isinstance(law, Candidate):
            out.append(law)
            continue
        bound = over if "x" in form(law).takes else None
        out += [Candidate(law, {}, objective, bound) for objective in objectives]
    if over is not None and out and not any(c.over for c in out):
        raise UsageError(f"over is {brief(over)}, and none of these laws leaves its input open")
    return tuple(out)


def _called_for(runs: Runs, over: str | None, objectives: Sequence[str]) -> list[str | Candidate]:
    """Return the laws that take most of what varies in a table, and all that they take is there."""
    if over is None:
        modifiers = {s for s in MODIFIERS if s in runs and _varies(runs, s)}
        able = [law for law in Law.registry.values() if _fed(law, runs, modifiers)]
        most = max((_fit_to(law, modifiers) for law in able), default=(0, 0))
        chosen = [law.key for law in able if _fit_to(law, modifiers) == most]
        if chosen:
            return [*sorted(chosen)]
    sizes = [over] if over else [s for s in SIZES if s in runs and _varies(runs, s)]
    if not sizes or "L" not in runs:
        return []
    pins: tuple[dict[str, float], ...] = ({}, {"E": 0.0})
    return [Candidate("power", pin, o, sizes[0]) for pin in pins for o in objectives]


def _fed(law: type[Law], runs: Runs, modifiers: set[str]) -> bool:
    """Return whether a law predicts L from sizes and modifiers that the table holds."""
    takes = set(law.takes)
    measured = takes <= {*PLANE, *modifiers} and takes <= set(runs.columns)
    whole = takes >= PLANE or bool(takes & modifiers)
    return law.predicts == "L" and "L" in runs and measured and whole


def _fit_to(law: type[Law], modifiers: set[str]) -> tuple[int, int]:
    """Return how many of what varies a law takes, and how many sizes."""
    takes = set(law.takes)
    return len(takes & modifiers), len(takes & PLANE)


def _varies(runs: Runs, symbol: str) -> bool:
    """Return whether an input differs between runs; unique tokens, whether some are repeated."""
    values = runs[symbol]
    if symbol == "U" and "D" in runs:
        return bool((runs["D"] > values * (1 + 1e-6)).any())
    return bool(np.unique(values[np.isfinite(values)]).size > 1)
