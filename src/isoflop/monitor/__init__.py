"""A live run held against its forecast: go on, stop, or too early to say; and what looks wrong."""

from __future__ import annotations

from isoflop.monitor.advice import StopAdvice, StopEvaluation, advise, looks
from isoflop.monitor.alarms import Alarm, alarms
from isoflop.monitor.callbacks import (
    Watch,
    lightning_callback,
    transformers_callback,
    trl_callback,
)
from isoflop.monitor.outlook import outlook
from isoflop.monitor.register import (
    Register,
    Registered,
    SealedCurve,
    SealedForecast,
    read_register,
    register,
)
from isoflop.monitor.score import Record, RegisterScores, Score, score

__all__ = [
    "Alarm",
    "Record",
    "Register",
    "RegisterScores",
    "Registered",
    "Score",
    "SealedCurve",
    "SealedForecast",
    "StopAdvice",
    "StopEvaluation",
    "Watch",
    "advise",
    "alarms",
    "lightning_callback",
    "looks",
    "outlook",
    "read_register",
    "register",
    "score",
    "transformers_callback",
    "trl_callback",
]
