"""The vocabulary: every symbol that a law may take or predict, with its meaning and unit."""

from __future__ import annotations

import functools
import math
import re
from dataclasses import dataclass
from typing import Any

from isoflop.errors import UnknownName, UsageError, brief


@dataclass(frozen=True, slots=True)
class Quantity:
    """A measured or chosen number that laws and runs share by name.

    `symbol` is the keyword in a law's `__call__` and the column in `Runs`; `typical` is the
    range that such numbers have in the field, used to seed searches and to generate tests.
    """

    symbol: str
    meaning: str
    unit: str
    typical: tuple[float, float]


QUANTITIES: dict[str, Quantity] = {
    q.symbol: q
    for q in (
        Quantity("N", "model parameters, by a stated convention", "params", (1e6, 1e11)),
        Quantity("D", "training tokens seen", "tokens", (1e8, 1e13)),
        Quantity("U", "unique training tokens", "tokens", (1e8, 1e12)),
        Quantity("C", "training compute, by a stated convention", "FLOP", (1e17, 1e26)),
        Quantity("L", "held-out cross-entropy", "nats/token", (1.5, 6)),
        Quantity("steps", "optimiser steps", "steps", (1e3, 1e6)),
        Quantity("batch", "tokens per optimiser step", "tokens", (1e4, 1e7)),
        Quantity("lr", "peak learning rate", "1", (1e-5, 1e-1)),
        Quantity("epochs", "passes over the unique tokens", "1", (1, 100)),
        Quantity("experts", "experts of a mixture", "experts", (1, 512)),
        Quantity("granularity", "dense feed-forward width over that of one expert", "1", (1, 64)),
        Quantity("sparsity", "share of experts or weights left unused", "1", (0.05, 0.6)),
        Quantity("copies", "parallel streams that share one set of weights", "1", (1, 16)),
        Quantity("bits", "bits per weight", "1", (2, 16)),
        Quantity("bits_act", "bits per activation in training", "1", (4, 16)),
        Quantity("bits_cache", "bits per entry of the cache in training", "1", (4, 16)),
        Quantity("bits_post", "bits per weight after quantising a trained model", "1", (2, 8)),
        Quantity("dL", "loss added by quantising a trained model", "nats/token", (1e-4, 1)),
        Quantity("N_V", "parameters of the vocabulary, V times width", "params", (1e6, 1e10)),
        Quantity("chars", "training text seen", "characters", (1e8, 1e12)),
        Quantity("L_u", "loss less that of unigrams of its symbols", "nats/token", (-6, -0.5)),
        Quantity("V", "vocabulary size", "symbols", (1e3, 3e5)),
        Quantity("timescale", "AdamW's averaging over the length of the run", "1", (0.01, 1)),
        Quantity("minutes", "time that a task takes a skilled human", "minutes", (0.1, 1e3)),
        Quantity("hours", "accelerator time", "GPU-hours", (1, 1e5)),
        Quantity("k", "samples per problem", "samples", (1, 1e4)),
        Quantity("d", "root KL divergence from the initial policy", "sqrt(nats)", (0.5, 10)),
        Quantity("R", "reward, or pass rate", "reward", (0.05, 5)),
        Quantity("KL", "KL divergence from the initial policy", "nats", (0.25, 100)),
        Quantity("R_proxy", "reward by the proxy that is optimised", "reward", (0.05, 5)),
        Quantity("pairs", "comparisons that a reward model learned from", "pairs", (1e3, 1e6)),
        Quantity("rounds", "rounds of RLHF, each on a reward model of its own", "rounds", (1, 8)),
        Quantity("start", "reward before any reinforcement learning", "reward", (0.05, 0.5)),
        Quantity("rollouts", "responses generated in RL so far", "rollouts", (1e3, 1e8)),
        Quantity("group", "responses per problem in an RL step", "rollouts/problem", (4, 2048)),
        Quantity("truncated", "share of responses cut off at the limit", "1", (0.001, 0.3)),
        Quantity("unvaried", "share of groups whose rewards are all alike", "1", (0.01, 1)),
        Quantity("entropy", "mean entropy of the policy per token", "nats/token", (0.01, 3)),
        Quantity("rl_slope", "log-log slope of task error in RL compute or data", "1", (0.02, 0.3)),
        Quantity("error", "share of task items answered wrongly", "1", (0.05, 0.9)),
        Quantity("score", "share of task items answered rightly", "1", (0.05, 0.95)),
        Quantity("coverage", "share of problems that k samples solve", "1", (0.02, 0.98)),
        Quantity("nlc", "-log of coverage", "nats", (0.05, 5)),
        Quantity("thinking", "tokens generated per problem at test time", "tokens", (1e2, 1e5)),
        Quantity("mlpr", "mean over problems of -log pass rate", "nats", (0.05, 5)),
        Quantity("L_teacher", "cross-entropy of the teacher", "nats/token", (1.4, 3)),
        Quantity("L_alone", "cross-entropy without a teacher", "nats/token", (1.5, 5)),
        Quantity("D_tune", "target-domain tokens in fine-tuning", "tokens", (1e5, 1e10)),
        Quantity("D_transfer", "tokens that pre-training elsewhere saves", "tokens", (1e5, 1e10)),
        *(
            Quantity(f"w{i}", f"share of domain {i} in the training mixture", "1", (0.05, 0.5))
            for i in range(1, 9)
        ),
        Quantity("x", "an input that the user names", "x", (1e3, 1e9)),
        Quantity("y", "an output that the user names", "y", (0.1, 10)),
    )
}

