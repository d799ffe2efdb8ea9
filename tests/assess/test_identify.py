"""Identifiability: what the placing of runs, and their noise, leave open is said and refused."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

from isoflop.assess import identify
from isoflop.errors import RefusedByData
from isoflop.fitting import fit, reopen
from isoflop.forecasting import forecast
from isoflop.laws import KaplanJoint
from isoflop.plan import spend

SPLIT = {"N*": lambda law: law.optimum(1e23).N}


def near_the_frontier(scatter: float):
    """Return 25 runs at the best N and D of their compute, N off by a share of `scatter`."""
    best = TRUTH.optimum(np.geomspace(1e18, 1e22, 25))
    off = np.exp(np.random.default_rng(0).uniform(-scatter, scatter, 25))
    return made_by(TRUTH, {"N": best.N * off, "D": best.D / off}, noise=5e-3)


def three_sizes():
    N, D = np.repeat([1e8, 3e8, 1e9], 8), np.tile(np.geomspace(2e9, 1e11, 8), 3)
    return made_by(TRUTH, {"N": N, "D": D}, noise=5e-3)


def test_a_sound_design_gives_every_number():
    made = fit("chinchilla", made_by(TRUTH, grid(), noise=5e-3), draws=200)
    found = identify(made, SPLIT)
    assert made.status == "ok"
    assert (dict(found.unknown), found.notes) == ({}, ())
    value, low, high = found.answers["N*"]
    assert low < value < high
    np.testing.assert_allclose(np.diag(found.correlations), 1)
    assert np.abs(found.correlations).max() <= 1 + 1e-12


def test_the_240_points_of_figure_4_give_every_number(public_data):
    from isoflop import sources

    path = public_data("chinchilla_figure4/svg_extracted_data.csv")
    runs = sources.read(path, derive=["D=C/6N"])
    made = fit("chinchilla", runs[np.argsort(-runs["L"])[5:]], draws=200)
    found = identify(made, SPLIT)
    assert (made.status, dict(found.unknown), found.notes) == ("ok", {}, ())


def test_sweeps_of_a_few_small_sizes_stay_ok():
    N, D = np.repeat(1e6 * 2.0 ** np.arange(6), 6), np.tile(np.geomspace(2e7, 1e9, 6), 6)
    made = fit("chinchilla", made_by(TRUTH, {"N": N, "D": D}, noise=5e-3), draws=200)
    assert made.status == "ok"
    assert not identify(made).unknown


def test_the_frontier_alone_does_not_tell_alpha_from_beta():
    made = fit("chinchilla", near_the_frontier(0.1), draws=200)
    assert made.status != "ok"
    assert any("one line in N and D" in note.text for note in made.notes)
    unknown = identify(made, SPLIT).unknown
    assert {"alpha", "beta", "A", "B", "N*", "D*"} <= set(unknown)
    assert "E" not in unknown
    with pytest.raises(RefusedByData, match="how to split compute: all runs lie within"):
        spend(made, 1e23)
    with pytest.raises(RefusedByData, match="do not support a forecast at N = 1B, D = 1T"):
        forecast(made, N=1e9, D=1e12)
    best = TRUTH.optimum(1e23)
    on = forecast(made, N=float(best.N), D=float(best.D))
    assert on.value == pytest.approx(float(TRUTH(N=best.N, D=best.D)), rel=0.02)


def test_runs_a_factor_off_the_frontier_do():
    made = fit("chinchilla", near_the_frontier(1.0), draws=200)
    assert not any("one line" in note.text for note in made.notes)
    assert spend(made, 1e23).N.value == pytest.approx(float(TRUTH.optimum(1e23).N), rel=0.7)


def test_one_budget_says_that_it_is_one():
    made = fit("chinchilla", made_by(TRUTH, grid(budgets=(1e20,), sizes=12), noise=2e-3), draws=50)
    assert any(
        "a single budget" in note.text and "at other budgets" in note.text for note in made.notes
    )


def test_three_sizes_do_not_pin_the_floor():
    made = fit("chinchilla", three_sizes(), draws=200)
    assert made.status == "doubtful"
    assert made.notes[0].text.startswith("3 levels of N cannot pin E")
    assert "E" in identify(made).unknown
    with pytest.raises(RefusedByData, match=r"at N = 10B.*3 levels of N cannot pin E"):
        forecast(made, N=1e10, D=1e11)
    assert forecast(made, N=1e9, D=1e12).value == pytest.approx(
        float(TRUTH(N=1e9, D=1e12)), rel=0.02
    )


def test_pinning_the_floor_is_enough():
    made = fit("chinchilla", three_sizes(), draws=200, fix={"E": TRUTH.E})
    assert made.status == "ok"
    assert forecast(made, N=1e10, D=1e12).value == pytest.approx(
        float(TRUTH(N=1e10, D=1e12)), rel=0.02
    )


def test_a_profile_is_the_best_fit_at_each_value():
    """Every point of it is the objective of a fit with that parameter pinned, in user's units."""
    runs = made_by(TRUTH, grid(sizes=8), noise=5e-3)
    made = fit("chinchilla", runs, draws=0)
    for profile in identify(made).profiles:
        assert profile.rise.min() == pytest.approx(0, abs=1e-6)
        k = int(np.argmin(np.abs(profile.rise - 1)))
        pinned = fit("chinchilla", runs, draws=0, fix={profile.name: float(profile.values[k])})
        beside = profile.laws[k]
        for name in pinned.free:
            assert getattr(beside, name) == pytest.approx(getattr(pinned.law, name), rel=1e-4), name


def test_profile_intervals_hold_the_truth_in_90_percent_of_studies():
    """60 studies: the share that holds has a standard error of 4 points."""
    hits = dict.fromkeys(("E", "alpha"), 0)
    for seed in range(60):
        runs = made_by(TRUTH, grid(sizes=10), noise=5e-3, seed=seed)
        made = fit("chinchilla", runs, draws=0, screened=64, polished=2)
        for profile in identify(made).profiles:
            if profile.name in hits:
                low, high = profile.interval
                hits[profile.name] += low <= getattr(TRUTH, profile.name) <= high
    for name, count in hits.items():
        assert 49 <= count <= 59, f"{name}: {count} of 60"


def test_a_profile_ends_at_a_bound_that_the_runs_allow():
    flat = KaplanJoint(E=0.0, N_c=6.4e13, D_c=1.8e13, alpha_N=0.076, alpha_D=0.103)
    made = fit(KaplanJoint, made_by(flat, grid(), noise=3e-3, seed=3), draws=100)
    found = identify(made)
    floor = next(p for p in found.profiles if p.name == "E")
    assert floor.is_open == (True, False)
    assert floor.interval.low == 0
    assert 0 < floor.interval.high < 1.5
    assert "as small as you like" in found.unknown["E"]


def test_reopening_a_fit_gives_its_problem():
    made = fit("chinchilla", three_sizes(), draws=0, fix={"E": 1.8})
    problem = reopen(made)
    r_sn, _ = problem.residuals(problem.point(made.law)[None])
    np.testing.assert_allclose(r_sn[0], made.residuals, atol=1e-9)
