"""What programs call the numbers of a run of pretraining: steps, tokens, rate, losses, sizes.

Names are compared in lower case, without the folder that a tracker puts them into. Where several
could serve, values decide: a field that is empty or never changes is none.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.sources.training_logs.log import History

_FOLDERS = re.compile(
    r"^(?:train|training|trainer|throughput|perf|progress|optim|data|metrics|scalars|state|lr)/"
)
_NAMES: Mapping[str, tuple[str, ...]] = {
    "step": (
        "step",
        "steps",
        "iteration",
        "iter",
        "global_step",
        "train_step",
        "num_updates",
        "_step",
        "record",
    ),
    "tokens": (
        "tokens",
        "total_tokens",
        "tokens_seen",
        "total_tokens_seen",
        "num_tokens",
        "n_tokens",
        "ntokens",
        "num_input_tokens_seen",
        "n_tokens_seen",
        "num_tokens_seen",
        "consumed_tokens",
        "tokens_consumed",
        "tokens_processed",
        "total_number_of_tokens",
        "tokens_per_epoch_total",
    ),
    "samples": ("consumed_samples", "samples_seen", "total_samples", "num_samples"),
    "lr": (
        "lr",
        "learning_rate",
        "lr_(group_0)",
        "learning_rate_group0",
        "learning_rate_0",
        "lr_0",
        "group_0",
        "lr-adamw",
        "lr-adam",
        "lr-adamw/pg1",
        "lr-fusedadam",
        "lrm",
    ),
    "batch": ("global_batch_size", "batch_size"),
    "C": ("total_training_flops", "total_flops", "total_flos", "cumulative_flops", "c"),
    "gigaflop": ("total_gflops",),
}
_LOSS = re.compile(
    r"loss|bpb|bits.per.byte|cross.?entropy|\bce\b|\bnll\b|\bppl\b|perplexity|^(?:tel|trl)$"
)
_AUXILIARY = re.compile(
    r"scale|aux|router|balanc|z.?loss|policy|critic|reward|(?<!cross)(?<!cross.)entropy.?loss|"
    r"value.?(?:f|loss)|per.?sec|count|grad|samples|batches|weight|smooth|"
    r"(?:^|[/_ .-])(?:kl|actor|pg|vf|clip|std|min|best|gap|ratio|time|num|mtp|dpo|delta|ema|diff)"
    r"(?:$|[/_ .-])"
)
_HELD_OUT = re.compile(r"val|eval|test|held.?out|dev\b|tel$|lambada|wikitext|paloma|c4_en")
_PERPLEXITY = re.compile(r"\bppl\b|_ppl|perplexity")
_BYTES = re.compile(r"bpb|bits.per.byte")


@dataclass(frozen=True)
class LossField:
    """A field that holds a loss: on held-out text or not, and its unit."""

    name: str
    held_out: bool
    unit: str  # nats/token, bits/byte, or perplexity

    @property
    def rank(self) -> tuple[bool, int, int, str]:
        """What comes first: held out, in nats, of a short name, by the alphabet."""
        units = ("nats/token", "bits/byte", "perplexity")
        return (not self.held_out, units.index(self.unit), len(self.name), self.name)


@dataclass(frozen=True)
class RunFields:
    """Which field of a run is its step, tokens, rate, and which are losses, the best first."""

    by_quantity: Mapping[str, str]
    losses: tuple[LossField, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """Every field that is used, once."""
        return tuple(dict.fromkeys((*self.by_quantity.values(), *(f.name for f in self.losses))))


def plain(name: str) -> str:
    """Return a name in lower case, its words joined by "_", without the folder of a tracker."""
    words = re.sub(r"[\s_]+", "_", name.strip().lower())
    return _FOLDERS.sub("", words)


def is_wanted(chosen: Iterable[str] = ()) -> Any:
    """Return a predicate of the fields that a curve or a final run may need."""
    extra = set(chosen)
    fields = {name for names in _NAMES.values() for name in names}

    def wanted(name: str) -> bool:
        return name in extra or plain(name) in fields or loss_field(name) is not None

    return wanted


def loss_field(name: str) -> LossField | None:
    """Return what kind of loss a field is by its name, None for what is none."""
    words = re.sub(r"[\s_]+", "_", name.lower())
    spaced = words.replace("_", " ")
    if not _LOSS.search(spaced) or _AUXILIARY.search(words):
        return None
    unit = "nats/token"
    if _BYTES.search(spaced):
        unit = "bits/byte"
    elif _PERPLEXITY.search(spaced):
        unit = "perplexity"
    return LossField(name, bool(_HELD_OUT.search(words)), unit)


def run_fields(history: History, chosen: Mapping[str, str]) -> RunFields:
    """Return what the fields of a run are; `chosen` (quantity to field) says so first."""
    names = history.names
    by_quantity = {q: n for q in _NAMES if (n := _first(history, q, names)) is not None}
    aliases = {"steps": "step", "D": "tokens", "loss": "L"}
    mapping = {aliases.get(k, k): v for k, v in chosen.items()}
    losses = [f for n in names if (f := loss_field(n)) is not None and _varies(history, n)]
    losses = _of_training(history, losses)
    if "L" in mapping:
        first = loss_field(mapping["L"]) or LossField(mapping["L"], True, "nats/token")
        losses = [first, *(f for f in sorted(losses, key=_rank) if f.name != first.name)]
    else:
        losses.sort(key=_rank)
    return RunFields(
        {**by_quantity, **{q: n for q, n in mapping.items() if q != "L"}}, tuple(losses)
    )


def _rank(field: LossField) -> tuple[bool, int, int, str]:
    return field.rank


def _first(history: History, quantity: str, names: Collection[str]) -> str | None:
    """Return the first field of a quantity that holds numbers which change."""
    by_name: dict[str, str] = {}
    for name in names:
        by_name.setdefault(plain(name), name)
    fields = (by_name[alias] for alias in _NAMES[quantity] if alias in by_name)
    return next((name for name in fields if _varies(history, name)), None)


def _varies(history: History, name: str) -> bool:
    """Say whether a field holds numbers that may be what it is called: steps change."""
    values = history.series[name].values
    values = values[np.isfinite(values)]
    if not values.size:
        return False
    changes = bool(np.ptp(values) > 0)
    return changes or bool(values[0] > 0 and (values.size < 2 or plain(name) not in _NAMES["step"]))


def _of_training(history: History, losses: list[LossField]) -> list[LossField]:
    """Return losses without a mean over the whole run, which a trainer logs once at its end."""
    counts = {f.name: history.series[f.name].values.size for f in losses if not f.held_out}
    most = max(counts.values(), default=0)
    return [f for f in losses if f.held_out or counts[f.name] > 1 or most < 10]
