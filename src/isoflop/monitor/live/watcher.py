"""A run under way as its records come: what is known of it, and what is said at each look."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from isoflop.errors import RefusedByData
from isoflop.monitor.live.curve import GrowingCurve
from isoflop.monitor.live.evidence import Alert, level, off_rate, plateau, shock
from isoflop.monitor.live.names import LossNames
from isoflop.monitor.live.outcomes import Outcome, outcomes
from isoflop.monitor.live.plan import RunPlan
from isoflop.monitor.live.stepwise import StepwiseRules
from isoflop.schedules import Ending, LossCurve, ending

Standing = Literal["on track", "worse", "better", "no word yet"]

SIGMA = 3.0  # of forecast and expectation together, beyond which a run is off its track
UNKNOWN_LENGTH = 200  # evaluations that are expected where the schedule is not known
MOST_ALERTS = 50  # that are kept; the first of each name always is


@dataclass(frozen=True, eq=False)
class Look:
    """What is said of a run at one look.

    `sigma` is by how much the forecast lies above what was expected, `since` the step from which
    it has. `reaches` is the probability that the last loss comes to the target, `outcomes` are
    other ends of the run. `why_not` says why there is no forecast.
    """

    step: float
    loss: float
    stream: str
    standing: Standing
    sigma: float
    since: float
    forecast: Ending | None
    why_not: str
    level_sigma: float
    reaches: float
    outcomes: tuple[Outcome, ...]
    alerts: tuple[Alert, ...]
    steps: np.ndarray
    losses: np.ndarray

    @property
    def is_alarmed(self) -> bool:
        """Whether there is an alert, and not only notices."""
        return any(alert.severity == "alert" for alert in self.alerts)


@dataclass
class Watcher:
    """The state of a watch, constant in memory however long it lasts."""

    plan: RunPlan
    columns: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with nothing seen."""
        self.names = LossNames(self.columns)
        self.curves = {"loss": GrowingCurve(), "eval_loss": GrowingCurve(), "lr": GrowingCurve()}
        self.rules = {part: StepwiseRules(part) for part in ("loss", "eval_loss")}
        self.alerts: dict[str, Alert] = {}
        self.step, self.count = -1.0, 0
        self.off_since = math.nan

    def begin_anew(self) -> None:
        """Forget all, since the log comes from its first record on."""
        self.__post_init__()

    def take(self, record: Mapping[str, Any]) -> None:
        """Take the next record; one that goes back in steps takes back what it makes again."""
        self.names.learn(record)
        step = self.names.value("step", record)
        if step is None or not math.isfinite(step) or step < 0:
            return
        values = {k: v for k in self.curves if (v := self.names.value(k, record)) is not None}
        if step < self.step and any(step <= self.curves[part].last for part in values):
            self._take_back(step)
            self.step = step
        self.step, self.count = max(step, self.step), self.count + 1
        for part, value in values.items():
            if step <= self.curves[part].last:
                continue
            if part in self.rules:
                self._note(self.rules[part].add(step, value))
            if math.isfinite(value) and value > 0:
                self.curves[part].add(step, value)

    def look(self, forecast_too: bool = True) -> Look:
        """Return what can be said now; a forecast takes longer than all tests together."""
        stream = "eval_loss" if len(self.curves["eval_loss"]) >= 2 else "loss"
        curve = self.curves[stream]
        steps, losses = curve.steps, curve.values
        partial = self._partial(steps, losses)
        forecast, why_not = self._forecast(partial) if forecast_too else (None, "not asked")
        level_sigma, level_since = self._tests(steps, losses, partial)
        sigma = self._sigma(forecast)
        standing = self._standing(forecast, sigma, level_sigma)
        return Look(
            step=self.step,
            loss=float(losses[-1]) if losses.size else math.nan,
            stream=self.names.known.get(stream, stream),
            standing=standing,
            sigma=sigma,
            since=self.off_since if standing in ("worse", "better") else level_since,
            forecast=forecast,
            why_not=why_not,
            level_sigma=level_sigma,
            reaches=self._reaches(forecast),
            outcomes=outcomes(forecast, partial) if forecast_too and partial is not None else (),
            alerts=tuple(sorted(self.alerts.values(), key=lambda a: a.step)),
            steps=steps,
            losses=losses,
        )

    def _take_back(self, step: float) -> None:
        self._note(
            Alert(
                "restart", step, self.step - step,
                f"the run went back from step {self.step:,.0f} to {step:,.0f}; what it makes again "
                "replaces what it made first",
                "notice",
            )
        )  # fmt: skip
        for curve in self.curves.values():
            curve.take_back(step)
        for rule in self.rules.values():
            rule.take_back()
        self.alerts = {
            name: a for name, a in self.alerts.items() if a.step <= step or a.severity == "notice"
        }

    def _partial(self, steps: np.ndarray, losses: np.ndarray) -> LossCurve | None:
        plan = self.plan.schedule
        if plan is None:
            return None
        mask = (steps > plan.warmup) & (steps <= plan.steps)
        whole = np.round(steps[mask]).astype(np.int64)
        whole, first = np.unique(whole, return_index=True)
        return LossCurve("run", plan, whole, losses[mask][first])

    def _forecast(self, partial: LossCurve | None) -> tuple[Ending | None, str]:
        if partial is None:
            return None, "no schedule is known: say --schedule, so that the end can be forecast"
        if not partial.steps.size:
            return None, "nothing is seen after warm-up yet"
        try:
            return ending(partial, self.plan.earlier, often=True), ""
        except RefusedByData as refusal:
            return None, str(refusal)

    def _tests(
        self, steps: np.ndarray, losses: np.ndarray, partial: LossCurve | None
    ) -> tuple[float, float]:
        """Let every test of a whole curve speak; return the level's sigma, and since when."""
        expected = UNKNOWN_LENGTH
        plan = self.plan.schedule
        if plan is not None and steps.size > 1:
            every = float(np.median(np.diff(steps)))
            expected = max(steps.size, round(plan.steps / every))
        after = steps > (plan.warmup if plan is not None else 0)
        log_loss = np.log(losses[after])
        self._note(shock(steps[after], log_loss, expected))
        # what has flattened is told anew at each look
        self.alerts.pop("plateau", None)
        self._note(plateau(steps[after], log_loss, plan.steps if plan is not None else None))
        rates = self.curves["lr"]
        if plan is not None and len(rates):
            self._note(off_rate(rates.steps, rates.values, plan))
        if partial is None or not self.plan.replicates or not partial.steps.size:
            return math.nan, math.nan
        sigma, since, alert = level(partial, self.plan.replicates)
        self._note(alert)
        return sigma, since

    def _reaches(self, forecast: Ending | None) -> float:
        if forecast is None or self.plan.target is None:
            return math.nan
        z = math.log(self.plan.target / forecast.value) / forecast.sd
        return 0.5 * math.erfc(-z / math.sqrt(2))

    def _sigma(self, forecast: Ending | None) -> float:
        if forecast is None or self.plan.expected is None:
            return math.nan
        sd = math.hypot(forecast.sd, self.plan.expected_sd)
        return math.log(forecast.value / self.plan.expected) / sd

    def _standing(self, forecast: Ending | None, sigma: float, level_sigma: float) -> Standing:
        off = sigma if math.isfinite(sigma) else level_sigma
        if not math.isfinite(off):
            return "no word yet"
        if abs(off) < SIGMA:
            self.off_since = math.nan
            return "on track"
        if math.isnan(self.off_since):
            self.off_since = self.step
        if off > 0 and math.isfinite(sigma) and forecast is not None:
            self._note(
                Alert(
                    "forecast", self.step, sigma,
                    f"the last loss is forecast at {forecast.value:.4g}, {sigma:.1f} sigma above "
                    f"the {self.plan.expected:.4g} expected ({self.plan.expected_by})",
                )
            )  # fmt: skip
        return "worse" if off > 0 else "better"

    def _note(self, alert: Alert | None) -> None:
        if alert is not None and alert.name not in self.alerts and len(self.alerts) < MOST_ALERTS:
            self.alerts[alert.name] = alert
