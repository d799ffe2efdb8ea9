"""Follow a run, look at it once, or ask what would have been said of one that has ended."""

from __future__ import annotations

import itertools
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from isoflop.errors import BadRuns, UsageError, brief
from isoflop.monitor.live.evidence import Alert
from isoflop.monitor.live.look import Look
from isoflop.monitor.live.plan import RunPlan
from isoflop.monitor.live.tail import follower
from isoflop.monitor.live.watcher import Watcher
from isoflop.sources.log_formats import Follower
from isoflop.terminal import say

MOST_LOOKS, FORECASTS = 200, 12  # looks of a replay, and those that forecast
SHORTEST, LONGEST = 0.05, 86_400.0  # [s] between two looks
EARLIEST = 8  # records before the first look of a replay


@dataclass(frozen=True, eq=False)
class Replay:
    """What would have been said of a run: each alert when it was first raised, and the last look.

    `stopped` is the step of the look that first alerted, None if none did; `saved` the share of
    all steps that came after it.
    """

    first: tuple[tuple[float, Alert], ...]
    stopped: float | None
    saved: float
    looks: tuple[Look, ...]


def watch(
    source: str | os.PathLike[str],
    plan: RunPlan | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    run: str = "",
) -> Look:
    """Return what can be said of a run now, from its log so far.

    `source` is a log (JSON lines, trainer_state.json, CSV, a console), the store of a tracker
    (W&B offline or "wandb:ENTITY/PROJECT/RUN", MLflow, TensorBoard, trackio), or a study or trial
    of isoflop; `run` names one of several. `columns` names its step, loss, eval_loss and lr.
    Raises UsageError for a log without a step or a loss, BadRuns for what is not there.
    """
    return next(follow(source, plan, columns=columns, run=run))


def follow(
    source: str | os.PathLike[str],
    plan: RunPlan | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    run: str = "",
    every: float = 30.0,
) -> Iterator[Look]:
    """Yield a look at a run now, and another after each `every` seconds, for ever.

    A file that is cut, rotated or restarted while it is followed raises no alert of its own, and
    nothing is counted twice.
    """
    if not every >= SHORTEST:
        raise UsageError(f"every is {every:g} s; give {SHORTEST:g} s or more")
    tail, watcher = follower(source, run), Watcher(plan or RunPlan(), columns or {})
    last: Look | None = None
    for number in itertools.count():
        try:
            if _take(tail, watcher, str(source)) or last is None:
                last = watcher.look()
        except BadRuns:
            if last is None:
                raise  # a log that was there and is being rotated comes back
        assert last is not None
        yield last
        del number
        time.sleep(every)


def replay(
    source: str | os.PathLike[str],
    plan: RunPlan | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    run: str = "",
    forecasts: int = FORECASTS,
) -> Replay:
    """Return what would have been said of a run, looked at after each of its evaluations.

    So many of the looks forecast its end.
    """
    watcher, looks = Watcher(plan or RunPlan(), columns or {}), list[Look]()
    first: dict[str, tuple[float, Alert]] = {}
    records = list(follower(source, run).records())
    for record in records:
        watcher.learn(record)
    watcher.refuse(sorted(records[0]) if records else [], str(source))
    places = [i for i, r in enumerate(records) if watcher.has_loss(r)]
    spaced = [*places[EARLIEST :: max(1, len(places) // MOST_LOOKS)], len(records) - 1]
    steps = set(spaced[:: -max(1, len(spaced) // forecasts)]) if forecasts else set()
    looked = set(spaced)
    stopped: float | None = None
    for i, record in enumerate(records):
        watcher.take(record)
        if i not in looked:
            continue
        looks.append(watcher.look(i in steps))
        for alert in looks[-1].alerts:
            first.setdefault(alert.name, (watcher.step, alert))
        if stopped is None and looks[-1].is_alarmed:
            stopped = watcher.step
    plan_steps = plan.schedule.steps if plan is not None and plan.schedule is not None else 0
    total = max(watcher.step, plan_steps, 1.0)
    saved = 0.0 if stopped is None else 1 - stopped / total
    return Replay(tuple(first.values()), stopped, saved, tuple(looks))


def _take(tail: Follower, watcher: Watcher, source: str) -> int:
    """Let a watcher take what is new, and return how many records that was."""
    count, example = 0, list[str]()
    for record in tail.records():
        if count == 0 and tail.began_anew and _is_same_run(record, watcher):
            watcher.begin_anew()
        example = example or sorted(record)
        watcher.take(record)
        count += 1
    if watcher.count == 0:
        watcher.refuse(example, source)
    return count


def _is_same_run(record: Mapping[str, object], watcher: Watcher) -> bool:
    """Say whether a file that begins anew tells the run from before what is known of it."""
    step = watcher.names.value("step", record)
    curves = (*watcher.curves.values(), *watcher.rewards.curves.values())
    first = min((c.steps[0] for c in curves if len(c)), default=0.0)
    return step is None or step <= first


def send_alerts(address: str | None, source: str, look: Look, sent: set[str]) -> None:
    """Post the alerts of a look that were not sent yet; what fails is said, and tried again."""
    new = [a for a in look.alerts if a.severity == "alert" and a.name not in sent]
    if address is None or not new:
        return
    from isoflop.monitor.live.webhook import announce

    if why := announce(address, source, new):
        say(why)
        return
    sent |= {alert.name for alert in new}


def seconds(text: str) -> float:
    """Return a pause [s] from text: "30s", "5m", "1h", or a number of seconds."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)\s*(s|m|h)?", text.strip(), re.ASCII)
    value = float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2] or "s"] if match else 0.0
    if not SHORTEST <= value <= LONGEST:
        raise UsageError(f"--every is {brief(text)}; give a time such as 30s, 5m or 1h")
    return value
