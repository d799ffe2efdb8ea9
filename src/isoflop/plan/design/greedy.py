"""Which runs to make next: those that narrow the answer most for the compute they cost.

Making a run conditions what is uncertain (see `uncertain`) on its loss, which is known up to
noise; what the run will say is not needed to know how much it narrows, so that a whole batch can
be chosen before one of its runs is made. Suffixes: r rows of a factor, c candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from isoflop.arrays import Numbers
from isoflop.assess.extrapolation.pool import Pool
from isoflop.errors import Note, RefusedByData, UsageError
from isoflop.law import Binding
from isoflop.laws import form
from isoflop.plan.budget import training_flop
from isoflop.plan.design.uncertainty import Candidates, Model, Target, factor
from isoflop.quantities import refuse_level, show
from isoflop.report.display import Displayed
from isoflop.runs import Runs

Criterion = Literal["target", "parameters", "cheapest"]

MOST_RUNS = 200  # in one design


@dataclass(frozen=True, slots=True)
class DesignStep:
    """A run of the design, what the design costs up to it, and the target's half-width after it.

    `half_width` is relative: 0.01 says that the interval is plus and minus 1%.
    """

    index: int
    N: float
    D: float
    cost: float
    total_cost: float
    half_width: float


@dataclass(frozen=True, eq=False)
class Design(Displayed):
    """Runs to make, in order; `start` is the half-width of the target before any of them."""

    target: Target
    criterion: Criterion
    level: float
    start: float
    choices: tuple[DesignStep, ...]
    noise: float
    notes: tuple[Note, ...]
    candidates: Candidates

    @property
    def half_width(self) -> float:
        """The half-width of the target after all runs."""
        return self.choices[-1].half_width if self.choices else self.start

    @property
    def spent(self) -> float:
        """What all runs cost [FLOP]."""
        return self.choices[-1].total_cost if self.choices else 0.0


def grid(N: tuple[float, float], D: tuple[float, float], steps: int = 12) -> Candidates:
    """Return the runs of a log-spaced grid of sizes and tokens, at cost 6ND."""
    for name, (low, high) in (("N", N), ("D", D)):
        if not 0 < low < high:
            raise UsageError(
                f"{name} runs from {low:g} to {high:g}; the first must be less, above 0"
            )
    sizes, tokens = np.meshgrid(np.geomspace(*N, steps), np.geomspace(*D, steps), indexing="ij")
    return Candidates(sizes.ravel(), tokens.ravel(), (6 * sizes * tokens).ravel())


def pool(runs: Runs) -> Candidates:
    """Return the runs of a table as candidates, at their C, or at 6ND where there is none."""
    runs.require(("N", "D"))
    if "C" in runs:
        runs.require(("C",))
    cost = runs["C"] if "C" in runs else 6 * runs["N"] * runs["D"]
    return Candidates(runs["N"], runs["D"], cost)


def design(
    models: Sequence[Model | Pool] | Pool,
    target: Target,
    candidates: Candidates,
    *,
    criterion: Criterion = "target",
    budget: float | str | None = None,
    count: int | None = None,
    within: float | None = None,
    noise: float | None = None,
    drift: float = 0.0,
    weights: Sequence[float] | None = None,
    level: float = 0.9,
) -> Design:
    """Return the runs to make next, in order, and how far each narrows the target.

    `models` are fits, a pool of them with its weights, or keys of laws of which nothing is known
    but the typical ranges of their parameters; with several, what they disagree on counts as
    uncertain too, by `weights`.
    `criterion` "target" narrows the target per FLOP (V-optimal, model-averaged with several),
    "parameters" all parameters (D-optimal), "cheapest" ranks by cost alone. The design ends at
    `budget` [FLOP, or words: "100 PF-days"], at `count` runs, or where the target is known
    `within` a share. `noise` is the scatter of log losses, that of the fits unless given; `drift`
    says how far the form may be off: by this much of log loss per squared factor e from the runs,
    0 if the law is beyond doubt.

    Raises UsageError for a request that makes no sense, RefusedByData if no run fits the budget
    or `within` is out of reach.
    Source: Chaloner and Verdinelli 1995, Bayesian experimental design, sections 2.2-2.3.
    """
    models, weights = _single(models, weights)
    _check_models(models, weights)
    total = None if budget is None else training_flop(budget)
    _check_ends(total, count, within, noise, level)
    _check_drift(drift)
    scatter = noise if noise is not None else _noise(models)
    F_rc, T_rm = factor(models, weights, target, candidates, scatter, drift)
    state = _State(F_rc, T_rm, scatter, candidates, NormalDist().inv_cdf((1 + level) / 2))
    limit = _Limit(total or np.inf, count or MOST_RUNS, within)
    choices = state.greedy(criterion, limit, per_flop=True)
    if criterion == "target" and total is not None:
        other = _State(F_rc, T_rm, scatter, candidates, state.quantile)
        choices = _better(choices, other.greedy(criterion, limit, per_flop=False))
    design_result = Design(
        target=target,
        criterion=criterion,
        level=level,
        start=state.width(T_rm),
        choices=choices,
        noise=scatter,
        notes=_notes(models, drift),
        candidates=candidates,
    )
    return _reached(design_result, candidates, total, within)


def _single(
    models: Sequence[Model | Pool] | Pool, weights: Sequence[float] | None
) -> tuple[list[Model], Sequence[float] | None]:
    """Return models of one law each, and their weights: a pool gives its members and theirs."""
    several = [models] if isinstance(models, Pool) else list(models)
    if not any(isinstance(m, Pool) for m in several):
        return [m for m in several if not isinstance(m, Pool)], weights
    if weights is not None and len(weights) != len(several):
        raise UsageError(f"{len(several)} models need as many weights, not {weights}")
    singles: list[Model] = []
    shares: list[float] = []
    for model, share in zip(several, weights or [1.0] * len(several), strict=True):
        if isinstance(model, Pool):
            singles += model.fits
            shares += [share * m.weight for m in model.members]
        else:
            singles.append(model)
            shares.append(share)
    return singles, shares


def _check_drift(drift: float) -> None:
    if drift < 0:
        raise UsageError(f"drift is {drift}; it must be 0 or more")


def _better(small: tuple[DesignStep, ...], large: tuple[DesignStep, ...]) -> tuple[DesignStep, ...]:
    """Return the narrower: gain per FLOP buys many small runs, and few large ones may do more."""
    if large and (not small or large[-1].half_width < small[-1].half_width):
        return large
    return small


def _reached(
    design_result: Design, candidates: Candidates, budget: float | None, within: float | None
) -> Design:
    """Return a design that does what was asked of it.

    Raises RefusedByData if it cannot.
    """
    if not design_result.choices and design_result.start > (within or 0):
        cheapest = float(candidates.cost.min())
        raise RefusedByData(
            f"no run of the pool fits: the cheapest costs {show(cheapest)} FLOP"
            + (f", the budget is {show(budget)}" if budget else "")
        )
    if within is not None and design_result.half_width > within:
        raise RefusedByData(
            f"{len(design_result.choices)} runs for {show(design_result.spent)} FLOP bring "
            f"{design_result.target.words} to "
            f"± {design_result.half_width:.2%}, not to ± {within:.2%}: ask for less, raise the "
            f"limits, or "
            "offer larger runs"
        )
    return design_result


def narrowed(design_result: Design, cost: float) -> float:
    """Return by what share the next `cost` [FLOP] of a design narrows the target.

    A rule for stopping: 0.03 says that the interval gets 3% narrower.
    """
    after = [c.half_width for c in design_result.choices if c.total_cost <= cost * (1 + 1e-9)]
    return 1 - after[-1] / design_result.start if after else 0.0


@dataclass(frozen=True, slots=True)
class _Limit:
    budget: float
    count: int
    within: float | None


class _State:
    """What is uncertain before the next run: the factor of candidates and of the target."""

    def __init__(
        self, F_rc: Numbers, T_rm: Numbers, noise: float, candidates: Candidates, quantile: float
    ) -> None:
        self.F_rc, self.T_rm, self.noise = F_rc.copy(), T_rm.copy(), noise
        self.candidates, self.quantile = candidates, quantile

    def width(self, T_rm: Numbers) -> float:
        """Return the relative half-width of the target's interval, root mean square of many."""
        return float(np.expm1(self.quantile * np.sqrt((T_rm**2).sum(0).mean())))

    def gains(self, criterion: Criterion, per_flop: bool) -> Numbers:
        """Return what each candidate (c,) is worth, per FLOP unless told otherwise."""
        if criterion == "cheapest":
            return np.asarray(1 / self.candidates.cost)
        known_c = (self.F_rc**2).sum(0) + self.noise**2
        if criterion == "parameters":  # what the log determinant of their covariance falls by
            gain_c = np.log(known_c / self.noise**2)
        else:
            total = (self.T_rm**2).sum()
            share_c = ((self.T_rm.T @ self.F_rc) ** 2).sum(0) / known_c / total
            gain_c = -np.log1p(-np.minimum(share_c, 1 - 1e-12))
        return np.asarray(gain_c / self.candidates.cost if per_flop else gain_c)

    def learn(self, index: int) -> None:
        """Condition on the loss of a candidate."""
        v_r = self.F_rc[:, index].copy()
        size = float(v_r @ v_r)
        if size == 0:
            return
        # (I - c vv')^2 = I - vv' / (v'v + noise^2)
        c = (1 - np.sqrt(self.noise**2 / (size + self.noise**2))) / size
        self.F_rc -= c * np.outer(v_r, v_r @ self.F_rc)
        self.T_rm -= c * np.outer(v_r, v_r @ self.T_rm)

    def greedy(
        self, criterion: Criterion, limit: _Limit, *, per_flop: bool
    ) -> tuple[DesignStep, ...]:
        """Return the best next run, again and again, until a limit is met."""
        choices: list[DesignStep] = []
        total_cost, open_c = 0.0, np.ones(len(self.candidates), bool)
        while len(choices) < limit.count:
            if limit.within is not None and self.width(self.T_rm) <= limit.within:
                break
            able_c = open_c & (self.candidates.cost <= (limit.budget - total_cost) * (1 + 1e-9))
            if not able_c.any():
                break
            i = int(np.where(able_c, self.gains(criterion, per_flop), -np.inf).argmax())
            self.learn(i)
            open_c[i] = self.candidates.repeat
            total_cost += float(self.candidates.cost[i])
            choices.append(
                DesignStep(
                    i,
                    float(self.candidates.N[i]),
                    float(self.candidates.D[i]),
                    float(self.candidates.cost[i]),
                    total_cost,
                    self.width(self.T_rm),
                )
            )
        return tuple(choices)


