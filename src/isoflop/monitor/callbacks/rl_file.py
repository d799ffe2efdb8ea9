"""A callback for TRL's trainers that keeps a file of the run as isoflop reads it, while it runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isoflop.errors import MissingExtra, UsageError
from isoflop.files import parse_json
from isoflop.sources.importers.rl import PER_STEP
from isoflop.sources.training_logs import known_fields


class RunFile:
    """A file of one run, a line of JSON for each record; a restart takes back what it overtook."""

    def __init__(self, path: str | os.PathLike[str], run: str, recipe: str) -> None:
        self.path = Path(path)
        self.labels = {"run": run, **({"family": recipe} if recipe else {})}

    def resume(self, step: int) -> None:
        """Keep the records up to `step`, from which a run goes on to make the others again."""
        if not self.path.exists():
            return
        lines = [
            line
            for line in self.path.read_text(encoding="utf-8").splitlines(keepends=True)
            if line.endswith("\n") and parse_json(line)["steps"] <= step
        ]
        from isoflop.store import write_atomically

        write_atomically(self.path, lambda file: file.write("".join(lines).encode()))

    def add(self, record: Mapping[str, float]) -> None:
        """Write a record at the end."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**self.labels, **record}) + "\n")


def records_of(
    logs: Mapping[str, Any], step: int, per_step: Mapping[str, float]
) -> dict[str, float]:
    """Return what a trainer's log of one step holds, under the names of the vocabulary."""
    numbers = {k: float(v) for k, v in logs.items() if isinstance(v, int | float) and v == v}
    named = {**numbers, "step": float(step)}
    record = {"steps": float(step), **{s: step * price for s, price in per_step.items()}}
    fields = known_fields(named, {}, "the log")
    for symbol in ("R", "truncated", "unvaried", "entropy"):
        value = fields.value(symbol, named)
        if value == value:
            record[symbol] = value
    return record


def _prices(per_step: Mapping[str, float]) -> dict[str, float]:
    for symbol, price in per_step.items():
        if symbol not in PER_STEP or not price > 0:
            raise UsageError(
                f"per_step says {symbol}={price}; give {', '.join(PER_STEP)} above zero"
            )
    return dict(per_step)


def trl_callback(
    path: str | os.PathLike[str],
    *,
    run: str = "run",
    recipe: str = "",
    per_step: Mapping[str, float] | None = None,
    training_reward: bool = False,
) -> Any:
    """Return a TrainerCallback that writes a run into `path` (.jsonl), to be read by isoflop.

    `per_step` is the price of an optimiser step in one or several of C [FLOP], hours [GPU-hours]
    and rollouts. The reward is that of evaluations (`eval_reward`), or of training if
    `training_reward`. A run that is resumed from a checkpoint overwrites what it makes again.

    Raises MissingExtra without transformers, UsageError for a price of anything else.
    """
    prices = _prices(per_step or {})
    try:
        from transformers import TrainerCallback
    except ImportError:
        raise MissingExtra("a callback for TRL", "hf") from None
    file = RunFile(path, run, recipe)

    class IsoflopCallback(TrainerCallback):  # type: ignore[misc, unused-ignore]  # as when it is not installed
        """Write every log of a trainer as a record of the run."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
            """Take back what a checkpoint overtook."""
            file.resume(int(state.global_step))

        def on_log(
            self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any
        ) -> None:
            """Write what was logged, from the one process that writes."""
            if not logs or not getattr(state, "is_world_process_zero", True):
                return
            record = records_of(logs, int(state.global_step), prices)
            if training_reward and "R" not in record and "reward" in logs:
                record["R"] = float(logs["reward"])
            if len(record) > 1 + len(prices):
                file.add(record)

    return IsoflopCallback()
