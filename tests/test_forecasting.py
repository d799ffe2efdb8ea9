"""A forecast: its interval holds, it says how far it goes, and it refuses what it cannot say."""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by, within

from isoflop.assess import Candidate, compare, form_error, pool
from isoflop.errors import Note, RefusedByData, UsageError
from isoflop.fitting import Fit, fit
from isoflop.fitting.trust import FormError
from isoflop.forecasting import beyond, forecast, predictive
from isoflop.law import constants
from isoflop.plan import reach, spend
from isoflop.plan.optimum import least_compute
from isoflop.runs import Runs

RUNS = made_by(TRUTH, grid(sizes=12), noise=5e-3)
PUBLISHED = constants("chinchilla/besiroglu2024")
FAR = {"N": 7e10, "D": 1.4e12}


@functools.cache
def study() -> Fit:
    """Return the fit that most tests here share."""
    return fit("chinchilla", RUNS, draws=400)


def test_the_interval_holds_90_percent_of_new_runs_within_the_data():
    """100 studies, each asked for 12 runs that it did not hold."""
    studies, asked, hits = 100, 12, 0
    columns, rng = grid(sizes=15), np.random.default_rng(0)
    for seed in range(studies):
        made = made_by(TRUTH, columns, noise=1e-2, seed=seed)
        got = fit("chinchilla", made, draws=100, seed=seed, screened=64, polished=2)
        for _ in range(asked):
            N, C = within((2e8, 3e9), rng), within((6e18, 2e21), rng)
            said = forecast(got, growth=0.0, N=N, D=C / 6 / N)
            truth = TRUTH(N=N, D=C / 6 / N) * np.exp(1e-2 * rng.standard_normal())
            hits += said.low <= truth <= said.high
    share = hits / (studies * asked)
    # Runs of one study share its fit, so the error is somewhat more than this 0.9 points.
    error = math.sqrt(0.9 * 0.1 / (studies * asked))
    assert abs(share - 0.9) < 3 * error, f"{share:.3f} +- {error:.3f}"


def test_the_interval_is_wider_for_runs_that_scatter_more_and_for_a_higher_level():
    noisy = fit("chinchilla", made_by(TRUTH, grid(sizes=12), noise=2e-2), draws=400)
    one, other = forecast(study(), **FAR), forecast(noisy, **FAR)
    assert other.high - other.low > 2 * (one.high - one.low)
    narrow = forecast(study(), level=0.5, **FAR)
    assert one.low < narrow.low < narrow.value < narrow.high < one.high
    assert (one.level, narrow.level) == (0.9, 0.5)


def test_the_value_is_the_laws_and_a_seed_decides_the_rest():
    one = forecast(study(), **FAR)
    assert one.value == study().law(**FAR)
    assert one == forecast(study(), **FAR)
    assert one.quantity == "L"
    assert one.parts == ("parameters", "noise", "form")
    assert forecast(study(), growth=0.0, **FAR).parts == ("parameters", "noise")
    assert one.low < TRUTH(**FAR) < one.high


@pytest.mark.parametrize(
    ("at", "factor"),
    [
        ({"N": 1e8, "D": 1e9}, 1.0),
        ({"N": 10 * RUNS["N"].max(), "D": 1e6}, 10.0),
        ({"N": 1e6, "D": 30 * RUNS["D"].max()}, 30.0),
        # Both inside their ranges, and yet the compute is beyond every run.
        ({"N": RUNS["N"].max(), "D": RUNS["D"].max()}, None),
    ],
)
def test_beyond_is_the_largest_factor_over_the_runs(at, factor):
    product = at["N"] * at["D"] / (RUNS["N"] * RUNS["D"]).max()
    assert beyond(study(), at) == pytest.approx(max(factor or 1.0, product))
    assert forecast(study(), **at).beyond == pytest.approx(beyond(study(), at))


def test_a_forecast_beyond_the_runs_says_what_its_interval_leaves_out():
    near, far = forecast(study(), N=1e9, D=1e10), forecast(study(), N=7e12, D=1.4e14)
    assert near.notes == ()
    assert far.form.splits == 3
    assert near.form is None
    alone = forecast(study(), growth=0.0, N=7e12, D=1.4e14)
    assert any("wrong form" in n.text for n in alone.notes)
    assert far.high - far.low > 1.2 * (alone.high - alone.low)
    assert any("times beyond the runs" in n.text for n in far.notes)


