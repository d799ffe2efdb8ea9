"""watch: a live run held against its plan, its forecast, and runs like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.report import Report

if TYPE_CHECKING:
    from isoflop.monitor.live import RunPlan

_SCHEDULE = "wsd:peak=6e-3,end=6e-4,steps=400,warmup=60,decay=80"


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonOptions:
    """What the run is held against: its plan, and earlier runs."""

    schedule: Annotated[
        str | None, Option("cosine:peak=...,steps=..., or a table of step and lr", "SCHEDULE")
    ] = None
    ladder: Annotated[
        tuple[str, ...], Option("logs of earlier runs, of any size; may be repeated", "LOG")
    ] = ()
    like: Annotated[
        tuple[str, ...], Option("logs of repeats of this very run; may be repeated", "LOG")
    ] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForecastOptions:
    """The forecast of the run."""

    fit: Annotated[
        str | None, Option("a fit saved with --out, which says where to end", "FIT", needs=("**",))
    ] = None
    register: Annotated[
        str | None, Option("the register that holds the forecast", "FILE", excludes=("fit",))
    ] = None
    name: Annotated[
        str | None,
        Option("of the run in the register; its last unless given", "NAME", needs=("register",)),
    ] = None
    metric: Annotated[
        str | None, Option("of the forecast in the register", "NAME", needs=("register",))
    ] = None

    def expected(self, plan: RunPlan, at: Mapping[str, float]) -> RunPlan:
        """Return the plan with the forecast that it is held against, if there is one.

        Raises UsageError for quantities of no fit.
        """
        from isoflop import monitor
        from isoflop.commands.law_source import saved
        from isoflop.monitor.register import sealed_forecast

        if at and self.fit is None:
            raise UsageError(f"--{next(iter(at))} has no effect here; it goes with --fit")
        if self.fit is not None:
            return plan.against(sealed_forecast("L", saved(self.fit), None, None, at))
        if self.register is not None:
            entry = monitor.read_register(self.register).entry(self.name)
            return plan.against(entry.forecast(self.metric))
        return plan


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """What is wanted of the run, and how its log is read."""

    run: Annotated[
        str, Option("which run, where the source holds several; of a study the one that runs")
    ] = ""
    target: Annotated[float | None, Option("the last loss that is wanted", "LOSS")] = None
    warmup: Annotated[
        int | None, Option("steps of warm-up, where a table leaves it out", "STEPS")
    ] = None
    columns: Annotated[
        Mapping[str, str] | None, Option("which field is step, loss, eval_loss, lr", "PART=FIELD")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LookOptions:
    """When the log is looked at, and who hears of it."""

    every: Annotated[
        str, Option("pause between looks, such as 30s or 5m", "TIME", excludes=("once", "replay"))
    ] = "30s"
    once: Annotated[bool, Option("look once, as from cron", excludes=("replay",))] = False
    replay: Annotated[bool, Option("say what would have been said of a run that ended")] = False
    webhook: Annotated[
        str | None, Option("post alerts to this address as JSON", "URL", excludes=("replay",))
    ] = None


@command(
    "watch",
    section="Runs under way",
    example=f"isoflop watch sample:live-run --once --schedule {_SCHEDULE} "
    "--ladder sample:live-ladder",
)
def watch(
    source: Annotated[
        str,
        Option("a log, the store of a tracker, wandb:ENTITY/PROJECT/RUN, a study or trial"),
    ],
    *,
    against: ComparisonOptions = ComparisonOptions(),
    expected: ForecastOptions = ForecastOptions(),
    log: LogOptions = LogOptions(),
    look: LookOptions = LookOptions(),
    **at: float,
) -> Report:
    """Watch a live run: on track, how it will end, and what looks wrong.

    Without --once it follows the log until the run ends or Ctrl-C, as a live page in a terminal.
    The exit code is 4 after an alert. Without a schedule nothing is said of the end; while the
    decay is unseen, a forecast needs earlier runs (--ladder). Tests keep false alarms rare.
    """
    from isoflop.monitor import live
    from isoflop.pages import page

    plan = live.RunPlan.of(
        against.schedule,
        ladder=against.ladder,
        like=against.like,
        target=log.target,
        warmup=log.warmup,
    )
    plan = expected.expected(plan, at)
    pause, run = live.seconds(look.every), log.run
    if look.replay:
        return page(live.replay(source, plan, columns=log.columns, run=run))
    if look.once:
        answer = live.watch(source, plan, columns=log.columns, run=run)
        live.send_alerts(look.webhook, source, answer, set())
        return page(answer)
    from isoflop.pages.live_page import followed

    return page(
        followed(source, plan, columns=log.columns, run=run, every=pause, webhook=look.webhook)
    )
