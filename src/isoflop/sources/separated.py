"""Text tables, such as CSV and TSV: cells as texts, under the row numbers that an editor shows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from isoflop.arrays import Integers
from isoflop.errors import BadRuns, Note, brief
from isoflop.files import BadJSON, parse_json
from isoflop.runs.cells import name_rows
from isoflop.runs.spreadsheet import unquoted
from isoflop.sources.cells import CellTable, numbers, source
from isoflop.sources.delimiter import SPACE, cells_in, delimiter_of, sampled, width_of
from isoflop.sources.layout import HEAD, TAIL, has_number, layout_of

PREAMBLE = "# isoflop:"
WIDEST = 10_000  # columns of a table
UNNAMED = "unnamed"
_LARGEST_BLOCK = 2**31 - 1


def read_separated(text: str, origin: str, extension: str) -> CellTable:
    """Return the table of a text whose cells a delimiter parts; blank rows are passed over.

    Raises BadRuns for rows of different lengths, a header that names no columns, or no rows.
    """
    stated, text = _stated_delimiter(text)
    conventions, body, above = _without_preamble(text, origin)
    above += bool(stated)
    if not body:
        raise BadRuns(f"{origin} is empty")
    mark = stated or delimiter_of(sampled(body), extension)
    body, titles = _without_titles(_unframed(body, mark), mark)
    above += len(titles)
    if mark == SPACE:
        body, mark = _single_tabs(body), "\t"
    grid = _parse(body, mark, origin, above)
    return _understood(grid, _title_notes(titles), origin, conventions)


@dataclass(frozen=True)
class _CellGrid:
    """The cells of a file as texts, and the row of the file in which each row stands (n,)."""

    cells: Any
    rows: Integers
    apart: tuple[tuple[int, str], ...] = ()

    def texts(self, first: int, last: int) -> list[list[str]]:
        """Return some rows as lists of texts."""
        part = self.cells.slice(max(first, 0), last - max(first, 0))
        return [
            list(row)
            for row in zip(*([c or "" for c in v.to_pylist()] for v in part.columns), strict=True)
        ]


def _understood(
    grid: _CellGrid, notes: tuple[Note, ...], origin: str, conventions: dict[str, str]
) -> CellTable:
    """Return the table that stands in a grid, with notes on what else stands there."""
    count = grid.cells.num_rows
    layout = layout_of(grid.texts(0, HEAD), grid.texts(count - TAIL, count), grid.rows)
    names = _names(layout.names, origin)
    mask = _filled_rows(grid.cells)
    mask[: layout.first] = False
    mask[list(layout.apart)] = False
    columns = {
        name: _texts(column.filter(mask))
        for name, column in zip(names, grid.cells.columns, strict=True)
    }
    columns = {k: v for k, v in columns.items() if not _is_nothing(k, v)}
    if grid.apart:
        remarks = "; ".join(brief(text) for _, text in grid.apart)
        rows = tuple(row for row, _ in grid.apart)
        notes += (Note("info", "layout", f"below the table, and no run: {remarks}", rows),)
    table = source(origin, columns, rows=grid.rows[mask], conventions=conventions)
    return replace(table, notes=(*notes, *layout.notes), units=layout.units)


def _is_nothing(name: str, column: Any) -> bool:
    """Return whether a column has neither a name nor a cell that holds something."""
    import pyarrow.compute as pc

    return name.startswith(UNNAMED) and not pc.any(pc.not_equal(column, "")).as_py()


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
    below = sampled(rest)
    if below[0].startswith("#"):
        return True
    mark = delimiter_of(below)
    of_name = cells_in(sampled(line[1:] or " ,")[0], mark) if line[1:].strip() else 0
    return of_name != cells_in(below[0], mark) or not re.search(r"(^|[,;\t ])\s*[+-]?\d", below[0])


def _first_line(text: str) -> tuple[str, str, str]:
    match = re.match(r"([^\r\n]*)(\r\n|\r|\n|\Z)", text)
    line, end = match.groups() if match else (text, "")
    return line, end, text[len(line) + len(end) :]


def _without_titles(text: str, mark: str) -> tuple[str, list[str]]:
    """Return a text from the names of its columns on, and the lines above that are no row of it."""
    lines = sampled(text)
    width = width_of(lines, mark)
    above: list[str] = []
    rest = text
    while rest and width > 1:
        line, _, below = _first_line(rest)
        if line.count('"') % 2:
            break
        parts = line.split() if mark == SPACE else line.split(mark)
        if line.strip() and has_number([part.strip('"') for part in parts]):
            break
        if line.strip() and cells_in(sampled(line)[0], mark) == width:
            return rest, above
        above.append(line)
        rest = below
    return text, []


def _title_notes(lines: Sequence[str]) -> tuple[Note, ...]:
    texts = [brief(line.strip()) for line in lines if line.strip()]
    text = f"above the names, and passed over: {'; '.join(texts)}"
    return (Note("info", "layout", text),) if texts else ()


def _unframed(text: str, mark: str) -> str:
    """Return a table of Markdown without its outer marks and its ruled line."""
    if mark != "|" or not text.lstrip().startswith("|"):
        return text
    lines = (line.strip().removeprefix("|").removesuffix("|") for line in text.splitlines())
    plain = ("" if re.fullmatch(r"[\s|:\-]*", line) else line for line in lines)
    return "\n".join("|".join(cell.strip() for cell in line.split("|")) for line in plain) + "\n"


def _single_tabs(text: str) -> str:
    """Return a text whose cells are parted by runs of spaces with a tab in place of each."""
    return "\n".join("\t".join(line.removeprefix("#").split()) for line in text.splitlines()) + "\n"


def _parse(body: str, delimiter: str, origin: str, above: int) -> _CellGrid:
    """Return the cells of a text, and the rows below the last of the table that have others."""
    import pyarrow as pa
    from pyarrow import csv

    ragged: list[tuple[int, str, int, int]] = []

    def note(row: Any) -> str:
        # A blank line is one empty cell, which is no row.
        ragged.append((row.number, row.text.strip(), row.actual_columns, row.expected_columns))
        return "skip"

    width = _width(body, delimiter, origin)
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
            csv.ConvertOptions(column_types={f"f{i}": pa.string() for i in range(width)}),
        )
    except pa.ArrowException as error:
        raise BadRuns(f"{origin} cannot be read as a table: {error}") from None
    numbers = np.arange(1, table.num_rows + len(ragged) + 1)
    rows = np.setdiff1d(numbers, [number for number, *_ in ragged])
    remarks = [r for r in ragged if r[1] and r[0] > rows[-1] and _is_remark(r[1], delimiter)]
    _refuse_ragged([r for r in ragged if r[1] and r not in remarks], origin, above)
    _refuse_open_quote(body, str(table.columns[-1][-1]), origin)
    texts = table.cast(pa.schema([(name, pa.string()) for name in table.column_names]))
    return _CellGrid(texts, rows + above, tuple((n + above, text) for n, text, *_ in remarks))


def _width(body: str, delimiter: str, origin: str) -> int:
    """Return how many cells the first row has at most, refusing what is no table of runs."""
    width = re.split(r"[\r\n]", body, maxsplit=1)[0].count(delimiter) + 1
    if width > WIDEST:
        raise BadRuns(
            f"{origin} has {width:,} columns, and {WIDEST:,} is the limit; keep the columns that "
            "are needed, a row a run"
        )
    return width


def _is_remark(text: str, delimiter: str) -> bool:
    """Return whether a line below a table is a remark, and not a row that was cut off."""
    return not has_number(text.split(delimiter)) and '"' not in text


def _refuse_ragged(ragged: list[tuple[int, str, int, int]], origin: str, above: int) -> None:
    if not ragged:
        return
    _, _, actual, expected = ragged[0]
    rows = name_rows(np.array([number + above for number, *_ in ragged]))
    raise BadRuns(
        f"{origin}: {rows} {'differs' if len(ragged) == 1 else 'differ'} from the header, which "
        f"has {expected} columns (the first such row has {actual}); "
        "look for a missing or extra delimiter, or a quote that is not closed"
    )


def _refuse_open_quote(body: str, last: str, origin: str) -> None:
    """Refuse a file whose last cell runs on to the end, over what were to be more rows."""
    if body.count('"') % 2 and last.endswith(("\n", "\r")):
        raise BadRuns(f"{origin}: a quote is not closed, in the cell that begins {last[:40]!r}")


def _names(cells: Sequence[str], origin: str) -> list[str]:
    names = [cell or f"{UNNAMED} {i}" for i, cell in enumerate(cells, 1)]
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
