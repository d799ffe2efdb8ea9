"""Best-of-n of every proxy from one bank of the policy's responses, and the bank as a table."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from isoflop.experiments.folder import TrialFolder
from isoflop.experiments.reward.config import BankSize, Proxy, RewardConfig, Scorer
from isoflop.experiments.reward.proxies import ProxyScorer, combined
from isoflop.experiments.reward.world import BANK, Scene, draw, generator
from isoflop.experiments.state import load_state
from isoflop.samples.best_of_n_curves import BestOfNCurves, best_of_n_curves
from isoflop.samples.score_table import ScoreTable

SCORES = "scores.parquet"  # the bank, in the folder of its trial
SAMPLING = 0.3  # share of a trial that sampling the bank is said to be, for the progress bar


@dataclass(frozen=True, eq=False)
class Chosen:
    """Best-of-n by one scorer: its parameters and pairs, held-out accuracy, and curves."""

    scorer: Scorer
    accuracy: float
    curves: BestOfNCurves


def choose(
    setting: RewardConfig,
    scorers: tuple[Scorer, ...],
    folder: TrialFolder,
    seed: int,
    keep_every: float = 5.0,
) -> tuple[Chosen, ...]:
    """Return best-of-n by every scorer, and write the bank's scores into the folder."""
    scene = Scene(setting.world, seed)
    proxies = dict.fromkeys(p for scorer in scorers for p in scorer.proxies)
    judges: dict[Proxy, ProxyScorer] = {}
    for done, proxy in enumerate(proxies):
        judges[proxy] = ProxyScorer(scene, proxy, setting.learning)
        folder.progress((1 - SAMPLING) * (done + 1) / len(proxies))
    tokens, logp = _sampled(scene, setting.bank, folder, keep_every)
    proxy_scores = {proxy: judge(tokens) for proxy, judge in judges.items()}
    scores = {
        s.name(setting.world): combined(torch.stack([proxy_scores[p] for p in s.proxies]), s.rule)
        for s in scorers
    }
    table = _table(setting, scorers, scores, scene.gold(tokens), logp)
    table.save(folder.path / SCORES)
    chosen = tuple(
        Chosen(
            scorer,
            float(np.mean([judges[p].accuracy for p in scorer.proxies])),
            best_of_n_curves(table, scorer.name(setting.world), setting.bank.counts),
        )
        for scorer in scorers
    )
    return chosen


def _sampled(
    scene: Scene, bank: BankSize, folder: TrialFolder, keep_every: float
) -> tuple[Tensor, Tensor]:
    """Return the bank (n, t) and log-probabilities (n,), prompt by prompt; resumed if begun."""
    prompts = scene.prompts(bank.prompts, draw(scene.seed, BANK))
    tokens, logp = [], []
    if (path := folder.checkpoint) is not None:
        tokens, logp = load_state(path)
    kept_at = time.monotonic()
    for i in range(len(tokens), bank.prompts):
        random = generator(scene.seed, BANK, 1 + i)
        response = scene.respond(scene.policy, prompts[i : i + 1], random, bank.samples)
        tokens.append(response[0].to(torch.uint8))
        logp.append(response[1])
        folder.progress(1 - SAMPLING + SAMPLING * (i + 1) / bank.prompts)
        if time.monotonic() - kept_at >= keep_every:
            folder.save_checkpoint(lambda file: torch.save((tokens, logp), file))
            kept_at = time.monotonic()
    return torch.cat(tokens).long(), torch.cat(logp)


def _table(
    setting: RewardConfig,
    scorers: tuple[Scorer, ...],
    scores: Mapping[str, Tensor],
    gold: Tensor,
    logp: Tensor,
) -> ScoreTable:
    bank = setting.bank
    prompt = np.repeat(np.arange(bank.prompts), bank.samples)
    names = tuple(f"prompt {i + 1:03d}" for i in range(bank.prompts))
    return ScoreTable(
        prompt=prompt,
        prompts=names,
        sample=np.tile(np.arange(bank.samples), bank.prompts).astype(np.str_),
        proxies={name: _short(score) for name, score in scores.items()},
        gold=_short(gold),
        log_mass=_short(logp.clamp(max=0)),
        sizes={s.name(setting.world): float(s.params(setting.world)) for s in scorers},
        origin="the bank",
    )


def _short(values: Tensor) -> npt.NDArray[np.float64]:
    """Return values to a thousandth: so the table takes a quarter of the disk."""
    return np.round(values.numpy().astype(float), 3)
