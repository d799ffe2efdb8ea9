"""The loss of a schedule that was not run, what it may miss by, and the best length of a decay."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from isoflop.arrays import Integers, Numbers
from isoflop.errors import Note, UsageError
from isoflop.fitting.result import Interval
from isoflop.report.display import Displayed
from isoflop.schedules.curves import LossCurve
from isoflop.schedules.fitting import ScheduleFit, fit
from isoflop.schedules.forms import Form
from isoflop.schedules.history import COARSE, ScheduleHistory, grouped
from isoflop.schedules.rates import Schedule, ScheduleSpec, decaying

# Refits to resampled residuals hold a tenth to a quarter of what other schedules turn out at: the
# forms themselves are a little wrong. On nine schedules of models of 25M and 100M (Luo et al.
# 2025), laws of one constant and one falling curve missed by these shares (root mean square) of
# what falls take off the loss, and of what area beyond the data takes off. docs/schedules.md.
FALLS_MISSED, BEYOND_MISSED = 0.17, 0.08
ALONG = 160  # steps at which a schedule's loss is asked
FALLS_TRIED = 40  # lengths of decay that are tried, evenly in logs
NEARLY = 1e-3  # nats/token that a decay may lose and still be as good as the best
OFF_PEAK = 0.05  # share by which a peak may differ from those that were fitted, unremarked


@dataclass(frozen=True, eq=False)
class ScheduleForecast(Displayed):
    """The loss (n,) of a schedule at `steps` (n,) by a fitted law, and its draws (s, n).

    Draws hold the refits, what the form may miss, and the scatter of single measurements.
    """

    fit: ScheduleFit
    schedule: Schedule
    steps: Integers
    loss: Numbers
    draws: Numbers
    level: float

    @cached_property
    def band(self) -> Numbers:
        """The low and high end (2, n) of the interval at every step; NaN without draws."""
        if not len(self.draws):
            return np.full((2, self.steps.size), np.nan)
        tail = (1 - self.level) / 2
        return np.asarray(np.quantile(self.draws, [tail, 1 - tail], axis=0))

    @property
    def end(self) -> Interval:
        """The interval of the loss at the last step."""
        return Interval(float(self.band[0, -1]), float(self.band[1, -1]))

    @property
    def notes(self) -> tuple[Note, ...]:
        """What lies beyond the curves that were fitted."""
        peaks = [c.schedule.peak for c in self.fit.curves]
        area, most = float(self.schedule.rates.sum()), max(c.area for c in self.fit.curves)
        notes = []
        if self.steps[-1] < (first := min(int(c.steps[0]) for c in self.fit.curves)):
            notes.append(
                Note(
                    "doubt",
                    "distance",
                    f"{self.schedule.name} ends at step {int(self.steps[-1]):,}, before the first "
                    f"loss "
                    f"that was fitted, at {first:,}: extrapolation",
                )
            )
        if not min(peaks) * (1 - OFF_PEAK) <= self.schedule.peak <= max(peaks) * (1 + OFF_PEAK):
            notes.append(
                Note(
                    "doubt",
                    "peak",
                    f"{self.schedule.name} peaks at {self.schedule.peak:g}, and the curves at "
                    f"{min(peaks):g} to {max(peaks):g}: these laws know nothing of too high or "
                    f"too low "
                    "a rate, so take it as a guess",
                )
            )
        if area > 1.05 * most:
            notes.append(
                Note(
                    "doubt",
                    "distance",
                    f"{self.schedule.name} reaches {area / most:.1f} times the area under the "
                    f"rates "
                    "of any curve that was fitted: extrapolation",
                )
            )
        return tuple(notes)


def ahead(
    fit: ScheduleFit,
    schedule: Schedule,
    *,
    steps: Integers | None = None,
    level: float = 0.9,
    seed: int = 0,
) -> ScheduleForecast:
    """Return the loss along a schedule, at its last step among others, unless `steps` are given."""
    if steps is None:
        grid = np.linspace(schedule.warmup + 1, schedule.steps, ALONG)
        steps = np.unique(np.round(grid).astype(np.int64))
    exact = fit.law(ScheduleHistory(schedule, steps))
    # what the form misses differs from schedule to schedule, and is drawn for each
    rng = np.random.default_rng((seed, zlib.crc32(schedule.name.encode())))
    draws = _drawn(fit, grouped(schedule, steps, COARSE), exact, rng)
    residuals = fit.residuals()
    return ScheduleForecast(
        fit, schedule, steps, exact, draws * np.exp(rng.choice(residuals, (len(draws), 1))), level
    )


def _drawn(
    fit: ScheduleFit, history: ScheduleHistory, exact: Numbers, rng: np.random.Generator
) -> Numbers:
    """Return draws (s, n) of the loss: refits, each with what its form may miss."""
    if not fit.draws:
        return np.empty((0, exact.size))
    laws = np.stack([law(history) for law in fit.draws]) * (exact / fit.law(history))
    missed = rng.standard_normal((2, len(laws), 1)) * [[[FALLS_MISSED]], [[BEYOND_MISSED]]]
    falls, beyond = fit.law.gain(history), _beyond(fit.law, fit.curves, history)
    return np.asarray(laws - missed[0] * falls - missed[1] * beyond)


def _beyond(law: Form, curves: Sequence[LossCurve], history: ScheduleHistory) -> Numbers:
    """Return what area beyond that of the curves takes off the loss (n,)."""
    most = max(c.area for c in curves)
    return np.asarray(law.A * np.maximum(0.0, most**-law.alpha - history.area**-law.alpha))


@dataclass(frozen=True, eq=False)
class HeldOutCurve(Displayed):
    """A curve that a law did not see, and what the law said of it."""

    key: str
    curve: LossCurve
    forecast: ScheduleForecast

    @property
    def error(self) -> Numbers:
        """Predicted minus observed loss (n,) [nats/token]."""
        return self.forecast.loss - self.curve.loss

    @property
    def r2(self) -> float:
        """The share of the curve's variance that is explained."""
        spread = self.curve.loss - self.curve.loss.mean()
        return float(1 - (self.error**2).sum() / (spread**2).sum())

    @property
    def mae(self) -> float:
        """The mean absolute error [nats/token]."""
        return float(np.abs(self.error).mean())

    @property
    def within(self) -> float:
        """The share of observed losses that the interval holds; NaN without draws."""
        low, high = self.forecast.band
        inside = (self.curve.loss >= low) & (self.curve.loss <= high)
        return float(inside.mean()) if len(self.forecast.draws) else float("nan")


