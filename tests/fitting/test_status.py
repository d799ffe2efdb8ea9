"""A fit that cannot be trusted says so first, and names what it cannot know."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

from isoflop.errors import CannotFit
from isoflop.fitting import fit
from isoflop.laws import Chinchilla, KaplanJoint
from isoflop.runs import Runs

C = np.geomspace(1e18, 1e22, 40)
FRONTIER = {"N": np.sqrt(C / 120), "D": np.sqrt(C / 120) * 20}


def fitted(columns, *, law="chinchilla", noise=2e-3, **options):
    return fit(law, made_by(TRUTH, columns, noise=noise), draws=200, **options)


def names_in(notes) -> set[str]:
    return {name for name in TRUTH.params for note in notes if name in note.text.split()}


def test_a_sound_design_is_ok_and_says_nothing():
    for noise in (0.0, 1e-3, 1e-2):
        got = fitted(grid(), noise=noise)
        assert (got.status, got.notes) == ("ok", ()), noise


@pytest.mark.parametrize("noise", [0.0, 2e-3])
def test_one_ratio_of_tokens_to_params_cannot_part_size_from_data(noise):
    got = fitted(FRONTIER, noise=noise)
    assert got.status == "refused"
    assert {"A", "B"} <= names_in(got.notes[:1])


def test_one_ratio_leaves_other_joint_laws_doubtful():
    for law in ("kaplan-joint", "generalised"):
        got = fitted(FRONTIER, law=law)
        assert got.status != "ok"
        assert got.notes


def test_one_model_size_cannot_be_fitted():
    with pytest.raises(CannotFit, match=r"^N has one value .* add runs at other N"):
        fitted({"N": np.full(40, 1e9), "D": np.geomspace(1e9, 1e12, 40)})


def test_two_model_sizes_cannot_tell_the_floor():
    got = fitted({"N": np.repeat([1e8, 1e9], 20), "D": np.tile(np.geomspace(1e9, 1e12, 20), 2)})
    assert got.status == "refused"
    assert names_in(got.notes[:1]) & {"E", "A", "alpha"}


@pytest.mark.parametrize("n", [1, 3, 5])
def test_fewer_runs_than_parameters_are_refused_by_number_and_name(n):
    there = "there is 1 run;" if n == 1 else f"there are {n} runs;"
    with pytest.raises(CannotFit, match=rf"5 free parameters \(E, A, B.*{there}"):
        fitted({k: v[:n] for k, v in grid().items()})


def test_many_runs_at_few_points_are_too_few():
    columns = {k: np.tile(v[[0, 30, 60, 90]], 10) for k, v in grid().items()}
    with pytest.raises(CannotFit, match="4 different points"):
        fitted(columns)


def test_runs_far_from_the_floor_do_not_know_it():
    got = fitted(grid(budgets=(1e13, 1e14, 1e15), sizes=6), noise=2e-2)
    assert got.status == "doubtful"
    assert "E" in names_in(got.notes)


def test_one_budget_does_not_know_the_amplitudes():
    got = fitted(grid(budgets=(1e19,)), noise=2e-3)
    assert got.status != "ok"
    assert {"A", "B"} & names_in(got.notes)


def test_a_law_that_the_runs_push_to_a_bound_says_which():
    """Runs of a law without a floor leave E on its bound."""
    flat = KaplanJoint(E=0.0, N_c=6.4e13, D_c=1.8e13, alpha_N=0.076, alpha_D=0.103)
    got = fit(KaplanJoint, made_by(flat, grid(), noise=3e-3, seed=3), draws=100)
    assert got.status == "doubtful"
    assert any(note.text.startswith("E ") for note in got.notes)


def test_fixing_what_the_runs_cannot_know_helps():
    got = fitted(FRONTIER, fix={"alpha": 0.3478, "A": 482.01})
    assert got.status == "ok"
    assert got.law.beta == pytest.approx(TRUTH.beta, rel=0.05)


def test_a_search_that_found_its_optimum_once_says_so():
    got = fit(Chinchilla, made_by(TRUTH, grid(), noise=5e-3), draws=0, screened=2, polished=1)
    assert got.status == "doubtful"
    assert "more starts" in got.notes[0].text


@pytest.mark.parametrize("columns", [grid(), grid(budgets=(1e13, 1e14, 1e15), sizes=6)])
@pytest.mark.parametrize("how", [{}, {"resample": "wild"}, {"stratify": "C"}])
def test_the_status_is_the_same_for_any_number_of_draws(columns, how):
    runs = made_by(TRUTH, {**columns, "C": 6 * columns["N"] * columns["D"]}, noise=2e-2)
    few = {"screened": 64, "polished": 6, **how}
    told = {fit("chinchilla", runs, draws=k, **few).notes for k in (0, 7, 250)}
    assert len(told) == 1


def test_a_number_that_no_run_shares_with_others_is_doubted():
    columns = grid()
    for symbol, value in (("N", 1e300), ("D", 1e-250)):
        spoilt = columns[symbol].copy()
        spoilt[3] = value
        runs = made_by(TRUTH, columns, noise=2e-3)
        got = fit("chinchilla", Runs({**runs.columns, symbol: spoilt}), draws=20)
        assert got.status != "ok"
        assert any(f"{symbol} = " in note.text and "row 5" in note.text for note in got.notes)


def test_an_input_that_the_residuals_follow_and_the_law_lacks_is_doubted():
    """Losses that hang on the learning rate, too, which varies 24-fold."""
    columns = grid(sizes=12)
    lr = 1e-4 * 24 ** np.random.default_rng(1).random(columns["N"].size)
    made = made_by(TRUTH, columns, noise=5e-3)
    worse = np.exp(0.2 * np.log(lr / lr.min()) ** 2 / np.log(24) ** 2)
    runs = Runs({**made.columns, "lr": lr, "L": made["L"] * worse})
    lacking = fit("chinchilla", runs, draws=0)
    assert lacking.status == "doubtful"
    (note,) = [n for n in lacking.notes if n.topic == "missing-input"]
    assert note.symbol == "lr"
    assert "22.1-fold" in note.text
    harmless = fit("chinchilla", Runs({**made.columns, "lr": lr}), draws=0)
    assert not [n for n in harmless.notes if n.topic == "missing-input"]


def test_a_single_d_may_be_fitted_where_all_that_goes_with_d_is_pinned():
    columns = {k: v for k, v in grid(sizes=12).items()}
    columns["D"] = np.full_like(columns["N"], 1e11)
    runs = made_by(TRUTH, columns, noise=1e-3)
    with pytest.raises(CannotFit, match="D has one value"):
        fit("chinchilla", runs, draws=0)
    with pytest.raises(CannotFit, match="D has one value"):
        fit("chinchilla", runs, fix={"beta": TRUTH.beta}, draws=0)
    pinned = fit("chinchilla", runs, fix={"B": TRUTH.B, "beta": TRUTH.beta}, draws=0)
    assert pinned.law.alpha == pytest.approx(TRUTH.alpha, rel=0.1)


@pytest.mark.parametrize("seed", range(3))
def test_a_status_does_not_hang_on_how_many_draws_are_asked_for(seed):
    runs = made_by(TRUTH, grid(sizes=3), noise=2e-2, seed=seed)
    several = [fit("chinchilla", runs, draws=n, seed=seed) for n in (0, 20, 300, 1500)]
    assert len({(f.status, f.notes) for f in several}) == 1
