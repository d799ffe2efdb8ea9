"""A fitted law, its draws, and how far it can be trusted."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import Note, brief
from isoflop.fitting.objective import Objective
from isoflop.fitting.trust import FormError, Starts, Status
from isoflop.law import Array, Binding, Law
from isoflop.quantities import amounts
from isoflop.report.display import Displayed, number
from isoflop.runs import Runs

L = TypeVar("L", bound=Law)


class Interval(NamedTuple):
    """The low and high end of a central interval."""

    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Fit(Displayed, Generic[L]):
    """A law fitted to runs. `draws` is an ensemble of refits to resampled runs, None if none.

    `status` is read first: "doubtful" and "refused" come with `notes` that say why. `value` is
    the objective, summed over runs. `kind` is the scale of the residuals, "log" or "linear".
    `form` is how far its form may be off, where that was learnt already or is stated.
    """

    law: L
    draws: L | None
    runs: Runs
    binding: Binding
    objective: Objective
    value: float
    kind: Literal["log", "linear"]
    starts: Starts
    fixed: tuple[str, ...]
    conditioning: float
    level: float
    seed: int
    resampling: str
    status: Status
    notes: tuple[Note, ...]
    seconds: float
    form: FormError | None = None

    def __call__(self, **inputs: Array) -> Any:
        """Return the prediction at quantities by name: a number, or an array where one is given.

        Numbers may be texts such as "70B" and "1.4T".
        Raises UsageError for an input that is missing, or that is no number.
        """
        values = self.predict(**{symbol: amounts(symbol, v) for symbol, v in inputs.items()})
        return float(values) if values.ndim == 0 else values

    def _facts(self) -> Iterator[str]:
        yield f"{self.law.key}, {self.status}"
        yield f"{len(self.runs):,} runs of {brief(self.runs.origin or 'unnamed origin')[1:-1]}"
        for name, value in self.law.values.items():
            low, high = self.interval(name) if name in self.free else (np.nan, np.nan)
            ends = f" [{number(low)}, {number(high)}]" if np.isfinite([low, high]).all() else ""
            yield f"{name}={number(float(value))}{ends}"

    @property
    def conventions(self) -> Mapping[str, str]:
        """How the runs count N and C, and in which unit their loss is, as far as they say."""
        return self.runs.conventions

    @property
    def free(self) -> tuple[str, ...]:
        """The parameters that were fitted."""
        return tuple(k for k in self.law.params if k not in self.fixed)

    def interval(self, name: str, level: float | None = None) -> Interval:
        """Return the central interval of a parameter from the draws, or NaN without draws."""
        return quantiles(getattr(self.draws, name) if self.draws else None, level or self.level)

    def predict(self, **inputs: Array) -> Numbers:
        """Return the law's prediction at quantities given by name, in the unit of the runs."""
        with np.errstate(all="ignore"):  # a law far from its runs goes on to infinity
            return np.asarray(self.law(**self.binding.arguments(inputs)))

    @property
    def residuals(self) -> Numbers:
        """Prediction minus observation (n,), of logs where the fit was made in logs."""
        predicted = self.predict(**{s: self.runs[s] for s in self.binding.takes})
        observed = self.runs[self.binding.predicts]
        if self.kind == "log":
            return np.asarray(np.log(predicted) - np.log(observed))
        return np.asarray(predicted - observed)

    def save(self, path: str | Path) -> None:
        """Write the fit, its draws and its runs as JSON, whole or not at all.

        The error of its form is written too, once a forecast, a plan or `form_error` has learnt it.
        """
        from isoflop.fitting.serialization import document
        from isoflop.store import write_atomically

        text = json.dumps(document(self), allow_nan=False) + "\n"
        write_atomically(Path(path), lambda file: file.write(text.encode()))

    @staticmethod
    def load(path: str | Path) -> Fit[Any]:
        """Read a fit that `save` wrote.

        Raises BadStudy for a file that is damaged or of another schema.
        """
        from isoflop.fitting.serialization import restore

        return restore(Path(path), Fit)


def quantiles(values: Array | None, level: float) -> Interval:
    """Return the central interval that holds `level` of values (s,); NaN without values."""
    if values is None or np.ndim(values) == 0:
        only = float("nan") if values is None else float(values)
        return Interval(only, only)
    tail = (1 - level) / 2
    low, high = np.nanquantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))