def held_out(fit: ScheduleFit, curve: LossCurve, level: float = 0.9, seed: int = 0) -> HeldOutCurve:
    """Return what a fitted law says of a curve, held against it."""
    forecast = ahead(fit, curve.schedule, steps=curve.steps, level=level, seed=seed)
    return HeldOutCurve(fit.choice.key, curve, forecast)


def each_held_out(keys: Sequence[str], curves: Sequence[LossCurve]) -> tuple[HeldOutCurve, ...]:
    """Return every law against every falling curve in turn, fitted to the other curves.

    A law has no line for a curve without which nothing tells what a fall is worth.
    """
    results = []
    for curve in (c for c in curves if c.falls):
        others = [c for c in curves if c is not curve]
        if any(c.falls for c in others):
            results += [held_out(fit(key, others), curve) for key in keys]
    return tuple(results)


@dataclass(frozen=True, eq=False)
class Decays:
    """The last loss (m,) of a recipe by a law, for lengths of decay `falls` (m,) [steps].

    No interval goes with the best length: refits are far surer of it than the forms are right.
    """

    key: str
    recipe: ScheduleSpec
    falls: Integers
    loss: Numbers

    @property
    def best(self) -> ScheduleSpec:
        """The recipe with the decay that ends lowest."""
        return decaying(self.recipe, int(self.falls[int(self.loss.argmin())]))

    @property
    def good(self) -> tuple[int, int]:
        """The shortest and the longest decay that are nearly as good."""
        near = self.falls[self.loss <= self.loss.min() + NEARLY]
        return int(near[0]), int(near[-1])

    @property
    def notes(self) -> tuple[Note, ...]:
        """What is said of a best length that is the shortest or the longest tried."""
        if self.falls[0] < self.best.fall < self.falls[-1]:
            return ()
        return (
            Note(
                "doubt",
                "range",
                f"{self.key}: the last loss falls up to the end of the lengths tried, a decay of "
                f"{self.best.fall:,} steps: the curves do not tell the best one",
            ),
        )


def best_decay(fit: ScheduleFit, recipe: ScheduleSpec) -> Decays:
    """Return which length of decay ends a recipe lowest by a law, of 1 to 100 % of its steps.

    Raises UsageError for a law that is blind to falls of the rate.
    """
    if fit.choice.key == "power":
        raise UsageError("the law 'power' is blind to decays; ask 'annealing' or 'multi-power'")
    room = recipe.steps - recipe.warmup
    falls = np.unique(np.geomspace(max(1, room // 100), room, FALLS_TRIED).round().astype(np.int64))
    last = np.array([recipe.steps])
    # one history at a time: each holds an array per step
    ends = [
        fit.law(ScheduleHistory(decaying(recipe, int(fall)).schedule(), last))[0] for fall in falls
    ]
    return Decays(fit.choice.key, recipe, falls, np.array(ends))
