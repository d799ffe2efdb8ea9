"""Over-optimisation, made to happen: gold is as said, a proxy's gain turns into a loss of gold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.folder import TrialFolder
from isoflop.experiments.reward import (
    PRESETS,
    BankSize,
    Learning,
    Overoptimise,
    Proxy,
    Pursuit,
    RewardConfig,
    RewardTask,
    RLTarget,
    Scorer,
)

torch = pytest.importorskip("torch")

from isoflop.experiments.reward import bank, optimise  # noqa: E402
from isoflop.experiments.reward.proxies import (  # noqa: E402
    TIE,
    Pairs,
    ProxyScorer,
    combined,
    margin,
    pairs,
    right_share,
)
from isoflop.experiments.reward.world import Gold, Scene, draw, generator  # noqa: E402

pytestmark = pytest.mark.training

QUICK = RewardConfig(
    RewardTask(vocabulary=8, members=2, steps=120, batch=64, lr=0.015, reference=2_048),
    Learning(lr=0.01),
    BankSize(prompts=8, samples=256),
    Pursuit(responses=128, lr=1e-3, steps=60, spacing=0.4, furthest=4.0, look=512),
)
KINDS = ("best-of-n", "rl")
POOR = Scorer((Proxy(3, 8_192),))


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
def scene() -> Scene:
    return Scene(QUICK.world, 0)


# ---- the world ----------------------------------------------------------------------------------


def test_the_policy_imitates_the_source(scene):
    text = torch.from_numpy(scene.source.text(512, 20, np.random.default_rng(3)))
    evenly = np.log(QUICK.world.vocabulary)
    with torch.no_grad():
        assert scene.policy.loss(text).item() < evenly - 0.3
    tokens, logp = scene.respond(scene.policy, text[:4, :4], generator(0, 9), 3)
    assert tokens.shape == (12, 20)
    assert (tokens[:, :4] == text[:4, :4].repeat_interleave(3, 0)).all()
    assert int(tokens.max()) < QUICK.world.vocabulary  # padding is never drawn
    again = -(torch.nn.functional.cross_entropy(
        scene.policy(tokens)[:, 3:-1].flatten(0, 1), tokens[:, 4:].flatten(), reduction="none"
    ).view(12, 16).sum(1))  # fmt: skip
    torch.testing.assert_close(logp, again, atol=1e-3, rtol=1e-4)


def test_gold_is_standardised_under_the_policy(scene):
    fresh, _ = scene.respond(scene.policy, scene.prompts(4_096, draw(0, 99)), generator(0, 99))
    gold = scene.gold(fresh)
    assert gold.mean().item() == pytest.approx(0, abs=0.1)
    assert gold.std().item() == pytest.approx(1, abs=0.1)


def test_a_feature_is_good_in_moderation_and_rare_beyond(scene):
    at = torch.linspace(-3, 6, 181)
    worth = scene.gold.worth(torch.stack([at, *[torch.zeros(181)] * 2], 1))
    assert at[worth.argmax()].item() == pytest.approx(QUICK.world.peak, abs=0.05)
    assert worth[-1] < 0 < worth.max()
    seen = scene.gold.features(scene.reference())
    assert 0.0001 < (seen > 2 * QUICK.world.peak).float().mean().item() < 0.05


def test_gold_counts_symbols_of_responses_alone():
    gold = Gold(QUICK.world, 0)
    tokens = torch.randint(8, (8, 20), generator=torch.Generator().manual_seed(0))
    other = tokens.clone()
    other[:, :4] = (tokens[:, :4] + 1) % 8
    torch.testing.assert_close(gold.features(tokens), gold.features(other))
    by_hand = [[sum(bool(c[t]) for t in row[4:].tolist()) for c in gold.classes] for row in tokens]
    assert gold.features(tokens).tolist() == by_hand  # nothing is standardised yet
    assert (gold.classes.sum(1) == QUICK.world.members).all()


# ---- proxies ------------------------------------------------------------------------------------


def test_pairs_are_ranked_by_gold_and_more_begin_with_fewer(scene):
    few, more = pairs(scene, 500), pairs(scene, 8_200)
    gap = scene.gold(few.better) - scene.gold(few.worse)
    assert (gap > -2 * TIE).all()  # gold is recomputed here, and some pairs tie
    assert (gap > 2 * TIE).float().mean() > 0.98
    assert (few.better[:, :4] == few.worse[:, :4]).all()
    assert (more.better[:500] == few.better).all()
    assert len(more.better) == 8_200


def test_a_better_fed_proxy_judges_better_and_scores_are_standardised(scene):
    poor, fed = (ProxyScorer(scene, Proxy(16, n), QUICK.learning) for n in (1_024, 8_192))
    fresh = Pairs(*(part[8_192:] for part in pairs(scene, 12_288)))  # none has learned from them
    right = [right_share(margin(judge.network, fresh)) for judge in (poor, fed)]
    assert 0.5 < right[0] < right[1]
    assert fed.accuracy == pytest.approx(right[1], abs=0.08)  # of 819 pairs, and of 4,096
    scores = fed(scene.reference())
    assert scores.mean().item() == pytest.approx(0, abs=1e-3)
    assert scores.std().item() == pytest.approx(1, abs=1e-3)
    assert Proxy(16, 8_192).params(QUICK.world) == sum(p.numel() for p in fed.network.parameters())


def test_rules_are_those_worked_by_hand():
    scores = torch.tensor([[1.0, -2.0], [3.0, 0.0]])
    assert combined(scores, "mean").tolist() == [2.0, -1.0]
    assert combined(scores, "worst").tolist() == [1.0, -2.0]
    assert combined(scores, "variance-penalised").tolist() == [1.5, -1.5]


# ---- best-of-n ----------------------------------------------------------------------------------


class Stopped(Exception):
    """A trial that was killed."""


def test_a_bank_that_was_interrupted_gives_the_same_numbers(tmp_path, monkeypatch):
    whole, broken = TrialFolder(tmp_path / "whole"), TrialFolder(tmp_path / "broken")
    for folder in (whole, broken):
        folder.path.mkdir()
    (first,) = bank.choose(QUICK, (POOR,), whole, 0)
    ask, asked = Scene.respond, []

    def interrupted(self, policy, prompts, random, n=1):
        if n == QUICK.bank.samples:
            asked.append(1)
            if len(asked) == 5:
                raise Stopped
        return ask(self, policy, prompts, random, n)

    monkeypatch.setattr(Scene, "respond", interrupted)
    with pytest.raises(Stopped):
        bank.choose(QUICK, (POOR,), broken, 0, keep_every=0)
    (second,) = bank.choose(QUICK, (POOR,), broken, 0)
    assert len(asked) == 5 + 4  # four prompts were kept
    assert second.curves.gold.tolist() == first.curves.gold.tolist()
    assert (whole.path / bank.SCORES).read_bytes() == (broken.path / bank.SCORES).read_bytes()


def test_best_of_n_starts_at_nothing_and_its_kl_is_that_of_n(tmp_path):
    (chosen,) = bank.choose(QUICK, (POOR,), TrialFolder(tmp_path), 0)
    c = chosen.curves
    assert c.n.tolist() == list(QUICK.bank.counts)
    assert (c.n[0], c.n[-1]) == (1, 256)
    assert (c.d[0], c.gold[0]) == (0, pytest.approx(0, abs=1e-9))
    assert c.kl[-1] == pytest.approx(np.log(256) - 255 / 256, abs=0.02)
    assert (np.diff(c.score) > 0).all()  # a larger n always pleases the proxy
    assert c.gold.max() > 0.2


# ---- reinforcement learning ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def looks(tmp_path_factory) -> tuple[optimise.RewardEvaluation, ...]:
    return optimise.pursue(QUICK, POOR, TrialFolder(tmp_path_factory.mktemp("rl")), 0)


def test_the_proxy_is_pleased_and_gold_gains_less_or_falls(looks):
    KL, gold, score = (np.array([getattr(k, n) for k in looks]) for n in ("KL", "gold", "score"))
    peak = int(gold.argmax())
    assert peak > 0
    assert gold[peak] > gold[0] + 5 * looks[peak].gold_error
    assert score[-1] > score[0] + 1
    assert score[-1] - score[0] > gold[-1] - gold[0] + 0.5  # what is gained beyond gold is none
    assert (np.diff(KL[:-1]) > 0).all()  # the last look comes with the last step, wherever it is


def test_looks_follow_kl_and_not_steps(looks):
    d = np.array([max(look.KL, 0) for look in looks]) ** 0.5
    assert d[0] == 0
    assert d[-1] >= QUICK.pursuit.furthest or looks[-1].steps == QUICK.pursuit.steps
    assert np.diff(d).max() < 3 * QUICK.pursuit.spacing
    near = [look for look in looks if look.KL < 2]  # k3 needs rare responses further out
    assert max(abs(look.KL - look.k3) for look in near) < 0.4


def test_a_run_that_was_interrupted_gives_the_same_numbers(tmp_path, looks, monkeypatch):
    step = optimise.RewardTrainer.step

    def interrupted(self):
        if self.steps == 11:
            raise Stopped
        step(self)

    monkeypatch.setattr(optimise.RewardTrainer, "step", interrupted)
    with pytest.raises(Stopped):
        optimise.pursue(QUICK, POOR, TrialFolder(tmp_path), 0, keep_every=0)
    monkeypatch.setattr(optimise.RewardTrainer, "step", step)
    assert optimise.pursue(QUICK, POOR, TrialFolder(tmp_path), 0) == looks


def test_a_seed_gives_one_world_and_another_gives_another(tmp_path, looks, monkeypatch):
    monkeypatch.setenv("ISOFLOP_CACHE", str(tmp_path / "none of it"))
    short = replace(QUICK, pursuit=replace(QUICK.pursuit, steps=6))
    again = optimise.pursue(short, POOR, TrialFolder(tmp_path), 0)
    assert again[0] == looks[0]
    early = [look for look in looks if look.steps < 6]
    assert list(again[: len(early)]) == early
    other = Gold(QUICK.world, 1)
    assert not torch.equal(other.classes, Gold(QUICK.world, 0).classes)


def test_a_penalty_holds_the_policy_back(tmp_path, looks):
    held = replace(QUICK, pursuit=replace(QUICK.pursuit, penalty=0.5))
    found = optimise.pursue(held, POOR, TrialFolder(tmp_path), 0)
    assert max(look.KL for look in found) < max(look.KL for look in looks) / 2


# ---- the study ----------------------------------------------------------------------------------


@pytest.mark.parametrize("preset", PRESETS)
def test_trials_are_known_and_costed_before_they_run(preset):
    study = PRESETS[preset](0).sweep
    trials = study.trials()
    assert len({t.key for t in trials}) == len(trials)
    assert trials == PRESETS[preset](0).sweep.trials()
    assert len(trials) == len(study.seeds) * (1 + len(study.targets))
    assert min(t.flop for t in trials) > 0
    families = [study.family_of(s) for s in (*study.scorers, *study.targets)]
    assert len(set(families)) == len(families)


def test_proxies_span_a_thousand_to_a_hundred_and_fifty_thousand_parameters():
    study = PRESETS["study"](0).sweep
    sizes = {s.params(study.setting.world) for s in study.scorers if s.rule == "alone"}
    assert (min(sizes), max(sizes)) == (979, 148_225)
    assert study.setting.bank.counts[-1] == 4_096
    cost = {kind: [t.flop for t in study.trials() if t.config["kind"] == kind] for kind in KINDS}
    assert min(cost["best-of-n"]) > max(cost["rl"])  # proxies are made before RL asks for them


def test_a_setting_survives_json():
    assert RewardConfig.described(json.loads(json.dumps(QUICK.describe()))) == QUICK


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: RewardTask(features=0, roughness=0), UsageError),
        (lambda: RewardTask(members=16), UsageError),
        (lambda: Proxy(0, 100), UsageError),
        (lambda: Scorer((Proxy(3, 100),), "mean"), UsageError),
        (lambda: Scorer((Proxy(3, 100), Proxy(3, 100, 1))), UsageError),
        (lambda: Scorer((Proxy(3, 100), Proxy(3, 100, 1)), "wurst"), UnknownName),
        (lambda: BankSize(prompts=1), UsageError),
        (lambda: Pursuit(penalty=-1), UsageError),
        (lambda: Pursuit(spacing=9), UsageError),
        (lambda: Overoptimise((POOR, POOR)), UsageError),
        (lambda: Overoptimise((POOR,), (RLTarget(POOR), RLTarget(POOR))), UsageError),
        (lambda: Overoptimise((POOR,), seeds=()), UsageError),
    ],
)
def test_a_study_that_cannot_be_is_refused(make, error):
    with pytest.raises(error):
        make()


def test_a_study_runs_by_the_engine_and_is_read_as_runs(tmp_path: Path):
    from isoflop.experiments.engines import LocalEngine, run
    from isoflop.sources import read
    from isoflop.store import Study

    setting = replace(QUICK, pursuit=replace(QUICK.pursuit, steps=8))
    trials = Overoptimise((POOR,), (RLTarget(POOR),), setting).trials()
    study = Study.create(tmp_path / "study")
    assert not run(trials, study, LocalEngine(1)).failed
    runs = read(study.path)
    assert set(runs.labels["family"]) == {"best-of-n: 499, 8192 pairs", "rl: 499, 8192 pairs"}
    start = runs.select(runs["d"] == 0)
    assert np.allclose(start["R"], 0)
    assert np.allclose(runs["KL"], runs["d"] ** 2)
    assert set(runs["N"]) == {499}
    assert run(trials, study, LocalEngine(1)).reused == 2
