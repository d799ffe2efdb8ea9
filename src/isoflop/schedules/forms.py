"""Laws of the loss along a schedule: what each form says, and the constants that were printed.

A learning-rate schedule is an array per run and no column of a table, so these are not `Law`s.
Each gives the loss (n,) of a history and its slope (p, n) along each parameter, in their order.
All parameters are above zero; a rate's unit is 1, an area's is steps.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import UnknownName
from isoflop.schedules.history import ScheduleHistory

CELLS = 100_000  # of steps by changes that are held at once: what a processor's cache holds


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaPower:
    r"""L = L0 + A S1^-alpha: a power of the area under the schedule, blind to how rates fall."""

    key: ClassVar[str] = "power"
    amplitudes: ClassVar[tuple[str, ...]] = ("L0", "A")
    source: ClassVar[str] = "the first two terms of Tissue et al. 2024, arXiv:2408.11029"
    grid: ClassVar[Mapping[str, tuple[float, ...]]] = {"alpha": (0.25, 0.4, 0.55, 0.8)}

    L0: float
    A: float
    alpha: float

    def __call__(self, history: ScheduleHistory) -> Numbers:
        """Return the loss (n,) [nats/token]."""
        return np.asarray(self.L0 + self.A * history.area**-self.alpha)

    def gain(self, history: ScheduleHistory) -> Numbers:
        """Return what falls of the rate take off the loss (n,): nothing."""
        return np.zeros(history.steps.size)

    def slopes(self, history: ScheduleHistory) -> Numbers:
        """Return the slopes (p, n) of the loss."""
        term = history.area**-self.alpha
        return np.stack([np.ones_like(term), term, -self.A * term * np.log(history.area)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Annealing:
    r"""L = L0 + A S1^-alpha - C S2: falls of the rate count by their area, with a memory.

    S2 sums m_i = memory m_(i-1) + eta_(i-1) - eta_i, from the end of warm-up on.
    """

    key: ClassVar[str] = "annealing"
    amplitudes: ClassVar[tuple[str, ...]] = ("L0", "A", "C")
    source: ClassVar[str] = "Tissue et al. 2024, arXiv:2408.11029, eq. 1"
    grid: ClassVar[Mapping[str, tuple[float, ...]]] = {
        "alpha": (0.25, 0.4, 0.55, 0.8),
        "memory": (0.98, 0.995, 0.998, 0.9995),
    }

    L0: float
    A: float
    alpha: float
    C: float
    memory: float

    def __call__(self, history: ScheduleHistory) -> Numbers:
        """Return the loss (n,) [nats/token]."""
        return np.asarray(self.L0 + self.A * history.area**-self.alpha - self.gain(history))

    def gain(self, history: ScheduleHistory) -> Numbers:
        """Return what falls of the rate take off the loss (n,)."""
        return self.C * history.annealed(self.memory)[0]

    def slopes(self, history: ScheduleHistory) -> Numbers:
        """Return the slopes (p, n) of the loss."""
        annealed, slope = history.annealed(self.memory)
        base = AreaPower(L0=self.L0, A=self.A, alpha=self.alpha).slopes(history)
        return np.concatenate([base, [-annealed, -self.C * slope]])


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiPower:
    r"""L = L0 + A S1^-alpha - B sum_k (eta_(k-1) - eta_k) G(eta_k^-gamma S_k), k over changes.

    G(x) = 1 - (1 + C x)^-beta, and S_k is the area since change k. Rises of warm-up count too,
    as in the authors' own fits.
    """

    key: ClassVar[str] = "multi-power"
    amplitudes: ClassVar[tuple[str, ...]] = ("L0", "A", "B")
    source: ClassVar[str] = "Luo et al. 2025, arXiv:2503.12811"
    grid: ClassVar[Mapping[str, tuple[float, ...]]] = {
        "alpha": (0.25, 0.4, 0.55, 0.8), "C": (0.3, 2.0, 12.0), "beta": (0.3, 0.6, 1.2),
        "gamma": (0.3, 0.6, 0.9),
    }  # fmt: skip

    L0: float
    A: float
    alpha: float
    B: float
    C: float
    beta: float
    gamma: float

    def __call__(self, history: ScheduleHistory) -> Numbers:
        """Return the loss (n,) [nats/token]."""
        gain = np.concatenate([v @ f for _, v, f in self._kernel(history)])
        return np.asarray(self.L0 + self.A * history.area**-self.alpha - self.B * gain)

    def gain(self, history: ScheduleHistory) -> Numbers:
        """Return what falls of the rate after warm-up take off the loss (n,)."""
        after = ~history.changes.warming
        return self.B * np.concatenate([v @ (f * after) for _, v, f in self._kernel(history)])

    def slopes(self, history: ScheduleHistory) -> Numbers:
        """Return the slopes (p, n) of the loss."""
        parts = []
        log_rate = np.log(history.changes.rate)
        for grown, gain, fall in self._kernel(history):
            complement = 1 - gain
            # d gain / d log C; with the log of the rate it is d gain / d gamma too
            slope_C = self.beta * complement * grown / (1 + grown)
            gamma = -slope_C @ (fall * log_rate)
            rows = (gain @ fall, slope_C @ fall, (complement * np.log1p(grown)) @ fall, gamma)
            parts.append(np.stack(rows))
        gain, by_C, by_beta, by_gamma = np.concatenate(parts, axis=1)
        base = AreaPower(L0=self.L0, A=self.A, alpha=self.alpha).slopes(history)
        by = (by_C / self.C, by_beta, by_gamma)
        return np.concatenate([base, [-gain], [-self.B * slope for slope in by]])

    def _kernel(self, history: ScheduleHistory) -> Iterator[tuple[Numbers, Numbers, Numbers]]:
        """Yield C x and G(x) for some steps by all changes (m, k), and the falls (k,)."""
        changes = history.changes
        steep = self.C * changes.rate**-self.gamma
        at_once = max(1, CELLS // max(1, changes.fall.size))
        for first in range(0, history.steps.size, at_once):
            part = slice(first, first + at_once)
            since = history.area[part, None] - changes.area
            index = np.arange(history.steps.size)[part, None]
            since = np.where(index >= changes.drop, since, 0.0)
            grown = steep * since
            yield grown, -np.expm1(-self.beta * np.log1p(grown)), changes.fall


Form: TypeAlias = AreaPower | Annealing | MultiPower

SHARES = frozenset({"memory"})  # parameters between 0 and 1


@dataclass(frozen=True, slots=True)
class PublishedCurve:
    """Constants that somebody printed for one model, and on what they were fitted."""

    name: str
    law: Form
    source: str
    fitted_on: str

    @property
    def key(self) -> str:
        """The name: "multi-power/luo2025-25M"."""
        return f"{self.law.key}/{self.name}"


_LUO = "arXiv:2503.12811, constants released with the paper's code"
_ON = (
    "24,000 steps of a cosine and of a constant rate, 16,000 with a drop to 9e-5; peak 3e-4, "
    "warm-up of 2,160 steps"
)

PUBLISHED: Mapping[str, PublishedCurve] = {
    curve.key: curve
    for curve in (
        PublishedCurve(
            "luo2025-25M",
            MultiPower(
                L0=3.04045406,
                A=0.52468604,
                alpha=0.50786857,
                B=363.78751622,
                C=2.06560812,
                beta=0.58279013,
                gamma=0.64142257,
            ),
            _LUO,
            _ON,
        ),
        PublishedCurve(
            "luo2025-100M",
            MultiPower(
                L0=2.6514477,
                A=0.60115152,
                alpha=0.45295811,
                B=437.9464276,
                C=2.13245612,
                beta=0.59785199,
                gamma=0.65523644,
            ),
            _LUO,
            _ON,
        ),
        PublishedCurve(
            "luo2025-400M",
            MultiPower(
                L0=2.37474466,
                A=0.65421216,
                alpha=0.42878731,
                B=523.42464371,
                C=2.02462735,
                beta=0.59350493,
                gamma=0.63472457,
            ),
            _LUO,
            _ON,
        ),
    )
}


@dataclass(frozen=True, slots=True)
class FormChoice:
    """A form as it is fitted: which of its parameters are held, and at what."""

    key: str
    kind: type[Form]
    fixed: Mapping[str, float]
    summary: str

    @property
    def free(self) -> tuple[str, ...]:
        """The names of the parameters that are fitted, in the order of the form."""
        names = (f.name for f in dataclasses.fields(self.kind))
        return tuple(k for k in names if k not in self.fixed)


# Few curves cannot tell three exponents of G apart; from 25M to 400M they were nearly the same.
_SHAPE = {k: getattr(PUBLISHED["multi-power/luo2025-400M"].law, k) for k in ("C", "beta", "gamma")}

CHOICES: Mapping[str, FormChoice] = {
    c.key: c
    for c in (
        FormChoice("annealing", Annealing, {}, "L0 + A S1^-alpha - C S2"),
        FormChoice(
            "multi-power",
            MultiPower,
            _SHAPE,
            "L0 + A S1^-alpha - B sum of falls times G, the shape of G as published at 400M",
        ),
        FormChoice("multi-power-free", MultiPower, {}, "the same, the shape of G fitted too"),
        FormChoice("power", AreaPower, {}, "L0 + A S1^-alpha, blind to how the rate falls"),
    )
}


def choice(key: str) -> FormChoice:
    """Return the law of schedules called `key`; raises UnknownName, which names the nearest."""
    if key not in CHOICES:
        raise UnknownName("law of schedules", key, CHOICES)
    return CHOICES[key]
