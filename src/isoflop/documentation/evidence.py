"""Measure laws on public runs: `make evidence`, with ISOFLOP_DATA naming the folder of data."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop import atlas
from isoflop.arrays import Numbers
from isoflop.assess.extrapolation.backtest import SPARE
from isoflop.assess.extrapolation.splits import Split, level, reach, splits
from isoflop.errors import CannotFit, EnvironmentFailure, RefusedByData
from isoflop.fitting import Fit, fit
from isoflop.law import Binding
from isoflop.runs import CONVENTIONS, Runs
from isoflop.sources import read

HOME = Path(atlas.__file__).parent / "evidence"
DRAWS, LEVEL, CUTS = 300, 0.9, 4
MOST_SHOWN = 40  # runs in a picture, and half of the runs at most: too few to stand for the data
DIGITS = 6  # kept of every number: more than any interval or machine agrees on


@dataclass(frozen=True, slots=True)
class Dataset:
    """Public runs: the file, who published them, and whether a few may be handed on."""

    file: str
    source: str
    licence: str
    shareable: bool


@dataclass(frozen=True, slots=True)
class EvidenceEntry:
    """A law to be fitted to public runs; `read` has the options of the command line.

    `best` names columns in each of whose combinations only the run of least loss counts, for
    laws of the best setting. `prepare` does to the runs what no option can; its docstring says
    what. `axis` is what runs that are held out lie beyond; `every` holds out each so-many-th run
    instead, for inputs that have no scale.
    """

    law: str
    name: str
    data: Dataset
    axis: str = ""
    every: int = 0
    read: Mapping[str, Any] = field(default_factory=dict)
    best: tuple[str, ...] = ()
    prepare: Callable[[Runs], Runs] | None = None
    over: str | None = None
    predicts: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def key(self) -> str:
        """The law and the name of the data set: "chinchilla on figure 4"."""
        return f"{self.law} on {self.name}"

    @property
    def mapping(self) -> str:
        """How columns are read, in words of the command line."""
        words = [part for name, value in self.read.items() for part in _option(name, value)]
        if self.best:
            words.append(f"(the run of least loss at each {', '.join(self.best)})")
        if self.prepare:
            words.append(f"({(self.prepare.__doc__ or '').rstrip('.')})")
        words += [f"--over {self.over}"] if self.over else []
        words += [f"--predicts {self.predicts}"] if self.predicts else []
        words += [part for name, value in self.options.items() for part in _option(name, value)]
        return " ".join(words)

    def runs(self, folder: Path) -> Runs:
        """Return the runs that the law is to be fitted to; raises what `read` raises."""
        runs = read(folder / self.data.file, **self.read)
        runs = runs.select(_least(runs, self.best)) if self.best else runs
        return self.prepare(runs) if self.prepare else runs

    def fit(self, runs: Runs, draws: int = 0) -> Fit[Any]:
        """Return the law fitted to runs."""
        return fit(
            self.law,
            runs,
            over=self.over,
            predicts=self.predicts,
            draws=draws,
            level=LEVEL,
            **self.options,
        )


def measure(
    entry: EvidenceEntry, folder: Path, draws: int = DRAWS, hold_out: bool = True
) -> atlas.FitEvidence:
    """Return what a law gives on public runs: fitted to all, then to the smaller ones alone.

    Without `hold_out` it is fitted to all alone. Raises what reading and fitting raise.
    """
    runs = entry.runs(folder)
    got = entry.fit(runs, draws)
    bound = got.binding
    tests, refused = _extrapolated(entry, runs, bound) if hold_out else ([], ())
    unit = runs.conventions.get(bound.predicts) if bound.predicts not in CONVENTIONS else None
    return atlas.FitEvidence(
        law=entry.law,
        name=entry.name,
        data=entry.data.file,
        source=entry.data.source,
        licence=entry.data.licence,
        mapping=entry.mapping,
        predicts=bound.predicts,
        unit=unit or "",
        takes=bound.takes,
        ranges={s: (_round(runs[s].min()), _round(runs[s].max())) for s in bound.takes},
        runs=len(runs),
        params={name: _estimate(got, name) for name in got.law.params},
        level=LEVEL,
        residuals=got.kind,
        rms=_round(_rms(got.residuals)),
        status=got.status,
        notes=tuple(filter(None, (entry.note, *_doubts(got), *refused))),
        # A law that the smaller runs could not pin down may have no value at the larger ones.
        held_out=tuple(h for t in tests if np.isfinite((h := _held(entry, t)).rms)),
        plotted=_shown(entry, tests[len(tests) // 2]) if tests and entry.data.shareable else None,
    )


@dataclass(frozen=True, eq=False)
class _Test:
    """A fit to the runs that a split shows, and what it says of every run (n,)."""

    split: Split
    fit: Fit[Any]
    runs: Runs

    @property
    def predicted(self) -> Numbers:
        """Predictions of the fit for all runs (n,)."""
        return self.fit.predict(**{s: self.runs[s] for s in self.fit.binding.takes})

    @property
    def error(self) -> Numbers:
        """Errors (n,) on the scale of the fit."""
        observed = self.runs[self.fit.binding.predicts]
        if self.fit.kind == "linear":
            return np.asarray(self.predicted - observed)
        return np.asarray(np.log(self.predicted / observed))


def _extrapolated(
    entry: EvidenceEntry, runs: Runs, bound: Binding
) -> tuple[list[_Test], tuple[str, ...]]:
    """Return fits to the runs below some cuts, lowest first; or none, and why."""
    needed = SPARE + len(bound.form.params) - len(entry.options.get("fix", {}))
    try:
        cuts = (
            (_every(entry.every, len(runs)),)
            if entry.every
            else splits(runs, (entry.axis,), CUTS, bound.takes, needed)
        )
        return [_Test(s, entry.fit(runs.select(s.train)), runs) for s in cuts], ()
    except (CannotFit, RefusedByData) as reason:
        return [], (f"no run could be held out: {reason}",)


def _every(step: int, runs: int) -> Split:
    """Return a split that holds out each `step`-th run."""
    return Split(f"one run in {step}", 0.0, np.arange(runs) % step != step - 1)


def _held(entry: EvidenceEntry, test: _Test) -> atlas.HeldOutFit:
    train, held_out = test.split.train, ~test.split.train
    inputs = {s: test.runs[s] for s in test.fit.binding.takes}
    if entry.axis:
        inputs[entry.axis] = level(test.runs, entry.axis)
    far = reach(
        {s: v[train] for s, v in inputs.items()}, {s: v[held_out] for s, v in inputs.items()}
    )
    error = test.error[held_out]
    return atlas.HeldOutFit(
        axis=test.split.axis,
        cut=_round(test.split.cut),
        train=int(train.sum()),
        test=int(held_out.sum()),
        beyond=_round(far.max()),
        rms=_round(_rms(error)),
        bias=_round(error.mean()),
    )


def _shown(entry: EvidenceEntry, test: _Test) -> atlas.PlottedRuns:
    """Return a few of the runs that were seen and that were held out, evenly along the cut."""
    x = level(test.runs, entry.axis) if entry.axis else test.predicted
    order = np.lexsort((test.predicted, x))
    some = np.linspace(0, x.size - 1, min(MOST_SHOWN, x.size // 2)).round().astype(int)
    index = order[some]
    observed = test.runs[test.fit.binding.predicts]
    return atlas.PlottedRuns(
        entry.axis or test.fit.binding.predicts,
        _rounded(x[index]),
        _rounded(observed[index]),
        _rounded(test.predicted[index]),
        tuple(bool(u) for u in ~test.split.train[index]),
    )


def _rounded(values: Numbers) -> tuple[float, ...]:
    return tuple(map(_round, values))


def _doubts(got: Fit[Any]) -> tuple[str, ...]:
    """Return what bears on the fit, less the remarks on how columns were read."""
    return tuple(note.text for note in got.notes if note not in got.runs.notes)


def _estimate(got: Fit[Any], name: str) -> atlas.ParameterEstimate:
    value = _round(getattr(got.law, name))
    if name in got.fixed or got.draws is None:
        return atlas.ParameterEstimate(value, None, None)
    low, high = got.interval(name)
    return atlas.ParameterEstimate(value, _round(low), _round(high))


def _least(runs: Runs, columns: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return a mask (n,) of the runs of least loss at their combination of columns."""
    values = np.stack([runs[c] for c in columns], axis=1)
    which = np.unique(values, axis=0, return_inverse=True)[1].reshape(-1)
    least = np.full(which.max() + 1, np.inf)
    np.minimum.at(least, which, runs["L"])
    return np.asarray(runs["L"] <= least[which])


