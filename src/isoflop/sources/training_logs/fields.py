"""What TRL, verl, OpenRLHF and prime-rl call the numbers of a run of reinforcement learning.

Names as those programs logged them in 2025 and 2026; `*` stands for the name of a data set or an
environment. The first pattern of a row that a log holds is taken.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from isoflop.errors import BadRuns, UnknownName, UsageError
from isoflop.quantities import QUANTITIES

Change: TypeAlias = Callable[[float], float]

# Symbol, or a word of ours, to names in the order of preference.
_STEP_SECONDS = "seconds"  # of one optimiser step
_TRAINING = "training reward"
_NAMES: Mapping[str, tuple[str, ...]] = {
    "steps": (
        "steps",
        "step",
        "train/global_step",
        "training/global_step",
        "global_step",
        "Step",
        "_step",
        "record",
    ),
    "R": (
        "R",
        "eval_reward",
        "eval/reward",
        "eval_rewards/*/mean",
        "eval/rewards/*/mean",
        "val-core/*/acc/mean@*",
        "val-core/*/reward/mean@*",
        "val-core/*/score/mean@*",
        "val/test_score/*",
        "eval/*_pass1",
        "eval_*_pass1",
        "eval/*/avg@*",
        "eval/*/pass@1",
    ),
    _TRAINING: (
        "train/reward",
        "reward",
        "critic/score/mean",
        "critic/rewards/mean",
        "reward/all/mean",
        "train/agg/effective/reward/mean",
        "reward/mean",
    ),
    "truncated": (
        "truncated",
        "completions/clipped_ratio",
        "train/completions/clipped_ratio",
        "response_length/clip_ratio",
        "is_truncated/all/mean",
        "is_truncated/mean",
        "train/agg/effective/is_truncated/mean",
        "train/truncated",
    ),
    "unvaried": (
        "unvaried",
        "frac_reward_zero_std",
        "train/frac_reward_zero_std",
        "effective_batch_size/all",
        "effective_batch_size",
        "train/dynamic_filtering_pass_rate",
        "dynamic_filtering_pass_rate",
    ),
    "entropy": (
        "entropy",
        "train/entropy",
        "actor/entropy",
        "actor/entropy_loss",
        "entropy/all/mean",
        "entropy/mean",
    ),
    "rollouts": ("rollouts", "progress/total_samples"),
    "hours": ("hours",),
    "C": ("C",),
    "group": ("group",),
    _STEP_SECONDS: (
        "step_time",
        "train/step_time",
        "timing_s/step",
        "timing/step_total",
        "train/timing/step_total",
        "time/step",
    ),
}
# Shares of groups that are used, of which ours is the rest; one of them in per cent.
_CHANGES: Mapping[str, Change] = {
    "effective_batch_size/all": lambda share: 1 - share,
    "effective_batch_size": lambda share: 1 - share,
    "train/dynamic_filtering_pass_rate": lambda per_cent: 1 - per_cent / 100,
    "dynamic_filtering_pass_rate": lambda per_cent: 1 - per_cent / 100,
}


@dataclass(frozen=True)
class Fields:
    """Which field of a log is which quantity; `seconds` is that of one optimiser step.

    `trained_on` says that R is the reward of training, not of an evaluation.
    """

    by_symbol: Mapping[str, str]
    seconds: str | None
    trained_on: bool

    def value(self, symbol: str, record: Mapping[str, object]) -> float:
        """Return a quantity of a record, NaN where it is missing."""
        name = self.by_symbol.get(symbol)
        value = record.get(name) if name is not None else None
        if not isinstance(value, int | float):
            return float("nan")
        return _CHANGES.get(name or "", float)(float(value))


def find_fields(
    names: Collection[str], chosen: Mapping[str, str], origin: str, training: bool
) -> Fields:
    """Return what the fields called `names` are; `chosen` (symbol to name) says so first.

    `training` takes the reward of training for R.
    Raises BadRuns for a log without evaluations, or with several that could be meant.
    """
    for symbol, name in chosen.items():
        if symbol not in QUANTITIES:
            raise UnknownName("quantity", symbol, QUANTITIES)
        if name not in names:
            raise UnknownName(f"field of {origin}", name, sorted(names))
    fields = known_fields(names, chosen, origin, *(("R",) if training else ()))
    if "steps" not in fields.by_symbol:
        raise BadRuns(f"{origin} says no step; name its field with --columns steps=NAME")
    trained_on = training and "R" not in chosen
    reward = _first(_TRAINING, names, origin, {})
    if trained_on and reward is None:
        raise UsageError(f"{origin} holds no training reward either; name one: --columns R=NAME")
    if trained_on and reward is not None:
        return replace(fields, by_symbol={**fields.by_symbol, "R": reward}, trained_on=True)
    if "R" not in fields.by_symbol:
        raise BadRuns(_no_evaluation(reward, origin))
    return fields


def known_fields(
    names: Collection[str], chosen: Mapping[str, str], origin: str, *but: str
) -> Fields:
    """Return the fields that are known by name, but for some; none need be there.

    Raises BadRuns where several could be meant.
    """
    looked = {s: _first(s, names, origin, chosen) for s in _NAMES if s not in but}
    by_symbol = {**{s: n for s, n in looked.items() if n is not None}, **chosen}
    symbols = {s: n for s, n in by_symbol.items() if s in QUANTITIES}
    return Fields(symbols, by_symbol.get(_STEP_SECONDS), False)


def _first(
    symbol: str, names: Collection[str], origin: str, chosen: Mapping[str, str]
) -> str | None:
    if symbol in chosen:
        return chosen[symbol]
    for pattern in _NAMES[symbol]:
        regex = re.compile(".+".join(map(re.escape, pattern.split("*"))))
        matches = sorted(name for name in names if regex.fullmatch(name))
        if len(matches) > 1:
            listing = ", ".join(matches[:6])
            raise BadRuns(
                f"{origin} holds several that could be {symbol}: {listing}; "
                f"say which: --columns {symbol}={matches[0]}"
            )
        if matches:
            return matches[0]
    return None


def _no_evaluation(training: str | None, origin: str) -> str:
    if training is None:
        return (
            f"{origin} holds no evaluation and no reward that is known by name; "
            "name the field with --columns R=NAME"
        )
    return (
        f"{origin} holds no evaluation, only {training!r}, the reward of problems that are being "
        "trained on; evaluate on held-out problems, or take it with --set reward=training"
    )
