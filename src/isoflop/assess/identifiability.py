"""What runs can say of a law, and what they cannot: correlations, profiles, and gaps.

A profile holds one parameter at each value of a grid and fits the others again: the grid is one
batched solve, in which that parameter has no slope, so that it stays where its row began.
Suffixes: s rows, p free parameters, n runs, k values of a profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.assess.influence import Answer
from isoflop.errors import Note, RefusedByData
from isoflop.fitting import Fit, Interval, reopen, run_weights
from isoflop.fitting.noise import Noise, noise
from isoflop.fitting.problem import FitProblem
from isoflop.fitting.resample import Resampling
from isoflop.fitting.solve import descend
from isoflop.fitting.support import MissingSupport, gaps
from isoflop.law import Law
from isoflop.quantities import show
from isoflop.report.display import Displayed, number

# How far a profile goes, in standard errors of its parameter; beyond the last it is called open.
STEPS = np.array([0.25, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 7, 10, 15])
FURTHEST = 14.0  # in the solver's logs and logits: a share of 1e-6 of a range, or of the output
UNKNOWN = 10.0  # an answer that may be this many times larger or smaller is not known
CLOSER = 4  # values that are tried between the two where a profile passes the end of its interval
BLIND = 1e-12  # a variance, in logs, that says nothing: the parameter stands at a bound
TIED = 0.995  # correlation from which two parameters are known together only


@dataclass(frozen=True, eq=False)
class LikelihoodProfile(Displayed):
    """How well other values of one parameter fit, all others fitted again.

    `rise` (k,) is by how much the objective grows at `values` (k,), in units of its noise: it is
    1 at the ends of the `interval`, which is infinite, or at a bound, on a side where it stays
    below. `laws` holds the law at each value.
    """

    name: str
    values: Numbers
    rise: Numbers
    interval: Interval
    is_open: tuple[bool, bool]
    laws: Law


@dataclass(frozen=True, eq=False)
class Identified(Displayed):
    """What the runs behind a fit say of its parameters and answers, and what they do not.

    `correlations` (p, p) is of the free parameters in `names`; `weakest` says how much of each is
    in the direction that the runs see least. `answers` holds value, low and high of each answer
    over all profiles. `unknown` gives the reason for each number that the data cannot give.
    """

    names: tuple[str, ...]
    conditioning: float
    correlations: Numbers
    weakest: Mapping[str, float]
    profiles: tuple[LikelihoodProfile, ...]
    answers: Mapping[str, tuple[float, float, float]]
    unknown: Mapping[str, str]
    notes: tuple[Note, ...]
    fit: Fit[Any]

    def _facts(self) -> Iterator[str]:
        for profile in self.profiles:
            low, high = map(number, profile.interval)
            yield f"{profile.name} in [{low}, {high}]"
        if self.unknown:
            yield f"not known: {', '.join(self.unknown)}"


@np.errstate(all="ignore")  # far along a profile a law may have no value
def identify(
    fit: Fit[Any], answers: Mapping[str, Answer] | None = None, *, level: float | None = None
) -> Identified:
    """Return which parameters, and which `answers`, the runs behind a fit can give.

    An answer is a function of a law, such as `lambda law: law.optimum(1e24).N`.
    """
    problem, weights_n = reopen(fit), run_weights(fit.runs)
    z_p = problem.point(fit.law)
    scatter = noise(problem, z_p, weights_n, fit.objective)
    luck = _shared_luck(fit, scatter)
    profiles = tuple(
        _profile(
            fit,
            _Held(problem, i, z_p, scatter.covariance_pp),
            scatter,
            weights_n,
            luck,
            level or fit.level,
        )
        for i in range(z_p.size)
    )
    correlations = _correlations(scatter.covariance_pp)
    ranges = {k: _range(ask, fit.law, profiles) for k, ask in (answers or {}).items()}
    holes = gaps(problem, fit.binding.takes, fit.conditioning)
    return Identified(
        names=fit.free,
        conditioning=fit.conditioning,
        correlations=correlations,
        weakest=_weakest(problem, z_p),
        profiles=profiles,
        answers=ranges,
        unknown={**_unseen(holes), **_unknown_parameters(profiles), **_unknown_answers(ranges)},
        notes=(*(hole.note for hole in holes), *_tied(fit.free, correlations), *luck.notes),
        fit=fit,
    )


@dataclass(frozen=True, eq=False)
class _Luck:
    """How many runs there are that owe nothing to each other, and the covariance that they give.

    `covariance_pp` is None where each row is a run of its own.
    """

    count: int
    covariance_pp: Numbers | None = None
    notes: tuple[Note, ...] = ()

    def widening(self, turn_pp: Numbers, i: int, noise: Noise) -> float:
        """Return by how much the variance of parameter i grows, since rows share their luck."""
        if self.covariance_pp is None:
            return 1.0
        alone, together = (
            float(turn_pp[i] @ c_pp @ turn_pp[i])
            for c_pp in (noise.covariance_pp, self.covariance_pp)
        )
        return max(together / max(alone, 1e-300), 1.0)


def _shared_luck(fit: Fit[Any], noise: Noise) -> _Luck:
    """Return which rows share their luck: those that the draws of the fit keep together."""
    how = Resampling.read(fit.resampling)
    if how.cluster is None:
        return _Luck(len(fit.runs))
    clusters = how.clusters(fit.runs)
    count = np.unique(clusters).size
    text = f"profiles count {count:,} groups of one {how.cluster}, not {clusters.size:,} rows"
    note = Note("info", "whole-runs", text)
    return _Luck(count, noise.clustered_pp(clusters), (note,))


def refuse_unsupported(fit: Fit[Any], at: Mapping[str, float]) -> None:
    """Raise RefusedByData for a run of which the runs behind the fit can say nothing."""
    for gap in _gaps(fit):
        if gap.holds(at):
            where = ", ".join(f"{s} = {show(at[s])}" for s in fit.binding.takes)
            raise RefusedByData(f"the runs do not support a forecast at {where}: {gap.says}")


def refuse_split(fit: Fit[Any]) -> None:
    """Raise RefusedByData if the runs behind the fit cannot tell parameters from data."""
    for gap in _gaps(fit):
        if gap.split:
            raise RefusedByData(f"the runs do not say how to split compute: {gap.says}")


def _gaps(fit: Fit[Any]) -> tuple[MissingSupport, ...]:
    return gaps(reopen(fit), fit.binding.takes, fit.conditioning)


def _profile(
    fit: Fit[Any],
    conditional: _Held,
    noise: Noise,
    weights_n: Numbers,
    luck: _Luck,
    level: float,
) -> LikelihoodProfile:
    """Return the profile of the parameter that a conditional problem holds still."""
    from scipy.special import stdtrit

    problem = conditional.problem
    free = len(problem.free)
    spare = luck.count - (free if luck.covariance_pp is None else 1)
    t = float(stdtrit(max(spare, 1), (1 + level) / 2))
    scale = 2 * noise.curvature / max(noise.pull, 1e-300) / t**2
    scale /= luck.widening(conditional.turn_pp, conditional.i, noise)

    def rises(moved_k: Numbers) -> tuple[Numbers, Numbers]:
        start_2kp = conditional.starts(moved_k)
        rows = start_2kp.reshape(-1, free)
        ends = descend(
            conditional, rows, weights_n[None], fit.objective, both=problem.has_unbounded
        )
        value_2k = ends.value_s.reshape(2, -1)
        u_kp = ends.z_sp.reshape(start_2kp.shape)[value_2k.argmin(0), np.arange(moved_k.size)]
        return u_kp, np.maximum(scale * (value_2k.min(0) - fit.value), 0.0)

    moved_k = conditional.moves()
    u_kp, rise_k = rises(moved_k)
    closer_k = _closer(moved_k, rise_k)
    if closer_k.size:
        more_kp, more_k = rises(closer_k)
        order = np.argsort(np.concatenate([moved_k, closer_k]), kind="stable")
        u_kp = np.concatenate([u_kp, more_kp])[order]
        moved_k = np.concatenate([moved_k, closer_k])[order]
        rise_k = np.concatenate([rise_k, more_k])[order]
    laws = problem.law(conditional.leave(u_kp)[0])
    values_k = np.asarray(getattr(laws, conditional.name))
    bounds = problem.form.params[conditional.name].bounds
    interval, is_open = _crossings(values_k, rise_k, int(np.abs(moved_k).argmin()), bounds)
    return LikelihoodProfile(conditional.name, values_k, rise_k, interval, is_open, laws)


def _closer(moved_k: Numbers, rise_k: Numbers) -> Numbers:
    """Return moves between those where the rise passes 1 on either side."""
    out, middle = [], int(np.abs(moved_k).argmin())
    for side in (np.arange(middle, -1, -1), np.arange(middle, moved_k.size)):
        above = np.flatnonzero(rise_k[side] >= 1)
        if above.size and above[0]:
            inner, outer = moved_k[side[above[0] - 1]], moved_k[side[above[0]]]
            out.append(np.linspace(inner, outer, CLOSER + 2)[1:-1])
    return np.concatenate(out) if out else np.zeros(0)


class _Held:
    """A problem in which one parameter, in the user's units, stays where it is.

    The coordinates u are those of the problem, z, but for the parameter held: the problem's A
    stands at the mean N of the runs, and moves when alpha does. That of the user must not.
    """

    def __init__(self, problem: FitProblem, i: int, z_p: Numbers, covariance_pp: Numbers) -> None:
        self.problem, self.i, self.name = problem, i, problem.free[i]
        low, high = problem.form.params[self.name].bounds
        self.logs = low == 0 and np.isinf(high)
        self.limits = (-FURTHEST, FURTHEST) if np.isfinite([low, high]).all() else (-np.inf, np.inf)
        self.turn_pp = np.eye(z_p.size)
        for k, slope_s in self._shift(z_p[None])[1].items():
            self.turn_pp[i, k] += slope_s[0]
        turned_pp = self.turn_pp @ covariance_pp @ self.turn_pp.T
        self.u_p = z_p.copy()
        self.u_p[i] += self._shift(z_p[None])[0][0]
        # At a bound nothing hangs on the parameter, and the covariance cannot say how far to go.
        blind = turned_pp[i, i] < BLIND
        self.error = 2.0 if blind else min(float(np.sqrt(turned_pp[i, i])), 1.0)
        ahead_p = turned_pp[i] / max(turned_pp[i, i], BLIND)
        self.ahead_p = np.eye(z_p.size)[i] if blind else np.clip(ahead_p, -50, 50)

    def moves(self) -> Numbers:
        """Return how far from the optimum to hold the parameter (k,), within its limits."""
        low, high = (limit - self.u_p[self.i] for limit in self.limits)
        moved_k = np.concatenate([-STEPS[::-1], [0.0], STEPS]) * self.error
        return np.clip(moved_k, min(low, 0), max(high, 0))

    def starts(self, moved_k: Numbers) -> Numbers:
        """Return two starts (2, k, p): the others as the covariance says, and where they were."""
        ways_2p = np.stack([self.ahead_p, np.eye(self.u_p.size)[self.i]])
        return np.asarray(self.u_p + ways_2p[:, None] * moved_k[:, None])

    def _shift(self, z_sp: Numbers) -> tuple[Numbers, dict[int, Numbers]]:
        return self.problem.log_factor(self.name, z_sp) if self.logs else (np.zeros(len(z_sp)), {})

    def leave(self, u_sp: Numbers) -> tuple[Numbers, dict[int, Numbers]]:
        """Return the problem's z_sp, and by how much the parameter held falls with the others."""
        shift_s, slopes = self._shift(u_sp)
        z_sp = u_sp.copy()
        z_sp[:, self.i] -= shift_s
        return z_sp, slopes

    def __call__(self, u_sp: Numbers) -> tuple[Numbers, Numbers]:
        """Return r_sn and J_spn, without a slope along the parameter held."""
        z_sp, slopes = self.leave(u_sp)
        r_sn, J_spn = self.problem.residuals(z_sp)
        for k, slope_s in slopes.items():
            J_spn[:, k] -= J_spn[:, self.i] * slope_s[:, None]
        J_spn[:, self.i] = 0.0
        return r_sn, J_spn


