"""The batched solve ends at the optimum: held against scipy, against other starts, and itself."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize
from synthetic import TRUTH, grid, made_by, some_law

from isoflop.fitting import Beginning, fit, resample, search
from isoflop.fitting.objective import OBJECTIVES, Huber, objective
from isoflop.fitting.problem import pose
from isoflop.fitting.solve import Damping, refine, solve
from isoflop.law import Binding
from isoflop.laws import Chinchilla, Generalised, KaplanJoint, Power

RUNS = made_by(TRUTH, grid(), noise=5e-3)
PROBLEM = pose(Binding(Chinchilla), RUNS.columns)
ONES = np.ones(len(RUNS))


def refereed(problem, weights_n, target, z_p):
    """Return the least objective that scipy's BFGS reaches from a point."""

    def value_and_slope(z):
        r_sn, J_spn = problem.residuals(z[None])
        return (
            (weights_n * target.loss(r_sn[0])).sum() * 1e6,
            J_spn[0] @ (weights_n * target.slope(r_sn[0])) * 1e6,
        )

    return minimize(value_and_slope, z_p, jac=True, method="BFGS").fun / 1e6


@pytest.mark.parametrize("name", OBJECTIVES)
def test_no_referee_finds_a_lower_point(name):
    target = objective(name)
    found = search(PROBLEM, ONES, target, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    for z_p in (found.z_p, found.z_p + 0.1 * rng.standard_normal(5), PROBLEM.point(TRUTH)):
        assert found.value <= refereed(PROBLEM, ONES, target, z_p) * (1 + 1e-10)


@pytest.mark.parametrize("form", [Chinchilla, KaplanJoint, Generalised, Power])
def test_slopes_in_the_solvers_coordinates_are_differences(form):
    binding = Binding(form, "C" if form is Power else None)
    problem = pose(binding, RUNS.columns)
    z_p = problem.point(some_law(form, np.random.default_rng(4)))
    _, J_spn = problem.residuals(z_p[None])
    for i in range(z_p.size):
        step = np.zeros((1, z_p.size))
        step[0, i] = 1e-6
        difference = problem.values(z_p + step) - problem.values(z_p - step)
        np.testing.assert_allclose(
            J_spn[0, i], difference[0] / 2e-6, atol=1e-6 * np.abs(J_spn).max(), rtol=1e-6
        )


def test_every_bootstrap_refit_is_its_own_optimum():
    """Issue: within 1e-8, spot-checked from other starts."""
    target, rng = Huber(), np.random.default_rng(0)
    found = search(PROBLEM, ONES, target, rng)
    counts_sn = resample.pairs(rng, len(RUNS), 400)
    refits = solve(
        PROBLEM.residuals,
        np.repeat(found.z_p[None], 400, 0),
        counts_sn,
        target,
        damping=Damping(near=True),
    )
    for i in range(0, 400, 40):
        again = search(PROBLEM, counts_sn[i], target, np.random.default_rng(i), Beginning(256, 8))
        assert refits.value_s[i] <= again.value * (1 + 1e-8)
        assert again.value <= refits.value_s[i] * (1 + 1e-8)


def test_rows_do_not_disturb_each_other():
    """A row ends where it would have ended alone, whatever its neighbours and their chunk."""
    target, rng = Huber(), np.random.default_rng(0)
    start_sp = PROBLEM.point(TRUTH) + 0.3 * rng.standard_normal((300, 5))
    weights_sn = resample.pairs(rng, len(RUNS), 300)
    together = solve(PROBLEM.residuals, start_sp, weights_sn, target)
    for i in (0, 77, 299):
        alone = solve(PROBLEM.residuals, start_sp[i : i + 1], weights_sn[i : i + 1], target)
        assert alone.value_s[0] == pytest.approx(together.value_s[i], rel=1e-9)


def test_a_row_that_has_no_value_is_left_where_it_stands():
    start_sp = np.stack([PROBLEM.point(TRUTH), np.full(5, np.nan)])
    ends = solve(PROBLEM.residuals, start_sp, ONES[None], Huber())
    assert np.isfinite(ends.value_s[0])
    assert ends.value_s[1] == np.inf


def test_refine_ends_where_the_gradient_vanishes():
    found = search(PROBLEM, ONES, Huber(), np.random.default_rng(0))
    z_p = refine(PROBLEM.residuals, found.z_p + 1e-5, ONES, Huber())
    np.testing.assert_allclose(z_p, found.z_p, rtol=1e-9)
    assert found.gradient < 1e-10 * found.value * len(RUNS)


def test_a_fit_ends_where_scipys_does_for_each_law():
    for law in ("chinchilla", "kaplan-joint", "generalised"):
        got = fit(law, RUNS, draws=0)
        problem = pose(got.binding, RUNS.columns)
        least = refereed(problem, ONES, Huber(), problem.point(got.law))
        assert got.value <= least * (1 + 1e-9), law
