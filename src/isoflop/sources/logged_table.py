"""Tables that logs become: curves, a row a step, and final runs, a row a run."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Integers, Numbers
from isoflop.errors import Note, amount
from isoflop.runs import saving
from isoflop.sources.cells import CellTable
from isoflop.sources.logged_run import LoggedRun
from isoflop.sources.training_logs.pretraining import LossField

MOST_SHOWN = 6
GOOD_ENDS = ("", "finished", "completed", "done")
LONG = 30  # losses of held-out text that make a curve; fewer leave it to those of training


@dataclass(frozen=True, eq=False)
class LoggedTable:
    """Numbers (n,) and texts (n,) by name, how they are counted, and what was done to get them."""

    columns: Mapping[str, Numbers]
    labels: Mapping[str, Sequence[str]]
    conventions: Mapping[str, str]
    origin: str
    rows: Integers
    notes: tuple[Note, ...]

    def __len__(self) -> int:
        return int(self.rows.size)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the table as .csv, .tsv, .jsonl, .ndjson or .parquet.

        Raises UsageError for another extension, EnvironmentFailure if the disk fails.
        """
        labels = {name: np.array(texts) for name, texts in self.labels.items()}
        saving.save(self.columns, labels, self.conventions, path)

    @property
    def cells(self) -> CellTable:
        """The table as a source of runs that is not understood yet."""
        columns = {**self.columns, **{k: list(v) for k, v in self.labels.items()}}
        return CellTable(self.origin, columns, self.rows, self.conventions, self.notes)


def curve_table(runs: Sequence[LoggedRun], origin: str) -> LoggedTable:
    """Return the curves of runs: step, tokens, lr, loss, and every loss under its own name."""
    losses = {f.name: f for run in runs for f in run.losses}
    notes = [n for run in runs if (n := _loss_note(run, _curve_loss(run))) is not None]
    columns: dict[str, list[Numbers]] = {}
    for run in runs:
        curve = {"step": run.steps, "tokens": run.tokens, "lr": run.rate}
        curve["loss"] = _in_nats(run.time.columns[_curve_loss(run).name], _curve_loss(run))
        absent = np.full(run.steps.size, np.nan)
        curve |= {name: run.time.columns.get(name, absent) for name in losses if name not in curve}
        for name, values in curve.items():
            columns.setdefault(name, []).append(values)
    merged = {name: np.concatenate(parts) for name, parts in columns.items()}
    merged = {k: v for k, v in merged.items() if k in ("step", "loss") or np.isfinite(v).any()}
    notes += _missing(runs, merged)
    labels = {"run": [run.log.run for run in runs for _ in range(run.steps.size)]}
    rows = np.concatenate([run.time.lines for run in runs])
    return LoggedTable(merged, labels, {}, origin, rows, tuple(notes))


def _curve_loss(run: LoggedRun) -> LossField:
    """Return the loss of a curve: held out where it was measured often, else of training."""
    for field in run.losses:
        if not field.held_out or np.isfinite(run.time.columns[field.name]).sum() >= LONG:
            return field
    return run.losses[0]


def _loss_note(run: LoggedRun, field: LossField) -> Note | None:
    if len(run.losses) == 1 and field.unit == "nats/token":
        return None
    others = [f.name for f in run.losses if f.name != field.name][:MOST_SHOWN]
    unit = {"perplexity": ", the log of it", "bits/byte": ", in bits/byte"}.get(field.unit, "")
    others_ = f"; beside it {', '.join(others)}; --columns L=FIELD takes another" if others else ""
    return Note("info", "loss", f"{run.log.run}: the loss is {field.name}{unit}{others_}")


def _missing(runs: Sequence[LoggedRun], columns: Mapping[str, Numbers]) -> list[Note]:
    notes = [_rates_note(runs)] if any(run.rate_from for run in runs) else []
    if "tokens" not in columns:
        text = (
            "nothing says the tokens of a step; --set batch=TOKENS says them, or --set length= "
            "where the log counts sequences"
        )
        notes.append(Note("doubt", "tokens", text))
    else:
        sources = Counter(run.tokens_from or "not said" for run in runs)
        notes.append(Note("info", "tokens", f"tokens are {counted(sources, len(runs))}"))
    if "lr" not in columns:
        notes.append(
            Note("info", "lr", "no field is a learning rate; --columns lr=FIELD names one")
        )
    return notes


def _rates_note(runs: Sequence[LoggedRun]) -> Note:
    if any(run.rate_from.rsplit("/", 1)[-1] == "lrm" for run in runs):
        text = "lr is lrm, the rate as a share of its peak, which nanochat logs in its place"
        return Note("doubt", "lr", text)
    sources = Counter(run.rate_from or "not said" for run in runs)
    return Note("info", "lr", f"lr is {counted(sources, len(runs))}")


def counted(sources: Mapping[str, int], total: int) -> str:
    """Return sources in words, with how many runs have each where they differ."""
    if len(sources) == 1:
        return next(iter(sources))
    ordered = sorted(sources.items(), key=lambda pair: -pair[1])
    return "; ".join(f"{name} in {amount(n, 'run', 'runs')}" for name, n in ordered[:MOST_SHOWN])


def _in_nats(values: Numbers, field: LossField) -> Numbers:
    """Return a loss as it is, but a perplexity as its log [nats/token]."""
    if field.unit != "perplexity":
        return values
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(values > 0, np.log(values), np.nan)
