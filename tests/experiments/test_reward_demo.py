"""What is said of over-optimisation: right on curves that are known, and of a real study."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from isoflop.assess.reward.overoptimisation import OveroptimisationCurve
from isoflop.commands.reward.demo import reward_demo
from isoflop.commands.reward.run import reward_run
from isoflop.errors import BadRuns, UnknownName, UsageError
from isoflop.experiments.reward import Proxy, Scorer
from isoflop.experiments.reward.preset_study import preset_study
from isoflop.sources import read
from isoflop.studies.reward import Mean, Replication, ScorerArm, gap, held_out, outcome, trend

D = np.linspace(0.25, 5, 20)


def evidence(R: np.ndarray) -> OveroptimisationCurve:
    return OveroptimisationCurve(
        "x", D, R, np.ones(len(D)), np.ones((20, len(D))), drawn_weights=True
    )


def arm(*alphas_and_betas: tuple[float, float], hidden: int = 3, pairs: int = 1_000) -> ScorerArm:
    """Return an arm whose replications are exact parabolas."""
    runs = tuple(
        Replication(i, evidence(D * (a - b * D)), D) for i, (a, b) in enumerate(alphas_and_betas)
    )
    scorer = Scorer((Proxy(hidden, pairs),))
    return ScorerArm("x", "best-of-n: x", scorer, 1_000 * hidden, pairs, 0.0, runs)


# ---- numbers ------------------------------------------------------------------------------------


def test_the_interval_of_a_mean_is_by_students_t():
    mean = Mean.of([1.0, 2.0, 3.0])
    half = 2.919986 / np.sqrt(3)  # t at 95%, two degrees of freedom, times the spread of one
    assert tuple(mean) == pytest.approx((2.0, 2.0 - half, 2.0 + half), rel=1e-6)
    assert tuple(Mean.of([4.0])) == (4.0, None, None)


def test_a_curve_that_is_known_is_forecast_exactly():
    run = arm((1.2, 0.3)).runs[0]
    form, value = run.forecast()
    assert form == "bon-reward"
    assert value == pytest.approx(run.end)
    assert run.r2(form) == pytest.approx(1)
    assert run.best == (2.0, pytest.approx(1.2))
    assert run.fell
    assert not arm((1.2, 0.1)).runs[0].fell  # still rising at d = 5
    assert held_out(run.evidence, "rl-reward") > held_out(run.evidence, "bon-reward") + 0.1
    other = evidence(D * (1.2 - 0.8 * np.log(D)))
    assert Replication(0, other, D).forecast()[0] == "rl-reward"


def test_gold_between_evaluations_lies_on_a_straight_line_from_nothing():
    run = arm((1.0, 0.0)).runs[0]
    assert run.at([0.0, 0.1, 1.0, 2.6]) == pytest.approx([0.0, 0.1, 1.0, 2.6])


def test_gaps_are_paired_and_over_the_d_that_all_reached():
    first, second = arm((1.0, 0.2), (2.0, 0.2)), arm((1.0, 0.1), (2.0, 0.1))
    found = gap([first], second)
    assert found.upto == 5.0
    assert found.gap.value == pytest.approx(0.1 * (found.upto**2) * np.mean(
        (np.arange(1, 41) / 40) ** 2
    ), rel=2e-3)  # fmt: skip
    assert found.gap.low == pytest.approx(found.gap.high)  # the same in every replication
    assert gap([first, second], second).gap.value == pytest.approx(found.gap.value / 2)


def test_a_trend_is_a_rank_correlation_in_every_replication():
    sizes = [
        arm((1.0, 0.4 / h), (1.0, 0.4 * h), hidden=h)  # beta falls with size, then rises
        for h in (2, 4, 8)
    ]
    assert trend(sizes, "N", "bon-reward", "beta_R").value == pytest.approx(0)
    assert trend(sizes[:2], "N", "bon-reward", "beta_R") is None


# ---- a real study -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reward")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISOFLOP_CACHE", str(folder / "cache"))
        page = str(folder / "demo.html")
        report = reward_demo(str(folder / "study"), preset="tiny", page=page)
        again = reward_demo(str(folder / "study"), preset="tiny", page=page)
    return folder, report, again


@pytest.mark.training
def test_the_demo_says_what_a_real_study_shows_and_resumes(demo):
    folder, report, again = demo
    assert json.loads(json.dumps(report.data, allow_nan=False)) == report.data
    assert {**report.data, "seconds": 0} == {**again.data, "seconds": 0}
    kinds = [a["family"].partition(":")[0] for a in report.data["arms"]]
    assert kinds == ["best-of-n"] * 4 + ["rl"]
    chosen = {a["N"]: a["runs"][0]["end"] for a in report.data["arms"][2:4]}
    assert min(chosen.values()) > 0.3  # best-of-n by either well-fed proxy gains
    (rl,) = report.data["arms"][-1]["runs"]
    assert rl["most"] > 0.3  # and so does RL, wherever it goes from there
    assert rl["fell"] == (rl["end"] < 0.9 * rl["most"])
    assert "RL and best-of-n" in Path(folder / "demo.html").read_text()


@pytest.mark.training
def test_the_study_is_read_by_the_other_commands(demo):
    from isoflop.commands.inputs import IntervalOptions
    from isoflop.commands.reward.fit import reward_fit
    from isoflop.commands.reward.reward_options import ScoreOptions

    folder = demo[0]
    (scores,) = folder.glob("study/trials/*/scores.parquet")
    few = IntervalOptions(draws=50)
    one = ScoreOptions(proxy=("499, 4096 pairs",))
    fit = reward_fit(str(scores), samples=one, interval=few)
    assert fit.data["proxies"]["499, 4096 pairs"]["size"] == 499
    runs = reward_fit(
        str(folder / "study"),
        samples=ScoreOptions(proxy=("rl: 499, 4096 pairs",)),
        interval=few,
    )
    assert runs.data["what"] == "RL"
    assert reward_fit(str(folder / "study"), interval=few).data["what"] == "best-of-n and RL"
    report = reward_run(str(folder / "study"), preset="tiny", workers=1)
    assert report.data["reused"] == 2


@pytest.mark.training
def test_a_study_of_one_preset_is_not_mixed_with_another(demo):
    with pytest.raises(UsageError, match="holds a study of --preset tiny; go on with that one"):
        reward_run(str(demo[0] / "study"), workers=1)


@pytest.mark.training
def test_a_missing_replication_is_named(demo):
    runs = read(demo[0] / "study")
    with pytest.raises(BadRuns, match="seed 1"):
        outcome(preset_study("tiny", 2, 0), runs)


def test_a_study_that_there_is_not_is_refused():
    with pytest.raises(UnknownName, match="tiny"):
        preset_study("tinny", None, 0)
    with pytest.raises(UsageError, match="--seeds"):
        preset_study("tiny", 0, 0)
