"""Intervals hold what they say: noise may follow scale, and error of the form grows with reach."""

from __future__ import annotations

import math

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

from isoflop.assess import Candidate, backtest
from isoflop.assess.extrapolation.calibration import (
    ForecastErrors,
    growth,
    half_width,
    reached,
    scatter,
)
from isoflop.assess.extrapolation.learnt import LEARNT
from isoflop.fitting import fit
from isoflop.forecasting import forecast
from isoflop.laws import KaplanJoint
from isoflop.runs import Runs

CHINCHILLA = Candidate("chinchilla")
KAPLANS = KaplanJoint(E=0.0, N_c=6.4e13, D_c=1.8e13, alpha_N=0.076, alpha_D=0.103)


def splits(k: float, noise: float, count: int, seed: int = 0) -> list[ForecastErrors]:
    """Return splits whose form errs by k log(ratio), one draw a split, with noise on each run."""
    rng = np.random.default_rng(seed)
    distance = np.linspace(0.1, 3, 40)
    return [
        ForecastErrors(
            k * distance * rng.standard_normal() + noise * rng.standard_normal(distance.size),
            distance,
            noise**2,
        )
        for _ in range(count)
    ]


def test_growth_recovers_the_error_of_the_form_and_not_the_noise():
    assert growth(splits(0.03, 0.02, 400)) == pytest.approx(0.03, rel=0.1)
    assert growth(splits(0.0, 0.02, 400)) < 0.004


def test_few_splits_are_weighed_against_what_forms_usually_err():
    assert growth([]) == pytest.approx(LEARNT.growth)
    still = [ForecastErrors(np.zeros(5), np.ones(5), 0.0)] * 6
    assert growth(still) == pytest.approx(LEARNT.growth * math.sqrt(LEARNT.splits / 8))


def test_a_pool_counts_half_of_what_its_backtest_shows():
    many = splits(0.03, 0.02, 400)
    assert growth(many, LEARNT) == pytest.approx(
        growth(many) * math.sqrt(LEARNT.evidence), rel=0.02
    )
    assert growth([], LEARNT) == LEARNT.growth


def test_beyond_the_largest_runs_the_noise_is_theirs():
    runs = made_by(TRUTH, grid(sizes=10), noise=1e-3)
    size = runs["N"] * runs["D"]
    louder = np.where(size < np.quantile(size, 0.6), 1.0, 0.0)
    rng = np.random.default_rng(0)
    L = runs["L"] * np.exp(2e-2 * louder * rng.standard_normal(size.size))
    noise = scatter(fit("chinchilla", Runs({**runs.columns, "L": L}), draws=0))
    at = {"N": np.array([1e7, 1e11]), "D": np.array([1e9, 1e13])}
    small, large = noise.draw(rng, 4000, at).std(0)
    assert large < small / 3


def test_a_calibrated_interval_covers_at_its_level():
    """Each of 600 splits against an interval learnt from twelve others; forms err as usual."""
    level, hits = 0.9, []
    for seed in range(600):
        *learnt, one = splits(LEARNT.growth, 0.01, 13, seed)
        hits.append(np.mean(np.abs(one.error) <= half_width(learnt, one, level)))
    # Runs of one split share the luck of its fit: the standard error is about 1 point.
    assert np.mean(hits) == pytest.approx(level, abs=0.035)


def test_an_interval_that_knows_of_the_form_holds_where_the_fit_alone_does_not():
    """Chinchilla's law carried beyond runs that Kaplan's made: the fit alone is sure and wrong."""
    runs = made_by(KAPLANS, grid(sizes=10), noise=1e-3)
    bins = reached(backtest([CHINCHILLA], runs, cuts=5, draws=60), CHINCHILLA)
    far = bins[-1]
    assert far.alone < 0.5
    assert far.calibrated > 0.8
    assert far.rms > 2 * bins[0].rms
    assert sum(b.count for b in bins) == backtest([CHINCHILLA], runs, cuts=5).errors(CHINCHILLA)[
        0
    ].size  # fmt: skip


def test_coverage_is_not_claimed_without_draws_or_other_splits():
    runs = made_by(TRUTH, grid(sizes=10), noise=1e-3)
    bins = reached(backtest([CHINCHILLA], runs, cuts=1), CHINCHILLA)
    assert all(b.alone is None and b.calibrated is None for b in bins)


def test_noise_that_falls_with_scale_is_seen_and_never_carried_beyond_the_runs():
    columns = grid(sizes=20)
    x = np.log(columns["C"])
    spread = 0.02 * np.exp(-0.4 * (x - x.min()))
    luck = np.random.default_rng(0).standard_normal(x.size)
    runs = Runs({**columns, "L": TRUTH(N=columns["N"], D=columns["D"]) * np.exp(spread * luck)})
    made = fit("chinchilla", runs, draws=100)
    found = scatter(made)
    assert found.slope == pytest.approx(-0.4, abs=0.15)
    ends = [{"N": runs["N"][i] * f, "D": runs["D"][i]} for i, f in ((0, 1.0), (-1, 1.0), (-1, 1e3))]
    small, large, beyond = (float(found.scale(at)) for at in ends)
    assert small > 5 * large
    assert beyond == pytest.approx(large, rel=1e-6)
    said = forecast(made, N=float(runs["N"][-1]), D=float(runs["D"][-1]))
    assert "noise by scale" in said.parts
    assert math.log(said.high / said.low) < 0.02


def test_even_noise_is_left_even():
    slopes = [
        scatter(fit("chinchilla", made_by(TRUTH, grid(sizes=10), noise=1e-2, seed=s), draws=0,
                  screened=64, polished=2)).slope
        for s in range(20)
    ]  # fmt: skip
    assert np.count_nonzero(slopes) <= 1
