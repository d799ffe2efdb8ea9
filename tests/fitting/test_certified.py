"""The solver reproduces certified answers: nonlinear regressions of NIST's StRD collection.

Data and certified values: itl.nist.gov/div898/strd. Each form is declared as a law for the length
of its test and forgotten; parameters are b1, b2, ... as NIST calls them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from synthetic import registry_as_it_was

from isoflop.fitting import search
from isoflop.fitting.objective import Squared
from isoflop.fitting.problem import pose
from isoflop.fitting.solve import refine, solve
from isoflop.law import Binding, Law, param
from isoflop.runs import Runs

DIGITS = 1e-6  # relative: six digits
ANY = (-np.inf, np.inf)


@dataclass(frozen=True)
class Certified:
    """A data set: its starts, the certified b1, b2, ... and residual sum of squares."""

    formula: object
    starts: tuple[tuple[float, ...], tuple[float, ...]]
    answer: tuple[float, ...]
    squares: float
    x: tuple[float, ...]
    y: tuple[float, ...]
    signed: tuple[int, ...] = ()  # parameters that may be negative
    first_defeats: bool = False  # NIST's far start leads a single descent elsewhere


SETS = {
    "misra1a": Certified(  # lower difficulty
        lambda p, x: p.b1 * (1 - np.exp(-p.b2 * x)),
        ((500, 1e-4), (250, 5e-4)),
        (2.3894212918e02, 5.5015643181e-04),
        1.2455138894e-01,
        (77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1,
         689.1, 760.0),
        (10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40,
         75.47, 81.78),
    ),
    "mgh17": Certified(  # average difficulty
        lambda p, x: p.b1 + p.b2 * np.exp(-x * p.b4) + p.b3 * np.exp(-x * p.b5),
        ((50, 150, -100, 1, 2), (0.5, 1.5, -1, 0.01, 0.02)),
        (3.7541005211e-01, 1.9358469127, -1.4646871366, 1.2867534640e-02, 2.2122699662e-02),
        5.4648946975e-05,
        tuple(range(0, 330, 10)),
        (0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.850, 0.818, 0.784, 0.751, 0.718,
         0.685, 0.658, 0.628, 0.603, 0.580, 0.558, 0.538, 0.522, 0.506, 0.490, 0.478, 0.467,
         0.457, 0.448, 0.438, 0.431, 0.424, 0.420, 0.414, 0.411, 0.406),
        signed=(3,),
        first_defeats=True,
    ),
    "boxbod": Certified(  # higher difficulty
        lambda p, x: p.b1 * (1 - np.exp(-p.b2 * x)),
        ((1, 1), (100, 0.75)),
        (2.1380940889e02, 5.4723748542e-01),
        1.1680088766e03,
        (1, 2, 3, 5, 7, 10),
        (109, 149, 149, 191, 213, 224),
    ),
    "rat43": Certified(  # higher difficulty
        lambda p, x: p.b1 / (1 + np.exp(p.b2 - p.b3 * x)) ** (1 / p.b4),
        ((100, 10, 1, 1), (700, 5, 0.75, 1.3)),
        (6.9964151270e02, 5.2771253025, 7.5962938329e-01, 1.2792483859),
        8.7864049080e03,
        tuple(range(1, 16)),
        (16.08, 33.83, 65.80, 97.20, 191.55, 326.20, 386.87, 520.53, 590.03, 651.92, 724.93,
         699.56, 689.96, 637.56, 717.41),
    ),
    "mgh10": Certified(  # higher difficulty: parameters nine decades apart
        lambda p, x: p.b1 * np.exp(p.b2 / (x + p.b3)),
        ((2, 4e5, 2.5e4), (0.02, 4e3, 250)),
        (5.6096364710e-03, 6.1813463463e03, 3.4522363462e02),
        8.7945855171e01,
        tuple(range(50, 130, 5)),
        (34780, 28610, 23650, 19630, 16370, 13720, 11540, 9744, 8261, 7030, 6005, 5147, 4427,
         3820, 3307, 2872),
    ),
}  # fmt: skip


def declare(name: str, case: Certified) -> type[Law]:
    """Declare the form of a data set as a law, searched between twice and half NIST's starts."""
    fields = {}
    for i, ends in enumerate(zip(*case.starts, strict=True), start=1):
        low, high = min(ends), max(ends)
        signed = i in case.signed
        span = (2 * low, high / 2) if signed else (low / 2, 2 * high)
        fields[f"b{i}"] = param("?", typical=span, bounds=ANY if signed else (0, np.inf))
    body = {
        "key": name,
        "predicts": "y",
        "source": "NIST StRD",
        "residuals": "linear",
        "homogeneous": False,
        "__call__": lambda self, x: case.formula(self, x),
        "__annotations__": dict.fromkeys(fields, float),
    }
    return type(name, (Law,), body | fields)


@pytest.fixture(params=SETS)
def posed(request):
    case = SETS[request.param]
    runs = Runs({"x": np.array(case.x, float), "y": np.array(case.y, float)})
    with registry_as_it_was():
        yield case, declare(request.param, case), runs


def test_solve_descends_to_the_certified_values_from_both_starts(posed):
    case, form, runs = posed
    problem = pose(Binding(form, "x", "y"), runs.columns)
    ones = np.ones(len(runs))
    starts = [
        problem.point(form(**dict(zip(form.params, map(float, start), strict=True))))
        for start in case.starts
    ]
    ends = solve(problem.residuals, np.stack(starts), ones[None], Squared())
    reached = []
    for z_p in ends.z_sp:
        law = problem.law(refine(problem.residuals, z_p, ones, Squared()))
        reached.append(np.allclose([*law.values.values()], case.answer, rtol=DIGITS, atol=0))
    assert reached[1]
    assert reached[0] or case.first_defeats
    assert 2 * ends.value_s.min() == pytest.approx(case.squares, rel=1e-9)


def test_a_search_finds_the_certified_values_by_itself(posed):
    case, form, runs = posed
    problem, ones = pose(Binding(form, "x", "y"), runs.columns), np.ones(len(runs))
    found = search(problem, ones, Squared(), np.random.default_rng(0))
    assert list(problem.law(found.z_p).values.values()) == pytest.approx(case.answer, rel=DIGITS)
    assert 2 * found.value == pytest.approx(case.squares, rel=1e-9)
    assert found.starts.agree >= 3
