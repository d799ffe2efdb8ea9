"""GPT-4, arXiv:2303.08774: the mean log pass rate over compute; it prints no constants."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.errors import CannotFit, UsageError
from isoflop.fitting import fit
from isoflop.laws import Power
from isoflop.runs import Runs
from isoflop.samples.mean_log_pass import mean_log_pass

C = np.geomspace(1e19, 1e22, 7)  # seven models, 1,000 times apart
A, POWER = 2.0 * 1e19**0.2, 0.2


def rates(problems=120, spread=0.3, seed=0):
    """Return pass rates (m, p) whose mean log follows the power law exactly."""
    offset = spread * np.random.default_rng(seed).uniform(-1, 1, problems)
    return np.exp(-(A * C**-POWER)[:, None] * (1 + offset - offset.mean()))


def test_counts_give_the_power_back():
    tried = 10_000
    solved = np.random.default_rng(1).binomial(tried, rates())
    made = mean_log_pass(solved, tried)
    assert made.used.all()
    assert not made.notes
    runs = Runs({"C": C, "mlpr": made.mlpr}, conventions={"C": "6ND"})
    got = fit(Power, runs, over="C", predicts="mlpr", fix={"E": 0.0}, draws=0).law
    assert got.alpha == pytest.approx(POWER, abs=0.005)
    assert float(got(1e25)) == pytest.approx(A * 1e25**-POWER, rel=0.05)


def test_only_problems_that_all_models_solve_are_kept_and_the_bias_is_said():
    """Few tries: what is left is the easy part, and the weak models look better."""
    truth = rates(spread=0.9)
    solved = np.random.default_rng(2).binomial(20, truth)
    made = mean_log_pass(solved, 20)
    assert (made.used == (solved > 0).all(0)).all()
    assert 0 < made.used.sum() < made.used.size
    assert made.mlpr[0] < -np.log(truth[0]).mean()
    assert f"{(~made.used).sum()} of 120 problems were left out" in made.notes[0].text
    assert "below 5 successes" in made.notes[1].text


def test_no_problem_that_all_solve_is_refused():
    with pytest.raises(CannotFit, match="none of 2 problems is solved by all 2 models"):
        mean_log_pass([[0, 3], [4, 0]], 10)


@pytest.mark.parametrize(
    ("solved", "tried", "says"),
    [
        ([[11, 2]], 10, "model 0, problem 0 has 11 solved of 10"),
        ([[1.5, 2]], 10, "1.5 solved"),
        ([[np.nan, 2]], 10, "nan solved"),
        ([[1, 2]], [[1, 2, 3]], "shape"),
        ([1, 2], 10, "a row a model"),
    ],
)
def test_counts_that_are_none_are_refused(solved, tried, says):
    with pytest.raises(UsageError, match=says):
        mean_log_pass(solved, tried)
