"""The small transformer that isoflop trains itself, on chains of arithmetic: no download."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from isoflop.experiments.policy import ChainTask, Warmup, shape_for, warm_start
from isoflop.experiments.policy.task import Problems
from isoflop.experiments.sampling.messages import Answered, Request, Response, TextProblem
from isoflop.experiments.sampling.problems import Exercise
from isoflop.samples.answers import final
from isoflop.store import JSON

WIDTH, SKILL = 32, 0.3  # channels, and the pass rate at which its training stops
STOP = "."  # how a chain that ended reads


def chains(count: int, seed: int) -> tuple[Exercise, dict[str, Problems]]:
    """Return chains as texts, and as the tokens that the model reads."""
    task = ChainTask()
    rows = {}
    for i in range(count):  # one more problem leaves the others as they are
        rows[f"chain-{seed}/{i}"] = task.problems(1, np.random.default_rng((seed, i)))
    problems = (
        TextProblem(name, task.text(row.prompts[0]), str(row.answers[0]))
        for name, row in rows.items()
    )
    return Exercise(tuple(problems), read=_read), rows


def _read(problem: TextProblem, response: str) -> tuple[str | None, bool]:
    """Return the last state of a chain that ended, and whether it is right."""
    answer = final(response, True) if response.endswith(STOP) else None
    return answer, answer == problem.answer


@dataclass
class Embedded:
    """A transformer of `width` channels, taught until it solves a share `skill` of chains."""

    rows: Mapping[str, Problems]
    seed: int = 0
    temperature: float = 1.0
    width: int = WIDTH
    skill: float = SKILL
    at_once: int = 1

    def describe(self) -> dict[str, JSON]:
        """Return what a sample depends on."""
        return {
            "backend": "embedded",
            "width": self.width,
            "skill": self.skill,
            "seed": self.seed,
            "temperature": self.temperature,
        }

    @cached_property
    def model(self) -> Any:
        """The policy, taught at first use and then kept in the user's cache."""
        task = ChainTask()
        warmup = Warmup(steps=1500, skill=self.skill)
        return warm_start(shape_for(task, self.width), task, warmup, seed=self.seed)

    def load(self) -> None:
        """Teach the model, which takes some ten seconds once."""
        _ = self.model

    async def answer(self, request: Request) -> Answered:
        """Return sampled chains; the same request gives the same ones."""
        return await asyncio.to_thread(self._draw, request)

    async def close(self) -> None:
        """Hold nothing."""

    def _draw(self, request: Request) -> Answered:
        import torch

        from isoflop.experiments.policy.sampling import sample

        model, task = self.model, ChainTask()
        began = time.monotonic()
        prompts = self.rows[request.problem.name].prompts
        rollout = sample(
            model,
            torch.from_numpy(prompts),
            task.control,
            n=len(request.numbers),
            generator=torch.Generator().manual_seed(request.seed),
            most=task.layout.attempt - 1,
            temperature=self.temperature,
        )
        responses = tuple(
            Response(task.text(tokens), int(length), float(flop), float(logp.sum() / length))
            for tokens, length, flop, logp in zip(
                rollout.tokens.numpy(), rollout.lengths, rollout.flop, rollout.logp, strict=True
            )
        )
        return Answered(
            responses,
            int((prompts != task.control.pad).sum()),
            float(rollout.prompt_flop[0]),
            time.monotonic() - began,
        )
