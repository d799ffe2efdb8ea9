"""What a run says of itself: its size, what a step takes, its compute, tokenizer and seed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from isoflop.errors import UsageError
from isoflop.quantities import parse

_TOTAL = (
    "n_params",
    "num_params",
    "nparams",
    "num_parameters",
    "n_parameters",
    "parameter_count",
    "param_count",
    "params_count",
    "model_params",
    "model_parameters",
    "params",
    "parameters",
    "model_size",
    "n",
)
_STATED_TOTAL = ("n_(total)", "total_params", "total_parameters", "n_params_total", "params_total")
_NON_EMBEDDING = (
    "n_(non-embedding)",
    "non_embedding_params",
    "non_embedding_parameters",
    "num_non_embedding_params",
    "num_non_embedding_parameters",
    "n_params_non_embedding",
    "n_non_embedding",
    "params_non_embedding",
    "non_embed_params",
)
_STEP_TOKENS = (
    "tokens_per_step",
    "tokens_per_batch",
    "tokens_per_iter",
    "tokens_per_iteration",
    "tokens_per_update",
    "batch_tokens",
    "batch_size_tokens",
    "global_batch_tokens",
    "global_batch_size_tokens",
    "batch_size_in_tokens",
    "total_batch_size",
)
_STEP_SEQUENCES = ("global_batch_size", "global_train_batch_size", "total_train_batch_size", "gbs")
_LENGTH = (
    "seq_length",
    "seq_len",
    "sequence_length",
    "train_seq_len",
    "max_seq_len",
    "max_seq_length",
    "block_size",
    "context_length",
    "ctx_len",
    "n_ctx",
    "max_sequence_length",
)
_PLANNED = ("planned_tokens", "train_tokens", "max_tokens", "total_tokens", "num_train_tokens")
_COMPUTE = ("total_training_flops", "training_flops", "total_flops", "total_flos", "train_flops")
_TOKENIZER = (
    "tokenizer_name_or_path",
    "tokenizer_name",
    "tokenizer_path",
    "tokenizer_model",
    "tokenizer_type",
    "tokenizer",
    "encoding",
)
_VOCABULARY = ("vocab_size", "vocabulary_size", "n_vocab", "padded_vocab_size")
_RATE = ("peak_lr", "max_lr", "learning_rate", "lr")
_NANOGPT = ("batch_size", "block_size", "gradient_accumulation_steps")
LEAST_TOKENS = 2048  # of a step; a smaller "total batch" counts sequences
_SEPARATORS = re.compile(r"[/.]")


@dataclass(frozen=True)
class RunFact:
    """A number that a run states, and where: the name of the setting."""

    value: float
    source: str
    convention: str = ""


@dataclass(frozen=True)
class RunFacts:
    """What a run states; None for what it does not."""

    N: RunFact | None = None
    batch: RunFact | None = None
    length: RunFact | None = None
    planned: RunFact | None = None
    C: RunFact | None = None
    lr: RunFact | None = None
    seed: str = ""
    tokenizer: str = ""
    V: RunFact | None = None


def run_facts(settings: Mapping[str, Any], chosen: Mapping[str, str]) -> RunFacts:
    """Return what the settings of a run state; `chosen` names settings by symbol first."""
    by_name = dict(_by_last_name(settings))
    length = _first(by_name, _LENGTH)
    return RunFacts(
        N=_chosen(settings, chosen, "N") or _size(by_name),
        batch=_chosen(settings, chosen, "batch") or _batch(by_name, length),
        length=length,
        planned=_chosen(settings, chosen, "D") or _first(by_name, _PLANNED),
        C=_chosen(settings, chosen, "C") or _compute(by_name),
        lr=_chosen(settings, chosen, "lr") or _first(by_name, _RATE),
        seed=_text(by_name, ("seed", "random_seed")),
        tokenizer=_text(by_name, _TOKENIZER),
        V=_chosen(settings, chosen, "V") or _first(by_name, _VOCABULARY),
    )


def _by_last_name(settings: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, Any]]]:
    """Yield each setting under the last part of its name; of two, the less deep one."""
    ordered = sorted(settings.items(), key=lambda pair: -len(_SEPARATORS.split(pair[0])))
    for name, value in ordered:
        last = _SEPARATORS.split(name)[-1]
        yield re.sub(r"[\s_]+", "_", last.strip().lower()), (name, value)


def number_of(value: object) -> float | None:
    """Return a number above zero that a setting writes, as 124M too; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        try:
            return parse(value)
        except UsageError:
            return None
    return float(value) if 0 < value < float("inf") else None


def _first(by_name: Mapping[str, tuple[str, Any]], names: tuple[str, ...]) -> RunFact | None:
    for name in names:
        source, value = by_name.get(name, ("", None))
        if (number := number_of(value)) is not None:
            return RunFact(number, source)
    return None


def _chosen(settings: Mapping[str, Any], chosen: Mapping[str, str], symbol: str) -> RunFact | None:
    name = chosen.get(symbol)
    number = number_of(settings.get(name)) if name else None
    return RunFact(number, name or "") if number is not None else None


def _size(by_name: Mapping[str, tuple[str, Any]]) -> RunFact | None:
    for names, convention in ((_STATED_TOTAL, "total"), (_NON_EMBEDDING, "non-embedding")):
        if fact := _first(by_name, names):
            return RunFact(fact.value, fact.source, convention)
    fact = _first(by_name, _TOTAL)
    return fact if fact and fact.value >= 100 else None


def _batch(by_name: Mapping[str, tuple[str, Any]], length: RunFact | None) -> RunFact | None:
    """Return the tokens of a step: stated, or sequences times their length."""
    stated = _first(by_name, _STEP_TOKENS)
    if stated and stated.value >= LEAST_TOKENS:
        return stated
    sequences = _first(by_name, _STEP_SEQUENCES) or stated
    if sequences and length:
        return RunFact(sequences.value * length.value, f"{sequences.source} x {length.source}")
    parts = [_first(by_name, (name,)) for name in _NANOGPT]
    if all(parts):
        value = 1.0
        for part in parts:
            value *= part.value if part else 1.0
        return RunFact(value, " x ".join(part.source for part in parts if part))
    return None


def _compute(by_name: Mapping[str, tuple[str, Any]]) -> RunFact | None:
    fact = _first(by_name, _COMPUTE)
    if fact and fact.source.endswith("total_flos"):  # of Hugging Face's Trainer: no embeddings
        return RunFact(fact.value, fact.source, "6ND-non-embedding")
    return fact


def _text(by_name: Mapping[str, tuple[str, Any]], names: tuple[str, ...]) -> str:
    for name in names:
        value = by_name.get(name, ("", None))[1]
        if isinstance(value, str) and value:
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and value == value:
            return f"{value:g}"
    return ""
