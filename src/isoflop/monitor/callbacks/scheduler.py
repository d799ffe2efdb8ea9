"""The rates that a scheduler of PyTorch has in store, told without stepping it."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.monitor.live.plan import rates_of
from isoflop.schedules import Schedule
from isoflop.schedules.rates import LONGEST


def schedule_ahead(scheduler: Any, steps: float, every: int = 1) -> Schedule | None:
    """Return the schedule of a run of so many steps whose scheduler is stepped each `every`.

    None where it cannot be told: a rate that waits for the loss, a run without an end, and one
    that goes on with a scheduler whose past is not known.
    """
    if not 1 <= steps <= LONGEST:
        return None
    total = int(steps)
    rates = _rates(getattr(scheduler, "scheduler", scheduler), total // every)
    if rates is None or not np.isfinite(rates).all() or not rates.max() > 0:
        return None
    step = np.arange(total + 1)
    return rates_of("planned", np.stack([step.astype(float), rates[step // every]], axis=1))


def constant_ahead(rate: float, steps: float) -> Schedule | None:
    """Return the schedule of a run without a scheduler."""
    if not (1 <= steps <= LONGEST and rate > 0):
        return None
    return rates_of("planned", np.array([[0.0, rate], [float(int(steps)), rate]]))


def _rates(scheduler: Any, count: int) -> Numbers | None:
    """Return the rates (count + 1,) of the first group of parameters."""
    factors = getattr(scheduler, "lr_lambdas", None)
    if factors:
        return np.array([scheduler.base_lrs[0] * factors[0](i) for i in range(count + 1)])
    if getattr(scheduler, "last_epoch", 1) > 0:
        return None
    twin = copy.deepcopy(scheduler, {id(scheduler.optimizer): _stand_in(scheduler.optimizer)})
    rates = [float(twin.get_last_lr()[0])]
    try:
        for _ in range(count):
            twin.step()
            rates.append(float(twin.get_last_lr()[0]))
    except (TypeError, ValueError):  # it waits for a loss, or is asked beyond its end
        return None
    return np.array(rates)


def _stand_in(optimizer: Any) -> Any:
    """Return what a scheduler needs of an optimiser, without its parameters."""

    def step() -> None:
        """Do nothing."""

    step._wrapped_by_lr_sched = True  # type: ignore[attr-defined]  # or a scheduler warns
    groups = [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
    for group in groups:
        group["params"] = []
    return SimpleNamespace(
        param_groups=groups, step=step, defaults=dict(optimizer.defaults), _opt_called=True
    )
