"""Intervals that say 90% hold 90%: simulated studies, counted (validation row V30)."""

from __future__ import annotations

import math

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by, registry_as_it_was

from isoflop.fitting import fit, quantiles
from isoflop.fitting.diagnose import SPARE
from isoflop.forecasting import forecast
from isoflop.law import Law, param
from isoflop.laws import Chinchilla, Power
from isoflop.runs import Runs

STUDIES, DRAWS, LEVEL = 200, 200, 0.9
# With 90% coverage, 200 studies count 90% with this standard error: 2.1 points.
ERROR = math.sqrt(LEVEL * (1 - LEVEL) / STUDIES)
LARGE = {"N": 7e10, "D": 1.4e12}


@pytest.fixture(scope="module")
def held() -> dict[str, float]:
    """Return the share of studies of 120 runs whose interval holds the truth."""
    hits = dict.fromkeys([*TRUTH.params, "L"], 0)
    columns = grid()
    for seed in range(STUDIES):
        runs = made_by(TRUTH, columns, noise=5e-3, seed=seed)
        got = fit("chinchilla", runs, draws=DRAWS, seed=seed, screened=64, polished=2)
        for name in TRUTH.params:
            low, high = got.interval(name, LEVEL)
            hits[name] += low <= getattr(TRUTH, name) <= high
        low, high = quantiles(got.draws(**LARGE)[:, 0], LEVEL)
        hits["L"] += low <= TRUTH(**LARGE) <= high
    return {name: count / STUDIES for name, count in hits.items()}


@pytest.mark.parametrize("name", [*TRUTH.params, "L"])
def test_v30_a_90_percent_interval_holds_the_truth(replicated, held, name):
    """In 85 to 95% of studies."""
    assert 2 * ERROR < 0.05, "too few studies to tell"
    what = f"studies whose 90% interval holds {name}, of {STUDIES} [%]"
    replicated("V30", what, paper=90, ours=100 * held[name], within=5)


def test_draws_scatter_as_studies_do():
    """The draws of one study and the fits of many have the same spread."""
    columns, many = grid(), []
    for seed in range(60):
        runs = made_by(TRUTH, columns, noise=5e-3, seed=1000 + seed)
        many.append(fit("chinchilla", runs, draws=0, screened=64, polished=2).law.alpha)
    one = fit("chinchilla", made_by(TRUTH, columns, noise=5e-3), draws=500)
    # A standard deviation of 60 numbers is known to 9%.
    assert np.std(one.draws.alpha) == pytest.approx(np.std(many), rel=0.3)


def straight(n, rng):
    x = np.linspace(1, 4, n)
    return {"x": x, "y": 1 + 2 * x + 0.3 * rng.standard_normal(n)}


def falling(n, rng):
    C = np.geomspace(1e18, 1e22, n)
    return {"C": C, "L": FALLING(C) * np.exp(5e-3 * rng.standard_normal(n))}


def spread_out(n, rng):
    N, D = (v.ravel() for v in np.meshgrid(np.geomspace(3e7, 3e9, 4), np.geomspace(1e9, 1e11, 4)))
    N, D = (v[rng.permutation(16)[:n]] for v in (N, D))
    return {"N": N, "D": D, "L": TRUTH(N, D) * np.exp(5e-3 * rng.standard_normal(n))}


FALLING = Power(E=1.7, A=0.9 * 1e20**0.15, alpha=0.15)
# How runs are made, how they are fitted, the truth of one parameter, and where to predict.
DESIGNS = {
    "line": (straight, {"over": "x", "predicts": "y", "residuals": "linear"}, ("b", 2.0),
             {"x": 8.0}, 17.0),
    "power without a floor": (falling, {"over": "C", "fix": {"E": 1.7}}, ("alpha", 0.15),
                              {"C": 1e24}, float(FALLING(1e24))),
    "power": (falling, {"over": "C"}, ("alpha", 0.15), {"C": 1e24}, float(FALLING(1e24))),
    "chinchilla": (spread_out, {}, ("beta", TRUTH.beta), {"N": 7e9, "D": 1.4e11},
                   float(TRUTH(7e9, 1.4e11))),
}  # fmt: skip
FREE = {"line": 2, "power without a floor": 2, "power": 3, "chinchilla": 5}


