"""Sealed forecasts held against the runs that were made: each one, and the record over time."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import Note, Notes, RefusedByData, UsageError, amount
from isoflop.fitting.result import Interval
from isoflop.monitor.register import Register, Registered, SealedForecast, read_register
from isoflop.quantities import show
from isoflop.report.display import Displayed
from isoflop.runs import Runs, refuse_clash

# Bounds [times] between which distances beyond the runs are counted together.
BINS = (1.0, 1.5, 3.0, 10.0, 30.0, 100.0, math.inf)
ALIKE = 0.03  # share by which a run's inputs may differ from those that were registered
LEVEL = 0.95  # of the record's own intervals


@dataclass(frozen=True, slots=True)
class Score(Displayed):
    """One sealed forecast and what was measured, the mean of `runs` runs.

    `error` is the log of measured over forecast. `interval_score` is the width of the interval,
    and 2 / (1 - level) times what lies outside, all in shares of the forecast (Gneiting and
    Raftery 2007, eq. 43): the lower the better.
    """

    entry: Registered
    forecast: SealedForecast
    measured: float
    runs: int

    @property
    def error(self) -> float:
        """Log of the measured value over the forecast."""
        return math.log(self.measured / self.forecast.value)

    @property
    def is_inside(self) -> bool:
        """Whether the interval holds what was measured."""
        return self.forecast.low <= self.measured <= self.forecast.high

    @property
    def interval_score(self) -> float:
        """The interval score, as a share of the forecast."""
        f = self.forecast
        outside = max(f.low - self.measured, self.measured - f.high, 0.0)
        return (f.high - f.low + 2 / (1 - f.level) * outside) / abs(f.value)


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of a number of intervals held what was measured, and the interval of their share."""

    inside: int
    count: int
    share: Interval


@dataclass(frozen=True, slots=True)
class Record(Displayed):
    """What a group of scores comes to.

    `level` is what intervals promised (mean), `bias` the mean of the errors [log] with its
    interval, `rms` their size, `width` the mean width of intervals as a share of the forecast.
    """

    group: str
    coverage: Coverage
    level: float
    bias: float
    bias_interval: Interval
    rms: float
    width: float
    interval_score: float


@dataclass(frozen=True, slots=True)
class RegisterScores(Displayed):
    """A register held against runs: each score, those still open, and the records by group."""

    register: Register
    scores: tuple[Score, ...]
    open: tuple[Registered, ...]
    records: tuple[Record, ...]
    notes: Notes


def score(
    register: Register | str | os.PathLike[str],
    runs: Runs,
    *,
    metric: str | None = None,
    seal: str | None = None,
) -> RegisterScores:
    """Hold a register against runs: a run is found by its label, else by its inputs.

    Of several forecasts of one run the first counts, the others are revisions. `metric` scores
    that metric alone: of two that are one quantity, say which the runs hold. `seal` is one that
    was published.

    Raises RefusedByData if no run was forecast; UsageError for a metric that was not.
    """
    book = register if isinstance(register, Register) else read_register(register, seal)
    notes = [Note("doubt", "seal", fault.text) for fault in book.contents.faults]
    firsts = _firsts(book.entries)
    if later := len(book.entries) - len(firsts):
        text = f"{amount(later, 'revision', 'revisions')} of earlier forecasts do not count"
        notes.append(Note("info", "revision", text))
    _check_metric(firsts, metric)
    scores: list[Score] = []
    waiting: list[Registered] = []
    for entry in firsts:
        rows, remark = _rows(entry, runs)
        notes += [Note("info", "runs", remark)] if remark else []
        results = [s for f in _asked(entry, metric) if (s := _score(entry, f, rows)) is not None]
        scores += results
        if not results:
            waiting.append(entry)
    if not scores:
        raise RefusedByData(_nothing(book, runs))
    return RegisterScores(book, tuple(scores), tuple(waiting), records(scores), tuple(notes))


def records(scores: Sequence[Score]) -> tuple[Record, ...]:
    """Return the record of all scores, and of each law, metric and distance beyond the runs."""
    groups: dict[str, list[Score]] = {"all": list(scores)}
    for title, key in (
        ("law", lambda s: s.forecast.law),
        ("metric", lambda s: s.forecast.metric),
        ("beyond", lambda s: _distance(s.forecast.beyond)),
    ):
        names = list(dict.fromkeys(map(key, scores)))
        if len(names) > 1 or title == "law":
            for name in names:
                groups[f"{title} {name}"] = [s for s in scores if key(s) == name]
    return tuple(_record(group, members) for group, members in groups.items())