def test_the_error_of_the_form_widens_the_band_as_it_goes_out():
    plain, wide = forecast(study(), growth=0.0, **FAR), forecast(study(), growth=0.02, **FAR)
    assert wide.parts == ("parameters", "noise", "form")
    # 90% of a normal lies within 1.645 standard deviations, here k log(beyond).
    half = 1.645 * 0.02 * math.log(wide.beyond)
    assert math.log(wide.high / wide.low) / 2 == pytest.approx(
        math.hypot(half, math.log(plain.high / plain.low) / 2), rel=0.1
    )
    inside = {"N": 1e9, "D": 1e10}
    assert forecast(study(), growth=0.02, **inside).low == forecast(study(), **inside).low


def test_the_form_error_is_learnt_from_the_runs_or_else_usual_and_stated():
    taught = form_error(study())
    assert 0 < taught.growth < 0.02  # the runs were made by this law
    assert taught.splits == 3
    few = fit("power", Runs({"N": [1e7, 2e7, 4e7, 8e7], "L": [4.0, 3.6, 3.3, 3.1]}), over="N")
    usual = forecast(few, N=3e8)
    assert (usual.form.growth, usual.form.splits) == (0.01, 0)
    assert any("allow no backtest" in n.text for n in usual.notes)
    with pytest.raises(UsageError, match="growth is -1"):
        forecast(study(), growth=-1.0, **FAR)


def test_a_form_error_is_saved_with_its_fit(tmp_path):
    stated = dataclasses.replace(study(), form=FormError(0.5, 7))
    stated.save(tmp_path / "fit.json")
    again = Fit.load(tmp_path / "fit.json")
    assert again.form == FormError(0.5, 7)
    assert forecast(again, **FAR).form == again.form


def test_a_form_error_that_a_forecast_learnt_is_saved(tmp_path):
    item = fit("chinchilla", study().runs, draws=20)
    item.save(tmp_path / "before.json")
    assert Fit.load(tmp_path / "before.json").form is None
    learnt = forecast(item, **FAR).form
    item.save(tmp_path / "after.json")
    assert Fit.load(tmp_path / "after.json").form == learnt


def test_a_plan_is_as_sure_of_its_loss_as_a_forecast_of_the_planned_run():
    plan = spend(study(), 1e23)
    there = forecast(study(), N=plan.N.value, D=plan.D.value)
    assert (plan.L.value, plan.L.low, plan.L.high) == (there.value, there.low, there.high)
    alone = spend(study(), 1e23, growth=0.0)
    assert alone.L.high < plan.L.high
    assert (alone.N.low, alone.N.high) == (plan.N.low, plan.N.high)


def test_the_cost_of_a_loss_is_as_unsure_as_the_loss_of_a_cost():
    plan = spend(study(), 1e23)
    wide, narrow = (reach(study(), plan.L.value, growth=k) for k in (None, 0.0))
    assert wide.C.low < narrow.C.low < 1e23 < narrow.C.high < wide.C.high
    # Where the low end of the loss of 1e23 is the law's, so much compute is the high end.
    dear = float(least_compute(study().law, plan.L.low)[0])
    assert wide.C.high == pytest.approx(dear, rel=0.5)


@functools.cache
def bent() -> Fit:
    """Return a response surface fitted to the same runs: its parabolas turn up far out."""
    return fit("log-quadratic", RUNS, draws=50)


def test_a_law_that_rises_where_it_is_asked_is_refused_and_not_inside_its_runs():
    far = {"N": 1e14, "D": 1e11}
    with pytest.raises(RefusedByData, match=r"log-quadratic rises with N at N = 100T"):
        forecast(bent(), **far)
    assert forecast(bent(), N=1e9, D=1e10).value == bent().law(N=1e9, D=1e10)
    assert forecast(study(), **far).value == study().law(**far)


