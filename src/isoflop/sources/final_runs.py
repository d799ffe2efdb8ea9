"""Final runs from logs: a row a run, with N, D and C stated or derived, and its last losses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import Note, amount
from isoflop.sources.logged_run import LoggedRun
from isoflop.sources.logged_table import GOOD_ENDS, MOST_SHOWN, LoggedTable, counted
from isoflop.sources.training_logs.pretraining import LossField

MOST_APART = 0.02  # by which sizes of one vocabulary may differ through padding, as a share
SAME = 1e-6  # by which compute that a run states may differ from 6ND, as a share, and be it
SIX = 6.0  # FLOP per parameter and token


@dataclass(frozen=True)
class _Row:
    """What one run comes to: numbers by symbol, what each is from, its last losses by field."""

    run: LoggedRun
    numbers: Mapping[str, float]
    sources: Mapping[str, str]
    losses: Mapping[str, float]

    def of(self, symbol: str) -> float:
        return self.numbers.get(symbol, np.nan)


@dataclass(frozen=True)
class _Compute:
    """The compute of every run (n,) [FLOP], by which convention, and what is to be said of it."""

    values: Numbers
    convention: str
    note: Note


def final_runs(runs: Sequence[LoggedRun], origin: str, chosen: Mapping[str, str]) -> LoggedTable:
    """Return runs as a table: N, D, C, L, and every loss under its own name.

    L is one field for all runs, the one that `chosen` names or the best of those that most of
    them have: held out before training, nats before bits per byte. D is counted at the step of
    that loss. C is what all runs state, or else 6ND. The notes say what was taken for what.
    """
    field = _common_loss(runs, chosen)
    rows = [_row(run, field) for run in runs]
    sizes, size_notes = _size_convention(rows)
    compute = _compute(rows, sizes)
    columns = {s: _column(rows, s) for s in ("N", "D", "L", "steps", "batch", "lr", "V")}
    columns = {"N": columns.pop("N"), "D": columns.pop("D"), "C": compute.values, **columns}
    names = dict.fromkeys(name for row in rows for name in row.losses)
    for name in (n for n in names if n not in columns):
        columns[name] = np.array([row.losses.get(name, np.nan) for row in rows])
    columns = {k: v for k, v in columns.items() if k == "L" or np.isfinite(v).any()}
    conventions = {"N": sizes, "C": compute.convention}
    conventions["L"] = field.unit if field.unit != "perplexity" else ""
    labels = {
        "run": [row.run.log.run for row in rows],
        "family": [row.run.log.recipe for row in rows],
        "seed": [row.run.facts.seed for row in rows],
        "state": [row.run.log.state for row in rows],
    }
    notes = (
        *_loss_notes(rows, field),
        *size_notes,
        *_token_notes(rows),
        compute.note,
        *_doubts(rows),
    )
    return LoggedTable(
        columns,
        {k: v for k, v in labels.items() if k == "run" or any(v)},
        {k: v for k, v in conventions.items() if v and k in columns},
        origin,
        np.array([int(row.run.time.lines[-1]) for row in rows], np.int64),
        tuple(notes),
    )


def _common_loss(runs: Sequence[LoggedRun], chosen: Mapping[str, str]) -> LossField:
    """Return the loss that is L: of the fields that most runs have, the best by its rank."""
    if "L" in chosen or "loss" in chosen:
        return runs[0].losses[0]
    fields = {f.name: f for run in runs for f in run.losses}
    counts = Counter(f.name for run in runs for f in run.losses)
    return min(fields.values(), key=lambda f: (not f.held_out, -counts[f.name], f.rank))


def _row(run: LoggedRun, field: LossField) -> _Row:
    """Return what a run comes to at the step of its last loss in `field`."""
    values = run.time.columns.get(field.name, np.full(run.steps.size, np.nan))
    has = np.flatnonzero(np.isfinite(values))
    at = int(has[-1]) if has.size else run.steps.size - 1
    last = float(values[at])
    losses = {f.name: _last(run.time.columns[f.name]) for f in run.losses}
    numbers = {"L": np.log(last) if field.unit == "perplexity" and last > 0 else last}
    numbers |= {"steps": float(run.steps[at]), "D": float(run.tokens[at])}
    sources = {"D": run.tokens_from}
    for symbol in ("N", "batch", "V"):
        fact = getattr(run.facts, symbol)
        if fact is not None:
            numbers[symbol], sources[symbol] = fact.value, fact.source
    if not np.isfinite(numbers["D"]) and run.facts.planned:
        numbers["D"], sources["D"] = run.facts.planned.value, f"{run.facts.planned.source}, planned"
    compute, sources["C"] = _stated_compute(run, at)
    rates = run.rate[np.isfinite(run.rate)]
    if rates.size and not run.rate_from.endswith("lrm"):
        numbers["lr"] = float(rates.max())
    elif run.facts.lr:
        numbers["lr"] = run.facts.lr.value
    return _Row(run, {**numbers, "C": compute}, sources, losses)


def _last(values: Numbers) -> float:
    return float(values[np.isfinite(values)][-1])


def _stated_compute(run: LoggedRun, at: int) -> tuple[float, str]:
    """Return the compute that a run logs until a row, or states of the whole, and its field."""
    for quantity, scale in (("C", 1.0), ("gigaflop", 1e9)):
        name = run.fields.by_quantity.get(quantity)
        values = run.time.columns[name][: at + 1] if name else np.zeros(0)
        if name and np.isfinite(values).any():
            return _last(values) * scale, name
    return (run.facts.C.value, run.facts.C.source) if run.facts.C else (np.nan, "")


def _column(rows: Sequence[_Row], symbol: str) -> Numbers:
    return np.array([row.of(symbol) for row in rows])


def _compute(rows: Sequence[_Row], sizes: str) -> _Compute:
    """Return compute as all runs state it, or else 6ND of those that say N and D."""
    stated, N, D = (_column(rows, s) for s in ("C", "N", "D"))
    derived = SIX * N * D
    convention = "6ND-non-embedding" if sizes == "non-embedding" else "6ND"
    sources = Counter(row.sources["C"] for row in rows if np.isfinite(row.of("C")))
    if np.isfinite(stated).all():
        is_six = np.abs(stated / derived - 1) < SAME
        is_flos = all(name.endswith("total_flos") for name in sources)
        counting = convention if is_six.all() else "6ND-non-embedding" if is_flos else ""
        return _Compute(stated, counting, Note("info", "C", f"C is {counted(sources, len(rows))}"))
    some = int(np.isfinite(derived).sum())
    text = f"C is derived as 6ND of {amount(some, 'run', 'runs')}"
    if not some:
        text = "no run says its compute, and none says both N and D, of which it is derived"
    if sources:
        text += f"; {amount(sources.total(), 'run states', 'runs state')} it and the others do not"
    return _Compute(derived, convention if some else "", Note("info", "C", text))


def _size_convention(rows: Sequence[_Row]) -> tuple[str, list[Note]]:
    """Return how N is counted where all runs agree, and what is to be said of sizes."""
    facts = [row.run.facts.N for row in rows]
    absent = [row.run.log.run for row, fact in zip(rows, facts, strict=True) if fact is None]
    notes = []
    stated = [fact for fact in facts if fact is not None]
    if stated:
        text = f"N is {counted(Counter(f.source for f in stated), len(rows))}"
        notes.append(Note("info", "N", text))
    if absent:
        text = (
            f"{amount(len(absent), 'run says', 'runs say')} no size: {_some(absent)}; --set N=124M "
            "says it of all, --columns N=SETTING names where it stands"
        )
        notes.append(Note("doubt", "N", text))
    ways = {fact.convention for fact in stated}
    if len(ways) > 1:
        text = "N is counted as total in some runs and as non-embedding in others; name one setting"
        notes.append(Note("doubt", "N", text))
    return (ways.pop() if len(ways) == 1 else ""), notes


def _token_notes(rows: Sequence[_Row]) -> list[Note]:
    sources = Counter(row.sources["D"] for row in rows if np.isfinite(row.of("D")))
    absent = [row.run.log.run for row in rows if not np.isfinite(row.of("D"))]
    notes = [Note("info", "D", f"D is {counted(sources, len(rows))}")] if sources else []
    if absent:
        text = (
            f"{amount(len(absent), 'run says', 'runs say')} no tokens: {_some(absent)}; --set "
            "batch=TOKENS says the tokens of a step, --columns tokens=FIELD names the field"
        )
        notes.append(Note("doubt", "D", text))
    return notes


def _loss_notes(rows: Sequence[_Row], field: LossField) -> list[Note]:
    others = dict.fromkeys(f.name for row in rows for f in row.run.losses if f.name != field.name)
    rest = f"; beside it {_some(list(others))}; --columns L=FIELD takes another" if others else ""
    unit = ", the log of it" if field.unit == "perplexity" else f" [{field.unit}]"
    notes = [Note("info", "L", f"L is the last {field.name}{unit}{rest}")]
    if not field.held_out:
        text = f"{field.name} is a loss of training, of single batches; no run has a held-out one"
        notes.append(Note("doubt", "L", text))
    absent = [row.run.log.run for row in rows if not np.isfinite(row.of("L"))]
    if absent:
        text = f"{amount(len(absent), 'run has', 'runs have')} no {field.name}: {_some(absent)}"
        notes.append(Note("doubt", "L", text))
    early = [r.run.log.run for r in rows if r.of("steps") < 0.95 * float(r.run.steps[-1])]
    if early:
        text = f"the last {field.name} comes well before the last step in {_some(early)}"
        notes.append(Note("doubt", "L", f"{text}; D is counted where it was measured"))
    return notes


def _doubts(rows: Sequence[_Row]) -> list[Note]:
    """Return doubts about runs that did not end well, and about losses that cannot be compared."""
    notes = []
    open_ends = [r.run.log for r in rows if r.run.log.state not in GOOD_ENDS]
    if open_ends:
        text = _some([f"{log.run} ({log.state})" for log in open_ends])
        count = amount(len(open_ends), "run did", "runs did")
        notes.append(Note("doubt", "state", f"{count} not finish: {text}"))
    tokenizers = {row.run.facts.tokenizer for row in rows} - {""}
    sizes = [row.run.facts.V.value for row in rows if row.run.facts.V]
    text = "losses per token of different tokenizers cannot be compared; import them apart"
    if len(tokenizers) > 1:
        notes.append(
            Note("doubt", "tokenizer", f"tokenizers are {_some(sorted(tokenizers))}; {text}")
        )
    elif sizes and max(sizes) > (1 + MOST_APART) * min(sizes):
        spread = f"vocabularies of {min(sizes):,.0f} to {max(sizes):,.0f}"
        notes.append(Note("doubt", "tokenizer", f"{spread}; {text}"))
    return notes


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:MOST_SHOWN]) + (", ..." if len(names) > MOST_SHOWN else "")
