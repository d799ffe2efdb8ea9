"""What a check of a study is: a function from a study to a verdict, registered in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isoflop.arrays import Mask, Numbers
from isoflop.report.display import Displayed
from isoflop.runs import Runs

Verdict = Literal["pass", "warn", "fail", "cannot tell"]

OUTPUT = "output"  # what a check needs that can do with any predicted quantity
OUTPUTS = ("L", "error", "R", "y")


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The verdict of one check: what was seen, and the rows of the source that it is about."""

    verdict: Verdict
    says: str
    rows: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding(Displayed):
    """The verdict of one check, why it matters, and what to do about it."""

    check: str
    verdict: Verdict
    says: str
    why: str
    todo: str
    rows: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class AuditedRuns:
    """Runs under audit: all of them, and the `sound` ones, whose numbers are finite and above 0.

    `output` is the quantity that laws predict of them, None if no column holds one.
    """

    runs: Runs
    sound: Runs
    output: str | None

    def lacks(self, needs: Sequence[str]) -> str | None:
        """Return why a check that needs these columns cannot be made; None if it can."""
        missing = [s for s in needs if s not in self.runs and s != OUTPUT]
        if missing:
            return f"there is no column {' or '.join(missing)}"
        if OUTPUT in needs and self.output is None:
            return "there is no column L, error, R or y"
        return None if len(self.sound) else "no run has all its numbers"

    @property
    def loss(self) -> Numbers:
        """The output of the sound runs (n,)."""
        return self.sound[self.output] if self.output else np.zeros(0)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The columns that say where a run stands: all but the output and its noise."""
        return tuple(s for s in self.sound.columns if s not in (self.output, "sigma"))

    @property
    def compute(self) -> Numbers:
        """C of the sound runs (n,), or 6ND where no column holds it."""
        if "C" in self.sound:
            return self.sound["C"]
        return np.asarray(6 * self.sound["N"] * self.sound["D"])

    def rows(self, mask: Mask) -> tuple[int, ...]:
        """Return the rows, in the source, of some of the sound runs."""
        return tuple(int(row) for row in self.sound.rows[mask])


def study(runs: Runs) -> AuditedRuns:
    """Return runs as a study to be checked."""
    output = next((s for s in OUTPUTS if s in runs), None)
    good = np.ones(len(runs), bool)
    for symbol in (*(s for s in ("N", "D", "C", "U") if s in runs), *([output] if output else [])):
        good &= np.isfinite(runs[symbol]) & (runs[symbol] > 0)
    return AuditedRuns(runs, runs[good], output)


@dataclass(frozen=True, slots=True)
class Check:
    """A function that judges a study, the columns it needs, why it matters and what to do."""

    function: Callable[[AuditedRuns], CheckResult]
    needs: tuple[str, ...]
    why: str
    todo: str


CHECKS: dict[str, Check] = {}


def check(
    name: str, *, needs: tuple[str, ...] = (), why: str, todo: str
) -> Callable[[Callable[[AuditedRuns], CheckResult]], Callable[[AuditedRuns], CheckResult]]:
    """Register a check under a name; the columns it `needs` are there when it is made."""

    def register(
        function: Callable[[AuditedRuns], CheckResult],
    ) -> Callable[[AuditedRuns], CheckResult]:
        CHECKS[name] = Check(function, needs, why, todo)
        return function

    return register


def cannot(reason: str) -> CheckResult:
    """Return that a check could not be made, and why."""
    return CheckResult("cannot tell", reason)


def same(study: AuditedRuns, symbols: Sequence[str]) -> list[Mask]:
    """Return masks (n,) of the sound runs that agree in these columns, and in their family."""
    columns = [np.nan_to_num(study.sound[s], nan=-1.0) for s in symbols]
    if "family" in study.sound.labels:
        member = np.unique(study.sound.labels["family"], return_inverse=True)[1]
        columns.append(member.astype(float))
    if not columns:
        return [np.ones(len(study.sound), bool)]
    groups = np.unique(np.stack(columns), axis=1, return_inverse=True)[1].reshape(-1)
    return [groups == g for g in np.unique(groups)]


def spans(values: Numbers) -> float:
    """Return the largest value over the smallest."""
    return float(values.max() / values.min())
