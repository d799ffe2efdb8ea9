"""Runs of reinforcement learning from the logs of TRL, verl, OpenRLHF and prime-rl."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import BadRuns, Note, UsageError, suggest
from isoflop.quantities import QUANTITIES
from isoflop.runs import Runs
from isoflop.sources.importers import Imported, Watch, importer, silent
from isoflop.sources.training_logs import Fields, Joined, Log, find_fields, joined, read_logs

PER_STEP = ("C", "hours", "rollouts")
HELD = ("R", "truncated", "unvaried", "entropy", "rollouts", "hours", "C", "group")
OPTIONS = {
    "C-per-step": "FLOP of one optimiser step, generation and training",
    "hours-per-step": "GPU-hours of one optimiser step",
    "rollouts-per-step": "responses generated for one optimiser step",
    "gpus": "how many GPUs: turns the seconds per step of the log into GPU-hours",
    "reward": "evaluation, or training to take the reward of training for want of another",
    "start": "reward before training, where the log holds no evaluation at step 0",
    "restarts": "join, or refuse, a run whose steps go back",
    "recipe": "log (as RECIPE=LOG says), or run: every run is a recipe of its own",
}

SUMMARY = (
    "run",
    "recipe",
    "rows",
    "evaluations",
    "last step",
    "compute",
    "R_0",
    "last R",
    "R read from",
)
CHOICES = {  # of the options that are words, the default first
    "reward": ("evaluation", "training"),
    "restarts": ("join", "refuse"),
    "recipe": ("log", "run"),
}


@dataclass(frozen=True)
class Settings:
    """What a user says of logs: the price of a step, the reward to take, how to join restarts.

    `apart` makes every run a recipe of its own.
    """

    per_step: Mapping[str, float]
    gpus: float | None
    training: bool
    start: float | None
    restarts: str
    apart: bool


@importer("rl", "reward curves: logs of TRL, verl, OpenRLHF, prime-rl, W&B and trackio", OPTIONS)
def read(
    logs: Sequence[str],
    columns: Mapping[str, str],
    settings: Mapping[str, str],
    watch: Watch = silent,
) -> Imported:
    """Return the runs of logs: steps, reward R, alarm columns, and compute as far as it is known.

    Raises BadRuns for a log without evaluations, or one run in two logs.
    """
    options = _settings(settings)
    parts: list[Runs] = []
    notes: list[Note] = []
    rows: list[tuple[str | float | int | None, ...]] = []
    for log in _read(logs, watch):
        if any(log.run == part.labels["run"][0] for part in parts):
            raise BadRuns(
                f"run {log.run} comes twice, the second time from {log.origin}; parts of one run "
                "belong into one file, and other runs under another name"
            )
        fields = find_fields(
            dict.fromkeys(k for r in log.records for k in r), columns, log.origin, options.training
        )
        history = joined(log, fields.by_symbol["steps"], options.restarts)
        runs, more = _runs(log, fields, history, options)
        parts.append(runs)
        notes += [*log.notes, *history.notes, *more]
        rows.append(_summary(runs, fields.by_symbol["R"]))
    table = _together(parts, notes)
    if len(parts) > 1 and "family" not in table.labels:
        notes.append(
            Note(
                "info",
                "recipe",
                f"{len(parts)} runs without a recipe count as repeats of one; tell recipes apart "
                f"by "
                "RECIPE=LOG, or runs of one log by --set recipe=run",
            )
        )
    return Imported(table, SUMMARY, tuple(rows), tuple(notes))


def _read(logs: Sequence[str], watch: Watch) -> list[Log]:
    """Return the runs of all logs; `watch` is told how many logs are read."""
    records: list[Log] = []
    for i, text in enumerate(logs, 1):
        records += read_logs(text)
        watch(i, len(logs))
    return records


def _summary(runs: Runs, field: str) -> tuple[str | float | int | None, ...]:
    """Return what was found of a run, as SUMMARY names it; R was read from `field`."""
    has = np.isfinite(runs["R"])
    return (
        str(runs.labels["run"][0]),
        str(runs.labels["family"][0]) if "family" in runs.labels else None,
        len(runs),
        int(has.sum()),
        float(runs["steps"].max()),
        ", ".join(s for s in PER_STEP if s in runs) or None,
        float(runs["start"][0]) if "start" in runs else None,
        float(runs["R"][has][-1]),
        field,
    )


def _settings(settings: Mapping[str, str]) -> Settings:
    for name in settings:
        if name not in OPTIONS:
            raise UsageError(f"--set knows no {name!r} of --as rl; {suggest(name, OPTIONS)}")
    for name, choices in CHOICES.items():
        if settings.get(name, choices[0]) not in choices:
            raise UsageError(f"--set {name} is {settings[name]!r}; it is {' or '.join(choices)}")
    prices = {s: _number(settings, f"{s}-per-step") for s in PER_STEP}
    return Settings(
        {s: v for s, v in prices.items() if v is not None},
        _number(settings, "gpus"),
        settings.get("reward") == "training",
        _number(settings, "start", least=None),
        settings.get("restarts", "join"),
        settings.get("recipe") == "run",
    )


def _number(settings: Mapping[str, str], name: str, least: float | None = 0.0) -> float | None:
    if name not in settings:
        return None
    try:
        value = float(settings[name])
    except ValueError:
        value = float("nan")
    if not np.isfinite(value) or (least is not None and value <= least):
        raise UsageError(f"--set {name} is {settings[name]!r}; it must be a number above zero")
    return value


def _runs(log: Log, fields: Fields, history: Joined, options: Settings) -> tuple[Runs, list[Note]]:
    """Return the rows of one run after step 0, and what was noticed."""
    steps = np.array(history.steps)
    columns = {
        s: np.array([fields.value(s, r) for r in history.records])
        for s in HELD
        if s in fields.by_symbol
    }
    after, has = steps > 0, np.isfinite(columns["R"])
    if not (after & has).any():
        name = fields.by_symbol["R"]
        raise BadRuns(f"{log.origin}: run {log.run} holds no number {name!r} after step 0")
    columns |= _compute(log, fields, history, steps, options, set(columns))
    before = columns["R"][~after & has]
    start = (
        options.start if options.start is not None else float(before[-1]) if before.size else None
    )
    notes = []
    if start is None:
        notes.append(
            Note(
                "info",
                "start",
                f"{log.run}: R_0 is not known: no evaluation at step 0, and no --set start=",
            )
        )
    if fields.trained_on:
        notes.append(
            Note(
                "info",
                "trained-on",
                f"{log.run}: R is the reward of training, on problems that are trained on",
            )
        )
    count = int(after.sum())
    selection = {"steps": steps[after], **{s: v[after] for s, v in columns.items()}}
    selection |= {} if start is None else {"start": np.full(count, start)}
    labels = {"run": np.full(count, log.run)}
    recipe = log.run if options.apart else log.recipe
    labels |= {"family": np.full(count, recipe)} if recipe else {}
    rows = np.array(history.lines, dtype=np.int64)[after]
    return Runs(selection, labels, origin=log.origin, rows=rows), notes


def _compute(
    log: Log, fields: Fields, history: Joined, steps: Numbers, options: Settings, symbols: set[str]
) -> dict[str, Numbers]:
    """Return the compute (n,) that the user's prices make of steps."""
    for symbol in options.per_step:
        if symbol in symbols:
            raise UsageError(
                f"{log.origin} holds {symbol} itself, and --set {symbol}-per-step says it again: "
                "two units for one compute; leave one out"
            )
    compute = {symbol: steps * price for symbol, price in options.per_step.items()}
    if options.gpus is not None and "hours" not in compute and "hours" not in symbols:
        compute["hours"] = _hours(log, fields, history, steps, options.gpus)
    return compute


