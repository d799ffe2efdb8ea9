"""Tables made by known laws, for teaching and for tests: what a tool says of them can be checked.

Nothing here was measured; every run is called simulated. `python -m isoflop.theory.simulated
FOLDER` writes the samples that come with the package.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np

from isoflop.laws.chinchilla import Chinchilla
from isoflop.laws.downstream_sigmoid import DownstreamSigmoid
from isoflop.quantities import show

Column: TypeAlias = Sequence[str] | Sequence[float]

SIZES = (190e6, 370e6, 760e6, 1.3e9)  # of the ladder, with 20 tokens per parameter times
OVER = (1, 2, 5, 10)
SEEDS = 2

# Task: chance, bits per byte as a law of N and D, the step from there, and sd of a score.
TASKS: Mapping[str, tuple[Chinchilla, DownstreamSigmoid, float]] = {
    "choice": (  # four answers; rises well within the ladder
        Chinchilla(E=0.45, A=140.0, B=460.0, alpha=0.30, beta=0.30),
        DownstreamSigmoid(floor=0.25, ceiling=0.92, steepness=7.0, midpoint=0.85),
        0.004,
    ),
    "pairs": (  # two answers; a noisy task
        Chinchilla(E=0.70, A=90.0, B=300.0, alpha=0.28, beta=0.28),
        DownstreamSigmoid(floor=0.5, ceiling=0.85, steepness=5.0, midpoint=1.30),
        0.018,
    ),
    "sums": (  # exact match: nothing for a guess, and a late rise
        Chinchilla(E=0.20, A=200.0, B=900.0, alpha=0.29, beta=0.30),
        DownstreamSigmoid(floor=0.0, ceiling=0.95, steepness=6.0, midpoint=1.05),
        0.006,
    ),
    "riddles": (  # four answers; the ladder ends before it begins to rise
        Chinchilla(E=0.60, A=110.0, B=380.0, alpha=0.28, beta=0.29),
        DownstreamSigmoid(floor=0.25, ceiling=0.9, steepness=14.0, midpoint=0.72),
        0.010,
    ),
}
LUCK = 0.004  # sd of a log loss from seed to seed

FAMILIES: Mapping[str, tuple[float, float, Sequence[float]]] = {
    # per family: capability per decade of compute, capability at 1e22 FLOP, and compute [FLOP]
    "simulated-oak": (1.00, 0.2, (3e20, 1e21, 4e21, 2e22, 8e22, 4e23)),
    "simulated-elm": (0.90, 0.6, (2e21, 9e21, 3e22, 1.5e23, 8e23)),
    "simulated-fir": (0.75, -0.4, (1e20, 6e20, 3e21, 1.2e22, 5e22)),
    "simulated-ash": (1.10, 0.0, (5e20, 3e21, 2e22, 1e23)),
    "simulated-yew": (0.95, 0.9, (5e22, 6e23)),
}
BENCHMARKS: Mapping[str, tuple[float, float, float, float]] = {
    # per benchmark: chance, slope and midpoint in capability, share of a second ability
    "facts": (0.25, 0.45, 0.6, 0.3),
    "stories": (0.25, 0.40, -0.2, -0.2),
    "grammar": (0.5, 0.45, 0.2, -0.3),
    "reading": (0.20, 0.50, 0.3, 0.1),
    "code": (0.0, 0.55, 1.2, 0.3),
    "arithmetic": (0.0, 1.2, 0.9, 0.1),
}


@dataclass(frozen=True, eq=False)
class SimulatedTable:
    """Columns by name, as a file of runs has them."""

    columns: Mapping[str, Column]
    preamble: str = ""

    def write(self, path: Path) -> None:
        """Write the table as CSV, under its preamble."""
        with path.open("w", newline="") as file:
            file.write(self.preamble)
            out = csv.writer(file, lineterminator="\n")
            out.writerow(self.columns)
            for row in zip(*self.columns.values(), strict=True):
                out.writerow([cell if isinstance(cell, str) else f"{cell:.6g}" for cell in row])


def ladder(seed: int = 0) -> SimulatedTable:
    """Return 16 sizes and budgets, two seeds each: bits per byte and accuracy of four tasks."""
    rng = np.random.default_rng(seed)
    places = [(n, 20 * n * over, over, i) for n in SIZES for over in OVER for i in range(SEEDS)]
    N, D, _, _ = (np.array(column, float) for column in zip(*places, strict=True))
    columns: dict[str, Column] = {
        "run": [f"simulated-{show(n)}-{over}x-{i}" for n, _, over, i in places],
        "seed": [str(i) for *_, i in places],
        "N": N.tolist(),
        "D": D.tolist(),
    }
    for name, (loss, step, noise) in TASKS.items():
        L = loss(N=N, D=D) * np.exp(LUCK * rng.standard_normal(N.size))
        score = np.clip(step(L=L) + noise * rng.standard_normal(N.size), 0, 1)
        columns |= {f"{name}_bpb": L.tolist(), f"{name}_acc": score.tolist()}
    return SimulatedTable(columns, '# isoflop: {"N": "total", "L": "bits/byte"}\n')


def models(seed: int = 0) -> SimulatedTable:
    """Return 22 models of five families on six benchmarks, a few cells empty."""
    rng = np.random.default_rng(seed)
    rows = [(family, C) for family, (_, _, budgets) in FAMILIES.items() for C in budgets]
    C = np.array([c for _, c in rows])
    slope, level = (np.array([FAMILIES[f][i] for f, _ in rows]) for i in (0, 1))
    ability = slope * np.log10(C / 1e22) + level + 0.08 * rng.standard_normal(C.size)
    second = 0.3 * rng.standard_normal(C.size)
    columns: dict[str, Column] = {
        "model": [f"{family}-{show(c)}" for family, c in rows],
        "family": [family for family, _ in rows],
        "C": C.tolist(),
    }
    for name, (chance, steep, middle, share) in BENCHMARKS.items():
        odds = 2 * steep * (ability + share * second - middle)
        score = chance + (0.97 - chance) / (1 + np.exp(-odds))
        score = np.clip(score + 0.006 * rng.standard_normal(C.size), 0, 1)
        empty = rng.random(C.size) < 0.03
        columns[name] = ["" if gone else f"{s:.4f}" for s, gone in zip(score, empty, strict=True)]
    return SimulatedTable(columns)


SAMPLES = {"simulated-ladder": ladder, "simulated-models": models}

if __name__ == "__main__":
    for _name, _make in SAMPLES.items():
        _make().write(Path(sys.argv[1]) / f"{_name}.csv")
