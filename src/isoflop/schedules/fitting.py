"""A law of schedules fitted to loss curves: Huber's loss of logs, many starts, blocks drawn anew.

Array suffixes: s rows (starts or draws), p parameters, n points of all curves.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, Note
from isoflop.fitting.objective import Huber
from isoflop.fitting.resample import signs
from isoflop.fitting.result import Interval, quantiles
from isoflop.fitting.solve import Damping, solve
from isoflop.quantities import refuse_count
from isoflop.report.display import Displayed
from isoflop.schedules.curves import LossCurve
from isoflop.schedules.forms import SHARES, AreaPower, Form, FormChoice, MultiPower, choice
from isoflop.schedules.history import COARSE, FINE, ScheduleHistory, grouped

MOST_DRAWS = 1000  # each is a fit of its own: ten times the usual
POLISHED = 4  # starts that are followed to their optimum
BLOCKS = 8  # stretches of a curve whose residuals share their luck
AGREE = 1e-3  # relative excess of the objective within which two starts found the same optimum
PEAK_HELD = 3e-4  # peak of the runs that the held shape of G is from
FAR = 0.03  # residual of a log loss at which a law does not describe its curves
EXACT = 1e-12  # an objective that only rounding keeps from zero
OBJECTIVE = Huber(1e-3)
REWEIGHED = 4  # rounds of least squares, each with the weights of what the last one missed


@dataclass(frozen=True, eq=False)
class ScheduleFit(Displayed):
    """A law fitted to curves; `draws` are refits with signs of blocks of residuals drawn anew.

    `agree` says how many of the starts that were followed ended at the same optimum.
    """

    choice: FormChoice
    law: Form
    draws: tuple[Form, ...]
    curves: tuple[LossCurve, ...]
    value: float
    agree: int
    notes: tuple[Note, ...] = ()

    def residuals(self) -> Numbers:
        """Return log of observed over fitted loss (n,), curve after curve."""
        return np.concatenate(
            [np.log(c.loss / self.law(grouped(c.schedule, c.steps))) for c in self.curves]
        )

    def interval(self, name: str, level: float) -> Interval:
        """Return the central interval of a parameter over the draws."""
        values = np.array([getattr(law, name) for law in self.draws])
        return quantiles(values if self.draws else None, level)


@dataclass(frozen=True, eq=False)
class ScheduleProblem:
    """A choice held against the logs of losses (n,) of curves, in logs or logits of parameters."""

    choice: FormChoice
    histories: tuple[ScheduleHistory, ...]
    log_loss: Numbers

    def law(self, z_p: Numbers) -> Form:
        """Return the law of a point (p,)."""
        params = {k: _leave(k, float(z)) for k, z in zip(self.choice.free, z_p, strict=True)}
        return self.choice.kind(**params, **self.choice.fixed)

    def point(self, law: Form) -> Numbers:
        """Return the logs, or logits, of the free parameters of a law (p,)."""
        return np.array([_enter(k, getattr(law, k)) for k in self.choice.free])

    def slopes(self, law: Form) -> Mapping[str, Numbers]:
        """Return the slope (n,) of the loss along every parameter."""
        rows = np.concatenate([law.slopes(h) for h in self.histories], axis=1)
        return dict(zip((f.name for f in dataclasses.fields(law)), rows, strict=True))

    def __call__(self, z_sp: Numbers) -> tuple[Numbers, Numbers]:
        """Return residuals r_sn and their slopes J_spn."""
        r_sn = np.full((len(z_sp), self.log_loss.size), np.nan)
        J_spn = np.zeros((*z_sp.shape, self.log_loss.size))
        for s, z_p in enumerate(z_sp):
            with np.errstate(all="ignore"):
                law = self.law(z_p)
                slopes = self.slopes(law)
                loss = sum(getattr(law, k) * slopes[k] for k in law.amplitudes)
                J_pn = [_slope(k, getattr(law, k)) * slopes[k] / loss for k in self.choice.free]
                r_n = np.log(loss) - self.log_loss
            if np.isfinite(J_pn).all() and np.isfinite(r_n).all():
                r_sn[s], J_spn[s] = r_n, J_pn
        return r_sn, J_spn


def fit(key: str, curves: Sequence[LossCurve], *, draws: int = 0, seed: int = 0) -> ScheduleFit:
    """Return the law called `key` fitted to curves of one model, data and batch.

    Starts are every point of a grid of exponents, with amplitudes by linear least squares; the
    best are followed. Raises CannotFit where curves cannot tell.
    """
    refuse_count("draws", draws, 0, MOST_DRAWS)
    which = choice(key)
    _refuse_blind(which, curves)
    coarse, fine = (pose(which, curves, stretches) for stretches in (COARSE, FINE))
    once = np.ones((1, coarse.log_loss.size))
    ended = solve(coarse, _starts(coarse), once, OBJECTIVE, damping=Damping(passes=60))
    best = int(np.argmin(ended.value_s))
    agree = int((ended.value_s <= ended.value_s[best] * (1 + AGREE) + EXACT).sum())
    final = solve(fine, ended.z_sp[[best]], once, OBJECTIVE, damping=Damping(near=True, passes=60))
    # draws are made on the coarse problem, and moved by what the fine one makes of its optimum
    moved = final.z_sp[0] - ended.z_sp[best]
    z_sp = _draws(coarse, ended.z_sp[best], curves, draws, seed) + moved
    law, missed = fine.law(final.z_sp[0]), float(np.sqrt((fine(final.z_sp)[0] ** 2).mean()))
    return ScheduleFit(
        choice=which,
        law=law,
        draws=tuple(map(fine.law, z_sp)),
        curves=tuple(curves),
        value=float(final.value_s[0]),
        agree=agree,
        notes=_notes(which, law, curves, agree, missed),
    )


def pose(which: FormChoice, curves: Sequence[LossCurve], stretches: int) -> ScheduleProblem:
    """Return a choice held against curves, their changes of rate joined into some stretches."""
    histories = tuple(grouped(c.schedule, c.steps, stretches) for c in curves)
    return ScheduleProblem(which, histories, np.log(np.concatenate([c.loss for c in curves])))


def _starts(problem: ScheduleProblem) -> Numbers:
    """Return the best starts (s, p) of the grid."""
    grid = {k: v for k, v in problem.choice.kind.grid.items() if k in problem.choice.free}
    candidates: list[tuple[float, Numbers]] = []
    for point in itertools.product(*grid.values()):
        law = _linear(problem, dict(zip(grid, point, strict=True)))
        if law is not None:
            loss = np.concatenate([law(h) for h in problem.histories])
            value = OBJECTIVE.loss(np.log(loss) - problem.log_loss).sum()
            candidates.append((float(value), problem.point(law)))
    if not candidates:
        raise CannotFit(
            f"no {problem.choice.key} law comes near these curves: they do not fall with the area "
            "under the rates, do not fall more where rates fall, or hold too many spikes; look at "
            "them, and cut out what is not training"
        )
    candidates.sort(key=lambda pair: pair[0])
    return np.stack([z_p for _, z_p in candidates[:POLISHED]])


def _linear(problem: ScheduleProblem, at: Mapping[str, float]) -> Form | None:
    """Return the law with exponents as given, amplitudes about best; None if one is < 0.

    Squares are weighted towards Huber's loss: alone they let a few spikes turn a sign.
    """
    values = {**problem.choice.fixed, **at}
    free = [k for k in problem.choice.free if k not in values]
    law = problem.choice.kind(**values, **dict.fromkeys(free, 1.0))
    slopes = problem.slopes(law)
    columns = np.stack([slopes[k] for k in free], axis=1)
    loss = np.exp(problem.log_loss)
    weight = 1 / loss
    for _ in range(REWEIGHED):
        amplitudes = np.linalg.lstsq(columns * weight[:, None], loss * weight, rcond=None)[0]
        weight = np.sqrt(OBJECTIVE.weight(columns @ amplitudes / loss - 1)) / loss
    if (amplitudes <= 0).any() or (columns @ amplitudes <= 0).any():
        return None
    return problem.choice.kind(**values, **dict(zip(free, amplitudes.tolist(), strict=True)))


def _draws(
    problem: ScheduleProblem, z_p: Numbers, curves: Sequence[LossCurve], draws: int, seed: int
) -> Numbers:
    """Return refits (s, p) to curves whose blocks of residuals have their signs drawn anew."""
    if not draws:
        return np.empty((0, z_p.size))
    r_sn, _ = problem(z_p[None])
    blocks = np.concatenate(
        [i * BLOCKS + np.arange(c.loss.size) * BLOCKS // c.loss.size for i, c in enumerate(curves)]
    )
    sign_sn = signs(np.random.default_rng(seed), blocks, draws)
    # a draw sees law - sign * residual, which lies above the data by residual * (1 - sign)
    return solve(
        problem,
        np.tile(z_p, (draws, 1)),
        np.ones((1, r_sn.shape[1])),
        OBJECTIVE,
        raised_sn=r_sn * (1 - sign_sn),
        damping=Damping(near=True, passes=15),
    ).z_sp


def _refuse_blind(which: FormChoice, curves: Sequence[LossCurve]) -> None:
    """Refuse curves that cannot tell what a fall of the rate is worth."""
    if not curves:
        raise CannotFit("no curve is left to fit; hold fewer out")
    if which.kind is not AreaPower and not any(c.falls for c in curves):
        names = ", ".join(c.name for c in curves)
        raise CannotFit(
            f"the rate never falls in {names}, so nothing tells what a fall is worth; add a curve "
            "with a decay, such as a cosine, or fit the law 'power', which is blind to it"
        )


def _notes(
    which: FormChoice, law: Form, curves: Sequence[LossCurve], agree: int, missed: float
) -> tuple[Note, ...]:
    """Return what a reader must know before the numbers; `missed` is the typical residual."""
    notes: list[Note] = []
    if missed > FAR:
        notes.append(
            Note(
                "doubt",
                "misfit",
                f"it misses the curves that it was fitted to by {missed:.1%} (root mean square): "
                f"they "
                "are too noisy, or hold spikes or other than a decaying rate explains",
            )
        )
    if which.kind is not AreaPower and all(c.falls for c in curves):
        notes.append(
            Note(
                "doubt",
                "design",
                "every curve ends in a decay: what falls are worth is told from what steps are "
                "worth "
                "by the bend of the curves alone; a run at a constant rate settles it",
            )
        )
    if rising := [c.name for c in curves if c.rises]:
        notes.append(
            Note(
                "doubt",
                "schedule",
                f"the rate rises again after warm-up in {', '.join(rising)}: these forms were "
                f"tried on "
                "rates that fall",
            )
        )
    if agree < 2:
        notes.append(
            Note(
                "doubt",
                "starts",
                "no two starts agree on the best fit; its parameters may be a chance find",
            )
        )
    if isinstance(law, MultiPower) and not which.fixed and min(law.C, law.beta) < 0.05:
        notes.append(
            Note(
                "doubt",
                "shape",
                f"C = {law.C:.2g} and beta = {law.beta:.2g}: the curves cannot tell the shape of "
                f"G; "
                "take 'multi-power', which holds it as published",
            )
        )
    peak = max(c.schedule.peak for c in curves)
    if which.key == "multi-power" and not PEAK_HELD / 3 <= peak <= PEAK_HELD * 3:
        notes.append(
            Note(
                "doubt",
                "peak",
                f"the shape of G is held as published for Adam at a peak of {PEAK_HELD:g}, and "
                f"these "
                f"curves peak at {peak:g}: trust 'annealing' or, with three decays, "
                f"'multi-power-free'",
            )
        )
    return tuple(notes)


def _enter(name: str, value: float) -> float:
    return float(np.log(value / (1 - value)) if name in SHARES else np.log(value))


def _leave(name: str, z: float) -> float:
    return float(1 / (1 + np.exp(-z)) if name in SHARES else np.exp(np.clip(z, -300, 300)))


def _slope(name: str, value: float) -> float:
    return value * (1 - value) if name in SHARES else value
