"""Any log of samples as a table; what kind it is shows from its content."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from isoflop.errors import BadRuns, amount, texts
from isoflop.files import BadJSON, largest, parse_json, refuse_strange
from isoflop.files.packed import parquet_batches
from isoflop.sources.sample_logs import evalplus, inspect_ai, lm_eval, plain
from isoflop.sources.sample_logs.attempts import (
    attempt_fields,
    attempt_rows,
    records_in,
    unpacked,
)
from isoflop.sources.sample_logs.json_stream import members
from isoflop.sources.sample_logs.numbering import NONE, number_samples
from isoflop.sources.sample_logs.parsed import NotASample, ParsedSamples, Watch, silent
from isoflop.sources.sample_logs.table import SampleTable, contents_of

KINDS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".eval")
OFTEN = 1000  # records after which is told how far a file is read


def read_samples(
    logs: Sequence[str], columns: Mapping[str, str] | None = None, watch: Watch = silent
) -> SampleTable:
    """Return the samples of logs: files, or folders of them.

    Rows that are no samples are left out and counted in the notes. Samples without a number of
    their own are numbered in the order in which they come. A few thousand are in memory at a
    time; the others are kept in a file until the table is gone. `watch` is told how many bytes
    are read, of how many.
    Raises BadRuns for a file that cannot be read, or logs without any sample.
    """
    paths = list(_files(logs))
    collector = ParsedSamples(watch=watch, size=float(sum(path.stat().st_size for path in paths)))
    for path in paths:
        _read(path, dict(columns or {}), collector)
        collector.read += path.stat().st_size
    collector.put_away()
    if not collector.number:
        why = "; ".join(texts(collector.notes)) or (
            "a table of samples has a row for each, and fields for problem and correct at least"
        )
        raise BadRuns(f"{', '.join(logs)}: no samples; {why}")
    return _table(collector, ", ".join(logs))


def _table(parsed: ParsedSamples, origin: str) -> SampleTable:
    """Return the samples, each with a number of its own among those of its problem."""
    import numpy as np

    problem, number = np.concatenate(parsed.problem), np.concatenate(parsed.number)
    numbers = number_samples(problem, number, lambda which: contents_of(parsed.spill, which))
    again = np.flatnonzero(numbers.number == NONE)
    if again.size:
        names = list(parsed.keys)
        first = f"sample {number[again[0]]} of {names[problem[again[0]]][-1]}"
        parsed.leave_out("it is there already", first, again.size)
    if numbers.moved:
        samples = amount(numbers.moved, "sample has", "samples have")
        parsed.remark(f"{samples} a number of another run's; the next free one was given")
    return SampleTable(parsed.spill, numbers.number, parsed.notes, origin, parsed.problems)


def _files(logs: Sequence[str]) -> Iterator[Path]:
    for text in logs:
        path = Path(text)
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in KINDS)
            if not inside:
                raise BadRuns(f"{path} holds no log of samples: {', '.join(KINDS)}")
            yield from inside
        elif path.exists():
            yield path
        else:
            raise BadRuns(f"there is no log {text!r}")


def _read(path: Path, columns: dict[str, str], collector: ParsedSamples) -> None:
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise BadRuns(f"cannot tell what {path.name} holds; logs of samples are {', '.join(KINDS)}")
    if kind == ".eval":
        inspect_ai.read_archive(path, collector, columns.get("correct"))
        return
    if kind == ".json":
        _read_json(path, columns, collector)
        return
    reader = {".csv": _separated, ".tsv": _separated, ".parquet": _parquet}.get(kind, _lines)
    _add(path, reader(path, collector), columns, collector)


def _add(
    path: Path,
    records: Iterator[tuple[str, Any]],
    columns: dict[str, str],
    collector: ParsedSamples,
) -> None:
    by_column: dict[str, str] | None = None
    for where, record in records:
        if not isinstance(record, Mapping):
            collector.leave_out("it is no object with fields", where)
            continue
        try:
            rows = _rows(path, record, columns, collector)
            if rows is None:
                by_column = by_column or plain.fields(list(record), columns, path.name)
                rows = iter([plain.row(record, by_column)])
            for row in rows:
                collector.add(row)
        except NotASample as reason:
            collector.leave_out(str(reason), where)


def _rows(
    path: Path, record: Mapping[str, Any], columns: Mapping[str, str], parsed: ParsedSamples
) -> Iterator[dict[str, Any]] | None:
    """Return the samples of a line of lm-eval, of its_hub or of lists, None for another record."""
    if lm_eval.is_lm_eval(record):
        return lm_eval.lm_eval_rows(record, path, parsed, columns.get("correct"))
    if lm_eval.is_its_hub(record):
        return lm_eval.its_hub_rows(record, path, parsed)
    lists = unpacked(record)
    fields = attempt_fields(lists, columns)
    return None if fields is None else attempt_rows(lists, fields, path.stem, parsed)


def _read_json(path: Path, columns: dict[str, str], parsed: ParsedSamples) -> None:
    """Add the samples of a document: a log of inspect_ai, a list of records, or one record."""
    with _explained(path):
        head = _head(path)
    if head is not None and evalplus.is_results(head):
        evalplus.read_results(head, path, parsed, columns.get("correct"))
    elif head is not None and inspect_ai.is_log(head):
        samples = (value for name, value in _members(path, parsed) if name == "samples")
        inspect_ai.read_samples(head, samples, path, parsed, columns.get("correct"))
    elif head is not None and lm_eval.is_summary(head):
        parsed.remark(f"{path.name} is a summary of lm-eval; --log_samples writes the samples")
    else:
        listed = (value for _, value in _members(path, parsed))
        each = listed if head is None else iter(records_in(head))
        records = ((f"{path.name}, entry {i}", record) for i, record in enumerate(each, 1))
        _add(path, records, columns, parsed)


def _head(path: Path) -> dict[str, Any] | None:
    """Return the members of a document but a list of samples; None for one that is no object.

    What comes after the samples is not read where a log of inspect_ai is known by what comes
    before them.
    """
    head: dict[str, Any] = {}
    for name, value, _ in members(path, "samples"):
        if name is None:
            return None
        if name == "samples" and inspect_ai.is_log(head):
            return head
        head[name] = [] if name == "samples" else value
    return head


def _members(path: Path, parsed: ParsedSamples) -> Iterator[tuple[str | None, Any]]:
    with _explained(path):
        for i, (name, value, at) in enumerate(members(path, "samples")):
            if i % OFTEN == 0:
                parsed.progress(at)
            yield name, value


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what is wrong with a document into a sentence."""
    try:
        yield
    except RecursionError:
        raise BadRuns(f"{path} is not JSON: it is nested too deep") from None
    except OSError as error:
        raise BadRuns(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None
    except ValueError as error:
        raise BadRuns(f"{path} is not JSON: {error}") from None


def _opened(path: Path, newline: str) -> IO[str]:
    refuse_strange(path)
    try:
        return path.open(encoding="utf-8-sig", errors="replace", newline=newline)
    except OSError as error:
        raise BadRuns(f"cannot read {path}: {(error.strerror or str(error)).lower()}") from None


def _bounded(handle: IO[str], path: Path) -> Iterator[str]:
    """Yield the lines of a file, none of which may be longer than the largest file [bytes]."""
    most = largest()
    while line := handle.readline(most):
        if len(line) == most:
            raise BadRuns(f"{path} has a line of more than {most:,} characters; split it")
        yield line


def _lines(path: Path, collector: ParsedSamples) -> Iterator[tuple[str, Any]]:
    with _opened(path, "\n") as handle:
        for i, line in enumerate(_bounded(handle, path), 1):
            if i % OFTEN == 0:
                collector.progress(handle.buffer.tell())  # type: ignore[attr-defined]
            if not line.strip():
                continue
            where = f"{path.name}, line {i}"
            try:
                record = parse_json(line)
            except BadJSON as error:
                collector.leave_out(error.kind, where)
                continue
            yield where, record


def _separated(path: Path, collector: ParsedSamples) -> Iterator[tuple[str, Any]]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    with _opened(path, "") as handle:
        rows = csv.DictReader(handle, delimiter=delimiter)
        try:
            for i, record in enumerate(rows, 2):
                if i % OFTEN == 0:
                    collector.progress(handle.buffer.tell())  # type: ignore[attr-defined]
                where = f"{path.name}, row {i}"
                if None in record or None in record.values():
                    collector.leave_out("it has more or fewer fields than the header", where)
                    continue
                yield where, record
        except csv.Error as error:
            raise BadRuns(f"{path} cannot be read as a table: {error}") from None


def _parquet(path: Path, collector: ParsedSamples) -> Iterator[tuple[str, Any]]:
    import pyarrow.parquet as pq

    batches, i = parquet_batches(path, path.name, streamed=True), 1
    next(batches)  # which is empty, and comes only of a file that is sound
    share = path.stat().st_size / max(1, pq.read_metadata(path).num_rows)
    for batch in batches:
        for first in range(0, len(batch), OFTEN):
            for record in batch.slice(first, OFTEN).to_pylist():
                yield f"{path.name}, row {i}", record
                i += 1
            collector.progress(share * (i - 1))
