"""A run under way: its log followed, its curve kept, what looks wrong, and how it will end."""

from __future__ import annotations

from isoflop.monitor.live.evidence import Alert
from isoflop.monitor.live.look import Look
from isoflop.monitor.live.plan import RunPlan, earlier_runs, logged_curves, planned_schedule
from isoflop.monitor.live.session import Replay, follow, replay, seconds, send_alerts, watch
from isoflop.monitor.live.watcher import Watcher

__all__ = [
    "Alert",
    "Look",
    "Replay",
    "RunPlan",
    "Watcher",
    "earlier_runs",
    "follow",
    "logged_curves",
    "planned_schedule",
    "replay",
    "seconds",
    "send_alerts",
    "watch",
]