def _noise(models: Sequence[Model]) -> float:
    """Return the scatter of log losses about the fits: the least, since forms that miss add."""
    fits = [m for m in models if not isinstance(m, str)]
    if not fits:
        raise UsageError(
            "laws without runs do not know how losses scatter; give noise, such as 0.005"
        )
    scatters = []
    for fit in fits:
        residuals = fit.residuals if fit.kind == "log" else fit.residuals / fit.runs["L"]
        spare = max(len(fit.runs) - len(fit.free), 1)
        scatters.append(float(np.sqrt((residuals**2).sum() / spare)))
    return max(min(scatters), 1e-6)


def _notes(models: Sequence[Model], drift: float) -> tuple[Note, ...]:
    notes = [
        Note(
            "info",
            "widths",
            "widths hold what more runs can narrow: the law's parameters"
            + (", which law it is" if len(models) > 1 else "")
            + (
                " and how far its form drifts off; not the noise of the target's own run"
                if drift
                else "; not the noise of the target's own run, nor a form that is wrong (see drift)"
            ),
        )
    ]
    for model in models:
        if isinstance(model, str):
            notes.append(
                Note(
                    "doubt",
                    "no-runs",
                    f"{model} has no runs behind it: its widths are those of the typical range of "
                    f"its "
                    "parameters",
                )
            )
        elif model.status != "ok":
            notes.append(model.notes[0].of(f"{model.law.key} is {model.status}"))
    return tuple(notes)


def _check_models(models: Sequence[Model], weights: Sequence[float] | None) -> None:
    if not models:
        raise UsageError("there is no law to design for; give a fit or the key of a law")
    for model in models:
        takes = (Binding(form(model)) if isinstance(model, str) else model.binding).takes
        if set(takes) != {"N", "D"}:
            name = model if isinstance(model, str) else model.law.key
            raise UsageError(f"{name} takes {', '.join(takes)}; a design needs a law of N and D")
    if weights is not None and (len(weights) != len(models) or min(weights) <= 0):
        raise UsageError(f"{len(models)} models need as many weights above zero, not {weights}")


def _check_ends(
    budget: float | None,
    count: int | None,
    within: float | None,
    noise: float | None,
    level: float,
) -> None:
    if budget is None and count is None and within is None:
        raise UsageError("say where the design ends: a budget, a count of runs, or within a share")
    for name, value in (("budget", budget), ("count", count), ("within", within), ("noise", noise)):
        if value is not None and not value > 0:
            raise UsageError(f"{name} is {value}; it must be above zero")
    refuse_level(level)