def _record(group: str, scores: Sequence[Score]) -> Record:
    errors = np.array([s.error for s in scores])
    inside = sum(s.is_inside for s in scores)
    return Record(
        group=group,
        coverage=Coverage(inside, len(scores), binomial(inside, len(scores))),
        level=float(np.mean([s.forecast.level for s in scores])),
        bias=float(errors.mean()),
        bias_interval=_mean_interval(errors),
        rms=float(np.sqrt((errors**2).mean())),
        width=float(
            np.mean([(s.forecast.high - s.forecast.low) / abs(s.forecast.value) for s in scores])
        ),
        interval_score=float(np.mean([s.interval_score for s in scores])),
    )


def binomial(successes: int, count: int, level: float = LEVEL) -> Interval:
    """Return the interval of a share after so many successes, which holds at least `level`.

    Source: Clopper and Pearson 1934.
    """
    from scipy.stats import beta

    tail = (1 - level) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, count - successes + 1))
    high = 1.0
    if successes < count:
        high = float(beta.ppf(1 - tail, successes + 1, count - successes))
    return Interval(low, high)


def _mean_interval(errors: Numbers, level: float = LEVEL) -> Interval:
    """Return the interval of the mean by Student's t; NaN for one error."""
    if errors.size < 2:
        return Interval(math.nan, math.nan)
    from scipy.stats import t

    half = float(t.ppf((1 + level) / 2, errors.size - 1) * errors.std(ddof=1) / errors.size**0.5)
    return Interval(float(errors.mean()) - half, float(errors.mean()) + half)


def _distance(beyond: float) -> str:
    """Return the bin of a distance: "3-10 times"."""
    for low, high in itertools.pairwise(BINS):
        if beyond < high:
            return f"{low:g}-{high:g} times" if high < math.inf else f"over {low:g} times"
    return f"over {BINS[-2]:g} times"


def _firsts(entries: Sequence[Registered]) -> list[Registered]:
    firsts: dict[str, Registered] = {}
    for entry in entries:
        firsts.setdefault(entry.name, entry)
    return list(firsts.values())


def _asked(entry: Registered, metric: str | None) -> list[SealedForecast]:
    return [f for f in entry.forecasts if metric in (None, f.metric)]


def _check_metric(entries: Sequence[Registered], metric: str | None) -> None:
    metrics = list(dict.fromkeys(f.metric for e in entries for f in e.forecasts))
    if metric is not None and metric not in metrics:
        raise UsageError(f"no forecast is of {metric!r}; the register holds {', '.join(metrics)}")
    for entry in entries:
        quantities = [f.quantity for f in _asked(entry, metric)]
        if twice := [q for q in quantities if quantities.count(q) > 1]:
            names = ", ".join(f.metric for f in entry.forecasts if f.quantity == twice[0])
            raise UsageError(
                f"{names} of {entry.name} are all {twice[0]}; say which one the runs hold, with "
                "--metric"
            )


def _rows(entry: Registered, runs: Runs) -> tuple[Runs, str]:
    """Return the runs that an entry forecast, and a remark where a label fits and inputs do not."""
    labelled = np.zeros(len(runs), bool)
    if "run" in runs.labels:
        labelled = runs.labels["run"] == entry.name
    alike = np.ones(len(runs), bool)
    for symbol, value in entry.at.items():
        if symbol not in runs:
            if not labelled.any():
                return runs[alike & False], ""
            continue
        distance = np.abs(np.log(np.where(runs[symbol] > 0, runs[symbol], np.nan) / value))
        alike &= distance <= math.log1p(ALIKE)
    chosen = alike & (labelled if labelled.any() else True)
    if labelled.any() and not chosen.any():
        where = ", ".join(f"{s} = {show(v)}" for s, v in entry.at.items())
        return runs[chosen], f"{entry.name} was run, and not at {where} as registered: not scored"
    return runs[chosen], ""


def _score(entry: Registered, sealed: SealedForecast, rows: Runs) -> Score | None:
    """Return the score of one metric; None where the runs do not hold it."""
    if not len(rows) or sealed.quantity not in rows:
        return None
    shared = [s for s in (sealed.quantity, *entry.at) if s in rows]
    refuse_clash(sealed.conventions, rows.conventions, shared, ("the register", rows.origin))
    values = rows[sealed.quantity]
    values = values[np.isfinite(values) & (values > 0)]
    if not values.size or sealed.value <= 0:
        return None
    return Score(entry, sealed, float(values.mean()), int(values.size))


def _nothing(book: Register, runs: Runs) -> str:
    wanted = "; ".join(
        f"{e.name} ({', '.join(f'{s} = {show(v)}' for s, v in e.at.items())})"
        for e in book.entries[:4]
    )
    return (
        f"none of {amount(len(runs), 'run', 'runs')} of {runs.origin} is one that {book.path} "
        f"forecast: {wanted or 'it is empty'}; a run is found by its label, or by inputs within "
        f"{ALIKE:.0%}"
    )
