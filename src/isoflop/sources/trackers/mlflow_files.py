"""MLflow's old store of files, `mlruns/EXPERIMENT/RUN/metrics/NAME`, read without MLflow."""

from __future__ import annotations

from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path

from isoflop.errors import BadRuns, Note
from isoflop.files import read_text
from isoflop.sources.log_formats import FolderFormat, numbered_lines, one_run, opened, register
from isoflop.sources.trackers.mlflow_database import by_steps
from isoflop.sources.training_logs.log import HistoryWriter, Log, Record, Wanted

META = "meta.yaml"
# What MLflow writes for the state of a run.
STATES = {"1": "running", "2": "scheduled", "3": "finished", "4": "failed", "5": "killed"}
_BYTES = 1_000_000  # of a parameter or of what a run says of itself, at most


def _is_run(folder: Path) -> bool:
    return (folder / META).is_file() and (folder / "metrics").is_dir()


def _runs(folder: Path) -> list[Path]:
    """Return the folders of runs in a store, an experiment, or a run itself."""
    if _is_run(folder):
        return [folder]
    return sorted({m.parent for pattern in ("*/", "*/*/") for m in folder.glob(f"{pattern}{META}")
                   if _is_run(m.parent)})  # fmt: skip


def _claims(folder: Path) -> bool:
    """Say whether a folder is a store, an experiment or a run of MLflow."""
    if (folder / META).is_file():
        return bool(_runs(folder))
    return any(folder.glob(f"*/{META}")) and bool(_runs(folder))


def _read(folder: Path, wanted: Wanted) -> Iterator[Log]:
    """Yield the runs of a store of files.

    Raises BadRuns for a store without a run.
    """
    places = _runs(folder)
    if not places:
        raise BadRuns(f"{folder} holds no run of MLflow")
    for place in places:
        meta = dict(_pairs(read_text(place / META, limit=_BYTES, errors="replace")))
        if meta.get("lifecycle_stage", "active") == "deleted":
            continue
        notes: list[Note] = []
        yield Log(
            run=meta.get("run_name") or place.name,
            recipe="",
            origin=str(place),
            history=_history(place / "metrics", wanted, notes).history(),
            settings=dict(_parameters(place / "params")),
            state=STATES.get(meta.get("status", ""), meta.get("status", "")).lower(),
            key=meta.get("run_id") or meta.get("run_uuid") or place.name,
            program="MLflow",
            start=float(meta.get("start_time") or 0),
            notes=tuple(notes),
        )


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values of a flat document of YAML, as MLflow writes it."""
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith((" ", "-", "#")):
            yield name.strip(), value.strip().strip("'\"").removeprefix("null")


def _parameters(folder: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else ():
        value = read_text(path, limit=_BYTES, errors="replace").strip()
        yield path.relative_to(folder).as_posix(), value


def _history(folder: Path, wanted: Wanted, notes: list[Note]) -> HistoryWriter:
    """Return what a run logged; a file holds "time value step" a line."""
    rows: list[tuple[str, float, int, bool]] = []
    broken = 0
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if not wanted(name):
            continue
        for _, line in numbered_lines(path):
            row = _row(name, line.split())
            broken += row is None and bool(line.strip())
            rows += [row] if row else []
    if broken:
        text = f"{folder}: {broken:,} lines of metrics cannot be read and are left out"
        notes.append(Note("doubt", "damaged", text))
    return by_steps(sorted(rows, key=_step), wanted)


class _MlflowFollower:
    """The lines that were added to the metrics of a run since the last look, by their time."""

    def __init__(self, store: Path, run: str) -> None:
        self.store, self.run, self.began_anew = store, run, False
        self._offsets: dict[Path, int] = {}

    def records(self) -> Iterator[Record]:
        """Yield the records since the last call."""
        places = {place.name: place for place in _runs(self.store)}
        if not places:
            raise BadRuns(f"{self.store} holds no run of MLflow")
        names = {key: _name_of(place) for key, place in places.items()}
        folder = places[one_run(names, self.run, self.store)] / "metrics"
        files = sorted(p for p in folder.rglob("*") if p.is_file())
        self.began_anew = any(p.stat().st_size < self._offsets.get(p, 0) for p in files)
        if self.began_anew:
            self._offsets = {}
        rows = [row for path in files for row in self._new(path, folder)]
        for _, name, value, step in sorted(rows, key=itemgetter(0)):
            yield {"step": float(step), name: value}

    def _new(self, path: Path, folder: Path) -> Iterator[tuple[float, str, float, int]]:
        """Yield the time, name, value and step of each new line; half a line waits."""
        with opened(path) as file:
            file.seek(self._offsets.get(path, 0))
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._offsets[path] = self._offsets.get(path, 0) + len(whole)
        name = path.relative_to(folder).as_posix()
        for line in whole.decode("utf-8", "replace").splitlines():
            words = line.split()
            if (row := _row(name, words)) is not None:
                yield float(words[0]), name, row[1], row[2]


def _name_of(place: Path) -> str:
    """Return the name of a run, which stands in its folder."""
    meta = dict(_pairs(read_text(place / META, limit=_BYTES, errors="replace")))
    return meta.get("run_name") or place.name


def _step(row: tuple[str, float, int, bool]) -> int:
    return row[2]


def _row(name: str, words: list[str]) -> tuple[str, float, int, bool] | None:
    try:
        float(words[0])
        return name, float(words[1]), int(words[2]) if len(words) > 2 else 0, False
    except (ValueError, IndexError):
        return None


register(FolderFormat("MLflow, files", _claims, _read, follow=_MlflowFollower))
