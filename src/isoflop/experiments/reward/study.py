"""Studies of over-optimisation: best-of-n by many proxies, and RL on some, for several seeds."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from isoflop.errors import UsageError
from isoflop.experiments.experiment import Experiment, Preset, Trial, TrialFolder
from isoflop.experiments.reward.config import (
    BankSize,
    Learning,
    Proxy,
    Pursuit,
    RewardConfig,
    RewardTask,
    Scorer,
)
from isoflop.store import JSON

if TYPE_CHECKING:
    from isoflop.experiments.reward.bank import Chosen
    from isoflop.experiments.reward.optimise import RewardEvaluation

CHOICE, PURSUIT = "best-of-n", "rl"  # the two kinds of trial, and how families begin


@dataclass(frozen=True)
class RLTarget:
    """A scorer that RL optimises, with a penalty on KL or without."""

    scorer: Scorer
    penalty: float = 0.0


@dataclass(frozen=True)
class Overoptimise(Experiment):
    """Proxies of a gold reward, optimised harder and harder: what gold says of it.

    For every seed the source, the policy, the gold reward and the proxies are all new. One trial
    chooses the best of n by every one of `scorers`, from one bank; one more for each of `targets`
    learns to please it. R is the gain in gold over the initial policy, in its standard deviations
    there, `sigma` the standard error of that, R_proxy the gain in the score. N counts parameters
    of the reward model, all members of an ensemble together.
    """

    key: ClassVar[str] = "reward"
    cpu_only: ClassVar[bool] = True
    fills: ClassVar[tuple[str, ...]] = ("N", "pairs", "d", "KL", "R", "R_proxy")
    conventions: ClassVar[Mapping[str, str]] = MappingProxyType({"N": "total"})

    scorers: tuple[Scorer, ...]
    targets: tuple[RLTarget, ...] = ()
    setting: RewardConfig = field(default_factory=RewardConfig)
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        """Refuse a study without a scorer or a seed, or with one scorer twice."""
        if not (self.scorers and self.seeds):
            raise UsageError("a study needs at least one scorer and one seed")
        if len(set(self.scorers)) < len(self.scorers) or len(set(self.targets)) < len(self.targets):
            raise UsageError("a scorer is in the study twice")

    def trials(self) -> tuple[Trial, ...]:
        """Return one trial of best-of-n for each seed, and one for each run of RL."""
        return tuple(
            trial
            for seed in self.seeds
            for trial in (self._choice(seed), *(self._pursuit(p, seed) for p in self.targets))
        )

    def _choice(self, seed: int) -> Trial:
        config: dict[str, JSON] = {
            "kind": CHOICE,
            "setting": replace(self.setting, pursuit=Pursuit()).describe(),
            "scorers": [asdict(s) for s in self.scorers],
        }
        flop = self.setting.choosing(self.scorers)
        return self.trial(config, seed=seed, flop=flop, label=f"best-of-n, seed {seed}")

    def _pursuit(self, target: RLTarget, seed: int) -> Trial:
        pursuit = replace(self.setting.pursuit, penalty=target.penalty)
        setting = replace(self.setting, pursuit=pursuit)
        config: dict[str, JSON] = {
            "kind": PURSUIT,
            "setting": setting.describe(),
            "scorers": [asdict(target.scorer)],
        }
        label = f"{self.family_of(target)}, seed {seed}"
        return self.trial(config, seed=seed, flop=setting.pursuing(target.scorer), label=label)

    def family_of(self, what: Scorer | RLTarget) -> str:
        """Return the family that the runs of best-of-n by a scorer, or of RL on one, are in."""
        if isinstance(what, Scorer):
            return _family(CHOICE, self.setting, what)
        pursuit = replace(self.setting.pursuit, penalty=what.penalty)
        return _family(PURSUIT, replace(self.setting, pursuit=pursuit), what.scorer)

    def name_of(self, what: Scorer | RLTarget) -> str:
        """Return what is pleased: a scorer, and the penalty of RL on it."""
        if isinstance(what, Scorer):
            return _target_name(self.setting, what, 0.0)
        return _target_name(self.setting, what.scorer, what.penalty)

    @staticmethod
    def run(trial: Trial, folder: TrialFolder, device: str) -> Mapping[str, JSON]:
        """Carry out best-of-n by all scorers, or RL on one; an observation for every n or look."""
        import torch

        from isoflop.experiments.reward.bank import choose
        from isoflop.experiments.reward.optimise import pursue

        config: Mapping[str, Any] = trial.config
        if device != "cpu":
            raise UsageError(f"device is {device}; models this small run on the cpu alone")
        setting = RewardConfig.described(config["setting"])
        scorers = tuple(Scorer.described(s) for s in config["scorers"])
        wall, cpu = time.monotonic(), time.process_time()
        more: dict[str, JSON] = {}
        if config["kind"] == CHOICE:
            chosen = choose(setting, scorers, folder, trial.seed)
            observations: list[JSON] = [
                r for c in chosen for r in _of_choice(setting, c, trial.seed)
            ]
            more["accuracy"] = {c.scorer.name(setting.world): c.accuracy for c in chosen}
        else:
            looks = pursue(setting, scorers[0], folder, trial.seed)
            observations = _of_pursuit(setting, scorers[0], looks, trial.seed)
        provenance: dict[str, JSON] = {
            "seconds": time.monotonic() - wall,  # of the last attempt, like the next
            "cpu_seconds": time.process_time() - cpu,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            **more,
        }
        return {"observations": observations, "provenance": provenance}


def _family(kind: str, setting: RewardConfig, scorer: Scorer) -> str:
    penalty = setting.pursuit.penalty if kind == PURSUIT else 0.0
    return f"{kind}: {_target_name(setting, scorer, penalty)}"


def _target_name(setting: RewardConfig, scorer: Scorer, penalty: float) -> str:
    name = scorer.name(setting.world)
    return f"{name}, penalty {penalty:g}" if penalty else name


def _labels(kind: str, setting: RewardConfig, scorer: Scorer, seed: int) -> dict[str, JSON]:
    family = _family(kind, setting, scorer)
    return {
        "run": f"{family}, seed {seed}",
        "family": family,
        "seed": seed,
        "N": scorer.params(setting.world),
        "pairs": scorer.pairs,
    }


def _of_choice(setting: RewardConfig, chosen: Chosen, seed: int) -> list[JSON]:
    """Return an observation for every n."""
    c, labels = chosen.curves, _labels(CHOICE, setting, chosen.scorer, seed)
    parts = (c.n, c.d, c.kl, c.gold, c.score, c.error)
    return [
        {**labels, "k": n, "d": d, "KL": kl, "R": gold, "R_proxy": score, **_noise(error)}
        for n, d, kl, gold, score, error in zip(*(v.tolist() for v in parts), strict=True)
    ]


def _noise(error: float) -> dict[str, JSON]:
    """Return the standard error of a gain; the start, which gains nothing, has none."""
    return {"sigma": error} if error > 0 else {}


def _of_pursuit(
    setting: RewardConfig, scorer: Scorer, looks: tuple[RewardEvaluation, ...], seed: int
) -> list[JSON]:
    """Return an observation for every look: the gain over the first, which is the start."""
    labels, start = _labels(PURSUIT, setting, scorer, seed), looks[0]
    rows: list[JSON] = [{**labels, "d": 0.0, "KL": 0.0, "R": 0.0, "R_proxy": 0.0}]
    for look in looks[1:]:
        KL = max(look.KL, 0.0)
        gains = {"R": look.gold - start.gold, "R_proxy": look.score - start.score}
        noise = _noise(look.gold_error)
        rows.append({**labels, "steps": look.steps, "d": KL**0.5, "KL": KL, **gains, **noise})
    return rows


def study(seed: int = 0, seeds: int = 3) -> Preset[Overoptimise]:
    """Return the study of a few minutes: five sizes, three amounts of data, three seeds, RL."""
    sizes, amounts = (3, 6, 16, 64, 256), (1_024, 8_192, 65_536)
    _, some, many = amounts
    alone = {(h, pairs): Scorer((Proxy(h, pairs),)) for pairs in amounts for h in sizes}
    members = tuple(Proxy(16, some, m) for m in range(4))
    others = tuple(Scorer((member,)) for member in members[1:])
    ensembles = tuple(Scorer(members, rule) for rule in ("mean", "worst", "variance-penalised"))
    targets = (
        *(RLTarget(alone[h, many]) for h in (3, 16, 256)),
        RLTarget(alone[16, some]),
        RLTarget(alone[16, many], penalty=0.1),
        RLTarget(ensembles[1]),
    )
    scorers = (*alone.values(), *others, *ensembles)
    return Preset(Overoptimise(scorers, targets, seeds=_seeds(seed, seeds)))


def tiny(seed: int = 0, seeds: int = 1) -> Preset[Overoptimise]:
    """Return a study of seconds, to see that everything works."""
    proxies = {(h, pairs): Scorer((Proxy(h, pairs),)) for pairs in (512, 4_096) for h in (3, 16)}
    setting = RewardConfig(
        RewardTask(vocabulary=8, members=2, steps=120, batch=64, lr=0.015, reference=2_048),
        Learning(lr=0.01),
        BankSize(prompts=8, samples=256),
        Pursuit(responses=128, lr=1e-3, steps=60, spacing=0.4, furthest=4.0, look=512),
    )
    targets = (RLTarget(proxies[3, 4_096]),)
    scorers = tuple(proxies.values())
    return Preset(Overoptimise(scorers, targets, setting, seeds=_seeds(seed, seeds)))


def _seeds(first: int, count: int) -> tuple[int, ...]:
    return tuple(range(first, first + count))


PRESETS: Mapping[str, Callable[..., Preset[Overoptimise]]] = MappingProxyType(
    {"study": study, "tiny": tiny}
)
