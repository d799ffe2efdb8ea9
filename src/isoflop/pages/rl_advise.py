"""Fit, compare and forecast them; go on, or stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.errors import UsageError
from isoflop.quantities import quantity, show
from isoflop.report import Block, Cell, Heading, Remark, Table

if TYPE_CHECKING:
    from isoflop.monitor import Alarm, StopAdvice
    from isoflop.runs import Runs


LOOKS = 12  # evaluations that a table shows


def reward(text: str) -> float:
    """Return the reward that a text writes."""
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"--target is {text!r}; it must be a reward, such as 0.6") from None


def of_of(rows: Runs, name: str) -> Runs:
    """Return the rows of one run."""
    return rows.select(rows.labels["run"] == name) if "run" in rows.labels else rows


def described(
    name: str, run: Runs, stop_advice: StopAdvice, warned: tuple[Alarm, ...], level: float
) -> list[Block]:
    """Return the advice on one run, its numbers and its alarms."""
    from isoflop.monitor.advice import STRICT
    from isoflop.monitor.alarms import unheard
    from isoflop.pages.rl_figures import evidence_of, forecast_of

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
