"""Trials that a program of the user's carries out: a command, or a function in a file of theirs."""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from isoflop.errors import BadStudy, Diverged, EnvironmentFailure, IsoflopError, UsageError
from isoflop.experiments.experiment import Experiment, Trial, TrialFolder
from isoflop.experiments.folder import OUTPUT, TRAINED
from isoflop.experiments.trainer.command import fill, refuse_missing, words_of
from isoflop.experiments.trainer.functions import call, function_of
from isoflop.experiments.trainer.process import Launch, carry_out
from isoflop.experiments.trainer.records import records_of
from isoflop.experiments.trainer.result import ExpectedResult, Measured, ResultMapping, read_result
from isoflop.experiments.trial import LATE, REQUEUE
from isoflop.files import parse_json, read_content, write_atomically
from isoflop.store import JSON, canonical

SIGNALS = 128  # an exit code beyond says which signal ended a program
FIRST = "began.json"


class Trainer(Experiment):
    """A command of the user's: started once for each trial, its result read by a mapping.

    The config holds `command`, `environment` and `values`, which fill the placeholders; the setup
    `workdir`, `result` (a ResultMapping), `N`, `points` and `conventions`.
    """

    key: ClassVar[str] = "trainer"
    fills: ClassVar[tuple[str, ...]] = ("N", "D", "L")

    def trials(self) -> tuple[Trial, ...]:
        """Return nothing: the trials of a trainer come from a study's file."""
        return ()

    @staticmethod
    def run(trial: Trial, folder: TrialFolder, device: str) -> Mapping[str, JSON]:
        """Run the trainer, unless it ended well before, and read its result."""
        setup: Mapping[str, Any] = trial.setup
        config: Mapping[str, Any] = trial.config
        began = _first_started(folder)
        mapping = ResultMapping(**{**setup["result"], "derive": tuple(setup["result"]["derive"])})
        seconds = _trained(folder)
        if seconds is None:
            seconds = _train(trial, folder, mapping)
        expected = ExpectedResult(setup["N"], tuple(setup["points"]), config["values"])
        measured = read_result(mapping, folder.path, expected, began)
        provenance: dict[str, JSON] = {
            "seconds": seconds,
            "script": _script(words_of(config["command"]), Path(setup["workdir"])),
        }
        return summary_of(trial, measured, provenance)


class FunctionTrainer(Experiment):
    """A function of the user's, marked with `isoflop.trial` and called in the trial's process."""

    key: ClassVar[str] = "function"
    fills: ClassVar[tuple[str, ...]] = ("N", "D", "L")

    def trials(self) -> tuple[Trial, ...]:
        """Return nothing: the trials of a function come from a study's file."""
        return ()

    @staticmethod
    def run(trial: Trial, folder: TrialFolder, device: str) -> Mapping[str, JSON]:
        """Call the function and read what it returns."""
        setup: Mapping[str, Any] = trial.setup
        config: Mapping[str, Any] = trial.config
        began = time.monotonic()
        function = function_of(config["function"], Path(setup["workdir"]))
        arguments = {**config["values"], "folder": str(folder.path), "device": device}
        rows = call(function, arguments, folder)
        mapping = ResultMapping(**{**setup["result"], "derive": tuple(setup["result"]["derive"])})
        write_atomically(folder.path / mapping.file, lambda f: f.write(rows.encode()))
        expected = ExpectedResult(setup["N"], tuple(setup["points"]), config["values"])
        measured = read_result(mapping, folder.path, expected, 0.0)
        provenance: dict[str, JSON] = {"seconds": time.monotonic() - began}
        return summary_of(trial, measured, provenance)


def summary_of(
    trial: Trial, measured: list[Measured], provenance: Mapping[str, JSON]
) -> Mapping[str, JSON]:
    """Return what a trial measured, with its own flags as columns, in the store's form."""
    setup: Mapping[str, Any] = trial.setup
    flags = {k: v for k, v in setup["columns"].items() if isinstance(v, int | float)}
    rows: list[Mapping[str, JSON]] = [
        {
            **flags,
            "N": setup["N"],
            **m.others,
            "D": m.D,
            "C": setup["flop_per_token"] * m.D,
            "L": m.L,
            "run": f"{trial.label} D={m.D:.4g}" if len(measured) > 1 else trial.name,
            "family": setup["family"],
            "seed": trial.seed,
        }
        for m in measured
    ]
    conventions = {**setup["conventions"], **_loss_unit(setup["result"])}
    return {"observations": rows, "provenance": provenance, "conventions": conventions}


