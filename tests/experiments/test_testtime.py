"""Strategies of test time: known answers on small cases, costs counted, studies that resume."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.engines import LocalEngine, run
from isoflop.experiments.folder import TrialFolder
from isoflop.experiments.policy import ChainTask, Warmup, forward_flop, shape_for
from isoflop.experiments.testtime import (
    DVTS,
    MCTS,
    PRESETS,
    Adaptive,
    Beam,
    Judgement,
    Parallel,
    Rebase,
    Revision,
    SearchStudyConfig,
    TokenBudget,
    gather,
    name_of,
    named,
)
from isoflop.experiments.testtime.selection import allotted, best, majority, settled, weighted
from isoflop.samples.bank import Sample, SampleBank
from isoflop.samples.budgets import control, performance, scaling
from isoflop.store import Study

torch = pytest.importorskip("torch")

from isoflop.experiments.policy import warm_start  # noqa: E402
from isoflop.experiments.policy.sampling import ForcedBudget, sample  # noqa: E402
from isoflop.experiments.testtime.run import carry, generator  # noqa: E402
from isoflop.experiments.testtime.sampler import Bench, split  # noqa: E402
from isoflop.experiments.testtime.verifier import (  # noqa: E402
    ProcessVerifier,
    area_under_curve,
    teach,
)

pytestmark = pytest.mark.training

TASK = ChainTask(modulus=3, most=3, retried=0.25, interrupted=0.25)
SHAPE = shape_for(TASK, 32, 1, attempts=4)
ALL = (
    Parallel(4), Parallel(4, "best"), Adaptive(8), Revision(4, 2), TokenBudget(),
    TokenBudget(again=2),
    TokenBudget(tokens=1), Beam(4, 2), Beam(4, 2, 1), DVTS(4, 2), Rebase(4), MCTS(4),
)  # fmt: skip


class Oracle:
    """A verifier that knows the solution: 1 while every token of a response is right."""

    def begin(self, problems, more):
        return Knowing(problems.solutions, np.ones(len(problems), bool), 0)

    def scores(self, problems, responses):
        knowing = self.begin(problems, 0)
        for token in responses.T:
            knowing.read(np.where(token == TASK.control.pad, knowing.due, token))
        return knowing.scores

    def flop(self, tokens, before=0):
        return 0.0 * tokens * (1 + before)


class Knowing:
    def __init__(self, solutions, fine, at):
        self.solutions, self.fine, self.at = solutions, fine, at

    @property
    def due(self):
        return self.solutions[:, min(self.at, self.solutions.shape[1] - 1)]

    @property
    def scores(self):
        return self.fine.astype(float)

    def read(self, tokens):
        self.fine = self.fine & (tokens == self.due)
        self.at += 1

    def take(self, rows):
        return Knowing(self.solutions[rows], self.fine[rows], self.at)


@pytest.fixture(scope="module", autouse=True)
def alone(tmp_path_factory) -> Iterator[None]:
    """Keep to one thread, as the order of a sum is part of a result, and to one cache."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISOFLOP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def policy(alone):
    """Return a policy that is right half of the time, whatever its processor made of it."""
    return warm_start(SHAPE, TASK, Warmup(steps=400, batch=32, lr=5e-3, skill=0.5, look=10))


@pytest.fixture(scope="module")
def bench(policy):
    return Bench(TASK, policy, ProcessVerifier(policy))


@pytest.fixture(scope="module")
def knowing(policy):
    return Bench(TASK, policy, Oracle())


@pytest.fixture(scope="module")
def problems():
    return TASK.problems(48, np.random.default_rng(3))


def rate(bench, strategy, problems, seed=0):
    outcome = strategy(bench, problems, generator(seed))
    return float((outcome.answers == problems.answers).mean())


# ---- choosing -----------------------------------------------------------------------------------


def test_one_answer_out_of_several():
    answers = np.array([[3, 1, 1, 2], [-1, -1, 4, -1], [-1, -1, -1, -1]])
    scores = np.array([[0.9, 0.4, 0.4, 0.85], [0.9, 0.9, 0.1, 0.9], [0.5, 0.5, 0.5, 0.5]])
    assert best(answers, scores).tolist() == [3, 4, -1]
    assert weighted(answers, scores).tolist() == [3, 4, -1]
    assert weighted(answers, scores + 0.2).tolist() == [1, 4, -1]
    assert majority(answers).tolist() == [1, 4, -1]
    assert majority(np.array([[2, 1, 1, 2]])).tolist() == [2]  # the first of those that tie


