"""Policies by difficulty: nobody scores what it chose on, prices are charged, files apply them."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from isoflop.errors import BadStudy, RefusedByData, UnknownName, UsageError, texts
from isoflop.options import IntervalOptions
from isoflop.plan.sampling import problem_draws as choosing
from isoflop.plan.sampling.difficulty import DifficultyOptions, difficulty
from isoflop.plan.sampling.exchange import compared
from isoflop.plan.sampling.options import SamplingChoice, options, options_after
from isoflop.plan.sampling.policy import policy
from isoflop.plan.sampling.prices import (
    Prices,
    Spending,
    cost_of,
    cost_of_run,
    uncounted,
    unit_of,
)
from isoflop.plan.sampling.router import Router
from isoflop.samples.sample_table import Samples
from isoflop.samples.simulated_samples import SyntheticTask, simulate

FLOP = Spending(unit="flop")
ORACLE = DifficultyOptions(by="oracle")
VOTES = DifficultyOptions(by="agreement", estimate=8)


def few(draws: int) -> IntervalOptions:
    return IntervalOptions(draws=draws)


def paid(*budgets: float) -> Spending:
    return Spending(unit="samples", budgets=budgets)


def bank(problems=60, m=24, seed=0, **world):
    made = simulate(SyntheticTask(**world), problems, m, seed=seed)
    n = problems * m
    spent = {name: np.full(problems, float(np.mean(made[name])))
             for name in ("tokens", "flop", "prompt_flop", "verifier_flop")}  # fmt: skip
    return Samples(
        tuple(dict.fromkeys(made["problem"])), np.arange(problems + 1) * m, made["correct"],
        {"v": np.asarray(made["score:verifier"])}, made["answer"].astype(np.int32),
        tuple(map(str, range(12))), spent,
    ) if n else None  # fmt: skip


def test_unsolved_problems_have_a_bin_of_their_own():
    samples = bank(alpha=0.2, beta=2.0)
    found = difficulty(samples, "oracle", 4)
    never = samples.counts.solved == 0
    assert never.sum() > 3
    assert (found.bin[never] == 0).all()
    assert (found.bin[~never] > 0).all()
    by_score = difficulty(samples, "score", 4, "v")
    assert np.bincount(by_score.bin).tolist() == [15, 15, 15, 15]
    with pytest.raises(RefusedByData, match="too few for 40"):
        difficulty(samples, "oracle", 40)
    with pytest.raises(UsageError, match="needs a verifier"):
        difficulty(samples, "score", 4, "w")


def test_a_prompt_is_paid_once_and_a_verifier_for_every_sample():
    samples = bank()
    each, once = samples.cost["flop"], samples.cost["prompt_flop"]
    check = samples.cost["verifier_flop"]
    np.testing.assert_allclose(cost_of(samples, 4, "flop", True), once + 4 * (each + check))
    np.testing.assert_allclose(cost_of(samples, 4, "flop", False), once + 4 * each)
    assert cost_of(samples, 4, "samples", True).tolist() == [4.0] * 60
    assert unit_of(samples) == "flop"
    with pytest.raises(UsageError, match="do not state their seconds"):
        unit_of(samples, "seconds")
    with pytest.raises(UsageError, match="no unit called 'euros'"):
        unit_of(samples, "euros")


def test_a_verifier_reads_a_prompt_once_for_all_samples():
    samples = bank()
    read = np.linspace(1e9, 2e9, 60)
    told = replace(samples, cost={**samples.cost, "verifier_prompt_flop": read})
    more = cost_of(told, 7, "flop", True) - cost_of(samples, 7, "flop", True)
    np.testing.assert_allclose(more, read, rtol=1e-5)
    np.testing.assert_array_equal(
        cost_of(told, 7, "flop", False), cost_of(samples, 7, "flop", False)
    )


def test_dollars_are_of_one_request_that_pays_for_its_prompt_once():
    samples = bank()
    spent = {**samples.cost, "prompt_tokens": np.full(60, 2000.0), "tokens": np.full(60, 500.0)}
    samples, prices = replace(samples, cost=spent), Prices(prompt=0.5, generated=3.0)
    assert unit_of(samples, None, prices) == "dollars"
    assert cost_of(samples, 4, "dollars", True, prices)[0] == pytest.approx(0.001 + 4 * 0.0015)
    assert "model's tokens" in uncounted(samples, "dollars", True)[0].text
    made = policy(samples, spending=Spending(prices=prices), interval=few(20))
    assert made.unit == made.router.unit == "dollars"
    assert made.price_of_estimate == pytest.approx(0.001 + made.estimated_from * 0.0015)
    with pytest.raises(UsageError, match="need the samples' prompt_tokens"):
        unit_of(bank(), "dollars", prices)
    with pytest.raises(UsageError, match="--price-in"):
        unit_of(samples, "dollars")
    with pytest.raises(UsageError, match="a price is -1"):
        Prices(-1.0, 2.0)


def test_what_is_not_in_a_cost_is_said():
    samples = bank()
    known = {"flop": samples.cost["flop"], "verifier_flop": np.full(60, np.nan)}
    bare = replace(samples, cost=known)
    np.testing.assert_array_equal(cost_of(bare, 3, "flop", True), 3 * known["flop"])
    said = " ".join(texts(policy(bare, interval=few(10)).notes))
    assert "verifier_flop): it counts as nothing" in said
    assert "prompt_flop): it counts as nothing" in said
    assert cost_of_run(samples, "samples") is None  # a search draws more than one
    assert cost_of_run(samples, "seconds") is None
    np.testing.assert_array_equal(cost_of_run(samples, "flop"), cost_of(samples, 1, "flop", True))


def test_bins_of_few_problems_learn_from_their_neighbours(monkeypatch):
    """Dozens of options on half a dozen problems: the luckiest wins unless bins borrow."""
    rng, bins = np.random.default_rng(0), np.repeat(np.arange(5), 6)
    seen, one, truth = np.ones(30, bool), np.ones(30), {1e-9: [], choosing.NEAR: []}
    for _ in range(40):
        rates = rng.uniform(0.4, 0.6, 40)
        drawn = [SamplingChoice(str(r), (rng.random(30) < r).astype(float), one) for r in rates]
        cases = choosing.Cases(bins, 5, tuple(drawn))
        for near, chosen in truth.items():
            monkeypatch.setattr(choosing, "NEAR", near)
            chosen.append(rates[choosing.chooser(cases, 1.0)(seen)].mean())
    alone, shared = map(np.mean, truth.values())
    assert shared > alone + 0.005


def test_no_bin_is_empty():
    eases = np.repeat([2, 8], [12, 8])
    right = (np.arange(10) < eases[:, None]).ravel()
    samples = Samples(tuple(f"p{i:02}" for i in range(20)), np.arange(21) * 10, right)
    assert np.bincount(difficulty(samples, "oracle", 5).bin).tolist() == [12, 8]


def test_choosing_on_noise_wins_nothing_when_cross_fitted():
    """Options that are right by chance alone: the best looks good in sample, and not crossed."""
    samples = bank(problems=80, seed=3)
    rng = np.random.default_rng(0)
    one = np.full(80, 1.0)
    noise = [
        SamplingChoice(f"noise {i}", (rng.random(80) < 0.5).astype(float), one) for i in range(60)
    ]
    made = policy(samples, sorting=ORACLE, others=noise, spending=paid(1.0, 2.0), interval=few(50))
    assert any(c.startswith("noise") for c in made.budgets[0].choices)
    assert made.budgets[0].score < 0.58


def test_a_strategy_that_wins_on_hard_problems_is_sent_there():
    samples = bank(problems=120, m=32, seed=1, alpha=0.6, beta=1.0)
    hard = samples.counts.solved / samples.counts.attempts < 0.4
    search = SamplingChoice("search", np.where(hard, 0.9, 0.1), np.full(120, 4.0))
    made = policy(samples, sorting=ORACLE, others=[search], spending=paid(16.0), interval=few(100))
    (at,) = made.budgets
    assert at.choices[0] == "search"
    assert at.choices[-1] != "search"
    assert at.gain_ends[0] > 0
    assert at.saving > 1
    assert not made.charged


def test_samples_that_tell_difficulty_are_charged_and_take_part():
    samples = bank(m=40)
    made = policy(samples, sorting=VOTES, spending=paid(8.0, 30.0), interval=few(20))
    assert made.price_of_estimate == 8
    assert all(c.endswith("k=8") for c in made.budgets[0].choices)
    with pytest.raises(RefusedByData, match="does not pay for the samples that tell difficulty"):
        policy(samples, sorting=VOTES, spending=paid(7.0))
    first, rest = samples.split(8, 0)
    judged = {o.name: o for o in options_after(first, rest, FLOP, verifier=True)}
    unjudged = {o.name: o for o in options_after(first, rest, FLOP, verifier=False)}
    extra = judged["majority, k=8"].cost - unjudged["majority, k=8"].cost
    np.testing.assert_allclose(extra, 8 * samples.cost["verifier_flop"])
    np.testing.assert_allclose(
        judged["best of k by v, k=10"].cost, cost_of(samples, 10, "flop", True)
    )
    one = {o.name: o for o in options_after(*samples.split(1, 0), FLOP, verifier=True)}
    for name in ("majority, k=1", "best of k by v, k=1"):
        np.testing.assert_allclose(one[name].cost, cost_of(samples, 1, "flop", True))


def test_a_strategy_is_paid_beside_the_samples_that_tell_difficulty():
    sure = SamplingChoice("sure", np.ones(60), np.full(60, 5.0))
    made = policy(
        bank(m=40), sorting=VOTES, spending=paid(12.9, 13.0), others=[sure], interval=few(20)
    )
    assert "sure" not in made.budgets[0].choices
    assert set(made.budgets[1].choices) == {"sure"}


def test_what_is_refused():
    with pytest.raises(RefusedByData, match="set aside"):
        policy(bank(m=8), sorting=VOTES)
    with pytest.raises(UnknownName, match="majority"):
        policy(bank(), baseline="majorty")


def test_a_router_applies_the_policy_and_survives_the_disk(tmp_path):
    made = policy(bank(), sorting=DifficultyOptions(by="agreement", bins=3), interval=few(20))
    path = tmp_path / "router.json"
    made.router.save(path)
    router = Router.load(path)
    assert router == made.router
    last = made.budgets[-1]
    assert router.choose(0.0, 1e30) == last.choices[0]
    assert router.choose(1.0, last.budget) == last.choices[-1]
    with pytest.raises(UsageError, match="below the smallest"):
        router.choose(0.5, 1.0)
    with pytest.raises(UsageError, match="ease is nan"):
        router.choose(float("nan"), 1e30)
    said = json.loads(path.read_text())
    for broken in ({**said, "schema": 9}, {**said, "choices": []}, [1], {**said, "cuts": "x"}):
        path.write_text(json.dumps(broken))
        with pytest.raises(BadStudy):
            Router.load(path)


def test_options_without_answers_or_scores_are_refused():
    samples = bank()
    bare = Samples(samples.problems, samples.starts, samples.correct)
    with pytest.raises(UsageError, match="neither answers"):
        options(bare, Spending(unit="samples"))


def test_an_exchange_reads_the_bank_and_says_where_it_ends():
    k, small = np.array([1.0, 4.0, 16.0]), np.tile([0.2, 0.5, 0.8], (30, 1))
    made = compared("all", np.full(30, 0.6), k, small, 63.4)
    assert (made.verdict, made.needed, made.beyond) == ("samples", 16, True)
    made = compared("all", np.full(30, 0.6), k, small, 5.0)
    assert (made.verdict, made.small, made.beyond) == ("larger model", 0.5, False)