def _hours(log: Log, fields: Fields, history: Joined, steps: Numbers, gpus: float) -> Numbers:
    """Return the GPU-hours so far: seconds of a step times the steps since the record before."""
    if fields.seconds is None:
        raise UsageError(f"{log.origin} says no seconds per step; say --set hours-per-step=")
    seconds = np.array([float(r.get(fields.seconds, np.nan)) for r in history.records])
    mask = np.isfinite(seconds)
    if not mask.any():
        raise UsageError(f"{log.origin}: {fields.seconds!r} holds no number; --set hours-per-step=")
    durations = np.interp(np.arange(seconds.size), np.flatnonzero(mask), seconds[mask])
    taken = np.diff(steps, prepend=0.0)
    return np.asarray(np.cumsum(durations * taken) * gpus / 3600)


def _together(parts: Sequence[Runs], notes: list[Note]) -> Runs:
    """Return all runs as one table, of the columns of compute that all of them have."""
    shared = set.intersection(*(set(p.columns) for p in parts))
    partly = [s for s in PER_STEP if any(s in p for p in parts) and s not in shared]
    if partly:
        have = [str(p.labels["run"][0]) for p in parts if partly[0] in p]
        raise BadRuns(
            f"mixed units: {', '.join(have[:3])} say their {partly[0]} "
            f"[{QUANTITIES[partly[0]].unit}] and the other runs do not; say --set "
            f"{partly[0]}-per-step=, or import them apart"
        )
    whole = parts[0]
    for part in parts[1:]:
        whole = whole + part
    notes += [n for n in whole.notes if n not in notes]
    return whole
