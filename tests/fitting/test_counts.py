"""Laws fitted to counts give the truth back, with intervals, and refuse what says nothing."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import betabinom

from isoflop.errors import CannotFit, UsageError
from isoflop.fitting.counts import fit_counts
from isoflop.laws import BetaBinomial, ScaledBeta
from isoflop.options import IntervalOptions

PLAIN = {"unsolvable": 0.0}


def counts(alpha, beta, problems, n, seed=0, highest=1.0, unsolvable=0.0):
    rng = np.random.default_rng(seed)
    rate = highest * rng.beta(alpha, beta, problems) * (rng.random(problems) >= unsolvable)
    return rng.binomial(n, rate)


def test_the_chance_of_a_count_is_that_of_the_mixture():
    solved, tried = np.array([0, 1, 5, 90, 100]), np.full(5, 100)
    law = BetaBinomial(alpha=0.3, beta=4.0, unsolvable=0.0)
    exact = betabinom.logpmf(solved, 100, 0.3, 4.0)
    np.testing.assert_allclose(law.log_mass(solved, tried), exact, rtol=1e-10)
    scaled = ScaledBeta(alpha=0.3, beta=4.0, highest=1 - 1e-12)
    np.testing.assert_allclose(scaled.log_mass(solved, tried), exact, rtol=2e-4)
    for law in (BetaBinomial(alpha=0.4, beta=2.0, unsolvable=0.2),
                ScaledBeta(alpha=0.5, beta=2.0, highest=0.4)):  # fmt: skip
        every = np.exp(law.log_mass(np.arange(31), np.full(31, 30)))
        assert every.sum() == pytest.approx(1, abs=2e-4)
        assert 1 - every[0] == pytest.approx(float(law(k=30)), abs=1e-6)


def test_the_chance_is_the_same_for_one_law_and_for_many():
    solved, tried = np.array([0.0, 3, 0, 40, 50]), np.array([50.0, 50, 20, 50, 50])
    many = {"alpha": [0.2, 0.4, 1.5], "beta": [2.0, 0.7, 9.0], "highest": [0.9, 1.0, 0.3]}
    columns = {name: np.array(values)[:, None] for name, values in many.items()}
    together = ScaledBeta(**columns).log_mass(solved, tried)
    for i in range(3):
        law = ScaledBeta(**{name: values[i] for name, values in many.items()})
        np.testing.assert_allclose(law.log_mass(solved, tried), together[i], rtol=1e-12)


@pytest.mark.parametrize("law", ["beta-binomial", "scaled-beta"])
def test_no_start_finds_a_higher_likelihood(law):
    """Refits set out from the optimum of all problems, and each must find its own."""
    solved, tried = counts(0.4, 3.0, 60, 50, seed=4, highest=0.8), np.full(60, 50)
    made = fit_counts(law, solved, tried, interval=IntervalOptions(draws=3))
    drawn = np.random.default_rng(0)
    for i in range(3):
        rows = drawn.integers(0, 60, 60)
        best = made.draws[i].log_mass(solved[rows], tried[rows]).sum()
        afresh = fit_counts(
            law, solved[rows], tried[rows], interval=IntervalOptions(draws=0, seed=7)
        )
        assert best > afresh.value - 1e-3


def test_many_problems_give_the_truth_back():
    solved = counts(0.4, 3.0, 4000, 200)
    made = fit_counts("beta-binomial", solved, 200, fix=PLAIN)
    assert made.law.alpha == pytest.approx(0.4, rel=0.08)
    assert made.law.beta == pytest.approx(3.0, rel=0.12)
    solved = counts(0.5, 2.0, 4000, 400, highest=0.3)
    assert fit_counts("scaled-beta", solved, 400).law.highest == pytest.approx(0.3, rel=0.08)


def test_a_share_that_is_never_solved_is_found():
    solved = counts(1.0, 3.0, 3000, 300, unsolvable=0.25)
    made = fit_counts("beta-binomial", solved, 300, interval=IntervalOptions(draws=20))
    assert made.law.unsolvable == pytest.approx(0.25, abs=0.05)
    low, high = made.interval("unsolvable")
    assert low < 0.25 < high


def test_intervals_hold_the_truth_as_often_as_they_say():
    truth, inside = BetaBinomial(alpha=0.5, beta=3.0, unsolvable=0.0), 0
    for seed in range(24):
        solved = counts(0.5, 3.0, 80, 60, seed)
        made = fit_counts(
            "beta-binomial", solved, 60, fix=PLAIN, interval=IntervalOptions(draws=40, seed=seed)
        )
        low, high = np.quantile(made.draws(k=np.array([1000.0]))[:, 0], [0.05, 0.95])
        inside += low <= float(truth(k=1000.0)) <= high
    assert inside >= 18


def test_counts_that_say_nothing_are_refused():
    for solved in (np.zeros(20), np.full(20, 10)):
        with pytest.raises(CannotFit, match="how pass rates are spread"):
            fit_counts("beta-binomial", solved, 10)
    with pytest.raises(UsageError, match="chance of a count"):
        fit_counts("coverage-power", np.array([1, 2]), 10)
