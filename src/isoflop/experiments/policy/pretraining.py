"""Warm starts: a policy that imitates demonstrations until it has the skill that is wanted."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import BadStudy, UsageError
from isoflop.experiments.policy.retries import OwnAttempts, Retries
from isoflop.experiments.policy.task import Demonstrations, Task, describe
from isoflop.experiments.pretrain.corpus import default_cache
from isoflop.experiments.pretrain.shape import Shape
from isoflop.experiments.state import load_state
from isoflop.store import JSON, canonical, write_atomically

if TYPE_CHECKING:
    from isoflop.experiments.policy.model import PolicyModel
    from isoflop.experiments.policy.task import Problems

VERSION = 1  # of what a warm start is: raised when the same settings would give other weights
TRIES = 6  # how often a skill is tried for before it is out of reach: 21 times `steps` in all


@dataclass(frozen=True, slots=True)
class Warmup:
    """How a policy is taught before it explores: `steps` of `batch` demonstrations each.

    With a `skill`, teaching ends at the first look, one every `look` steps, at which the pass
    rate on `problems` fresh problems reaches it. Where `steps` do not get there it begins anew,
    from other weights, at half the rate and with `steps` more, up to six times in all: at too
    high a rate some runs never leave the plateau of guessing, and which ones hangs on how a
    processor rounds.
    """

    steps: int = 400
    batch: int = 64
    lr: float = 6e-3
    warmup: int = 30
    skill: float | None = None
    look: int = 20
    problems: int = 256

    def __post_init__(self) -> None:
        """Refuse a warm start that teaches nothing."""
        if min(self.batch, self.warmup, self.look, self.problems) < 1 or self.steps < 0:
            raise UsageError(f"{self} holds a number below one")
        if not self.lr > 0 or not (self.skill is None or 0 < self.skill < 1):
            raise UsageError(f"lr {self.lr} must be above zero and skill {self.skill} within 0, 1")
        if self.skill is not None and self.steps < self.look:
            raise UsageError(f"{self.steps} steps end before the first look, at {self.look}")


def warm_start(
    shape: Shape,
    task: Task,
    warmup: Warmup,
    *,
    seed: int = 0,
    device: str = "cpu",
    cache: Path | None = None,
    retries: Retries | None = None,
) -> PolicyModel:
    """Return the policy that `warmup` makes of the weights drawn from `seed`.

    With `retries` it also learns to go over its own attempts. What was made before is read from
    `cache`, the user's cache folder unless given.
    It is the same, bit for bit, whenever the machine and the number of threads are.
    Raises UsageError for a skill that no try reaches, with the best that was.
    """
    import torch

    from isoflop.experiments.policy.model import PolicyModel

    path = (cache or default_cache()) / f"policy-{_key(shape, task, warmup, seed, retries)}.pt"
    if (state := _read(path, device)) is not None:
        model = PolicyModel(shape, task.layout, seed).to(device)
        model.load_state_dict(state)
        return model
    model = _skilled(shape, task, warmup, seed, device, retries)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: torch.save(model.state_dict(), file))
    except OSError:  # a cache is a convenience
        return model
    return model


def _key(shape: Shape, task: Task, warmup: Warmup, seed: int, retries: Retries | None) -> str:
    identity: list[JSON] = [VERSION, asdict(shape), describe(task), asdict(warmup), seed]
    if retries is not None:
        identity.append(asdict(retries))
    return hashlib.sha256(canonical(identity).encode()).hexdigest()[:16]


def _read(path: Path, device: str) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = load_state(path, device)
    except BadStudy:
        return None  # damaged: it is made anew
    return state


def _skilled(
    shape: Shape, task: Task, warmup: Warmup, seed: int, device: str, retries: Retries | None
) -> PolicyModel:
    """Return the policy of the first try that reaches the skill, or of the only one without."""
    from isoflop.experiments.policy.model import PolicyModel

    examined = task.problems(warmup.problems, np.random.default_rng((seed, 1)))
    rates = []
    for i in range(TRIES):
        run_seed = seed if i == 0 else int(np.random.SeedSequence((seed, i)).generate_state(1)[0])
        model = PolicyModel(shape, task.layout, run_seed).to(device)
        slower = replace(warmup, lr=warmup.lr / 2**i, steps=warmup.steps * (i + 1))
        rates.append(_teach(model, task, slower, run_seed, retries, examined))
        if warmup.skill is None or rates[-1] >= warmup.skill:
            return model
    steps = warmup.steps * TRIES * (TRIES + 1) // 2
    raise UsageError(
        f"{steps} steps of imitation reach a pass rate of {max(rates):.2f} in {TRIES} tries, not "
        f"the {warmup.skill:g} that is asked for; give more steps, a lower skill or a wider model"
    )


def _teach(
    model: PolicyModel,
    task: Task,
    warmup: Warmup,
    seed: int,
    retries: Retries | None,
    examined: Problems,
) -> float:
    """Imitate demonstrations, every one of them new; return the best pass rate that was seen."""
    import torch

    demonstrations = _shown(model, task, warmup, seed, retries)
    optimiser = torch.optim.AdamW(
        model.rates(),
        lr=warmup.lr,
        betas=(0.9, 0.95),
        weight_decay=0.0,
        fused=model.embedding.weight.device.type != "mps",
    )
    best = 0.0
    for step in range(warmup.steps):
        for group in optimiser.param_groups:
            group["lr"] = warmup.lr * group["scale"] * min(1.0, (step + 1) / warmup.warmup)
        optimiser.zero_grad(set_to_none=True)
        _imitation(model, next(demonstrations)).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if warmup.skill is not None and (step + 1) % warmup.look == 0:
            rate = pass_rate(model, task, examined, torch.Generator().manual_seed(seed))
            best = max(best, rate)
            if rate >= warmup.skill:
                break
    return best


def _shown(
    model: PolicyModel, task: Task, warmup: Warmup, seed: int, retries: Retries | None
) -> Iterator[list[Demonstrations]]:
    """Yield what each step imitates."""
    draw = np.random.default_rng((seed, 0))
    attempts = None if retries is None else OwnAttempts(model, task, retries, warmup.batch, seed)
    for step in itertools.count():
        if attempts is None or step < attempts.retries.after:
            yield [task.demonstrations(warmup.batch, draw)]
        else:
            yield [task.demonstrations(warmup.batch - attempts.count, draw), attempts.next()]


def _imitation(model: PolicyModel, demonstrations: Iterable[Demonstrations]) -> Any:
    """Return the mean cross-entropy [nats/token] of what is to be learned of demonstrations."""
    import torch

    from isoflop.experiments.policy.likelihood import likelihood

    device, logp = model.embedding.weight.device, []
    for each in filter(lambda s: len(s.problems), demonstrations):
        prompts = torch.from_numpy(each.problems.prompts).to(device)
        responses = torch.from_numpy(each.responses).to(device)
        learned = torch.from_numpy(each.learned).to(device)
        logp.append(likelihood(model, prompts, responses).logp[learned])
    return -torch.cat(logp).mean()


def pass_rate(model: PolicyModel, task: Task, problems: Problems, generator: Any) -> float:
    """Return the share of problems of which one sample is correct."""
    import torch

    from isoflop.experiments.policy.sampling import sample

    weight = model.embedding.weight
    responses = sample(
        model,
        torch.from_numpy(problems.prompts).to(weight.device),
        task.control,
        generator=generator,
        most=task.layout.attempt - 1,
    )
    return float(task.verify(problems, responses.tokens.cpu().numpy()).correct.mean())
