"""Judge responses: the answer, whether it is right, and what every reward model says of it."""

from __future__ import annotations

import asyncio
import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from isoflop.errors import UsageError
from isoflop.experiments.sampling.messages import Response, TextProblem
from isoflop.experiments.sampling.problems import Exercise
from isoflop.experiments.sampling.program_judge import Program
from isoflop.network.reply import finite

# Scores of responses to prompts, in their order.
Scorer: TypeAlias = Callable[[Sequence[str], Sequence[str]], Sequence[float]]

LOGPROB = "logprob"  # the score that the model itself gives: mean log-probability of a token


@dataclass(frozen=True, slots=True)
class JudgedResponse:
    """The final answer in normal form, whether it is right, and scores by verifier."""

    answer: str | None
    correct: bool | None
    scores: Mapping[str, float]


@dataclass
class Judge:
    """Reads responses as the exercise says; a program, if there is one, decides what is right.

    `unsure` counts the verdicts that a program or a reward model owed.
    """

    exercise: Exercise
    program: Program | None = None
    scorers: Mapping[str, Scorer] = field(default_factory=dict)
    unsure: Counter[str] = field(default_factory=Counter)

    async def __call__(self, pairs: Sequence[tuple[TextProblem, Response]]) -> list[JudgedResponse]:
        """Return what is to be said of each response to its problem.

        Raises EnvironmentFailure for a program or a reward model that does not work at all.
        """
        # In a thread: a reader may take its time, and servers are waited for meanwhile.
        read = await asyncio.to_thread(
            lambda: [self.exercise.verdict(problem, r.text) for problem, r in pairs]
        )
        correct = [right for _, right in read]
        if self.program is not None:
            texts = [(p, r.text, answer) for (p, r), (answer, _) in zip(pairs, read, strict=True)]
            correct = await checked(self.program, texts)
            self.unsure["the program"] += sum(right is None for right in correct)
        scores = await self._scored(pairs)
        return [
            JudgedResponse(answer, right, response_scores)
            for (answer, _), right, response_scores in zip(read, correct, scores, strict=True)
        ]

    async def _scored(
        self, pairs: Sequence[tuple[TextProblem, Response]]
    ) -> list[dict[str, float]]:
        scores: list[dict[str, float]] = [
            {} if r.logprob is None else {LOGPROB: r.logprob} for _, r in pairs
        ]
        prompts, texts = [p.prompt for p, _ in pairs], [r.text for _, r in pairs]
        for name, scorer in self.scorers.items():
            column = [finite(score) for score in await _asked(name, scorer, prompts, texts)]
            self.unsure[name] += sum(map(math.isnan, column))
            for row, score in zip(scores, column, strict=True):
                row[name] = score
        return scores


async def _asked(
    name: str, scorer: Scorer, prompts: Sequence[str], texts: Sequence[str]
) -> Sequence[float]:
    """Return what a scorer gives; one that can be asked without a thread can be interrupted."""
    ask = getattr(scorer, "ask", None)
    scores: Sequence[float] = await (
        ask(prompts, texts) if ask else asyncio.to_thread(scorer, prompts, texts)
    )
    if len(scores) != len(texts):
        raise UsageError(f"{name} was sent {len(texts)} samples and gave {len(scores)} scores")
    return scores


async def checked(
    program: Program, responses: Sequence[tuple[TextProblem, str, str | None]]
) -> list[bool | None]:
    """Return a program's verdicts on problems, responses and their final answers."""
    free = asyncio.Semaphore(os.cpu_count() or 1)

    async def check(problem: TextProblem, response: str, answer: str | None) -> bool | None:
        async with free:
            return await program.verdict(problem, response, answer)

    return await asyncio.gather(*(check(*response) for response in responses))
