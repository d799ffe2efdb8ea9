"""A callback for the Trainer of PyTorch Lightning, under either name of its package."""

from __future__ import annotations

import dataclasses
import importlib
import sys
from collections.abc import Mapping
from typing import Any

from isoflop.errors import MissingExtra
from isoflop.monitor.callbacks.hugging_face import ESTIMATE
from isoflop.monitor.callbacks.loop import Watch
from isoflop.monitor.callbacks.scheduler import constant_ahead, schedule_ahead
from isoflop.monitor.live.plan import RunPlan
from isoflop.schedules import Schedule

PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def lightning_callback(plan: RunPlan | None = None, *, stop: bool = False) -> Any:
    """Return a Callback that prints alerts and the estimated final loss as a run goes on.

    The loss of training is what `training_step` returns, at the steps that the trainer logs; the
    held-out loss is what is logged in validation under a name in use (`val_loss`, ...). Without a
    schedule in `plan`, that of the first optimiser is taken. The estimate is also sent to the
    trainer's loggers. `stop` ends training after an alert.

    Raises MissingExtra without Lightning.
    """
    kind = type("EstimatedFinalLoss", (_LightningHooks, _callback_class()), {})
    return kind(plan or RunPlan(), stop)


class _LightningHooks:
    """What a trainer of Lightning calls; all else is left to its own class of callbacks."""

    def __init__(self, plan: RunPlan, stop: bool) -> None:
        self.plan, self.stop = plan, stop
        self.watch: Watch | None = None
        self._records: list[dict[str, float]] = []  # of a checkpoint, until training starts

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """Take the schedule of the trainer, and what a resumed run has logged."""
        plan = dataclasses.replace(self.plan, schedule=self.plan.schedule or _schedule(trainer))
        self.watch = Watch(plan, say=lambda text: _say(trainer, text))
        self.watch.resume(self._records)

    def on_train_batch_end(
        self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Take the loss of a step that is logged."""
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        if loss is not None and trainer.global_step % trainer.log_every_n_steps == 0:
            self._take(trainer, {"loss": float(loss), "lr": _rate(trainer)})

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Take what validation logged."""
        if not trainer.sanity_checking:
            self._take(trainer, {k: float(v) for k, v in trainer.callback_metrics.items()})

    def state_dict(self) -> dict[str, Any]:
        """Return the curves so far, for a checkpoint."""
        return {"records": self._records if self.watch is None else self.watch.records()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the curves of a checkpoint until training starts."""
        self._records = state_dict["records"]

    def _take(self, trainer: Any, record: Mapping[str, float]) -> None:
        if self.watch is None or not trainer.is_global_zero:
            return
        look = self.watch.take({**record, "step": trainer.global_step})
        if look is not None and look.forecast is not None:
            for logger in trainer.loggers:
                logger.log_metrics({ESTIMATE: look.forecast.value}, step=trainer.global_step)
        if self.stop and self.watch.alerts:
            trainer.should_stop = True


def _callback_class() -> Any:
    """Return the class of callbacks of the package that is in use, or else is installed."""
    for name in sorted(PACKAGES, key=lambda name: name not in sys.modules):
        try:
            return importlib.import_module(name).Callback
        except ImportError:
            continue
    raise MissingExtra("a callback for PyTorch Lightning", "lightning")


def _schedule(trainer: Any) -> Schedule | None:
    steps = trainer.estimated_stepping_batches
    if not trainer.lr_scheduler_configs:
        return constant_ahead(_rate(trainer), steps)
    config = trainer.lr_scheduler_configs[0]
    every = config.frequency
    if config.interval == "epoch":
        every *= max(1, trainer.num_training_batches // trainer.accumulate_grad_batches)
    return schedule_ahead(config.scheduler, steps, every)


def _rate(trainer: Any) -> float:
    return float(trainer.optimizers[0].param_groups[0]["lr"])


def _say(trainer: Any, text: str) -> None:
    """Print a line above the trainer's progress bar."""
    bar = trainer.progress_bar_callback
    (print if bar is None else bar.print)(text)
