"""Policies: what is sampled is what the model says, budgets hold, verdicts are right."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest

from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.policy import (
    ChainTask,
    Retries,
    Warmup,
    describe,
    described,
    forward_flop,
    pass_rate,
    shape_for,
    training_flop,
    warm_start,
)
from isoflop.experiments.pretrain.shape import Shape

torch = pytest.importorskip("torch")

from isoflop.experiments.policy import pretraining  # noqa: E402
from isoflop.experiments.policy.cache import begin  # noqa: E402
from isoflop.experiments.policy.likelihood import likelihood, response_logits  # noqa: E402
from isoflop.experiments.policy.model import PolicyModel  # noqa: E402
from isoflop.experiments.policy.retries import OwnAttempts, gone_over  # noqa: E402
from isoflop.experiments.policy.sampling import ForcedBudget, sample  # noqa: E402
from isoflop.experiments.pretrain.gpt import GPT  # noqa: E402

pytestmark = pytest.mark.training

CHAIN = ChainTask()
CONTROL = CHAIN.control
MODEL = Shape(32, 2, vocabulary=CHAIN.vocabulary, context=48)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Keep to one thread: the order of a sum is part of a result."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def model() -> PolicyModel:
    return PolicyModel(MODEL, CHAIN.layout, seed=1)


def seeded(seed: int = 0):
    return torch.Generator().manual_seed(seed)


def prompts(count: int = 12):
    return torch.from_numpy(CHAIN.problems(count, np.random.default_rng(0)).prompts)


# ---- the decoder --------------------------------------------------------------------------------


def test_a_cache_gives_what_the_whole_sequence_gives(model):
    tokens = torch.randint(0, CONTROL.pad, (4, 20), generator=seeded())
    tokens[0, [3, 9]] = torch.tensor(CHAIN.layout.marks)
    decoding = begin(model, tokens[:, :5], 15)
    for t in range(5, 20):
        torch.testing.assert_close(decoding.logits, model(tokens[:, :t])[:, -1], atol=1e-5, rtol=0)
        decoding.advance(tokens[:, t])


def test_padding_on_the_left_is_not_seen(model):
    ragged = prompts()
    decoding = begin(model, ragged, 1)
    for row, logits in zip(ragged, decoding.logits, strict=True):
        alone = model(row[row != CONTROL.pad][None])[0, -1]
        torch.testing.assert_close(logits, alone, atol=1e-5, rtol=0)


def test_sequences_can_be_dropped_repeated_and_reordered(model):
    decoding = begin(model, prompts(), 4)
    rows = torch.tensor([7, 2, 2])
    fewer = decoding.take(rows)
    tokens = torch.tensor([1, 2, 3])
    fewer.advance(tokens)
    decoding.advance(torch.ones(12, dtype=torch.long))
    torch.testing.assert_close(fewer.logits[0], decoding.logits[7], atol=1e-5, rtol=0)
    assert not torch.allclose(fewer.logits[1], fewer.logits[2])


def test_a_sequence_that_does_not_fit_is_refused(model):
    with pytest.raises(UsageError, match="context of 48"):
        begin(model, prompts(), 31)
    with pytest.raises(UsageError, match="pad on the left"):
        begin(model, prompts().flip(1), 4)


def test_the_split_of_the_forward_pass_moved_no_number():
    # Eight steps of a model of the sweep, recorded before it could attend to a cache.
    model = GPT(Shape(32, 2, vocabulary=64, context=32), seed=3)
    generator = seeded(1)
    optimiser = torch.optim.AdamW(model.rates(), lr=6e-3)
    losses = []
    for _ in range(8):
        loss = model.loss(torch.randint(64, (8, 33), generator=generator))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses == pytest.approx(
        [5.4763141, 5.1470766, 5.0456467, 4.9428921, 4.7698894, 4.6197267, 4.4662108, 4.4219861],
        rel=1e-4,  # processors differ in the sixth digit
    )


# ---- sampling -----------------------------------------------------------------------------------


@pytest.mark.parametrize("temperature", [0.0, 0.7, 1.0])
def test_log_probabilities_of_samples_are_those_of_the_whole_sequence(model, temperature):
    drawn = sample(
        model, prompts(), CONTROL, generator=seeded(), most=9, n=4, temperature=temperature
    )
    found = likelihood(model, prompts().repeat_interleave(4, 0), drawn.tokens, temperature)
    torch.testing.assert_close(found.logp, drawn.logp, atol=1e-5, rtol=0)
    assert (drawn.logp[drawn.tokens == CONTROL.pad] == 0).all()


def test_one_seed_gives_one_set_of_samples(model):
    first, same, other = (
        sample(model, prompts(), CONTROL, generator=seeded(s), most=9, n=8) for s in (0, 0, 1)
    )
    assert torch.equal(first.tokens, same.tokens)
    assert torch.equal(first.logp, same.logp)
    assert not torch.equal(first.tokens, other.tokens)


def test_samples_come_as_often_as_the_model_says(model):
    one = prompts(1)
    drawn = sample(model, one, CONTROL, generator=seeded(), most=1, n=40_000, temperature=0.5)
    share = torch.bincount(drawn.tokens[:, 0], minlength=CHAIN.vocabulary) / 40_000
    logits = response_logits(model, one, drawn.tokens[:1])[0, 0]
    expected = (logits / 0.5).softmax(-1)
    assert ((share - expected).abs() < 4 * (expected / 40_000).sqrt() + 1e-4).all()


def test_a_response_ends_at_its_stop_and_is_counted_to_there(model):
    drawn = sample(model, prompts(), CONTROL, generator=seeded(), most=30, n=16)
    for tokens, length, stopped in zip(drawn.tokens, drawn.lengths, drawn.stopped, strict=True):
        said = tokens[: int(length)]
        assert (CONTROL.stop in said) == bool(stopped)
        assert CONTROL.stop not in said[:-1]
        assert (tokens[int(length) :] == CONTROL.pad).all()
    assert bool(drawn.stopped.any())


def test_flop_are_two_a_weight_and_four_a_key_with_prompts_shared(model):
    weights = MODEL.matrices + MODEL.embedding
    one = prompts(1)[:, prompts(1)[0] != CONTROL.pad]
    p = one.shape[1]
    drawn = sample(model, one, CONTROL, generator=seeded(), most=3, n=2)
    keys = p * (p + 1) / 2
    assert drawn.prompt_flop.tolist() == [2 * weights * p + 4 * 2 * 32 * keys]
    later = int(drawn.lengths[0]) - 1
    keys = sum(p + 1 + i for i in range(later))
    assert drawn.flop[0] == 2 * weights * later + 4 * 2 * 32 * keys
    assert drawn.total_flop == drawn.flop.sum() + drawn.prompt_flop.sum()
    # A context's worth of training is what pretraining counts, but for the token's own key.
    whole = training_flop(MODEL, MODEL.context) / MODEL.context
    own = 6 * MODEL.layers * MODEL.width
    assert whole == pytest.approx(MODEL.flop_per_token("detailed") + own)
    parts = forward_flop(MODEL, 5) + forward_flop(MODEL, 7, before=5)
    assert parts == pytest.approx(forward_flop(MODEL, 12))


# ---- budgets ------------------------------------------------------------------------------------


def test_the_stop_is_replaced_as_often_as_is_asked(model):
    forcing = ForcedBudget(extensions=2, again=(CONTROL.again, 3))
    drawn = sample(model, prompts(), CONTROL, generator=seeded(), most=30, n=16, forcing=forcing)
    for tokens, forced in zip(drawn.tokens.tolist(), drawn.forced.tolist(), strict=True):
        starts = [
            t for t in range(29) if tokens[t] == CONTROL.again and forced[t] and forced[t + 1]
        ]
        assert all(tokens[t + 1] == 3 for t in starts)
        assert len(starts) == 2 or CONTROL.stop not in tokens
    assert int(drawn.stopped.sum()) > 0


def test_thinking_is_cut_at_each_limit_and_goes_on_to_an_answer(model):
    limit = torch.arange(12 * 4) % 5
    forcing = ForcedBudget(limit=limit, now=(CONTROL.now, 2))
    drawn = sample(model, prompts(), CONTROL, generator=seeded(), most=12, n=4, forcing=forcing)
    free = sample(model, prompts(), CONTROL, generator=seeded(), most=12, n=4)
    for i, at in enumerate(limit.tolist()):
        ended = free.stopped[i] and free.lengths[i] <= at
        put = [] if ended else [at, at + 1]
        assert drawn.forced[i].nonzero()[:, 0].tolist() == put
        if put:
            assert drawn.tokens[i, put].tolist() == [CONTROL.now, 2]
            assert drawn.lengths[i] > at + 2
    assert not (drawn.mask & drawn.forced).any()


def test_forced_tokens_have_the_log_probability_that_the_model_gives_them(model):
    forcing = ForcedBudget(1, (CONTROL.again,), 6, (CONTROL.now,))
    drawn = sample(model, prompts(), CONTROL, generator=seeded(), most=12, n=4, forcing=forcing)
    found = likelihood(model, prompts().repeat_interleave(4, 0), drawn.tokens)
    torch.testing.assert_close(found.logp, drawn.logp, atol=1e-5, rtol=0)
    assert drawn.forced.any()


def test_forcing_without_tokens_is_refused():
    with pytest.raises(UsageError, match="tokens"):
        ForcedBudget(extensions=1)
    with pytest.raises(UsageError, match="tokens"):
        ForcedBudget(limit=4)


# ---- chains -------------------------------------------------------------------------------------


def worked(prompt: str, modulus: int = 11) -> list[int]:
    """Return the states of a prompt as text, by plain arithmetic."""
    start, *rest = prompt.replace("=", "").split()
    states = [int(start)]
    for operation, operand in zip(rest[::2], rest[1::2], strict=True):
        s, a = states[-1], int(operand)
        states.append({"+": s + a, "*": s * a, "^": s * s + a}[operation] % modulus)
    return states[1:]


def test_solutions_are_the_arithmetic_of_their_prompts():
    problems = CHAIN.problems(200, np.random.default_rng(3))
    for prompt, solution, answer, steps in zip(
        problems.prompts, problems.solutions, problems.answers, problems.difficulty, strict=True
    ):
        states = worked(CHAIN.text(prompt))
        assert CHAIN.text(solution) == " ".join(map(str, states)) + " ."
        assert (len(states), states[-1]) == (steps, answer)
    assert set(problems.difficulty) == set(range(2, 9))


def test_familiar_operands_are_zipfian_and_others_uniform():
    draw = np.random.default_rng(0)
    counts = []
    for familiar in (True, False):
        tokens = CHAIN.problems(4000, draw, familiar=familiar).prompts
        after = np.isin(np.roll(tokens, 1, 1), (11, 12, 13))
        counts.append(np.bincount(tokens[after], minlength=11)[1:] / after.sum())
    zipf = np.arange(1, 11) ** -1.5
    np.testing.assert_allclose(counts[0], zipf / zipf.sum(), atol=0.01)
    np.testing.assert_allclose(counts[1], 0.1, atol=0.01)


@pytest.mark.parametrize(
    ("change", "correct", "sound", "right"),
    [
        (lambda s: s, True, True, 3),
        (lambda s: [s[0], (s[1] + 1) % 11, s[2], "."], True, False, 1),  # right by luck
        (lambda s: [s[0], s[1], (s[2] + 1) % 11, "."], False, False, 2),
        (lambda s: s[:3], False, False, 3),  # cut before its stop
        (lambda s: [s[2], "."], True, False, 0),  # the answer without its steps
        (lambda s: [(s[0] + 1) % 11, "again", *s], True, True, 3),
        (lambda s: [*s[:3], "again", (s[0] + 1) % 11, "."], False, False, 0),
        (lambda s: [s[0], "now", s[2], "."], True, True, 1),
        (lambda s: [(s[0] + 1) % 11, "now", s[2], "."], True, False, 0),
        (lambda s: [s[0], s[1], "+", s[2], "."], True, False, 2),
        (lambda s: ["."], False, False, 0),
    ],
)
def test_verdicts(change, correct, sound, right):
    problems = CHAIN.problems(200, np.random.default_rng(5))
    first = np.flatnonzero(
        (problems.difficulty == 3) & (problems.solutions[:, 0] != problems.solutions[:, 2])
    )[:1]
    problem = problems[first]
    names = {".": CONTROL.stop, "again": CONTROL.again, "now": CONTROL.now, "+": 11}
    solution = ["." if t == CONTROL.stop else int(t) for t in problem.solutions[0, :4]]
    said = [names.get(t, t) for t in change(solution)]
    response = np.full((1, 12), CONTROL.pad)
    response[0, : len(said)] = said
    verdict = CHAIN.verify(problem, response)
    assert (verdict.correct[0], verdict.sound[0], verdict.steps_right[0]) == (correct, sound, right)


def test_demonstrations_are_sound_and_slips_are_not_imitated():
    chain = ChainTask(retried=0.4, interrupted=0.3)
    shown = chain.demonstrations(500, np.random.default_rng(0))
    assert chain.verify(shown.problems, shown.responses).sound.all()
    texts = [chain.text(r) for r in shown.responses]
    retried = ["again" in t for t in texts]
    assert 0.3 < np.mean(retried) < 0.5
    assert 0.2 < np.mean(["now" in t for t in texts]) < 0.4
    for text, response, learned, solution in zip(
        texts, shown.responses, shown.learned, shown.problems.solutions, strict=True
    ):
        if "again" in text:
            assert chain.text(response[learned]) == chain.text(solution)
        elif "now" in text:
            assert chain.text(response[learned]) == text.replace("now ", "")
    first = [t.split(" again ") for t, r in zip(texts, retried, strict=True) if r]
    slips = np.mean([a != b.removesuffix(" .") for a, b in first])
    assert 0.4 < slips < 0.6


@dataclass(frozen=True)
class Unregistered:
    key = "unregistered"


def test_a_task_is_described_and_comes_back():
    chain = ChainTask(most=12, familiar_steps=6, retried=0.1)
    assert described(describe(chain)) == chain
    with pytest.raises(UnknownName, match="chain"):
        described({"task": "chian"})
    with pytest.raises(UsageError, match="no registered task"):
        describe(Unregistered())


@pytest.mark.parametrize(
    "settings",
    [
        {"modulus": 2},
        {"least": 9},
        {"familiar_steps": 9},
        {"retried": 0.7, "interrupted": 0.5},
    ],
)
def test_a_chain_that_cannot_be_drawn_is_refused(settings):
    with pytest.raises(UsageError):
        ChainTask(**settings)


# ---- the warm start -----------------------------------------------------------------------------

EASY = ChainTask(modulus=3, most=2)


SMALL = Shape(16, 1, vocabulary=EASY.vocabulary, context=16)


def test_a_warm_start_reaches_its_skill_and_is_read_back(tmp_path):
    warmup = Warmup(steps=400, batch=32, lr=4e-3, skill=0.5)
    model = warm_start(SMALL, EASY, warmup, cache=tmp_path)
    examined = EASY.problems(warmup.problems, np.random.default_rng((0, 1)))
    assert pass_rate(model, EASY, examined, seeded()) >= warmup.skill  # what the last look saw
    fresh = EASY.problems(4_096, np.random.default_rng(9))
    assert pass_rate(model, EASY, fresh, seeded()) > 0.38  # guessing gives a third at most
    (kept,) = tmp_path.iterdir()
    written = kept.stat().st_mtime_ns
    again = warm_start(SMALL, EASY, warmup, cache=tmp_path)
    assert kept.stat().st_mtime_ns == written
    assert torch.equal(again.embedding.weight, model.embedding.weight)
    kept.write_bytes(b"damaged")
    rebuilt = warm_start(SMALL, EASY, warmup, cache=tmp_path)
    assert torch.equal(rebuilt.embedding.weight, model.embedding.weight)


def test_what_does_not_learn_begins_anew_from_other_weights_at_half_the_rate(tmp_path, monkeypatch):
    rates, starts, adamw = [], [], torch.optim.AdamW

    def watched(groups, lr, **options):
        rates.append(lr)
        starts.append(groups[0]["params"][0].detach().clone())
        return adamw(groups, lr=lr, **options)

    looks = iter([0.2] * 6 + [0.6])  # two looks at the first try, four at the next
    monkeypatch.setattr(torch.optim, "AdamW", watched)
    monkeypatch.setattr(pretraining, "pass_rate", lambda *_: next(looks))
    warm_start(SMALL, EASY, Warmup(steps=4, look=2, lr=8e-3, skill=0.5), cache=tmp_path)
    assert rates == [8e-3, 4e-3, 2e-3]
    assert not any(torch.equal(a, b) for a, b in itertools.combinations(starts, 2))


def test_a_rate_that_is_too_high_is_no_end(tmp_path):
    # At this rate two thousand steps leave twelve seeds of sixteen at guessing.
    warmup = Warmup(steps=100, batch=32, lr=2e-2, skill=0.5)
    model = warm_start(SMALL, EASY, warmup, cache=tmp_path)
    fresh = EASY.problems(4_096, np.random.default_rng(9))
    assert pass_rate(model, EASY, fresh, seeded()) > 0.38


def test_a_skill_out_of_reach_says_what_was_reached(tmp_path):
    words = r"210 steps of imitation reach a pass rate of 0\.\d\d in 6 tries, not the 0.99"
    with pytest.raises(UsageError, match=words):
        warm_start(SMALL, EASY, Warmup(steps=10, look=10, skill=0.99), cache=tmp_path)


def test_a_skill_that_is_never_looked_at_is_refused():
    with pytest.raises(UsageError, match="10 steps end before the first look, at 20"):
        Warmup(steps=10, skill=0.5)


# ---- going over one's own attempts ---------------------------------------------------------------


def test_a_right_attempt_is_kept_and_a_wrong_one_mended():
    task = ChainTask(modulus=5, most=3)
    c = task.control
    problem = task.problems(1, np.random.default_rng(0))
    solution = problem.solutions[0][problem.solutions[0] != c.pad]
    answer = int(problem.answers[0])
    luck = [(answer + 1) % 5, answer, c.stop]  # a right answer, whatever came before
    wrong = [(answer + 1) % 5, c.stop]
    said = [
        luck, wrong, [*wrong[:-1], c.again, *luck], [*luck[:-1], c.again, *wrong],
        [answer, answer, answer, answer, answer],  # never came to an end
    ]  # fmt: skip
    attempts = np.full((len(said), 9), c.pad)
    for row, tokens in enumerate(said):
        attempts[row, : len(tokens)] = tokens
    shown = gone_over(task, problem.repeat(len(said)), attempts)
    ends = [luck, solution.tolist(), luck, solution.tolist()]
    assert len(shown.problems) == 4
    for row, (before, then) in enumerate(zip(said, ends, strict=False)):
        whole = [*before[:-1], c.again, *then]
        assert shown.responses[row][shown.responses[row] != c.pad].tolist() == whole
        assert np.flatnonzero(shown.learned[row]).tolist() == list(range(len(before), len(whole)))


def test_retries_are_as_many_as_were_asked_for():
    task = ChainTask(modulus=3, most=2)
    model = PolicyModel(shape_for(task, 32, 1, attempts=3), task.layout, 0)
    own = OwnAttempts(model, task, Retries(share=0.5, most=2, every=4), batch=8, seed=0)
    parts = [own.next() for _ in range(4)]
    assert sum(len(p.problems) for p in parts) <= 16
    assert all((p.responses == task.control.again).any(1).all() for p in parts)
    assert not own.waiting


@pytest.mark.parametrize("wrong", [{"share": 1.0}, {"share": 0.0}, {"most": 0}, {"every": 0}])
def test_retries_that_teach_nothing_are_refused(wrong):
    with pytest.raises(UsageError, match="out of range"):
        Retries(**wrong)
