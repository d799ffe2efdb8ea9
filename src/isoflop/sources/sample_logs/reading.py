"""Any log of samples as columns of a bank; what kind it is shows from its content."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isoflop.errors import BadRuns, UnknownName, amount
from isoflop.files import BadJSON, parse_json, read_text
from isoflop.files.packed import parquet_batches
from isoflop.samples.bank import SCHEMA, Bank
from isoflop.samples.sample_table import Counts, Samples, columns_for, counted, gather
from isoflop.sources.sample_logs import inspect_ai, lm_eval, plain
from isoflop.sources.sample_logs.found import Found, NotASample, sound

if TYPE_CHECKING:
    import pyarrow as pa

KINDS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".eval")


@dataclass(frozen=True, eq=False)
class SampleTable:
    """Samples as columns of a bank, and what was noticed when they were read.

    What samples lack is in `gaps`, of the whole table: who uses a part of it looks there.
    """

    columns: Mapping[str, list[Any]]
    notes: tuple[str, ...]
    origin: str
    problems: Mapping[str, Mapping[str, tuple[str, str]]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.columns["problem"])

    def save(self, path: str | os.PathLike[str], /) -> int:
        """Write the samples to the bank at `path`, made if there is none; return how many are new.

        Known ones stay as they are.
        """
        bank = Bank.create(path)
        with bank.writing() as rows:
            for lineage, texts in self.problems.items():
                bank.keep_problems(lineage, texts)
            new = rows.extend(self.columns)
            rows.close()
        return new

    @property
    def verifiers(self) -> tuple[str, ...]:
        """The verifiers that scored them."""
        return tuple(n.removeprefix(SCHEMA.free) for n in self.columns if n.startswith(SCHEMA.free))

    @property
    def gaps(self) -> tuple[str, ...]:
        """What some of the samples lack: answers, scores."""
        said = []
        silent = self.columns.get("answer", []).count(None)
        if 0 < silent < len(self):
            lacks = amount(silent, "sample has", "samples have")
            said.append(f"{lacks} no answer in a normal form: they do not vote")
        for name in self.verifiers:
            if bare := self.columns[SCHEMA.free + name].count(None):
                scores = amount(bare, f"score of {name} is", f"scores of {name} are")
                said.append(f"{scores} missing or not finite")
        return tuple(said)

    @property
    def groups(self) -> Mapping[tuple[str, str], int]:
        """How many samples there are of each strategy and lineage."""
        pairs = list(zip(self.columns["strategy"], self.columns["lineage"], strict=True))
        return {pair: pairs.count(pair) for pair in dict.fromkeys(pairs)}

    def load(
        self,
        strategy: str | None = None,
        lineage: str | None = None,
        verifiers: Sequence[str] = (),
        answers: bool = False,
    ) -> Samples:
        """Return the samples of one strategy and lineage, as `Bank.load` does."""
        if unknown := sorted(set(verifiers) - set(self.verifiers)):
            raise UnknownName(f"verifier in {self.origin}", unknown[0], self.verifiers)
        return gather([self._table(strategy, lineage, columns_for(verifiers, answers))],
                      verifiers, answers)  # fmt: skip

    def counts(self, strategy: str | None = None, lineage: str | None = None) -> Counts:
        """Return how many samples of each problem are right."""
        return counted([self._table(strategy, lineage, ["problem", "correct", "left_out"])])

    def _table(self, strategy: str | None, lineage: str | None, columns: Sequence[str]) -> pa.Table:
        from isoflop.samples.bank import chosen_group
        from isoflop.store.rows import chosen, table_of

        which = chosen_group(self.groups, strategy, lineage, self.origin)
        where = {"strategy": which[0], "lineage": which[1]}
        return chosen(table_of(self.columns, SCHEMA), columns, where, SCHEMA)


def read_samples(logs: Sequence[str], columns: Mapping[str, str] | None = None) -> SampleTable:
    """Return the samples of logs: files, or folders of them.

    Rows that are no samples are left out and counted in the notes. Samples without a number of
    their own are numbered in the order in which they come.
    Raises BadRuns for a file that cannot be read, or logs without any sample.
    """
    found = Found()
    for path in _files(logs):
        _read(path, dict(columns or {}), found)
    if not found.rows:
        why = "; ".join(found.notes) or (
            "a table of samples has a row for each, and fields for problem and correct at least"
        )
        raise BadRuns(f"{', '.join(logs)}: no samples; {why}")
    rows = _number(found)
    names = dict.fromkeys(["problem", "sample", *(n for row in rows for n in row)])
    table = {name: [_mended(row.get(name)) for row in rows] for name in names}
    for name, standard in (("strategy", "parallel"), ("lineage", "")):
        table[name] = [row.get(name) or standard for row in rows]
    return SampleTable(table, found.notes, ", ".join(logs), found.problems)


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


def _read(path: Path, columns: dict[str, str], found: Found) -> None:
    kind, grade = path.suffix.lower(), columns.get("correct")
    records: Iterator[tuple[str, Any]]
    if kind not in KINDS:
        raise BadRuns(f"cannot tell what {path.name} holds; logs of samples are {', '.join(KINDS)}")
    if kind == ".eval":
        inspect_ai.read_archive(path, found, grade)
        return
    if kind == ".json":
        document = _json(path)
        if inspect_ai.is_log(document):
            inspect_ai.read_document(document, path, found, grade)
            return
        if lm_eval.is_summary(document):
            found.remark(f"{path.name} is a summary of lm-eval; --log_samples writes the samples")
            return
        numbered = enumerate(document if isinstance(document, list) else [document], 1)
        records = ((f"{path.name}, entry {i}", r) for i, r in numbered)
    else:
        reader: dict[str, Any] = {".csv": _separated, ".tsv": _separated, ".parquet": _parquet}
        records = reader.get(kind, _lines)(path, found)
    _add(path, records, columns, found)


def _add(
    path: Path, records: Iterator[tuple[str, Any]], columns: dict[str, str], found: Found
) -> None:
    by_column: dict[str, str] | None = None
    for where, record in records:
        if not isinstance(record, Mapping):
            found.leave_out("it is no object with fields", where)
            continue
        try:
            if lm_eval.is_lm_eval(record):
                grade = columns.get("correct")
                found.rows += lm_eval.lm_eval_rows(record, path, found, grade)
            elif lm_eval.is_its_hub(record):
                found.rows += lm_eval.its_hub_rows(record, path, found)
            else:
                if by_column is None:
                    by_column = plain.fields(list(record), columns, path.name)
                found.rows.append(plain.row(record, by_column))
        except NotASample as reason:
            found.leave_out(str(reason), where)


def _number(found: Found) -> list[dict[str, Any]]:
    """Return the samples, each with a number of its own among those of its problem.

    One that comes twice, as in a log that was kept in two formats, is kept once. Others that share
    a number come from several runs, and are numbered one after another.
    """
    taken: dict[tuple[Any, ...], set[int]] = {}
    last: dict[tuple[Any, ...], int] = {}
    seen: set[frozenset[tuple[str, Any]]] = set()
    kept, moved = [], 0
    for row in found.rows:
        key = row.get("strategy"), row.get("lineage"), row["problem"]
        mine, number, same = taken.setdefault(key, set()), row.get("sample"), frozenset(row.items())
        if number is not None and same in seen:
            found.leave_out("it is there already", f"sample {number} of {row['problem']}")
            continue
        if number is None or number in mine:
            moved += number is not None
            number = last.get(key, -1) + 1
        seen.add(same)
        mine.add(number)
        last[key] = max(last.get(key, -1), number)
        kept.append({**row, "sample": number})
    if moved:
        samples = amount(moved, "sample has", "samples have")
        found.remark(f"{samples} a number of another run's; the next free one was given")
    return kept


def _mended(cell: Any) -> Any:
    return sound(cell) if isinstance(cell, str) else cell


def _text(path: Path) -> str:
    return read_text(path, errors="replace")


def _json(path: Path) -> Any:
    try:
        return parse_json(_text(path))
    except BadJSON as error:
        raise BadRuns(f"{path} is not JSON: {error}") from None


def _lines(path: Path, found: Found) -> Iterator[tuple[str, Any]]:
    for i, line in enumerate(_text(path).split("\n"), 1):
        if not line.strip():
            continue
        where = f"{path.name}, line {i}"
        try:
            record = parse_json(line)
        except BadJSON as error:
            found.leave_out(error.kind, where)
            continue
        yield where, record


def _separated(path: Path, found: Found) -> Iterator[tuple[str, Any]]:
    text = _text(path)
    rows = csv.DictReader(text.splitlines(), delimiter="\t" if path.suffix == ".tsv" else ",")
    for i, record in enumerate(rows, 2):
        if None in record or None in record.values():
            found.leave_out("it has more or fewer fields than the header", f"{path.name}, row {i}")
            continue
        yield f"{path.name}, row {i}", record


def _parquet(path: Path, found: Found) -> Iterator[tuple[str, Any]]:
    batches = parquet_batches(path, path.name)
    rows = (row for batch in batches for row in batch.to_pylist())
    yield from ((f"{path.name}, row {i}", row) for i, row in enumerate(rows, 1))