def _rms(errors: Numbers) -> float:
    return float(np.sqrt((errors**2).mean()))


def _round(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")


def _option(name: str, value: Any) -> list[str]:
    """Return an option as the command line has it."""

    def quoted(text: str) -> str:
        return f'"{text}"' if "'" in text else shlex.quote(text)

    flag = {"conventions": "--convention", "units": "--unit"}.get(name, f"--{name}")
    if isinstance(value, Mapping):
        return [flag, quoted(",".join(f"{k}={v}" for k, v in value.items()))]
    values = [value] if isinstance(value, str | int | float) else list(value)
    return [part for one in values for part in (flag, quoted(str(one)))]


def folder_of_data() -> Path:
    """Return the folder that ISOFLOP_DATA names.

    Raises EnvironmentFailure if it names none.
    """
    path = os.environ.get("ISOFLOP_DATA", "")
    if not Path(path or "/nowhere").is_dir():
        raise EnvironmentFailure(
            f"ISOFLOP_DATA is {path!r}; it must name the folder that holds the public runs"
        )
    return Path(path)


def write(evidence: Iterable[atlas.FitEvidence], home: Path = HOME) -> None:
    """Write what was measured, a file for each law."""
    by_law = groupby(sorted(evidence, key=lambda e: e.law), lambda e: e.law)
    for law, mine in by_law:
        entries = ",\n".join(e.text for e in mine)
        (home / f"{law}.json").write_text(f"[\n{entries}\n]\n", encoding="utf-8")
