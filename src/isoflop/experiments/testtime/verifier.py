"""A process verifier: the policy's transformer, taught which beginnings end up right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.experiments.policy import Problems, Task, forward_flop
from isoflop.experiments.policy.cache import Decoding, begin
from isoflop.experiments.policy.likelihood import response_logits
from isoflop.experiments.policy.model import PolicyModel
from isoflop.experiments.policy.sampling import sample
from isoflop.experiments.policy.task import Tokens
from isoflop.experiments.pretrain.shape import Shape
from isoflop.experiments.testtime.config import Judgement

# Array suffixes: n responses, t tokens, w width.

CHUNK = 4_096  # responses that are scored at once
JUDGED = 7  # the stream of problems that the verifier learns from


class ProcessVerifier(PolicyModel):
    """A policy whose head says, after every token, the chance of a right end as a logit.

    What reads with the policy's cache reads with this one's, its "next token" being the score.
    """

    def __init__(self, policy: PolicyModel, seed: int = 0) -> None:
        super().__init__(policy.shape, policy.layout, seed)
        self.load_state_dict(policy.state_dict())
        self.value = nn.Linear(policy.shape.width, 1)
        nn.init.zeros_(self.value.weight)
        nn.init.zeros_(self.value.bias)

    def logits(self, x_btw: Tensor) -> Tensor:
        """Return the logit (b, t, 1) of a right end, after each token."""
        logits: Tensor = self.value(self.norm(x_btw))
        return logits

    def after(self, prompts: Tensor, responses: Tensor) -> Tensor:
        """Return the logits (n, t) of a right end after each token of `responses` (n, t)."""
        longer = F.pad(responses, (0, 1), value=self.layout.pad)
        return response_logits(self, prompts, longer)[:, 1:, 0]

    # What follows is the `Verifier` that strategies see.

    def begin(self, problems: Problems, more: int) -> VerifierScoring:
        """Return the judging of an empty response to each problem, of `more` tokens at most."""
        return VerifierScoring(begin(self, torch.from_numpy(problems.prompts), more))

    @torch.no_grad()
    def scores(self, problems: Problems, responses: Tokens) -> Numbers:
        """Return the score (n,) of the last token of each response (n, t), padded on the right."""
        prompts, tokens = torch.from_numpy(problems.prompts), torch.from_numpy(responses)
        last = (tokens != self.layout.pad).sum(1, keepdim=True).clamp(min=1) - 1
        at_once = torch.split(torch.arange(len(tokens)), CHUNK)
        logits = [
            self.after(prompts[rows], tokens[rows]).gather(1, last[rows])[:, 0] for rows in at_once
        ]
        return np.asarray(torch.cat(logits).sigmoid().numpy(), float)

    def flop(self, tokens: Any, before: Any = 0) -> Any:
        """Return what reading so many tokens costs, so many having been read before [FLOP]."""
        return judging_flop(self.shape, tokens, before)


def judging_flop(shape: Shape, tokens: Any, before: Any = 0) -> Any:
    """Return FLOP to read tokens: the policy's, with a head of one output for one of many."""
    saved = 2.0 * (shape.embedding - shape.width) * tokens
    return forward_flop(shape, tokens, before) - saved


@dataclass(eq=False)
class VerifierScoring:
    """The judging of responses by a process verifier."""

    decoding: Decoding

    @property
    def scores(self) -> Numbers:
        """The score (n,) after what was read."""
        return np.asarray(self.decoding.logits[:, 0].sigmoid().numpy(), float)

    def read(self, tokens_n: Tokens) -> None:
        """Read one more token of each response."""
        self.decoding.advance(torch.from_numpy(tokens_n))

    def take(self, rows: Tokens) -> VerifierScoring:
        """Return the judging of some responses, in the order of `rows`."""
        return VerifierScoring(self.decoding.take(torch.from_numpy(rows)))


@dataclass(frozen=True, eq=False, slots=True)
class TrainedVerifier:
    """A verifier, and how often it scores a right response above a wrong one it never saw."""

    verifier: ProcessVerifier
    auc: float


def teach(policy: PolicyModel, task: Task, judgement: Judgement, seed: int) -> TrainedVerifier:
    """Return a verifier taught on the policy's own responses, labelled by how they ended."""
    random = torch.Generator().manual_seed(seed)
    problems = task.problems(judgement.problems, np.random.default_rng((seed, JUDGED)))
    prompts = torch.from_numpy(problems.prompts)
    most = task.layout.attempt - 1
    responses = sample(
        policy, prompts, task.control, generator=random, most=most, n=judgement.samples
    )
    each = problems.repeat(judgement.samples)
    right = torch.from_numpy(task.verify(each, responses.tokens.numpy()).correct)
    examined = judgement.examined * judgement.samples
    verifier = ProcessVerifier(policy, seed)
    inputs = torch.from_numpy(each.prompts)
    learned = (inputs[examined:], responses.tokens[examined:], right[examined:])
    _learn(verifier, learned, judgement, random)
    scores = verifier.scores(each[:examined], responses.tokens[:examined].numpy())
    auc = area_under_curve(scores, right[:examined].numpy())
    return TrainedVerifier(verifier, auc)


def _learn(
    verifier: ProcessVerifier,
    labelled: tuple[Tensor, Tensor, Tensor],
    judgement: Judgement,
    random: torch.Generator,
) -> None:
    """Teach the chance of a right end after every token."""
    prompts, responses, right = labelled
    optimiser = torch.optim.AdamW(verifier.rates(), lr=judgement.lr, weight_decay=0.01)
    for group in optimiser.param_groups:
        group["lr"] = judgement.lr * group["scale"]
    orders = [torch.randperm(len(right), generator=random) for _ in range(judgement.epochs)]
    batches = [rows for order in orders for rows in torch.split(order, judgement.batch)]
    rates = [(g, g["lr"]) for g in optimiser.param_groups]
    for step, rows in enumerate(batches):
        for group, rate in rates:
            group["lr"] = rate * (1 - step / len(batches))
        optimiser.zero_grad(set_to_none=True)
        batch = responses[rows]
        logits = verifier.after(prompts[rows], batch)
        target = right[rows, None].float().expand_as(logits)
        loss = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        loss[batch != verifier.layout.pad].mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def area_under_curve(scores: Numbers, right: npt.NDArray[np.bool_]) -> float:
    """Return the chance that a right response scores above a wrong one; ties count half.

    >>> area_under_curve(np.array([0.9, 0.5, 0.5, 0.1]), np.array([True, True, False, False]))
    0.875
    """
    from scipy.stats import rankdata

    good, bad = int(right.sum()), int((~right).sum())
    if not good or not bad:
        raise UsageError(f"of {right.size} responses {good} are right; no pair can be compared")
    return float((rankdata(scores)[right].sum() - good * (good + 1) / 2) / (good * bad))
