"""Rows of weights: what each kind of draw keeps whole."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

from isoflop.errors import BadRuns, UsageError
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
        ({"resample": "wild"}, "wild"),
        ({"resample": "wild", "cluster": "family"}, "wild, clusters of family"),
        ({"resample": "jackknife"}, "jackknife"),
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


def test_how_a_fit_drew_can_be_read_back():
    for text in ("pairs", "wild", "jackknife", "stratified by C", "clusters of run",
                 "wild, clusters of N", "jackknife, clusters of family"):  # fmt: skip
        assert str(resample.Resampling.read(text)) == text


def test_signs_are_those_of_whole_clusters():
    drawn = resample.signs(rng(), BUDGETS, DRAWS)
    assert set(np.unique(drawn)) == {-1.0, 1.0}
    for budget in (1.0, 2.0, 3.0):
        inside = drawn[:, budget == BUDGETS]
        assert (inside == inside[:, :1]).all()
    np.testing.assert_allclose(drawn.mean(0), 0, atol=0.065)


def test_levels_bridge_a_step_but_not_a_continuum():
    steps = np.array([1.0, 1.03, 0.98, 2.0, 2.05, 4.0])
    np.testing.assert_array_equal(resample.levels(steps), [0, 0, 0, 1, 1, 2])
    continuum = np.geomspace(1, 1e4, 400)
    found = resample.levels(continuum)
    assert found.max() + 1 == pytest.approx(16, abs=1)
    assert np.unique(found, return_counts=True)[1].min() > 5 or found[-1] > found[-2]


@pytest.mark.parametrize("options", [{}, {"stratify": "C"}, {"cluster": "N"}, {"resample": "wild"}])
def test_draws_do_not_hang_on_the_order_of_rows(options):
    runs = labelled()
    shuffled = runs[np.random.default_rng(1).permutation(len(runs))]
    one, other = (fit("chinchilla", r, draws=40, **options) for r in (runs, shuffled))
    np.testing.assert_allclose(one.draws.alpha, other.draws.alpha, rtol=1e-6)


def test_wild_draws_of_exact_runs_are_all_the_truth():
    got = fit("chinchilla", made_by(TRUTH, grid()), draws=30, resample="wild")
    np.testing.assert_allclose(got.draws.alpha, TRUTH.alpha, rtol=1e-4)


def test_requests_that_contradict_themselves_are_refused():
    runs = labelled()
    for options, says in (
        ({"resample": "wild", "stratify": "C"}, "stratify is for pairs"),
        ({"resample": "residual"}, "must be pairs, wild or jackknife"),
        ({"resample": "wild", "objective": "asymmetric"}, "draw pairs instead"),
        ({"resample": "wild", "cluster": "seed"}, "seed"),
    ):
        with pytest.raises((UsageError, BadRuns), match=says):
            fit("chinchilla", runs, draws=20, **options)


def in_clusters(seed: int, shared: float) -> Runs:
    """Return a sweep of 12 families, of which each shares a luck."""
    made = made_by(TRUTH, grid(sizes=12))
    families = np.tile(np.arange(12), 6)
    draw = np.random.default_rng(seed).standard_normal
    luck = shared * draw(12)[families] + 2e-3 * draw(len(made))
    columns = {**made.columns, "L": made["L"] * np.exp(luck)}
    return Runs(columns, {"family": families.astype(str)}, made.conventions)


# Row V30 of the validation suite. 60 studies count 90% with a standard error of 4 points.
@pytest.mark.parametrize(
    ("options", "shared"),
    [
        ({"stratify": "C"}, 0.0),
        ({"resample": "wild"}, 0.0),
        ({"resample": "wild", "objective": "squared"}, 0.0),
        ({"cluster": "family"}, 6e-3),
        ({"resample": "wild", "cluster": "family"}, 6e-3),
    ],
)
def test_intervals_of_each_kind_of_draw_hold_the_truth(options, shared):
    hits = dict.fromkeys(("E", "alpha", "beta"), 0)
    for seed in range(60):
        got = fit("chinchilla", in_clusters(seed, shared), draws=100, seed=seed, screened=64,
                  polished=2, **options)  # fmt: skip
        for name in hits:
            low, high = got.interval(name, 0.9)
            hits[name] += low <= getattr(TRUTH, name) <= high
    for name, count in hits.items():
        assert 48 <= count <= 59, f"{name}: {count} of 60"


def test_pairs_are_too_sure_of_runs_that_share_their_luck():
    """What clusters are for: pairs draw apart what belongs together."""
    held = 0
    for seed in range(40):
        got = fit("chinchilla", in_clusters(seed, 6e-3), draws=100, seed=seed, screened=64,
                  polished=2)  # fmt: skip
        low, high = got.interval("alpha", 0.9)
        held += low <= TRUTH.alpha <= high
    assert held < 0.8 * 40
