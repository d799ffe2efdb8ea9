"""CSV and TSV files, every cell as text, with the row numbers that an editor shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from isoflop.errors import BadRuns
from isoflop.files import BadJSON, parse_json
from isoflop.runs.cells import name_rows
from isoflop.runs.spreadsheet import unquoted
from isoflop.sources.cells import CellTable, numbers, source

PREAMBLE = "# isoflop:"
WIDEST = 10_000  # columns of a table
_LARGEST_BLOCK = 2**31 - 1


def read_separated(text: str, origin: str, extension: str) -> CellTable:
    """Return the table of a CSV or TSV text; blank rows are passed over.

    Raises BadRuns for rows of different lengths, a header that names no columns, or no rows.
    """
    stated, text = _stated_delimiter(text)
    conventions, body, above = _without_preamble(text, origin)
    above += bool(stated)
    if not body:
        raise BadRuns(f"{origin} is empty")
    head = re.split(r"[\r\n]", body, maxsplit=1)[0]
    delimiter = stated or _delimiter(head, extension)
    width = head.count(delimiter) + 1
    if width > WIDEST:
        raise BadRuns(
            f"{origin} has {width:,} columns, and {WIDEST:,} is the limit; keep the columns that "
            "are needed, a row a run"
        )
    table = _parse(body, delimiter, width, origin, above)
    _refuse_open_quote(body, str(table.columns[-1][-1]), origin)
    names = _names([column[0].as_py() for column in table.columns], origin)
    mask = _filled_rows(table.slice(1))
    columns = {
        name: _texts(column if mask.all() else column.filter(mask))
        for name, column in zip(names, table.slice(1).columns, strict=True)
    }
    rows = np.flatnonzero(mask) + above + 2
    return source(origin, columns, rows=rows, conventions=conventions)


def stated_conventions(statement: object, origin: str, row: int) -> dict[str, str]:
    """Return the conventions that a file states of itself, checked to be texts by symbol."""
    if isinstance(statement, dict) and all(isinstance(v, str) for v in statement.values()):
        return statement
    raise BadRuns(
        f'{origin}: row {row} should state conventions as {{"N": "total"}}, and is {statement!r}'
    )


def _without_preamble(text: str, origin: str) -> tuple[dict[str, str], str, int]:
    """Return the stated conventions, the text from its header on, and the rows above that."""
    conventions: dict[str, str] = {}
    above = 0
    while text:
        line, end, rest = _first_line(text)
        if line.startswith(PREAMBLE):
            try:
                statement = parse_json(line[len(PREAMBLE) :])
            except BadJSON as error:
                raise BadRuns(
                    f'{origin}: row {above + 1} should state conventions as {{"N": "total"}}, and '
                    f"is not JSON: {error}"
                ) from None
            conventions |= stated_conventions(statement, origin, above + 1)
        elif line.strip() and not _is_comment(line, rest):
            return conventions, text if end else f"{text}\n", above
        text, above = rest, above + 1
    return conventions, "", above


def _stated_delimiter(text: str) -> tuple[str, str]:
    """Return the delimiter of a first line such as sep=;, or "", and the text below that line."""
    line, _, rest = _first_line(text)
    match = re.fullmatch(r'"?sep=([,;\t|])"?', line.strip(" "), re.IGNORECASE)
    return (match[1], rest) if match else ("", text)


def _is_comment(line: str, rest: str) -> bool:
    """Return whether a line above the header is a comment: it has not the cells of the next."""
    if not line.startswith("#") or not rest.strip():
        return False
    following = next(part for part in rest.splitlines() if part.strip())
    delimiter = _delimiter(following, "")
    if following.startswith("#"):
        return True
    return line.count(delimiter) != following.count(delimiter) or not re.search(
        r"(^|[,;\t])\s*[+-]?\d", following
    )


def _first_line(text: str) -> tuple[str, str, str]:
    match = re.match(r"([^\r\n]*)(\r\n|\r|\n|\Z)", text)
    line, end = match.groups() if match else (text, "")
    return line, end, text[len(line) + len(end) :]


def _delimiter(head: str, extension: str) -> str:
    if extension == ".tsv":
        return "\t"
    return next((d for d in (",", ";", "\t") if d in head), ",")


def _parse(body: str, delimiter: str, most: int, origin: str, above: int) -> Any:
    import pyarrow as pa
    from pyarrow import csv

    ragged: list[tuple[int, int, int]] = []

    def note(row: Any) -> str:
        # A blank line is one empty cell, which is no row.
        if row.text.strip():
            ragged.append((row.number + above, row.actual_columns, row.expected_columns))
        return "skip"

    data = body.encode()
    try:
        table = csv.read_csv(
            pa.BufferReader(data),
            csv.ReadOptions(
                use_threads=False,  # row numbers are only known in order
                autogenerate_column_names=True,
                block_size=min(len(data) + 1, _LARGEST_BLOCK),
            ),
            csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=note,
            ),
            csv.ConvertOptions(column_types={f"f{i}": pa.string() for i in range(most)}),
        )
    except pa.ArrowException as error:
        raise BadRuns(f"{origin} cannot be read as a table: {error}") from None
    _refuse_ragged(ragged, origin)
    return table.cast(pa.schema([(name, pa.string()) for name in table.column_names]))


def _refuse_ragged(ragged: list[tuple[int, int, int]], origin: str) -> None:
    if not ragged:
        return
    _, actual, expected = ragged[0]
    rows = name_rows(np.array([number for number, _, _ in ragged]))
    raise BadRuns(
        f"{origin}: {rows} {'differs' if len(ragged) == 1 else 'differ'} from the header, which "
        f"has {expected} columns (the first such row has {actual}); "
        "look for a missing or extra delimiter, or a quote that is not closed"
    )


def _refuse_open_quote(body: str, last: str, origin: str) -> None:
    """Refuse a file whose last cell runs on to the end, over what were to be more rows."""
    if body.count('"') % 2 and last.endswith(("\n", "\r")):
        raise BadRuns(f"{origin}: a quote is not closed, in the cell that begins {last[:40]!r}")


def _names(cells: list[str | None], origin: str) -> list[str]:
    names = [unquoted((c or "").strip()) or f"unnamed {i}" for i, c in enumerate(cells, 1)]
    refuse_doubled(names, origin)
    values, other = numbers(names)
    if not other.any() and np.isfinite(values).all():
        raise BadRuns(
            f"{origin}: the first row holds numbers ({', '.join(names[:3])}), not the names of "
            "columns; add a header such as N,D,L"
        )
    return names


def refuse_doubled(names: Sequence[str], origin: str) -> None:
    """Refuse two columns of one name."""
    if doubled := sorted(name for name, count in Counter(names).items() if count > 1):
        raise BadRuns(f"{origin}: two columns are called {doubled[0]!r}; rename or remove one")


def _texts(column: Any) -> Any:
    """Return cells without the quote that keeps a spreadsheet from running them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pc.any(pc.starts_with(column, "'")).as_py():
        return column
    return pa.chunked_array([pa.array(list(map(unquoted, column.to_pylist())), pa.string())])


def _filled_rows(table: Any) -> Any:
    """Return which rows hold something (n,)."""
    import pyarrow.compute as pc

    mask = np.zeros(table.num_rows, dtype=bool)
    for column in table.columns:
        if mask.all():
            break
        mask |= pc.not_equal(column, "").to_numpy()
    return mask
