"""Parquet that neptune-exporter wrote of projects of Neptune, whose service has ended.

A row is one value of one attribute: `run_id`, `attribute_path`, `attribute_type`, `step`, and the
value in a column of its type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from isoflop.errors import BadRuns
from isoflop.files.packed import parquet_batches
from isoflop.sources.log_formats import FileFormat, FileHead, FolderFormat, register
from isoflop.sources.trackers.mlflow_database import by_steps
from isoflop.sources.training_logs.log import Log, Wanted

NEEDED = ("run_id", "attribute_path", "attribute_type")
_VALUES = ("float_value", "int_value", "string_value", "bool_value")
_SERIES = "float_series"
_SYSTEM = ("sys/", "monitoring/", "source_code/")
_NAMES = ("sys/name", "sys/custom_run_id", "sys/id")


@dataclass
class _NeptuneRun:
    """The rows of one run: series by name, value and step, and what stands once."""

    rows: list[tuple[str, float, float, bool]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)


def _read(path: Path, wanted: Wanted) -> Iterator[Log]:
    """Yield the runs of one Parquet file."""
    yield from _runs([path], wanted)


def _runs(paths: list[Path], wanted: Wanted) -> Iterator[Log]:
    """Yield the runs of the files of an export, of which one run may take several.

    Raises BadRuns for files that hold no run.
    """
    runs: dict[str, _NeptuneRun] = {}
    for path in paths:
        columns = (*NEEDED, "step", *_VALUES)
        for batch in parquet_batches(path, path.name, columns, streamed=True):
            for row in batch.to_pylist():
                _add(runs.setdefault(str(row["run_id"]), _NeptuneRun()), row, wanted)
    if not runs:
        raise BadRuns(f"{paths[0]} holds no run of Neptune")
    for key, run in runs.items():
        names = [str(run.settings[n]) for n in _NAMES if run.settings.get(n)]
        rows = sorted(run.rows, key=_step)
        state = "failed" if run.settings.get("sys/failed") is True else ""
        settings = {k: v for k, v in run.settings.items() if not k.startswith(_SYSTEM)}
        yield Log(
            run=names[0] if names else key,
            recipe="",
            origin=str(paths[0]),
            history=by_steps(rows, wanted).history(),
            settings=settings,
            state=state,
            key=key,
            program="Neptune",
        )


def _step(row: tuple[str, float, float, bool]) -> float:
    return row[2]


def _add(run: _NeptuneRun, row: dict[str, Any], wanted: Wanted) -> None:
    name = str(row["attribute_path"])
    value = next((row[c] for c in _VALUES if row.get(c) is not None), None)
    if row["attribute_type"] == _SERIES:
        if wanted(name) and row.get("step") is not None and isinstance(value, int | float):
            run.rows.append((name, float(value), float(row["step"]), False))
    elif value is not None:
        run.settings[name] = value


def _is_export(path: Path) -> bool:
    """Say whether a Parquet file has the columns of an export."""
    try:
        schema = next(parquet_batches(path, path.name, streamed=True)).schema
    except (BadRuns, StopIteration):
        return False
    return all(name in schema.names for name in NEEDED)


def _score(sample: FileHead) -> float:
    return 1000.0 if sample.head[:4] == b"PAR1" and _is_export(sample.path) else 0.0


def _files(folder: Path) -> list[Path]:
    paths = sorted(p for p in folder.glob("*.parquet") if p.is_file())
    return paths if paths and _is_export(paths[0]) else []


def _read_folder(folder: Path, wanted: Wanted) -> Iterator[Log]:
    """Yield the runs of an export of one project."""
    yield from _runs(_files(folder), wanted)


register(FileFormat("Neptune, exported", "store", _score, _read))
register(FolderFormat("Neptune, exported", lambda f: bool(_files(f)), _read_folder))
