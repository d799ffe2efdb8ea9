"""What a reader of logs has found: samples, and rows that are none, counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

from isoflop.errors import Note, amount
from isoflop.samples import answers
from isoflop.samples.bank import SCHEMA
from isoflop.sources.cells import MISSING
from isoflop.sources.sample_logs.spill import Spill
from isoflop.store.chunks import table_of

Watch: TypeAlias = Callable[[float, float], None]  # told how much is done, of how much

ROWS, TEXT = 50_000, 32_000_000  # samples, and characters of responses, that are rows at a time
STANDARD = {"strategy": "parallel", "lineage": ""}
RIGHT = {
    "c": True,
    "correct": True,
    "true": True,
    "yes": True,
    "pass": True,
    "passed": True,
    "i": False,
    "incorrect": False,
    "wrong": False,
    "false": False,
    "no": False,
    "fail": False,
    "failed": False,
    "n": False,
}


LARGEST = 2**53  # above it not every whole number is a floating-point number
T = TypeVar("T", int, float)


def silent(done: float, total: float) -> None:
    """Tell nobody how far something is."""


class NotASample(Exception):
    """Why a row is no sample; it is counted, and never leaves this package."""


@dataclass
class ParsedSamples:
    """Samples so far, as rows of the bank's columns, and what was left out.

    The newest are in `rows`, with `text` characters of responses, and the others in `spill`; of
    each of those there is the `problem`, a code in `keys`, and the `number` that it says, -1 for
    none. `read` bytes of `size` were in files that are done. `problems` holds prompts and right
    answers, as far as a log tells them, by lineage and name.
    """

    rows: list[dict[str, Any]] = field(default_factory=list)
    spill: Spill = field(default_factory=Spill)
    keys: dict[tuple[str, str, str], int] = field(default_factory=dict)
    problem: list[npt.NDArray[np.int32]] = field(default_factory=list)
    number: list[npt.NDArray[np.int64]] = field(default_factory=list)
    text: int = 0
    read: float = 0.0
    size: float = 0.0
    watch: Watch = silent
    problems: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    out: Counter[str] = field(default_factory=Counter)
    first: dict[str, str] = field(default_factory=dict)
    remarks: list[Note] = field(default_factory=list)

    def add(self, row: dict[str, Any]) -> None:
        """Take a sample; every few thousand of them go out of the memory."""
        self.rows.append(row)
        self.text += len(row.get("response") or "")
        if len(self.rows) >= ROWS or self.text >= TEXT:
            self.put_away()

    def put_away(self) -> None:
        """Move the newest samples into the spill."""
        rows, self.rows, self.text = self.rows, [], 0
        if not rows:
            return
        names = dict.fromkeys(["problem", "sample", *(n for row in rows for n in row)])
        columns = {name: [_mended(row.get(name)) for row in rows] for name in names}
        for name, standard in STANDARD.items():
            columns[name] = [_mended(row.get(name) or standard) for row in rows]
        table = table_of(columns, SCHEMA)
        self.number.append(np.array([-1 if n is None else n for n in columns["sample"]], np.int64))
        keys = zip(*(columns[name] for name in SCHEMA.key[:-1]), strict=True)
        codes = [self.keys.setdefault(key, len(self.keys)) for key in keys]
        self.problem.append(np.array(codes, np.int32))
        self.spill.add(table)

    def progress(self, done: float) -> None:
        """Tell how far the reading is, `done` bytes into a file."""
        self.watch(self.read + done, self.size)

    def leave_out(self, why: str, where: str, count: int = 1) -> None:
        """Count a row that is no sample, and remember where the first of its kind was."""
        self.out[why] += count
        self.first.setdefault(why, where)

    def keep_problem(self, row: Mapping[str, Any], prompt: Any, answer: Any) -> None:
        """Keep the prompt of a sample's problem, if it is a text, and what is right."""
        if isinstance(prompt, str):
            right = answer[0] if isinstance(answer, list) and answer else answer
            texts = sound(prompt), "" if right is None else sound(str(right))
            self.problems.setdefault(sound(row["lineage"]), {})[sound(row["problem"])] = texts

    def remark(self, text: str) -> None:
        """Say something once."""
        note = Note("doubt", "log", text)
        if note not in self.remarks:
            self.remarks.append(note)

    @property
    def notes(self) -> tuple[Note, ...]:
        """What was noticed, and what was left out and why."""
        omissions = (
            Note(
                "doubt",
                "left-out",
                f"{amount(n, 'row was', 'rows were')} left out: {why} (first {self.first[why]})",
            )
            for why, n in self.out.most_common()
        )
        return (*self.remarks, *omissions)


def _mended(cell: Any) -> Any:
    return sound(cell) if isinstance(cell, str) else cell


def sound(text: str) -> str:
    """Return a text as Unicode has it; JSON allows half of a pair of surrogates."""
    return text.encode(errors="replace").decode()


def truth(value: Any) -> bool | None:
    """Return whether a grade means right, None for none.

    Raises NotASample for a grade that is neither, such as half a point.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in RIGHT:
        return RIGHT[value.strip().lower()]
    number_ = number(value)
    if number_ in (0.0, 1.0):
        return bool(number_)
    raise NotASample(f"its grade {str(value)[:20]!r} is neither right nor wrong")


def right_answer(target: Any) -> str | None:
    """Return the normal form of what a log says is right, which may be a whole solution."""
    first = target[0] if isinstance(target, list) and target else target
    return answers.final(first, False) if isinstance(first, str) else answers.normal(first)


def answer_in(response: Any, right: str | None) -> str | None:
    """Return the normal form of the answer that a text ends with, a number if the right one is."""
    if not isinstance(response, str):
        return answers.normal(response)
    return answers.final(response, right is not None and answers.number(right) is not None)


def number(value: Any) -> float | None:
    """Return a finite number, None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        result = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return result if abs(result) < float("inf") else None


def whole(value: Any) -> int | None:
    """Return a whole number from zero, None for anything else."""
    result = number(value)
    return (
        int(result)
        if result is not None and 0 <= result < LARGEST and result == int(result)
        else None
    )


def count(value: Any, what: str) -> int | None:
    """Return how many tokens and the like there were, None where nothing says it.

    Raises NotASample for what cannot be, such as -5.
    """
    return _possible(whole(value), value, what)


def amount_of(value: Any, what: str) -> float | None:
    """Return how many seconds, FLOP and the like there were, None where nothing says it.

    Raises NotASample for what cannot be, such as -5.
    """
    read = number(value)
    return _possible(read if read is None or read >= 0 else None, value, what)


def _possible(read: T | None, value: Any, what: str) -> T | None:
    missing = value is None or value != value or str(value).strip().lower() in MISSING
    if read is None and not missing:
        raise NotASample(f"its {what} {str(value)[:20]!r} cannot be")
    return read


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping; anything else is an empty one."""
    return value if isinstance(value, Mapping) else {}