def test_a_member_that_rises_leaves_its_weight_to_the_others():
    made = pool(RUNS, comparison=compare(["chinchilla"], RUNS, objectives=["huber"]), draws=100)
    (one,) = made.members
    two = dataclasses.replace(one, candidate=Candidate("log-quadratic"), fit=bent())
    both = dataclasses.replace(
        made, members=tuple(dataclasses.replace(m, weight=0.5) for m in (one, two))
    )
    far = forecast(both, N=1e14, D=1e11)
    assert far.value == pytest.approx(one.fit.law(N=1e14, D=1e11))
    assert any("left out of the forecast: log-quadratic" in n.text for n in far.notes)
    assert "choice" not in far.parts
    assert "choice" in forecast(both, N=1e9, D=1e10).parts
    with pytest.raises(RefusedByData, match="rises with N"):
        forecast(dataclasses.replace(both, members=(two,)), N=1e14, D=1e11)


def test_linear_residuals_scatter_in_the_unit_of_the_output():
    got = fit("chinchilla", RUNS, objective="squared", residuals="linear", draws=200)
    said = forecast(got, N=1e9, D=1e10)
    assert said.low < TRUTH(N=1e9, D=1e10) < said.high
    assert said.high - said.low == pytest.approx(3.3 * got.residuals.std(), rel=0.3)


def test_published_constants_have_no_interval():
    said = forecast(constants("chinchilla/hoffmann2022"), **FAR)
    assert said.value == pytest.approx(1.9366, abs=5e-5)
    assert (said.low, said.high, said.beyond) == (None, None, None)
    assert any("no draws" in note.text for note in said.notes)
    assert any("rounded" in note.text for note in said.notes)


def test_a_fit_without_draws_has_no_interval_and_says_so():
    said = forecast(fit("chinchilla", RUNS, draws=0), **FAR)
    assert (said.low, said.high) == (None, None)
    assert said.beyond > 1
    assert any("without draws" in n.text for n in said.notes)


def test_an_open_input_is_asked_for_by_its_bound_name():
    said = forecast(constants("power/kaplan2020-n"), N=1.47456e9)
    assert said.value == pytest.approx(2.306, abs=0.002)
    with pytest.raises(UsageError, match="does not take x; it takes N"):
        forecast(constants("power/kaplan2020-n"), x=1e9)


@pytest.mark.parametrize(
    ("at", "says"),
    [
        ({"N": 1e9}, "also needs D"),
        ({}, "also needs N, D"),
        ({**FAR, "batch": 1e6}, "does not take batch"),
        ({"N": -1.0, "D": 1e10}, "N is -1.0"),
        ({"N": 1e9, "D": 0.0}, "D is 0.0"),
        ({"N": math.nan, "D": 1e10}, "N is nan"),
        ({"N": math.inf, "D": 1e10}, "N is inf"),
        ({**FAR, "level": 90}, "level is 90"),
    ],
)
@pytest.mark.parametrize("model", [study, lambda: PUBLISHED], ids=["fit", "set"])
def test_a_request_that_makes_no_sense_is_refused(model, at, says):
    with pytest.raises(UsageError, match=says):
        forecast(model(), **at)


def test_a_refused_fit_forecasts_nothing_and_a_doubtful_one_repeats_its_doubts():
    refused = dataclasses.replace(
        study(), status="refused", notes=(Note("refused", "support", "the runs cannot tell"),)
    )
    with pytest.raises(RefusedByData, match="cannot tell"):
        forecast(refused, **FAR)
    doubtful = dataclasses.replace(
        study(), status="doubtful", notes=(Note("doubt", "scatter", "E is hardly known"),)
    )
    assert forecast(doubtful, **FAR).notes[0].text == "E is hardly known"


def test_a_curve_of_a_pool_has_draws_at_each_point_and_a_pool_without_draws_has_none():
    found = compare(["chinchilla", "generalised"], RUNS, objectives=["huber"], cuts=3)
    made = pool(RUNS, comparison=found, draws=60)
    D = np.geomspace(1e10, 1e12, 7)
    drawn = predictive(made, N=np.full(7, 7e9), D=D)
    assert drawn is not None
    assert drawn.shape[1] == 7
    low, high = np.quantile(drawn, [0.05, 0.95], axis=0)
    for i in (0, 6):
        one = forecast(made, N=7e9, D=float(D[i]))
        assert (low[i], high[i]) == pytest.approx((one.low, one.high), rel=0.01)
    bare = forecast(pool(RUNS, comparison=found, draws=0), **FAR)
    assert (bare.low, bare.high, bare.parts) == (None, None, ())
    assert any("without draws" in n.text for n in bare.notes)
    assert predictive(pool(RUNS, comparison=found, draws=0), N=[1e9], D=[1e10]) is None
