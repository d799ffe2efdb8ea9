"""One trial in a process of its own: `python -m isoflop.experiments.trial FOLDER`.

Exit codes: 0 finished, 130 stopped (the last checkpoint holds), 75 to be started again, else
the code of the error that `error.txt` tells, 70 where it is a bug.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import os
import platform
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from isoflop.errors import BadStudy, IsoflopError, UsageError
from isoflop.experiments.experiment import Experiment, Trial
from isoflop.experiments.folder import ERROR, LOCK, SPEC, TrialFolder
from isoflop.experiments.resources import Resources
from isoflop.files import parse_json, read_content
from isoflop.store import JSON, Lock, canonical, code_version, now, write_atomically, writing
from isoflop.terminal import printable

PARENT = "ISOFLOP_PARENT"  # the process without which a trial has no reason to go on
LABELS = ("run", "family", "seed")
REQUEUE = 75
LATE = 124  # a trial that ran past its time limit, and has no checkpoint to go on from
ENDINGS: list[Callable[[int], int]] = []  # asked before this process leaves, and with which code


def prepare(trial: Trial, folder: TrialFolder) -> None:
    """Write what is to be run into the folder of a trial."""
    declared = Experiment.registry[trial.experiment]
    how: dict[str, JSON] = {"resources": trial.resources.as_json, "setup": trial.setup}
    spec = canonical({**identity(trial), **how, **_origin(declared)})
    with writing(folder.path):
        folder.path.mkdir(parents=True, exist_ok=True)
        (folder.path / ERROR).unlink(missing_ok=True)
    write_atomically(folder.path / SPEC, lambda f: f.write(spec.encode()))


def identity(trial: Trial) -> dict[str, JSON]:
    """Return a trial as JSON."""
    return {
        "key": trial.key,
        "experiment": trial.experiment,
        "version": trial.version,
        "config": trial.config,
        "seed": trial.seed,
        "flop": trial.flop,
        "label": trial.label,
    }


def run(folder: TrialFolder, device: str) -> None:
    """Run the trial that a folder describes, unless it is finished, and write its summary."""
    trial, experiment = _read(folder)
    done = folder.summary
    if done is not None and done.get("key") == trial.key:
        return
    _end_in_time(trial.resources.time_limit)
    folder.progress(folder.done)  # it shows as running before its first step
    summary = experiment.run(trial, folder, device)
    _refuse_unfilled(experiment, summary)
    folder.finish(
        {
            **identity(trial),
            "conventions": {**experiment.conventions, **_mapping(summary, "conventions")},
            "observations": summary["observations"],
            "provenance": {**_surroundings(device), **_mapping(summary, "provenance")},
        }
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a trial from the command line and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m isoflop.experiments.trial", description=__doc__
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args(arguments)
    for stop in (signal.SIGTERM, signal.SIGINT):
        signal.signal(stop, _stop)  # at once: every file of the folder is whole at any moment
    _die_with_parent()
    try:
        with Lock(options.folder / LOCK).exclusive():
            run(TrialFolder(options.folder), options.device)
    except Exception as error:
        return _report(error, options.folder)
    return 0


def _origin(experiment: type[Experiment]) -> dict[str, JSON]:
    """Return where another process finds the class: a module, or the script that is being run."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    if experiment.__module__ != "__main__":
        return {"module": experiment.__module__, "script": None}
    if script is None:
        raise UsageError(f"{experiment.key} is defined at a prompt; a trial needs it in a file")
    return {"module": "__main__", "script": str(Path(script).resolve())}


def _read(folder: TrialFolder) -> tuple[Trial, type[Experiment]]:
    """Return the trial that a folder describes, and the experiment that runs it."""
    path = folder.path / SPEC
    if not path.exists():
        raise UsageError(f"{folder.path} holds no trial: there is no {SPEC}")
    try:
        spec = parse_json(read_content(path, BadStudy))
        fields = ("experiment", "config", "seed", "flop", "version", "label")
        how = {
            "resources": Resources(**spec.get("resources", {})),
            "setup": spec.get("setup", {}),
        }
        trial = Trial(**{name: spec[name] for name in fields}, **how)
        key, module, script = spec["key"], spec["module"], spec["script"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadStudy(f"{path} does not describe a trial: {error!r}") from None
    _load(module, script)
    experiment = Experiment.registry.get(trial.experiment)
    if experiment is None:
        raise UsageError(f"{module} registers no experiment called {trial.experiment!r}")
    if (trial.key, trial.version) != (key, experiment.version):
        raise BadStudy(
            f"{path} is version {trial.version} of {trial.experiment} and the code is version "
            f"{experiment.version}; start the sweep again, which writes it anew"
        )
    return trial, experiment


def _load(module: str, script: str | None) -> None:
    """Import what declares the experiment; a script under another name, so that it stays idle."""
    if script is None:
        importlib.import_module(module)
        return
    spec = importlib.util.spec_from_file_location("__isoflop_main__", script)
    if spec is None or spec.loader is None:
        raise UsageError(f"{script} is not a Python file")
    sys.modules["__isoflop_main__"] = loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)


def _refuse_unfilled(experiment: type[Experiment], summary: Mapping[str, JSON]) -> None:
    """Hold observations against what the experiment declares that they hold."""
    observations = summary.get("observations")
    for row in observations if isinstance(observations, list | tuple) else ():
        if missing := [s for s in (*experiment.fills, *LABELS) if s not in row]:
            raise UsageError(f"an observation of {experiment.key} lacks {', '.join(missing)}")


def _mapping(summary: Mapping[str, JSON], name: str) -> Mapping[str, JSON]:
    part = summary.get(name, {})
    if not isinstance(part, Mapping):
        raise UsageError(f"{name!r} of a summary must be a mapping")
    return part


def _surroundings(device: str) -> dict[str, JSON]:
    """Return the provenance that no experiment need write itself."""
    return {
        "code": code_version(),
        "python": platform.python_version(),
        "host": socket.gethostname(),
        "device": device,
        "finished": now(),
    }


def _stop(signum: int, frame: object) -> NoReturn:
    _leave(130)


def _leave(code: int) -> NoReturn:
    """End this process now, and first what it started, which may have another code."""
    for end in ENDINGS:
        code = end(code)
    os._exit(code)


def _end_in_time(limit: float | None) -> None:
    """End this attempt after `limit` [s], to be taken up again from its checkpoint."""
    if limit is not None:
        clock = threading.Timer(limit, _leave, (REQUEUE,))
        clock.daemon = True
        clock.start()


def _die_with_parent() -> None:
    """End this process when the one that started it has gone, were it by SIGKILL."""
    parent = int(os.environ.get(PARENT, os.getppid()))

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.2)
        _leave(130)

    threading.Thread(target=watch, daemon=True).start()


def _report(error: Exception, folder: Path) -> int:
    """Write why the trial failed, and return the exit code."""
    ours = isinstance(error, IsoflopError)
    text = printable(str(error) if ours else traceback.format_exc())
    print(text, file=sys.stderr, flush=True)
    with contextlib.suppress(IsoflopError):  # a full disk: the code still says it
        write_atomically(folder / ERROR, lambda f: f.write(text.encode()))
    return error.exit_code if isinstance(error, IsoflopError) else 70


if __name__ == "__main__":
    sys.exit(main())
