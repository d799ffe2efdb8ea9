"""How a run under way will end: from its curve so far, and from runs that were made before."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from isoflop.errors import CannotFit, RefusedByData
from isoflop.fitting.result import Interval
from isoflop.schedules.collapse import collapsed, templates
from isoflop.schedules.curves import LossCurve
from isoflop.schedules.fitting import fit
from isoflop.schedules.forms import Form
from isoflop.schedules.history import COARSE, grouped
from isoflop.schedules.prior import Updated, updated
from isoflop.schedules.rates import Schedule

# The scatter of a forecast is FLOOR and a share of the drop that is still owed, in logs. The
# shares were measured by backtest, whole families left out: benchmarks/bench_intervals.py.
FLOOR = 0.0025  # what seeds of one recipe differ by at the end
OWED, OWED_ALONE = 0.175, 0.35  # with earlier runs, and without
FEWEST = 5  # points after warm-up
KEYS = ("annealing", "multi-power")


@dataclass(frozen=True, eq=False)
class EarlierRuns:
    """Runs that were made before: for each model, its curves, which one law may be fitted to."""

    models: tuple[tuple[LossCurve, ...], ...]

    @cached_property
    def laws(self) -> tuple[Mapping[str, Form], ...]:
        """The laws by key, fitted to each model's curves; none where they cannot be."""
        return tuple({k: law for k in KEYS if (law := _fitted(k, c))} for c in self.models)

    def nearest(self, partial: LossCurve) -> int | None:
        """Return the place of the model whose law is nearest to a partial curve, None without."""
        apart: dict[int, float] = {}
        for place, laws in enumerate(self.laws):
            for law in laws.values():
                log_ratio = np.log(partial.loss / law(grouped(partial.schedule, partial.steps)))
                apart[place] = min(apart.get(place, math.inf), float(np.abs(log_ratio).mean()))
        return min(apart, key=lambda place: apart[place]) if apart else None


@dataclass(frozen=True, eq=False)
class Ending:
    """The last loss of a run under way; `members` are what each way of looking says.

    `sd` is that of the log. `owed` is the drop from the last loss to the forecast, in logs.
    `grounds` says in words what it stands on.
    """

    value: float
    sd: float
    owed: float
    members: Mapping[str, float]
    grounds: str
    schedule: Schedule
    laws: tuple[Updated, ...]

    def interval(self, level: float = 0.9) -> Interval:
        """Return the central interval of the last loss."""
        from statistics import NormalDist

        half = NormalDist().inv_cdf((1 + level) / 2) * self.sd
        return Interval(self.value * math.exp(-half), self.value * math.exp(half))

    def elsewhere(self, schedule: Schedule) -> float | None:
        """Return the last loss had the run another schedule from here on; None without a law."""
        if not self.laws:
            return None
        changes = [u.log_end(schedule) - u.log_end(self.schedule) for u in self.laws]
        return self.value * math.exp(float(np.mean(changes)))


def ending(partial: LossCurve, earlier: EarlierRuns | None = None) -> Ending:
    """Return the forecast of the last loss of a run whose schedule is known to its end.

    `earlier` are runs made before, of other sizes or schedules.
    Raises RefusedByData while the decay is unseen and there are no earlier runs, and for too few
    points: such forecasts came out 3 to 5 % too high.
    """
    if partial.steps.size < FEWEST:
        raise RefusedByData(
            f"{partial.steps.size} losses after warm-up are too few for a forecast; it takes "
            f"{FEWEST}"
        )
    place = earlier.nearest(partial) if earlier is not None else None
    if earlier is None or place is None:
        return _alone(partial)
    laws = {k: updated(k, law, partial) for k, law in earlier.laws[place].items()}
    ends = {k: law.log_end(partial.schedule) for k, law in laws.items()}
    shapes = templates(partial.schedule, earlier.models[place])
    if not shapes:
        shapes = templates(partial.schedule, [c for m in earlier.models for c in m])
    drops = [end for c in shapes if (end := collapsed(partial, c)) is not None]
    if drops:
        ends["collapse"] = float(np.mean(drops))
        if "multi-power" in ends:  # where a template is, the annealing law was no help
            ends.pop("annealing", None)
    names = ", ".join(dict.fromkeys(c.name for c in earlier.models[place]))
    grounds = f"earlier runs ({names[:200]}): {' and '.join(ends)}"
    return _ending(partial, ends, OWED, grounds, tuple(laws[k] for k in ends if k in laws))


def _alone(partial: LossCurve) -> Ending:
    """Return the forecast of a curve by itself, once its decay is seen."""
    rates = partial.schedule.rates
    rest = rates[partial.steps[-1] :]
    if not partial.falls and rest.min() < 0.9 * rates[partial.steps[-1]]:
        raise RefusedByData(
            "the rate has not fallen yet, and nothing tells what its fall will be worth: forecasts "
            "made here came out 3 to 5 % too high. Give earlier runs of this recipe that decayed "
            "(--ladder), of any size, or wait for the decay"
        )
    fits: dict[str, Form] = {}
    for keys in (KEYS, ("power",)) if partial.falls else (("power",),):
        fits = fits or {k: law for k in keys if (law := _fitted(k, (partial,))) is not None}
    if not fits:
        raise CannotFit("no law of schedules comes near this curve; look at it for spikes")
    last = np.array([partial.schedule.steps])
    ends = {
        k: float(np.log(law(grouped(partial.schedule, last, COARSE))[0])) for k, law in fits.items()
    }
    return _ending(partial, ends, OWED_ALONE, f"this curve alone: {' and '.join(ends)}", ())


def _ending(
    partial: LossCurve,
    ends: Mapping[str, float],
    share: float,
    grounds: str,
    laws: tuple[Updated, ...],
) -> Ending:
    ends = {key: end for key, end in ends.items() if math.isfinite(end)}
    if not ends:
        raise CannotFit("no law of schedules carries this curve to its end; look at it for spikes")
    centre = float(np.mean(list(ends.values())))
    recent = float(np.median(np.log(partial.loss[-3:])))
    owed = max(0.0, recent - centre)
    return Ending(
        value=math.exp(centre),
        sd=math.hypot(FLOOR, share * owed),
        owed=owed,
        members={k: math.exp(end) for k, end in ends.items()},
        grounds=grounds,
        schedule=partial.schedule,
        laws=laws,
    )


def _fitted(key: str, curves: Sequence[LossCurve]) -> Form | None:
    """Return a law fitted to curves, None where they cannot tell it."""
    try:
        return fit(key, curves).law
    except RefusedByData:
        return None
