"""Reinforcement learning: losses are those of the papers, runs resume exactly, and rewards rise."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.folder import TrialFolder
from isoflop.experiments.policy import ChainTask, Warmup, training_flop
from isoflop.experiments.rl import PRESETS, RECIPES, RecipeArm, Reinforce, RLConfig, RLRecipe, named
from isoflop.experiments.rl.recipe import alike
from isoflop.experiments.rl.study import doubts

torch = pytest.importorskip("torch")

from isoflop.experiments.policy import warm_start  # noqa: E402
from isoflop.experiments.rl import rollout  # noqa: E402
from isoflop.experiments.rl.losses import advantages, divergence, token_loss, weights  # noqa: E402
from isoflop.experiments.rl.train import RLTrainer, train  # noqa: E402

pytestmark = pytest.mark.training

EASY = ChainTask(modulus=3, most=2)
QUICK = RLConfig(
    EASY, 32, 1, Warmup(steps=80, batch=32, lr=1e-2), prompts=8, group=8, steps=24,
    lr=1e-3, problems=64, samples=2, every=8,
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def alone(tmp_path_factory) -> Iterator[None]:
    """Keep to one thread, as the order of a sum is part of a result, and to one cache."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ISOFLOP_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
    torch.set_num_threads(before)


# ---- losses -------------------------------------------------------------------------------------


def of_one_token(chosen: RLRecipe, ratio: float, advantage: float, logp: float = -0.5):
    """Return the loss of a token, and its slope in the log-probability."""
    now = torch.tensor([[logp]], requires_grad=True)
    old = torch.tensor([[logp - math.log(ratio)]])
    found = token_loss(chosen, now, old, torch.tensor([advantage]), torch.ones(1, 1))
    found.sum().backward()
    return found.item(), now.grad.item()


@pytest.mark.parametrize(
    ("name", "ratio", "advantage", "expected", "slope"),
    [
        ("grpo", 1.1, 2.0, -2.2, -2.2),
        ("grpo", 1.5, 2.0, -2.4, 0.0),  # capped at 1.2: no gradient
        ("grpo", 1.5, -2.0, 3.0, 3.0),
        ("grpo", 0.5, -2.0, 1.6, 0.0),  # held at 0.8
        ("dapo", 1.5, 2.0, -2.56, 0.0),  # capped at 1.28
        ("dr-grpo", 1.1, 2.0, -2.2, -2.2),
        ("gspo", 1.002, 2.0, -2.004, -2.004),
        ("gspo", 1.1, 2.0, -2.008, 0.0),  # capped at 1.004
        ("cispo", 3.0, 2.0, 3.0, -6.0),  # -3 x 2 x -0.5; the weight has no gradient
        ("cispo", 9.0, 2.0, 5.0, -10.0),  # the weight is capped at 5, and still pulls
        ("scalerl", 9.0, -1.0, -2.5, 5.0),
        ("reinforce", 9.0, 2.0, 1.0, -2.0),
        # 4 sigmoid(1 x 0) = 2; the slope at a ratio of one is that of plain policy gradient
        ("sapo", 1.0, 2.0, -4.0, -2.0),
        # A < 0: tau 1.05; 4/1.05 x sigmoid(1.05 x 1), and its slope times a ratio of 2
        ("sapo", 2.0, -1.0, 2.82200, 2 * 4 * 0.740775 * 0.259225),
    ],
)
def test_the_loss_of_a_token_is_that_worked_by_hand(name, ratio, advantage, expected, slope):
    found = of_one_token(RECIPES[name], ratio, advantage)
    assert found == pytest.approx((expected, slope), rel=1e-4, abs=1e-5)


def test_the_two_sided_weight_of_verl_is_a_choice():
    two_sided = named("cispo", {"low": 0.2, "high": 0.28})
    assert of_one_token(two_sided, 3.0, 2.0) == pytest.approx((1.28, -2.56))
    assert of_one_token(two_sided, 0.1, 2.0) == pytest.approx((0.8, -1.6))


def test_gspo_weighs_a_response_by_the_mean_log_ratio_of_its_tokens():
    gaps = torch.tensor([[0.002, -0.001, 7.0]])
    mask = torch.tensor([[True, True, False]])
    now = torch.zeros(1, 3, requires_grad=True)
    found = token_loss(RECIPES["gspo"], now, -gaps, torch.tensor([1.0]), mask)
    assert found[0].tolist() == pytest.approx([-math.exp(0.0005)] * 2 + [0.0])
    (found.sum() / 2).backward()
    assert now.grad[0].tolist() == pytest.approx([-math.exp(0.0005) / 2] * 2 + [0.0])


