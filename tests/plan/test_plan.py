"""A plan: the best run for a budget, the cheapest run to a loss, within limits, and its regret."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by, some_law

from isoflop.errors import NoOptimum, Note, RefusedByData, UsageError, texts
from isoflop.fitting import Fit, fit
from isoflop.law import constants, form
from isoflop.laws import Chinchilla, Generalised, KaplanJoint
from isoflop.plan import optimum, reach, spend
from isoflop.plan.optimum import least_compute

SET = constants("chinchilla/besiroglu2024")
BUDGET = 5.76e23
MODELS = ("fit", "published")


@functools.cache
def study() -> Fit:
    """Return the fit that most tests here share."""
    return fit("chinchilla", made_by(TRUTH, grid(sizes=12), noise=3e-3), draws=200)


def model(which: str):
    return study() if which == "fit" else SET


def loss_along(law, C, N):
    return law(N=N, D=C / 6 / N)


@pytest.mark.parametrize("which", MODELS)
def test_no_other_split_of_the_budget_gives_less_loss(which):
    law, plan = model(which).law, spend(model(which), BUDGET)
    around = plan.N.value * np.geomspace(0.01, 100, 2001)
    assert plan.L.value <= loss_along(law, BUDGET, around).min() * (1 + 1e-12)
    assert 6 * plan.N.value * plan.D.value == pytest.approx(BUDGET, rel=1e-12)
    assert plan.C.value == pytest.approx(BUDGET, rel=1e-12)
    assert plan.binding == ()


@pytest.mark.parametrize("which", MODELS)
def test_reach_is_the_inverse_of_spend(which):
    spent = spend(model(which), BUDGET)
    reached = reach(model(which), spent.L.value)
    for symbol in ("N", "D", "C", "L"):
        value = getattr(spent, symbol).value
        assert getattr(reached, symbol).value == pytest.approx(value, rel=1e-6), symbol


@pytest.mark.parametrize("limit", [{"N": 1e10}, {"D": 1e12}, {"N": 2e10, "D": 1e14}])
def test_reach_inverts_spend_within_limits(limit):
    spent = spend(SET, BUDGET, at_most=limit)
    reached = reach(SET, spent.L.value, at_most=limit)
    assert reached.C.value == pytest.approx(BUDGET, rel=1e-6)
    assert reached.N.value == pytest.approx(spent.N.value, rel=1e-6)
    assert set(reached.binding) == set(spent.binding)


def test_intervals_come_from_draws_and_hold_the_value():
    plan = spend(study(), BUDGET)
    for symbol in ("N", "D", "L"):
        estimate = getattr(plan, symbol)
        assert estimate.low < estimate.value < estimate.high, symbol
    assert (plan.C.low, plan.C.high) == pytest.approx((BUDGET, BUDGET))
    true = optimum(TRUTH, BUDGET)
    assert plan.N.low < true.N < plan.N.high
    wide, narrow = spend(study(), BUDGET, level=0.95), spend(study(), BUDGET, level=0.5)
    assert wide.N.low < plan.N.low < narrow.N.low < narrow.N.high < plan.N.high < wide.N.high
    reached = reach(study(), 2.2)
    assert reached.C.low < reached.C.value < reached.C.high
    assert dataclasses.replace(reached.L, low=2.2, high=2.2) == reached.L


def test_published_constants_plan_without_intervals():
    for plan in (spend(SET, BUDGET), reach(SET, 2.0)):
        for symbol in ("N", "D", "C", "L"):
            estimate = getattr(plan, symbol)
            assert (estimate.low, estimate.high) == (None, None)
        assert any("no draws" in note.text for note in plan.notes)
    assert "rounded" in spend(constants("chinchilla/hoffmann2022"), BUDGET).notes[0].text


@pytest.mark.parametrize("which", MODELS)
def test_a_limit_is_respected_binds_and_is_named(which):
    free = spend(model(which), BUDGET)
    for symbol, other in (("N", "D"), ("D", "N")):
        best = getattr(free, symbol).value
        capped = spend(model(which), BUDGET, at_most={symbol: best / 3})
        raised = spend(model(which), BUDGET, at_least={symbol: best * 3})
        assert getattr(capped, symbol).value == pytest.approx(best / 3)
        assert getattr(raised, symbol).value == pytest.approx(best * 3)
        assert capped.binding[0].startswith(f"{symbol} <= ")
        assert raised.binding[0].startswith(f"{symbol} >= ")
        for plan in (capped, raised):
            assert len(plan.binding) == 1
            assert plan.L.value > free.L.value
            assert 6 * plan.N.value * plan.D.value == pytest.approx(BUDGET)
        assert getattr(capped, other).value == pytest.approx(3 * getattr(free, other).value)


def test_a_limit_that_does_not_bind_changes_nothing():
    free = spend(SET, BUDGET)
    loose = spend(SET, BUDGET, at_most={"N": 1e12, "D": 1e14}, at_least={"N": 1e9, "D": 1e11})
    assert (loose.N, loose.D, loose.binding) == (free.N, free.D, ())


@pytest.mark.parametrize("which", MODELS)
def test_limits_on_both_leave_part_of_the_budget_unspent(which):
    plan = spend(model(which), BUDGET, at_most={"N": 1e10, "D": 1e11})
    assert (plan.N.value, plan.D.value) == (1e10, 1e11)
    assert plan.C.value == pytest.approx(6e21)
    assert len(plan.binding) == 2
    if which == "fit":
        assert plan.C.low == pytest.approx(6e21)
        assert plan.C.high == pytest.approx(6e21)


def test_limits_that_contradict_are_refused():
    with pytest.raises(UsageError, match=r"at least .* at most"):
        spend(SET, BUDGET, at_least={"N": 2e10}, at_most={"N": 1e10})
    with pytest.raises(UsageError, match="does not pay"):
        spend(SET, BUDGET, at_least={"N": 1e12, "D": 1e12})
    with pytest.raises(UsageError, match="limit on C"):
        spend(SET, BUDGET, at_most={"C": 1e20})
    with pytest.raises(UsageError, match="N is -1"):
        spend(SET, BUDGET, at_most={"N": -1.0})


@pytest.mark.parametrize("which", MODELS)
def test_regret_grows_with_the_distance_from_the_plan(which):
    rows = {r.factor: r for r in spend(model(which), BUDGET).regret}
    assert set(rows) == {0.25, 0.5, 2.0, 4.0}
    law, plan = model(which).law, spend(model(which), BUDGET)
    for factor, row in rows.items():
        assert pytest.approx(factor * plan.N.value) == row.N
        assert pytest.approx(plan.N.value * plan.D.value) == row.N * row.D
        assert row.excess == pytest.approx(loss_along(law, BUDGET, row.N) - plan.L.value)
        assert row.excess > 0
        assert 0 < row.compute < 1
        # That share of the budget, well spent, gives the same loss.
        assert spend(model(which), row.compute * BUDGET).L.value == pytest.approx(row.L, rel=1e-9)
    assert rows[0.25].excess > rows[0.5].excess
    assert rows[4.0].excess > rows[2.0].excess
    assert rows[0.25].compute < rows[0.5].compute


def test_a_loss_below_the_floor_is_refused_with_the_floor():
    for which in MODELS:
        with pytest.raises(RefusedByData, match=rf"never reaches.*E = {model(which).law.E:.4g}"):
            reach(model(which), 1.5)
    with pytest.raises(RefusedByData, match="never reaches"):
        reach(SET, 2.0, at_most={"N": 1e9})
    with pytest.raises(RefusedByData):
        reach(SET, 2.0, at_most={"N": 1e10, "D": 1e10})


def test_draws_that_never_reach_a_loss_are_counted():
    got = study()
    close = max(float(np.quantile(got.draws.E, 0.9)), got.law.E + 0.005)
    assert (close < got.draws.E).any()
    plan = reach(got, close)
    assert "of the draws never reach" in plan.notes[0].text


@pytest.mark.parametrize("law", [Chinchilla, KaplanJoint, Generalised])
def test_a_closed_form_is_what_a_search_finds_for_ensembles_too(law):
    many = some_law(law, np.random.default_rng(5), 6)
    C = np.geomspace(1e19, 1e23, 4)
    exact, found = optimum(many, C), optimum(many, C, search=True)
    assert exact.N.shape == found.N.shape == (6, 4)
    # Where the best N lies in the range that a search covers; a flat floor hides the last digits.
    inside = np.isfinite(found.N) & (exact.D > 1)
    assert inside.any()
    best, searched = many(N=exact.N, D=exact.D), many(N=found.N, D=found.D)
    np.testing.assert_allclose(best[inside], searched[inside], rtol=1e-12)
    one = optimum(many[2], C)
    np.testing.assert_allclose(one.N, exact.N[2], rtol=1e-12)


def test_the_least_compute_for_a_loss_is_that_of_the_closed_form():
    """Hoffmann et al. 2022, eq. 4 put into eq. 2, solved for C."""
    law = SET.law
    g = law.alpha * law.beta / (law.alpha + law.beta)
    G = (law.alpha * law.A / (law.beta * law.B)) ** (1 / (law.alpha + law.beta))
    K = law.A * G**-law.alpha + law.B * G**law.beta
    for loss in (1.9, 2.0, 3.0):
        assert least_compute(law, loss)[0] == pytest.approx(
            6 * (K / (loss - law.E)) ** (1 / g), rel=1e-9
        )
    assert np.isnan(least_compute(law, law.E)[0])


def test_a_law_without_both_n_and_d_has_no_optimum():
    power = constants("power/kaplan2020-c")
    for ask in (lambda: spend(power, 1e21), lambda: reach(power, 2.0)):
        with pytest.raises(NoOptimum, match="law of N and D"):
            ask()
    with pytest.raises(NoOptimum, match="needs both"):
        optimum(power.law, 1e21)


def test_a_law_that_does_not_fall_in_both_has_no_optimum():
    rising = form("chinchilla")(E=1.0, A=100.0, B=100.0, alpha=0.3, beta=0.0)
    with pytest.raises(NoOptimum, match="does not fall"):
        optimum(rising, 1e21, search=True)


@pytest.mark.parametrize("bad", [0.0, -1e20, float("nan"), float("inf")])
def test_budgets_and_losses_are_finite_and_above_zero(bad):
    with pytest.raises(UsageError, match="C is"):
        spend(SET, bad)
    with pytest.raises(UsageError, match="L is"):
        reach(SET, bad)


def test_a_level_lies_between_0_and_1():
    with pytest.raises(UsageError, match="level is 90"):
        spend(SET, BUDGET, level=90)


def test_a_refused_fit_plans_nothing():
    refused = dataclasses.replace(
        study(), status="refused", notes=(Note("refused", "support", "the runs cannot tell"),)
    )
    with pytest.raises(RefusedByData, match="cannot tell"):
        spend(refused, BUDGET)
    with pytest.raises(RefusedByData, match="cannot tell"):
        reach(refused, 2.2)


def test_a_plan_says_how_far_it_goes_and_how_it_counts():
    notes = spend(study(), BUDGET).notes
    assert "times beyond the runs" in notes[0].text
    assert notes[0].topic == "distance"
    assert "N is counted as total" in texts(notes)
    unstated = dataclasses.replace(study(), runs=dataclasses.replace(study().runs, conventions={}))
    assert any("do not state" in note.text for note in spend(unstated, BUDGET).notes)
