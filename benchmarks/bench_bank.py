"""Memory and time of importing samples and of drawing every curve of a bank, by its size.

SAMPLES says how many samples, such as 5e6 of a log or 1e8 of a bank; PROBLEMS among how many
problems they are. A process of its own does each piece of work, and says the most memory that it
took. Rows of a bank come in the order in which samplers write them: all problems once, then again.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time

import numpy as np
import pytest

from isoflop.samples.bank import SampleBank

SAMPLES = int(float(os.environ.get("SAMPLES", "2e5")))
PROBLEMS = int(float(os.environ.get("PROBLEMS", "1000")))
CHUNK = 1_000_000
ALLOWED = {"import": 1000, "curves": 2000}  # [MB], of 5 million and of 100 million samples


def measured(*arguments: str) -> tuple[float, float]:
    """Return the CPU time [s] and the most memory [MB] of a command of isoflop."""
    code = (
        "import resource, sys\nfrom isoflop import cli\n"
        "try:\n    code = cli.main()\nfinally:\n"
        "    used = resource.getrusage(resource.RUSAGE_SELF)\n"
        "    print('USED', used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, file=sys.stderr)\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    used = next(line for line in done.stderr.splitlines() if line.startswith("USED"))
    _, seconds, memory = used.split()
    return float(seconds), float(memory)


def drawn(count: int, first: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return columns of `count` samples, the first of which is number `first` of the bank."""
    row = np.arange(first, first + count)
    rate = np.random.default_rng(0).beta(0.4, 2.0, PROBLEMS)
    right = rng.random(count) < rate[row % PROBLEMS]
    return {
        "problem": row % PROBLEMS, "sample": row // PROBLEMS, "correct": right,
        "answer": np.where(right, 0, rng.integers(1, 20, count)),
        "score": rng.random(count) + 0.3 * right,
    }  # fmt: skip


def write_log(path, samples: int) -> None:
    rng = np.random.default_rng(1)
    with path.open("w") as log:
        for at in range(0, samples, 100_000):
            made = drawn(min(100_000, samples - at), at, rng)
            rows = zip(*(values.tolist() for values in made.values()), strict=True)
            log.writelines(
                f'{{"problem": "p{p}", "sample": {s}, "correct": {int(c)}, "answer": "{a}", '
                f'"score": {v:.6f}, "tokens": {100 + a}}}\n'
                for p, s, c, a, v in rows
            )


def write_bank(path, samples: int) -> None:
    import pyarrow as pa

    rng, texts = np.random.default_rng(1), pa.array([f"p{i}" for i in range(PROBLEMS)])
    answers = pa.array([str(i) for i in range(20)])
    with SampleBank.create(path).writing() as rows:
        for at in range(0, samples, CHUNK):
            made = drawn(min(CHUNK, samples - at), at, rng)
            rows.extend({
                "problem": texts.take(pa.array(made["problem"])), "sample": made["sample"],
                "correct": made["correct"], "answer": answers.take(pa.array(made["answer"])),
                "score:v": made["score"],
                "tokens": 100 + made["answer"], "flop": 1e9 * (100.0 + made["answer"]),
            })  # fmt: skip
        rows.close()


def test_importing_a_log(tmp_path):
    write_log(tmp_path / "log.jsonl", SAMPLES)
    out = str(tmp_path / "bank")
    for title in ("imported", "imported again"):
        seconds, memory = measured(
            "import", str(tmp_path / "log.jsonl"), "--as", "samples", "--out", out
        )
        print(f"\n{SAMPLES:,} samples {title}: {seconds:.1f} CPU-s, at most {memory:.0f} MB")
        assert memory < ALLOWED["import"]


@pytest.mark.parametrize("command", ["curves", "curves --over flop", "fit --draws 20"])
def test_curves_of_a_bank(tmp_path_factory, command):
    folder = tmp_path_factory.getbasetemp() / "bank"
    if not folder.exists():
        began = time.process_time()
        write_bank(folder, SAMPLES)
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"\nbank written: {time.process_time() - began:.1f} CPU-s, at most {own:.0f} MB")
    first, *rest = command.split()
    seconds, memory = measured("testtime", first, str(folder), *rest)
    print(f"\n{SAMPLES:,} samples, {command}: {seconds:.1f} CPU-s, at most {memory:.0f} MB")
    assert memory < ALLOWED["curves"]
