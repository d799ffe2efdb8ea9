"""Tables kept in memory as long as they are few, and beyond that in a file without a name.

Nothing is left of such a file when the program ends, however it ends.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING

from isoflop.files import writing

if TYPE_CHECKING:
    import pyarrow as pa

MEMORY = 64_000_000  # bytes of tables that stay in memory


@dataclass
class Spill:
    """Tables in the order in which they were added, to be gone through any number of times."""

    _tables: list[pa.Table] = field(default_factory=list)
    _places: list[tuple[int, int]] = field(default_factory=list)  # where each begins, and its bytes
    _file: IO[bytes] | None = None
    _bytes: int = 0

    def add(self, table: pa.Table) -> None:
        """Keep a table.

        Raises EnvironmentFailure for a full disk.
        """
        self._bytes += table.nbytes
        self._tables.append(table)
        if self._file is None and self._bytes <= MEMORY:
            return
        with writing(Path(tempfile.gettempdir())):
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="isoflop-")  # noqa: SIM115
                weakref.finalize(self, self._file.close)
            for each in self._tables:
                self._write(each, self._file)
        self._tables.clear()

    def tables(self, columns: Collection[str] | None = None) -> Iterator[pa.Table]:
        """Yield the tables, with those of the columns that each has; with all unless said."""
        import pyarrow as pa

        if self._file is not None:
            self._file.flush()
            for offset, size in self._places:
                packed = os.pread(self._file.fileno(), size, offset)
                yield _unpacked(packed, columns)
        for table in self._tables:
            names = table.column_names
            wanted = names if columns is None else [n for n in names if n in columns]
            yield table.select(wanted) if wanted else pa.table({})

    def _write(self, table: pa.Table, file: IO[bytes]) -> None:
        import pyarrow as pa

        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_stream(sink, table.schema, options=options) as stream:
            stream.write_table(table)
        packed = sink.getvalue()
        self._places.append((file.tell(), packed.size))
        file.write(packed)


def _unpacked(packed: bytes, columns: Collection[str] | None) -> pa.Table:
    import pyarrow as pa

    options = pa.ipc.IpcReadOptions()
    if columns is not None:
        names = pa.ipc.open_stream(packed).schema.names
        options.included_fields = [i for i, name in enumerate(names) if name in columns]
        if not options.included_fields:
            return pa.table({})
    return pa.ipc.open_stream(packed, options=options).read_all()
