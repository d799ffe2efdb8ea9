"""A day of watching a log that grows: no more memory at its end, nothing twice, no wrong alert.

Time is compressed: what would be a pause of 30 s is a moment in which the log grows by what a run
writes in 30 s. ISOFLOP_LONG=1 takes the whole day, 2,880 looks, for a minute or two.
"""

from __future__ import annotations

import gc
import json
import os
import tracemalloc
from pathlib import Path

import numpy as np

from isoflop.monitor import live
from isoflop.monitor.live import session
from isoflop.monitor.live.curve import MOST

LOOKS = 2_880 if os.environ.get("ISOFLOP_LONG") else 160
RECORDS = 60  # that a run writes between two looks: one each half second
EVALUATE = 20  # steps between two evaluations


class GrowingLog:
    """A log that a run writes while it is watched; it is rotated, and the run is restarted."""

    def __init__(self, path: Path) -> None:
        self.path, self.step, self.pauses = path, 0, 0
        self.noise = np.random.default_rng(0).standard_normal(4_096)
        self.top = 0

    def write(self, count: int) -> None:
        with self.path.open("a") as file:
            for _ in range(count):
                self.step += 1
                plain = 2 + 4 * self.step**-0.3
                loss = plain * (1 + 0.01 * self.noise[self.step * 7 % 4_096])
                record = {"step": self.step, "lr": 1e-3, "loss": loss}
                if self.step % EVALUATE == 0:
                    record["eval_loss"] = plain * (1 + 0.001 * self.noise[self.step % 4_096])
                file.write(json.dumps(record) + "\n")
        self.top = max(self.top, self.step)

    def pause(self, seconds: float) -> None:
        """Stand for the time between two looks."""
        self.pauses += 1
        if self.pauses % 40 == 0:  # rotated: the old file goes, a new one takes its name
            self.path.unlink()
        if self.pauses % 55 == 0:  # restarted from a checkpoint
            self.step -= 90
        self.write(RECORDS)


def test_a_day_of_watching_takes_no_more_memory_at_its_end(tmp_path, monkeypatch):
    log = GrowingLog(tmp_path / "log.jsonl")
    log.write(RECORDS)
    monkeypatch.setattr(session.time, "sleep", log.pause)
    looks = live.follow(log.path, live.RunPlan(), every=30)
    tracemalloc.start()
    try:
        sizes = []
        for number in range(1, LOOKS + 1):
            look = next(looks)
            assert not look.is_alarmed, look.alerts
            if number % (LOOKS // 8) == 0:
                gc.collect()
                sizes.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    assert look.step == log.top
    assert (np.diff(look.steps) > 0).all()
    assert MOST / 2 <= len(look.steps) <= MOST
    assert max(sizes[4:]) < max(sizes[:4]) + 50_000  # bytes
    assert {alert.name for alert in look.alerts} <= {"restart", "plateau"}
