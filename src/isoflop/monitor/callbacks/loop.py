"""A training loop that watches itself: five lines, and a line of the log says how it will end."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from isoflop.errors import in_words
from isoflop.monitor.live.evidence import Alert
from isoflop.monitor.live.look import Look
from isoflop.monitor.live.plan import RunPlan
from isoflop.monitor.live.watcher import Watcher

LOOKS = 20  # estimates over a run whose length is known; each takes a second or so
EVERY = 50  # records between two looks where it is not


class Watch:
    """A run held against its plan from within its training loop.

    Call it with what a step logs. It says each alert at once, through `say`, and about `LOOKS`
    times over the run how that stands, with the estimate of its final loss; after evaluations,
    where there are some. It never ends a run: what goes wrong in watching is said once.
    """

    def __init__(
        self, plan: RunPlan | None = None, *, say: Callable[[str], object] = print
    ) -> None:
        self.plan = plan or RunPlan()
        self.look: Look | None = None
        self._say = say
        self._watcher = Watcher(self.plan)
        self._next = 0.0  # the step from which on another look is due
        self._records = 0
        self._evaluated = False
        self._alerted: set[str] = set()
        self._reasons: set[str] = set()
        self._failed = False

    def __call__(
        self,
        step: int,
        *,
        loss: Any = None,
        eval_loss: Any = None,
        lr: Any = None,
    ) -> Look | None:
        """Take what a step logs, say what is new, and return the look if one was due.

        `loss` is of training and `eval_loss` held out [nats/token]; numbers, or tensors of one.
        """
        record = {"step": step, "loss": loss, "eval_loss": eval_loss, "lr": lr}
        return self.take({k: float(v) for k, v in record.items() if v is not None})

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """What looks wrong so far; notices are not among it."""
        return tuple(a for a in self._watcher.alerts.values() if a.severity == "alert")

    def take(self, record: Mapping[str, Any]) -> Look | None:
        """Take a record of a log, under any names that are in use, as `__call__` does."""
        if self._failed:
            return None
        try:
            self._watcher.take(record)
            look = self._watcher.look() if self._is_due(record) else None
        except Exception as error:  # a watch must not end the run that it watches
            self._failed = True
            self._say(f"isoflop watches no more: {in_words(error, 'watching a run')}")
            return None
        self._tell_alerts()
        if look is not None:
            self.look = look
            self._tell(look)
        return look

    def resume(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Take the records of a run that goes on, without a word."""
        for record in records:
            self._watcher.take(record)
        self._alerted = set(self._watcher.alerts)

    def records(self) -> list[dict[str, float]]:
        """Return what is known of the run as records, so that another watch may resume it."""
        return [
            {"step": step, part: value}
            for part, curve in self._watcher.curves.items()
            for step, value in zip(curve.steps.tolist(), curve.values.tolist(), strict=True)
        ]

    def _is_due(self, record: Mapping[str, Any]) -> bool:
        """Say whether a look is due, and when the next will be."""
        names = self._watcher.names
        evaluation = names.value("eval_loss", record) is not None
        self._evaluated |= evaluation
        self._records += 1
        step = self._watcher.step
        schedule = self.plan.schedule
        every = EVERY if schedule is None else max(1, schedule.steps // LOOKS)
        now = self._records if schedule is None else step
        self._next = min(self._next, now + every)  # a run that went back in steps
        if now < self._next or self._evaluated > evaluation:
            return False
        if not evaluation and names.value("loss", record) is None:
            return False
        self._next = now + every
        return True

    def _tell_alerts(self) -> None:
        alerts = self._watcher.alerts
        for name in alerts.keys() - self._alerted:
            alert = alerts[name]
            mark = "ALERT " if alert.severity == "alert" else ""
            self._say(f"isoflop: {mark}{name}: {alert.text}")
        self._alerted = set(alerts)

    def _tell(self, look: Look) -> None:
        """Say the estimate, or once why there is none."""
        if look.forecast is not None:
            self._say(f"isoflop: {look}")
            return
        reason = "no estimate of the final loss: " + re.sub(r"^\d+ ", "these ", look.why_not)
        if reason not in self._reasons:
            self._reasons.add(reason)
            self._say(f"isoflop: {look}; {reason}")