def test_a_vote_settles_at_the_beta_criterion():
    votes = [[1] * 4, [1] * 3 + [-1], [1, 1, 1, 2], [-1] * 4]
    # 1 - 1/2^(n + 1) for n votes against none: 31/32, 15/16.
    assert settled(np.array(votes), 0.95).tolist() == [True, False, False, False]
    assert settled(np.array(votes), 0.93).tolist() == [True, True, False, False]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(0, 64), st.floats(0.05, 10))
def test_places_are_shared_out_in_full(scores, slots, temperature):
    shared = allotted(np.array(scores), slots, temperature)
    assert shared.sum() == slots
    assert (shared >= 0).all()
    order = np.argsort(scores)
    assert (np.diff(shared[order]) >= -1).all()


def test_measures_of_a_budget():
    assert control([10, 20, 40], least=15) == pytest.approx(2 / 3)
    assert scaling([1, 2, 2], [0.1, 0.3, 0.5]) == pytest.approx((0.2 + 0.4) / 2)
    assert performance([0.2, 0.5, 0.4]) == 0.5
    with pytest.raises(UsageError, match="differ"):
        scaling([3, 3], [0.1, 0.2])
    with pytest.raises(UsageError, match="none"):
        control([])


# ---- names --------------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", ALL, ids=name_of)
def test_a_name_says_it_all(chosen):
    assert named(name_of(chosen)) == chosen


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("beem/n=4", UnknownName, "beam"),
        ("beam/n=4,w=2", UnknownName, "setting of beam"),
        ("beam/n=four", UsageError, "no number"),
        ("beam", UsageError, "leaves something out"),
        ("beam/n=6,m=4", UsageError, "do not split"),
        ("revision/n=6,chain=4", UsageError, "do not fit"),
        ("parallel/n=4,by=bets", UnknownName, "best"),
        ("mcts/n=0", UsageError, "starts at 1"),
        ("rebase/n=4,T=0", UsageError, "above zero"),
        ("adaptive/n=1", UsageError, "do not fit"),
        ("budget/again=-1", UsageError, "do not fit"),
    ],
)
def test_a_strategy_that_cannot_be_run_is_refused(text, error, words):
    with pytest.raises(error, match=words):
        named(text)


# ---- strategies ---------------------------------------------------------------------------------


@pytest.mark.parametrize("chosen", ALL, ids=name_of)
def test_every_strategy_repeats_itself_and_counts_its_cost(chosen, bench, problems):
    first, again = (chosen(bench, problems, generator(5)) for _ in range(2))
    assert (first.answers == again.answers).all()
    assert first.answers.shape == (len(problems),)
    prompts = (problems.prompts != TASK.control.pad).sum(1)
    np.testing.assert_allclose(first.cost.prompt_flop, forward_flop(SHAPE, prompts), rtol=1e-6)
    most = chosen.responses * (bench.most + 4)
    assert ((first.cost.tokens >= 1) & (first.cost.tokens <= most)).all()
    assert (first.cost.flop >= 0).all()
    if isinstance(chosen, Adaptive | TokenBudget):
        assert not first.cost.verifier_flop.any()
    else:
        assert (first.cost.verifier_flop > 0).all()


@pytest.mark.parametrize(
    "search", [Beam(8, 4), DVTS(8, 4), Rebase(8, 0.05), MCTS(8), Parallel(8)], ids=name_of
)
def test_with_an_oracle_no_search_loses_to_a_sample(search, knowing, problems):
    assert rate(knowing, search, problems) > rate(knowing, Parallel(1), problems) + 0.15


def test_beams_with_an_oracle_solve_what_as_many_samples_do_not(knowing, problems):
    """A beam needs one right token of eight at every step; samples need a whole response."""
    assert rate(knowing, Beam(8, 8), problems) > rate(knowing, Parallel(2), problems)
    assert rate(knowing, Beam(32, 8), problems) > 0.95


def test_looking_ahead_sees_what_is_coming(knowing, problems):
    """An oracle that looks one step ahead drops beginnings that the policy would end wrongly."""
    plain, ahead = (rate(knowing, Beam(4, 4, look), problems) for look in (0, 1))
    assert ahead >= plain - 0.05
    spent = [Beam(4, 4, look)(knowing, problems, generator(0)).cost.tokens for look in (0, 1)]
    assert (spent[1] > spent[0]).all()


def test_one_beam_is_one_sample(bench, problems):
    beam = Beam(1, 1)(bench, problems, generator(7))
    alone = Parallel(1)(bench, problems, generator(7))
    assert (beam.cost.tokens > 0).all()
    for name in ("prompt_flop", "verifier_flop", "flop"):
        per_token = getattr(beam.cost, name)
        assert per_token.shape == getattr(alone.cost, name).shape
    same = beam.cost.tokens == alone.cost.tokens
    assert same.any()
    np.testing.assert_allclose(beam.cost.flop[same], alone.cost.flop[same], rtol=1e-6)
    np.testing.assert_allclose(
        beam.cost.verifier_flop[same], alone.cost.verifier_flop[same], rtol=1e-6
    )


