"""What a verifiable task is: problems drawn at will, and verdicts on responses; no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.pretrain.shape import Shape
from isoflop.store import JSON

Tokens = NDArray[np.int64]
Mask = NDArray[np.bool_]


class Control(NamedTuple):
    """The tokens of a vocabulary that steer: padding, the stop, and what budgets are forced by.

    `again` follows a suppressed stop and asks for another attempt; `now` cuts thinking short
    and asks for the answer.
    """

    pad: int
    stop: int
    again: int
    now: int


class Layout(NamedTuple):
    """Where tokens stand: a prompt of `prompt` tokens at most, then attempts of `attempt`.

    `marks` are the tokens that begin an attempt, `pad` stands for no token. Places are counted
    from the start of the prompt and anew from every mark, so that step j of any attempt stands
    at the same place.
    """

    pad: int
    marks: tuple[int, ...]
    prompt: int
    attempt: int


@dataclass(frozen=True, eq=False, slots=True)
class Problems:
    """Problems of a task: `prompts` (n, p) padded on the left, `solutions` (n, r) on the right.

    A solution is one right response, its stop included. `answers` (n,) are what it comes to and
    `difficulty` (n,) is what the task knows of how hard a problem is, for chains the steps.
    """

    prompts: Tokens
    solutions: Tokens
    answers: Tokens
    difficulty: Tokens

    def __len__(self) -> int:
        """Return how many problems there are."""
        return len(self.prompts)

    def __getitem__(self, rows: slice | Tokens | Mask) -> Problems:
        """Return some of the problems, in the order of `rows`."""
        return Problems(
            self.prompts[rows], self.solutions[rows], self.answers[rows], self.difficulty[rows]
        )

    def repeat(self, times: int) -> Problems:
        """Return each problem `times` times in a row, as samples of it are ordered."""
        return self[np.repeat(np.arange(len(self)), times)]


class Demonstrations(NamedTuple):
    """Responses to imitate (n, r), padded on the right; `learned` (n, r) marks what is imitated."""

    problems: Problems
    responses: Tokens
    learned: Mask

    def of(self, rows: Tokens) -> Demonstrations:
        """Return some of them, up to the last token that any of them teaches."""
        learned = self.learned[rows]
        wide = int(np.flatnonzero(learned.any(0)).max(initial=0)) + 1
        return Demonstrations(self.problems[rows], self.responses[rows, :wide], learned[:, :wide])


class Verdict(NamedTuple):
    """What a task says of n responses.

    `answers` are what was read out, -1 where there was none; `correct` judges the answer alone,
    `sound` the whole derivation; `steps_right` counts the right steps before the first wrong one.
    """

    answers: Tokens
    correct: Mask
    sound: Mask
    steps_right: Tokens


class Task(Protocol):
    """A source of problems whose responses can be verified; a frozen dataclass of settings."""

    key: ClassVar[str]

    @property
    def vocabulary(self) -> int:
        """How many tokens there are."""

    @property
    def control(self) -> Control:
        """The tokens that steer."""

    @property
    def layout(self) -> Layout:
        """Where tokens stand, and how many there can be; an attempt counts its mark and stop."""

    def problems(self, n: int, draw: np.random.Generator, *, familiar: bool = False) -> Problems:
        """Return `n` problems; `familiar` ones are drawn as the warm start's are."""

    def demonstrations(self, n: int, draw: np.random.Generator) -> Demonstrations:
        """Return `n` responses for a warm start to imitate."""

    def verify(self, problems: Problems, responses: Tokens) -> Verdict:
        """Return the verdict on one response (n, r), padded on the right, to each problem."""

    def text(self, tokens: Tokens) -> str:
        """Return tokens (t,) as a person would read them, without padding."""


def shape_for(
    task: Task, width: int, layers: int = 2, *, attempts: int = 1, head: int = 16
) -> Shape:
    """Return the shape of a policy for `task`, its context long enough for so many attempts."""
    layout = task.layout
    context = layout.prompt + attempts * layout.attempt
    return Shape(width, layers, vocabulary=task.vocabulary, context=context, head=head)


TASKS: dict[str, type[Any]] = {}


def task(kind: type[Any]) -> type[Any]:
    """Register a class of tasks by its key."""
    TASKS[kind.key] = kind
    return kind


def describe(chosen: Task) -> dict[str, JSON]:
    """Return a task as JSON, for the config of a trial."""
    if not is_dataclass(chosen) or TASKS.get(chosen.key) is not type(chosen):
        raise UsageError(f"{chosen!r} is no registered task; declare it with @task @dataclass")
    return {"task": chosen.key, **asdict(chosen)}


def described(document: Mapping[str, Any]) -> Task:
    """Return the task that `describe` wrote.

    Raises UnknownName, which names the nearest one.
    """
    settings = dict(document)
    key = str(settings.pop("task", ""))
    if key not in TASKS:
        raise UnknownName("task", key, TASKS)
    chosen: Task = TASKS[key](**settings)
    return chosen