SHARES = tuple(f"w{i}" for i in range(1, 9))
FROM_ZERO = frozenset((*SHARES, "sparsity"))  # what may be left out: its log means nothing

_SUFFIX = {"k": 1e3, "m": 1e6, "b": 1e9, "g": 1e9, "t": 1e12}
_NUMBER = re.compile(
    r"([+-]?(?:(?:\d{1,3}(?:,\d{3})+|\d[\d_]*)(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*([kKmMbBgGtT]?)",
    re.ASCII,
)
_PREFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18, "z": 1e21}
_PREFIXES["y"] = 1e24
HOURS = {"hour": 1.0, "day": 24.0, "week": 168.0, "month": 8766 / 12, "year": 8766.0}
# 1.5k, 70B or 3e22, and what is said after it.
_AMOUNT = re.compile(
    r"(?P<number>[+-]?[\d.,_]+(?:e[+-]?\d+)?\s*(?:[kKmMbBgGtT](?![A-Za-z0-9/-]))?)\s*(?P<unit>.*)",
    re.IGNORECASE | re.DOTALL,
)
_FLOP = re.compile(r"([kmgtpezy]?)flops?")
_FLOP_TIME = re.compile(
    r"([gtpe])(?:eta|iga|era|xa)?f(?:lops?|lop/s)?(?:/s)?[\s-]*(hour|day|year)s?"
)
_CHIP_TIME = re.compile(r"(?:(?:gpu|chip|accelerator|tpu)s?[\s-]*)?(hour|day|week|month|year)s?")
_BYTES = re.compile(r"([kmgt]?)(i?)b(?:ytes?)?")
_WORDS = {"params": {"params", "parameters"}, "tokens": {"tokens"}}
_OF_LIMITS = {"memory": "bytes", "latency": "s/token"}  # what plans are held to, beside quantities
# Between these lie all numbers of the field, and their products with room to spare.
SMALLEST, LARGEST = 1e-100, 1e100
NARROWEST, WIDEST = 0.001, 0.99999  # shares of draws that some draws can tell from none and all
MOST_DRAWS = 10_000  # ten times what steady intervals take; more fill time and memory alone


def quantity(symbol: str) -> Quantity:
    """Return the quantity called `symbol`.

    Raises UnknownName, which names the nearest symbol.
    """
    try:
        return QUANTITIES[symbol]
    except KeyError:
        raise UnknownName("quantity", symbol, QUANTITIES) from None


def is_share(symbol: str, values: Any) -> Any:
    """Return where `values` may be shares: from 0 to 1, and to below 1 of what is left unused."""
    return (values >= 0) & ((values < 1) | ((values == 1) & (symbol in SHARES)))


def refuse_impossible(symbol: str, value: float) -> None:
    """Raise UsageError for a value of an input that no run can have."""
    if symbol in FROM_ZERO:
        if not is_share(symbol, value):
            raise UsageError(f"{symbol} is {value}; it is a share, which lies between 0 and 1")
    else:
        _refuse_size(symbol, value, f"{value}")


def refuse_level(level: float | None) -> None:
    """Raise UsageError for what is no share of draws that an interval can hold."""
    if level is not None and not 0 < level < 1:
        raise UsageError(f"level is {level:g}; it must lie between 0 and 1, such as 0.9")
    if level is not None and not NARROWEST <= level <= WIDEST:
        raise UsageError(f"level is {level!r}; it must lie between {NARROWEST} and {WIDEST}")


def refuse_count(what: str, value: float, least: int, most: int) -> None:
    """Raise UsageError for a count that is not whole, or not from `least` to `most`.

    A count without a limit asks for time and memory without one.
    """
    if not (least <= value <= most and value == int(value)):
        text = brief(f"{value:,}" if isinstance(value, int) else f"{value}").strip("'")
        raise UsageError(f"{what} is {text}; it must be a whole number from {least:,} to {most:,}")


def refuse_draws(
    draws: int, level: float | None = None, least: int = 0, most: int = MOST_DRAWS
) -> None:
    """Raise UsageError for draws too few or too many, and for a level that is none."""
    refuse_count("draws", draws, least, most)
    refuse_level(level)


def _refuse_size(what: str, value: float, text: str) -> None:
    """Raise UsageError for a number that is not above zero, or that nobody can mean."""
    if not (math.isfinite(value) and value > 0):
        raise UsageError(f"{what} is {text}; it must be finite and above zero")
    if not SMALLEST <= value <= LARGEST:
        raise UsageError(f"{what} is {text}; numbers here lie between {SMALLEST:g} and {LARGEST:g}")


