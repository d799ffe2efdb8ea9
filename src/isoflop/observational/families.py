"""Capability against compute, family by family: S = slope log10 C + level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, UnknownName
from isoflop.observational.components import Models

FEWEST = 3  # models of known compute: two lie on a line whatever they are


@dataclass(frozen=True, eq=False)
class FamilyLine:
    """The line of one family through `count` models: per decade of compute, about `centre`.

    `slope` per decade, `level` the capability at `centre` [log10 FLOP]. `low` and `high` hold the
    slope (Student's t, so three models give a wide interval). `scatter` is the sd of a model about
    the line, `spread` the root of the sum of squares of log10 C about its centre.
    """

    name: str
    count: int
    slope: float
    level: float
    centre: float
    low: float
    high: float
    r2: float
    scatter: float
    spread: float
    C: tuple[float, float]

    def capability(self, C: Numbers) -> Numbers:
        """Return the capability (k,) at compute C (k,) [FLOP]."""
        return np.asarray(self.level + self.slope * (np.log10(C) - self.centre))

    def equivalent(self, capability: Numbers) -> Numbers:
        """Return the compute (k,) [FLOP] at which this family has these capabilities."""
        return np.asarray(10 ** (self.centre + (capability - self.level) / self.slope))

    def drawn(self, rng: np.random.Generator, C: float, draws: int) -> Numbers:
        """Return draws (s,) of the capability of a new model at C [FLOP]."""
        away = (np.log10(C) - self.centre) / self.spread
        sd = self.scatter * np.sqrt(1 + 1 / self.count + away**2)
        return np.asarray(self.capability(np.array(C)) + sd * rng.standard_t(self.count - 2, draws))


@dataclass(frozen=True)
class TooFew:
    """A family that gives no line, and how many of its models have a known compute."""

    name: str
    count: int


def families(
    models: Models, capability: Numbers, level: float = 0.9
) -> tuple[tuple[FamilyLine, ...], tuple[TooFew, ...]]:
    """Return the line of every family of three models at several computes; and the others."""
    lines: list[FamilyLine] = []
    few: list[TooFew] = []
    for name in dict.fromkeys(models.families.tolist()):
        mine = (models.families == name) & np.isfinite(models.C)
        x = np.log10(models.C[mine])
        if mine.sum() < FEWEST or np.ptp(x) == 0:
            few.append(TooFew(name, int(mine.sum())))
        else:
            lines.append(_line(name, x, capability[mine], level))
    return tuple(lines), tuple(few)


def family(lines: Sequence[FamilyLine], few: Sequence[TooFew], name: str) -> FamilyLine:
    """Return the family called `name`.

    Raises CannotFit for one of too few models, UnknownName for none.
    """
    for one in lines:
        if one.name == name:
            return one
    for other in few:
        if other.name == name:
            raise CannotFit(
                f"family {name} has {other.count} models of known compute; a line needs {FEWEST}, "
                "at several computes"
            )
    raise UnknownName("family", name, [f.name for f in lines])


def _line(name: str, x: Numbers, y: Numbers, level: float) -> FamilyLine:
    from scipy.special import stdtrit

    centre, free = float(x.mean()), x.size - 2
    away = x - centre
    spread = float(np.sqrt((away**2).sum()))
    slope = float(away @ y) / spread**2
    residuals = y - y.mean() - slope * away
    scatter = float(np.sqrt((residuals**2).sum() / free))
    half = float(stdtrit(free, (1 + level) / 2)) * scatter / spread
    total = float(((y - y.mean()) ** 2).sum())
    r2 = 1 - float((residuals**2).sum()) / total if total else 0.0
    ends = (float(10 ** x.min()), float(10 ** x.max()))
    return FamilyLine(
        name=name,
        count=x.size,
        slope=slope,
        level=float(y.mean()),
        centre=centre,
        low=slope - half,
        high=slope + half,
        r2=r2,
        scatter=scatter,
        spread=spread,
        C=ends,
    )
