"""Intervals that say 90% hold 90%: simulated studies, counted (validation row V30)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

from isoflop.fitting import fit, quantiles

STUDIES, DRAWS, LEVEL = 200, 200, 0.9
# With 90% coverage, 200 studies count 90% with this standard error: 2.1 points.
ERROR = math.sqrt(LEVEL * (1 - LEVEL) / STUDIES)
LARGE = {"N": 7e10, "D": 1.4e12}


@pytest.fixture(scope="module")
def held() -> dict[str, float]:
    """Return the share of studies of 120 runs whose interval holds the truth."""
    hits = dict.fromkeys([*TRUTH.params, "L"], 0)
    columns = grid()
    for seed in range(STUDIES):
        runs = made_by(TRUTH, columns, noise=5e-3, seed=seed)
        got = fit("chinchilla", runs, draws=DRAWS, seed=seed, screened=64, polished=2)
        for name in TRUTH.params:
            low, high = got.interval(name, LEVEL)
            hits[name] += low <= getattr(TRUTH, name) <= high
        low, high = quantiles(got.draws(**LARGE)[:, 0], LEVEL)
        hits["L"] += low <= TRUTH(**LARGE) <= high
    return {name: count / STUDIES for name, count in hits.items()}


@pytest.mark.parametrize("name", [*TRUTH.params, "L"])
def test_v30_a_90_percent_interval_holds_the_truth(replicated, held, name):
    """In 85 to 95% of studies."""
    assert 2 * ERROR < 0.05, "too few studies to tell"
    what = f"studies whose 90% interval holds {name}, of {STUDIES} [%]"
    replicated("V30", what, paper=90, ours=100 * held[name], within=5)


def test_draws_scatter_as_studies_do():
    """The draws of one study and the fits of many have the same spread."""
    columns, many = grid(), []
    for seed in range(60):
        runs = made_by(TRUTH, columns, noise=5e-3, seed=1000 + seed)
        many.append(fit("chinchilla", runs, draws=0, screened=64, polished=2).law.alpha)
    one = fit("chinchilla", made_by(TRUTH, columns, noise=5e-3), draws=500)
    # A standard deviation of 60 numbers is known to 9%.
    assert np.std(one.draws.alpha) == pytest.approx(np.std(many), rel=0.3)
