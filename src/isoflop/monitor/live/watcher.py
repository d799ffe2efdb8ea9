"""A run under way as its records come: what is known of it, and what is said at each look."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from isoflop.errors import RefusedByData
from isoflop.monitor.live.curve import GrowingCurve
from isoflop.monitor.live.evidence import Alert, level, off_rate, plateau, shock
from isoflop.monitor.live.look import Look, Standing
from isoflop.monitor.live.names import LossNames
from isoflop.monitor.live.outcomes import outcomes
from isoflop.monitor.live.plan import RunPlan
from isoflop.monitor.live.rewards import LoggedRewards
from isoflop.monitor.live.stepwise import StepwiseRules
from isoflop.schedules import Ending, LossCurve, ending

# Sigma of forecast and expectation together: a run is off its track, and that is an alert, which
# is asked after every evaluation.
SIGMA, ALARMING = 3.0, 5.0
UNKNOWN_LENGTH = 200  # evaluations that are expected where the schedule is not known
MOST_ALERTS = 50  # that are kept; the first of each name always is


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
        self.rewards = LoggedRewards()
        self.alerts: dict[str, Alert] = {}
        self.step, self.count = -1.0, 0
        self.off_since = math.nan

    def begin_anew(self) -> None:
        """Forget all, since the log comes from its first record on."""
        self.__post_init__()

    def take(self, record: Mapping[str, Any]) -> None:
        """Take the next record; one that goes back in steps takes back what it makes again."""
        self.learn(record)
        step = self.names.value("step", record)
        if step is None or not math.isfinite(step) or step < 0:
            return
        values = {k: v for k in self.curves if (v := self.names.value(k, record)) is not None}
        if step < self.step and self._comes_again(step, values, record):
            self._take_back(step)
            self.step = step
        self.step, self.count = max(step, self.step), self.count + 1
        self.rewards.take(step, record)
        for part, value in values.items():
            if step <= self.curves[part].last:
                continue
            if part in self.rules and not self.rewards.name:
                self._note(self.rules[part].add(step, value))
            if math.isfinite(value) and value > 0:
                self.curves[part].add(step, value)

    def learn(self, record: Mapping[str, Any]) -> None:
        """Take note of the fields of a record."""
        self.names.learn(record)
        self.rewards.learn(record)

    def refuse(self, fields: Sequence[str], source: str) -> None:
        """Raise UsageError for a log in which no step, or neither loss nor reward, is known."""
        if not self.rewards.name:
            self.names.refuse(fields, source)

    def has_loss(self, record: Mapping[str, Any]) -> bool:
        """Say whether a record holds what is watched: a reward, or the loss, held out if any."""
        if self.rewards.name:
            return self.rewards.holds(record)
        part = "eval_loss" if "eval_loss" in self.names.known else "loss"
        return self.names.value(part, record) is not None

    def look(self, forecast_too: bool = True) -> Look:
        """Return what can be said now; a forecast takes longer than all tests together."""
        if self.rewards.name:
            return self._reward()
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

    def _reward(self) -> Look:
        """Return the look at a run of reinforcement learning, whose loss tells nothing."""
        for alert in self.rewards.alerts():
            self._note(alert)
        curve = self.rewards.curves["R"]
        nan = math.nan
        return Look(
            step=self.step,
            loss=float(curve.values[-1]) if len(curve) else nan,
            stream=self.rewards.name,
            standing="no word yet",
            sigma=nan,
            since=nan,
            forecast=None,
            why_not="of a reward, `isoflop rl advise` tells how it will end",
            level_sigma=nan,
            reaches=nan,
            outcomes=(),
            alerts=tuple(sorted(self.alerts.values(), key=lambda a: a.step)),
            steps=curve.steps,
            losses=curve.values,
        )

    def _comes_again(
        self, step: float, values: Mapping[str, float], record: Mapping[str, Any]
    ) -> bool:
        """Say whether a step that lies back makes anew what was there, and is not only late."""
        again = any(step <= self.curves[part].last for part in values)
        return again or (self.rewards.holds(record) and step <= self.rewards.curves["R"].last)

    def _take_back(self, step: float) -> None:
        self._note(
            Alert(
                "restart",
                step,
                self.step - step,
                f"the run went back from step {self.step:,.0f} to {step:,.0f}; what it makes again "
                "replaces what it made first",
                "notice",
            )
        )
        for curve in self.curves.values():
            curve.take_back(step)
        self.rewards.take_back(step)
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
            return ending(partial, self.plan.earlier), ""
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
        if len(self.curves["eval_loss"]) >= 2:  # losses of single batches scatter otherwise
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
        if off >= ALARMING and math.isfinite(sigma) and forecast is not None:
            self._note(
                Alert(
                    "forecast",
                    self.step,
                    sigma,
                    f"the last loss is forecast at {forecast.value:.4g}, {sigma:.1f} sigma above "
                    f"the {self.plan.expected:.4g} expected ({self.plan.expected_by})",
                )
            )
        return "worse" if off > 0 else "better"

    def _note(self, alert: Alert | None) -> None:
        if alert is not None and alert.name not in self.alerts and len(self.alerts) < MOST_ALERTS:
            self.alerts[alert.name] = alert
