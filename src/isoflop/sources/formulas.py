"""What would make a quantity that no column is: a formula for --derive, of columns left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from isoflop.sources.column_names import meaning_of, words_of
from isoflop.sources.columns import SourceColumns

_BATCH = (("batch", "size"), ("global", "batch"), ("gbs",), ("bs",), ("batchsize",))
_LENGTH = (
    ("seq", "len"), ("seq", "length"), ("sequence", "length"), ("seqlen",), ("context", "length"),
    ("block", "size"), ("n", "ctx"), ("ctx", "len"), ("context",), ("seq",), ("max", "length"),
)  # fmt: skip
_SEQUENCES = (("sequences",), ("samples",), ("num", "sequences"), ("n", "sequences"))
_PER_PARAMETER = (
    ("tokens", "per", "param"), ("tokens", "per", "parameter"), ("tokens", "per", "params"),
    ("tokens", "param"), ("tpp",), ("d", "n"), ("token", "param", "ratio"),
)  # fmt: skip
_LAYERS = (("n", "layer"), ("n", "layers"), ("num", "layers"), ("layers",), ("depth",))
_WIDTH = (
    ("d", "model"), ("hidden", "size"), ("n", "embd"), ("hidden", "dim"), ("model", "dim"),
    ("width",), ("dmodel",),
)  # fmt: skip
_LOGS = frozenset(("log", "log10", "ln", "lg"))
_FEWEST_DIGITS = {"N": 4.0, "D": 6.0, "C": 12.0}  # of the log10 of what a run may have
_MOST_DIGITS = {"N": 14.0, "D": 16.0, "C": 28.0}

Aliases = Sequence[tuple[str, ...]]


def formulas(
    source: SourceColumns, symbols: Collection[str], unread: Iterable[str]
) -> Mapping[str, str]:
    """Return by symbol what would make quantities that are not among `symbols`.

    >>> from isoflop.sources import read
    >>> read({"steps": [1e3, 2e3], "batch_size": [8, 8], "seq_len": [64, 64]}).reading.formulas
    {'D': 'steps*batch_size*seq_len'}
    """
    numeric = [
        n for n in list(unread)[:500] if source.usable("L", n) not in ("holds text", "is empty")
    ]
    logs = {s: f for n in numeric for s, f in _of_log(source, n) if s not in symbols}
    recipes: dict[str, str] = dict(logs)
    if "D" not in symbols and "D" not in recipes and (formula := _tokens(numeric, symbols)):
        recipes["D"] = formula
    layers, width = _first(numeric, _LAYERS), _first(numeric, _WIDTH)
    if "N" not in symbols and "N" not in recipes and layers and width:
        recipes["N"] = f"12*{layers}*{width}^2"
    return recipes


def _tokens(numeric: Sequence[str], symbols: Collection[str]) -> str:
    """Return what would make tokens, "" where nothing does."""
    length, batch = _first(numeric, _LENGTH), _first(numeric, _BATCH)
    if "steps" in symbols and batch and length and "batch" not in symbols:
        return f"steps*{batch}*{length}"
    if (sequences := _first(numeric, _SEQUENCES)) and length:
        return f"{sequences}*{length}"
    per_parameter = _first(numeric, _PER_PARAMETER)
    return f"N*{per_parameter}" if per_parameter and "N" in symbols else ""


def _first(names: Sequence[str], aliases: Aliases) -> str:
    """Return the first name whose words end in one of these, as a formula writes it; or ""."""
    for alias in aliases:
        for name in names:
            words = tuple(words_of(name))
            if words == alias or words[-len(alias) :] == alias:
                return in_formula(name)
    return ""


def in_formula(name: str) -> str:
    """Return a name as a formula writes it: in backticks unless it is one word."""
    return name if name.isidentifier() else f"`{name}`"


def _of_log(source: SourceColumns, name: str) -> list[tuple[str, str]]:
    """Return the quantity of which a column is the log, with what undoes it."""
    words = words_of(name)
    log = next((w for w in words if w in _LOGS), None)
    meaning = meaning_of(" ".join(w for w in words if w not in _LOGS)) if log else None
    if meaning is None or meaning.symbol not in _FEWEST_DIGITS:
        return []
    values = source.plain(name)[0]
    middle = float(np.nanmedian(values))
    least, most = _FEWEST_DIGITS[meaning.symbol], _MOST_DIGITS[meaning.symbol]
    is_ten = log in ("log10", "lg") or (log == "log" and least <= middle <= most)
    column = in_formula(name)
    return [(meaning.symbol, f"10^{column}" if is_ten else f"exp({column})")]
