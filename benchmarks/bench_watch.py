"""Forecasts of the last loss from partial curves, and how often a healthy run is alarmed.

`python benchmarks/bench_watch.py [FOLDER]` prints the tables of docs/watch.md. Curves are those
of Luo et al. 2025 (set ISOFLOP_DATA to the folder that holds loss_curves_luo2025), each size the
other's earlier runs; and, from FOLDER, the GPTs that `live_runs.py` trains, for which the next
smaller width is the earlier runs. The rival is a plain power law fitted to the last half of what
is seen. Whole families are left out, and intervals judged, in `bench_intervals.py`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from live_runs import WARMUP, LiveRun, healthy

from isoflop.errors import RefusedByData
from isoflop.schedules import EarlierRuns, LossCurve, Schedule, ending, read_curves

SHARES = (0.2, 0.4, 0.5, 0.6, 0.8)
SMALLER = {32: 24, 48: 32, 64: 48}


@dataclass(frozen=True)
class Case:
    """A whole curve, and the runs that were made before it."""

    curve: LossCurve
    earlier: EarlierRuns


def own_curve(run: LiveRun, path: Path) -> LossCurve:
    """Return the held-out losses of a log of `live_runs.py`."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    points = [(r["step"], r["eval_loss"]) for r in records if "eval_loss" in r]
    step, loss = (np.array(v) for v in zip(*points, strict=True))
    late = step > WARMUP
    return LossCurve(run.name, Schedule(run.name, run.rates, WARMUP), step[late], loss[late])


def public(folder: Path) -> Iterator[Case]:
    """Yield the curves of Luo et al., each with those of the other size."""
    curves = {
        size: tuple(
            c for p in sorted((folder / size).glob("*.csv")) for c in read_curves(p, warmup=2160)
        )
        for size in ("25M", "100M")
    }
    for size, other in (("25M", "100M"), ("100M", "25M")):
        earlier = EarlierRuns((curves[other],))
        yield from (Case(c, earlier) for c in curves[size])


def own(folder: Path) -> Iterator[Case]:
    """Yield our own curves, each with those of the next smaller width."""
    by_width: dict[int, list[LossCurve]] = {}
    for run in healthy():
        curve = own_curve(run, folder / f"{run.name}.jsonl")
        by_width.setdefault(run.width, []).append(curve)
    for width, smaller in SMALLER.items():
        earlier = EarlierRuns((tuple(by_width[smaller]),))
        yield from (Case(c, earlier) for c in by_width[width])


def cut(curve: LossCurve, share: float) -> LossCurve:
    """Return what was seen of a curve at a share of its schedule."""
    seen = curve.steps <= share * curve.schedule.steps
    return replace(curve, steps=curve.steps[seen], loss=curve.loss[seen])


def power_law(partial: LossCurve) -> float:
    """Return the log of the last loss by L = E + A t^-a, fitted to the last half seen."""
    from scipy.optimize import least_squares

    late = partial.steps >= partial.steps[-1] / 2
    x, y = partial.steps[late] / partial.schedule.steps, partial.loss[late]

    def residuals(p: np.ndarray) -> np.ndarray:
        return (p[0] + np.exp(p[1]) * x ** -np.exp(p[2])) / y - 1

    bounds = ([0, -20, -3], [np.inf, 5, 2])
    begin = [(0.9 * y[-1], np.log(0.1 * y[-1]), np.log(a)) for a in (0.3, 0.6, 1.0)]
    best = min((least_squares(residuals, b, bounds=bounds) for b in begin), key=lambda r: r.cost)
    return float(np.log(best.x[0] + np.exp(best.x[1])))


def row(name: str, errors: list[float], widths: list[float], inside: list[bool], n: int) -> str:
    if not errors:
        return f"{name:22s} refused {n} of {n}"
    e = 100 * np.abs(errors)
    text = f"{name:22s} RMS {np.sqrt((e**2).mean()):5.2f}  median {np.median(e):5.2f}"
    if widths:
        text += f"  90% held {np.mean(inside):4.0%}  width {100 * np.median(widths):5.2f}"
    return text + (f"  refused {n - len(errors)} of {n}" if n > len(errors) else "")


def forecasts(name: str, cases: list[Case]) -> None:
    for share in SHARES:
        print(f"\n{name}, {share:.0%} of the run seen: errors of the last loss [%]")
        parts = [(c, cut(c.curve, share)) for c in cases]
        parts = [(c, p) for c, p in parts if p.steps.size >= 5]
        rival = [power_law(p) - np.log(c.curve.loss[-1]) for c, p in parts]
        print(row("power law, last half", rival, [], [], len(parts)))
        for title, with_earlier in (("this curve alone", False), ("with earlier runs", True)):
            errors, widths, inside = [], [], []
            for case, partial in parts:
                try:
                    said = ending(partial, case.earlier if with_earlier else None)
                except RefusedByData:
                    continue
                truth, (low, high) = case.curve.loss[-1], said.interval(0.9)
                errors.append(float(np.log(said.value / truth)))
                widths.append((high - low) / said.value)
                inside.append(low <= truth <= high)
            print(row(title, errors, widths, inside, len(parts)))


def main(folder: Path | None) -> None:
    data = Path(os.environ.get("ISOFLOP_DATA", ".")) / "loss_curves_luo2025"
    if data.exists():
        forecasts("Luo et al.", list(public(data)))
    if folder is not None:
        forecasts("isoflop's own", list(own(folder)))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
