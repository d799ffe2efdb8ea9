"""Several laws of the loss along schedules: judged by held-out curves, and carried to others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from isoflop.errors import Notes, UnknownName, UsageError
from isoflop.quantities import refuse_draws
from isoflop.report.display import Displayed
from isoflop.schedules.curves import LossCurve
from isoflop.schedules.fitting import ScheduleFit, fit
from isoflop.schedules.forecast import (
    Decays,
    HeldOutCurve,
    ScheduleForecast,
    ahead,
    best_decay,
    each_held_out,
    held_out,
)
from isoflop.schedules.rates import Schedule, ScheduleSpec

FEWEST_DRAWS = 20


@dataclass(frozen=True, eq=False)
class ScheduleFits(Displayed):
    """Laws by name, fitted to `curves` and held against `held_out`; errors at `level`.

    Where no curve is held out, `errors` are of each that decays, held out in turn.
    """

    curves: tuple[LossCurve, ...]
    held_out: tuple[LossCurve, ...]
    fits: Mapping[str, ScheduleFit]
    errors: tuple[HeldOutCurve, ...]
    draws: int
    level: float
    seed: int

    @property
    def every_curve(self) -> tuple[LossCurve, ...]:
        """The curves that were fitted, and those held out."""
        return (*self.curves, *self.held_out)

    @property
    def notes(self) -> Notes:
        """What the fits and the curves doubt."""
        return (*doubts(self.fits.values()), *(n for c in self.every_curve for n in c.notes))


@dataclass(frozen=True, eq=False)
class SchedulePredictions(Displayed):
    """The loss along schedules that were not run, by every law, and best lengths of decays."""

    curves: tuple[LossCurve, ...]
    fits: tuple[ScheduleFit, ...]
    schedules: tuple[Schedule, ...]
    forecasts: tuple[ScheduleForecast, ...]
    decays: tuple[Decays, ...]
    level: float

    @property
    def notes(self) -> Notes:
        """Each remark once: of laws on schedules, then on lengths of decay."""
        every = [*(a.notes for a in self.forecasts), *(d.notes for d in self.decays)]
        return tuple(dict.fromkeys(note for notes in every for note in notes))


def fit_schedules(
    curves: Sequence[LossCurve],
    laws: Sequence[str] = ("annealing", "multi-power", "power"),
    *,
    hold_out: Sequence[str] = (),
    draws: int = 100,
    level: float = 0.9,
    seed: int = 0,
) -> ScheduleFits:
    """Return laws of the loss along a schedule, judged by curves held out by name.

    Raises UsageError for too few draws, UnknownName for a curve or a law that is not there.
    """
    refuse_few_draws(draws, level)
    train, judges = _apart(curves, hold_out)
    fits = {key: fit(key, train, draws=draws, seed=seed) for key in dict.fromkeys(laws)}
    if judges:
        errors = tuple(held_out(f, c, level, seed) for f in fits.values() for c in judges)
    else:
        errors = each_held_out(tuple(fits), train)
    return ScheduleFits(
        curves=train,
        held_out=judges,
        fits=fits,
        errors=errors,
        draws=draws,
        level=level,
        seed=seed,
    )


def predict_schedules(
    curves: Sequence[LossCurve],
    to: Sequence[Schedule | ScheduleSpec],
    laws: Sequence[str] = ("annealing", "multi-power"),
    *,
    draws: int = 100,
    level: float = 0.9,
    seed: int = 0,
) -> SchedulePredictions:
    """Return the loss along schedules by laws fitted to curves; an open decay is searched.

    Raises UsageError for too few draws, and for an open decay where every law is blind to it.
    """
    refuse_few_draws(draws, level)
    fits = tuple(fit(key, curves, draws=draws, seed=seed) for key in dict.fromkeys(laws))
    open_ = [one for one in to if isinstance(one, ScheduleSpec) and one.open]
    decays = tuple(best_decay(f, r) for r in open_ for f in fits if f.choice.key != "power")
    schedules = tuple(_named([_settled(one, decays) for one in to]))
    forecasts = tuple(ahead(f, s, level=level, seed=seed) for s in schedules for f in fits)
    return SchedulePredictions(tuple(curves), fits, schedules, forecasts, decays, level)


def refuse_few_draws(draws: int, level: float) -> None:
    """Refuse draws too few for an interval, and a level that is none."""
    if 0 < draws < FEWEST_DRAWS:
        raise UsageError(f"--draws is {draws}; an interval needs {FEWEST_DRAWS}, or 0 for none")
    refuse_draws(draws, level)


def doubts(fits: Iterable[ScheduleFit]) -> Notes:
    """Return what fits doubt, each remark once with the laws that it is about."""
    several = tuple(fits)
    notes = dict.fromkeys(note for f in several for note in f.notes)
    about = {n: ", ".join(f.choice.key for f in several if n in f.notes) for n in notes}
    return tuple(note.of(keys) for note, keys in about.items())


def _apart(
    curves: Sequence[LossCurve], names: Sequence[str]
) -> tuple[tuple[LossCurve, ...], tuple[LossCurve, ...]]:
    """Return the curves to fit, and those that are held out by name."""
    names_there = [c.name for c in curves]
    for name in names:
        if name not in names_there:
            raise UnknownName("curve", name, names_there)
    judges = tuple(c for c in curves if c.name in names)
    return tuple(c for c in curves if c.name not in names), judges


def _named(settled: Sequence[Schedule | ScheduleSpec]) -> list[Schedule]:
    """Return schedules under short names, or whole ones where two short ones are the same."""
    short = [s.short if isinstance(s, ScheduleSpec) else s.name for s in settled]
    return [
        s.schedule(str(s) if short.count(name) > 1 else name) if isinstance(s, ScheduleSpec) else s
        for name, s in zip(short, settled, strict=True)
    ]


def _settled(one: Schedule | ScheduleSpec, decays: Sequence[Decays]) -> Schedule | ScheduleSpec:
    """Return a schedule, its decay that of the first law where it was left open."""
    if not isinstance(one, ScheduleSpec) or not one.open:
        return one
    best = next((d.best for d in decays if d.recipe == one), None)
    if best is None:
        raise UsageError("the law 'power' is blind to decays; ask 'annealing' or 'multi-power'")
    return best
