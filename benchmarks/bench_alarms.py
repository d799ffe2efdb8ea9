"""False alarms on healthy runs, and how soon spoilt ones are caught: the tables of docs/watch.md.

`python benchmarks/bench_alarms.py [FOLDER] [RUNS]` looks at each run after every one of its
evaluations, as `isoflop watch` would, and counts a run as alarmed if any look was. Healthy are RUNS
(200) simulated runs, the curves of Luo et al. 2025 (ISOFLOP_DATA) and those that `live_runs.py`
trains into FOLDER; spoilt are its others. The rate of the log is kept from the watch in a second
look at the spoilt runs whose rate is off, so that the loss alone must tell.
"""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from bench_watch import own_curve
from live_runs import BEGINS, FROM_THE_START, WARMUP, LiveRun, healthy, spoilt

from isoflop.monitor import live
from isoflop.schedules import LossCurve, Schedule, read_curves

REPEATS = 5  # of each recipe, which the levels are compared with
TEXT = "wsd:peak=6e-3,end=6e-4,steps=400,warmup=60,decay=80"


def first_alert(records: Iterable[Mapping], plan: live.RunPlan) -> tuple[str, float] | None:
    """Return the name of the first alert of a run, and the step of the look that raised it."""
    watcher = live.Watcher(plan)
    for record in records:
        watcher.take(record)
        if not watcher.has_loss(record):
            continue
        look = watcher.look(forecast_too=False)
        for alert in look.alerts:
            if alert.severity == "alert":
                return alert.name, look.step
    return None


def simulated(seed: int, schedule: Schedule, every: int = 8) -> list[dict]:
    """Return a healthy run: its seed shifts it, its evaluations wander, single batches spike.

    The wander is AR(1) of .5 to .95 with innovations of Student's t (4), the shift has an sd of
    .5 %, and one batch of training in two hundred loses 5 to 30 % more.
    """
    rng = np.random.default_rng(seed)
    memory, shift = rng.uniform(0.5, 0.95), 0.005 * rng.standard_normal()
    size, wander = rng.uniform(0.001, 0.003), 0.0
    area = np.cumsum(schedule.rates) / schedule.peak
    falls = 1 - schedule.rates / schedule.peak
    records = []
    for step in range(1, schedule.steps + 1):
        plain = 1.6 + 3.2 * max(area[step], 1) ** -0.35 - 0.12 * falls[step] * (step > 60)
        spike = rng.uniform(0.05, 0.3) if rng.random() < 0.005 else 0.0
        noisy = plain * np.exp(shift + 0.02 * rng.standard_normal() + spike)
        record = {"step": step, "lr": schedule.rates[step], "loss": noisy}
        if step % every == 0:
            wander = memory * wander + size * rng.standard_t(4) / 2**0.5
            record["eval_loss"] = plain * np.exp(shift + wander)
        records.append(record)
    return records


def curve_of(records: list[dict], schedule: Schedule) -> LossCurve:
    points = [(r["step"], r["eval_loss"]) for r in records if "eval_loss" in r]
    step, loss = (np.array(v) for v in zip(*points, strict=True))
    late = step > schedule.warmup
    return LossCurve("repeat", schedule, step[late], loss[late])


def count(title: str, alarms: list[tuple[str, float] | None]) -> None:
    """Print how many runs were alarmed, by what, and the rate with its interval."""
    from scipy.stats import beta

    bad, n = sum(a is not None for a in alarms), len(alarms)
    high = beta.ppf(0.95, bad + 1, n - bad) if bad < n else 1.0
    names = dict(Counter(a[0] for a in alarms if a is not None))
    print(f"{title:34s} {bad:3d} of {n:3d} alarmed: {bad / n:5.1%} (95 % below {high:.1%}) {names}")


def of_simulated(runs: int) -> Iterator[tuple[str, float] | None]:
    schedule = live.planned_schedule(TEXT)
    for i in range(runs):
        seeds = range(10_000 + REPEATS * i, 10_000 + REPEATS * (i + 1))
        repeats = tuple(curve_of(simulated(s, schedule), schedule) for s in seeds)
        yield first_alert(simulated(i, schedule), live.RunPlan(schedule, replicates=repeats))


def of_public(folder: Path) -> Iterator[tuple[str, float] | None]:
    for path in sorted(folder.glob("*/*.csv")):
        for curve in read_curves(path, warmup=2160):
            rates = curve.schedule.rates
            pairs = zip(curve.steps.tolist(), curve.loss.tolist(), strict=True)
            records = ({"step": s, "lr": rates[s], "eval_loss": v} for s, v in pairs)
            yield first_alert(records, live.RunPlan(curve.schedule))


def records_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def repeats_of(run: LiveRun, folder: Path) -> tuple[LossCurve, ...]:
    """Return the healthy runs of the same recipe under other seeds."""
    same = [
        r for r in healthy()
        if (r.width, r.steps, r.schedule) == (run.width, run.steps, run.schedule) and r != run
    ]  # fmt: skip
    return tuple(own_curve(r, folder / f"{r.name}.jsonl") for r in same)


def of_own(folder: Path) -> Iterator[tuple[str, float] | None]:
    for run in healthy():
        plan = live.RunPlan(Schedule(run.name, run.rates, WARMUP), None, repeats_of(run, folder))
        yield first_alert(records_of(folder / f"{run.name}.jsonl"), plan)


def caught(folder: Path) -> None:
    """Print the first alert of each spoilt run, and how long after the fault it came."""
    print(f"\n{'spoilt run':40s} fault from  first alert  delay  by")
    for run in spoilt():
        plan = live.RunPlan(Schedule(run.name, run.rates, WARMUP), None, repeats_of(run, folder))
        records = records_of(folder / f"{run.name}.jsonl")
        begin = 0 if run.fault in FROM_THE_START else int(BEGINS * run.steps)
        looks = [("", records)]
        if run.fault in FROM_THE_START:
            hidden = [{k: v for k, v in r.items() if k != "lr"} for r in records]
            looks.append((", rate not logged", hidden))
        for title, rows in looks:
            alert = first_alert(rows, plan)
            name, at = alert if alert is not None else ("never", np.nan)
            label = f"{run.fault}, {run.schedule}{title}"
            print(f"{label:40s} {begin:10d} {at:12.0f} {at - begin:6.0f}  {name}")


def main(folder: Path | None, runs: int) -> None:
    if runs:
        count("simulated", list(of_simulated(runs)))
    data = Path(os.environ.get("ISOFLOP_DATA", ".")) / "loss_curves_luo2025"
    if data.exists():
        count("Luo et al.", list(of_public(data)))
    if folder is not None:
        count("isoflop's own", list(of_own(folder)))
        caught(folder)


if __name__ == "__main__":
    texts = sys.argv[1:]
    numbers = [int(t) for t in texts if t.isdigit()]
    folders = [Path(t) for t in texts if not t.isdigit()]
    main(folders[0] if folders else None, numbers[0] if numbers else 200)