def test_what_beams_share_is_read_once(bench, problems):
    """Copies of a beam go on from one cache: the policy reads fewer tokens than are drawn."""
    beam = Beam(8, 8)(bench, problems, generator(1)).cost
    plain = Parallel(8)(bench, problems, generator(1)).cost
    assert (beam.flop / beam.tokens).mean() < 0.5 * (plain.flop / plain.tokens).mean()


def test_a_tree_with_an_oracle_comes_back_to_what_was_right(knowing, problems):
    few, many = (rate(knowing, MCTS(n), problems) for n in (1, 24))
    assert many > max(few + 0.15, 0.75)


def test_an_adaptive_vote_stops_early_and_loses_little(bench, problems):
    full = Parallel(16, "majority")(bench, problems, generator(2))
    short = Adaptive(16)(bench, problems, generator(2))
    assert short.cost.tokens.mean() < full.cost.tokens.mean()
    right = [(o.answers == problems.answers).mean() for o in (full, short)]
    assert right[1] > right[0] - 0.1


# ---- forced lengths -----------------------------------------------------------------------------


@pytest.mark.parametrize("again", [0, 1, 3])
def test_a_response_is_lengthened_by_exactly_so_many_attempts(again, bench, problems):
    """As many stops are replaced, whatever requests the policy writes of its own accord."""
    c = TASK.control
    drawn = bench.draw(problems, 2, generator(4), again=again, scored=False)
    same = sample(
        bench.policy, torch.from_numpy(problems.prompts), c, generator=generator(4), n=2,
        most=drawn.tokens.shape[2], forcing=ForcedBudget(again, (c.again,)),
    )  # fmt: skip
    assert (same.tokens.numpy() == drawn.tokens.reshape(same.tokens.shape)).all()
    assert (same.tokens[same.forced] == c.again).all()
    assert (same.forced.sum(1)[same.stopped] == again).all()
    assert (same.forced.sum(1) <= again).all()
    assert same.stopped.any()
    assert (same.stopped.numpy() == (drawn.tokens == c.stop).any(2).ravel()).all()


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_a_response_is_shortened_to_exactly_so_many_tokens(limit, bench, problems):
    drawn = bench.draw(problems, 2, generator(4), limit=limit, scored=False)
    longer = drawn.tokens[:, :, limit] != TASK.control.pad
    assert (drawn.tokens[:, :, limit][longer] == TASK.control.now).all()
    assert longer.any()


def test_attempts_are_told_apart_and_judged_one_by_one(bench, problems):
    c = TASK.control
    chains = bench.draw(problems, 2, generator(6), again=2, scored=False)
    attempts = bench.attempts(problems, chains, 3)
    assert attempts.tokens.shape == (len(problems), 6, bench.most)
    assert attempts.flop.sum() == pytest.approx(chains.flop.sum())
    assert attempts.lengths.sum() == chains.lengths.sum()
    last = attempts.answers.reshape(len(problems), 2, 3)[:, :, 2]
    whole = (chains.tokens == c.stop).any(2) & ((chains.tokens == c.again).sum(2) == 2)
    fits = (attempts.tokens.reshape(len(problems), 2, 3, -1) == c.stop).any(3)[:, :, 2]
    assert (whole & fits).any()
    assert (last == chains.answers)[whole & fits].all()


def test_attempts_of_a_response_by_hand():
    c = TASK.control
    said = np.array([[1, 2, c.again, 3, c.again, 4, 0, c.stop], [1, c.stop, *[c.pad] * 6]])
    parts = split(said, TASK, 2, 4)
    assert parts.tolist() == [
        [[1, 2, c.stop, c.pad], [3, c.stop, c.pad, c.pad]],
        [[1, c.stop, c.pad, c.pad], [c.pad] * 4],
    ]


# ---- the verifier -------------------------------------------------------------------------------


def test_a_verifier_reads_step_by_step_what_it_reads_at_once(policy, bench, problems):
    torch.nn.init.normal_(bench.verifier.value.weight)
    try:
        drawn = bench.draw(problems, 1, generator(8))
        reading = bench.verifier.begin(problems, bench.most)
        seen = np.full(len(problems), np.nan)
        for token in drawn.tokens[:, 0].T:
            reading.read(token)
            seen = np.where(token != TASK.control.pad, reading.scores, seen)
        np.testing.assert_allclose(seen, drawn.scores[:, 0], atol=1e-5)
    finally:
        torch.nn.init.zeros_(bench.verifier.value.weight)