# Two problems with two responses each, of 1, 3, 2 and 2 tokens, at most 4.
MASK = torch.tensor([[1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 0, 0]]).bool()


@pytest.mark.parametrize(
    ("aggregation", "shares"),
    [
        ("sample", [1 / 4, 1 / 12, 1 / 8, 1 / 8]),
        ("prompt", [1 / 8, 1 / 8, 1 / 8, 1 / 8]),
        ("token", [1 / 8, 1 / 8, 1 / 8, 1 / 8]),
        ("constant", [1 / 16, 1 / 16, 1 / 16, 1 / 16]),
    ],
)
def test_tokens_share_in_the_loss_as_the_aggregation_says(aggregation, shares):
    found = weights(MASK, RLRecipe("x", aggregation=aggregation), group=2, longest=4)
    expected = MASK * torch.tensor(shares)[:, None]
    torch.testing.assert_close(found, expected)


def test_prompts_count_alike_however_long_their_responses_are():
    longer = MASK.clone()
    longer[1] = True
    by_prompt = weights(longer, RLRecipe("x", aggregation="prompt"), 2, 4)
    by_token = weights(longer, RLRecipe("x", aggregation="token"), 2, 4)
    assert by_prompt[:2].sum() == pytest.approx(0.5)
    assert by_token[:2].sum() == pytest.approx(5 / 9)


REWARDS = torch.tensor([[1.0, -1.0, -1.0, -1.0], [1.0, 1.0, -1.0, -1.0]])


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"normalisation": "none"}, [[1.5, -0.5, -0.5, -0.5], [1.0, 1.0, -1.0, -1.0]]),
        # The spread of 1 of 4 is 1, that of 2 of 4 is 2/sqrt(3).
        ({"normalisation": "prompt"}, [[1.5, -0.5, -0.5, -0.5], [0.866, 0.866, -0.866, -0.866]]),
        # Squares add up to 3 + 4 over 8 - 1.
        ({"normalisation": "batch"}, [[1.5, -0.5, -0.5, -0.5], [1.0, 1.0, -1.0, -1.0]]),
        (
            {"normalisation": "none", "baseline": "batch"},
            [[1.25, -0.75, -0.75, -0.75], [1.25, 1.25, -0.75, -0.75]],
        ),
    ],
)
def test_advantages_are_those_worked_by_hand(settings, expected):
    found = advantages(REWARDS, RLRecipe("x", **settings))
    torch.testing.assert_close(found, torch.tensor(expected), atol=1e-4, rtol=0)


def test_groups_that_do_not_vary_have_no_advantage():
    alike = torch.ones(3, 8)
    for normalisation in ("prompt", "batch", "none"):
        assert not advantages(alike, RLRecipe("x", normalisation=normalisation)).any()


