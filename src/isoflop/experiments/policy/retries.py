"""Going over one's own attempts: what a policy must learn for forced attempts to be of use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from isoflop.errors import UsageError
from isoflop.experiments.policy.task import Demonstrations, Problems, Task, Tokens

if TYPE_CHECKING:
    from isoflop.experiments.policy.model import PolicyModel


@dataclass(frozen=True, slots=True)
class Retries:
    """How a policy learns to go over its own attempts while it learns to answer.

    From step `after` on, the `share` of each batch is one to `most` of its attempts, the request
    for another and then the last of them once more where its answer is right, else the solution.
    What follows the request alone is imitated. They are drawn for `every` steps at once.
    """

    share: float = 0.7
    after: int = 60
    most: int = 3
    every: int = 4

    def __post_init__(self) -> None:
        """Refuse retries that are none, or leave no first attempts."""
        if not 0 < self.share < 1 or min(self.most, self.every) < 1 or self.after < 0:
            raise UsageError(f"{self} cannot be taught: a number is out of range")


class OwnAttempts:
    """Demonstrations that go over attempts of a policy which is still learning."""

    def __init__(
        self, model: PolicyModel, task: Task, retries: Retries, batch: int, seed: int
    ) -> None:
        import torch

        self.model, self.task, self.retries = model, task, retries
        self.count = round(retries.share * batch)
        self.draw = np.random.default_rng((seed, 2))
        self.generator = torch.Generator().manual_seed(seed)
        self.waiting: list[Demonstrations] = []

    def next(self) -> Demonstrations:
        """Return those of one step."""
        if not self.waiting:
            demonstrations = self._drawn()
            parts = np.array_split(np.arange(len(demonstrations.problems)), self.retries.every)
            self.waiting = [demonstrations.of(rows) for rows in parts]
        return self.waiting.pop()

    def _drawn(self) -> Demonstrations:
        import torch

        from isoflop.experiments.policy.sampling import ForcedBudget, sample

        task, control = self.task, self.task.control
        problems = task.problems(self.count * self.retries.every, self.draw, familiar=True)
        again = int(self.draw.integers(self.retries.most))
        responses = sample(
            self.model,
            torch.from_numpy(problems.prompts).to(self.model.embedding.weight.device),
            control,
            generator=self.generator,
            most=task.layout.attempt * (1 + again) - 1,
            forcing=ForcedBudget(again, (control.again,)),
        )
        return gone_over(task, problems, responses.tokens.cpu().numpy())


def gone_over(task: Task, problems: Problems, attempts: Tokens) -> Demonstrations:
    """Return what follows attempts (n, t): the last once more if it is right, else the solution.

    Attempts that came to no end, and last ones too long to be repeated, are left out.
    """
    control, most = task.control, task.layout.attempt - 1
    right = task.verify(problems, attempts).correct
    wide = attempts.shape[1] + most
    responses = np.full((len(attempts), wide), control.pad)
    learned = np.zeros(responses.shape, bool)
    for row, (attempt, solution) in enumerate(zip(attempts, problems.solutions, strict=True)):
        attempt = attempt[attempt != control.pad]
        if attempt[-1] != control.stop:
            continue
        last = attempt[np.flatnonzero(np.append(control.again, attempt) == control.again)[-1] :]
        then = last if right[row] else solution[solution != control.pad]
        if then.size <= most:
            whole = np.concatenate((attempt[:-1], [control.again], then))
            responses[row, : whole.size] = whole
            learned[row, attempt.size : whole.size] = True
    rows = np.flatnonzero(learned.any(1))
    return Demonstrations(problems, responses, learned).of(rows)
