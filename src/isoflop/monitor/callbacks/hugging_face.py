"""A callback for the Trainer of transformers, and for TRL's trainers, which take the same."""

from __future__ import annotations

import dataclasses
from typing import Any

from isoflop.errors import MissingExtra
from isoflop.monitor.callbacks.loop import Watch
from isoflop.monitor.callbacks.scheduler import schedule_ahead
from isoflop.monitor.live.plan import RunPlan

ESTIMATE = "estimated_final_loss"


def transformers_callback(plan: RunPlan | None = None, *, stop: bool = False) -> Any:
    """Return a TrainerCallback that prints alerts and the estimated final loss as a run goes on.

    Without a schedule in `plan`, that of the trainer is taken. The estimate is also written into
    the trainer's `log_history`. A run that is resumed keeps what its log history tells. `stop`
    ends training after an alert.

    Raises MissingExtra without transformers.
    """
    try:
        from transformers import TrainerCallback
    except ImportError:
        raise MissingExtra("a callback for the Trainer of transformers", "hf") from None
    kind = type("EstimatedFinalLoss", (_TransformersHooks, TrainerCallback), {})
    return kind(plan or RunPlan(), stop)


class _TransformersHooks:
    """What a trainer of transformers calls; all else is left to its own class of callbacks."""

    def __init__(self, plan: RunPlan, stop: bool) -> None:
        self.plan, self.stop = plan, stop
        self.watch: Watch | None = None
        self._refused = False

    def on_train_begin(
        self, args: Any, state: Any, control: Any, lr_scheduler: Any = None, **kwargs: Any
    ) -> None:
        """Take the schedule of the trainer, and what a resumed run has logged."""
        schedule = self.plan.schedule or schedule_ahead(lr_scheduler, state.max_steps)
        self.watch = Watch(dataclasses.replace(self.plan, schedule=schedule), say=_say)
        self.watch.resume(state.log_history)

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        """Take what was logged, in the one process that writes."""
        if not logs or self.watch is None or not state.is_world_process_zero:
            return
        if "reward" in logs:
            self._refuse()
            return
        look = self.watch.take({**logs, "step": state.global_step})
        if look is not None and look.forecast is not None and state.log_history:
            state.log_history[-1][ESTIMATE] = look.forecast.value
        if self.stop and self.watch.alerts:
            control.should_training_stop = True

    def _refuse(self) -> None:
        """Say once that the loss of reinforcement learning tells nothing."""
        if not self._refused:
            self._refused = True
            _say(
                "isoflop: a run that logs a reward is not told by its loss; follow it by "
                "`trl_callback` and `isoflop rl advise`"
            )


def _say(text: str) -> None:
    """Print a line above the trainer's progress bar."""
    from tqdm.auto import tqdm

    tqdm.write(text)