def _loss_unit(result: Mapping[str, Any]) -> dict[str, JSON]:
    """Return the unit of the loss as it was read: bits a token have become nats."""
    unit = result["units"].get("L")
    return {} if unit is None else {"L": "nats/token" if unit == "bits/token" else unit}


def _train(trial: Trial, folder: TrialFolder, mapping: ResultMapping) -> float:
    """Run the trainer to its end and return how long this attempt took [s]."""
    setup: Mapping[str, Any] = trial.setup
    config: Mapping[str, Any] = trial.config
    workdir = Path(setup["workdir"])
    values = {**config["values"], "folder": str(folder.path), "name": trial.name, "key": trial.key}
    words = [fill(word, values) for word in words_of(config["command"])]
    refuse_missing(tuple(words), workdir)
    environment = {k: fill(v, values) for k, v in config["environment"].items()}
    environment["ISOFLOP_FOLDER"] = str(folder.path)
    launch = Launch(words, workdir, environment, trial.resources.grace)
    began = time.monotonic()
    last = max(setup["points"])
    code = carry_out(launch, folder.path, lambda: _report(folder, mapping, last))
    seconds = time.monotonic() - began
    if code:
        _refuse_ended(code, folder.path / OUTPUT, mapping.loss)
    text = canonical({"seconds": seconds})
    write_atomically(folder.path / TRAINED, lambda f: f.write(text.encode()))
    return seconds


def _refuse_ended(code: int, output: Path, loss: str) -> None:
    """Raise for a trainer that did not end well, with the end of what it printed."""
    if code == REQUEUE:
        raise Requeued("the trainer was pre-empted and asks to be started again")
    tail = _tail(output)
    if code == LATE:
        raise EnvironmentFailure(f"the trainer ran out of time\n{tail}")
    last = next((r[loss] for r in reversed(_records(output)) if loss in r), None)
    if isinstance(last, float) and not math.isfinite(last):
        raise Diverged(f"the trainer ended with exit code {code}, its last loss being {last}")
    how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
    raise TrainerFailure(f"the trainer {how}; the end of its output:\n{tail}")


class TrainerFailure(IsoflopError):
    """A trainer of the user's that did not end well."""

    exit_code = 4


class Requeued(IsoflopError):
    """A trainer that was pre-empted, wrote its checkpoint and wants to be started again."""

    exit_code = REQUEUE


def _records(path: Path) -> tuple[Mapping[str, Any], ...]:
    try:
        return records_of(path)
    except IsoflopError:
        return ()


def _tail(path: Path, lines: int = 8, most: int = 8192) -> str:
    try:
        with path.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - most))
            text = file.read().decode("utf-8", "replace").strip()
    except OSError:
        text = ""
    return "\n".join(text.splitlines()[-lines:]) or "it printed nothing"


def _trained(folder: TrialFolder) -> float | None:
    """Return how long a trainer took that ended well in an earlier attempt [s], or None."""
    try:
        return float(parse_json(read_content(folder.path / TRAINED, BadStudy))["seconds"])
    except (BadStudy, ValueError, KeyError, TypeError):
        return None


def _first_started(folder: TrialFolder) -> float:
    """Return when the first attempt at a trial began [s since 1970]."""
    path = folder.path / FIRST
    try:
        return float(parse_json(read_content(path, BadStudy))["began"])
    except (BadStudy, ValueError, KeyError, TypeError):
        now = time.time()
        text = canonical({"began": now})
        write_atomically(path, lambda f: f.write(text.encode()))
        return now


def _report(folder: TrialFolder, mapping: ResultMapping, tokens: float) -> None:
    """Say how far a trainer is, as far as its result so far tells."""
    path = mapping.place(folder.path)
    if not path.is_file() or path.suffix == ".json" or path.stat().st_size > 1 << 20:
        return
    name = mapping.columns.get("D", "D")
    values = [r[name] for r in _records(path) if isinstance(r.get(name), int | float)]
    if values:
        folder.progress(min(max(values) / tokens, 0.99))


def _script(words: tuple[str, ...], workdir: Path) -> str | None:
    """Return the hash of the first file that a command names: which version of it was run."""
    for word in words[1:]:
        path = workdir / word
        if path.is_file():
            return hashlib.sha256(read_content(path, UsageError)).hexdigest()
    return None


Trainer.conventions = MappingProxyType({})
