"""Reward curves: what is refused, what is not claimed, recipes compared, responses by compute."""

from __future__ import annotations

import dataclasses
import json
import shlex

import numpy as np
import pytest

from isoflop import cli
from isoflop.assess.reward.curve import (
    choose,
    compute_of,
    evaluations,
    recipes,
    reward_curve,
    start_of,
)
from isoflop.assess.reward.isocompute import isocompute, record_breaking
from isoflop.assess.reward.recipes import compare_recipes
from isoflop.errors import BadRuns, CannotFit, RefusedByData, UsageError, texts
from isoflop.laws import LogLinear, SaturatingPower, Sigmoid
from isoflop.runs import Runs
from isoflop.sources.simulated import reward_curves, sample_responses, sample_rl

X = np.linspace(500.0, 16_000, 32)
LAW = Sigmoid(R_0=0.3, A=0.61, C_mid=2542, B=1.92)


def curves(recipes_, seeds=(0, 1, 2), x=X, noise=0.006):
    return evaluations(reward_curves(recipes_, x, seeds=seeds, noise=noise), "hours")


def paired(first, second, **options):
    runs = curves({"first": first, "second": second}, **options)
    parts = recipes(runs)
    starts = dict.fromkeys(parts, 0.3)
    made = [reward_curve(parts[n], "hours", recipe=n, start=0.3, draws=100) for n in parts]
    return compare_recipes(*made, parts, starts)


def with_rewards(R, **columns):
    x = np.arange(1.0, len(R) + 1)
    return Runs({"hours": x, "R": np.asarray(R, float), **columns}, origin="log.csv")


@pytest.mark.parametrize(
    ("runs", "says"),
    [
        (
            with_rewards([0.2, 1.3, 0.4]),
            "rewards lie between 0 and 1, and R is 1.3 in row 3",
        ),
        (Runs({"hours": [1, 3, 2], "R": [0.1, 0.2, 0.3]}), "goes backwards at row 4"),
        (Runs({"hours": [1, 2, 2], "R": [0.1, 0.2, 0.3]}), "stands still at row 4"),
        (with_rewards([np.nan] * 3), "holds no evaluation"),
        (Runs({"hours": [1.0, 2.0]}), "holds no evaluation"),
        (Runs({"hours": [1, np.nan], "R": [0.1, 0.2]}), "hours is missing in row 3"),
    ],
)
def test_logs_that_make_no_curve_are_refused_by_row(runs, says):
    with pytest.raises(BadRuns, match=says):
        evaluations(runs, "hours")


def test_other_ranges_are_stated_and_become_shares():
    made = evaluations(with_rewards([-0.5, 0.0, 0.5], start=[-0.8] * 3), "hours", (-1, 1))
    assert made["R"].tolist() == [0.25, 0.5, 0.75]
    assert start_of(made) == pytest.approx(0.1)
    assert any("shares of their range" in n.text for n in made.notes)
    with pytest.raises(UsageError, match="must rise"):
        evaluations(made, "hours", (1, 0))


def test_rows_between_evaluations_may_stay():
    made = evaluations(with_rewards([0.1, np.nan, 0.3]), "hours")
    assert made["R"].tolist() == [0.1, 0.3]
    assert texts(made.notes) == ["1 of 3 rows hold no evaluation and are left out"]


def test_too_few_and_constant_rewards_are_refused():
    with pytest.raises(CannotFit, match="4 evaluations; at least 6"):
        reward_curve(with_rewards([0.1, 0.2, 0.3, 0.35]), "hours")
    with pytest.raises(CannotFit, match=r"reward is 0\.2 in all 9"):
        reward_curve(with_rewards([0.2] * 9), "hours")


def test_compute_is_named_or_found():
    runs = Runs({"steps": [1.0], "hours": [2.0], "R": [0.1]})
    assert compute_of(runs) == "hours"
    assert compute_of(runs, "steps") == "steps"
    with pytest.raises(UsageError, match="not 'N'"):
        compute_of(runs, "N")
    with pytest.raises(BadRuns, match="holds no compute"):
        compute_of(Runs({"R": [0.1]}))


def test_no_ceiling_is_given_below_c_mid_nor_at_a_bound():
    short = curves({"a": dataclasses.replace(LAW, C_mid=40_000)}, seeds=(0,))
    made = reward_curve(short, "hours", start=0.3, draws=0)
    assert made.known == "unknown"
    with pytest.raises(RefusedByData, match="the ceiling is not known"):
        made.ceiling()
    learnt = curves({"a": Sigmoid(R_0=0.3, A=1 - 1e-6, C_mid=3000, B=1.5)}, seeds=(0,))
    full = reward_curve(learnt, "hours", start=0.3, draws=0)
    assert full.known == "unknown"
    assert "can be learnt in full" in full.says or "any ceiling up to 1" in full.says
    seen = reward_curve(curves({"a": LAW}), "hours", start=0.3, draws=0)
    low, high = seen.ceiling()
    assert low < 0.61 < high
    assert seen.spread("A") < 0.02


def test_a_reward_that_falls_has_no_ceiling_and_that_is_said():
    falling = Runs({"hours": X, "R": 0.6 - 0.3 * X / X.max()})
    curve = reward_curve(falling, "hours", draws=0)
    assert curve.known == "unknown"
    assert curve.says.startswith("the reward falls, from 0.")


def test_r_0_is_fitted_where_nobody_says_it_and_then_less_is_known():
    runs = curves({"a": LAW}, seeds=(0,))
    given, fitted = (reward_curve(runs, "hours", start=s, draws=0) for s in (0.3, None))
    assert given.fit.fixed == ("R_0",)
    assert fitted.intervals["R_0"].low < 0.3 < fitted.intervals["R_0"].high
    widths = [c.intervals["B"].high - c.intervals["B"].low for c in (given, fitted)]
    assert widths[1] > 1.3 * widths[0]


