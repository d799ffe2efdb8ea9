"""Several proxies as one: their mean, the worst of them, and the mean less their variance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isoflop.errors import UsageError
from isoflop.samples.score_table import ScoreTable

PENALTY = 0.5  # times the variance of the members; Coste et al. took .5 for best-of-n, .1 for PPO


def ensembles(
    table: ScoreTable, members: Sequence[str] | None = None, penalty: float = PENALTY
) -> ScoreTable:
    """Return the table with three more proxies: "mean", "worst", and "mean - 0.5 var".

    Each member is centred and of unit variance first, so that none drowns the others.
    Raises UsageError for fewer than two members, or a penalty that is no number above zero.
    Source: Coste et al. 2023, arXiv:2310.02743: the variance, not its root.
    """
    names = list(table.proxies) if members is None else list(members)
    if len(set(names)) < 2:
        raise UsageError(f"an ensemble of {', '.join(names)} needs two proxies at least")
    if not (np.isfinite(penalty) and penalty > 0):
        raise UsageError(f"the penalty is {penalty}; it must be a number above zero")
    scores = np.array([table.score(name) for name in names])
    scores = (scores - scores.mean(1, keepdims=True)) / scores.std(1, keepdims=True)
    combinations = {
        "mean": scores.mean(0),
        "worst": scores.min(0),
        f"mean - {penalty:g} var": scores.mean(0) - penalty * scores.var(0),
    }
    return table.with_proxies({**table.proxies, **combinations})