def _crossings(
    values_k: Numbers, rise_k: Numbers, middle: int, bounds: tuple[float, float]
) -> tuple[Interval, tuple[bool, bool]]:
    """Return where the rise crosses 1 on either side, and whether it never does."""
    root_k = np.sqrt(rise_k)
    ends, is_open = [], []
    for side, bound in ((slice(middle, None, -1), bounds[0]), (slice(middle, None), bounds[1])):
        root, values = np.maximum.accumulate(root_k[side]), values_k[side]
        is_open.append(bool(root[-1] < 1))
        ends.append(bound if root[-1] < 1 else float(np.interp(1.0, root, values)))
    return Interval(*ends), (is_open[0], is_open[1])


def _correlations(covariance_pp: Numbers) -> Numbers:
    sizes = np.sqrt(np.maximum(np.diag(covariance_pp), 1e-300))
    return np.asarray(np.clip(covariance_pp / sizes / sizes[:, None], -1, 1))


def _weakest(problem: FitProblem, z_p: Numbers) -> dict[str, float]:
    """Return how much of each parameter is in the direction that the runs see least."""
    _, J_spn = problem.residuals(z_p[None])
    J_pn = J_spn[0] / np.maximum(np.linalg.norm(J_spn[0], axis=1), 1e-300)[:, None]
    _, directions = np.linalg.eigh(J_pn @ J_pn.T)
    return {k: float(w) for k, w in zip(problem.free, np.abs(directions[:, 0]), strict=True)}


