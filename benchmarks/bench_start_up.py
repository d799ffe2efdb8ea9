"""What it costs to begin: import, help and a first answer, beside `import numpy`, in one run."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

REPEATS = 7
COMMAND = str(Path(sys.executable).with_name("isoflop"))
PYTHON = [sys.executable, "-c"]
LIMITS = {"import isoflop": 1.5, "isoflop --help": 4.0, "isoflop laws": 8.0}


def cpu_seconds(argv: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        argv, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "COLUMNS": "100"}
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_start_up_beside_numpy():
    if not Path(COMMAND).exists():
        pytest.skip("needs the isoflop command: pip install -e .")
    contestants = {
        "import numpy": [*PYTHON, "import numpy"],
        "import isoflop": [*PYTHON, "import isoflop"],
        "isoflop --help": [COMMAND, "--help"],
        "isoflop laws": [COMMAND, "laws"],
    }
    best = dict.fromkeys(contestants, float("inf"))
    for _ in range(REPEATS):
        for name, argv in contestants.items():
            best[name] = min(best[name], cpu_seconds(argv))
    print(f"\n\nStart-up, CPU-s, least of {REPEATS}")
    for name, seconds in best.items():
        limit = LIMITS.get(name)
        ratio = seconds / best["import numpy"]
        verdict = "" if limit is None else "pass" if ratio <= limit else "MISS"
        bound = "" if limit is None else f"of {limit:g}"
        print(f"{name:<16}{seconds:>8.3f}{ratio:>7.1f}x {bound:<7}{verdict}")
    for name, limit in LIMITS.items():
        assert best[name] <= limit * best["import numpy"], name
