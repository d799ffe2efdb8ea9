"""Runs at the ends of what numbers can be: an answer, a doubt or a refusal, and no warning."""

from __future__ import annotations

import contextlib
import dataclasses
import warnings

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by, registry_as_it_was

from isoflop import assess
from isoflop.cli import main
from isoflop.errors import BadRuns, IsoflopError
from isoflop.fitting import fit
from isoflop.forecasting import forecast
from isoflop.law import Law, param
from isoflop.plan import spend
from isoflop.runs import Runs

EXACT = made_by(TRUTH, grid(sizes=5))
SMALL = {"screened": 128, "polished": 4, "draws": 30}


@pytest.fixture(autouse=True)
def loud():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def spoilt(symbol: str, value: float, every: bool = False) -> Runs:
    column = EXACT[symbol].copy() if symbol in EXACT else np.full(len(EXACT), 0.01)
    column[slice(None) if every else 3] = value
    return dataclasses.replace(EXACT, columns={**EXACT.columns, symbol: column})


@pytest.mark.parametrize("resample", ["pairs", "wild", "jackknife"])
def test_runs_without_noise_give_all_that_is_asked(resample):
    got = fit("chinchilla", EXACT, resample=resample, **SMALL)
    found = assess.identify(got, {"N*": lambda law: law.optimum(1e20).N})
    assert not found.unknown
    value, low, high = found.answers["N*"]
    assert low == pytest.approx(value, rel=1e-3)
    assert high == pytest.approx(value, rel=1e-3)
    assert got.interval("alpha") == pytest.approx((TRUTH.alpha, TRUTH.alpha), rel=1e-4)


@pytest.mark.parametrize("symbol", ["N", "D", "L"])
@pytest.mark.parametrize("value", [5e-324, 1e-200, 1e200, 1e300])
@pytest.mark.parametrize("every", [False, True])
def test_extreme_cells_are_doubted_or_refused(symbol, value, every):
    with contextlib.suppress(IsoflopError):  # a refusal, in words
        got = fit("chinchilla", spoilt(symbol, value, every), **SMALL)
        assert got.status != "ok"
        forecast(got, N=1e9, D=1e10)
        spend(got, C=1e21)


def test_a_sigma_beside_which_others_count_for_nothing_is_refused():
    with pytest.raises(BadRuns, match=r"sigma goes from 0.01 to 1e\+150"):
        fit("chinchilla", spoilt("sigma", 1e150), **SMALL)
    same = fit("chinchilla", spoilt("sigma", 1e150, every=True), **SMALL)
    assert same.law.alpha == fit("chinchilla", EXACT, **SMALL).law.alpha


def declared(formula) -> type[Law]:
    fields = {"a": param("1", typical=(0.5, 5)), "b": param("1", typical=(0.1, 2))}
    said = {"key": "of-x", "predicts": "y", "source": "made up", "homogeneous": False,
            "residuals": "linear", "__annotations__": {"a": float, "b": float},
            "__call__": lambda self, x: formula(self, x)}  # fmt: skip
    return type("OfX", (Law,), said | fields)


def test_inputs_at_and_below_zero_are_for_laws_that_take_them():
    x = np.linspace(-2, 3, 40)
    with registry_as_it_was():
        law = declared(lambda p, x: p.a * np.exp(-p.b * x))
        y = law(a=2.0, b=0.7)(x) * (1 + 0.01 * np.random.default_rng(0).standard_normal(40))
        options = {"over": "x", "predicts": "y", "objective": "squared", **SMALL}
        got = fit(law, Runs({"x": x, "y": y}), **options)
        assert (got.law.a, got.law.b) == pytest.approx((2.0, 0.7), rel=0.03)
        ahead = forecast(got, x=-1.0)
        assert ahead.low < 2 * np.exp(0.7) < ahead.high
    with registry_as_it_was():
        law = declared(lambda p, x: p.a * x**-p.b)
        with pytest.raises(BadRuns, match=r"x must be above zero: -2, .* row"):
            fit(law, Runs({"x": x, "y": y}), **options)


def test_the_terminal_hears_nothing_of_numpy(tmp_path, capsys):
    paths = {}
    for name, runs in {"exact": EXACT, "far": spoilt("N", 1e300)}.items():
        paths[name] = tmp_path / f"{name}.csv"
        runs.save(paths[name])
    calls = {"exact": ["identify", "--C", "1e20"], "far": ["fit", "--draws", "20"]}
    for name, call in calls.items():
        code = main([call[0], str(paths[name]), "--law", "chinchilla", *call[1:]])
        told = capsys.readouterr()
        assert code in (0, 1), (name, told.err)
        assert "Warning" not in told.err
