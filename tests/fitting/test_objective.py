"""What a fit minimises: each objective, its derivatives, and its refusals."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.errors import UnknownName, UsageError
from isoflop.fitting.objective import OBJECTIVES, Asymmetric, Huber, objective

# Either side of every kink, none on it: delta is 1e-3, and Student's curvature turns at 2e-2.
R = np.concatenate([-np.geomspace(1e-5, 0.5, 23), np.geomspace(1e-5, 0.5, 23)])
every_objective = pytest.mark.parametrize("name", OBJECTIVES)


@every_objective
def test_slope_is_the_derivative_of_the_loss(name):
    target, h = objective(name), 1e-4 * np.abs(R)
    difference = (target.loss(R + h) - target.loss(R - h)) / (2 * h)
    np.testing.assert_allclose(target.slope(R), difference, rtol=1e-6)


@every_objective
def test_curvature_is_the_derivative_of_the_slope_cut_at_zero(name):
    target, h = objective(name), 1e-4 * np.abs(R)
    difference = (target.slope(R + h) - target.slope(R - h)) / (2 * h)
    np.testing.assert_allclose(target.curvature(R), np.maximum(difference, 0), rtol=1e-6, atol=1e-8)


@every_objective
def test_weight_is_slope_by_residual_and_finite_at_zero(name):
    target = objective(name)
    np.testing.assert_allclose(target.weight(R) * R, target.slope(R), rtol=1e-14)
    nothing = np.zeros(1)
    assert target.loss(nothing) == target.slope(nothing) == 0
    assert target.weight(nothing) > 0


def test_huber_is_hoffmanns():
    r = np.array([5e-4, -5e-4, 3e-3, -3e-3])
    np.testing.assert_allclose(
        Huber(1e-3).loss(r), [1.25e-7, 1.25e-7, 1e-3 * 2.5e-3, 1e-3 * 2.5e-3]
    )


def test_asymmetric_weighs_predictions_above_the_runs():
    target = Asymmetric(over=4.0)
    np.testing.assert_allclose(target.loss(np.abs(R)), 4 * target.loss(-np.abs(R)))


def test_delta_belongs_to_objectives_that_have_one():
    assert objective("huber", 0.1).delta == 0.1
    assert objective("huber").delta == 1e-3
    with pytest.raises(UsageError, match="no delta"):
        objective("squared", 0.1)
    for bad in (0.0, -1.0, float("nan")):
        with pytest.raises(UsageError, match="above zero"):
            objective("huber", bad)
    with pytest.raises(UnknownName, match="did you mean 'huber'"):
        objective("hubber")
