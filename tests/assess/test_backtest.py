"""A backtest predicts what it was not shown, and ranks forms by that alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

from isoflop.assess import Candidate, backtest
from isoflop.assess.extrapolation.backtest import in_order
from isoflop.errors import BadRuns, CannotFit, UnknownName, UsageError
from isoflop.fitting import fit
from isoflop.laws import KaplanJoint
from isoflop.runs import Runs

CHINCHILLA, NO_FLOOR = Candidate("chinchilla"), Candidate("chinchilla", {"E": 0.0})
KAPLAN, JOINT = Candidate("kaplan-joint", {"E": 0.0}), Candidate("kaplan-joint")
RUNS = made_by(TRUTH, grid(sizes=12), noise=2e-3)
KAPLANS = KaplanJoint(E=0.0, N_c=6.4e13, D_c=1.8e13, alpha_N=0.076, alpha_D=0.103)


@pytest.mark.parametrize("noise", [0.0, 5e-4, 2e-3])
def test_the_form_that_made_the_runs_comes_first(noise):
    cuts = [6e19, 2e20, 6e20]
    mine = backtest([KAPLAN, NO_FLOOR, CHINCHILLA], made_by(TRUTH, grid(), noise=noise), cuts=cuts)
    assert mine.candidates[0] == CHINCHILLA
    other = backtest(
        [CHINCHILLA, NO_FLOOR, KAPLAN], made_by(KAPLANS, grid(), noise=noise), cuts=cuts
    )
    assert other.candidates[0] == KAPLAN
    if not noise:
        assert mine.rms(CHINCHILLA) < 1e-7
        assert mine.rms(KAPLAN) > 0.01


def test_what_is_held_out_is_never_seen():
    """Other losses above every cut leave every prediction there as it was."""
    unseen = RUNS["C"] > 2e20
    wrong = np.where(unseen, RUNS["L"] * np.linspace(0.2, 5, len(RUNS)), RUNS["L"])
    spoilt = dataclasses.replace(RUNS, columns={**RUNS.columns, "L": wrong})
    before, after = (
        backtest([CHINCHILLA, KAPLAN, JOINT], r, cuts=[6e19, 2e20]) for r in (RUNS, spoilt)
    )
    losses, losses_again = in_order(RUNS)["L"], in_order(spoilt)["L"]
    assert len(before.results) == 6
    for one, other in zip(before.results, after.results, strict=True):
        np.testing.assert_array_equal(one.run, other.run)
        said = losses[one.run] * np.exp(one.error)
        said_again = losses_again[one.run] * np.exp(other.error)
        np.testing.assert_allclose(said_again, said, rtol=1e-14)


def test_each_split_is_the_fit_of_its_own_runs():
    tested = backtest([CHINCHILLA], RUNS, cuts=2)
    runs = in_order(RUNS)
    for held in tested.results:
        below, above = runs[held.split.train], runs[held.run]
        assert below["C"].max() < above["C"].min()
        alone = fit("chinchilla", below, draws=0)
        error = np.log(alone.predict(N=above["N"], D=above["D"]) / above["L"])
        np.testing.assert_allclose(held.error, error, atol=1e-7)
        assert held.trained == len(below) == len(RUNS) - len(above)
        assert held.ratio.max() == pytest.approx(
            max((above[s] / below[s].max()).max() for s in ("N", "D", "C"))
        )


def test_the_highest_cut_leaves_out_the_top_budget():
    tested = backtest([CHINCHILLA], RUNS)
    assert sorted(h.cut for h in tested.results)[-1] == np.unique(RUNS["C"])[-2]
    assert 1 < len(tested.results) <= 4


def test_numbers_of_a_backtest_are_those_of_its_errors():
    tested = backtest([CHINCHILLA, NO_FLOOR], RUNS)
    ratio, error = tested.errors(NO_FLOOR)
    splits = [np.mean(h.error**2) for h in tested.of(NO_FLOOR)]
    assert tested.rms(NO_FLOOR) == pytest.approx(np.sqrt(np.mean(splits)))
    assert tested.bias(NO_FLOOR) == pytest.approx(np.mean(error))
    # A law without a floor expects losses to go on falling, and is too hopeful.
    assert tested.bias(NO_FLOOR) < 0
    assert (ratio >= 1).all()


def test_a_candidate_is_called_by_what_sets_it_apart():
    assert NO_FLOOR.name == "chinchilla, E = 0"
    assert dataclasses.replace(KAPLAN, objective="squared").name == "kaplan-joint, E = 0, squared"


def test_a_power_law_of_the_frontier_can_be_a_candidate():
    C = np.geomspace(1e18, 1e22, 24)
    runs = made_by(TRUTH, {"C": C, "N": np.sqrt(C / 120), "D": np.sqrt(C / 120) * 20})
    tested = backtest([Candidate("power", over="C")], runs, cuts=2)
    assert tested.rms(tested.candidates[0]) < 0.01


def test_too_few_runs_or_budgets_are_refused():
    with pytest.raises(CannotFit, match="add runs at other C"):
        backtest([CHINCHILLA], RUNS.where(RUNS["C"] < 7e18))
    with pytest.raises(CannotFit):
        backtest([CHINCHILLA], RUNS[:8])
    with pytest.raises(CannotFit):
        backtest([CHINCHILLA], RUNS, cuts=[1e30])


def test_a_request_that_makes_no_sense_is_refused():
    with pytest.raises(UsageError, match="no candidate"):
        backtest([], RUNS)
    with pytest.raises(UnknownName, match="chinchilla"):
        backtest([Candidate("chinchila")], RUNS)
    with pytest.raises(BadRuns, match="batch"):
        backtest([CHINCHILLA], RUNS, axis="batch")
    for cuts in (0, -1, []):
        with pytest.raises((UsageError, CannotFit)):
            backtest([CHINCHILLA], RUNS, cuts=cuts)


def test_the_order_of_rows_and_the_unit_change_nothing():
    shuffled = RUNS.select(np.random.default_rng(3).permutation(len(RUNS)))
    scaled = Runs(
        {"N": RUNS["N"] / 1e6, "D": RUNS["D"] / 1e9, "L": RUNS["L"], "C": RUNS["C"] / 1e15}
    )
    one, other, third = (
        backtest([CHINCHILLA, JOINT], r, draws=20) for r in (RUNS, shuffled, scaled)
    )
    for a, b, c in zip(one.results, other.results, third.results, strict=True):
        np.testing.assert_array_equal(a.error, b.error)
        np.testing.assert_array_equal(a.draws, b.draws)
        np.testing.assert_allclose(a.error, c.error, atol=1e-5)  # Kaplan's optimum is flat
        np.testing.assert_allclose(a.ratio, c.ratio, rtol=1e-12)


def test_the_same_seed_gives_the_same_draws_and_another_seed_others():
    one, same, other = (
        backtest([CHINCHILLA], RUNS, draws=10, seed=s).results[0] for s in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.draws, same.draws)
    assert not np.array_equal(one.draws, other.draws)


def test_splits_can_be_made_along_size_and_data():
    tested = backtest([CHINCHILLA], RUNS, axis=("C", "N", "D"), cuts=3)
    assert {h.split.axis for h in tested.results} == {"C", "N", "D"}
    runs = in_order(RUNS)
    for h in tested.results:
        values = runs[h.split.axis]
        assert values[h.split.train].max() <= h.cut * (1 + 1e-6) < values[h.run].min()


def test_compute_is_made_of_size_and_data_where_the_table_has_none():
    bare = Runs({s: RUNS[s] for s in ("N", "D", "L")})
    one, other = backtest([CHINCHILLA], RUNS), backtest([CHINCHILLA], bare)
    np.testing.assert_allclose(one.errors(CHINCHILLA)[1], other.errors(CHINCHILLA)[1], atol=1e-12)


def test_one_candidate_that_is_refused_does_not_stop_the_others():
    tested = backtest([CHINCHILLA, Candidate("muennighoff")], RUNS)
    assert tested.candidates == (CHINCHILLA,)
    assert "U" in tested.refused[0].reason
