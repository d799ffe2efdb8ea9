"""Advice on every run of a log: go on or stop, and what looks wrong in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from isoflop.assess.reward.logs import RewardLogs
from isoflop.monitor.advice import ALPHA, StopAdvice, advise
from isoflop.monitor.alarms import Alarm, alarms
from isoflop.report.display import Displayed
from isoflop.runs import Runs


@dataclass(frozen=True, eq=False)
class RunAdvice(Displayed):
    """One run: its evaluations, the advice, and the alarms of all of its rows."""

    run: Runs
    advice: StopAdvice
    alarms: tuple[Alarm, ...]


@dataclass(frozen=True, eq=False)
class Advice(Displayed):
    """What to do with each run of a log, with intervals at `level`."""

    logs: RewardLogs
    by_run: Mapping[str, RunAdvice]
    level: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is wanted of a run: a reward, within a budget, both in the unit of the log.

    `step` is the compute whose gain is asked, a tenth of the budget unless given; `alpha` the most
    false stops per run.
    """

    target: float
    budget: float
    step: float | None = None
    alpha: float = ALPHA


def advise_runs(
    logs: RewardLogs,
    goal: Goal,
    *,
    rows: Runs | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> Advice:
    """Return advice on every run of the logs; see `advise`.

    `rows` are all rows of the log, those without an evaluation too, which alarms are raised from.

    Raises UsageError for a target outside of the range of rewards, and what `advise` raises.
    """
    share = logs.share(goal.target, "--target")
    by_run = {}
    for name, recipe, run in logs.by_run:
        advice = advise(
            run,
            logs.over,
            target=share,
            budget=goal.budget,
            start=logs.starts[recipe],
            step=goal.step,
            alpha=goal.alpha,
            level=level,
            seed=seed,
        )
        mine = run if rows is None else _of_run(rows, name)
        by_run[name] = RunAdvice(run, advice, alarms(mine, logs.over))
    return Advice(logs, by_run, level)


def _of_run(rows: Runs, name: str) -> Runs:
    return rows.select(rows.labels["run"] == name) if "run" in rows.labels else rows
