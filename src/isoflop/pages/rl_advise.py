"""Runs of reinforcement learning: go on or stop, and what looks wrong."""

from __future__ import annotations

from typing import Any

from isoflop.monitor.advice import STRICT, StopAdvice
from isoflop.monitor.alarms import Alarm, unheard
from isoflop.monitor.run_advice import Advice, RunAdvice
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimate
from isoflop.quantities import quantity, show
from isoflop.report import Block, Cell, Heading, Remark, Report, Table, note_blocks

FEW = 4  # runs that the title and the first sentence speak of

LOOKS = 12  # evaluations that a table shows


@shows(Advice)
def page_of(result: Advice) -> Report:
    """Return the advice on each run, its numbers and its alarms."""
    logs = result.logs
    unknown = (
        Remark(f"R_0 of {name} is its first evaluation; --start says it better")
        for name in logs.fitted_starts
    )
    blocks: list[Block] = [*note_blocks(logs.notes), *unknown]
    for name, one in result.by_run.items():
        blocks += described(name, one, result.level)
    data = {
        "over": logs.over,
        "unit": quantity(logs.over).unit,
        "level": result.level,
        "runs": {name: as_data(a.advice, a.alarms) for name, a in result.by_run.items()},
    }
    first = list(result.by_run.items())[:FEW]
    title = f"Advice: {', '.join(f'{name}: {a.advice.says}' for name, a in first)}"
    doubts = [Remark(f"alarm, {w.name}: {w.says}", "doubt") for _, a in first for w in a.alarms]
    answer = answered("; ".join(_answer(name, a.advice) for name, a in first), doubts)
    return Report(title, tuple(blocks), data, answer=answer)


def _answer(name: str, advice: StopAdvice) -> str:
    """Return what to do with a run, how likely its target is, and where it ends."""
    unit = quantity(advice.over).unit
    return (
        f"{name}, {advice.says}: {show(advice.target)} is reached by {show(advice.budget)} {unit} "
        f"with probability {advice.reaches:.0%}, the reward there is "
        f"{estimate(advice.expected[0], *advice.reward)}"
    )


def described(name: str, one: RunAdvice, level: float) -> list[Block]:
    """Return the advice on one run, its numbers and its alarms."""
    from isoflop.pages.rl_figures import evidence_of, forecast_of

    run, stop_advice, warned = one.run, one.advice, one.alarms
    kind: Any = {"continue": "good", "stop": "doubt", "not yet known": "info"}[stop_advice.says]
    silent = unheard(run)
    unit = quantity(stop_advice.over).unit
    rows: list[tuple[Cell, ...]] = [
        (
            f"probability of reaching {stop_advice.target:g} by {show(stop_advice.budget)} {unit}",
            stop_advice.reaches,
            None,
            None,
        ),
        (
            f"reward at {show(stop_advice.budget)} {unit}",
            stop_advice.expected[0],
            *stop_advice.reward,
        ),
        (
            f"gain of the next {show(stop_advice.step)} {unit}",
            stop_advice.expected[1],
            *stop_advice.gain,
        ),
    ]
    return [
        Heading(name),
        Remark(f"{stop_advice.says}: {stop_advice.why}", kind),
        *(Remark(f"alarm, {a.name}: {a.says}", "doubt") for a in warned),
        *(
            [Remark(f"no alarm can come from {', '.join(silent)}: the log does not hold it")]
            if silent
            else []
        ),
        Table(("of the run", "value", "low", "high"), tuple(rows), f"{level:.0%} intervals"),
        _looks(stop_advice),
        forecast_of(stop_advice, run),
        evidence_of(stop_advice, STRICT / stop_advice.alpha),
    ]


def _looks(stop_advice: StopAdvice) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (look.at, look.reward, look.reaches, look.against, look.says)
        for look in stop_advice.looks[-LOOKS:]
    ]
    return Table(
        (
            f"at [{quantity(stop_advice.over).unit}]",
            "R",
            "reaches the target",
            "evidence against",
            "would have said",
        ),
        tuple(rows),
        "After each of the last evaluations; a stop, once said, stands.",
    )


def as_data(stop_advice: StopAdvice, warned: tuple[Alarm, ...]) -> dict[str, Any]:
    """Return the advice on one run as JSON types."""
    return {
        "says": stop_advice.says,
        "why": stop_advice.why,
        "target": stop_advice.target,
        "budget": stop_advice.budget,
        "reaches": stop_advice.reaches,
        "alpha": stop_advice.alpha,
        "reward": {"expected": stop_advice.expected[0], "interval": list(stop_advice.reward)},
        "gain": {
            "of": stop_advice.step,
            "expected": stop_advice.expected[1],
            "interval": list(stop_advice.gain),
        },
        "alarms": [{"name": a.name, "value": a.value, "says": a.says} for a in warned],
        "looks": [
            {
                "at": k.at,
                "R": k.reward,
                "reaches": k.reaches,
                "against": min(k.against, 1e300),
                "says": k.says,
            }
            for k in stop_advice.looks
        ],
    }
