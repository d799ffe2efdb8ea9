"""Problems of reasoning-gym, made and scored in a process of their own.

Its scorers may evaluate what a model wrote, and some answers keep them busy for ever: a process
apart can be given up. It is no sandbox.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import multiprocessing
import os
import re
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isoflop.errors import MissingExtra, Note, UnknownName, UsageError
from isoflop.experiments.sampling.messages import TextProblem
from isoflop.files import parse_json
from isoflop.samples.answers import final, normal, number

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

START, SECONDS = 120.0, 10.0  # [s] that making problems, and one verdict, may take
LONGEST = 20_000  # characters of a response that a scorer is given
ASKED = "\n\nPut your final answer, and nothing else, between <answer> and </answer>."

HASHES = "PYTHONHASHSEED"

_TAGGED = re.compile(r"<answer>(.*?)(?:</answer>|$)", re.DOTALL | re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\{([^{}]*)\}")


@dataclass
class Gym:
    """A task of reasoning-gym: `count` problems of it, and its own scorer of answers to them.

    `settings` are those of the task, such as its difficulty. `partly` are the scores below 1
    and above 0 that were given so far.
    """

    task: str
    count: int
    seed: int
    settings: Mapping[str, Any] = field(default_factory=dict)
    partly: list[float] = field(default_factory=list)
    _process: BaseProcess | None = None
    _pipe: Connection | None = None

    def problems(self) -> tuple[TextProblem, ...]:
        """Return the problems; one that asks the same as another comes once.

        Raises MissingExtra without reasoning-gym, UnknownName for no such task, UsageError for
        settings that it has not.
        """
        if importlib.util.find_spec("reasoning_gym") is None:
            raise MissingExtra("a task of reasoning-gym", "gym")
        options = "".join(f",{k}={json.dumps(v)}" for k, v in sorted(self.settings.items()))
        entries = {q: (i, a) for i, (q, a) in reversed(list(enumerate(self._started())))}
        return tuple(
            TextProblem(f"{self.task}{options}-{self.seed}/{i}", question + ASKED, answer)
            for question, (i, answer) in sorted(entries.items(), key=lambda entry: entry[1][0])
        )

    def read(self, problem: TextProblem, response: str) -> tuple[str | None, bool]:
        """Return the final answer in normal form, and whether the scorer gives it all points."""
        score = self._score(int(problem.name.rpartition("/")[2]), answers_in(response))
        if 0 < score < 1:
            self.partly.append(score)
        tagged = _TAGGED.findall(response)
        return normal(tagged[-1]) if tagged else final(response, _is_number(problem)), score >= 1

    def remarks(self) -> tuple[Note, ...]:
        """Return what is to be said of the scores so far."""
        if not self.partly:
            return ()
        mean = sum(self.partly) / len(self.partly)
        return (
            Note(
                "doubt",
                "partial",
                f"{self.task} gave {len(self.partly):,} answers a part of the points, {mean:.2g} "
                f"in "
                "the mean; only all points count as right",
            ),
        )

    def _score(self, entry: int, texts: Sequence[str]) -> float:
        """Return the best score of some texts; what the scorer cannot read in time is wrong."""
        if self._pipe is None:
            self._started()
        assert self._pipe is not None
        with contextlib.suppress(EOFError, OSError):  # it died of what it read
            self._pipe.send((entry, texts))
            if self._pipe.poll(SECONDS):
                return float(self._pipe.recv())
        self._stop()
        return 0.0

    def _started(self) -> list[tuple[str, str]]:
        """Start the process, and return questions and answers."""
        self._stop()
        spawn = multiprocessing.get_context("spawn")
        self._pipe, theirs = spawn.Pipe()
        about = (theirs, self.task, self.count, self.seed, dict(self.settings))
        self._process = spawn.Process(target=_serve, args=about, daemon=True)
        with _same_hashes():
            self._process.start()
        theirs.close()
        try:
            reply = self._pipe.recv() if self._pipe.poll(START) else "it does not answer"
        except EOFError:
            reply = "its process died"
        if isinstance(reply, list):
            return reply
        self._stop()
        if isinstance(reply, tuple):
            raise UnknownName("task of reasoning-gym", self.task, reply)
        raise UsageError(f"reasoning-gym makes no problems of {self.task!r}: {reply}")

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = self._pipe = None


@contextlib.contextmanager
def _same_hashes() -> Iterator[None]:
    """Have processes that start now order sets alike, which some tasks draw their answers from."""
    before = os.environ.get(HASHES)
    os.environ[HASHES] = "0"
    try:
        yield
    finally:
        os.environ.pop(HASHES)
        if before is not None:
            os.environ[HASHES] = before


def answers_in(response: str) -> tuple[str, ...]:
    """Return what of a response may be its answer, as it stands there.

    What is marked as the answer is the answer; else it is the whole, its last line, or its last
    word, whichever the scorer likes best.
    """
    text = response[-LONGEST:]
    for marked in (_TAGGED, _BOXED):
        if matches := marked.findall(text):
            return (matches[-1].strip(),)
    text = text.strip()
    lines, words = text.splitlines(), text.split()
    parts = (text, *(line.strip() for line in lines[-1:]), *(w.rstrip(".") for w in words[-1:]))
    return tuple(dict.fromkeys(parts))


def settings_in(text: str) -> tuple[str, dict[str, Any]]:
    """Return the task and the settings that a text such as "countdown,max_numbers=4" names."""
    task, *options = re.split(r",(?=\s*\w+\s*=)", text)
    pairs = [part.partition("=") for part in options]
    return task.strip(), {name.strip(): _value(value.strip()) for name, _, value in pairs}


def _value(text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError:
        return text


def _is_number(problem: TextProblem) -> bool:
    right = normal(problem.answer)
    return right is not None and number(right) is not None


def _serve(pipe: Connection, task: str, count: int, seed: int, settings: Mapping[str, Any]) -> None:
    """Send the problems, then a score for every entry and texts, until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it decides
    with Path(os.devnull).open("w") as nowhere, contextlib.suppress(EOFError, OSError):
        sys.stdout = sys.stderr = nowhere
        try:
            dataset = _made(task, count, seed, settings)
            entries = [dataset[i] for i in range(count)]
        except UnknownName as unknown:
            pipe.send(unknown.known)
            return
        except Exception as error:  # whatever a task does with what it is given
            pipe.send(str(error) or type(error).__name__)
            return
        pipe.send([(e["question"], str(e["answer"])) for e in entries])
        while True:
            entry, texts = pipe.recv()
            pipe.send(max(_scored(dataset, text, entries[entry]) for text in texts))


def _made(task: str, count: int, seed: int, settings: Mapping[str, Any]) -> Any:
    import reasoning_gym
    from reasoning_gym.factory import DATASETS

    if task not in DATASETS:
        raise UnknownName("task of reasoning-gym", task, DATASETS)
    return reasoning_gym.create_dataset(task, size=count, seed=seed, **settings)


def _scored(dataset: Any, text: str, entry: Mapping[str, Any]) -> float:
    """Return the score of an answer, 0 for one that the scorer fails on."""
    try:
        return float(dataset.score_answer(text, entry))
    except Exception:
        return 0.0
