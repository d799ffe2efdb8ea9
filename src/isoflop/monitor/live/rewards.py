"""A run of reinforcement learning under way: its reward, and what its other columns warn of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import BadRuns, UsageError
from isoflop.monitor.alarms import alarms
from isoflop.monitor.live.curve import GrowingCurve
from isoflop.monitor.live.evidence import Alert
from isoflop.runs import Runs
from isoflop.sources.training_logs import Fields, find_fields, known_fields

COLUMNS = ("R", "truncated", "unvaried", "entropy")


class LoggedRewards:
    """The reward and the columns that alarms are raised from, constant in memory.

    The reward is that of evaluations where the log holds some, and else that of training.
    """

    def __init__(self) -> None:
        self.fields: Fields | None = None
        self.curves: dict[str, GrowingCurve] = {symbol: GrowingCurve() for symbol in COLUMNS}
        self._names: set[str] = set()

    @property
    def name(self) -> str:
        """The field of the log that is the reward; "" where there is none."""
        return self.fields.by_symbol["R"] if self.fields is not None else ""

    def learn(self, record: Mapping[str, Any]) -> None:
        """Take note of the fields of a record."""
        new = {name for name, value in record.items() if isinstance(value, int | float)}
        if new <= self._names:
            return
        self._names |= new
        try:
            fields = known_fields(self._names, {}, "the log")
            if "R" not in fields.by_symbol:
                fields = find_fields(self._names, {}, "the log", True)
        except (BadRuns, UsageError):  # also of a log without any reward
            return
        if self.fields is not None and fields.by_symbol["R"] != self.name:
            self.curves["R"] = GrowingCurve()  # an evaluation, after rewards of training
        self.fields = fields

    def take(self, step: float, record: Mapping[str, Any]) -> None:
        """Take what a record holds of the columns."""
        if self.fields is None:
            return
        for symbol, curve in self.curves.items():
            value = self.fields.value(symbol, record)
            if math.isfinite(value) and step > curve.last:
                curve.add(step, value)

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Say whether a record holds a reward."""
        return self.fields is not None and math.isfinite(self.fields.value("R", record))

    def take_back(self, step: float) -> None:
        """Forget what came at `step` or later."""
        for curve in self.curves.values():
            curve.take_back(step)

    def alerts(self) -> tuple[Alert, ...]:
        """Return what the last rows warn of."""
        columns = {symbol: curve for symbol, curve in self.curves.items() if len(curve)}
        if "R" not in columns:
            return ()
        steps: Numbers = np.unique(np.concatenate([curve.steps for curve in columns.values()]))
        table = {"steps": steps}
        for symbol, curve in columns.items():
            table[symbol] = np.full(steps.size, np.nan)
            table[symbol][np.searchsorted(steps, curve.steps)] = curve.values
        return tuple(
            Alert(alarm.name, float(steps[-1]), alarm.value, alarm.says)
            for alarm in alarms(Runs(table), "steps")
        )
