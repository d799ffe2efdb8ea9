"""Which field of a training log is the loss, its evaluation and the rate, by the names in use."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from isoflop.errors import UnknownName, UsageError

PARTS: Mapping[str, tuple[str, ...]] = {
    "step": (
        "step", "steps", "global_step", "train/global_step", "trainer/global_step", "iteration",
        "iter", "_step", "Step",
    ),
    "loss": (
        "loss", "train/loss", "train_loss", "training_loss", "train/train_loss", "lm loss",
        "train/lm_loss", "train_loss_step", "train/loss_step", "lm-loss-training/lm loss",
    ),
    "eval_loss": (
        "eval_loss", "eval/loss", "val_loss", "val/loss", "validation_loss", "validation/loss",
        "valid_loss", "valid/loss", "test_loss", "lm loss validation", "L",
    ),
    "lr": (
        "lr", "learning_rate", "train/learning_rate", "train/lr", "learning-rate", "lr-AdamW",
        "optimizer/lr", "learning-rate/learning-rate",
    ),
}  # fmt: skip


@dataclass
class LossNames:
    """The field of each part of a log, found as records come; what was chosen stays."""

    chosen: Mapping[str, str]

    def __post_init__(self) -> None:
        """Refuse a part that there is not."""
        for part in self.chosen:
            if part not in PARTS:
                raise UnknownName("part of a training log", part, PARTS)
        self.known: dict[str, str] = dict(self.chosen)

    def learn(self, names: Collection[str]) -> None:
        """Take note of the fields of a record."""
        for part, aliases in PARTS.items():
            if part not in self.known:
                match = next((name for name in aliases if name in names), None)
                if match is not None:
                    self.known[part] = match

    def value(self, part: str, record: Mapping[str, object]) -> float | None:
        """Return a part of a record, None where it is missing."""
        value = record.get(self.known.get(part, ""))
        return float(value) if isinstance(value, int | float) else None

    def refuse(self, names: Sequence[str], source: str) -> None:
        """Raise UsageError for a log in which no step or no loss is known by name."""
        for part, others in (("step", ()), ("loss", ("eval_loss",))):
            if not any(name in self.known for name in (part, *others)):
                raise UsageError(
                    f"{source} has no {part} known by name; say --columns {part}=NAME (there is "
                    f"{', '.join(names[:12]) or 'nothing yet'})"
                )
