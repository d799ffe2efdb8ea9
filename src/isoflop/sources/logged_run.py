"""A run as its log tells it: its steps, tokens, rate and losses, and what it says of itself."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.arrays import Integers, Numbers
from isoflop.errors import BadRuns, Note, UnknownName, UsageError, amount, suggest
from isoflop.quantities import parse
from isoflop.sources.training_logs.log import History, Log, Series
from isoflop.sources.training_logs.pretraining import LossField, RunFields, plain, run_fields
from isoflop.sources.training_logs.run_facts import RunFact, RunFacts, run_facts
from isoflop.sources.training_logs.timeline import Timeline, timeline

OPTIONS = {
    "N": "parameters of the models, where the log does not say them",
    "batch": "tokens of an optimiser step, where the log does not say them",
    "length": "tokens of a sequence, where the log counts sequences",
    "restarts": "join, or refuse, a run whose steps go back",
}
FEWEST = 3  # losses by which two copies of a run are told to be one
SETTINGS = ("N", "D", "batch", "C", "lr", "V")  # that --columns may name among settings
SYMBOLS = ("step", "steps", "tokens", "samples", "loss", "L", *SETTINGS)


@dataclass(frozen=True, eq=False)
class LoggedRun:
    """A run on its m steps; `tokens` and `rate` (m,) are NaN where nothing says them.

    `tokens_from` and `rate_from` say what they were taken from.
    """

    log: Log
    fields: RunFields
    facts: RunFacts
    time: Timeline
    tokens: Numbers
    tokens_from: str
    rate: Numbers
    rate_from: str

    @property
    def steps(self) -> Numbers:
        """The steps (m,), which rise."""
        return self.time.steps

    @property
    def losses(self) -> tuple[LossField, ...]:
        """The fields of losses that hold a number after restarts, the best first."""
        return tuple(f for f in self.fields.losses if np.isfinite(self.time.columns[f.name]).any())

    @property
    def fingerprint(self) -> str:
        """What two copies of a run share, whatever wrote them; empty where it says too little."""
        if not self.losses:
            return ""
        name = min((f for f in self.losses), key=lambda f: (f.held_out, f.rank)).name
        values = self.time.columns[name]
        has = np.isfinite(values)
        if has.sum() < FEWEST:
            return ""
        content = self.steps[has].tobytes() + values[has].astype(np.float32).tobytes()
        return hashlib.sha256(content).hexdigest()


def check_settings(settings: Mapping[str, str], kind: str) -> None:
    """Refuse settings that are not known, or no numbers.

    Raises UsageError.
    """
    for name, text in settings.items():
        if name not in OPTIONS:
            raise UsageError(f"--set knows no {name!r} of --as {kind}; {suggest(name, OPTIONS)}")
        if name == "restarts":
            if text not in ("join", "refuse"):
                raise UsageError(f"--set restarts is {text!r}; it is join or refuse")
        else:
            parse(text, f"--set {name}")


def logged_runs(
    logs: Sequence[Log], columns: Mapping[str, str], settings: Mapping[str, str]
) -> tuple[list[LoggedRun], list[Note]]:
    """Return the runs of logs, each once and under a name of its own, and what was done for it.

    `columns` names fields or settings by symbol, `settings` are of OPTIONS.
    Raises BadRuns where no run says a step and a loss, or a restart is to be refused.
    """
    _refuse_unknown(logs, columns)
    notes: list[Note] = []
    runs: list[LoggedRun] = []
    unread: list[str] = []
    for log in _parts_joined(logs, notes):
        run = _on_steps(log, columns, settings)
        if run is None:
            unread.append(log.run)
            continue
        runs.append(run)
    if not runs:
        raise BadRuns(_nothing(logs))
    if unread:
        names = ", ".join(unread[:5]) + (", ..." if len(unread) > 5 else "")
        text = f"{amount(len(unread), 'run says', 'runs say')} no loss and no step: {names}"
        notes.append(Note("doubt", "empty", f"{text}; they are left out"))
    runs = _once(runs, notes)
    for run in runs:
        notes += [*run.log.notes, *run.time.notes]
    if settings.get("restarts") == "refuse":
        _refuse_restarts(notes)
    return _named_apart(runs, notes), list(dict.fromkeys(notes))


def _refuse_unknown(logs: Sequence[Log], columns: Mapping[str, str]) -> None:
    """Refuse symbols that runs do not have, and fields that no run has."""
    for symbol, name in columns.items():
        if symbol not in SYMBOLS:
            raise UnknownName("quantity of a run", symbol, SYMBOLS)
        if not any(name in log.history.series or name in log.settings for log in logs):
            names = sorted({n for log in logs for n in (*log.history.names, *log.settings)})
            raise UnknownName(f"field of {logs[0].origin}", name, names)


def _on_steps(
    log: Log, columns: Mapping[str, str], settings: Mapping[str, str]
) -> LoggedRun | None:
    chosen = {k: v for k, v in columns.items() if v in log.history.series}
    if "L" in columns and "L" not in chosen:
        return None
    setting_names = {k: v for k, v in columns.items() if k in SETTINGS and v in log.settings}
    fields = run_fields(log.history, chosen)
    step = fields.by_quantity.get("step")
    if not fields.losses or (step is None and len(log.history) > 1):
        return None
    facts = _stated(run_facts(log.settings, setting_names), settings)
    time = timeline(log, step, fields.names) if step else _single(log, fields)
    if not time.steps.size:
        return None
    if step and step not in time.columns:
        time = dataclasses.replace(time, columns={**time.columns, step: time.steps})
    tokens, tokens_from = _tokens(time, fields, facts)
    name = fields.by_quantity.get("lr", "")
    rate = time.columns[name] if name else np.full(time.steps.size, np.nan)
    return LoggedRun(
        log=log,
        fields=fields,
        facts=facts,
        time=time,
        tokens=tokens,
        tokens_from=tokens_from,
        rate=rate,
        rate_from=name,
    )


def _single(log: Log, fields: RunFields) -> Timeline:
    """Return the only record of a run that says no step."""
    columns = {name: log.history.column(name) for name in fields.names}
    return Timeline(np.full(len(log.history), np.nan), log.history.lines, columns, ())


def _stated(facts: RunFacts, settings: Mapping[str, str]) -> RunFacts:
    """Return what a run states, and what the user says in its place."""
    for name in ("N", "batch", "length"):
        if name in settings:
            what = f"--set {name}"
            changes: dict[str, Any] = {name: RunFact(parse(settings[name], what), what)}
            facts = dataclasses.replace(facts, **changes)
    return facts


def _tokens(time: Timeline, fields: RunFields, facts: RunFacts) -> tuple[Numbers, str]:
    """Return the tokens seen at each step (m,), and what says so."""
    if name := fields.by_quantity.get("tokens"):
        return _filled(time.steps, time.columns[name]), name
    name = fields.by_quantity.get("samples")
    if name and facts.length:
        samples = _filled(time.steps, time.columns[name])
        return samples * facts.length.value, f"{name} x {facts.length.source}"
    if facts.batch and facts.batch.source.startswith("--set"):
        return time.steps * facts.batch.value, f"steps x {facts.batch.source}"
    name = fields.by_quantity.get("batch")
    if name and plain(name) == "global_batch_size" and facts.length:
        sequences = time.columns[name]
        last = sequences[np.isfinite(sequences)]
        if last.size and np.ptp(last) == 0:
            source = f"steps x {name} x {facts.length.source}"
            return time.steps * float(last[-1]) * facts.length.value, source
    if facts.batch:
        return time.steps * facts.batch.value, f"steps x {facts.batch.source}"
    return np.full(time.steps.size, np.nan), ""


def _filled(steps: Numbers, values: Numbers) -> Numbers:
    """Return counts (m,) at every step, on lines between those that are there."""
    has = np.isfinite(values)
    if has.all() or has.sum() < 2 or not np.isfinite(steps).all():
        return values
    inside = (steps >= steps[has][0]) & (steps <= steps[has][-1])
    return np.where(inside, np.interp(steps, steps[has], values[has]), np.nan)


def _parts_joined(logs: Sequence[Log], notes: list[Note]) -> list[Log]:
    """Return logs with the parts of one run, which its tracker knows by one key, as one."""
    by_key: dict[tuple[str, str], list[Log]] = {}
    for i, log in enumerate(logs):
        by_key.setdefault((log.program, log.key or f"#{i}"), []).append(log)
    joined = []
    for parts in by_key.values():
        distinct = list({part.history.digest: part for part in parts}.values())
        if len(distinct) < len(parts):
            notes.append(_copies(parts[0].run, len(parts) - len(distinct), parts[0].origin))
        distinct.sort(key=lambda part: part.start)
        joined.append(distinct[0] if len(distinct) == 1 else _concatenated(distinct, notes))
    return joined


def _concatenated(parts: Sequence[Log], notes: list[Note]) -> Log:
    text = f"{parts[0].run}: {len(parts)} parts of one run ({parts[0].key}) are joined"
    notes.append(Note("info", "joined", text))
    offsets = np.cumsum([0, *(len(part.history) for part in parts)])
    names = dict.fromkeys(name for part in parts for name in part.history.names)
    series = {name: _stacked(parts, offsets, name) for name in names}
    lines = np.concatenate([part.history.lines for part in parts])
    settings = {k: v for part in parts for k, v in part.settings.items()}
    return dataclasses.replace(
        parts[-1],
        history=History(series, lines),
        settings=settings,
        origin=parts[0].origin,
        notes=tuple(note for part in parts for note in part.notes),
    )


def _stacked(parts: Sequence[Log], offsets: Integers, name: str) -> Series:
    column = [
        (part.history.series[name], int(offset))
        for part, offset in zip(parts, offsets[:-1], strict=True)
        if name in part.history.series
    ]
    rows = np.concatenate([s.rows + offset for s, offset in column])
    return Series(rows, np.concatenate([s.values for s, _ in column]))


def _copies(run: str, count: int, origin: str) -> Note:
    copies = amount(count, "copy", "copies")
    return Note("info", "copies", f"{run}: {copies} of it in {origin} count once")


def _once(runs: Iterable[LoggedRun], notes: list[Note]) -> list[LoggedRun]:
    """Return runs without copies: two with the same losses at the same steps are one."""
    by_print: dict[str, LoggedRun] = {}
    for i, run in enumerate(runs):
        mark = run.fingerprint or f"#{i}"
        if mark not in by_print:
            by_print[mark] = run
            continue
        first = by_print[mark]
        text = (
            f"{run.log.run} in {run.log.origin} has the losses of {first.log.run} in "
            f"{first.log.origin}, step by step: it is one run, imported once"
        )
        notes.append(Note("doubt", "copies", text))
        if len(run.log.settings) > len(first.log.settings):
            by_print[mark] = run
    return list(by_print.values())


def _named_apart(runs: Sequence[LoggedRun], notes: list[Note]) -> list[LoggedRun]:
    """Return runs under names of their own: of two of one name each takes what tells it apart."""
    counts: dict[str, int] = {}
    for run in runs:
        counts[run.log.run] = counts.get(run.log.run, 0) + 1
    named: list[LoggedRun] = []
    taken: set[str] = set()
    for run in runs:
        name = run.log.run
        if counts[name] > 1:
            name = f"{name} ({run.log.key or run.log.origin})"
        number = 2
        while name in taken:
            name, number = f"{run.log.run} ({number})", number + 1
        taken.add(name)
        log = dataclasses.replace(run.log, run=name)
        named.append(run if name == run.log.run else dataclasses.replace(run, log=log))
    for name, count in counts.items():
        if count > 1:
            text = (
                f"{count} runs are called {name!r} and differ; they are told apart by what stands "
                "behind the name. Parts of one run belong into one file"
            )
            notes.append(Note("doubt", "names", text))
    return named


def _refuse_restarts(notes: Iterable[Note]) -> None:
    for note in notes:
        if note.topic == "restart":
            raise BadRuns(f"{note.text}; --set restarts=join takes the later ones")


def _nothing(logs: Sequence[Log]) -> str:
    """Return why no run can be used, with the fields that there are."""
    names = sorted({name for log in logs for name in (*log.history.names, *log.history.unwanted)})
    listing = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return (
        f"{logs[0].origin}: no run says a step and a loss that are known by name; name them: "
        f"--columns step=FIELD,L=FIELD (there is {listing})"
    )
