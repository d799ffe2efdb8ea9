"""Columns as a source gives them, turned into numbers or into texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Integers, Mask, Numbers
from isoflop.errors import BadRuns, Note
from isoflop.runs import Omission
from isoflop.sources.number_format import (
    UNCERTAINTY,
    Evidence,
    Marks,
    evidence_in,
    marks_of,
    number_in,
)

# A NumPy array, a list of Python values, or an array or chunked array of pyarrow.
Cells: TypeAlias = Any

LARGEST_ERROR = 0.2  # of a number, as a share of it
_BRACKETED = re.compile(r"\s*(\d+\.?\d*)\s*\(\s*(\d+\.?\d*)\s*\)\s*")
SAMPLE = 2000  # rows that tell what a column holds, where nobody asked for it
_WORDED = re.compile(r"[^A-Za-z]*[\d.]\s*([A-Za-z][A-Za-z/ ]*)")
MISSING = frozenset(
    [
        "",
        "nan",
        "na",
        "n/a",
        "n.a.",
        "#n/a",
        "null",
        "none",
        "<na>",
        "nat",
        "-",
        "--",
        "–",
        "—",
        "?",
        "tbd",
        "missing",
        "diverged",
        "oom",
        "failed",
        "crashed",
        "#div/0!",
        "#value!",
        "#ref!",
    ]
)


@dataclass(frozen=True, slots=True)
class CellTable:
    """A table before its columns are understood: cells by the names that the source uses.

    `units` are texts that the source itself states as the units of columns, by their names.
    """

    origin: str
    columns: Mapping[str, Cells]
    rows: Integers
    conventions: Mapping[str, str]
    notes: tuple[Note, ...] = ()
    dropped: tuple[Omission, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)


def source(
    origin: str,
    columns: Mapping[str, Cells],
    *,
    rows: Integers | None = None,
    conventions: Mapping[str, str] | None = None,
) -> CellTable:
    """Return a source, refusing columns that make no table or hold no run.

    Without `rows`, they are numbered as if under a header in row 1.
    """
    lengths = {name: len(cells) for name, cells in columns.items()}
    if len(set(lengths.values())) > 1:
        listing = ", ".join(f"{name!r} {count:,}" for name, count in list(lengths.items())[:6])
        raise BadRuns(f"{origin}: columns differ in length: {listing}")
    count = next(iter(lengths.values()), 0)
    if not count:
        raise BadRuns(f"{origin} holds {'a header and ' if lengths else ''}no runs")
    numbered = np.arange(2, count + 2) if rows is None else rows
    return CellTable(origin, columns, numbered, conventions or {})


def numbers(cells: Cells, marks: Marks | None = None) -> tuple[Numbers, Mask]:
    """Return the numbers (n,), NaN where a cell is empty, and which cells hold other text (n,).

    `marks` are those of its numbers. Without them the column itself tells; where it does not, a
    cell such as 4,693 is no number.
    """
    plain = _plain_numbers(cells)
    if plain is not None:
        return plain, np.zeros(plain.shape, dtype=bool)
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(_strings(cells))
    empty = pc.is_in(pc.utf8_lower(texts), value_set=pa.array(sorted(MISSING)))
    texts = pc.if_else(empty, pa.scalar(None, pa.string()), texts)
    column = _cast(texts) if marks is None or marks.decimal == "." else None
    if column is not None:
        return _filled(column), np.zeros(len(texts), dtype=bool)
    coded = texts.dictionary_encode()
    distinct = coded.dictionary.to_pylist()
    marks = marks or marks_of(evidence_in(distinct)) or Marks(".", "")
    # The last entry stands for an empty cell, which has no code.
    values = [_number(text, marks) for text in distinct] + [np.nan]
    codes = pc.fill_null(coded.indices, len(values) - 1).to_numpy(zero_copy_only=False)
    parsed = np.array([np.nan if v is None else v for v in values])
    return parsed[codes], np.array([v is None for v in values])[codes]


def _cast(texts: Any) -> Any | None:
    """Return texts as numbers, None where some cell is 7B or 1,234, or no number at all."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        return None


def without_errors(cells: Cells) -> tuple[Cells, bool]:
    """Return cells without what follows a number, as in 4.69 ± 0.01, and whether any had that."""
    if _plain_numbers(cells) is not None:
        return cells, False
    import pyarrow.compute as pc

    texts = _strings(cells)
    pattern = f"([0-9.]){UNCERTAINTY}"
    if not pc.any(pc.match_substring_regex(texts, pattern)).as_py():
        return cells, False
    if any(_is_second_quantity(text) for text in texts.slice(0, SAMPLE).to_pylist() if text):
        return cells, False
    return pc.replace_substring_regex(texts, pattern, r"\1"), True


