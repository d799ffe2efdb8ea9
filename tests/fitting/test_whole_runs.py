"""Rows that are points of one run are resampled, held out and counted as that run."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.assess import Candidate, backtest, compare, identify
from isoflop.assess.extrapolation.backtest import in_order
from isoflop.errors import CannotFit
from isoflop.fitting import fit
from isoflop.fitting.swept import optima
from isoflop.fitting.whole_runs import whole_runs
from isoflop.laws import Chinchilla, LearningRate
from isoflop.runs import Runs

TRUTH = Chinchilla(E=1.817, A=477.8, B=2143.0, alpha=0.3473, beta=0.3672)
RATE = LearningRate(scale=1.79, by_N=-0.713, by_D=0.307)
CHINCHILLA = Candidate("chinchilla")


def checkpoints(named=True, sizes=6, points=12):
    """Return the checkpoints of runs of several sizes, each with luck of its own."""
    rng = np.random.default_rng(5)
    N = np.repeat(np.geomspace(3e7, 1e9, sizes), points)
    D = np.tile(np.arange(1, points + 1) * 1e9, sizes)
    luck = np.repeat(0.003 * rng.standard_normal(sizes), points)
    L = TRUTH(N, D) * np.exp(luck + 5e-4 * rng.standard_normal(N.size))
    labels = {"run": np.repeat([f"r{i}" for i in range(sizes)], points)} if named else {}
    return Runs({"N": N, "D": D, "L": L}, labels)


@pytest.mark.parametrize("named", [True, False])
def test_checkpoints_are_resampled_as_whole_runs_and_it_is_said(named):
    runs = checkpoints(named)
    assert whole_runs(runs).count == 6
    made = fit("chinchilla", runs, draws=100)
    assert "clusters of" in made.resampling
    assert made.status == "doubtful"
    assert {"doubt", "info"} == {n.kind for n in made.notes if n.topic == "whole-runs"}
    alone = fit("chinchilla", runs, draws=100, cluster="D")
    assert np.ptp(made.interval("alpha")) > 2 * np.ptp(alone.interval("alpha"))


def test_a_backtest_holds_whole_runs_out():
    runs = checkpoints()
    test = backtest([CHINCHILLA], runs, cuts=2, draws=20)
    names = in_order(runs).labels["run"]
    for result in test.results:
        assert not set(names[result.split.train]) & set(names[~result.split.train])
    assert [n.topic for n in test.notes] == ["whole-runs"]
    assert "held out" in test.notes[0].text
    apart = np.tile(np.geomspace(1e9, 12e9, 12), 6)
    plain = Runs({"N": runs["N"], "D": apart, "L": TRUTH(runs["N"], apart)})
    assert backtest([CHINCHILLA], plain, cuts=2).notes == ()


def test_a_comparison_counts_runs_and_not_rows():
    comparison = compare(["chinchilla", "kaplan-joint"], checkpoints(), cuts=2)
    assert comparison.test.notes
    assert np.unique(comparison.test.member).size == 6


def test_identify_widens_what_shared_luck_leaves_open():
    made = fit("chinchilla", checkpoints(), draws=100)
    together = identify(made)
    assert any("not 72 rows" in note.text for note in together.notes)
    plain = Runs(checkpoints().columns)
    apart = identify(fit("chinchilla", plain, draws=100, cluster="L"))
    widths = [{p.name: np.ptp(np.log(p.interval)) for p in i.profiles} for i in (together, apart)]
    assert widths[0]["alpha"] > widths[1]["alpha"]


def sweeps(rates=7, noise=5e-4, off=1.0, seed=0):
    """Return sweeps of the learning rate about the best one of each N and D."""
    rng = np.random.default_rng(seed)
    N, D, k = (
        v.ravel()
        for v in np.meshgrid([2e8, 4e8, 8e8], [4e9, 16e9, 64e9], np.arange(rates) - rates // 2)
    )
    lr = 1e-3 * off * 2.0**k
    L = TRUTH(N, D) * np.exp(0.02 * np.log(lr / RATE(N, D)) ** 2)
    return Runs({"N": N, "D": D, "lr": lr, "L": L * np.exp(noise * rng.standard_normal(N.size))})


def test_a_law_of_the_best_rate_takes_the_best_of_each_sweep():
    made = fit("learning-rate", sweeps(), draws=100)
    assert len(made.runs) == 9
    assert made.law.by_N == pytest.approx(RATE.by_N, abs=0.05)
    assert made.law.by_D == pytest.approx(RATE.by_D, abs=0.05)
    (note,) = (n for n in made.notes if n.topic == "sweep")
    assert "63 runs are 9 sweeps of lr" in note.text
    assert len(made.runs.dropped[-1].rows) == 54


def test_the_best_of_a_sweep_has_an_interval_that_holds():
    hits = [
        o.low <= RATE(runs["N"][o.best], runs["D"][o.best]) <= o.high
        for runs in map(lambda seed: sweeps(seed=seed), range(30))
        for o in optima(runs, "lr", ("N", "D"))
    ]
    assert 0.8 <= np.mean(hits) <= 0.97


def test_a_sweep_whose_best_lies_at_its_end_is_left_out_or_refused():
    some = fit("learning-rate", sweeps(rates=5, off=0.5), draws=0)
    assert len(some.runs) < 9
    assert any("left out" in n.text for n in some.notes if n.topic == "sweep")
    with pytest.raises(CannotFit, match=r"none has its least loss inside: .*sweep lr further"):
        fit("learning-rate", sweeps(rates=3, off=100.0), draws=0)


def test_runs_that_are_optima_already_are_fitted_as_they_are():
    N, D = np.geomspace(1e8, 1e9, 8), np.array([1e9, 8e9, 2e9, 6e9, 4e9, 1e10, 3e9, 5e9])
    runs = Runs({"N": N, "D": D, "lr": RATE(N, D), "L": TRUTH(N, D)})
    assert len(fit("learning-rate", runs, draws=0).runs) == 8
