"""Every rule of the dual arrays is the derivative of its ufunc."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.fitting.dual import COMPARISONS, RULES, Dual

X, Y = np.array([0.3, 1.7, 2.4]), np.array([1.1, 0.6, 3.2])
SLOPE_X, SLOPE_Y = np.array([1.0, -2.0, 0.5]), np.array([0.7, 1.0, 3.0])


@pytest.mark.parametrize("ufunc", RULES, ids=lambda u: u.__name__)
def test_a_rule_is_the_derivative(ufunc):
    two = ufunc.nin == 2
    got = ufunc(*(Dual(X, {0: SLOPE_X}), Dual(Y, {0: SLOPE_Y}))[: ufunc.nin])
    h = 1e-6

    def moved(step):
        return ufunc(*(X + step * SLOPE_X, Y + step * SLOPE_Y)[: ufunc.nin])

    np.testing.assert_allclose(got.value, ufunc(*(X, Y)[: 1 + two]), rtol=1e-15)
    np.testing.assert_allclose(got.slopes[0], (moved(h) - moved(-h)) / (2 * h), rtol=1e-8)


def test_numbers_on_either_side_carry_no_slope():
    x = Dual(X, {3: SLOPE_X})
    for got, slope in (
        (2.0 - x, -SLOPE_X),
        (x / 4, SLOPE_X / 4),
        (Y**x, Y**X * np.log(Y) * SLOPE_X),
        (np.float64(3.0) * x, 3 * SLOPE_X),
    ):
        assert set(got.slopes) == {3}
        np.testing.assert_allclose(got.slopes[3], slope)


def test_a_power_of_a_base_below_zero_has_its_slope():
    got = Dual(np.array([-2.0]), {0: 1.0}) ** 2.0
    assert (float(got.value[0]), float(got.slopes[0][0])) == (4.0, -4.0)


@pytest.mark.parametrize("ufunc", COMPARISONS, ids=lambda u: u.__name__)
def test_comparisons_are_of_values(ufunc):
    got = ufunc(Dual(X, {0: SLOPE_X}), Dual(Y, {1: SLOPE_Y}))
    np.testing.assert_array_equal(got, ufunc(X, Y))


def test_a_ufunc_without_a_rule_is_refused():
    with pytest.raises(TypeError, match="arctan"):
        np.arctan(Dual(X, {0: SLOPE_X}))
    with pytest.raises(TypeError):
        np.add.reduce(Dual(X, {0: SLOPE_X}))
