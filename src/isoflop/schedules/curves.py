"""Loss curves: the loss of a run at some of its steps, and the rate of each of its steps."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Integers, Numbers
from isoflop.errors import BadRuns, ConventionMismatch, Note, UnknownName, UsageError
from isoflop.report.display import Displayed
from isoflop.runs.cells import name_rows
from isoflop.schedules.rates import LONGEST, Schedule
from isoflop.sources.cells import CellTable, numbers, texts
from isoflop.sources.files import read_file
from isoflop.sources.read_logged import loss_curves
from isoflop.sources.training_logs.read_logs import is_log

FEWEST, MOST = 10, 600  # points of a curve after warm-up; more are averaged
ALIKE = 0.02  # by which losses of one setting may differ where rates were alike, as a share
UNITS = 30  # times one peak may be another; farther apart, the unit is another
# Names without case and signs, the first that there is taken.
_NAMES = {
    "step": ("step", "steps", "iteration", "iter", "globalstep", "trainstep"),
    "lr": ("lr", "learningrate", "trainlr", "trainlearningrate"),
    "loss": ("loss", "l", "valloss", "evalloss", "validationloss", "trainloss"),
    "curve": ("curve", "run", "runname", "name", "schedule"),
}
_RATES = ("step", "lr")
_SIZES = ("n", "params", "size", "modelsize", "parameters")


@dataclass(frozen=True, eq=False)
class LossCurve(Displayed):
    """The `loss` (n,) [nats/token] of a run after warm-up, at `steps` (n,), which rise."""

    name: str
    schedule: Schedule
    steps: Integers
    loss: Numbers
    notes: tuple[Note, ...] = ()

    @property
    def falls(self) -> bool:
        """Whether the rate falls by a tenth of the peak or more before the last loss."""
        rates = self.schedule.rates[self.schedule.warmup : self.steps[-1] + 1]
        return bool(rates.max() - rates[-1] >= 0.1 * self.schedule.peak)

    @property
    def rises(self) -> bool:
        """Whether the rate rises by a hundredth of the peak or more after warm-up."""
        rates = self.schedule.rates[self.schedule.warmup : self.steps[-1] + 1]
        return bool((rates - np.minimum.accumulate(rates)).max() >= 0.01 * self.schedule.peak)

    @property
    def area(self) -> float:
        """The sum of the rates up to the last loss."""
        return float(self.schedule.rates[: self.steps[-1] + 1].sum())


def read_curves(
    path: str | Path, *, warmup: int | None = None, columns: Mapping[str, str] | None = None
) -> tuple[LossCurve, ...]:
    """Return the curves of a log, or of a table of step, lr, loss and, if it holds several, curve.

    Rates between rows lie on a line between theirs; a row may leave its rate or its loss empty, as
    logs of training and of evaluation in one table do, which the curve's notes say.
    `warmup` [steps] says how long the rate rose in a line from zero where the table leaves that
    out. `columns` names columns by what they are.
    Raises BadRuns for a table that cannot be used, with the rows.
    """
    return understood(_source(path, columns or {}), warmup, columns or {})


def read_rates(
    path: str | Path, *, warmup: int | None = None, columns: Mapping[str, str] | None = None
) -> Schedule:
    """Return the schedule of a table with the columns step and lr; see `read_curves`."""
    source = _source(path, columns or {})
    column_names = _found(source, columns or {}, _RATES)
    values = {part: _numbers(source, column_names[part]) for part in _RATES}
    _refuse_impossible(source, values)
    name = Path(source.origin).stem
    step = _rising(name, values, np.arange(len(source.rows)), source)
    return _schedule(name, step, values["lr"], warmup)


def _source(path: str | Path, columns: Mapping[str, str]) -> CellTable:
    """Return a table, or the curves of a log or a tracker as one."""
    if not is_log(str(path)):
        return read_file(Path(path))
    fields = {"step": "step", "lr": "lr", "loss": "L"}
    names = {fields[part]: name for part, name in columns.items() if part in fields}
    return loss_curves(str(path), {k: v for k, v in names.items() if v not in fields})


def understood(
    source: CellTable, warmup: int | None, columns: Mapping[str, str]
) -> tuple[LossCurve, ...]:
    """Return the curves of a source, its columns found by name."""
    column_names = _found(source, columns, (*_RATES, "loss"))
    values = {
        part: _numbers(source, column_names[part], may_lack=part != "step")
        for part in (*_RATES, "loss")
    }
    _refuse_impossible(source, values)
    if "curve" in column_names:
        labels = np.array(texts(source.columns[column_names["curve"]]), object)
        if (labels == "").any():
            raise BadRuns(f"{source.origin}: no curve in {name_rows(source.rows[labels == ''])}")
    else:
        labels = np.full(len(source.rows), Path(source.origin).stem, object)
    curves = [
        _curve(str(name), values, np.flatnonzero(labels == name), source, warmup)
        for name in dict.fromkeys(labels)
    ]
    loss_columns = [
        n for n in source.columns if _plain(n) in _NAMES["loss"] and n != column_names["loss"]
    ]
    if loss_columns and "loss" not in columns:
        note = Note(
            "info",
            "column",
            f"{source.origin}: the loss is {column_names['loss']}; --columns loss=COLUMN takes "
            f"another, "
            f"such as {loss_columns[0]}",
        )
        curves[0] = dataclasses.replace(curves[0], notes=(note, *curves[0].notes))
    return tuple(curves)


def together(curves: Sequence[LossCurve]) -> tuple[LossCurve, ...]:
    """Return curves that may be fitted by one law.

    Raises BadRuns for two of one name, and ConventionMismatch for peaks too far apart to be of one
    unit, and for losses that lie apart where rates were alike so far, as of different sizes.
    """
    names = [c.name for c in curves]
    if twice := [name for name in names if names.count(name) > 1]:
        raise BadRuns(
            f"two curves are called {twice[0]!r}; rename one file, or give a column curve"
        )
    for a, b in itertools.combinations(curves, 2):
        low, high = sorted((a, b), key=lambda c: c.schedule.peak)
        if high.schedule.peak > UNITS * low.schedule.peak:
            raise ConventionMismatch(
                f"{high.name} peaks at a rate of {high.schedule.peak:g} and {low.name} at "
                f"{low.schedule.peak:g}; that is most likely another unit: write both in one"
            )
        apart = _apart(a, b)
        if abs(apart) > ALIKE:
            raise ConventionMismatch(
                f"{a.name} and {b.name} have had nearly the same rates for a while, and their "
                f"losses differ by {abs(apart):.1%} there: other sizes, data or batches do not go "
                "into one law; fit each on its own"
            )
    return tuple(curves)


def _apart(a: LossCurve, b: LossCurve) -> float:
    """Return the median log ratio of two losses where rates were alike so far; 0 if nowhere."""
    steps, i, j = np.intersect1d(a.steps, b.steps, return_indices=True)
    if not steps.size:
        steps = np.arange(max(a.steps[0], b.steps[0]), min(a.steps[-1], b.steps[-1]) + 1)
        loss = [np.interp(steps, c.steps, c.loss) for c in (a, b)]
    else:
        loss = [a.loss[i], b.loss[j]]
    rates = [c.schedule.rates for c in (a, b)]
    alike = np.ones(steps.size, bool)
    for x, y in (rates, [np.cumsum(r) for r in rates]):
        alike &= np.abs(x[steps] - y[steps]) <= 0.03 * y[steps]
    return float(np.median(np.log(loss[0][alike] / loss[1][alike]))) if alike.any() else 0.0


def _found(source: CellTable, columns: Mapping[str, str], parts: Sequence[str]) -> dict[str, str]:
    """Return the column of each part."""
    names = list(source.columns)
    for part, column in columns.items():
        if part not in _NAMES:
            raise UnknownName("part of a loss curve", part, _NAMES)
        if column not in names:
            raise UnknownName(f"column of {source.origin}", column, names)
    plain = {_plain(name): name for name in reversed(names)}
    column_names = {
        part: plain[n] for part, aliases in _NAMES.items() for n in reversed(aliases) if n in plain
    }
    column_names |= columns
    if missing := [part for part in parts if part not in column_names]:
        raise BadRuns(
            f"{source.origin} has no column {missing[0]}; name it: --columns "
            f"{missing[0]}=COLUMN (there is {', '.join(names[:12])})"
        )
    for name in (plain[n] for n in _SIZES if n in plain and plain[n] not in column_names.values()):
        if len(sizes := sorted(set(texts(source.columns[name])))) > 1:
            raise ConventionMismatch(
                f"{source.origin} mixes models: {name} is {', '.join(sizes[:4])}; one law of a "
                "schedule holds for one model, so give each its own table"
            )
    return column_names


def _numbers(source: CellTable, column: str, may_lack: bool = False) -> Numbers:
    """Return the numbers of a column, NaN in a cell that is empty where it `may_lack` some."""
    values, other = numbers(source.columns[column])
    wrong = other | ~np.isfinite(values)
    if may_lack:
        wrong &= np.array(texts(source.columns[column]), object) != ""
    if wrong.any():
        raise BadRuns(
            f"{source.origin}: {column} is missing or no finite number in "
            f"{name_rows(source.rows[wrong])}; leave those rows out, mend them, or name another "
            "column, as in --columns loss=COLUMN"
        )
    return values


def _refuse_impossible(source: CellTable, values: Mapping[str, Numbers]) -> None:
    step = values["step"]
    whole = "steps are whole numbers from 0 on"
    for part, wrong, must in (
        ("step", (step < 0) | (step != np.floor(step)), whole),
        ("step", step > LONGEST, f"steps beyond {LONGEST:,} are most likely tokens: divide"),
        ("lr", values["lr"] < 0, "a learning rate is above zero"),
        (
            "lr",
            (values["lr"] == 0) & (step > 0),
            "these laws know no rate of zero: leave out a last row whose rate has reached it",
        ),
        ("loss", values.get("loss", step + 1) <= 0, "a loss is above zero"),
    ):
        if wrong.any():
            raise BadRuns(
                f"{source.origin}: {part} is {values[part][wrong][0]:g} in "
                f"{name_rows(source.rows[wrong])}; {must}"
            )


def _rising(name: str, values: Mapping[str, Numbers], at: Integers, source: CellTable) -> Integers:
    """Return the steps of some rows, once they rise."""
    step = values["step"][at].astype(np.int64)
    wrong = np.diff(step, prepend=-1) <= 0
    if wrong.any():
        raise BadRuns(
            f"{source.origin}: the steps of {name!r} do not rise in "
            f"{name_rows(source.rows[at[wrong]])}; sort them, keep one row a step, and name "
            "several curves in a column curve"
        )
    return step


def _curve(
    name: str, values: Mapping[str, Numbers], at: Integers, source: CellTable, warmup: int | None
) -> LossCurve:
    """Return one curve, its rates filled in between rows and before the first."""
    step = _rising(name, values, at, source)
    rate, loss = values["lr"][at], values["loss"][at]
    rated, measured = np.isfinite(rate), np.isfinite(loss)
    if not rated.any():
        raise BadRuns(f"{source.origin}: no row of curve {name!r} holds a rate")
    schedule = _schedule(name, step[rated], rate[rated], warmup)
    end = schedule.warmup
    early, late = step < max(end, 1), step > schedule.steps
    mask = measured & ~early & ~late
    if mask.sum() < FEWEST:
        raise BadRuns(
            f"curve {name!r} has {mask.sum()} points after a warm-up of {end:,} steps; a curve "
            f"takes {FEWEST} or more"
        )
    notes = _said(
        name,
        {
            f"losses before step {end:,}, of warm-up, are left out": measured & early,
            "losses after the last rate are left out": measured & late,
            "rows without a loss tell the rate alone": ~measured,
            "rows without a rate take one from a line between their neighbours": mask & ~rated,
        },
    )
    if mask.sum() <= MOST:
        return LossCurve(name, schedule, step[mask], loss[mask], notes)
    bins = np.array_split(np.flatnonzero(mask), MOST)
    middle = np.array([round(float(step[rows].mean())) for rows in bins])
    note = Note(
        "info",
        "averaged",
        f"{name}: {mask.sum():,} points are averaged to {MOST}, neighbours together",
    )
    means = np.array([loss[rows].mean() for rows in bins])
    return LossCurve(name, schedule, middle, means, (*notes, note))


def _schedule(name: str, step: Integers, rate: Numbers, warmup: int | None) -> Schedule:
    """Return the rate of every step, on lines between rows; see `read_curves`."""
    end = _warmup(name, step, rate) if warmup is None else warmup
    if (falling := np.flatnonzero(np.diff(rate[step <= end]) < 0)).size:
        raise UsageError(
            f"--warmup is {end:,}, and the rate of {name!r} falls before, after step "
            f"{step[falling[0]]:,}; a rate rises in warm-up: say a shorter one"
        )
    every = np.arange(step[-1] + 1)
    rates = np.interp(every, step, rate)
    if end and step[0]:  # a line from zero to the rate of the first row, held until that row
        rise = min(end, int(step[0]))
        rates[: step[0]] = rate[0] * np.minimum(1.0, every[: step[0]] / rise)
    return Schedule(name, rates, int(end))


def _said(name: str, rows: Mapping[str, npt.NDArray[np.bool_]]) -> tuple[Note, ...]:
    """Return a note for each sort of rows of which there are some."""
    return tuple(
        Note("info", "left-out", f"{name}: {text}: {mask.sum():,}")
        for text, mask in rows.items()
        if mask.any()
    )


def _warmup(name: str, step: Integers, rate: Numbers) -> int:
    """Return the last step of the warm-up that rows show; refuse a curve that hides it."""
    risen = np.flatnonzero(np.diff(rate) <= 0)
    first = int(risen[0]) if risen.size else rate.size - 1
    if first:
        return int(step[first])
    if step.size == 1 or step[0] > 1.5 * np.median(np.diff(step)):
        raise UsageError(
            f"curve {name!r} begins at step {step[0]:,}; nothing says how the rate rose before: "
            "say --warmup STEPS, the length of a linear warm-up (0 for none)"
        )
    return 0


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