def by_definition(chosen: RLRecipe, logp, old, rewards, mask, longest: int) -> float:
    """Return the loss of a batch, token by token, as TRL states it for the recipe's loss type."""
    groups, size = rewards.shape
    total = 0.0
    lengths = mask.sum(1)
    for i in range(groups * size):
        mine = rewards[i // size]
        advantage = mine[i % size] - mine.mean()
        if chosen.normalisation == "prompt":
            advantage /= mine.std(ddof=1) + 1e-6
        gap = (logp[i] - old[i])[: lengths[i]]
        for t in range(lengths[i]):
            rho = math.exp(gap[t])
            if chosen.name == "gspo":
                rho = math.exp(gap.mean())
            if chosen.name == "cispo":
                loss = -min(rho, 5.0) * advantage * logp[i, t]
            elif chosen.name == "sapo":
                tau = 1.0 if advantage > 0 else 1.05
                loss = -advantage * 4 / tau / (1 + math.exp(-tau * (rho - 1)))
            else:
                capped = min(max(rho, 1 - chosen.low), 1 + chosen.high)
                loss = -min(rho * advantage, capped * advantage)
            per = {
                "grpo": len(mask) * lengths[i], "sapo": len(mask) * lengths[i],
                "gspo": len(mask) * lengths[i], "dapo": lengths.sum(), "cispo": lengths.sum(),
                "dr-grpo": len(mask) * longest,
            }[chosen.name]  # fmt: skip
            total += loss / per
    return total


@pytest.mark.parametrize("name", ["grpo", "dapo", "dr-grpo", "gspo", "cispo", "sapo"])
def test_the_loss_of_a_batch_is_the_one_that_trl_states(name):
    draw = np.random.default_rng(0)
    logp = -draw.exponential(size=(12, 6))
    old = logp + draw.normal(size=(12, 6)) * 0.4
    rewards = draw.choice([-1.0, 1.0], (3, 4))
    mask = np.arange(6) < draw.integers(1, 7, 12)[:, None]
    chosen = RECIPES[name]
    if name in ("dapo", "cispo"):  # which average over the batch in TRL, over groups in the papers
        chosen = replace(chosen, aggregation="token")
    now, before, real = (torch.from_numpy(a) for a in (logp, old, mask))
    advantage_n = advantages(torch.from_numpy(rewards), chosen).flatten()
    found = token_loss(chosen, now, before, advantage_n, real) * weights(real, chosen, 4, 6)
    expected = by_definition(chosen, logp, old, rewards, mask, 6)
    assert found.sum().item() == pytest.approx(expected, rel=1e-5)


def gradient(chosen: RLRecipe, ratios: float) -> np.ndarray:
    """Return the gradient of the loss of a batch in its log-probabilities, all alike but it."""
    draw = np.random.default_rng(1)
    old = -draw.exponential(size=(12, 6))
    gaps = draw.normal(size=(12, 6)) * ratios
    mask = np.arange(6) < draw.integers(1, 7, 12)[:, None]
    rewards = draw.choice([-1.0, 1.0], (3, 4), p=[0.7, 0.3])
    now = torch.tensor(old + gaps, requires_grad=True)
    real = torch.from_numpy(mask)
    advantage_n = advantages(torch.from_numpy(rewards), chosen).flatten()
    losses = token_loss(chosen, now, torch.from_numpy(old), advantage_n, real)
    (losses * weights(real, chosen, 4, 6)).sum().backward()
    return now.grad.numpy()


@pytest.mark.parametrize(("one", "other"), [*itertools.combinations(sorted(RECIPES), 2)])
def test_every_pair_of_recipes_has_its_own_gradient(one, other):
    a, b = (gradient(RECIPES[name], 0.3) for name in (one, other))
    assert np.abs(a - b).max() > 0.05 * np.abs(a).max()


def test_recipes_that_differ_in_what_is_done_to_a_ratio_of_one_are_said_to_be_alike():
    once = {name: replace(recipe, lag=1) for name, recipe in RECIPES.items()}
    assert alike(once) == (("grpo", "gspo", "sapo"),)
    grpo = gradient(once["grpo"], 0.0)
    for name in ("gspo", "sapo"):
        np.testing.assert_allclose(gradient(once[name], 0.0), grpo, rtol=1e-5, atol=1e-9)
    assert alike(RECIPES) == ()
    (doubt,) = doubts(once)
    assert "grpo and gspo and sapo have the same gradient at 1 step" in doubt


def test_recipes_about_the_ratio_take_several_steps_on_each_batch():
    for name, recipe in RECIPES.items():
        assert recipe.lag >= 4 or recipe.surrogate == "reinforce", name


def test_the_divergence_is_never_negative_and_right_on_average():
    draw = torch.Generator().manual_seed(0)
    p, q = torch.randn(2, 7, generator=draw).log_softmax(-1)
    chosen = torch.multinomial(p.exp(), 200_000, replacement=True, generator=draw)
    found = divergence(p[chosen], q[chosen])
    assert (found >= 0).all()
    assert found.mean().item() == pytest.approx((p.exp() * (p - q)).sum().item(), rel=0.03)
    penalised = replace(RECIPES["grpo"], kl=0.04)
    extra = token_loss(
        penalised, p[None], p[None], torch.zeros(1), torch.ones(1, 7).bool(), q[None]
    )
    torch.testing.assert_close(extra, 0.04 * divergence(p, q)[None])


# ---- recipes and settings -----------------------------------------------------------------------


def test_recipes_are_data():
    assert set(RECIPES) == {
        "grpo", "dapo", "dr-grpo", "gspo", "cispo", "sapo", "reinforce", "scalerl",
    }  # fmt: skip
    for chosen in RECIPES.values():
        assert RLRecipe(**json.loads(json.dumps(asdict(chosen)))) == chosen


@pytest.mark.parametrize(
    ("name", "changes", "error"),
    [
        ("grop", {}, UnknownName),
        ("grpo", {"lags": 3}, UnknownName),
        ("grpo", {"aggregation": "tokens"}, UnknownName),
        ("grpo", {"lag": 0}, UsageError),
        ("grpo", {"resample": 2}, UsageError),
        ("scalerl", {"retire": 1.5}, UsageError),
    ],
)
def test_a_recipe_that_cannot_be_followed_is_refused(name, changes, error):
    with pytest.raises(error):
        named(name, changes)


@pytest.mark.parametrize(
    "settings",
    [{"group": 1}, {"lr": 0.0}, {"verifier": "luck"}, {"steps": 5}, {"pool": 8}],
)
def test_a_setting_that_cannot_be_trained_in_is_refused(settings):
    with pytest.raises(UsageError):
        RLConfig(**settings)


def test_a_setting_survives_json():
    setting = replace(QUICK, pool=16)
    assert RLConfig.described(json.loads(json.dumps(setting.describe()))) == setting


def test_looks_must_fall_between_rollouts():
    with pytest.raises(UsageError, match="multiple"):
        Reinforce({"lagging": RecipeArm(named("grpo", {"lag": 3}), QUICK)})


# ---- rollouts -----------------------------------------------------------------------------------


def learner(chosen: RLRecipe, setting: RLConfig = QUICK) -> RLTrainer:
    return RLTrainer(setting, chosen, 0, "cpu")


def test_groups_that_all_pass_or_all_fail_are_dropped_and_made_up_for():
    one = learner(RECIPES["dapo"])
    plain = rollout.roll_out(one.model, QUICK, RECIPES["grpo"], one.supply, one.tally, 32)
    assert len(plain.rewards) == 32
    assert 0 < int(plain.varied.sum()) < 32
    dropping = named("grpo", {"drop_unvaried": True})
    dropped = rollout.roll_out(one.model, QUICK, dropping, one.supply, one.tally, 32)
    assert dropped.varied.all()
    assert len(dropped.rewards) < 32
    assert len(dropped.tokens) == 8 * len(dropped.rewards)
    before = one.tally.responses
    filled = rollout.roll_out(one.model, QUICK, RECIPES["dapo"], one.supply, one.tally, 32)
    assert filled.varied.all()
    assert len(filled.rewards) > len(dropped.rewards)
    assert one.tally.responses - before > 32 * 8


def test_easy_problems_of_a_fixed_set_are_retired_for_good():
    setting = replace(QUICK, pool=16)
    supply = rollout.Supply(setting, 0)
    _, rows = supply.take(16)
    assert sorted(rows) == list(range(16))
    passed = torch.zeros(16, 8, dtype=torch.bool)
    passed[:4] = True
    supply.retire(rows, passed, 0.9)
    later = np.concatenate([supply.take(12)[1] for _ in range(3)])
    assert set(later) == set(rows[4:])
    assert (np.bincount(later, minlength=16)[rows[4:]] == 3).all()


def test_interrupted_responses_are_answered_and_what_was_put_in_is_not_learned():
    chosen = named("scalerl", {"interrupt": 0.3})
    chain = ChainTask(modulus=3, most=6)
    setting = replace(QUICK, task=chain, warmup=Warmup(steps=5))
    one = learner(chosen, setting)
    supply = rollout.Supply(setting, 0)
    problems = torch.from_numpy(supply.take(1)[0].prompts)
    limit = rollout._interruption(setting, chosen, supply, 400).limit
    assert (int(limit.min()), int(limit.max())) == (2, 7)
    assert problems.shape == (1, 14)
    rolled = rollout._once(one.model, setting, chosen, supply, one.tally, 8)
    real = rolled.tokens != one.model.layout.pad
    put = real & ~rolled.mask
    assert (put.sum(1) <= 1).all()
    assert (rolled.tokens[put] == chain.control.now).all()
    assert set(put.nonzero()[:, 1].tolist()) <= set(range(2, 8))
    assert put.any()


def test_overlong_responses_lose_up_to_one():
    setting = replace(QUICK, task=ChainTask(modulus=3, most=6), warmup=Warmup(steps=5))
    chosen = named("dapo", {"overlong": 3, "drop_unvaried": False, "resample": 0})
    one = learner(chosen, setting)
    rolled = rollout.roll_out(one.model, setting, chosen, one.supply, one.tally, 16)
    lengths = (rolled.tokens != one.model.layout.pad).sum(1).view(16, 8)
    lost = rolled.passed.float() * 2 - 1 - rolled.rewards
    expected = ((lengths - 4).clamp(min=0) / 3).clamp(max=1)
    torch.testing.assert_close(lost, expected)
    assert lost.max() == 1


# ---- training -----------------------------------------------------------------------------------


class Killed(Exception):
    """What a kill does to a run, in one process."""


class Fatal(TrialFolder):
    """A folder whose trial dies at a given turn, right after its state was kept."""

    turns = 0

    def progress(self, done: float, **numbers: float) -> None:
        self.turns += 1
        if self.turns == 14:
            raise Killed


@pytest.mark.parametrize("name", ["grpo", "scalerl", "dapo"])
def test_a_run_that_was_killed_gives_the_numbers_of_one_that_was_not(name, tmp_path):
    chosen = named(name, {"lag": 1})
    setting = replace(QUICK, pool=24)
    for part in ("whole", "killed", "other"):
        (tmp_path / part).mkdir()
    whole = train(setting, chosen, TrialFolder(tmp_path / "whole"), seed=3)
    with pytest.raises(Killed):
        train(setting, chosen, Fatal(tmp_path / "killed"), seed=3, keep_every=0.0)
    resumed = train(setting, chosen, TrialFolder(tmp_path / "killed"), seed=3)
    assert resumed.looks == whole.looks
    assert resumed.start == whole.start
    other = train(setting, chosen, TrialFolder(tmp_path / "other"), seed=4)
    assert other.looks != whole.looks


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_every_recipe_raises_the_pass_rate(name, tmp_path):
    setting = replace(QUICK, prompts=16, steps=64, problems=256)
    outcome = train(setting, RECIPES[name], TrialFolder(tmp_path), seed=1)
    end = np.mean([look.passed for look in outcome.looks[-3:]])
    assert end > outcome.start + 0.04  # a look scatters by .015
    flop = [look.flop for look in outcome.looks]
    assert flop == sorted(flop)
    assert outcome.looks[-1].KL > 0
    assert all(0 <= look.unvaried <= 1 for look in outcome.looks)


def test_compute_is_what_sampling_and_learning_cost(tmp_path):
    one = learner(RECIPES["grpo"])
    one.turn(1)
    rolled = one.tally.flop
    assert one.tally.responses == 64
    assert 0 < one.learned <= 64 * training_flop(QUICK.shape, 6 + 4)
    assert one.look(1).flop == rolled + one.learned
    assert one.learned > 2 * rolled  # three passes over prompts and responses against one


def test_the_start_is_the_same_for_every_recipe_and_seed(tmp_path):
    first, second = learner(RECIPES["grpo"]), RLTrainer(QUICK, RECIPES["cispo"], 7, "cpu")
    kept = warm_start(QUICK.shape, EASY, QUICK.warmup)
    for model in (first.model, second.model, first.reference):
        assert torch.equal(model.embedding.weight, kept.embedding.weight)


# ---- the study ----------------------------------------------------------------------------------


def test_a_study_is_every_recipe_and_setting_under_every_seed(tmp_path: Path):
    arms = {
        "grpo": RecipeArm(RECIPES["grpo"], QUICK),
        "grpo n=4": RecipeArm(RECIPES["grpo"], replace(QUICK, group=4)),
        "cispo": RecipeArm(RECIPES["cispo"], QUICK),
    }
    study = Reinforce(arms, (0, 1))
    trials = study.trials()
    assert len({t.key for t in trials}) == 6
    assert {t.label for t in trials} >= {"grpo seed 0", "grpo n=4 seed 1"}
    assert all(t.flop > 0 for t in trials)
    folder = TrialFolder(tmp_path)
    summary = Reinforce.run(trials[1], folder, "cpu")
    rows = summary["observations"]
    assert [row["steps"] for row in rows] == [8, 16, 24]
    assert set(Reinforce.fills) <= set(rows[0])
    assert {(row["run"], row["family"], row["seed"]) for row in rows} == {
        ("grpo n=4 0", "grpo n=4", 0)
    }
    assert rows[-1]["rollouts"] == 24 * 8 * 4
    assert rows[-1]["C"] < trials[1].flop


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_is_a_study_whose_trials_are_distinct(name):
    trials = PRESETS[name](0).sweep.trials()
    assert len({t.key for t in trials}) == len(trials)
    again = PRESETS[name](0).sweep.trials()
    assert [t.key for t in again] == [t.key for t in trials]


def test_the_grid_of_responses_spends_the_same_on_each():
    trials = PRESETS["isocompute"](0).sweep.trials()
    flop = [t.flop for t in trials]
    assert max(flop) / min(flop) < 1.2
    assert len({t.config["name"] for t in trials}) == 4
    assert {t.config["family"] for t in trials} == {"grpo"}
