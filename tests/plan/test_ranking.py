"""The best use of samples at a budget: by plain counting, at a price, against every strategy."""

from __future__ import annotations

import json

import numpy as np
import pytest

from isoflop import cli
from isoflop.errors import RefusedByData, UnknownName, UsageError
from isoflop.options import IntervalOptions
from isoflop.plan.sampling.options import SamplingChoice, options
from isoflop.plan.sampling.prices import Spending
from isoflop.plan.sampling.ranking import rank_strategies
from isoflop.samples.transcript import transcript
from isoflop.sources.open_samples import opened

FEW = IntervalOptions(draws=200)


@pytest.fixture(scope="module")
def samples():
    return opened("sample:bank").samples()


def test_the_best_of_a_budget_is_the_highest_mean_that_it_pays_for(samples):
    choices = options(samples, Spending(unit="flop"), seed=0)
    budget = float(np.median([c.price for c in choices]))
    ranking = rank_strategies(samples, spending=Spending(budgets=[budget]), interval=FEW).budgets[0]
    paid = [c for c in choices if c.price <= budget]
    best = max(paid, key=lambda c: c.right.mean())
    assert ranking.best.name == best.name
    assert ranking.best.score == pytest.approx(best.right.mean())
    assert ranking.best.ends[0] < ranking.best.score < ranking.best.ends[1]
    assert all(s.price <= budget for s in ranking.strategies)
    assert [s.score for s in ranking.strategies] == sorted(
        (s.score for s in ranking.strategies), reverse=True
    )


def test_every_strategy_is_a_baseline_and_the_distance_has_an_interval(samples):
    problems = len(samples.problems)
    perfect = SamplingChoice("oracle", np.ones(problems), np.ones(problems))
    hopeless = SamplingChoice("nothing", np.zeros(problems), np.ones(problems))
    ranking = rank_strategies(samples, others=(perfect, hopeless), interval=FEW).budgets[-1]
    assert ranking.best.name == "oracle"
    assert ranking.strategies[-1].name == "nothing"
    assert ranking.strategies[-1].lead == pytest.approx(1.0)
    assert ranking.strategies[-1].lead_ends == pytest.approx((1.0, 1.0))
    assert "nothing" not in {s.name for s in ranking.equals}
    families = {s.name.rpartition(", k=")[0] or s.name for s in ranking.strategies}
    assert {"majority", "oracle", "nothing"} <= families


def test_a_twin_of_the_best_is_as_good_within_chance(samples):
    best = rank_strategies(samples, interval=FEW).budgets[-1].best
    own = next(c for c in options(samples, Spending(unit="flop"), seed=0) if c.name == best.name)
    twin = SamplingChoice("twin", own.right, own.cost)
    ranking = rank_strategies(samples, others=(twin,), interval=FEW).budgets[-1]
    assert len({"twin", best.name} & {s.name for s in (ranking.best, *ranking.equals)}) == 2


def test_a_budget_below_one_answer_is_refused(samples):
    with pytest.raises(RefusedByData, match="the cheapest costs"):
        rank_strategies(samples, spending=Spending(budgets=[1e-9]), interval=FEW)


def typed(capsys, *words):
    code = cli.main([*words, "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if code == 0 else err


def test_the_command_counts_at_the_price_of_a_host(capsys):
    _, data = typed(capsys, "testtime", "best", "sample:bank", "--draws", "50")
    assert data["unit"] == "flop"
    assert data["budgets"][0]["strategies"]
    code, data = typed(
        capsys, "testtime", "best", "sample:bank", "--draws", "50", "--unit", "samples",
        "--budget", "16",
    )  # fmt: skip
    assert code == 0
    assert all(s["price"] <= 16 for s in data["budgets"][0]["strategies"])
    assert cli.main(["testtime", "best", "sample:bank", "--draws", "50"]) == 0
    assert "a problem:" in capsys.readouterr().out


def test_a_sample_is_shown_with_its_verdicts(capsys):
    held = opened("sample:chain-bank")
    first = transcript(held.bank, strategy=held.strategy, lineage=held.lineage)
    _, data = typed(capsys, "testtime", "show", "sample:chain-bank")
    assert (data["problem"], data["sample"]) == (first.problem, 0)
    assert data["answer"] == first.answer
    code, complaint = typed(capsys, "testtime", "show", "sample:chain-bank", "--problem", "zzz")
    assert (code, "no problem called" in complaint) == (2, True)
    code, complaint = typed(capsys, "testtime", "show", "sample:chain-bank", "--sample", "999999")
    assert (code, "has no sample" in complaint) == (2, True)
    with pytest.raises(UnknownName):
        transcript(held.bank, "zzz", strategy=held.strategy, lineage=held.lineage)
    with pytest.raises(UsageError, match="has no sample"):
        transcript(held.bank, first.problem, 10**8, strategy=held.strategy, lineage=held.lineage)


def test_the_text_of_a_sample_of_a_log_is_shown(tmp_path, capsys):
    log = tmp_path / "log.jsonl"
    rows = [
        {"problem": "p1", "response": "First 2.\nWait, 2 + 2 is 4", "answer": "4", "correct": True},
        {"problem": "p1", "response": "5", "answer": "5", "correct": False},
    ]
    log.write_text("\n".join(json.dumps(row) for row in rows))
    assert cli.main(["testtime", "show", str(log), "--problem", "p1"]) == 0
    page = capsys.readouterr().out
    assert "Wait, 2 + 2 is 4" in page
    assert "right" in page
