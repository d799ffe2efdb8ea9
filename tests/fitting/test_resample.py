"""Rows of weights: what each kind of draw keeps whole."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

from isoflop.errors import UsageError
from isoflop.fitting import fit, resample
from isoflop.runs import Runs

DRAWS = 4000
BUDGETS = np.repeat([1.0, 2.0, 3.0], [2, 5, 13])


def rng():
    return np.random.default_rng(0)


def test_pairs_draw_as_many_runs_as_there_are_each_as_likely():
    counts = resample.pairs(rng(), 20, DRAWS)
    assert counts.shape == (DRAWS, 20)
    assert (counts.sum(1) == 20).all()
    # The mean of 4,000 counts has a standard error of 0.016.
    np.testing.assert_allclose(counts.mean(0), 1, atol=0.065)


def test_stratified_draws_keep_the_size_of_every_stratum():
    counts = resample.stratified(rng(), BUDGETS, DRAWS)
    for budget, size in ((1.0, 2), (2.0, 5), (3.0, 13)):
        assert (counts[:, budget == BUDGETS].sum(1) == size).all()
    np.testing.assert_allclose(counts.mean(0), 1, atol=0.065)
    assert counts.std(0).min() > 0.6


def test_clustered_draws_take_whole_clusters():
    counts = resample.clustered(rng(), np.array(["a", "b", "c"])[BUDGETS.astype(int) - 1], DRAWS)
    for budget in (1.0, 2.0, 3.0):
        inside = counts[:, budget == BUDGETS]
        assert (inside == inside[:, :1]).all()
    first = [np.flatnonzero(b == BUDGETS)[0] for b in (1.0, 2.0, 3.0)]
    assert (counts[:, first].sum(1) == 3).all()


def test_the_jackknife_leaves_one_out_at_a_time():
    weights = resample.jackknife(np.arange(4))
    assert (weights.sum(1) == 3).all()
    assert (np.diag(weights) == 0).all()


def labelled() -> Runs:
    made = made_by(TRUTH, grid(), noise=5e-3)
    families = np.array([f"f{i % 12}" for i in range(len(made))])
    return Runs(made.columns, {"family": families}, made.conventions)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"stratify": "C"}, "stratified by C"),
        ({"cluster": "family"}, "clusters of family"),
        ({}, "pairs"),
    ],
)
def test_a_fit_says_how_it_drew(options, says):
    got = fit("chinchilla", labelled(), draws=20, **options)
    assert got.resampling == says
    assert np.ptp(got.draws.alpha) > 0


def test_draws_that_could_never_differ_are_refused():
    """A stratum of one run, or one cluster of all, gives an interval of no width at all."""
    runs = labelled()
    with pytest.raises(UsageError, match="stratify"):
        fit("chinchilla", runs, draws=20, stratify="L")
    alone = Runs(runs.columns, {"family": np.full(len(runs), "one")}, runs.conventions)
    with pytest.raises(UsageError, match="cluster"):
        fit("chinchilla", alone, draws=20, cluster="family")
    with pytest.raises(UsageError, match="not both"):
        fit("chinchilla", runs, draws=20, stratify="C", cluster="family")
