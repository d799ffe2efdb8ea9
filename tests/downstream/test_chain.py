"""Two steps through the loss: joint draws, chance, classes, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isoflop import downstream as steps
from isoflop.errors import BadRuns, CannotFit, RefusedByData, UsageError
from isoflop.laws import Chinchilla, DownstreamSigmoid
from isoflop.runs import Runs

LOSS = Chinchilla(E=0.45, A=140.0, B=460.0, alpha=0.30, beta=0.30)
STEP = DownstreamSigmoid(floor=0.25, ceiling=0.92, steepness=7.0, midpoint=0.85)
TARGET = {"N": 7e9, "D": 1e12}
TRUTH = float(STEP(L=LOSS(**TARGET)))


def ladder(seed: int = 0, luck: float = 0.004, noise: float = 0.004, seeds: int = 2) -> Runs:
    """Return sizes and budgets of a ladder, with the loss and the score of one task."""
    rng = np.random.default_rng(seed)
    sizes, over = np.meshgrid([190e6, 370e6, 760e6, 1.3e9], [1, 2, 5, 10])
    N, D = np.tile(sizes.ravel(), seeds), np.tile((20 * sizes * over).ravel(), seeds)
    L = LOSS(N=N, D=D) * np.exp(luck * rng.standard_normal(N.size))
    score = STEP(L=L) + noise * rng.standard_normal(N.size)
    return Runs({"N": N, "D": D, "L": L, "score": score}, conventions={"N": "total"})


def test_runs_without_noise_give_the_laws_and_the_score_back():
    made = steps.chain(ladder(luck=0, noise=0), chance=0.25, draws=0)
    assert made.predict(**TARGET) == pytest.approx(TRUTH, abs=1e-6)
    assert made.score.law.ceiling == pytest.approx(0.92, abs=1e-5)
    assert made.score.law.floor == 0.25


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Forty studies of one truth: 90% intervals hold it in 80 to 100% (standard error 5)."""
    held = 0
    for seed in range(40):
        made = steps.chain(ladder(seed), chance=0.25, draws=200, seed=seed)
        said = steps.forecast_score(made, **TARGET)
        held += said.low <= TRUTH <= said.high
    assert 32 <= held <= 40


def test_draws_of_both_steps_are_of_the_same_resampled_runs():
    """A draw that leaves runs out leaves them out of both steps: their errors hang together."""
    runs = ladder(luck=0.05, noise=0.0)
    # A score that is exact given its loss: whatever is drawn, the second step does not move.
    made = steps.chain(runs, chance=0.25, draws=50)
    spread = np.ptp(made.score.draws.midpoint)
    assert spread < 1e-4
    assert np.ptp(made.loss.draws.E) > 0.01
    one = steps.chain(runs, chance=0.25, draws=50)
    np.testing.assert_array_equal(one.loss.draws.E, made.loss.draws.E)
    assert made.loss.draws.members == made.score.draws.members == 50


def test_a_run_without_a_number_serves_the_other_step():
    runs = ladder()
    score = runs["score"].copy()
    score[:3] = np.nan
    made = steps.chain(
        replace(runs, columns={**runs.columns, "score": score}), chance=0.25, draws=9
    )
    assert (len(made.loss.runs), len(made.score.runs)) == (32, 29)
    assert "rows 2, 3 and 4" in made.notes[0].text


def test_a_law_of_compute_alone_and_an_exponential_link_chain_too():
    runs = ladder()
    runs = replace(runs, columns={**runs.columns, "C": 6 * runs["N"] * runs["D"]})
    made = steps.chain(runs, law="power", over="C", chance=0.25, draws=20)
    said = steps.forecast_score(made, C=6 * 7e9 * 1e12)
    assert said.low < said.value < said.high
    other = steps.chain(runs, link="error-of-loss", chance=0.25, draws=20)
    assert other.score.law.ceiling == 0.75
    assert 0.3 < steps.forecast_score(other, **TARGET).value <= 1


def test_a_link_that_does_not_take_the_loss_is_refused():
    with pytest.raises((UsageError, BadRuns, CannotFit)):
        steps.chain(ladder(), link="chinchilla", draws=0)


def test_scores_are_shares():
    runs = ladder()
    percent = replace(runs, columns={**runs.columns, "score": 100 * runs["score"]})
    with pytest.raises(BadRuns, match="--unit score=%"):
        steps.chain(percent)


def test_a_task_that_stays_at_chance_is_said_to_be_so():
    """Pure noise about chance, forty times: hardly ever taken for a signal."""
    runs, found = ladder(), []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        score = 0.25 + 0.01 * rng.standard_normal(len(runs))
        found.append(
            steps.signal(replace(runs, columns={**runs.columns, "score": score}), 0.25).at_chance
        )
    assert np.mean(found) >= 0.95


def test_a_rise_is_seen_and_its_noise_is_that_of_the_seeds():
    found = steps.signal(ladder(noise=0.01), 0.25)
    assert not found.at_chance
    assert found.seeds
    assert found.noise == pytest.approx(0.011, abs=0.004)
    assert found.monotone > 0.95
    alone = steps.signal(ladder(noise=0.01, seeds=1), 0.25)
    assert not alone.seeds
    with pytest.raises(CannotFit, match="at least 6"):
        steps.signal(ladder()[np.arange(4)], 0.25)


@pytest.mark.parametrize(
    ("rise", "noise", "monotone", "error", "name"),
    [
        (0.3, 0.01, 0.95, 0.02, "reliable"),
        (0.3, 0.01, 0.95, 0.05, "usable"),
        (0.3, 0.05, 0.95, 0.02, "usable"),
        (0.3, 0.01, 0.80, 0.02, "usable"),
        (0.3, 0.01, 0.95, 0.10, "unreliable"),
        (0.03, 0.01, 0.95, 0.02, "unreliable"),
        (0.3, 0.01, 0.95, np.nan, "untested"),
        (0.015, 0.01, 0.95, 0.0, "at chance"),
        (-0.05, 0.01, 0.95, 0.0, "at chance"),
    ],
)
def test_classes_follow_their_rules(rise, noise, monotone, error, name):
    found = steps.Signal(0.25 + rise, rise, noise, True, monotone)
    assert steps.classify(found, error) == name


def test_the_chain_is_held_against_larger_runs_beside_its_baselines():
    runs = ladder()
    tried = steps.ways(runs, "chinchilla", None)
    assert [w.name for w in tried] == ["two steps", "two steps, of C alone", "one step"]
    missed = steps.backtest(runs, tried, 0.25)
    assert {m.way.name for m in missed} == {w.name for w in tried}
    last = steps.nearest(missed, tried[0])
    assert steps.rms(last, tried[0]) < 0.03
    assert last[0].ratio.max() > 1.5
    assert np.isnan(steps.rms((), tried[0]))
    assert 0 < steps.loss_growth(runs, tried[0]) < 0.05


def test_too_few_runs_give_no_backtest():
    with pytest.raises(RefusedByData):
        steps.backtest(
            ladder(seeds=1)[np.arange(5)], steps.ways(ladder(), "chinchilla", None), 0.25
        )
