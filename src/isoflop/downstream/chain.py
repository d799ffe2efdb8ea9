"""A score in two steps: the loss on a task from scale, the score from that loss.

Two fits meet in L. Their draws are joint: every draw resamples the runs once and refits both, so
an error of the first step and one of the second that come from the same runs stay together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from isoflop.arrays import Mask, Numbers
from isoflop.assess.extrapolation.calibration import scatter
from isoflop.errors import BadRuns, Note, RefusedByData, UsageError
from isoflop.fitting import Fit, fit, quantiles, reopen, run_weights
from isoflop.fitting.resample import Resampling
from isoflop.fitting.solve import Damping, solve
from isoflop.forecasting import Forecast, forecast, predictive
from isoflop.law import Binding, form
from isoflop.quantities import refuse_draws, show
from isoflop.report.display import Displayed
from isoflop.runs import Runs
from isoflop.runs.cells import name_rows

LINK = "downstream-sigmoid"


@dataclass(frozen=True, eq=False)
class TwoStepFit(Displayed):
    """The two fits: `loss` takes scale and predicts L, `score` takes L and predicts the score.

    `growth` is the error of the form of the first step per factor e beyond its runs, from a
    backtest; None adds nothing.
    """

    loss: Fit[Any]
    score: Fit[Any]
    growth: float | None
    notes: tuple[Note, ...]

    def _facts(self) -> Iterator[str]:
        for step in (self.loss, self.score):
            yield f"{step.law.key}: {len(step.runs):,} runs, {step.status}"

    @property
    def level(self) -> float:
        """The share of draws that an interval holds."""
        return self.loss.level

    @property
    def easiest(self) -> float:
        """The lowest loss of the runs behind the second step."""
        return float(self.score.runs["L"].min())

    def predict(self, **inputs: Any) -> Numbers:
        """Return the score at scales given by name."""
        return self._shares(self.score.predict(L=self.loss.predict(**inputs)))

    def score_at(self, L: Numbers) -> Numbers:
        """Return the score at losses (k,) on the task."""
        return self._shares(self.score.predict(L=L))

    def draws(self, **inputs: Numbers) -> Numbers | None:
        """Return draws (s, k) of the score of new runs at scales (k,); None without draws."""
        L_sk = predictive(self.loss, self.growth, **inputs)
        return None if L_sk is None else self.draws_at(L_sk)

    def draws_at(self, L_sk: Numbers) -> Numbers | None:
        """Return draws (s, k) of the score at drawn losses: row i goes with member i of both."""
        members = self.score.draws
        if members is None:
            return None
        rows = len(L_sk)
        mean_sk = np.asarray(members[np.arange(rows) % (members.members or 1)](L=L_sk))
        rng = np.random.default_rng((self.score.seed, 1))  # luck of its own, beside that of losses
        noise_sk = scatter(self.score).draw(rng, rows, {"L": np.median(L_sk, axis=0)})
        return self._shares(mean_sk - noise_sk)

    def _shares(self, output: Numbers) -> Numbers:
        share = 1 - output if self.score.binding.predicts == "error" else output
        return np.asarray(np.clip(share, 0.0, 1.0))


def chain(
    runs: Runs,
    *,
    law: str = "chinchilla",
    over: str | None = None,
    link: str = LINK,
    chance: float | None = None,
    fix: Mapping[str, float] | None = None,
    growth: float | None = None,
    draws: int = 1000,
    level: float = 0.9,
    seed: int = 0,
    cluster: str | None = None,
) -> TwoStepFit:
    """Return both steps fitted to runs of scale, L (the loss on the task) and score.

    `law` gives L (bound by `over` if it leaves its input open), `link` the score or the error from
    L. A `chance` pins the floor of a link that has one. `fix` pins other parameters of the link.
    A run without one of its numbers serves the step that does not need it.

    Raises BadRuns for scores that are no shares, CannotFit for runs that do not pin a step down.
    """
    refuse_draws(draws, level)
    refuse_no_shares(runs)
    first, second = rows_of(runs, law, over)
    pins = {**_pinned(link, chance), **(fix or {})}
    options: dict[str, Any] = {"draws": 0, "level": level, "seed": seed}
    loss = fit(law, runs[first], over=over, **options)
    score = fit(link, _with_error(runs[second]), fix=pins, objective="squared", **options)
    _check_link(score)
    if draws:
        rng = np.random.default_rng(seed)
        weights_sn = Resampling(cluster=cluster).weights(rng, runs, draws)
        loss = _drawn(loss, weights_sn[:, first])
        score = _drawn(score, weights_sn[:, second])
    return TwoStepFit(loss, score, growth, _remarks(runs, first, second))


def forecast_score(fit: TwoStepFit, **at: float) -> Forecast:
    """Return the score at scales given by name, with the interval of joint draws.

    Raises UsageError for a scale that the first step does not take, or lacks; RefusedByData for
    a fit of either step that was refused.
    """
    for step in (fit.loss, fit.score):
        if step.status == "refused":
            raise RefusedByData(f"the fit of {step.law.key} was refused: {step.notes[0]}")
    first = forecast(fit.loss, growth=fit.growth, **at)
    draws = fit.draws(**{s: np.array([v]) for s, v in first.at.items()})
    low, high = (None, None) if draws is None else quantiles(draws[:, 0], fit.level)
    notes = [*fit.notes, *first.notes]
    if fit.easiest > first.value:
        notes.append(
            Note(
                "info",
                "distance",
                f"the loss is forecast at {show(first.value)}, below the {show(fit.easiest)} of "
                f"the "
                "best run: the step from loss to score is carried beyond its runs",
            )
        )
    return Forecast(
        quantity="score",
        at=first.at,
        value=float(fit.predict(**first.at)),
        low=low,
        high=high,
        level=fit.level,
        beyond=first.beyond,
        parts=first.parts,
        notes=tuple(notes),
        model=fit,
    )


def refuse_no_shares(runs: Runs) -> None:
    """Raise BadRuns for a score that does not lie between 0 and 1."""
    bad = (runs["score"] < 0) | (runs["score"] > 1)
    if bad.any():
        raise BadRuns(
            f"score is {runs['score'][bad][0]:g} in {name_rows(runs.rows[bad])}; it is a share "
            "between 0 and 1: if it is in per cent, say --unit score=%"
        )


def rows_of(runs: Runs, law: str, over: str | None) -> tuple[Mask, Mask]:
    """Return which runs (n,) have the numbers of the first step, and which of the second.

    Raises BadRuns for a column that is not there.
    """
    takes = Binding(form(law), over).takes
    first = np.all([np.isfinite(runs[s]) for s in (*takes, "L")], axis=0)
    return first, np.isfinite(runs["L"]) & np.isfinite(runs["score"])


def _pinned(link: str, chance: float | None) -> dict[str, float]:
    """Return the parameters of a link that the score of a guess pins, of links that have them."""
    if chance is None:
        return {}
    guesses = {LINK: {"floor": chance}, "error-of-loss": {"ceiling": 1 - chance}}
    return guesses.get(link, {})


def _with_error(runs: Runs) -> Runs:
    """Return runs that hold the share of wrong answers too, for links that predict it."""
    return replace(runs, columns={**runs.columns, "error": 1 - runs["score"]})


def _check_link(score: Fit[Any]) -> None:
    if score.binding.takes != ("L",) or score.binding.predicts not in ("score", "error"):
        description = f"{', '.join(score.binding.takes)} and predicts {score.binding.predicts}"
        raise UsageError(
            f"{score.law.key} takes {description}; the second step takes L and predicts score or "
            f"error"
        )


def _drawn(fit: Fit[Any], weights_sn: Numbers) -> Fit[Any]:
    """Return a fit with draws: its refits at the weights (s, n) of resampled runs."""
    problem = reopen(fit)
    start_sp = np.repeat(problem.point(fit.law)[None], len(weights_sn), 0)
    weights_sn = weights_sn * run_weights(fit.runs)
    # A draw may hold none of the runs of a step that has few; it then stays at the optimum.
    weights_sn[weights_sn.sum(1) == 0] = 1.0
    ends = solve(
        problem.residuals,
        start_sp,
        weights_sn,
        fit.objective,
        damping=Damping(near=True, scaled=problem.has_unbounded),
    )
    return replace(fit, draws=problem.law(ends.z_sp))


def _remarks(runs: Runs, first: Mask, second: Mask) -> tuple[Note, ...]:
    notes = []
    for which, step, lacks in (
        (first, "loss from scale", "scale or loss"),
        (second, "score from loss", "loss or score"),
    ):
        if not which.all():
            rows = name_rows(runs.rows[~which])
            notes.append(
                Note(
                    "info", "left-out", f"the step to {step} leaves out {rows}, which lack {lacks}"
                )
            )
    return tuple(notes)
