"""The planner: one cost over the life of a model, within limits, by any law of N and D."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import TRUTH, grid, made_by, some_law

from isoflop.accounting import Accelerators, ModelFamily
from isoflop.errors import ConventionMismatch, NoOptimum, RefusedByData, UsageError
from isoflop.fitting import Fit, fit
from isoflop.law import constants
from isoflop.laws import Chinchilla, Generalised, KaplanJoint, Muennighoff
from isoflop.plan import (
    Cost,
    Serving,
    ServingLoad,
    TextDemand,
    TextSupply,
    best,
    cheapest,
    priced,
    reach,
    serve,
    shrink,
    spend,
    wall,
)
from isoflop.plan.cost import Counting
from isoflop.plan.optimum import needed
from isoflop.plan.rounding import digits
from isoflop.runs import Runs

SET = constants("chinchilla/besiroglu2024")
ROUNDED = constants("chinchilla/hoffmann2022")
BUDGET = 5.76e23
SERVED = Cost(serving=Serving(2e12))


@functools.cache
def study() -> Fit:
    return fit("chinchilla", made_by(TRUTH, grid(sizes=12), noise=3e-3), draws=200)


def counted_otherwise() -> Fit:
    """Return a fit to runs that count C in detail: 10% above 6ND for the smallest, 0 at most."""
    runs = made_by(TRUTH, grid(sizes=12), noise=1e-3)
    C = 6 * runs["N"] * runs["D"] * (1 + 1e7 / (runs["N"] + 1e8))
    changed = dataclasses.replace(
        runs, columns={**runs.columns, "C": C}, conventions={"N": "total", "C": "detailed"}
    )
    return fit("chinchilla", changed, draws=20)


# One cost, and its best point


def test_with_serving_no_other_size_is_better():
    plan = spend(SET, BUDGET, serving=2e12)
    N = plan.N.value * np.geomspace(0.05, 4, 4001)
    D = (BUDGET - 2 * N * 2e12) / (6 * N)
    kept = D > 0
    assert plan.L.value <= SET.law(N=N[kept], D=D[kept]).min() * (1 + 1e-12)
    assert 6 * plan.N.value * plan.D.value + 2 * plan.N.value * 2e12 == pytest.approx(BUDGET)
    assert plan.cost.value == pytest.approx(BUDGET)
    assert [item.phase for item in plan.bill] == ["training", "serving"]


def test_reach_with_serving_is_the_inverse_of_spend():
    spent = spend(SET, BUDGET, serving=2e12)
    reached = reach(SET, spent.L.value, serving=2e12)
    for symbol in ("N", "D", "cost"):
        value = getattr(spent, symbol).value
        assert getattr(reached, symbol).value == pytest.approx(value, rel=2e-6), symbol


@settings(max_examples=25)
@given(
    st.floats(1e21, 1e25), st.floats(1e9, 1e14), st.floats(1.01, 30),
    st.sampled_from([s.name for s in Chinchilla.published.values()]),
)  # fmt: skip
def test_cheaper_or_less_serving_makes_larger_models_and_lower_loss(C, tokens, factor, name):
    model = constants(f"chinchilla/{name}")
    much = spend(model, C, serving=tokens * factor)
    little = spend(model, C, serving=tokens)
    cheap = spend(model, C, cost=Cost(reading=1 / factor, serving=Serving(tokens * factor)))
    none = spend(model, C)
    assert much.N.value <= little.N.value * (1 + 1e-6) <= none.N.value * (1 + 2e-6)
    assert much.L.value >= little.L.value * (1 - 1e-12) >= none.L.value * (1 - 2e-12)
    assert cheap.N.value == pytest.approx(little.N.value, rel=1e-6)
    assert little.D.value / little.N.value >= none.D.value / none.N.value * (1 - 1e-6)


@settings(max_examples=25)
@given(st.floats(1.95, 3.5), st.floats(1e9, 1e14))
def test_equal_loss_costs_least_at_the_plan(L, tokens):
    cost = Cost(serving=Serving(tokens))
    found = cheapest(SET.law, cost, np.array([L]))
    around = found.N * np.geomspace(0.2, 5, 801)
    D = needed(SET.law, L, "D", "N", around)
    assert float(cost(found.N, found.D)[0]) <= np.nanmin(cost(around, D)) * (1 + 1e-12)


@pytest.mark.parametrize("law", [Chinchilla, KaplanJoint, Generalised])
def test_closed_forms_equal_the_search_by_which_other_laws_are_planned(law):
    many = some_law(law, np.random.default_rng(3), 5)
    C = np.geomspace(1e19, 1e23, 3)
    exact, found = best(many, Cost(), C), best(many, Cost(), C, search=True)
    inside = np.isfinite(found.N) & (exact.D > 1)
    assert inside.any()
    np.testing.assert_allclose(
        many(N=exact.N, D=exact.D)[inside], many(N=found.N, D=found.D)[inside], rtol=1e-12
    )


def test_a_law_without_an_inverse_is_solved_by_bisection():
    """Muennighoff's law has no closed form; with data enough it is Chinchilla's on the frontier."""
    repeated = constants("muennighoff/muennighoff2023")
    single = constants("chinchilla/muennighoff2023")
    one = spend(repeated, 1e21, unique=1e14)
    other = spend(single, 1e21)
    assert one.L.value == pytest.approx(other.L.value, rel=1e-9)
    assert one.N.value == pytest.approx(other.N.value, rel=1e-3)
    assert reach(repeated, one.L.value, unique=1e14).C.value == pytest.approx(1e21, rel=1e-6)


def test_money_and_energy_weigh_phases_by_what_they_cost():
    output = Serving(prompt=5e11, output=5e11)
    cheap = priced(
        "USD", "H100", 0.4, serving=ServingLoad(tokens=output, reading=0.4, generating=0.4)
    )
    slow = priced(
        "USD", "H100", 0.4, serving=ServingLoad(tokens=output, reading=0.4, generating=0.02)
    )
    first, second = spend(SET, BUDGET, cost=cheap), spend(SET, BUDGET, cost=slow)
    assert first.N.value == pytest.approx(spend(SET, BUDGET, serving=1e12).N.value, rel=1e-6)
    assert second.N.value < first.N.value / 2
    assert sum(i.money.typical for i in second.bill) == pytest.approx(second.cost.value)
    energy = spend(SET, BUDGET, cost=priced("kWh", "H100", 0.4, serving=output))
    assert energy.N.value == pytest.approx(first.N.value, rel=1e-6)
    assert sum(i.energy.typical for i in energy.bill) == pytest.approx(energy.cost.value)


def test_fewer_bits_serve_faster_and_larger():
    eight_bits = ServingLoad(tokens=5e12, on=Accelerators("H100", precision="fp8"))
    wide, narrow = (priced("USD", "H100", 0.4, serving=load) for load in (5e12, eight_bits))
    assert narrow.reading == pytest.approx(wide.reading / 2)
    assert spend(SET, BUDGET, cost=narrow).N.value > spend(SET, BUDGET, cost=wide).N.value


def test_a_budget_in_money_is_one_in_flop_at_its_price():
    cost = priced("USD", "H100", 0.4)
    dollars = BUDGET * cost.training
    plan = spend(SET, budget=dollars, cost=cost)
    assert plan.N.value == pytest.approx(spend(SET, BUDGET).N.value, rel=1e-9)
    assert plan.C.value == pytest.approx(BUDGET)


def test_a_mixture_pays_for_the_parameters_that_a_token_meets():
    plan = spend(SET, BUDGET, cost=Cost(active=0.25))
    assert 6 * 0.25 * plan.N.value * plan.D.value == pytest.approx(BUDGET)
    assert plan.N.value == pytest.approx(spend(SET, 4 * BUDGET).N.value, rel=1e-9)


def test_every_number_has_an_interval_where_the_fit_has_draws():
    plan = spend(study(), 1e22, serving=1e12)
    for symbol in ("N", "D", "C", "L"):
        estimate = getattr(plan, symbol)
        assert estimate.low < estimate.value < estimate.high, symbol
    assert plan.cost.low == pytest.approx(plan.cost.high)
    reached = reach(study(), 2.3, serving=1e12)
    assert reached.cost.low < reached.cost.value < reached.cost.high
    made = serve(study(), N=7e9, serving=1e12)
    assert made.saving.low < made.saving.value < made.saving.high
    (row,) = shrink(study(), 1e22, [0.5]).rows
    assert row.overhead.low < row.overhead.value < row.overhead.high


# Limits


@pytest.mark.parametrize(
    ("limit", "symbol", "bound"),
    [
        ({"memory": 40e9}, "N", 20e9),
        ({"latency": 0.005}, "N", 0.005 * 3350e9 / 2),
        ({"hours": 1e5}, "C", 1e5 * 3600 * 989.5e12 * 0.4),
        ({"epochs": 2}, "D", 6e11),
        ({"N": 1e10}, "N", 1e10),
    ],
    ids=lambda v: next(iter(v)) if isinstance(v, dict) else "",
)
def test_a_limit_holds_binds_and_is_named(limit, symbol, bound):
    cost = priced("FLOP", "H100", 0.4)
    unique = 3e11 if "epochs" in limit else None
    free = spend(SET, BUDGET, cost=cost, unique=unique)
    held = spend(SET, BUDGET, cost=cost, unique=unique, at_most=limit)
    assert getattr(free, symbol).value > bound
    assert getattr(held, symbol).value == pytest.approx(bound)
    assert held.binding[0].startswith(next(iter(limit)))
    assert held.L.value > free.L.value


def test_a_limit_on_training_leaves_the_rest_to_serving():
    free = spend(SET, BUDGET, serving=2e12)
    most = free.C.value / 2
    held = spend(SET, BUDGET, serving=2e12, at_most={"C": most})
    assert held.C.value == pytest.approx(most, rel=1e-9)
    assert held.binding == (f"C <= {most:.3g}".replace("e+", "e"),)
    N = held.N.value * np.geomspace(0.3, 3, 2001)
    D = np.minimum(most / 6 / N, (BUDGET - 4e12 * N) / 6 / N)
    kept = D > 0
    assert held.L.value <= SET.law(N=N[kept], D=D[kept]).min() * (1 + 1e-9)


def test_reach_within_a_limit_on_training():
    free = reach(SET, 2.0, serving=1e14)
    alone = reach(SET, 2.0)
    most = np.sqrt(free.C.value * alone.C.value)
    held = reach(SET, 2.0, serving=1e14, at_most={"C": most})
    assert held.C.value == pytest.approx(most, rel=1e-6)
    assert free.N.value < held.N.value < alone.N.value
    with pytest.raises(RefusedByData, match="never reaches"):
        reach(SET, 2.0, serving=1e14, at_most={"C": alone.C.value / 2})


def test_reach_with_least_data_overshoots_no_further_than_it_must():
    free = reach(SET, 2.0)
    held = reach(SET, 2.0, at_least={"D": 3 * free.D.value})
    assert held.D.value == pytest.approx(3 * free.D.value)
    assert held.L.value == pytest.approx(2.0, rel=1e-9)
    assert held.binding


# Repeats


def test_fewer_unique_tokens_cost_loss_and_many_are_free():
    losses = [spend(SET, BUDGET, unique=U).L.value for U in (1e11, 3e11, 1e12)]
    assert losses == sorted(losses, reverse=True)
    plenty = spend(SET, BUDGET, unique=1e15)
    assert plenty.L.value == pytest.approx(spend(SET, BUDGET).L.value, rel=1e-9)
    assert any("fade as by" in note.text for note in plenty.notes)


def test_draws_fade_with_their_law():
    plan = spend(study(), 1e22, unique=5e10)
    assert plan.L.low < plan.L.value < plan.L.high
    assert plan.L.value > spend(study(), 1e22).L.value


def test_only_chinchilla_s_law_is_taught_to_fade():
    with pytest.raises(UsageError, match="four epochs"):
        spend(constants("kaplan-joint/kaplan2020"), 1e21, unique=1e9)
    with pytest.raises(UsageError, match="needs U"):
        spend(constants("muennighoff/muennighoff2023"), 1e21)
    assert "U" in Muennighoff.takes


def test_more_data_than_there_is_says_so():
    assert any("beyond the public text" in n.text for n in spend(SET, 1e29).notes)
    assert not any("beyond the public text" in n.text for n in spend(SET, 1e29, unique=1e13).notes)


# Conventions


def test_conventions_that_differ_are_refused_with_the_conversion():
    with pytest.raises(ConventionMismatch, match=r"1B non-embedding are 1\.05B total"):
        spend(SET, 1e21, convention={"N": "non-embedding"})
    with pytest.raises(ConventionMismatch, match=r"detailed.*6ND.*shapes"):
        spend(SET, 1e21, convention={"C": "detailed"})


def test_stated_shapes_convert():
    shapes = ModelFamily(vocabulary=32_000, aspect=64, context=2048)
    plan = spend(SET, 1e21, convention={"C": "detailed"}, family=shapes)
    inner = shapes.non_embedding(plan.N.value)
    assert shapes.flop_per_token(inner, "detailed") * plan.D.value == pytest.approx(1e21)
    same = spend(SET, 1e21, convention={"C": "6ND"}, family=shapes)
    assert same.N.value == pytest.approx(spend(SET, 1e21).N.value, rel=1e-6)


def test_runs_that_count_otherwise_say_what_a_token_took():
    got = counted_otherwise()
    plan = spend(got, 1e21)
    each = 6 * (1 + 1e7 / (plan.N.value + 1e8))
    assert plan.C.value == pytest.approx(1e21)
    assert plan.N.value * plan.D.value * each == pytest.approx(1e21, rel=2e-3)
    assert any("FLOP per token of the runs" in note.text for note in plan.notes)
    columns = {k: v for k, v in got.runs.columns.items() if k != "C"}
    silent = dataclasses.replace(got, runs=dataclasses.replace(got.runs, columns=columns))
    with pytest.raises(ConventionMismatch, match="no C to learn it from"):
        spend(silent, 1e21)


def test_a_table_of_flop_is_read_in_logs_and_ends_flat():
    table = Counting("detailed", "total", None, np.array([1e8, 1e9]), np.array([9e8, 7e9]))
    assert table(1e7) == pytest.approx(9e7)
    assert table(1e10) == pytest.approx(7e10)
    assert table(np.sqrt(1e17)) == pytest.approx(np.sqrt(9e8 * 7e9))


# Rounding


def test_rounded_constants_show_what_rounding_does():
    plan = spend(ROUNDED, BUDGET)
    by = {a.name.partition("/")[2]: a.ratio for a in plan.alternatives}
    assert by["hoffmann2022"] == pytest.approx(92.65, abs=0.01)
    assert by["hoffmann2022-tex"] == pytest.approx(58.93, abs=0.01)
    assert by["besiroglu2024"] == pytest.approx(18.39, abs=0.01)
    note = next(n for n in plan.notes if n.text.startswith("exponents are rounded"))
    assert "58.9 by hoffmann2022-tex" in note.text
    assert spend(SET, BUDGET).alternatives == ()


@given(st.integers(1, 9999), st.integers(-5, 3))
def test_digits_are_those_that_were_written(number, power):
    plain = str(number).rstrip("0")
    assert digits(float(f"{number}e{power}")) == len(plain)


# What cannot be


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_what_is_not_above_zero_is_refused_with_its_value(bad):
    for ask in (
        lambda: spend(SET, 1e21, unique=bad),
        lambda: spend(SET, 1e21, at_most={"N": bad}),
        lambda: spend(SET, budget=bad),
        lambda: serve(SET, N=bad, serving=1e12),
        lambda: shrink(SET, 1e21, [bad]),
        lambda: Cost(training=bad),
    ):
        with pytest.raises(UsageError, match=str(bad)):
            ask()
    with pytest.raises(UsageError):
        spend(SET, 1e21, serving=Serving(prompt=bad, output=0.0))


def test_requests_that_make_no_sense_are_refused():
    for ask, said in (
        (lambda: spend(SET), "give one budget"),
        (lambda: spend(SET, 1e21, budget=1e6), "give one budget"),
        (lambda: serve(SET, N=1e9, C=1e20, serving=1e12), "one quality"),
        (lambda: serve(SET, N=1e9), "nothing is served"),
        (lambda: spend(SET, 1e21, at_most={"width": 9}), "no limit called 'width'"),
        (lambda: spend(SET, 1e21, at_least={"epochs": 9}), "no limit called 'epochs'"),
        (lambda: spend(SET, 1e21, at_most={"hours": 9}), "needs a chip"),
        (lambda: spend(SET, 1e21, at_most={"latency": 9}), "needs a chip"),
        (lambda: spend(SET, 1e21, at_most={"epochs": 9}), "unique"),
        (lambda: spend(SET, 1e21, inputs={"experts": 8}), "does not take experts"),
        (lambda: priced("USD", "B200", 0.4), "no price"),
        (lambda: Cost(active=1.5), "active is 1.5"),
    ):
        with pytest.raises(UsageError, match=said):
            ask()


def test_the_nearest_loss_within_limits_is_named():
    with pytest.raises(RefusedByData, match=r"nearest is 2\.17"):
        reach(SET, 2.0, at_most={"N": 1e9})


# The wall


def median(**demand) -> float:
    return wall(SET, TextDemand(**demand)).years[2]


def test_the_wall_comes_as_quantiles_that_move_as_they_should():
    usual = wall(SET)
    assert list(usual.years) == sorted(usual.years)
    assert median(growth=2.0) > usual.years[2] > median(growth=10.0)
    more, less = (
        wall(SET, supply=TextSupply(**said)).years[2]
        for said in ({"epochs": 4.0}, {"quality": 0.5})
    )
    assert wall(SET, supply=TextSupply(stock=3e15)).years[2] > usual.years[2]
    assert more > usual.years[2] > less
    assert (np.diff(usual.used_up) >= 0).all()
    slow = wall(SET, TextDemand(growth=(0.9, 1.05, 1.2)))
    assert slow.unmet > 0.9
    assert slow.years[-1] == np.inf
    with pytest.raises(RefusedByData, match="does not grow"):
        wall(SET, TextDemand(growth=0.9))


def test_the_wall_is_where_certain_numbers_meet():
    """With nothing uncertain all quantiles are one year, that of the closed form."""
    made = wall(SET, TextDemand(C=1e25, year=2024, growth=4.0), TextSupply(stock=1e14))
    C = np.array([1e25])
    target = cheapest_compute_for_data(1e14)
    year = 2024 + np.log(target / C[0]) / np.log(4)
    np.testing.assert_allclose(made.years, year, atol=1e-3)


def cheapest_compute_for_data(D: float) -> float:
    """Return the C whose best data are D: D* = (C/6)^b / G, solved for C."""
    law = SET.law
    b = law.alpha / (law.alpha + law.beta)
    G = (law.alpha * law.A / (law.beta * law.B)) ** (1 / (law.alpha + law.beta))
    return float(6 * (D * G) ** (1 / b))


# Scores


def test_a_score_is_reached_through_the_loss():
    L = np.linspace(2.0, 3.5, 30)
    scores = Runs({"L": L, "error": 0.1 * L**1.5})
    link = fit("power", scores, over="L", predicts="error", draws=0, fix={"E": 0.0})
    plan = reach(SET, 0.1 * 2.2**1.5, through=link)
    assert plan.L.value == pytest.approx(2.2, rel=1e-4)
    assert any("a score of" in note.text for note in plan.notes)
    with pytest.raises(RefusedByData, match="never predicts"):
        reach(SET, 99.0, through=link)
    with pytest.raises(NoOptimum, match="over=L"):
        reach(SET, 0.5, through=SET)
