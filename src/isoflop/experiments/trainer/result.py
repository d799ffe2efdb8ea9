"""The result of a trainer, read through the mapping of its study and held against its trial."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from isoflop.errors import BadRuns, Diverged, UsageError, suggest
from isoflop.experiments.folder import OUTPUT
from isoflop.experiments.trainer.records import Record, records_of
from isoflop.quantities import show
from isoflop.runs import Runs
from isoflop.sources import read

CONSOLE = "console"  # the name of what a trainer printed
TEXT = frozenset({".json", ".jsonl", ".ndjson", ".txt", ".log", ".out", ""})
STRAY = 0.05  # of the tokens asked for: further off is another run, or one that stopped early
OTHER = 2.0  # a factor in N between counts of one model; further off is another model


@dataclass(frozen=True, slots=True)
class ResultMapping:
    """Where a result lies and what its fields mean.

    `file` is a path, taken from the trial's folder, or "console"; `columns` names its fields by
    symbol, `derive` makes quantities from others ("D=step*8192"), `units` and `conventions` state
    how they are counted.
    """

    file: str = CONSOLE
    columns: Mapping[str, str] = field(default_factory=dict)
    derive: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    conventions: Mapping[str, str] = field(default_factory=dict)

    @property
    def loss(self) -> str:
        """The field of the loss."""
        return self.columns.get("L", "L")

    def place(self, folder: Path) -> Path:
        """Return the file in the folder of a trial."""
        return folder / (OUTPUT if self.file == CONSOLE else self.file)


@dataclass(frozen=True, slots=True)
class ExpectedResult:
    """What a trial was to train: its N, the token counts at which a loss is due, its flags."""

    N: float
    points: tuple[float, ...]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Measured:
    """One loss of a trial, at D tokens, with whatever else its result holds."""

    D: float
    L: float
    others: Mapping[str, float]


def read_result(
    mapping: ResultMapping, folder: Path, expected: ExpectedResult, began: float
) -> list[Measured]:
    """Return the loss at every point of a trial.

    `began` is when the trial was first started [s since 1970].
    Raises BadRuns where no result was written, UsageError where it lacks what the mapping names or
    is another trial's, Diverged where the loss is no number.
    """
    path = mapping.place(folder)
    if not path.exists():
        raise BadRuns(
            f"the trainer ended well and wrote no {mapping.file}; it was to be in {folder}: pass "
            "{folder} to it, or name its file under [trial.result]"
        )
    if folder not in path.parents and path.stat().st_mtime < began - 2:
        raise UsageError(
            f"{path} was written before this trial began, so it is the result of another; have the "
            "trainer write into {folder}"
        )
    runs = _runs(mapping, path, expected)
    return _at_points(runs, expected, path)


def _runs(mapping: ResultMapping, path: Path, expected: ExpectedResult) -> Runs:
    """Return the table of losses that a file holds."""
    if path.is_dir() or path.suffix.lower() not in TEXT:
        return read(
            path,
            columns=mapping.columns,
            derive=mapping.derive,
            units=mapping.units,
            conventions=mapping.conventions,
        )
    records = records_of(path)
    losses = [r for r in records if mapping.loss in r]
    if not losses:
        fields = dict.fromkeys(name for record in records for name in record)
        raise UsageError(
            f"{path.name} holds no field {mapping.loss!r}; {suggest(mapping.loss, fields)}: name "
            'the loss under [trial.result.columns], L = "FIELD"'
        )
    _refuse_other_trial(records, expected, path)
    _refuse_diverged(losses, mapping.loss)
    names = dict.fromkeys(name for record in losses for name in record)
    table = {name: [record.get(name) for record in losses] for name in names}
    return read(
        table,
        columns=mapping.columns,
        derive=mapping.derive,
        units=mapping.units,
        conventions=mapping.conventions,
    )


def _refuse_diverged(losses: Sequence[Record], name: str) -> None:
    """Raise Diverged if the last loss is no finite number."""
    value = losses[-1][name]
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise UsageError(f"the loss {name!r} is {value!r}, which is no number") from None
    if not math.isfinite(number):
        finite = [float(r[name]) for r in losses if math.isfinite(float(r[name]))]
        before = f"; the last finite one of {len(losses)} was {finite[-1]:.4g}" if finite else ""
        raise Diverged(
            f"the loss {name!r} ended as {number}{before}: the run diverged; lower its learning "
            "rate, or lengthen its warm-up"
        )


def _refuse_other_trial(records: Sequence[Record], expected: ExpectedResult, path: Path) -> None:
    """Raise UsageError if a result says of itself that it has other flags."""
    for record in records:
        for name, value in expected.values.items():
            if (
                name in record
                and name not in ("D", "N", "folder")
                and _differs(record[name], value)
            ):
                raise UsageError(
                    f"{path.name} says {name} = {record[name]!r}, the trial asked for {value!r}: "
                    "it is the result of another trial"
                )


def _differs(result: Any, value: Any) -> bool:
    if isinstance(result, bool) or isinstance(value, bool | list) or isinstance(result, str):
        return isinstance(result, str) and isinstance(value, str) and result != value
    try:
        return not math.isclose(float(result), float(value), rel_tol=1e-3)
    except (TypeError, ValueError):
        return False


def _at_points(runs: Runs, expected: ExpectedResult, path: Path) -> list[Measured]:
    """Return the measured loss nearest to each point that a trial was to reach."""
    runs.require(("L",))
    if "N" in runs and np.isfinite(runs["N"][-1]):
        factor = float(runs["N"][-1]) / expected.N
        if not 1 / OTHER < factor < OTHER:
            raise UsageError(
                f"{path.name} says N = {show(float(runs['N'][-1]))} and the trial asked for "
                f"{show(expected.N)}: it is the result of another trial, or counts N otherwise"
            )
    if "D" not in runs:
        if len(expected.points) > 1:
            raise UsageError(
                f"{path.name} does not say at which D its losses are, and the trial trains one "
                "trunk for several; name D under [trial.result.columns], or derive it"
            )
        return [_measured(runs, len(runs) - 1, expected.points[0])]
    D = runs["D"]
    result = []
    for point in expected.points:
        # Of equally near rows the last: an attempt that was taken up again writes some twice.
        distance = np.abs(np.log(np.maximum(D, 1) / point))
        i = int(np.flatnonzero(distance == np.nanmin(distance))[-1])
        if not distance[i] <= math.log(1 + STRAY):
            raise UsageError(
                f"the nearest loss of {path.name} is at D = {show(float(D[i]))}; asked was "
                f"{show(point)}: it stopped early, or is the result of another trial"
            )
        result.append(_measured(runs, i, float(D[i])))
    return result


def _measured(runs: Runs, i: int, D: float) -> Measured:
    others = {s: float(v[i]) for s, v in runs.columns.items() if s not in ("D", "L")}
    finite = {s: v for s, v in others.items() if math.isfinite(v)}
    return Measured(D, float(runs["L"][i]), finite)