def small_study(name: str, spare: int, objective: str, kind: str, seed: int) -> tuple[bool, ...]:
    """Return whether the intervals of a parameter and of a prediction hold, of few runs."""
    made, options, (parameter, truth), at, value = DESIGNS[name]
    rng = np.random.default_rng([seed, spare])
    with registry_as_it_was():
        law = {"line": line, "chinchilla": lambda: Chinchilla}.get(name, lambda: Power)()
        got = fit(law, Runs(made(FREE[name] + spare, rng)), objective=objective, resample=kind,
                  draws=DRAWS, seed=seed, screened=48, polished=3, **options)  # fmt: skip
        predicted = got.draws(**got.binding.arguments({k: np.array([v]) for k, v in at.items()}))
    ends = got.interval(parameter, LEVEL), quantiles(predicted[:, 0], LEVEL)
    return tuple(e.low <= v <= e.high for e, v in zip(ends, (truth, value), strict=True))


def line() -> type[Law]:
    ends = {"typical": (-5, 5), "bounds": (-np.inf, np.inf)}
    said = {"key": "line", "predicts": "y", "source": "made up", "homogeneous": False,
            "__annotations__": {"a": float, "b": float}, "a": param("?", **ends),
            "b": param("?", **ends), "__call__": lambda self, x: self.a + self.b * x}  # fmt: skip
    return type("Line", (Law,), said)


# 100 studies count 90% with a standard error of 3 points; n runs from p + 1 to p + 10.
@pytest.mark.parametrize(
    ("name", "objective", "kind"),
    [
        ("line", "squared", "pairs"),
        ("line", "huber", "wild"),
        ("power without a floor", "huber", "jackknife"),
        ("power", "squared", "pairs"),
        ("chinchilla", "squared", "wild"),
    ],
)
def test_intervals_of_few_runs_hold_the_truth(name, objective, kind):
    """Of studies with 1 to 10 runs more than parameters, 10 each, whatever the status."""
    studies = [
        small_study(name, spare, objective, kind, seed)
        for spare in range(1, 11)
        for seed in range(10)
    ]
    parameter, prediction = np.mean(studies, axis=0)
    for what, share in (("parameter", parameter), ("prediction", prediction)):
        assert 0.8 <= share <= 0.99, f"the interval of the {what} holds in {share:.0%}"


def test_few_spare_runs_are_doubted_however_well_they_fit():
    for name in DESIGNS:
        made, options, *_ = DESIGNS[name]
        for spare in (1, SPARE - 1, 10):
            runs = Runs(made(FREE[name] + spare, np.random.default_rng(1)))
            with registry_as_it_was():
                law = {"line": line, "chinchilla": lambda: Chinchilla}.get(name, lambda: Power)()
                got = fit(law, runs, objective="squared", draws=20, **options)
            more = [note for note in got.notes if "more than parameters" in note.text]
            assert bool(more) == (spare < SPARE), (name, spare)
            assert not more or got.status == "doubtful"
            assert any("too few to resample" in note.text for note in got.notes)


def test_a_forecast_of_few_runs_is_as_wide_as_its_draws_and_their_noise():
    """The t of 5 spare runs: a new run of a line lies in the interval nine times in ten."""
    inside = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        with registry_as_it_was():
            got = fit(line(), Runs(straight(7, rng)), over="x", predicts="y", residuals="linear",
                      objective="squared", draws=DRAWS, seed=seed, screened=48,
                      polished=3)  # fmt: skip
            ahead = forecast(got, x=6.0)
        inside += ahead.low <= 13.0 + 0.3 * rng.standard_normal() <= ahead.high
    assert 0.82 <= inside / 100 <= 0.98
