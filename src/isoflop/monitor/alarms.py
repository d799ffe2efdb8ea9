"""What looks wrong in a run of reinforcement learning, whatever its reward says yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.quantities import show
from isoflop.runs import Runs

RECENT = 5  # rows of the log, the mean of which stands for now
# Healthy runs cut off less than 5% of their responses; from 10 to 15% on they came to grief.
# Source: Khatri et al. 2025, arXiv:2510.13786, section 5 and appendix A.15.
CUT_OFF, NEAR_CUT_OFF = 0.10, 0.05
UNVARIED = 0.8  # share of groups without variance, beyond which most of a step is spent on nothing
FALLEN, COLLAPSED = 0.7, 0.5  # reward and entropy now, against the best and the mean before


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that looks wrong: which column says so, how much, and what it means."""

    name: str
    value: float
    says: str


def alarms(runs: Runs, over: str) -> tuple[Alarm, ...]:
    """Return what the last rows of one run's log warn of; a column that is missing says nothing."""
    results = (check(runs, over) for check in _CHECKS)
    return tuple(alarm for alarm in results if alarm is not None)


def unheard(runs: Runs) -> tuple[str, ...]:
    """Return the columns that alarms are raised from and the log does not hold."""
    return tuple(s for s in ("truncated", "unvaried", "entropy") if not _held(runs, s).size)


def _held(runs: Runs, symbol: str) -> Numbers:
    if symbol not in runs:
        return np.zeros(0)
    values = runs[symbol]
    return values[np.isfinite(values)]


def _cut_off(runs: Runs, over: str) -> Alarm | None:
    values = _held(runs, "truncated")
    if not values.size or (now := float(values[-RECENT:].mean())) < NEAR_CUT_OFF:
        return None
    if now < CUT_OFF:
        says = f"{now:.0%} of responses are cut off; under 5% is healthy, from 10% runs came apart"
    else:
        says = f"{now:.0%} of responses are cut off; runs at 10-15% came apart: allow longer ones"
    return Alarm("truncation", now, says)


def _no_variance(runs: Runs, over: str) -> Alarm | None:
    values = _held(runs, "unvaried")
    if not values.size or (now := float(values[-RECENT:].mean())) < UNVARIED:
        return None
    return Alarm(
        "zero variance",
        now,
        f"{now:.0%} of groups have rewards that are all alike and teach nothing: the problems are "
        "too easy, too hard, or the policy has collapsed",
    )


def _collapse(runs: Runs, over: str) -> Alarm | None:
    """Return an alarm where reward and entropy have both fallen far below what they were."""
    reward, entropy = _held(runs, "R"), _held(runs, "entropy")
    if min(reward.size, entropy.size) < 2 * RECENT:
        return None
    best = float(np.convolve(reward, np.ones(RECENT) / RECENT, "valid").max())
    now, was = float(entropy[-RECENT:].mean()), float(entropy[: -RECENT or None].mean())
    fell = float(reward[-RECENT:].mean())
    if not (fell < FALLEN * best and now < COLLAPSED * was):
        return None
    return Alarm(
        "collapse",
        fell,
        f"reward fell from {show(best, 2)} to {show(fell, 2)} while entropy fell from "
        f"{show(was, 2)} to {show(now, 2)}: the policy collapses; go back to an earlier checkpoint",
    )


_CHECKS: tuple[Callable[[Runs, str], Alarm | None], ...] = (_cut_off, _no_variance, _collapse)
