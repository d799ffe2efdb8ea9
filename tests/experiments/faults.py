"""Sweeps of isoflop's own model that are killed at random moments, and what became of them."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isoflop.experiments.design import StudyFile, trials_of
from isoflop.experiments.engines import LocalEngine, run
from isoflop.store import Study

DRIVER = """
import sys
from pathlib import Path
from faults import study_in
from isoflop.experiments.design import run_study
from isoflop.experiments.engines import LocalEngine
run_study(study_in(Path(sys.argv[1]), Path(sys.argv[2])), on=LocalEngine(2))
"""


@dataclass(frozen=True)
class Faults:
    """How many kills there were, of whom, and what was lost or repeated (nothing, one hopes)."""

    kills: int
    drivers: int
    trials: int
    losses: tuple[str, ...]


def study_in(place: Path, text: Path) -> StudyFile:
    """Return a study of eight short trials."""
    return StudyFile.of(
        {
            "name": "kills",
            "trial": {"model": "gpt", "context": 32, "head": 8, "evaluation": 512,
                      "text": str(text)},
            "sizes": {"width": [8, 16], "depth": [1, 1]},
            "design": {"kind": "tokens", "tokens": [20_000, 60_000]},
            "vary": {"seed": [0, 1], "batch": [1024]},
        },
        place,
    )  # fmt: skip


def disturb(place: Path, kills: int, seed: int = 0) -> Faults:
    """Return what became of a study under so many kills, of one driver or trial each."""
    rng = random.Random(seed)
    text = place / "text"
    text.mkdir(parents=True)
    for i in range(12):
        words = (f"{rng.choice('abcdefgh')}{rng.randrange(99)} " for _ in range(4_000))
        (text / f"{i}.txt").write_text("".join(words))
    os.environ["ISOFLOP_CACHE"] = str(place / "cache")
    calm = study_in(place / "calm", text)
    calm.place.mkdir()
    run(trials_of(calm), Study.create(calm.folder), LocalEngine(2))
    truth = rows(calm)
    done = drivers = repeats = 0
    losses: list[str] = []
    while done < kills:
        study = study_in(place / f"study-{repeats}", text)
        study.place.mkdir()
        count, of_drivers, lost = _one(study, text, rng, kills - done)
        done, drivers, repeats = done + count, drivers + of_drivers, repeats + 1
        losses += lost
        if rows(study) != truth:
            losses.append(f"{study.folder}: rows differ from the undisturbed sweep's")
    return Faults(done, drivers, done - drivers, tuple(losses))


def rows(study: StudyFile) -> list[Any]:
    """Return every observation of a study as it is stored, in the order of their trials."""
    documents = Study.open(study.folder).documents("observations")
    return [(d.name, d.body["observations"]) for d in documents]


def _one(study: StudyFile, text: Path, rng: random.Random, most: int) -> tuple[int, int, list[str]]:
    """Run a study to its end through kills; return how many, how many of drivers, what was lost."""
    Study.create(study.folder)
    count = drivers = 0
    finished: dict[str, int] = {}
    losses: list[str] = []
    driver = _driver(study, text)
    while True:
        deadline = time.monotonic() + rng.uniform(0.3, 2.0)
        while driver.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        for path in study.folder.glob("trials/*/summary.json"):
            stamp = path.stat().st_mtime_ns
            if finished.setdefault(path.parent.name, stamp) != stamp:
                losses.append(f"{path} was written twice")
        if driver.poll() is not None:
            if driver.returncode == 0:
                return count, drivers, losses
            driver = _driver(study, text)
        elif count < most:
            trials = _children(driver.pid)
            victim = rng.choice([driver.pid, *trials])
            os.kill(victim, signal.SIGKILL)
            count, drivers = count + 1, drivers + (victim == driver.pid)


def _driver(study: StudyFile, text: Path) -> subprocess.Popen[bytes]:
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    with (study.place / "driver.txt").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(study.place), str(text)],
            env={**os.environ, "PYTHONPATH": path}, stdout=log, stderr=log,
        )  # fmt: skip


def _children(parent: int) -> list[int]:
    """Return the processes that a process started, which are not dead."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return found
