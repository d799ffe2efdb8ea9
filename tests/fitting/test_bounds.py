"""Declared bounds hold in fits, in draws of every kind, in starts, sets and saved fits."""

from __future__ import annotations

import json

import numpy as np
import pytest
from synthetic import registry_as_it_was

from isoflop.errors import BadLaw, BadStudy, UsageError
from isoflop.fitting import Fit, fit
from isoflop.fitting.coordinates import enter, leave
from isoflop.law import Law, form, param, published
from isoflop.runs import Runs

INF = np.inf
ANY = (-INF, INF)
X = np.linspace(-1.0, 3.0, 20)
RUNS = Runs({"x": X, "y": 1 + 3 * X + 0.1 * np.random.default_rng(0).standard_normal(20)})
OPTIONS = {"over": "x", "predicts": "y", "objective": "squared", "screened": 128, "polished": 4}
# Bounds of the slope, which is 3, and where it then ends: None where it is free to be 3.
INTERVALS = [
    (ANY, (-5, 5), None),
    ((1, INF), (1.5, 9), None),
    ((4, INF), (4.5, 9), 4),
    ((-INF, 8), (-2, 4), None),
    ((-INF, 0), (-5, -0.1), 0),
    ((-INF, -2), (-5, -2.1), -2),
    ((2, 4), (2.1, 3.9), None),
    ((-4, 1), (-3, 0.9), 1),
    ((5, 9), (6, 8), 5),
]


def line(bounds, typical) -> type[Law]:
    said = {
        "key": "line", "predicts": "y", "source": "made up", "residuals": "linear",
        "homogeneous": False, "__annotations__": {"a": float, "b": float},
        "a": param("1", typical=(-5, 5), bounds=ANY),
        "b": param("1", typical=typical, bounds=bounds),
        "__call__": lambda self, x: self.a + self.b * x,
    }  # fmt: skip
    return type("Line", (Law,), said)


@pytest.mark.parametrize(("bounds", "typical", "end"), INTERVALS)
@pytest.mark.parametrize("kind", ["pairs", "wild", "jackknife", "few"])
def test_a_fit_and_its_draws_lie_within_bounds(bounds, typical, end, kind):
    runs = RUNS[::3] if kind == "few" else RUNS
    resample = "pairs" if kind == "few" else kind
    with registry_as_it_was():
        got = fit(line(bounds, typical), runs, draws=60, resample=resample, **OPTIONS)
    for slope in (np.array(got.law.b), got.draws.b):
        assert (slope >= bounds[0]).all()
        assert (slope <= bounds[1]).all()
    if end is None:
        assert got.law.b == pytest.approx(3, abs=0.2)
        assert got.status == "ok"
    else:
        assert got.law.b == pytest.approx(end, abs=1e-3)
        assert got.status == "doubtful"
        assert any("b touches its bound" in note.text for note in got.notes)
        assert ("bound", "b") in {(note.topic, note.symbol) for note in got.notes}


@pytest.mark.parametrize("bounds", [ANY, (2.0, INF), (-INF, -3.0), (-1.0, 4.0), (0.0, INF)])
def test_a_coordinate_is_any_number_and_rises_with_its_parameter(bounds):
    z = np.linspace(-30, 30, 241)
    value, slope = leave(bounds, z)
    assert ((value >= bounds[0]) & (value <= bounds[1])).all()
    assert (np.diff(value) >= 0).all()
    inner = np.abs(z) < 8
    np.testing.assert_allclose(enter(bounds, value[inner]), z[inner], atol=1e-6)
    step = 1e-6
    difference = (leave(bounds, z + step)[0] - leave(bounds, z - step)[0]) / (2 * step)
    np.testing.assert_allclose(slope[inner], difference[inner], rtol=1e-5)
    far = leave(bounds, np.array([-1e9, 1e9]))[0]
    assert (far >= bounds[0]).all()
    assert (far <= bounds[1]).all()


@pytest.mark.parametrize("name", sorted(Law.registry))
def test_no_law_leaves_its_bounds_at_any_coordinate(name):
    z = np.array([-800.0, -40.0, -3.0, 0.0, 3.0, 40.0, 800.0])
    for p in form(name).params.values():
        value, _ = leave(p.bounds, z)
        assert ((value >= p.bounds[0]) & (value <= p.bounds[1])).all()


@pytest.mark.parametrize("scale", [1.0, 1e6])
def test_bounds_are_in_the_unit_of_the_user_however_runs_are_scaled(scale):
    """A parameter in the unit of x is rescaled with x, and its bounds with it."""

    def half(self, x):
        return self.a / (1 + x / self.b)

    said = {"key": "half", "predicts": "y", "source": "made up", "residuals": "linear",
            "__annotations__": {"a": float, "b": float}, "__call__": half,
            "a": param("y", typical=(0.1, 10)),
            "b": param("x", typical=(scale, 1.9 * scale), bounds=(0.5 * scale, 2 * scale)),
            }  # fmt: skip
    x = np.geomspace(0.1, 100, 40) * scale
    for truth, end in ((1.3, 1.3), (9.0, 2.0), (0.1, 0.5)):
        with registry_as_it_was():
            law = type("Half", (Law,), said)
            runs = Runs({"x": x, "y": law(a=2.0, b=truth * scale)(x)})
            got = fit(law, runs, draws=20, **OPTIONS)
        assert got.law.b == pytest.approx(end * scale, rel=1e-3)
        assert (got.draws.b <= 2 * scale).all()


def test_a_start_outside_bounds_is_refused():
    with registry_as_it_was():
        law = line((0, INF), (0.1, 5))
        for start, says in (
            ({"a": 0.0, "b": -1.0}, "b starts at -1.0; it lies between 0 and inf"),
            ({"a": 0.0}, "start lacks b"),
            ({"a": 0.0, "b": 1.0, "z": 2.0}, "start names z"),
            ({"a": np.nan, "b": 1.0}, "a starts at nan"),
        ):
            with pytest.raises(UsageError, match=says):
                fit(law, RUNS, start=start, **OPTIONS)
        got = fit(law, RUNS, start=law(a=0.0, b=1.0), draws=0, **OPTIONS)
        assert got.law.b == pytest.approx(3, abs=0.2)


def test_a_published_set_outside_its_bounds_is_refused():
    with registry_as_it_was():
        law = line((-INF, 0), (-5, -0.1))
        with pytest.raises(BadLaw, match="b of line is 3; it lies between -inf and 0"):
            published("nobody2024", law(a=0.0, b=3.0), source="nowhere", over="x", predicts="y")
        assert not law.published


def test_a_saved_fit_outside_its_bounds_is_refused(tmp_path):
    path = tmp_path / "fit.json"
    runs = Runs({"C": np.geomspace(1e18, 1e22, 30), "L": np.geomspace(3.0, 2.2, 30)})
    fit("power", runs, over="C", draws=3).save(path)
    good = json.loads(path.read_text())
    for change in (
        {"params": {**good["params"], "alpha": 4.0}},
        {"draws": {**good["draws"], "alpha": [0.1, -3.5, 0.2]}},
    ):
        path.write_text(json.dumps({**good, **change}))
        with pytest.raises(BadStudy, match=r"alpha of power is .* lies between -3 and 3"):
            Fit.load(path)
