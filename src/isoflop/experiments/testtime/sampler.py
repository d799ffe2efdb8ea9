"""The bench that strategies are run on: a task, a policy, a verifier, and what they can do."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from isoflop.arrays import Numbers
from isoflop.experiments.policy import Problems, Task, forward_flop
from isoflop.experiments.policy.cache import begin
from isoflop.experiments.policy.model import PolicyModel
from isoflop.experiments.policy.sampling import ForcedBudget, sample
from isoflop.experiments.policy.task import Tokens
from isoflop.experiments.testtime.frontier import SearchFrontier, Where
from isoflop.experiments.testtime.outcome import ComputeCost, Responses, StrategyAnswers
from isoflop.experiments.testtime.selection import FORCED, chosen
from isoflop.experiments.testtime.verifier_protocol import Verifier

# Array suffixes: p problems, n responses to each, r responses to all of them, t tokens.


@dataclass(frozen=True, eq=False, slots=True)
class Bench:
    """A task, the policy that answers its problems and the verifier that judges the answers."""

    task: Task
    policy: PolicyModel
    verifier: Verifier

    @property
    def most(self) -> int:
        """The most tokens of one attempt, its stop included."""
        return self.task.layout.attempt - 1

    def draw(
        self,
        problems: Problems,
        n: int,
        random: torch.Generator,
        *,
        again: int = 0,
        limit: int | None = None,
        scored: bool = True,
    ) -> Responses:
        """Return `n` whole responses to each problem, their length forced where that is asked.

        `again` more attempts follow on the first; after `limit` tokens the answer is asked for.
        """
        control = self.task.control
        rollout = sample(
            self.policy,
            torch.from_numpy(problems.prompts),
            control,
            generator=random,
            most=(self.most + 1) * (1 + again) - 1 + FORCED * (limit is not None),
            n=n,
            forcing=ForcedBudget(again, (control.again,), limit, (control.now,)),
        )
        shape = (len(problems), n)
        responses = self._read(problems, rollout.tokens.numpy().reshape(*shape, -1))
        responses = replace(
            responses,
            flop=rollout.flop.double().numpy().reshape(shape),
            prompt_flop=rollout.prompt_flop.double().numpy(),
        )
        return self.scored(problems, responses) if scored else responses

    def attempts(self, problems: Problems, chains: Responses, count: int) -> Responses:
        """Return each of the `count` attempts of chains of responses as a response of its own.

        The first carries what its whole chain cost to generate.
        """
        p, n, t = chains.tokens.shape
        parts = split(chains.tokens.reshape(p * n, t), self.task, count, self.most)
        responses = self._read(problems, parts.reshape(p, n * count, -1))
        flop, lengths = np.zeros((p, n, count)), np.zeros((p, n, count), np.int64)
        flop[:, :, 0], lengths[:, :, 0] = chains.flop, chains.lengths
        return replace(
            responses,
            flop=flop.reshape(p, -1),
            lengths=lengths.reshape(p, -1),
            prompt_flop=chains.prompt_flop,
        )

    def scored(self, problems: Problems, responses: Responses) -> Responses:
        """Return responses with the verifier's scores, which read each problem's prompt once."""
        p, n, t = responses.tokens.shape
        each = problems.repeat(n)
        scores = self.verifier.scores(each, responses.tokens.reshape(p * n, t)).reshape(p, n)
        prompt_p = self._prompts(problems)
        read = (responses.tokens != self.task.control.pad).sum(2)
        return replace(
            responses,
            scores=scores,
            verifier_flop=self.verifier.flop(read, prompt_p[:, None]),
            verifier_prompt_flop=self.verifier.flop(prompt_p),
        )

    def begin(self, problems: Problems, n: int) -> SearchFrontier:
        """Return `n` empty responses to each problem, to be taken on step by step."""
        rows = np.repeat(np.arange(len(problems)), n)
        policy = begin(self.policy, torch.from_numpy(problems.prompts), self.most)
        prompt_p = self._prompts(problems)
        cost = ComputeCost.nothing(len(problems))
        cost.prompt_flop[:] = forward_flop(self.policy.shape, prompt_p)
        cost.verifier_prompt_flop[:] = self.verifier.flop(prompt_p)
        at_most = np.full((rows.size, self.most), self.task.control.pad)
        return SearchFrontier(
            policy=policy.take(torch.from_numpy(rows)),
            verifier=self.verifier,
            judging=self.verifier.begin(problems, self.most).take(rows),
            where=Where(rows, prompt_p[rows], cost),
            stop=self.task.control.stop,
            tokens=at_most,
            open=np.ones(rows.size, bool),
            scores=np.zeros(rows.size),
        )

    def outcome(self, problems: Problems, paths: SearchFrontier) -> StrategyAnswers:
        """Return what responses come to that were taken to their end: a weighted vote."""
        p = len(problems)
        tokens = paths.tokens.reshape(p, -1, paths.tokens.shape[1])
        return self.judged(problems, tokens, paths.scores.reshape(p, -1), paths.spent)

    def judged(
        self, problems: Problems, tokens_pnt: Tokens, scores_pn: Numbers, cost: ComputeCost
    ) -> StrategyAnswers:
        """Return what a weighted vote of responses comes to, their cost being known."""
        responses = replace(self._read(problems, tokens_pnt), scores=scores_pn)
        return replace(chosen(responses, "weighted"), cost=cost)

    def _prompts(self, problems: Problems) -> Numbers:
        """Return the tokens (p,) of each prompt."""
        return np.asarray((problems.prompts != self.task.control.pad).sum(1), float)

    def _read(self, problems: Problems, tokens_pnt: Tokens) -> Responses:
        """Return responses with their answers, and nothing spent."""
        p, n, t = tokens_pnt.shape
        verdict = self.task.verify(problems.repeat(n), tokens_pnt.reshape(p * n, t))
        return Responses(
            tokens=tokens_pnt,
            answers=verdict.answers.reshape(p, n),
            correct=verdict.correct.reshape(p, n),
            scores=np.full((p, n), np.nan),
            lengths=(tokens_pnt != self.task.control.pad).sum(2),
            flop=np.zeros((p, n)),
            verifier_flop=np.zeros((p, n)),
            prompt_flop=np.zeros(p),
            verifier_prompt_flop=np.zeros(p),
        )


def split(tokens_rt: Tokens, task: Task, count: int, most: int) -> Tokens:
    """Return the attempts (r, count, most) of responses (r, t), each ended by the stop.

    What is beyond `most` tokens of an attempt, or beyond `count` attempts, is left out.
    """
    control = task.control
    is_request = tokens_rt == control.again
    which = np.cumsum(is_request, axis=1) - is_request  # the request ends the attempt before it
    position = np.arange(tokens_rt.shape[1])
    begun = np.maximum.accumulate(np.where(is_request, position + 1, 0), axis=1)
    begun = np.concatenate([np.zeros((len(begun), 1), int), begun[:, :-1]], axis=1)
    at = position - begun
    mask = (tokens_rt != control.pad) & (which < count) & (at < most)
    out = np.full((len(tokens_rt), count, most), control.pad)
    row = np.nonzero(mask)[0]
    out[row, which[mask], at[mask]] = np.where(is_request, control.stop, tokens_rt)[mask]
    return out
