"""What is packed is expanded up to a limit: its stated size is read first, and not believed."""

from __future__ import annotations

import contextlib
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from isoflop.errors import BadRuns, BadStudy, IsoflopError, UsageError
from isoflop.files.content import TooLarge, largest, refuse_strange, too_large

if TYPE_CHECKING:
    import pyarrow as pa

ZSTANDARD = 93  # the number of a way to pack members of a zip archive
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, ZSTANDARD)
_ENCRYPTED = 1  # the bit of a member's flags
_LOCAL = struct.Struct("<26xHH")  # what stands before a member; last the lengths of two more parts
_PIECE = 1 << 20  # [bytes] that are expanded at a time
HONEST = 200  # times its size on disk that a table expands to, at most, unless it was made to
_BATCH_ROWS = 16_384  # of a table, expanded at a time


def zip_member(archive: zipfile.ZipFile, name: str) -> bytes:
    """Return a member of a zip archive, which may be packed by deflate or by Zstandard.

    Raises TooLarge for one that expands beyond the limit, ValueError for one that is damaged or
    packed in another way, OSError if it cannot be read.
    """
    info = archive.getinfo(name)
    if info.flag_bits & _ENCRYPTED or info.compress_type not in _PACKINGS:
        raise ValueError(f"{name} is encrypted, or packed by what is not known here")
    most = largest()
    if max(info.file_size, info.compress_size) > most:
        raise TooLarge(too_large(f"{name} holds", max(info.file_size, info.compress_size)))
    if info.compress_type != ZSTANDARD:
        with archive.open(info) as stream:
            return _whole(stream, name, info.file_size)
    data = _whole(_zstandard(archive, info), name, info.file_size)
    if zlib.crc32(data) != info.CRC:
        raise ValueError("its checksum is wrong")
    return data


