"""Tables of rows: made from columns, chosen from, and read from closed chunks."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from isoflop.errors import BadStudy, UsageError
from isoflop.files import refuse_strange, write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

Kind: TypeAlias = Literal["text", "whole", "number", "truth"]


@dataclass(frozen=True)
class Schema:
    """The columns of rows; `key` is of text columns and, last, one of whole numbers.

    Columns whose name begins with `free` are numbers, and any row may bring new ones.
    """

    columns: Mapping[str, Kind]
    key: tuple[str, ...]
    free: str

    def kind(self, name: str) -> Kind:
        """Return the kind of a column.

        Raises UsageError for a name that is none.
        """
        if name.startswith(self.free):
            return "number"
        if name not in self.columns:
            raise UsageError(f"rows have no column {name!r}; they have {', '.join(self.columns)}")
        return self.columns[name]


@dataclass(frozen=True)
class Choice:
    """Which rows are meant: the texts that columns have, and the first and last text of others.

    Texts are in the order of their code points, ends included.
    """

    equal: Mapping[str, str]
    between: Mapping[str, tuple[str, str]]

    @property
    def columns(self) -> set[str]:
        """The columns that the choice looks at."""
        return {*self.equal, *self.between}

    def ends(self) -> Mapping[str, tuple[str, str]]:
        """Return the first and last text that each column may have."""
        return {**{name: (text, text) for name, text in self.equal.items()}, **self.between}


def table_of(columns: Mapping[str, Any], schema: Schema) -> pa.Table:
    """Return columns, sequences or those of a table, as a table of the kinds of the schema.

    Raises UsageError for a cell of another kind.
    """
    import pyarrow as pa

    arrays = {}
    for name, values in columns.items():
        kind = _arrow(schema.kind(name))
        try:
            arrays[name] = (
                values.cast(kind)
                if isinstance(values, pa.Array | pa.ChunkedArray)
                else pa.array(values, kind, from_pandas=True)
            )
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise UsageError(f"column {name} takes {schema.kind(name)}: {error}") from None
    return pa.table(arrays)


def _arrow(kind: Kind) -> Any:
    import pyarrow as pa

    return {"text": pa.string(), "whole": pa.int64(), "number": pa.float64(), "truth": pa.bool_()}[
        kind
    ]


def chosen(table: pa.Table, columns: Sequence[str], choice: Choice, schema: Schema) -> pa.Table:
    """Return the rows that are meant, with these columns; one that is not there is null."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for name, (first, last) in choice.ends().items():
        mask = _between(table[name], first, last)
        if not pc.all(mask, min_count=0).as_py():
            table = table.filter(mask)
    for name in columns:
        if name not in table.column_names:
            table = table.append_column(name, pa.nulls(len(table), _arrow(schema.kind(name))))
    return table.select(list(columns))


def _between(column: pa.ChunkedArray, first: str, last: str) -> pa.ChunkedArray:
    """Return where texts are from the first to the last; of coded ones, each is looked at once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def holds(texts: Any) -> Any:
        return pc.and_(pc.greater_equal(texts, first), pc.less_equal(texts, last))

    return pa.chunked_array(
        [
            pc.take(holds(part.dictionary), part.indices)
            if pa.types.is_dictionary(part.type)
            else holds(part)
            for part in column.chunks
        ],
        pa.bool_(),
    )


def read_chunk(
    path: Path, columns: Collection[str], choice: Choice, coded: Sequence[str] = ()
) -> pa.Table:
    """Return columns of a closed chunk, without parts that hold none of the rows that are meant.

    Texts that are `coded` come as dictionaries.
    Raises BadStudy for a damaged file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        head = pq.read_metadata(path)
        wanted = [n for n in head.schema.to_arrow_schema().names if n in columns]
        words = [n for n in wanted if n in coded]
        groups = [i for i in range(head.num_row_groups) if _may_hold(head, i, choice)]
        with pq.ParquetFile(
            path, metadata=head, read_dictionary=words, page_checksum_verification=True
        ) as file:
            table = file.read_row_groups(groups, columns=wanted)
        table.validate()
        return table
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise damaged(path, error) from None


def values_of(path: Path, names: Sequence[str]) -> tuple[str, ...] | None:
    """Return the one text that each column has in all of a chunk; None where that is not known.

    Raises BadStudy for a damaged file.
    """
    metadata = _head(path)
    values = set()
    for i in range(metadata.num_row_groups):
        ends = _ends(metadata, i)
        pairs = [ends.get(name) for name in names]
        if any(pair is None or pair[0] != pair[1] for pair in pairs):
            return None
        values.add(tuple(pair[0] for pair in pairs if pair))
    return values.pop() if len(values) == 1 else None


def count_rows(path: Path) -> int:
    """Return how many rows a chunk has.

    Raises BadStudy for a damaged file.
    """
    return int(_head(path).num_rows)


def column_names(path: Path) -> list[str]:
    """Return the columns of a chunk.

    Raises BadStudy for a damaged file.
    """
    return list(_head(path).schema.to_arrow_schema().names)


def _head(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    refuse_strange(path, BadStudy)
    try:
        return pq.read_metadata(path)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        raise damaged(path, error) from None


def damaged(path: Path, error: object) -> BadStudy:
    """Return what to raise for a chunk that cannot be read."""
    return BadStudy(f"{path} is damaged ({error}); restore it from a copy")


def _may_hold(metadata: Any, group: int, choice: Choice) -> bool:
    """Return whether a part of a chunk may hold a row that is meant, by what its head says."""
    ends = _ends(metadata, group)
    return all(
        ends[name][0] <= last and ends[name][1] >= first
        for name, (first, last) in choice.ends().items()
        if name in ends
    )


def _ends(metadata: Any, group: int) -> dict[str, tuple[str, str]]:
    """Return the first and last text of columns of a part of a chunk that holds no null there."""
    ends = {}
    for i in range(metadata.num_columns):
        column = metadata.row_group(group).column(i)
        stated = column.statistics
        whole = stated is not None and stated.has_min_max and not stated.null_count
        if whole and column.physical_type == "BYTE_ARRAY":
            ends[column.path_in_schema] = (stated.min, stated.max)
    return ends


def close(path: Path, table: pa.Table) -> None:
    """Write a closed chunk, whole or not at all."""
    import pyarrow.parquet as pq

    def write(handle: Any) -> None:
        pq.write_table(table, handle, compression="zstd", write_page_checksum=True)

    write_atomically(path, write)
