"""The demo of test time: claims are held to what was seen, and a trial of it runs and resumes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from isoflop.cli import main
from isoflop.commands.testtime.demo import SearchOptions
from isoflop.commands.testtime.demo import testtime_demo as demonstrate
from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.testtime import named
from isoflop.experiments.testtime.preset_study import preset_study
from isoflop.samples.sample_table import Counts
from isoflop.sources.open_samples import opened
from isoflop.store import Study
from isoflop.studies.testtime import Seed, StrategyResult, findings

K = 2.0 ** np.arange(9)
P = 50

TINY = SearchOptions(preset="tiny", seeds=1)


def seed(
    lineage: str, best: list[float], beam: tuple[float, float], again: tuple[float, ...],
    limits: tuple[float, ...],
):  # fmt: skip
    """Return a seed whose curves are given, and a beam that gains on easy and on hard problems."""
    flat = np.ones((P, 1))
    right = np.full(P, 0.5)
    easy = np.arange(P) < P // 2
    gained = right + np.where(easy, *beam)
    spent = np.ones(P)

    def tried(values):
        return StrategyResult(values, spent, spent, spent)

    curves = {
        "coverage": [0.3, 0.4, 0.5, 0.6, 0.7],
        "majority": [0.3, 0.4, 0.5, 0.505, 0.5],
        "best of k by prm": best,
        "vote weighted by prm": [0.5] * 5,
    }
    curves = {n: flat * np.interp(np.arange(9), np.arange(0, 9, 2), c) for n, c in curves.items()}
    counts = Counts(tuple(map(str, range(P))), np.arange(P)[::-1], np.full(P, P))
    names = ("budget", *(f"budget/again={i}" for i in range(1, len(again))))
    strategies = {n: tried(np.full(P, a)) for n, a in zip(names, again, strict=True)}
    # By name 12 comes before 4.
    strategies |= {f"budget/tokens={4 * i + 4}": tried(np.full(P, r)) for i, r in enumerate(limits)}
    tried_by_name = {"beam/n=16": tried(gained), **strategies}
    return Seed(lineage, K, curves, counts, {named(n): t for n, t in tried_by_name.items()})


def seen(best, beam, again, limits):
    wobble = (-0.002, 0.0, 0.002)
    made = [seed(str(w), [b + w * i for i, b in enumerate(best)], tuple(x + w for x in beam),
                 tuple(a + w * i for i, a in enumerate(again)),
                 tuple(r - w * i for i, r in enumerate(limits))) for w in wobble]  # fmt: skip
    return {f.claim.split(" ")[0]: f.saw for f in findings(made, "prm")}


CLAIMS = ("coverage", "majority", "best", "beam", "a", "forcing")


def test_claims_that_hold_are_seen():
    said = seen([0.3, 0.4, 0.45, 0.4, 0.2], (-0.1, 0.1), (0.3, 0.4, 0.4), (0.1, 0.29, 0.3))
    assert said == dict.fromkeys(CLAIMS, "yes")


def test_claims_that_do_not_hold_are_not_seen():
    said = seen([0.3, 0.28, 0.25, 0.2, 0.1], (0.1, -0.1), (0.4, 0.3, 0.2), (0.1, 0.15, 0.2))
    assert [said[claim] for claim in CLAIMS[2:]] == ["no"] * 4


def test_what_chance_could_do_is_not_told():
    said = seen([0.3, 0.4, 0.45, 0.4, 0.2], (0.0005, 0.1), (0.3, 0.3005, 0.3), (0.3, 0.301, 0.3))
    assert said["beam"] == said["forcing"] == said["a"] == "not told"


def test_bins_are_even_and_easy_first():
    made = seed("0", [0.3] * 5, (0, 0), (0.3, 0.3), (0.3, 0.3))
    assert np.bincount(made.bins).tolist() == [10] * 5
    assert made.bins[0] == 0
    assert made.bins[-1] == 4


def test_what_cannot_be_run_is_refused():
    assert preset_study("study", 2, 5).seeds == (5, 6)
    own = preset_study("tiny", 1, 0, ("budget/again=7", "mcts/n=8"), 9).setting
    assert (own.problems, own.attempts, own.strategies) == (9, 8, ("budget/again=7", "mcts/n=8"))
    with pytest.raises(UnknownName, match="beam"):
        preset_study("study", None, 0, ("beem/n=4",))
    with pytest.raises(UnknownName, match="study"):
        preset_study("studdy", None, 0)
    with pytest.raises(UsageError, match="seeds is 0; it must be a whole number from 1"):
        preset_study("tiny", 0, 0)


@pytest.mark.training
def test_the_demo_runs_says_what_it_saw_and_resumes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ISOFLOP_CACHE", str(tmp_path / "cache"))
    folder, page = str(tmp_path / "study"), str(tmp_path / "demo.html")
    first = demonstrate(folder, setting=TINY, page=page)
    claims = {f["claim"]: f for f in first.data["findings"]}
    assert claims["coverage rises"]["seen"] == "not told"  # one seed has no interval
    assert claims["coverage rises"]["differences"][0]["mean"] > 0
    (said,) = first.data["forecasts"]
    assert 0 <= said["low"] <= said["value"] <= said["high"] <= 1
    assert abs(said["value"] - said["truth"]) < 0.2
    assert "test-time" in Path(page).read_text().lower()
    kept = [d.sha256 for d in Study.open(folder).documents("observations")]
    again = demonstrate(folder, setting=TINY, page=page)
    assert {**again.data, "seconds": 0} == {**first.data, "seconds": 0}
    assert kept == [d.sha256 for d in Study.open(folder).documents("observations")]


@pytest.mark.parametrize("word", ["curves", "fit", "policy"])
def test_one_seed_of_the_study_comes_with_the_package(word, capsys):
    line = ["testtime", word, "sample:chain-bank", "--draws", "5", "--json"]
    assert main(line) == 0
    assert json.loads(capsys.readouterr().out)


def test_the_packaged_seed_is_the_study_that_the_demo_runs():
    setting = preset_study("study", 1, 0).setting
    found = opened("sample:chain-bank")
    assert set(found.kinds()) == {
        (name, setting.lineage(0)) for name in ("parallel", *setting.strategies)
    }
    drawn = found.samples()
    assert (len(drawn.problems), drawn.counts.reach) == (64, 64)
    assert drawn.cost["verifier_prompt_flop"].all()
