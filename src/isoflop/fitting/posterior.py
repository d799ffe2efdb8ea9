"""How far runs speak for each law of an ensemble: weights, probabilities, and evidence.

The noise of the runs is not known, so the likelihood is that of Student's t about each law, with
a mild opinion of the noise, and of as many independent runs as the residuals allow: what drifts
slowly about its law says less than its count. Suffixes: s laws, n runs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Mask, Numbers
from isoflop.law import Binding, Law
from isoflop.runs import Runs

OPINION = 4.0  # runs that the opinion of the noise is worth
# An evaluation counts as half of one at most, since a drift shows only late; set by simulation of
# runs with and without drift, as docs/rl.md tells.
MOST_INDEPENDENT = 0.5
FEWEST_FOR_MEMORY = 8  # runs from which their residuals can say whether they drift


@dataclass(frozen=True, eq=False)
class Posterior:
    """Weights of the laws of an ensemble, before (`prior_s`) and after (`weight_s`) the runs.

    Both sum to 1. `effective` is how many independent runs the evidence counts, of `count`.
    """

    laws: Law
    prior_s: Numbers
    weight_s: Numbers
    count: int
    effective: float

    def probability(self, which_s: Mask) -> float:
        """Return how likely it is that the law is one of these."""
        return float(self.weight_s[which_s].sum())

    def evidence(self, which_s: Mask) -> float:
        """Return how many times likelier the runs are under these laws than under the others.

        Under the others, by their prior, it is a martingale of mean 1 as runs come in, so that
        the chance of its ever passing 1/a is at most a (Ville 1939): it may be looked at after
        every run. Infinite where there are no others, 0 where there are none of these.
        """
        prior, after = float(self.prior_s[which_s].sum()), self.probability(which_s)
        if prior <= 0:
            return 0.0
        if prior >= 1:
            return float("inf")
        return float(after / prior * (1 - prior) / max(1 - after, 1e-300))

    def draws(self, rng: np.random.Generator, count: int) -> Law:
        """Return laws drawn by weight, as an ensemble of `count`."""
        return self.laws[rng.choice(self.weight_s.size, count, p=self.weight_s)]


def believe(
    laws: Law, prior_s: Numbers, binding: Binding, runs: Runs, noise: float = 0.01
) -> Posterior:
    """Return the belief in an ensemble of laws after runs, in the order of their rows.

    `noise` is the opinion of the spread of one run, in the unit of the output.
    """
    return beliefs(laws, prior_s, binding, runs, [len(runs)], noise)[0]


def beliefs(
    laws: Law,
    prior_s: Numbers,
    binding: Binding,
    runs: Runs,
    looks: list[int],
    noise: float = 0.01,
) -> list[Posterior]:
    """Return the belief after the first so many runs, for each look."""
    predicted_sn = laws(**binding.arguments({s: runs[s] for s in binding.takes}))
    r_sn = np.asarray(predicted_sn) - runs[binding.predicts]
    square_sn = np.cumsum(r_sn**2, axis=1)
    out = []
    for n in looks:
        best = int(np.argmin(square_sn[:, n - 1] - 1e-12 * prior_s))
        effective = n * min(independent_share(r_sn[best, :n]), MOST_INDEPENDENT)
        shrunk_s = square_sn[:, n - 1] * (effective / n) + OPINION * noise**2
        log_s = np.log(np.maximum(prior_s, 1e-300)) - 0.5 * (effective + OPINION) * np.log(shrunk_s)
        weight_s = np.exp(log_s - log_s.max())
        out.append(Posterior(laws, prior_s, weight_s / weight_s.sum(), n, effective))
    return out


def independent_share(residuals_n: Numbers) -> float:
    """Return which share of residuals in a row counts as independent: (1 - c) / (1 + c).

    c is the correlation of neighbours, from which what fitting takes off is given back; at least
    0, and 0 for a few residuals.
    """
    n = residuals_n.size
    if n < FEWEST_FOR_MEMORY:
        return 1.0
    r = residuals_n - residuals_n.mean()
    total = float((r * r).sum())
    if total <= 0:
        return 1.0
    c = float((r[1:] * r[:-1]).sum()) / total + 2.0 / n
    c = min(max(c, 0.0), 0.95)
    return (1 - c) / (1 + c)
