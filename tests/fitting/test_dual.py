"""Every rule of the dual arrays is the derivative of its function."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special
from synthetic import registry_as_it_was

from isoflop.errors import BadLaw
from isoflop.fitting import fit
from isoflop.fitting.derivatives import COMPARISONS, PREDICATES, RULES, SPECIAL
from isoflop.fitting.dual import Dual
from isoflop.law import Law, param
from isoflop.runs import Runs

X, Y = np.array([0.3, 0.74, 0.52]), np.array([1.1, 0.6, 3.2])
SLOPE_X, SLOPE_Y = np.array([1.0, -2.0, 0.5]), np.array([0.7, 1.0, 3.0])
UFUNCS = [*RULES, *(getattr(special, name) for name in SPECIAL)]


@pytest.mark.parametrize("ufunc", UFUNCS, ids=lambda u: u.__name__)
def test_a_rule_is_the_derivative(ufunc):
    x = X + 1 if ufunc is np.arccosh else X
    got = ufunc(*(Dual(x, {0: SLOPE_X}), Dual(Y, {0: SLOPE_Y}))[: ufunc.nin])
    h = 1e-6

    def moved(step):
        return ufunc(*(x + step * SLOPE_X, Y + step * SLOPE_Y)[: ufunc.nin])

    np.testing.assert_allclose(got.value, moved(0.0), rtol=1e-15)
    difference = (moved(h) - moved(-h)) / (2 * h)
    np.testing.assert_allclose(got.slopes[0] * np.ones(3), difference, rtol=1e-7, atol=1e-9)


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


def test_a_power_of_zero_is_flat_where_it_is_zero():
    exponent = Dual(np.array([1.5]), {0: np.ones(1)})
    with np.errstate(all="ignore"):
        assert float((np.array([0.0]) ** exponent).slopes[0][0]) == 0.0
        base = Dual(np.array([0.0]), {0: np.ones(1)})
        assert [float((base**p).slopes[0][0]) for p in (1.0, 2.0, 0.0)] == [1.0, 0.0, 0.0]


@pytest.mark.parametrize(
    "ufunc", sorted([*COMPARISONS, *PREDICATES], key=lambda u: u.__name__), ids=lambda u: u.__name__
)
def test_comparisons_are_of_values(ufunc):
    numbers = (X, Y)[: ufunc.nin]
    duals = (Dual(X, {0: SLOPE_X}), Dual(Y, {1: SLOPE_Y}))[: ufunc.nin]
    np.testing.assert_array_equal(ufunc(*duals), ufunc(*numbers))


WHERE = {
    "where": lambda x, y: np.where(x > 0.5, x * y, y),
    "clip": lambda x, y: np.clip(x * y, 0.4, 1.5),
    "sum": lambda x, y: np.sum(x[:, None] * y, axis=-1),
    "mean": lambda x, y: np.mean(x[:, None] * np.exp(y), axis=-1),
    "matmul": lambda x, y: np.stack([x, x * y], axis=-1) @ np.array([2.0, 3.0]),

}  # fmt: skip


@pytest.mark.parametrize("name", WHERE)
def test_functions_that_pick_and_add_have_their_slopes(name):
    work, h = WHERE[name], 1e-6
    got = work(Dual(X, {0: SLOPE_X}), Dual(Y, {0: SLOPE_Y}))
    ends = [work(X + s * h * SLOPE_X, Y + s * h * SLOPE_Y) for s in (1, -1)]
    np.testing.assert_allclose(got.value, work(X, Y))
    np.testing.assert_allclose(got.slopes[0], (ends[0] - ends[1]) / (2 * h), rtol=1e-7)


@pytest.mark.parametrize(
    ("work", "name"),
    [
        (lambda x: special.jv(1.0, x), "jv"),
        (np.nextafter.__call__, "nextafter"),
        (lambda x: np.multiply.reduce(x), "multiply"),
        (lambda x: np.interp(x, X, Y), "interp"),
        (np.sort, "sort"),
    ],
)
def test_a_function_without_a_rule_is_refused_by_name(work, name):
    x = Dual(X, {0: SLOPE_X})
    with pytest.raises(BadLaw, match=rf"uses {name}"):
        work(x, x) if name == "nextafter" else work(x)


def declare(formula) -> type[Law]:
    fields = {k: param("1", typical=(0.5, 3)) for k in "ab"}
    said = {"key": "odd", "predicts": "y", "source": "made up", "homogeneous": False,
            "__annotations__": dict.fromkeys(fields, float),
            "__call__": lambda self, x: formula(self, x)}  # fmt: skip
    return type("Odd", (Law,), said | fields)


@pytest.mark.parametrize(
    "formula",
    [
        lambda p, x: p.a * special.erf(x / p.b),
        lambda p, x: p.a + np.where(x > 2, p.b * np.sin(x), np.cos(p.b)),
        lambda p, x: p.a * np.arctan(p.b * x),
        lambda p, x: np.hypot(p.a, p.b * x),
        lambda p, x: p.a + np.clip(p.b * x, 2, 9),
        lambda p, x: np.exp2(p.a) + np.cbrt(p.b * x),
    ],
)
def test_a_law_may_hold_what_numpy_offers(formula):
    x = np.geomspace(0.1, 8, 30)
    with registry_as_it_was():
        law = declare(formula)
        runs = Runs({"x": x, "y": law(a=1.3, b=1.7)(x)})
        got = fit(law, runs, over="x", predicts="y", objective="squared", residuals="linear",
                  draws=0)  # fmt: skip
    assert (got.law.a, got.law.b) == pytest.approx((1.3, 1.7), rel=1e-6)


@pytest.mark.parametrize(
    ("formula", "says"),
    [
        (lambda p, x: p.a * special.jv(p.b, x), "uses jv"),
        (lambda p, x: p.a * np.array([np.interp(v, [0, 9], [0, 1]) for v in x]) + p.b if p.a else 0,
         "odd cannot be fitted"),
        (lambda p, x: p.a * x + float(p.b), "odd cannot be fitted"),
        (lambda p, x: p.a * x[:3] + p.b, "odd cannot be fitted"),
    ],
)  # fmt: skip
def test_a_law_that_cannot_be_followed_is_refused_in_words(formula, says):
    x = np.linspace(1, 8, 30)
    with registry_as_it_was(), pytest.raises(BadLaw, match=says):
        fit(declare(formula), Runs({"x": x, "y": 1 + x}), over="x", predicts="y")
