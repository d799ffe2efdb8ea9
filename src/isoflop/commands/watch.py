"""watch: a live run held against its plan, its forecast, and runs like it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.report import Report

if TYPE_CHECKING:
    from isoflop.monitor.live import RunPlan

_SCHEDULE = "wsd:peak=6e-3,end=6e-4,steps=400,warmup=60,decay=80"


@command(
    "watch",
    example=f"isoflop watch sample:live-run --once --schedule {_SCHEDULE} "
    "--ladder sample:live-ladder",
)
def watch(
    source: Annotated[
        str,
        Option("a training log: JSON lines, CSV, trainer_state.json, events, a trial", "SOURCE"),
    ],
    *,
    schedule: Annotated[
        str | None, Option("cosine:peak=...,steps=..., or a table of step and lr", "SCHEDULE")
    ] = None,
    ladder: Annotated[
        tuple[str, ...], Option("logs of earlier runs, of any size; may be repeated", "LOG")
    ] = (),
    like: Annotated[
        tuple[str, ...], Option("logs of repeats of this very run; may be repeated", "LOG")
    ] = (),
    fit: Annotated[
        str | None, Option("a fit saved with --out, which says where to end", "FIT", needs=("**",))
    ] = None,
    register: Annotated[
        str | None, Option("the register that holds the forecast", "FILE", excludes=("fit",))
    ] = None,
    name: Annotated[
        str | None,
        Option("of the run in the register; its last unless given", "NAME", needs=("register",)),
    ] = None,
    metric: Annotated[
        str | None, Option("of the forecast in the register", "NAME", needs=("register",))
    ] = None,
    target: Annotated[float | None, Option("the last loss that is wanted", "LOSS")] = None,
    warmup: Annotated[
        int | None, Option("steps of warm-up, where a table leaves it out", "STEPS")
    ] = None,
    columns: Annotated[
        Mapping[str, str] | None, Option("which field is step, loss, eval_loss, lr", "PART=FIELD")
    ] = None,
    every: Annotated[
        str, Option("pause between looks, such as 30s or 5m", "TIME", excludes=("once", "replay"))
    ] = "30s",
    once: Annotated[bool, Option("look once, as from cron", excludes=("replay",))] = False,
    replay: Annotated[bool, Option("say what would have been said of a run that ended")] = False,
    webhook: Annotated[
        str | None, Option("post alerts to this address as JSON", "URL", excludes=("replay",))
    ] = None,
    **at: float,
) -> Report:
    """Watch a live run: on track, how it will end, and what looks wrong.

    Without --once it follows the log until the run ends or Ctrl-C, as a live page in a terminal.
    The exit code is 4 after an alert. Without a schedule nothing is said of the end; while the
    decay is unseen, a forecast needs earlier runs (--ladder). Tests keep false alarms rare.
    """  # fmt: skip
    from isoflop.monitor import live
    from isoflop.pages import page

    plan = _plan(schedule=schedule, ladder=ladder, like=like, target=target, warmup=warmup)
    plan = _expecting(plan, fit, register, name, metric, at)
    pause = live.seconds(every)
    if replay:
        return page(live.replay(source, plan, columns=columns))
    if once:
        look = live.watch(source, plan, columns=columns)
        live.send_alerts(webhook, source, look, set())
        return page(look)
    from isoflop.pages.live_page import followed

    return page(followed(source, plan, columns=columns, every=pause, webhook=webhook))


def _plan(
    *,
    schedule: str | None,
    ladder: tuple[str, ...],
    like: tuple[str, ...],
    target: float | None,
    warmup: int | None,
) -> RunPlan:
    from isoflop.monitor import live

    return live.RunPlan(
        schedule=None if schedule is None else live.planned_schedule(schedule, warmup),
        earlier=live.earlier_runs(ladder, warmup),
        replicates=tuple(c for text in like for c in live.logged_curves(text, warmup)),
        target=target,
    )


def _expecting(
    plan: RunPlan,
    fit: str | None,
    register: str | None,
    name: str | None,
    metric: str | None,
    at: Mapping[str, float],
) -> RunPlan:
    from isoflop import monitor
    from isoflop.commands.law_source import saved
    from isoflop.monitor.register import sealed_forecast

    if at and fit is None:
        raise UsageError(f"--{next(iter(at))} has no effect here; it goes with --fit")
    if fit is not None:
        return plan.against(sealed_forecast("L", saved(fit), None, None, at))
    if register is not None:
        return plan.against(monitor.read_register(register).entry(name).forecast(metric))
    return plan
