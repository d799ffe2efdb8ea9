"""Problems to ask a language model: sums, a file of the user's, reasoning-gym."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from isoflop.errors import Note, UsageError
from isoflop.experiments.sampling.messages import TextProblem
from isoflop.files import parse_json, read_text
from isoflop.samples.answers import final, normal, number

SHOWN = 4  # sums worked out before the one that is asked for
DIGITS = 2  # of the numbers that are added, at most
MOST_SUMS = 1000


class Reader(Protocol):
    """What reads a response: its final answer in normal form, and whether it is right."""

    def __call__(self, problem: TextProblem, response: str) -> tuple[str | None, bool | None]:
        """Return the answer, None for none, and the verdict, None where nobody knows."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """Problems, where responses to them end, and how they are read.

    `remarks` tells what showed in the responses read so far.
    """

    problems: tuple[TextProblem, ...]
    stop: tuple[str, ...] = ()
    read: Reader | None = None
    notes: tuple[Note, ...] = ()
    remarks: Callable[[], tuple[Note, ...]] = tuple

    def __post_init__(self) -> None:
        """Refuse an exercise that holds nothing, or one problem twice."""
        names = [p.name for p in self.problems]
        if not names:
            raise UsageError("there are no problems to sample")
        if len(set(names)) < len(names):
            twice = next(n for n in names if names.count(n) > 1)
            raise UsageError(f"two problems are called {twice!r}; give each an id of its own")

    def verdict(self, problem: TextProblem, response: str) -> tuple[str | None, bool | None]:
        """Return the final answer of a response, and whether it is right."""
        return (self.read or exact)(problem, response)


def exact(problem: TextProblem, response: str) -> tuple[str | None, bool | None]:
    """Return the final answer, which is right if its normal form is that of the right answer."""
    right = normal(problem.answer)
    answer = final(response, right is not None and number(right) is not None)
    return answer, None if right is None else answer == right


def exercise(
    task: str, count: int | None, seed: int, columns: Mapping[str, str] | None = None
) -> Exercise:
    """Return the problems of a task: "addition", "gym:NAME", or a file of JSON lines.

    `count` None means 32, or all that a file holds.
    Raises UsageError for any other task, or for a count of none.
    """
    if count == 0:
        raise UsageError("problems is 0; at least 1 is needed")
    if task == "addition":
        return addition(count or 32, seed)
    if task.startswith("gym:"):
        return gym(task.removeprefix("gym:"), count or 32, seed)
    if task.endswith((".jsonl", ".json")):
        return from_file(Path(task), count, columns or {})
    raise UsageError(f"no task {task!r}; there is chain, addition, gym:NAME and FILE.jsonl")


def addition(count: int, seed: int) -> Exercise:
    """Return sums of two numbers, each asked for after a few that are worked out."""
    if count > MOST_SUMS:
        raise UsageError(f"there are no {count:,} different sums; {MOST_SUMS:,} are the most")
    problems: dict[str, TextProblem] = {}
    for i in itertools.count():  # one more problem leaves the others as they are
        if len(problems) == count:
            break
        draw = np.random.default_rng((seed, i))
        pairs = [_pair(draw) for _ in range(SHOWN + 1)]
        lines = [f"{a} + {b} = {a + b}" for a, b in pairs]
        a, b = pairs[-1]
        prompt = "\n".join([*lines[:-1], f"{a} + {b} ="])
        problems.setdefault(f"{a}+{b}", TextProblem(f"{a}+{b}", prompt, str(a + b)))
    return Exercise(tuple(problems.values()), stop=("\n",))


def _pair(draw: np.random.Generator) -> tuple[int, int]:
    a, b = (int(draw.integers(1, 10**digits)) for digits in draw.integers(1, DIGITS + 1, 2))
    return a, b


def from_file(path: Path, count: int | None, columns: Mapping[str, str]) -> Exercise:
    """Return the problems of a file of JSON lines: `problem`, `answer`, and `id` if there is one.

    `columns` says under which other names they lie. Lines that are no problem are left out, and
    that is noted. Raises UsageError for a file that holds none, or cannot be read.
    """
    if strange := sorted(set(columns) - {"problem", "answer", "id"}):
        raise UsageError(f"columns are problem, answer and id; not {strange[0]!r}")
    names = {name: columns.get(name, name) for name in ("problem", "answer", "id")}
    try:
        lines = read_text(path, UsageError).splitlines()
    except UsageError as error:
        raise UsageError(f"cannot read {path.name}: {error}") from None
    problems, bad = [], []
    for row, line in enumerate(lines, start=1):
        if line.strip():
            problem = _problem(line, row, names)
            problems.append(problem) if problem else bad.append(row)
    if not problems:
        raise UsageError(
            f"{path} holds no problems: no line is a JSON object with a text under "
            f"{names['problem']!r} and an answer under {names['answer']!r}"
        )
    listed = ", ".join(map(str, bad[:8])) + (", ..." if len(bad) > 8 else "")
    note = Note(
        "doubt",
        "left-out",
        f"{len(bad)} lines of {path.name} are no problems and are left out: rows {listed}",
    )
    return Exercise(tuple(problems[:count]), notes=(note,) if bad else ())


def _problem(line: str, row: int, names: Mapping[str, str]) -> TextProblem | None:
    try:
        record = parse_json(line)
        prompt, answer = record[names["problem"]], record[names["answer"]]
        name = record.get(names["id"], f"row {row}")
        f"{prompt}{answer}{name}".encode()  # half of a pair of surrogates is no text
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(prompt, str) or not prompt.strip() or isinstance(answer, dict | list | bool):
        return None
    return TextProblem(str(name), prompt, "" if answer is None else str(answer))


def gym(text: str, count: int, seed: int) -> Exercise:
    """Return problems that reasoning-gym makes, and judges: "countdown", "countdown,max_numbers=4".

    Raises MissingExtra without it, UnknownName or UsageError for what it cannot make.
    """
    from isoflop.experiments.sampling.gym import Gym, settings_in

    task, settings = settings_in(text)
    environment = Gym(task, count, seed, settings)
    problems = environment.problems()
    same = count - len(problems)
    note = Note(
        "doubt",
        "left-out",
        f"{same} of {count} problems of {task} are the same as others and are left out",
    )
    return Exercise(
        problems, read=environment.read, notes=(note,) if same else (), remarks=environment.remarks
    )
