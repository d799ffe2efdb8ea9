"""What speaks against a run: tests whose false alarms are counted, and rules for what is plain.

Each test looks at a whole curve so far, as it stands, and says at which step it first spoke.
False alarms and delays, measured: docs/watch.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from isoflop.arrays import Numbers
from isoflop.schedules import LossCurve, Schedule

Severity = Literal["alert", "notice"]

# The e-process on differences: wagers, what a jump may count at most, and what is enough.
WAGERS, CLIPPED, SCALE = (0.25, 0.5, 1.0, 2.0), 6.0, 1.25
ENOUGH = 20.0  # Ville: at most one healthy run in twenty, were its differences as assumed
LEARNT = 8  # differences before which their size is not known
MOST_POINTS = 200  # a clipped jump may reach 5,500 over their number: average to fewer
LEVELS = ((8, 3.3), (3, 4.0))  # degrees of freedom, and the sigma that is enough from there on
FIRST_LEVEL = 6  # evaluations before which levels are not compared
WINDOW, SPIKE, LEAST_SPIKE = 64, 5.0, 0.03  # losses of training, MADs, and least rise of the log
DIVERGED, ROWS = 0.25, 3  # rise of the log over the lowest loss, in so many losses on end
RATE_OFF = 0.1  # log by which a rate may differ from its plan


@dataclass(frozen=True, slots=True)
class Alert:
    """Something that looks wrong: what, since which step, how strong, and in words."""

    name: str
    step: float
    strength: float
    text: str
    severity: Severity = "alert"


def shock(steps: Numbers, log_loss: Numbers, expected: int) -> Alert | None:
    """Return an alert where differences of the loss turn up, as no healthy run's do.

    An e-process: a wager on the next difference, from every start, that grows by what came true.
    It is held against no rise at all, not against the fall before: healthy curves flatten at once.
    `expected` is how many evaluations the run will have.
    """
    steps, log_loss = _averaged(steps, log_loss)
    difference = np.diff(log_loss)
    if difference.size <= LEARNT:
        return None
    weight = 1.0 / max(min(expected, MOST_POINTS), difference.size)
    wealth = np.zeros(len(WAGERS))
    wagers = np.array(WAGERS)
    for i in range(LEARNT, difference.size):
        before = difference[:i]
        recent = before[-WINDOW:]
        size = 1.4826 * float(np.median(np.abs(recent - np.median(recent))))
        size = max(size, 1.4826 * float(np.median(np.abs(before - np.median(before)))), 1e-6)
        z = float(np.clip(difference[i] / size / SCALE, -CLIPPED, CLIPPED))
        wealth = (wealth + weight) * np.exp(wagers * z - wagers**2 / 2)
        if wealth.mean() >= ENOUGH:
            step = float(steps[i + 1])
            return Alert(
                "shock",
                step,
                float(wealth.mean()),
                f"the loss rose at step {step:,.0f} as no healthy curve of this scatter does "
                f"(evidence {wealth.mean():.3g} to 1): look at the data and the rate there",
            )
    return None


def level(partial: LossCurve, replicates: Sequence[LossCurve]) -> tuple[float, float, Alert | None]:
    """Return by how many sigma the loss lies above repeats of the run, since when, and an alert.

    NaN where there are too few repeats: with two or three, one healthy run in three would alarm.
    """
    freedom = len(replicates) - 1
    enough = next((sigma for least, sigma in LEVELS if freedom >= least), math.inf)
    steps: Numbers = partial.steps[FIRST_LEVEL - 1 :].astype(float)
    inside = steps <= min((c.steps[-1] for c in replicates), default=0)
    steps, log_loss = steps[inside], np.log(partial.loss[FIRST_LEVEL - 1 :][inside])
    if not math.isfinite(enough) or not steps.size:
        return math.nan, math.nan, None
    others = np.stack([np.interp(steps, c.steps, np.log(c.loss)) for c in replicates])
    spread = float(np.sqrt(others.var(axis=0, ddof=1).mean())) * (1 + 1 / len(replicates)) ** 0.5
    z = (log_loss - others.mean(axis=0)) / max(spread, 1e-6)
    since = _since(steps, z)
    over = np.flatnonzero(z > enough)
    if not over.size:
        return float(z[-1]), since, None
    step = float(steps[over[0]])
    alert = Alert(
        "level",
        step,
        float(z[over].max()),
        f"from step {step:,.0f} on the loss lay {z[over[0]]:.1f} sigma above "
        f"{len(replicates)} repeats of this run: rate, data or code differ from theirs",
    )
    return float(z[-1]), since, alert


def off_rate(steps: Numbers, rates: Numbers, plan: Schedule) -> Alert | None:
    """Return an alert where the logged rate is not the one that was planned, after warm-up.

    Trainers log the rate before a step or after it: that of either neighbour is as planned.
    """
    mask = (steps >= plan.warmup) & (steps <= plan.steps)
    if mask.sum() < ROWS:
        return None
    whole = steps[mask].astype(int)
    near = plan.rates[np.clip(whole + np.array([[-1], [0], [1]]), 0, plan.steps)]
    logged = np.maximum(rates[mask], 1e-300)
    ratio = np.log(logged / np.clip(logged, near.min(axis=0), near.max(axis=0)))
    off = np.abs(ratio) > RATE_OFF
    runs = off[2:] & off[1:-1] & off[:-2]
    if not runs.any():
        return None
    at = int(np.flatnonzero(runs)[0])
    step = float(steps[mask][at])
    factor = math.exp(ratio[at])
    return Alert(
        "rate",
        step,
        abs(float(ratio[at])),
        f"the learning rate is {factor:.3g} times the planned one since step {step:,.0f}",
    )


def plateau(steps: Numbers, log_loss: Numbers, planned: int | None) -> Alert | None:
    """Return a notice where the loss has stopped falling over the last fifth of what is seen."""
    late = steps >= 0.8 * steps[-1] if steps.size else np.zeros(0, bool)
    if late.sum() < 8 or (planned is not None and steps[-1] > 0.95 * planned):
        return None
    x = np.log(steps[late]) - np.log(steps[late]).mean()
    y = log_loss[late]
    slope = float(x @ (y - y.mean()) / (x @ x))
    scatter = y - y.mean() - slope * x
    error = float(np.sqrt(scatter @ scatter / (x.size - 2) / (x @ x)))
    if slope - 2 * error < 0:
        return None
    begin = float(steps[late][0])
    return Alert(
        "plateau",
        begin,
        slope,
        f"the loss has not fallen since step {begin:,.0f}: more steps of this kind add nothing",
        "notice",
    )


def _averaged(steps: Numbers, values: Numbers) -> tuple[Numbers, Numbers]:
    """Return a curve with neighbours averaged until it has few enough points."""
    group = -(-steps.size // MOST_POINTS)
    if group <= 1:
        return steps, values
    whole = steps.size // group * group
    shape = (-1, group)
    return steps[:whole].reshape(shape).mean(axis=1), values[:whole].reshape(shape).mean(axis=1)


def _since(steps: Numbers, z: Numbers) -> float:
    """Return the step from which z has kept its sign and lain beyond one."""
    beyond = (np.abs(z) > 1) & (np.sign(z) == np.sign(z[-1]))
    if not beyond[-1]:
        return math.nan
    other = np.flatnonzero(~beyond)
    return float(steps[0 if not other.size else other[-1] + 1])
