"""Mean log pass rate from counts: the quantity of code problems that follows a power of compute.

-E[ln pass rate] = A / C^alpha over problems that every model solves at least once. Which problems
those are depends on the models and on how often they tried, so that the number is of a selection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.errors import CannotFit, Note, UsageError
from isoflop.report.display import Displayed


@dataclass(frozen=True, slots=True)
class MeanLogPass(Displayed):
    """`mlpr` (m,) [nats] of each model over the problems `used` (p,), and what to beware of."""

    mlpr: npt.NDArray[np.float64]
    used: npt.NDArray[np.bool_]
    notes: tuple[Note, ...]


def mean_log_pass(solved: Any, attempts: Any) -> MeanLogPass:
    """Return -mean ln(solved / tried) of every model, over problems that every model solved.

    `solved` and `attempts` are counts (m, p) of models and problems, or broadcast to it. Fit the
    result with the law power, over C: `fit("power", runs, over="C", predicts="mlpr",
    fix={"E": 0})`.

    For one bucket of difficulty give its problems alone; exponents differ between buckets.

    Raises UsageError for counts that are none, CannotFit where no problem is solved by all.
    Source: OpenAI 2023, arXiv:2303.08774, section 3.2.
    """
    c, n = _counts(solved, attempts)
    mask = np.asarray((c > 0).all(0))
    if not mask.any():
        best = int((c > 0).sum(0).max())
        raise CannotFit(
            f"none of {c.shape[1]} problems is solved by all {c.shape[0]} models (at most by "
            f"{best}); try each problem more often, or leave the weakest models out"
        )
    c, n, out = c[:, mask], n[:, mask], int((~mask).sum())
    mlpr = -np.log(c / n).mean(1)
    notes = []
    if out:
        notes.append(
            Note(
                "doubt",
                "left-out",
                f"{out} of {mask.size} problems were left out because some model never solved "
                f"them: "
                "they are the hard ones, so the exponent is of the easy ones and weak models look "
                "better than they are",
            )
        )
    few = int((c < 5).sum())
    if few:
        notes.append(
            Note(
                "doubt",
                "few-samples",
                f"{few} of {c.size} counts are below 5 successes, where the log of a rate is "
                f"biased by "
                "about -(1 - rate) / (2 successes), and selecting c > 0 lifts it; try those more "
                "often",
            )
        )
    return MeanLogPass(mlpr, mask, tuple(notes))


def _counts(solved: Any, attempts: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return both counts (m, p); raises UsageError for the first cell that is no count."""
    c, n = np.asarray(solved, float), np.asarray(attempts, float)
    try:
        c, n = np.broadcast_arrays(c, n)
    except ValueError:
        raise UsageError(
            f"solved has shape {c.shape} and tried {n.shape}; give counts of models by problems"
        ) from None
    if c.ndim != 2 or not c.size:
        raise UsageError(f"counts have shape {c.shape}; give a row a model, a column a problem")
    wrong = ~((n >= 1) & (c >= 0) & (c <= n) & (c == np.round(c)) & (n == np.round(n)))
    if wrong.any():
        m, p = np.argwhere(wrong)[0]
        raise UsageError(
            f"model {m}, problem {p} has {c[m, p]:g} solved of {n[m, p]:g} tried; counts are "
            "whole, and no more are solved than tried"
        )
    return c, n
