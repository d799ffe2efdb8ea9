"""Logs of training programs as records, and what their fields are called by each program."""

from __future__ import annotations

from isoflop.sources.training_logs.fields import Fields, find_fields, known_fields
from isoflop.sources.training_logs.join import Joined, joined
from isoflop.sources.training_logs.log import History, Log, Record, history_of
from isoflop.sources.training_logs.read_logs import read_logs

__all__ = [
    "Fields",
    "History",
    "Joined",
    "Log",
    "Record",
    "find_fields",
    "history_of",
    "joined",
    "known_fields",
    "read_logs",
]
