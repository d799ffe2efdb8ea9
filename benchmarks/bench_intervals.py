"""How wide the interval of the last loss must be: chosen on all families but one, held on that.

`python benchmarks/bench_intervals.py FOLDER [ERRORS.json]` prints the table of docs/watch.md. A
family is a size of Luo et al. 2025 (ISOFLOP_DATA) or a width of the GPTs that `live_runs.py`
trains into FOLDER. The sd of the log is hypot(floor, share x drop still owed); both are those of
the least mean interval score (Gneiting & Raftery 2007) over the other families, of all that hold
`LEVEL` there at every share of the run seen. Errors are kept in ERRORS.json, so that another
choice needs no forecasts.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from statistics import NormalDist

import numpy as np
from bench_watch import Case, cut, own, public

from isoflop.errors import RefusedByData
from isoflop.schedules import ending

SEEN = (0.2, 0.4, 0.6, 0.8)
LEVEL = 0.9
Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
FLOORS = (0.001, 0.0015, 0.002, 0.0025, 0.003, 0.004, 0.005)
SHARES = (0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.11, 0.12, 0.135, 0.15, 0.175, 0.2)


@dataclass(frozen=True)
class Miss:
    """One forecast: its error (log), the drop that was owed (log) and the present sd."""

    family: str
    curve: str
    seen: float
    error: float
    owed: float
    sd: float


def misses(cases: list[tuple[str, Case]]) -> Iterator[Miss]:
    for family, case in cases:
        for seen in SEEN:
            partial = cut(case.curve, seen)
            if partial.steps.size < 5:
                continue
            try:
                forecast = ending(partial, case.earlier)
            except RefusedByData:
                continue
            error = float(np.log(forecast.value / case.curve.loss[-1]))
            yield Miss(family, case.curve.name, seen, error, forecast.owed, forecast.sd)


def families(folder: Path | None) -> list[tuple[str, Case]]:
    """Return every case with the name of its family."""
    data = Path(os.environ.get("ISOFLOP_DATA", ".")) / "loss_curves_luo2025"
    cases: list[tuple[str, Case]] = []
    if data.exists():
        curves = list(public(data))
        for i, case in enumerate(curves):
            cases.append(("Luo 25M" if i < len(curves) // 2 else "Luo 100M", case))
    if folder is not None:
        cases += [(f"own {c.curve.name.split('-')[0]}", c) for c in own(folder)]
    return cases


def score(sd: np.ndarray, error: np.ndarray) -> np.ndarray:
    """Return the interval score of log losses, in per cent."""
    beyond = np.maximum(np.abs(error) - Z * sd, 0)
    return 100 * (2 * Z * sd + 2 / (1 - LEVEL) * beyond)


def choose(rows: list[Miss]) -> tuple[float, float]:
    """Return the floor and the share of the least score among those that hold the level."""
    error = np.array([r.error for r in rows])
    owed = np.array([r.owed for r in rows])
    seen = np.array([r.seen for r in rows])
    best, least = (FLOORS[-1], SHARES[-1]), np.inf
    for floor, share in product(FLOORS, SHARES):
        sd = np.hypot(floor, share * owed)
        inside = np.abs(error) <= Z * sd
        if min(inside[seen == share_seen].mean() for share_seen in SEEN) >= LEVEL:
            mean = float(score(sd, error).mean())
            best, least = ((floor, share), mean) if mean < least else (best, least)
    return best


def line(name: str, rows: list[Miss], sd: np.ndarray) -> str:
    error = np.array([r.error for r in rows])
    inside = np.abs(error) <= Z * sd
    return (
        f"{name:26s} n {len(rows):4d}  median error {100 * np.median(np.abs(error)):5.2f} %  "
        f"held {inside.mean():4.0%}  width {200 * Z * np.median(sd):5.2f} %  "
        f"score {score(sd, error).mean():5.2f}"
    )


def main(folder: Path | None, kept: Path | None) -> None:
    if kept is not None and kept.exists():
        rows = [Miss(**r) for r in json.loads(kept.read_text())]
    else:
        rows = list(misses(families(folder)))
        if kept is not None:
            kept.write_text(json.dumps([asdict(r) for r in rows]))
    names = list(dict.fromkeys(r.family for r in rows))
    left_out: dict[int, float] = {}
    for name in names:
        floor, share = choose([r for r in rows if r.family != name])
        part = [(i, r) for i, r in enumerate(rows) if r.family == name]
        sd = np.hypot(floor, share * np.array([r.owed for _, r in part]))
        left_out |= {i: float(s) for (i, _), s in zip(part, sd, strict=True)}
        print(line(f"{name} ({floor}, {share})", [r for _, r in part], sd))
    for title, sds in (
        ("left out", np.array([left_out[i] for i in range(len(rows))])),
        ("as it stands", np.array([r.sd for r in rows])),
    ):
        print(f"\n{title}")
        for seen in SEEN:
            place = [i for i, r in enumerate(rows) if r.seen == seen]
            print(line(f"seen {seen:.0%}", [rows[i] for i in place], sds[place]))
        print(line("all", rows, sds))
    print("\nchosen on all:", choose(rows))


if __name__ == "__main__":
    places = [Path(p) for p in sys.argv[1:]]
    main(places[0] if places else None, places[1] if len(places) > 1 else None)