def _is_second_quantity(text: str) -> bool:
    """Return whether a cell holds a number in brackets that is no error: 124 (85), 70.6 (68.2).

    An error is small beside its number, or speaks of the last digits, as in 4.69(12).
    """
    match = _BRACKETED.fullmatch(text)
    if match is None:
        return False
    value, inside = match[1], match[2]
    of_digits = "." in value and inside.isdigit() and len(inside) <= len(value.partition(".")[2])
    return not of_digits and float(inside) > LARGEST_ERROR * float(value)


def without_suffix(cells: Cells) -> tuple[Cells, str]:
    """Return cells without the word that ends all of them alike, as in 3.1 nats, and that word."""
    if _plain_numbers(cells) is not None:
        return cells, ""
    distinct = {t.strip() for t in texts(cells)[:SAMPLE]} - MISSING
    ends = {match[1] if (match := _WORDED.fullmatch(t)) else "" for t in distinct}
    word = ends.pop() if len(ends) == 1 else ""
    if not word:
        return cells, ""
    import pyarrow.compute as pc

    return pc.replace_substring(pc.utf8_trim_whitespace(_strings(cells)), word, ""), word


def evidence_of(cells: Cells, marks: str = ",") -> Evidence:
    """Return what a column says of its marks, where any cell holds one of `marks`."""
    if _plain_numbers(cells) is not None:
        return Evidence.NONE
    import pyarrow.compute as pc

    texts = _strings(cells)
    pattern = f"[0-9]?[{marks}][0-9]"
    if not pc.any(pc.match_substring_regex(texts, pattern)).as_py():
        return Evidence.NONE
    return evidence_in(t for t in texts.dictionary_encode().dictionary.to_pylist() if t)


def suffixed(cells: Cells) -> Mask:
    """Return which cells (n,) say their own scale, as 7B, 54% and 3 PF-days do."""
    count = len(cells)
    if _plain_numbers(cells) is not None:
        return np.zeros(count, dtype=bool)
    import pyarrow.compute as pc

    texts = pc.utf8_trim_whitespace(_strings(cells))
    ends = pc.match_substring_regex(texts, "^[^A-Za-z]*[0-9.][eE]?[0-9]*\\s*([A-DF-Za-df-z%].*)$")
    return np.asarray(pc.fill_null(ends, False).to_numpy(zero_copy_only=False))


def texts(cells: Cells) -> list[str]:
    """Return the texts (n,), "" where a cell is empty; whole numbers have no point."""
    plain = _plain_numbers(cells)
    if plain is None:
        return [text or "" for text in _strings(cells).to_pylist()]
    return ["" if v != v else f"{v:.0f}" if v.is_integer() else repr(v) for v in plain.tolist()]


def codes(cells: Cells) -> npt.NDArray[Any]:
    """Return integers (n,) that are equal where cells are."""
    plain = _plain_numbers(cells)
    if plain is None:
        indices = _strings(cells).dictionary_encode().indices
        return np.asarray(indices.fill_null(-1).to_numpy(zero_copy_only=False))
    return np.unique(plain, return_inverse=True)[1]


def _plain_numbers(cells: Cells) -> Numbers | None:
    """Return the numbers of cells that are stored as numbers, None for any others."""
    if isinstance(cells, np.ndarray):
        if cells.dtype.kind not in "iuf":
            return None
        return np.asarray(np.ma.filled(cells.astype(np.float64), np.nan))
    if isinstance(cells, Sequence):
        return _listed_numbers(cells)
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = cells.type
    if pa.types.is_null(kind):
        return np.full(len(cells), np.nan)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _filled(pc.cast(cells, pa.float64(), safe=False))
    return None


def _listed_numbers(cells: Sequence[object]) -> Numbers | None:
    if not set(map(type, cells)) <= {int, float, type(None)}:
        return None
    try:
        return np.array([np.nan if v is None else v for v in cells], dtype=np.float64)
    except OverflowError:
        return None


def _filled(column: Any) -> Numbers:
    import pyarrow.compute as pc

    return np.asarray(pc.fill_null(column, np.nan).to_numpy(), dtype=np.float64)


def _strings(cells: Cells) -> Any:
    """Return cells of any kind as one array of strings of pyarrow, null where there is none."""
    import pyarrow as pa

    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    if isinstance(cells, pa.Array):
        if pa.types.is_dictionary(cells.type):
            cells = cells.cast(cells.type.value_type)
        if any(is_a(cells.type) for is_a in (pa.types.is_string, pa.types.is_large_string)):
            return cells.cast(pa.string())
        cells = cells.to_pylist()
    return pa.array([None if v is None else plain_text(v) for v in cells], pa.string())


def plain_text(value: object) -> str:
    """Return a value as text that every file and terminal can hold."""
    try:
        return str(value).encode("utf-8", "replace").decode()
    except ValueError:  # an integer of thousands of digits
        return "inf"


def _number(text: str, marks: Marks) -> float | None:
    try:
        return float(text) if marks.decimal == "." else number_in(text, marks)
    except ValueError:
        return number_in(text, marks)