@pytest.mark.parametrize("middle", [30.0, 1e5, 4e11, 1e21])
@pytest.mark.parametrize("start", [0.44, None])
def test_the_unit_of_compute_is_no_matter_to_the_search(middle, start):
    law = Sigmoid(R_0=0.44, A=0.9, C_mid=middle, B=1.3)
    x = middle * np.linspace(0.1, 4, 30)
    runs = evaluations(reward_curves({"a": law}, x, over="C", noise=0.002), "C")
    made = reward_curve(runs, "C", start=start, draws=0)
    assert made.law.C_mid == pytest.approx(middle, rel=0.25)
    assert made.noise < 0.003


@pytest.mark.parametrize(
    ("law", "form"),
    [
        (LAW, "sigmoid"),
        (LogLinear(base=-0.1, rate=0.06), "log-linear"),
        (SaturatingPower(A=0.7, gap=6.0, B=0.4), "saturating-power"),
    ],
)
def test_the_form_is_chosen_by_held_out_error_and_never_by_habit(law, form):
    x = np.geomspace(300.0, 30_000, 60)
    runs = evaluations(reward_curves({"a": law}, x, noise=0.002), "hours")
    made = choose(runs, "hours", start=float(law.values.get("R_0", 0.2)), draws=0)
    assert len(made.standings) == 4
    first = made.standings[0]
    assert (
        first.candidate.law == form
        or next(s for s in made.standings if s.candidate.law == form).tied
    )


def test_two_ceilings_and_where_they_cross():
    longer = Sigmoid(R_0=0.3, A=0.645, C_mid=11_272, B=1.89)
    made = paired(LAW, longer, x=np.linspace(500, 30_000, 50))
    assert made.verdict == "ceiling"
    assert not made.agree
    assert made.alike is None
    x = np.geomspace(2e4, 1e5, 20_000)
    truth = x[np.argmin(np.abs(LAW(x) - longer(x)))]
    low, high = made.crossing.interval
    assert low < truth < high
    assert made.crossing.overtakes
    assert made.crossing.share == 1


def test_one_ceiling_and_another_way_to_it():
    made = paired(LAW, dataclasses.replace(LAW, B=1.5, C_mid=3600))
    assert made.agree
    assert made.verdict == "efficiency"
    low, high = made.steepness
    assert low < -0.42 < high < 0
    assert made.alike[0].law.A == made.alike[1].law.A
    assert made.sooner.low > 0


def test_the_same_recipe_twice_differs_in_nothing():
    made = paired(LAW, LAW)
    assert made.verdict == "neither"
    assert made.ceilings.low < 0 < made.ceilings.high


def test_what_is_not_known_is_not_judged():
    made = paired(LAW, dataclasses.replace(LAW, C_mid=50_000), seeds=(0,))
    assert made.verdict == "unknown"


def test_records_are_the_first_to_enter_a_higher_bucket():
    reward = np.array([0.1, 0.35, 0.2, 0.36, 0.55, 0.4, 0.9])
    assert record_breaking(reward, 4).tolist() == [True, True, False, False, True, False, True]


def test_more_responses_pay_at_more_compute():
    made = isocompute(evaluations(sample_responses(), "hours"), "hours", start=0.3)
    assert sorted(made.curves) == [8, 32, 128, 512]
    assert made.best[0] == 8
    assert made.best[-1] >= 128
    n = made.responses(np.array([500.0, 5_000, 30_000]))
    assert 8 <= n[0] < n[1] < n[2] <= 512
    one = sample_responses()
    with pytest.raises(CannotFit, match="1 number of responses"):
        isocompute(evaluations(one.select(one["group"] == 8), "hours"), "hours", start=0.3)


def answered(capsys, *words):
    code = cli.main([*words, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_the_commands_say_what_the_functions_say(capsys, tmp_path):
    path = tmp_path / "runs.csv"
    sample_rl().save(path)
    code, fit = answered(
        capsys, "rl", "fit", str(path), "--after", "1500", "--to", "25k", "--paper"
    )
    assert code == 0
    short = fit["recipes"]["short-context"]
    assert short["ceiling_is"] == "known"
    assert short["ceiling"] == pytest.approx(0.61, abs=0.01)
    assert fit["paper"]["short-context"]["A"] == pytest.approx(0.61, abs=0.01)
    low, high = short["forecast"]["interval"]
    assert low < LAW(25_000.0) < high
    code, said = answered(capsys, "rl", "compare", str(path), "--after", "1500")
    assert code == 0
    (pair,) = said["pairs"]
    assert pair["verdict"] == "ceiling"
    assert pair["crossing"]["interval"][0] < 34_400 < pair["crossing"]["interval"][1]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("rl fit sample:rl --range 1", "--range is '1'"),
        ("rl fit sample:rl --start 1.4", "--start is 1.4; rewards lie between 0 and 1"),
        ("rl fit sample:rl --over D", "not 'D'"),
        ("rl fit sample:tiny", "holds no evaluation"),
        ("rl compare sample:rl --where 'hours < 2000'", "at least 6"),
        (
            'rl compare sample:rl --where \'seed == "0" and family == "short-context"\'',
            "there is one recipe",
        ),
        ("rl advise sample:rl --target 2 --budget 30k", "--target is 2"),
        ("rl advise sample:rl --target 0.5 --budget 10k", "is spent"),
        ('rl isocompute sample:rl --where \'seed == "0" and family == "short-context"\'', "group"),
    ],
)
def test_mistakes_end_in_one_line(capsys, line, says):
    assert cli.main(shlex.split(line)) in (1, 2)
    err = capsys.readouterr().err
    assert says in err
    assert err.count("\n") == 1