def test_a_verifier_learns_which_responses_are_right(policy):
    taught = teach(policy, TASK, Judgement(1_600, 4, 8, 64, lr=5e-3, held_out=0.5), seed=0)
    assert taught.auc > 0.52  # of 3,200 responses: blind scores would scatter by .01 about .5


def test_area_under_the_curve_counts_pairs():
    scores = np.array([0.1, 0.4, 0.4, 0.8, 0.9])
    right = np.array([False, True, False, True, True])
    assert area_under_curve(scores, right) == pytest.approx(5.5 / 6)
    with pytest.raises(UsageError, match="no pair"):
        area_under_curve(scores, np.ones(5, bool))


# ---- the study ----------------------------------------------------------------------------------


def test_a_setting_is_known_by_its_json():
    setting = PRESETS["study"](0).sweep.setting
    assert SearchStudyConfig.described(setting.describe()) == setting


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda: SearchStudyConfig(problems=0), "problems is 0"),
        (lambda: SearchStudyConfig(strategies=("beem/n=4",)), "beam"),
        (lambda: SearchStudyConfig(strategies=("budget/again=5",)), "makes 6 attempts"),
        (lambda: SearchStudyConfig(attempts=3), "retries take 4 attempts"),
        (lambda: Judgement(problems=4, held_out=0.0), "examines nothing"),
    ],
)
def test_a_study_that_cannot_be_made_is_refused(made, words):
    with pytest.raises(UsageError, match=words):
        made()


def test_a_trial_goes_on_where_it_was_killed(tmp_path: Path, monkeypatch):
    """Killed after any part, what was written stays and the rest is the same."""
    from isoflop.experiments.testtime import run as module

    setting = PRESETS["tiny"](0).sweep.setting
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    whole = carry(setting, TrialFolder(tmp_path / "whole"), 0)
    folder, done, do = TrialFolder(tmp_path / "killed"), [], module._do

    def dies(part, lineage, writer):
        if len(done) == 2:
            raise KeyboardInterrupt
        do(part, lineage, writer)
        done.append(part.strategy)

    monkeypatch.setattr(module, "_do", dies)
    with pytest.raises(KeyboardInterrupt):
        carry(setting, folder, 0)
    monkeypatch.setattr(module, "_do", do)
    resumed = carry(setting, folder, 0)
    assert resumed.auc == whole.auc
    assert resumed.bank.groups() == whole.bank.groups()
    for strategy, lineage in whole.bank.kinds():
        one, other = (b.load(strategy, lineage, ("prm",)) for b in (whole.bank, resumed.bank))
        assert (one.correct == other.correct).all()
        np.testing.assert_array_equal(one.cost["flop"], other.cost["flop"])


def test_a_study_fills_the_bank(tmp_path: Path):
    study = Study.create(tmp_path, {"made by": "a test"})
    sweep = PRESETS["tiny"](0).sweep
    ended = run(sweep.trials()[:1], study, LocalEngine(1))
    assert not ended.failed
    bank = gather(study)
    again = gather(study)
    assert again.groups() == bank.groups()
    groups = {g.strategy: g.samples for g in bank.groups()}
    assert groups.pop("parallel") == sweep.setting.problems * sweep.setting.samples
    assert set(groups) == set(sweep.setting.strategies)
    assert groups["beam/n=16"] == 24 * 2
    assert groups["budget"] == 24 * 16
    assert groups["budget/again=2"] == 24 * 4
    (document,) = study.documents("observations")
    rows = document.body["observations"]
    families = {row["family"] for row in rows}
    assert {"coverage", "majority", "best of k by prm", "budget/again=1"} <= families
    cover = [row["score"] for row in rows if row["family"] == "coverage"]
    assert cover == sorted(cover)
    assert document.body["provenance"]["auc"] > 0
    assert bank.load("parallel", verifiers=("prm",)).cost["verifier_prompt_flop"].all()


def test_trials_that_sample_one_lineage_differently_are_not_mixed(tmp_path: Path):
    study = Study.create(tmp_path, {"made by": "a test"})
    for trial in ("one", "other"):
        folder = TrialFolder(study.trials / trial)
        with SampleBank.create(folder.path / "bank").writing() as writer:
            writer.append([Sample(problem="0", sample=0, lineage="seed=0")])
        folder.finish({"observations": [{"k": 1}], "provenance": {"seconds": 1.0}})
    with pytest.raises(UsageError, match=r"trials one and other .* in different ways"):
        gather(study)
