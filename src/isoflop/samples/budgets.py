"""Measures of a forced budget: is it kept to, what does a token more bring, how far does it go.

Source: s1, Muennighoff et al. 2025, arXiv:2501.19393, section 3.2. The paper prints scaling
without a unit; here it is a share of problems per token.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from isoflop.errors import UsageError

_LIMIT = re.compile(r"[/,]tokens=(\d+)(?:,|$)")


def limit_of(strategy: str) -> int | None:
    """Return the most tokens that the name of a strategy allows, None where it states none.

    >>> limit_of("budget/tokens=1024"), limit_of("budget/again=2")
    (1024, None)
    """
    match = _LIMIT.search(strategy)
    return int(match[1]) if match else None


def control(tokens: Any, least: Any = 0.0, most: Any = np.inf) -> float:
    """Return the share of responses whose `tokens` lie from `least` to `most`, ends included.

    >>> control([10, 20, 40], most=20)
    0.6666666666666666
    """
    counts = np.asarray(tokens, float)
    if not counts.size:
        raise UsageError("control is a share of responses, and there are none")
    return float(np.mean((np.asarray(least) <= counts) & (counts <= np.asarray(most))))


def scaling(tokens: Any, score: Any) -> float:
    """Return the mean slope of the score over all pairs of budgets [score per token].

    `tokens` are the mean tokens used at each budget, `score` what was reached there. Pairs that
    use equally many tokens have no slope and are left out.
    Raises UsageError where no two budgets differ.

    >>> scaling([1000, 2000, 4000], [0.2, 0.3, 0.4])
    7.222222222222222e-05
    """
    x, y = np.asarray(tokens, float), np.asarray(score, float)
    first, second = np.triu_indices(x.size, 1)
    apart = x[first] != x[second]
    if x.shape != y.shape or not apart.any():
        raise UsageError(f"scaling needs two budgets that differ; tokens are {x.tolist()}")
    first, second = first[apart], second[apart]
    return float(np.mean((y[second] - y[first]) / (x[second] - x[first])))


def performance(score: Any) -> float:
    """Return the highest score over all budgets."""
    return float(np.max(np.asarray(score, float)))
