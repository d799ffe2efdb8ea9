"""A watch as it goes: a page that is drawn anew in a terminal, a line a look elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from isoflop.monitor import live
from isoflop.pages.watch import page_of
from isoflop.terminal import notify, say

if TYPE_CHECKING:
    from isoflop.monitor.live import Look, RunPlan


def followed(
    source: str,
    plan: RunPlan,
    *,
    columns: Mapping[str, str] | None,
    run: str,
    every: float,
    webhook: str | None,
) -> Look:
    """Follow a run until its planned end, or Ctrl-C after the first look; return the last look."""
    sent: set[str] = set()
    notified: set[str] = set()
    last: Look | None = None
    draw = _Drawing()
    try:
        for look in live.follow(source, plan, columns=columns, run=run, every=every):
            is_new = last is None or look is not last
            last = look
            if is_new:
                draw(look)
                _notify(source, look, notified)
                live.send_alerts(webhook, source, look, sent)
            if plan.schedule is not None and look.step >= plan.schedule.steps:
                break
    except KeyboardInterrupt:
        if last is None:
            raise
    finally:
        draw.close()
    assert last is not None
    return last


def _notify(source: str, look: Look, notified: set[str]) -> None:
    """Show the alerts that are new on the desktop."""
    for alert in look.alerts:
        if alert.severity == "alert" and alert.name not in notified:
            notified.add(alert.name)
            notify(f"isoflop: {source}: {alert.name}: {alert.text}")


class _Drawing:
    """Where looks are shown: one page in a terminal, or lines."""

    def __init__(self) -> None:
        self.screen = None
        if sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            self.screen = Live(console=Console(stderr=True), auto_refresh=False, transient=True)
            self.screen.start()

    def __call__(self, look: Look) -> None:
        """Show a look."""
        if self.screen is None:
            say(str(look))
            return
        from rich.console import Console
        from rich.text import Text

        from isoflop.report.text import write

        console = Console(width=self.screen.console.width, force_terminal=True)
        with console.capture() as written:
            write(page_of(look), console)
        self.screen.update(Text.from_ansi(written.get()), refresh=True)

    def close(self) -> None:
        """Leave the terminal as it was."""
        if self.screen is not None:
            self.screen.stop()
