"""What a run is held against: its schedule, runs made before, repeats, a forecast, a target."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from isoflop.errors import BadRuns, UsageError
from isoflop.monitor.live.names import LossNames
from isoflop.monitor.register import SealedForecast
from isoflop.schedules import EarlierRuns, LossCurve, Schedule, read_curves, recipe
from isoflop.schedules.curves import FEWEST, read_rates
from isoflop.schedules.rates import KINDS
from isoflop.sources.training_logs import read_logs


@dataclass(frozen=True, eq=False)
class RunPlan:
    """What a run under way should do; what is None is not known, and nothing is said of it.

    `expected` is the last loss that a fit or a register forecast, with `expected_sd` [log].
    `target` is the last loss that is wanted.
    """

    schedule: Schedule | None = None
    earlier: EarlierRuns | None = None
    replicates: tuple[LossCurve, ...] = ()
    expected: float | None = None
    expected_sd: float = 0.0
    expected_by: str = ""
    target: float | None = None

    def __post_init__(self) -> None:
        """Refuse a target that no loss can be."""
        if self.target is not None and not (math.isfinite(self.target) and self.target > 0):
            raise UsageError(f"the target is {self.target:g}; a loss lies above zero")

    @staticmethod
    def of(
        schedule: str | None = None,
        *,
        ladder: Sequence[str] = (),
        like: Sequence[str] = (),
        target: float | None = None,
        warmup: int | None = None,
    ) -> RunPlan:
        """Return a plan from text: a schedule (cosine:peak=..., or a table of it), and logs.

        `ladder` are logs of earlier runs, of any size, `like` those of repeats of this very run.
        Raises BadRuns or UsageError for what cannot be read.
        """
        return RunPlan(
            schedule=None if schedule is None else planned_schedule(schedule, warmup),
            earlier=earlier_runs(ladder, warmup),
            replicates=tuple(c for text in like for c in logged_curves(text, warmup)),
            target=target,
        )

    def against(self, forecast: SealedForecast) -> RunPlan:
        """Return the plan with the forecast that a register holds."""
        from statistics import NormalDist

        z = NormalDist().inv_cdf((1 + forecast.level) / 2)
        low, high = max(forecast.low, 1e-9), max(forecast.high, 2e-9)
        return dataclasses.replace(
            self,
            expected=forecast.value,
            expected_sd=math.log(high / low) / (2 * z),
            expected_by=f"{forecast.metric} by {forecast.law}",
        )


def planned_schedule(text: str, warmup: int | None = None) -> Schedule:
    """Return a schedule written as text (cosine:peak=...), or as a table of step and lr."""
    if ":" not in text and text not in KINDS:
        return read_rates(Path(text), warmup=warmup)
    spec = recipe(text)
    if spec.open:
        raise UsageError(f"{text!r} leaves its decay open; say how long the decay of the run is")
    return spec.schedule()


def earlier_runs(sources: Sequence[str], warmup: int | None = None) -> EarlierRuns | None:
    """Return the runs of logs that were made before, those of one loss level as of one model.

    A source is a table or a log of step, lr and a loss, or a folder of them.
    """
    curves = [c for source in sources for c in logged_curves(source, warmup)]
    if not curves:
        return None
    models: list[list[LossCurve]] = []
    for curve in curves:
        home = next((m for m in models if all(_is_one_model(curve, c) for c in m)), None)
        if home is None:
            models.append([curve])
        else:
            home.append(curve)
    return EarlierRuns(tuple(map(tuple, models)))


def logged_curves(source: str, warmup: int | None = None) -> tuple[LossCurve, ...]:
    """Return the curves of a table, of a training log, or of all in a folder, held-out if it may.

    Raises BadRuns for what holds no curve with its rates.
    """
    path = Path(source)
    if path.is_dir() and not any(path.rglob("*tfevents*")):
        files = sorted(p for p in path.iterdir() if p.suffix in (".csv", ".jsonl", ".tsv"))
        if not files:
            raise BadRuns(f"{path} holds no .csv or .jsonl with a curve")
        return tuple(c for file in files for c in logged_curves(str(file), warmup))
    if path.suffix in (".csv", ".tsv", ".parquet"):
        return read_curves(path, warmup=warmup)
    return tuple(_curve(log.run, log.records, str(path), warmup) for log in read_logs(source))


def _curve(run: str, records: Sequence[object], source: str, warmup: int | None) -> LossCurve:
    names = LossNames({})
    rows = [r for r in records if isinstance(r, dict)]
    for record in rows:
        names.learn(record)
    names.refuse(sorted(rows[0]) if rows else [], source)
    part = "eval_loss" if "eval_loss" in names.known else "loss"
    rates = [
        (s, v)
        for r in rows
        if (s := names.value("step", r)) is not None and (v := names.value("lr", r)) is not None
    ]
    losses = [
        (s, v)
        for r in rows
        if (s := names.value("step", r)) is not None
        and (v := names.value(part, r)) is not None
        and math.isfinite(v)
    ]
    if not rates or len(losses) < FEWEST:
        raise BadRuns(
            f"{source} holds {len(losses)} losses and {len(rates)} rates of {run}; an earlier run "
            f"takes {FEWEST} losses and its learning rates"
        )
    schedule = rates_of(run, np.array(rates), warmup)
    step, loss = np.array(losses).T
    mask = (step > schedule.warmup) & (step <= schedule.steps)
    return LossCurve(run, schedule, step[mask].astype(np.int64), loss[mask])


def rates_of(name: str, pairs: np.ndarray, warmup: int | None = None) -> Schedule:
    """Return the schedule of logged rates (n, 2) of step and rate, on lines between them."""
    step, first = np.unique(pairs[:, 0], return_index=True)
    rate = pairs[first, 1]
    every = np.arange(int(step[-1]) + 1)
    rates = np.interp(every, step, rate)
    top = float(rate.max())
    risen = int(step[int(np.argmax(rate >= top * (1 - 1e-6)))])
    end = risen if warmup is None else warmup
    floor = np.where(every > end, np.maximum(rates, 1e-6 * top), rates)
    return Schedule(name, floor, end if end < every[-1] else 0)


def _is_one_model(a: LossCurve, b: LossCurve) -> bool:
    """Say whether two curves may be of one model: alike in loss over what both have seen."""
    from isoflop.errors import ConventionMismatch
    from isoflop.schedules import together

    try:
        together((dataclasses.replace(a, name="a"), dataclasses.replace(b, name="b")))
    except ConventionMismatch:
        return False
    return True
