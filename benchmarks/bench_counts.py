"""Refits of a mixture to counts per problem, over one fit by the likelihood with SciPy alone.

`scipy.stats.fit` finds the beta-binomial of 128 problems by differential evolution; here the same
law is fitted together with 100 refits to problems drawn anew, and the scaled Beta, whose
likelihood is an integral, as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from isoflop.fitting.counts import fit_counts
from isoflop.laws import BetaBinomial, ScaledBeta

PROBLEMS, TRIED, DRAWS = 128, 1000, 100


def seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def test_refits_of_mixtures_against_one_fit_of_scipy():
    rng = np.random.default_rng(0)
    solved = rng.binomial(TRIED, 0.5 * rng.beta(0.3, 6.0, PROBLEMS))
    bounds = {"a": (0.02, 20), "b": (0.1, 500), "n": (TRIED, TRIED)}
    peer = stats.fit(stats.betabinom, solved, bounds)
    alone = seconds(lambda: stats.fit(stats.betabinom, solved, bounds))
    plain = {"unsolvable": 0.0}
    ours = fit_counts(BetaBinomial, solved, TRIED, fix=plain)
    assert (ours.law.alpha, ours.law.beta) == pytest.approx(
        (peer.params.a, peer.params.b), rel=0.01
    )
    beta = seconds(lambda: fit_counts(BetaBinomial, solved, TRIED, fix=plain, draws=DRAWS))
    scaled = seconds(lambda: fit_counts(ScaledBeta, solved, TRIED, draws=DRAWS))
    print(
        f"\none fit by scipy.stats.fit {alone:.2f} CPU-s; with {DRAWS} refits: beta-binomial "
        f"{beta / alone:.2f} and scaled Beta {scaled / alone:.2f} times that"
    )
    assert beta < 3 * alone
    assert scaled < 15 * alone
