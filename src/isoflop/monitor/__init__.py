"""A live run held against its forecast: go on, stop, or too early to say; and what looks wrong."""

from __future__ import annotations

from isoflop.monitor.advice import StopAdvice, StopEvaluation, advise, looks
from isoflop.monitor.alarms import Alarm, alarms
from isoflop.monitor.callback import trl_callback
from isoflop.monitor.outlook import outlook

__all__ = [
    "Alarm",
    "StopAdvice",
    "StopEvaluation",
    "advise",
    "alarms",
    "looks",
    "outlook",
    "trl_callback",
]