def _range(
    ask: Answer, law: Law, profiles: tuple[LikelihoodProfile, ...]
) -> tuple[float, float, float]:
    """Return an answer, and its least and greatest over the laws that fit nearly as well."""
    with np.errstate(all="ignore"):
        value = float(np.asarray(ask(law)).reshape(-1)[0])
        within = [np.asarray(ask(p.laws), float).reshape(-1)[p.rise <= 1] for p in profiles]
    able = np.concatenate([np.array([value]), *within])
    able = np.where(np.isfinite(able), able, np.inf)
    return value, float(able.min()), float(able.max())


def _unseen(holes: tuple[MissingSupport, ...]) -> dict[str, str]:
    """Return why the placing of the runs leaves parameters, and the best N and D, open."""
    split = {symbol: hole.reason for hole in holes if hole.split for symbol in ("N*", "D*")}
    return {**split, **{name: hole.reason for hole in holes for name in hole.parameters}}


def _unknown_parameters(profiles: tuple[LikelihoodProfile, ...]) -> dict[str, str]:
    """Return why a parameter is not known: an end of its interval that the runs do not set."""
    reasons = {}
    for p in profiles:
        sides = [
            word for word, is_open in zip(("small", "large"), p.is_open, strict=True) if is_open
        ]
        if sides:
            reasons[p.name] = (
                f"the runs allow {p.name} to be as {' or as '.join(sides)} as you like: values "
                f"from {show(float(p.values.min()))} to {show(float(p.values.max()))} were tried"
            )
    return reasons


def _unknown_answers(ranges: Mapping[str, tuple[float, float, float]]) -> dict[str, str]:
    reasons = {}
    for name, (value, low, high) in ranges.items():
        if not (np.isfinite(high) and low > 0) or max(high / value, value / low) > UNKNOWN:
            reasons[name] = f"laws that fit as well give {name} from {show(low)} to {show(high)}"
    return reasons


def _tied(names: tuple[str, ...], correlations: Numbers) -> list[Note]:
    """Return a note for each pair of parameters that is known together only."""
    return [
        Note(
            "doubt",
            "correlation",
            f"{names[i]} and {names[j]} are known only together (correlation "
            f"{correlations[i, j]:.3f}): give both, or neither",
        )
        for i in range(len(names))
        for j in range(i)
        if abs(correlations[i, j]) > TIED
    ]
