"""Forecasts of coverage: bends are seen, the best way is found by hiding samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isoflop.assess.coverage.curvature import bend
from isoflop.assess.coverage.extrapolation import WAYS, bake_off, fit_coverage, way
from isoflop.errors import CannotFit, RefusedByData, UnknownName, UsageError
from isoflop.samples.sample_table import Counts


def counts_of(rates, n, seed=0):
    solved = np.random.default_rng(seed).binomial(n, rates)
    return Counts(tuple(f"p{i}" for i in range(rates.size)), solved, np.full(rates.size, n))


def power_rates(b, problems, seed=0):
    """Return rates whose density goes as p^(b-1): coverage is then a power law far out."""
    return np.random.default_rng(seed).beta(b, 30.0, problems)


def test_small_answer_spaces_bend_the_curve_and_that_is_said():
    """A guess among 11 is right at times: no problem is as hard as a power law would have it."""
    rates = 1 / 11 + 10 / 11 * np.random.default_rng(0).beta(0.5, 1.0, 150)
    found = bend(counts_of(rates, 256))
    assert found.curved
    assert found.slope_last > found.slope_first
    assert "guessed" in found.notes[0].text


def test_problems_that_are_never_solved_flatten_the_curve():
    rates = np.random.default_rng(1).beta(2.0, 4.0, 200) * (np.arange(200) % 4 > 0)
    found = bend(counts_of(rates, 300))
    assert found.curved
    assert "never solved" in found.notes[0].text


def test_a_forecast_lies_in_its_interval():
    rates = power_rates(0.35, 300)
    seen, truth = counts_of(rates, 100), float((1 - (1 - rates) ** 2000).mean())
    for name in ("log-log, last decades", "beta-binomial"):
        made = fit_coverage(seen, way(name), draws=100)
        low, high = made.interval(2000)
        assert low[0] < truth < high[0], name


def test_the_interval_widens_by_what_the_backtest_showed():
    made = fit_coverage(counts_of(power_rates(0.4, 100), 50), way("log-log"), draws=50)
    plain, wide = (replace(made, error=e).interval([20, 50, 5000]) for e in (0.1, 1.0))
    assert plain[0][0] == wide[0][0]
    assert wide[0][2] < plain[0][2] < plain[1][2] < wide[1][2]
    # At the samples themselves the coverage of these problems is known, up to what the law misses.
    now = 1 - made.unsolved / 100
    assert {plain[0][1], plain[1][1]} == {now, float(made.predict(50))}


def test_few_unsolved_problems_may_all_fall_and_solved_ones_stay_solved():
    """Coverage of 60 problems is a number of 60ths: 1 itself is likely, less than now is not."""
    counts = counts_of(np.random.default_rng(3).beta(1.0, 3.0, 60), 64)
    made = fit_coverage(counts, way("log-log"), draws=50)
    low, high = made.interval([640, 6400])
    now = 1 - made.unsolved / 60
    assert made.unsolved > 0
    assert (low >= now - 1e-12).all()
    assert (high == 1).all()
    assert ((low < made.predict([640, 6400])) & (made.predict([640, 6400]) < high)).all()


WORLDS = {
    "beta": lambda rng, p: rng.beta(0.45, 1.1, p),
    "hard": lambda rng, p: rng.beta(0.35, 30.0, p),
    "guessed": lambda rng, p: 1 / 50 + 49 / 50 * rng.beta(0.3, 1.0, p),
    "some never": lambda rng, p: rng.beta(0.6, 2.0, p) * (rng.random(p) > 0.2),
    "thin tail": lambda rng, p: 1 / (1 + np.exp(-rng.normal(-2.5, 2.0, p))),
}


def test_intervals_hold_what_comes():
    """90% intervals from 32 samples, at 4 and 10 times as many, where the law is mostly wrong."""
    held = {kind: [] for kind in WORLDS}
    ways = [way("log-log"), way("log-log, last decades")]
    for kind, draw in WORLDS.items():
        for seed in range(8):
            rates = draw(np.random.default_rng(seed), 80)
            counts = counts_of(rates, 32, seed + 100)
            tests = bake_off(counts, ways=ways, repeats=2)
            best = tests.order[0]
            error = float(np.sqrt(np.mean([h.error**2 for h in tests.of(best)])))
            made = replace(fit_coverage(counts, best, draws=40), error=error)
            low, high = made.interval([128, 320])
            truth = [(1 - (1 - rates) ** k).mean() for k in (128, 320)]
            held[kind] += list((low <= truth) & (truth <= high))
    shares = {kind: np.mean(inside) for kind, inside in held.items()}
    # No sample shows that every guess is right once in fifty: that forecast is too low.
    assert min(shares.values()) >= 0.5, shares
    print(shares)
    assert 0.85 <= np.mean(list(shares.values())) <= 1, shares


def test_a_bake_off_ranks_by_error_on_hidden_samples():
    counts = counts_of(np.random.default_rng(2).beta(0.5, 4.0, 400), 400)
    made = bake_off(counts, ways=WAYS[:4], repeats=2)
    assert [made.error(w) for w in made.order] == sorted(made.error(w) for w in made.order)
    assert made.error(way("beta-binomial")) < 0.03  # it is the truth here
    assert {h.n for h in made.results} == {40, 120}


def test_what_cannot_be_forecast_is_refused():
    few = counts_of(np.full(10, 0.5), 5)
    with pytest.raises(RefusedByData, match="5 samples a problem"):
        fit_coverage(few, WAYS[0])
    with pytest.raises(RefusedByData, match="8 seen"):
        bake_off(few)
    none = Counts(("a", "b"), np.zeros(2, np.int64), np.full(2, 50))
    with pytest.raises(CannotFit, match="none of 100 samples"):
        fit_coverage(none, WAYS[0])
    with pytest.raises(RefusedByData) as refusal:
        bake_off(none)
    assert str(refusal.value).count("there is no curve") == 1
    assert all(repr(w.name) in str(refusal.value) for w in WAYS)
    with pytest.raises(UsageError, match="beyond what is seen"):
        bake_off(counts_of(power_rates(0.5, 30), 50), chosen_sizes=(60,))
    with pytest.raises(UnknownName, match="did you mean 'log-log'"):
        way("loglog")
    solved = Counts(("a", "b"), np.full(2, 50), np.full(2, 50))
    with pytest.raises(CannotFit, match="points above 0"):
        fit_coverage(solved, WAYS[0])
