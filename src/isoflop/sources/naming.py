"""Which column of a source is which quantity: by symbol, by the user's word, by name and values.

Values decide before names: a column of texts, or of one number throughout, is not taken where
another can serve. Of losses the held-out one goes before that of training, of rewards gold before
proxy. What is left open is asked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from isoflop.errors import BadRuns, Note, UnknownName, UsageError, brief
from isoflop.runs import LABELS, SYMBOLS
from isoflop.runs.plausibility import STATES
from isoflop.sources.cells import texts
from isoflop.sources.column_names import (
    HELD_OUT,
    TRAINING,
    NameMeaning,
    meaning_of,
    split_of,
    unit_of_name,
    words_of,
)
from isoflop.sources.columns import SourceColumns

# Of several columns that could be a label, the first listed is taken.
_LABELS = {
    "run": (
        "run",
        "runid",
        "runname",
        "experiment",
        "experimentname",
        "name",
        "model",
        "modelname",
    ),
    "family": ("family", "modelfamily"),
    "seed": ("seed", "randomseed"),
    "state": ("state", "status", "runstate", "runstatus"),
}
_VALIDATION = ("val", "valid", "validation", "eval", "evaluation", "dev", "heldout")
_CENTRAL = ("N", "D", "L", "R")  # quantities without which there is no answer: in doubt, they ask


@dataclass(frozen=True, slots=True)
class ChosenColumn:
    """The column taken for a quantity, what its name says, and others that could have served."""

    name: str
    meaning: NameMeaning
    others: tuple[str, ...] = ()
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class Naming:
    """Which source column is read as which symbol and label, and what is to be said of it."""

    symbols: Mapping[str, ChosenColumn]
    labels: Mapping[str, str]
    guessed_labels: frozenset[str]
    notes: tuple[Note, ...] = field(default=())


def recognise(
    source: SourceColumns, columns: Mapping[str, str], derived: Collection[str]
) -> Naming:
    """Return what the columns of a source are: `columns` (symbol to name) says so first.

    Raises BadRuns if two columns could be the same quantity, and neither is to be derived;
    UnknownName for a quantity or a column that does not exist.
    """
    names = tuple(source.table.columns)
    columns = {s: _exact(name, names) for s, name in columns.items()}
    _check(names, columns)
    symbols = {s: n for s, n in columns.items() if s not in LABELS}
    symbols |= {s: s for s in SYMBOLS if s in names and s not in symbols}
    free = [n for n in names if n not in {*symbols.values(), *columns.values()}]
    guessed, notes = _by_meaning(source, free, {*symbols, *derived})
    labels, guessed_labels = _labels(source, free, columns, guessed)
    chosen = {s: _named_by_user(s, name, free) for s, name in symbols.items()}
    return Naming({**chosen, **guessed}, labels, guessed_labels, notes)


def _exact(name: str, names: Collection[str]) -> str:
    """Return the name of a column as its source writes it, spaces and case aside."""
    if name in names:
        return name
    folded = [n for n in names if n.strip().lower() == name.strip().lower()]
    return folded[0] if len(folded) == 1 else name


def _named_by_user(symbol: str, name: str, free: Sequence[str]) -> ChosenColumn:
    meaning = NameMeaning(symbol)
    if name != symbol:
        named = meaning_of(name)
        convention = named.convention if named is not None and named.symbol == symbol else None
        split = split_of(words_of(name)) if symbol == "L" else ""
        meaning = NameMeaning(symbol, convention, unit_of_name(name, symbol), split)
    same = (n for n in free if (m := meaning_of(n)) is not None and m.symbol == symbol)
    return ChosenColumn(name, meaning, tuple(same))


def _labels(
    source: SourceColumns,
    free: Sequence[str],
    columns: Mapping[str, str],
    guessed: Mapping[str, ChosenColumn],
) -> tuple[dict[str, str], frozenset[str]]:
    labels = {s: n for s, n in columns.items() if s in LABELS}
    taken = {choice.name for choice in guessed.values()}
    by_plain = {_plain(n): n for n in reversed(free) if n not in taken}
    for label in set(LABELS) - set(labels):
        matches = [by_plain[alias] for alias in _LABELS[label] if alias in by_plain]
        if label == "state":
            matches = [n for n in matches if _holds_states(source, n)]
        if matches:
            labels[label] = label if label in free and label != "state" else matches[0]
    ordered = {label: labels[label] for label in LABELS if label in labels}
    return ordered, frozenset(k for k, n in ordered.items() if k not in (n, *columns))


def _holds_states(source: SourceColumns, name: str) -> bool:
    """Return whether a column says how runs ended, and not, say, in which land they were."""
    words = {text.strip().lower() for text in texts(source.table.columns[name])} - {""}
    return bool(words & STATES)


def _by_meaning(
    source: SourceColumns, names: Sequence[str], taken: Collection[str]
) -> tuple[dict[str, ChosenColumn], tuple[Note, ...]]:
    """Return {symbol: column} by what names mean, and a note for each that stays open.

    Raises BadRuns for a central quantity that two columns could be.
    """
    candidates: dict[str, list[tuple[str, NameMeaning]]] = {}
    for name in names:
        meaning = meaning_of(name)
        if meaning is not None and meaning.symbol not in taken:
            candidates.setdefault(meaning.symbol, []).append((name, meaning))
    chosen: dict[str, ChosenColumn] = {}
    notes: list[Note] = []
    for symbol, options in candidates.items():
        able, remarks = _able(source, symbol, options)
        notes += remarks
        if not able:
            continue
        able.sort(key=lambda option: _rank(symbol, option[1]))
        best = [o for o in able if _rank(symbol, o[1]) == _rank(symbol, able[0][1])]
        best = _without_twins(source, symbol, best)
        if len(best) > 1 and symbol in _CENTRAL:
            _ask(source.table.origin, symbol, [n for n, _ in best])
        if len(best) > 1:
            notes.append(_open_note(symbol, [n for n, _ in best]))
            continue
        name, meaning = best[0]
        others = tuple(n for n, _ in able if n != name)
        chosen[symbol] = ChosenColumn(name, meaning, others, guessed=True)
    return chosen, tuple(notes)


def _able(
    source: SourceColumns, symbol: str, options: Sequence[tuple[str, NameMeaning]]
) -> tuple[list[tuple[str, NameMeaning]], list[Note]]:
    """Return the columns that can be a quantity by what they hold, and notes on the others."""
    faults = {name: source.usable(symbol, name) for name, _ in options}
    able = [option for option in options if not faults[option[0]]]
    constant = [o for o in options if faults[o[0]] == "holds one number throughout"]
    if not able and (len(constant) == 1 or len(options) == 1):
        able = constant or list(options)
    if len(able) == len(options):
        return able, []
    names = {name for name, _ in able}
    notes = [
        Note("info", "unfit", f"column {brief(name)} {fault}, so it is not {symbol}", symbol=symbol)
        for name, fault in faults.items()
        if name not in names and fault
    ]
    return able, notes


def _rank(symbol: str, meaning: NameMeaning) -> tuple[int, ...]:
    """Return how well a name speaks for a quantity, the best first."""
    if symbol == "L":
        split = {HELD_OUT: 0, TRAINING: 2}.get(meaning.split, 1)
        unit = meaning.unit.loss if meaning.unit else None
        indirect = meaning.unit is not None and meaning.unit.logarithm
        return split, not meaning.exact, unit not in (None, "nats/token"), indirect
    return (0,)


def _without_twins(
    source: SourceColumns, symbol: str, options: list[tuple[str, NameMeaning]]
) -> list[tuple[str, NameMeaning]]:
    """Return columns less those that hold the same numbers as an earlier one, in any unit.

    Of validation and test the former is meant, as whoever chose by a loss chose by that; of gold
    rewards and others the gold.
    """
    if len(options) < 2:
        return options
    if symbol in ("L", "R"):
        for words in (_VALIDATION, ("gold", "true")):
            preferred = [o for o in options if _speaks_of(o[0], words)]
            options = preferred if len(preferred) == 1 else options
    unique: list[tuple[str, NameMeaning]] = []
    columns: list[np.typing.NDArray[np.float64]] = []
    for option in options:
        values = source.read(symbol, option[0], option[1].unit).values
        if not any(np.allclose(values, v, rtol=1e-3, equal_nan=True) for v in columns):
            unique.append(option)
            columns.append(values)
    return unique


def _speaks_of(name: str, words: Sequence[str]) -> bool:
    return bool(set(words_of(name)) & set(words)) or _plain(name).startswith(tuple(words))


def _ask(origin: str, symbol: str, names: Sequence[str]) -> None:
    listing = " and ".join(map(repr, names))
    raise BadRuns(
        f"{origin}: columns {listing} could each be {symbol}; say which: "
        f"{option_text(symbol, names[0])}"
    )


def _open_note(symbol: str, names: Sequence[str]) -> Note:
    listing = " and ".join(map(repr, names))
    return Note(
        "info",
        "column",
        f"columns {listing} could each be {symbol}, and neither is read; say which: "
        f"{option_text(symbol, names[0])}",
        symbol=symbol,
    )


def option_text(symbol: str, name: str) -> str:
    """Return the option that names a column, as a shell takes it."""
    plain = all(c.isalnum() or c in "_./-" for c in name)
    return f"--columns {symbol}={name}" if plain else f"--columns '{symbol}={name}'"


def _check(names: Collection[str], columns: Mapping[str, str]) -> None:
    for symbol, name in columns.items():
        if symbol not in (*SYMBOLS, *LABELS):
            raise UnknownName("quantity or label", symbol, (*SYMBOLS, *LABELS))
        if name not in names:
            raise UnknownName("column", name, names)
    doubled = [n for n in columns.values() if list(columns.values()).count(n) > 1]
    if doubled:
        both = " and ".join(s for s, n in columns.items() if n == doubled[0])
        raise UsageError(f"column {doubled[0]!r} cannot be both {both}; give one name to each")


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
