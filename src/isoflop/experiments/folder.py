"""The folder of one trial: metrics, progress, checkpoint and summary, each safe under a kill.

trial.json       what is to be run, written by the driver
metrics.jsonl    one line per append
curve.jsonl      step, lr and loss as training goes on, for whoever watches
progress.json    how far the trial is, for whoever looks
checkpoint       the last state to resume from
summary.json     the outcome; it exists when the trial is finished, and not before
error.txt        why the last attempt failed
log.txt          what every attempt printed
cancelled        somebody wants no more attempts
diverged         its loss is no number, and why
output.txt       what a trainer of the user's printed
trained.json     that trainer ended well; only its result is still to be read
trial.lock, trainer.lock  held while the trial, the trainer runs
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from isoflop.errors import BadStudy, UsageError
from isoflop.files import parse_json, read_content
from isoflop.store import JSON, Lock, canonical, digest, write_atomically, writing

SPEC, METRICS, PROGRESS, CHECKPOINT = "trial.json", "metrics.jsonl", "progress.json", "checkpoint"
SUMMARY, ERROR, LOG = "summary.json", "error.txt", "log.txt"
CANCEL, DIVERGED, LOCK, TRAINER_LOCK = "cancelled", "diverged", "trial.lock", "trainer.lock"
OUTPUT, TRAINED, CURVE = "output.txt", "trained.json", "curve.jsonl"
BEAT = 0.2  # [s] between two progress files, however often a trial reports


class TrialFolder:
    """The folder of one trial, as the trial writes it and anybody reads it."""

    __slots__ = ("_beat", "_whole", "path")

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._beat = 0.0  # when progress was last written
        self._whole: set[str] = set()  # files in which a torn last line has been looked for

    def append(self, metrics: Mapping[str, JSON], name: str = METRICS) -> None:
        """Add one line to the metrics. Give a `step`: after a resume, steps come twice."""
        path = self.path / name
        line = json.dumps(dict(metrics)) + "\n"
        with writing(path), path.open("ab+") as handle:
            if name not in self._whole:
                _drop_torn_line(handle)
                self._whole.add(name)
            handle.write(line.encode())

    @property
    def curve(self) -> Path:
        """The file that tells of the loss while the trial runs.

        Of a trainer of the user's it is the file of its result, or what it prints until then.
        """
        setup = self._spec().get("setup") or {}
        result = (setup.get("result") or {}).get("file") or CURVE
        names = (result, CURVE, OUTPUT)
        return next((p for name in names if (p := self.path / name).exists()), self.path / METRICS)

    def _spec(self) -> dict[str, Any]:
        try:
            spec = parse_json(read_content(self.path / SPEC, BadStudy))
        except (BadStudy, ValueError):
            return {}
        return spec if isinstance(spec, dict) else {}

    def metrics(self) -> tuple[dict[str, Any], ...]:
        """Return the metrics, line by line; of two lines of one `step`, the later.

        Raises BadStudy for a line that is not JSON, except a torn last one, which is no line.
        """
        path = self.path / METRICS
        lines: dict[object, dict[str, Any]] = {}
        text = read_content(path, BadStudy) if path.exists() else b""
        for number, line in enumerate(text.split(b"\n")[:-1], start=1):
            try:
                values = parse_json(line)
                lines[("step", values["step"]) if "step" in values else number] = values
            except (ValueError, TypeError):
                raise BadStudy(f"{path}, line {number}, is not a JSON object") from None
        return tuple(lines.values())

    def progress(self, done: float, **numbers: float) -> None:
        """Say that a fraction `done`, from 0 to 1, of the trial is done; cheap enough per step."""
        if time.monotonic() - self._beat < BEAT:
            return
        beat = json.dumps({"done": min(max(done, 0.0), 1.0), **numbers})
        write_atomically(self.path / PROGRESS, lambda f: f.write(beat.encode()), sync=False)
        self._beat = time.monotonic()

    @property
    def done(self) -> float:
        """The fraction that the trial last said was done; 0 where it said nothing."""
        try:
            return float(parse_json(read_content(self.path / PROGRESS, BadStudy))["done"])
        except (BadStudy, ValueError, KeyError, TypeError, OverflowError):
            return 0.0

    @property
    def is_running(self) -> bool:
        """Whether a process, on whatever machine, is carrying the trial out."""
        return any(Lock(self.path / name).is_taken for name in (LOCK, TRAINER_LOCK))

    def save_checkpoint(self, write: Callable[[IO[bytes]], object]) -> None:
        """Replace the checkpoint by what `write(file)` writes; a kill leaves the old or the new."""
        write_atomically(self.path / CHECKPOINT, write)

    @property
    def checkpoint(self) -> Path | None:
        """The last checkpoint that was saved whole, or None."""
        path = self.path / CHECKPOINT
        return path if path.exists() else None

    def finish(self, summary: Mapping[str, JSON]) -> None:
        """Write the summary, which marks the trial as finished.

        Raises UsageError for a summary without observations or provenance.
        """
        _refuse_bare(summary)
        body = canonical(summary)
        sealed = f'{{"sha256":"{digest(body)}","summary":{body}}}\n'
        write_atomically(self.path / SUMMARY, lambda f: f.write(sealed.encode()))

    @property
    def summary(self) -> dict[str, Any] | None:
        """The outcome of a finished trial, or None; a damaged summary counts as none."""
        try:
            sealed = parse_json(read_content(self.path / SUMMARY, BadStudy))
            summary: dict[str, Any] = sealed["summary"]
            return summary if digest(canonical(summary)) == sealed["sha256"] else None
        except (BadStudy, ValueError, KeyError, TypeError):
            return None


def _drop_torn_line(handle: IO[bytes]) -> None:
    """Cut what follows the last newline: the writer was killed in the middle of a line."""
    handle.seek(0)
    text = handle.read()
    handle.truncate(text.rfind(b"\n") + 1)
    handle.seek(0, os.SEEK_END)


def _refuse_bare(summary: Mapping[str, JSON]) -> None:
    """Hold a summary against what `Experiment.run` promises."""
    observations, provenance = summary.get("observations"), summary.get("provenance")
    if not isinstance(observations, list | tuple) or not observations:
        raise UsageError("a summary needs `observations`: a list of at least one mapping")
    if not all(isinstance(row, Mapping) for row in observations):
        raise UsageError("every observation is a mapping of quantities and labels")
    if not isinstance(provenance, Mapping) or "seconds" not in provenance:
        raise UsageError("a summary needs `provenance`: a mapping with at least `seconds`")