def _zstandard(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> IO[bytes]:
    """Return the stream of a member that `zipfile` cannot unpack."""
    import pyarrow as pa

    file = archive.fp
    assert file is not None
    file.seek(info.header_offset)
    before = file.read(_LOCAL.size)
    if len(before) < _LOCAL.size:
        raise ValueError("it ends too early")
    file.seek(sum(_LOCAL.unpack(before)), os.SEEK_CUR)
    packed = pa.py_buffer(file.read(info.compress_size))
    stream: IO[bytes] = pa.input_stream(packed, compression="zstd")
    return stream


def _whole(stream: IO[bytes], name: str, stated: int) -> bytes:
    """Return a stream of the stated size [bytes], stopped where it turns out to be larger."""
    pieces, size = [], 0
    while size <= stated and (piece := stream.read(_PIECE)):
        pieces.append(piece)
        size += len(piece)
    if size != stated:
        raise ValueError(f"{name} is damaged: it does not hold the {stated:,} bytes that it states")
    return b"".join(pieces)


def expanded(data: bytes, origin: str, packing: str) -> bytes:
    """Return what a file packed by "gzip" or "zstd" holds, expanded no further than the limit.

    Raises BadRuns for what is damaged, cut off or not packed so, or expands beyond the limit.
    """
    import pyarrow as pa

    most = largest()
    pieces, size = [], 0
    try:
        with pa.input_stream(pa.py_buffer(data), compression=packing) as stream:
            while size <= most and (piece := stream.read(_PIECE)):
                pieces.append(piece)
                size += len(piece)
    except (pa.ArrowException, OSError) as reason:
        raise BadRuns(f"{origin} cannot be read as {packing}: {str(reason)[:200]}") from None
    if size > most:
        raise BadRuns(too_large(f"{origin} expands to more than", most))
    return b"".join(pieces)


def parquet_table(
    source: Path | bytes,
    origin: str,
    columns: Sequence[str] | None = None,
    error: type[IsoflopError] = BadRuns,
) -> pa.Table:
    """Return the table of a Parquet file, or those of its columns that are named.

    Raises `error` for what is damaged, or expands beyond the limit.
    """
    import pyarrow as pa

    batches = list(parquet_batches(source, origin, columns, error))
    return pa.Table.from_batches(batches[1:], batches[0].schema)


def parquet_batches(
    source: Path | bytes,
    origin: str,
    columns: Sequence[str] | None = None,
    error: type[IsoflopError] = BadRuns,
    *,
    streamed: bool = False,
) -> Iterator[pa.RecordBatch]:
    """Yield an empty batch that tells the schema, then the rows of a Parquet file in batches.

    A caller that keeps no batch says `streamed`: the file may then expand beyond the limit, but
    not by more than a table honestly packed does.
    Raises `error` for what is damaged, or expands beyond the limit.
    """
    import pyarrow as pa

    if isinstance(source, Path):
        refuse_strange(source, error)
    try:
        most = largest()
        if streamed and isinstance(source, Path):
            most = max(most, HONEST * source.stat().st_size)
        yield from _batches(source, origin, columns, most)
    except TooLarge as reason:
        raise error(str(reason)) from None
    except (pa.ArrowException, OSError, ValueError, MemoryError) as reason:
        raise error(f"{origin} cannot be read as Parquet: {str(reason)[:200]}") from None


@contextlib.contextmanager
def open_parquet(path: Path) -> Iterator[Any]:
    """Open a Parquet file that isoflop wrote, its pages held against their checksums.

    Raises BadStudy for a damaged file, also where that shows inside the block.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    refuse_strange(path, BadStudy)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            yield file
    except (pa.ArrowException, UsageError, OSError, ValueError, MemoryError) as reason:
        why = str(reason)[:200]
        raise BadStudy(f"{path} is damaged ({why}); restore it from a copy") from None


def _batches(
    source: Path | bytes, origin: str, columns: Sequence[str] | None, most: int
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    place = pa.BufferReader(source) if isinstance(source, bytes) else source
    with pq.ParquetFile(place) as file:
        schema = file.schema_arrow
        _refuse_stated(file, origin, most)
        texts = [f.name for f in schema if _is_text(f.type)]
    # Texts that repeat stay a dictionary until it is known how much they take.
    with pq.ParquetFile(
        place, read_dictionary=texts, page_checksum_verification=True, pre_buffer=False
    ) as file:
        names = schema.names if columns is None else [n for n in schema.names if n in columns]
        cells = [schema.field(schema.names.index(n)) for n in names]
        target = pa.schema(cells, metadata=schema.metadata)
        yield pa.RecordBatch.from_arrays([pa.array([], f.type) for f in target], schema=target)
        size = 0
        for batch in file.iter_batches(_BATCH_ROWS, columns=None if columns is None else names):
            size += sum(map(_size, batch.columns))
            if size > most:
                raise TooLarge(too_large(f"{origin} holds more than", size))
            plain = [_plain(c, f.type) for c, f in zip(batch.columns, target, strict=True)]
            done = pa.RecordBatch.from_arrays(plain, schema=target)
            done.validate(full=True)
            yield done


def _refuse_stated(file: Any, origin: str, most: int) -> None:
    """Refuse what a file states of itself, before any of it is expanded."""
    metadata = file.metadata
    # Of a column alone pyarrow is asked last: where a footer is damaged, that ends the process.
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    leaves = [metadata.schema.column(i) for i in range(metadata.num_columns)]
    row = sum(_LEAST_BYTES.get(leaf.physical_type, 4) for leaf in leaves)
    stated = max(sum(g.total_byte_size for g in groups), row * metadata.num_rows)
    nested = [i for i, leaf in enumerate(leaves) if leaf.max_repetition_level]
    if nested and stated <= most:
        file.scan_contents(nested)  # raises where the footer is damaged
        stated = sum(4 * g.column(i).num_values for g in groups for i in nested)
    if stated > most:
        raise TooLarge(too_large(f"{origin} expands to", stated))


# What a value takes in memory at the least, however well it is packed [bytes].
_LEAST_BYTES = {"BOOLEAN": 0.125, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 8}


def _is_text(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_string(kind) or types.is_binary(kind) or types.is_large_string(kind))


def _size(column: Any) -> int:
    """Return what a column of a batch takes in memory once its dictionary is gone [bytes]."""
    import pyarrow.compute as pc
    import pyarrow.types as types

    if not types.is_dictionary(column.type):
        return int(column.nbytes)
    lengths = pc.binary_length(column.dictionary)
    return 4 * len(column) + (pc.sum(lengths.take(column.indices)).as_py() or 0)


def _plain(column: Any, kind: Any) -> Any:
    return column if column.type == kind else column.cast(kind)