def parse(text: str, what: str = "number") -> float:
    """Return the positive number that `text` writes: "70B", "1.4T", "5.76e23", "300 M".

    Raises UsageError for anything else; nothing is guessed.

    >>> parse("70B"), parse("5.76e23")
    (70000000000.0, 5.76e+23)
    """
    match = _NUMBER.fullmatch(text.strip())
    if not match:
        raise UsageError(
            f"{what} {brief(text)} is not a number; write it like 70B, 1.4T or 5.76e23"
        )
    digits, suffix = match.groups()
    value = float(digits.replace(",", "").replace("_", "")) * _SUFFIX.get(suffix.lower(), 1.0)
    _refuse_size(what, value, brief(text))
    return value


def split_amount(text: str, what: str) -> tuple[float, str] | None:
    """Return the number that a text begins with, and the unit behind it; None if it has none.

    Raises what `parse` raises, for what begins like a number and is none.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        return None
    return parse(match["number"], what), " ".join(match["unit"].split())


def flop_of(amount: float, unit: str) -> float | None:
    """Return FLOP of "FLOP", "ZFLOP", "PF-days" or "petaflop/s-days"; None for another unit."""
    low = unit.lower()
    if match := _FLOP.fullmatch(low):
        return amount * _PREFIXES[match[1]]
    if match := _FLOP_TIME.fullmatch(low):
        return amount * _PREFIXES[match[1]] * HOURS[match[2]] * 3600.0
    return None


def parse_as(symbol: str, text: str, what: str) -> float:
    """Return the number that `text` writes of a quantity, whose unit may be said and is then held.

    Raises UsageError for a unit of something else, and what `parse` raises.

    >>> parse_as("C", "100 PF-days", "--C"), parse_as("hours", "3 GPU-days", "hours")
    (8.64e+21, 72.0)
    """
    unit = QUANTITIES[symbol].unit if symbol in QUANTITIES else _OF_LIMITS.get(symbol, "")
    amount = split_amount(text, what) if unit and not _NUMBER.fullmatch(text.strip()) else None
    if amount is None or not amount[1]:
        return parse(text, what)
    value = _in_unit(unit, *amount)
    if value is None:
        raise UsageError(
            f"{what} {brief(text)} is in {brief(amount[1])}; {symbol} is counted in {unit}: "
            "write it as 70B, 3e22 or 1.5k, with that unit or none"
        )
    _refuse_size(what, value, brief(text))
    return value


def _in_unit(unit: str, amount: float, words: str) -> float | None:
    """Return an amount in the unit of a quantity; None for words that name no such unit."""
    if words.lower() in _WORDS.get(unit, {unit.lower()}):
        return amount
    if unit == "FLOP":
        return flop_of(amount, words)
    if unit == "GPU-hours" and (match := _CHIP_TIME.fullmatch(words.lower())):
        return amount * HOURS[match[1]]
    if unit == "bytes" and (match := _BYTES.fullmatch(words.lower())):
        step = 1024.0 if match[2] else 1000.0
        return amount * step ** ("", "k", "m", "g", "t").index(match[1])
    return None


def amounts(symbol: str, values: Any) -> Any:
    """Return a number, or an array (k,), of what is a number, a text such as "70B", or several.

    Raises UsageError for a text that is no number.

    >>> amounts("N", "70B"), amounts("D", 1.4e12)
    (70000000000.0, 1400000000000.0)
    """
    if isinstance(values, str):
        return parse_as(symbol, values, symbol)
    if isinstance(values, int | float):
        return float(values)
    import numpy as np

    cells = np.asarray(values)
    if cells.dtype.kind in "UOT":
        return np.array([amounts(symbol, cell) for cell in cells.ravel()]).reshape(cells.shape)
    if cells.dtype.kind not in "iufb":
        raise UsageError(f"{symbol} is {brief(values)}; it must be a number, or an array of them")
    return cells.astype(np.float64) if cells.ndim else float(cells)


WHOLE = 4  # digits of a number that are always written before its decimal point


@functools.lru_cache(maxsize=1 << 16)  # pages write the same numbers again and again
def show(value: float, digits: int = 3) -> str:
    """Return `value` as the field writes it: 70B, 1.4T, 5.76e23, 0.348.

    >>> show(7.0e10), show(5.76e23), show(0.34781), show(9999.6), show(999.9e9)
    ('70B', '5.76e23', '0.348', '10k', '1T')
    """
    if not math.isfinite(value):
        return str(value)
    written = max(digits, WHOLE) if abs(value) < 10**WHOLE else digits
    size = abs(float(f"{value:.{written - 1}e}"))  # as it is rounded: 999.9B is 1T
    if size >= 1e16 or (size < 1e-3 and size > 0):
        mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}e{int(exponent)}"
    for scale, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e4, None)):
        if size >= scale:
            unit, suffix = (scale, suffix) if suffix else (1e3, "k")
            return f"{_significant(value / unit, digits)}{suffix}"
    return _significant(value, digits)


def _significant(value: float, digits: int) -> str:
    text = f"{value:.{max(digits, len(str(int(abs(value)))))}g}"
    return f"{value:.0f}" if "e+" in text else text
