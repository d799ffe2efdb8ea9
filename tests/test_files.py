"""Files from outside and files of ours: nothing swells, hangs, or passes unseen."""

from __future__ import annotations

import io
import json
import os
import random
import re
import socket
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

import isoflop as iso
from isoflop.errors import BadRuns, BadStudy, EnvironmentFailure, IsoflopError, UsageError
from isoflop.experiments.folder import TrialFolder
from isoflop.experiments.sampling.problems import from_file
from isoflop.files import BadJSON, parse_json, write_atomically, writing
from isoflop.files.packed import ZSTANDARD, parquet_table, zip_member
from isoflop.fitting.result import Fit
from isoflop.plan.sampling.router import Router
from isoflop.runs import Runs
from isoflop.samples.bank import Sample, SampleBank
from isoflop.sources.sample_logs.read_samples import read_samples
from isoflop.sources.training_logs import read_logs
from isoflop.store import Study

SOURCE = Path(iso.__file__).parent
READERS = {
    "runs": lambda path: iso.read(path),
    "fit": lambda path: Fit.load(path),
    "router": lambda path: Router.load(path),
    "samples": lambda path: read_samples([str(path)]),
    "training log": lambda path: read_logs(str(path)),
    "problems": lambda path: from_file(Path(path), None, {}),
}


@pytest.fixture
def small(monkeypatch):
    """A limit of 1 MB, so that what passes it is made and read in no time."""
    monkeypatch.setenv("ISOFLOP_LARGEST_FILE", "1M")


def deep(n):
    return "[" * n + "]" * n


NOT_JSON = {
    "twice": ('{"N": 1, "N": 2}', "key 'N' stands twice"),
    "twice inside": ('[{"a": {"b": 1, "b": 1}}]', "key 'b' stands twice"),
    "deep": (deep(101), "deeper than 100"),
    "very deep": (deep(100_000), "deeper than 100"),
    "deep objects": ('{"a":' * 101 + "1" + "}" * 101, "deeper than 100"),
    "never closed": ("[" * 100_000, "deeper than 100"),
    "an integer of 400 digits": ("9" * 400, "400 digits"),
    "an integer of 5,000 digits": ("-" + "9" * 5000, "5,001 digits"),
    "half": ('{"N": 1', "line 1, column 8"),
    "bytes": (b"\xff\xff", "not UTF-8"),
}


@pytest.mark.parametrize("name", NOT_JSON)
def test_json_that_repeats_itself_or_cannot_be_held_is_refused(name):
    text, why = NOT_JSON[name]
    with pytest.raises(BadJSON, match=why):
        parse_json(text)


def test_json_of_a_hundred_levels_and_brackets_in_texts_are_read():
    assert parse_json(deep(100)) == json.loads(deep(100))
    assert parse_json(json.dumps({"text": "[{" * 1000})) == {"text": "[{" * 1000}
    assert parse_json("9" * 300) == int("9" * 300)
    assert np.isnan(parse_json(b"\xef\xbb\xbfNaN"))


def test_json_of_more_values_than_memory_holds_is_refused(small):
    with pytest.raises(BadJSON, match="60,002 values"):
        parse_json("[" + "[]," * 30_000 + "[]]")
    assert len(parse_json(json.dumps("," * 500_000))) == 500_000


# One place reads JSON and one opens files from outside; what stands here reads our own package,
# the standard input of a program of ours, or a corpus of any size.
# Beside the readers themselves: what the package holds, and what it wrote itself.
FREE = {"files/content.py", "files/strict_json.py", "experiments/sampling/program_judge.py",
        "atlas/evidence/__init__.py", "commands/__init__.py", "experiments/pretrain/corpus.py",
        "monitor/callbacks/rl_file.py", "store/rows.py", "sources/scoring.py",
        "documentation/__init__.py", "documentation/evidence.py", "documentation/schemas.py",
        "report/html.py", "web/routes.py"}  # fmt: skip


def test_json_and_whole_files_are_read_in_one_place():
    door = re.compile(r"json\.loads?\(|\.json\(\)|\.(read|write)_(text|bytes)\(")
    doors = {
        path.relative_to(SOURCE).as_posix()
        for path in SOURCE.rglob("*.py")
        if door.search(path.read_text(encoding="utf-8"))
    }
    assert doors <= FREE


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "loop", "long", "deep", "huge"])
def test_what_is_no_file_is_refused_and_never_waited_for(
    small, tmp_path, monkeypatch, reader, kind
):
    path = tmp_path / "a.json"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        monkeypatch.chdir(tmp_path)  # the name of a socket has 108 characters at most
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "loop":
        path.symlink_to(path)
    elif kind == "long":
        path = tmp_path / ("x" * 300 + ".json")
    elif kind == "deep":
        path.write_text(deep(100_000))
    else:
        path.write_bytes(b" " * 1_000_001)
    with pytest.raises((IsoflopError, OSError)):  # the terminal says either in words
        READERS[reader](str(path))


def bomb(packing: int, stated: int | None = None) -> io.BytesIO:
    """Return an archive whose one member expands to 5 MB, and may state less."""
    data, file = b"\0" * 5_000_000, io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED if packing == ZSTANDARD else packing) as z:
        if packing == ZSTANDARD:
            z.writestr("big", pa.compress(data, "zstd", asbytes=True))
        else:
            z.writestr("big", data)
        info = z.getinfo("big")
        info.compress_type = packing
        info.file_size = len(data) if stated is None else stated
    return file


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, ZSTANDARD])
@pytest.mark.parametrize("stated", [None, 1000])
def test_a_member_of_an_archive_is_expanded_up_to_what_it_may_and_says(small, packing, stated):
    with zipfile.ZipFile(bomb(packing, stated)) as archive, pytest.raises(
        (ValueError, zipfile.BadZipFile), match=r"5 MB, and 1 MB is the limit|damaged|CRC"
    ):  # fmt: skip
        zip_member(archive, "big")


def test_an_archive_whose_sample_is_too_large_says_the_limit(small, tmp_path):
    path = tmp_path / "log.eval"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("header.json", '{"eval": {}}')
        archive.writestr("samples/1_epoch_1.json", b"[" + b" " * 2_000_000 + b"]")
    with pytest.raises(BadRuns, match=r"limit of 1 MB .ISOFLOP_LARGEST_FILE=2G raises it"):
        read_samples([str(path)])


TABLES = {
    "numbers that repeat": lambda: pa.table({"N": np.ones(200_000)}),
    "texts that repeat": lambda: pa.table({"N": [1.0] * 3000, "t": ["x" * 1000] * 3000}),
    "a list that repeats": lambda: pa.table({"N": [1.0], "t": [[0] * 500_000]}),
    "nulls": lambda: pa.table({"N": pa.nulls(300_000, pa.int64())}),
}


def test_a_table_of_samples_that_expands_beyond_the_limit_is_refused(small, tmp_path):
    path = tmp_path / "samples.parquet"
    rows = pa.table({"problem": ["p"] * 300_000, "correct": [True] * 300_000})
    parquet.write_table(rows, path, compression="zstd")
    with pytest.raises(BadRuns, match="1 MB is the limit"):
        read_samples([str(path)])


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_expands_beyond_the_limit_is_refused(small, tmp_path, name):
    path = tmp_path / "runs.parquet"
    parquet.write_table(TABLES[name](), path, compression="zstd")
    assert path.stat().st_size < 100_000
    with pytest.raises(BadRuns, match="1 MB is the limit"):
        iso.read(path)


def test_a_table_within_the_limit_is_read_as_pyarrow_reads_it(tmp_path):
    table = pa.table({"N": [1.0, None], "t": ["a", None], "l": [[1, 2], None], "b": [b"x", b"y"]})
    parquet.write_table(table.replace_schema_metadata({"a": "b"}), tmp_path / "t.parquet")
    read = parquet_table(tmp_path / "t.parquet", "t")
    assert read.equals(parquet.read_table(tmp_path / "t.parquet"), check_metadata=True)
    assert parquet_table(tmp_path / "t.parquet", "t", ["t"]).column_names == ["t"]


def test_a_table_of_a_hundred_thousand_columns_is_refused(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(",".join(f"c{i}" for i in range(100_000)) + "\n")
    with pytest.raises(BadRuns, match="100,000 columns, and 10,000 is the limit"):
        iso.read(path)


def test_the_limit_can_be_raised_and_a_setting_that_is_none_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "runs.csv"
    path.write_text("N,L\n" + "1,2\n" * 300)
    monkeypatch.setenv("ISOFLOP_LARGEST_FILE", "1k")
    with pytest.raises(BadRuns, match=r"1.2 kB, and 1 kB is the limit.*ISOFLOP_LARGEST_FILE=2G"):
        iso.read(path)
    monkeypatch.setenv("ISOFLOP_LARGEST_FILE", "2GB")
    assert len(iso.read(path)) == 300
    monkeypatch.setenv("ISOFLOP_LARGEST_FILE", "-1")
    with pytest.raises(UsageError, match="ISOFLOP_LARGEST_FILE"):
        iso.read(path)


STATED = {
    "N": "martian", "C": "7ND", "L": "martian", "martian": "total",
}  # fmt: skip


@pytest.mark.parametrize("symbol", STATED)
def test_a_convention_that_does_not_exist_is_refused_at_every_door(tmp_path, symbol):
    stated = {symbol: STATED[symbol]}
    with pytest.raises(UsageError, match=r"martian|7ND"):
        Runs({"N": [1.0], "L": [2.0]}, conventions=stated)
    (tmp_path / "a.csv").write_text(f"# isoflop: {json.dumps(stated)}\nN,L\n1,2\n")
    (tmp_path / "a.jsonl").write_text(f'{json.dumps({"isoflop": stated})}\n{{"N": 1, "L": 2}}\n')
    table = pa.table({"N": [1.0], "L": [2.0]})
    marked = table.replace_schema_metadata({"isoflop": json.dumps(stated)})
    parquet.write_table(marked, tmp_path / "a.parquet")
    for path in sorted(tmp_path.iterdir()):
        with pytest.raises(IsoflopError, match=r"martian|7ND"):
            iso.read(path)
    for value in (None, 5, ["total"], "", "x\n"):
        with pytest.raises(UsageError):
            Runs({"N": [1.0], "D": [2.0]}, conventions={"D": value})


IMPOSSIBLE = {"tokens": -5, "seconds": -1.0, "prompt_tokens": 1.5, "flop": "many", "sample": -1}


@pytest.mark.parametrize("column", IMPOSSIBLE)
def test_an_impossible_amount_of_a_sample_is_counted_and_never_null(tmp_path, column):
    path, good = tmp_path / "s.jsonl", {"problem": "p", "correct": True, "sample": 0}
    bad = {**good, "sample": 1, column: IMPOSSIBLE[column]}
    path.write_text("\n".join(map(json.dumps, ({**good, column: 3}, bad, good))))
    table = read_samples([str(path)])
    assert len(table) == 2
    assert any("1 row was left out" in note.text and "line 2" in note.text for note in table.notes)


# What is written.


def test_a_file_that_is_replaced_keeps_its_mode_and_no_scratch_is_left(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    path.chmod(0o640)
    write_atomically(path, lambda file: file.write(b"new"))
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o640)
    for name in ("x" * 250, "é" * 127):
        write_atomically(tmp_path / name, lambda file: file.write(b"new"))
    assert len(list(tmp_path.iterdir())) == 3


def test_the_scratch_file_is_new_and_its_name_cannot_be_foreseen(tmp_path, monkeypatch):
    opened, real = [], os.open

    def spy(path, flags, *rest, **named):
        if flags & os.O_CREAT:
            opened.append((Path(path).name, flags))
        return real(path, flags, *rest, **named)

    monkeypatch.setattr("os.open", spy)
    for _ in range(2):
        write_atomically(tmp_path / "a", lambda file: file.write(b"new"))
    names, flags = zip(*opened, strict=True)
    assert len(set(names)) == 2
    assert max(map(len, names)) < 40
    assert all(f & os.O_EXCL and f & os.O_NOFOLLOW for f in flags)


PLACES = ("/", "", ".", "/dev/full", "/proc/x", "a" * 300, "loop/a", "pipe", "none/a", "a\0b")


@pytest.mark.parametrize("place", PLACES)
def test_a_place_that_cannot_be_written_is_told_in_words(tmp_path, monkeypatch, place):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("isoflop.files.atomic.PATIENCE", 0.05)
    Path("loop").symlink_to("loop")
    os.mkfifo("pipe")
    for save in (
        lambda: write_atomically(Path(place), lambda file: file.write(b"x" * 10_000)),
        lambda: Router("x", 1, (), "k", (1.0,), (("a",),), False).save(place),
    ):
        with pytest.raises((EnvironmentFailure, UsageError), match=r"cannot write|not the name"):
            save()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["loop", "pipe"]


def test_a_circle_of_links_is_a_sentence_and_another_error_stays_itself():
    with pytest.raises(EnvironmentFailure, match="in a circle"), writing(Path("a")):
        raise RuntimeError("Symlink loop from 'a'")
    with pytest.raises(RuntimeError, match="other"), writing(Path("a")):
        raise RuntimeError("other")


@pytest.mark.parametrize(("redirection", "code"), [(">&-", 3), (">&- 2>&-", 3), ("2>&-", 0)])
def test_closed_output_is_told_in_words(redirection, code):
    call = f"exec {sys.executable} -m isoflop.cli laws --json {redirection}"
    done = subprocess.run(["bash", "-c", call], capture_output=True, text=True, timeout=60)
    assert done.returncode == code
    assert done.stdout.startswith("{") == (code == 0)
    words = "standard output is closed; send it to a file, or to /dev/null"
    assert done.stderr == ("" if "2>" in redirection else f"isoflop: {words}\n")


# What is damaged.

RUNS = Runs({"N": np.geomspace(1e6, 1e8, 12), "D": np.geomspace(1e9, 1e8, 12),
             "L": np.linspace(4, 3, 12)}, conventions={"N": "total"})  # fmt: skip


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("fit") / "fit.json"
    iso.fit("chinchilla", RUNS, seed=0, draws=4).save(path)
    return path


WRONG = {
    "level": (-1, 0, 1, 1e308, "x"), "seed": (-1, 0.5, "x"), "seconds": (-1,),
    "starts": ({}, {"tried": -1, "polished": 1, "agree": 1}, {"tried": 1}), "conditioning": (-1,),
    "draws": ({}, {"E": [1.0]}, {k: [] for k in ("E", "A", "B", "alpha", "beta")}),
    "objective": ({"name": "huber", "settings": {"delta": -1.0}, "value": 1.0},
                  {"name": "huber", "settings": {"delta": 1.0}, "value": float("inf")}),
    "params": ({"E": 1.0}, {k: float("nan") for k in ("E", "A", "B", "alpha", "beta")}),
    "notes": (5,), "sha256": ("0" * 64,),
}  # fmt: skip


@pytest.mark.parametrize("field", WRONG)
def test_a_saved_fit_out_of_range_is_refused_with_and_without_its_hash(saved, tmp_path, field):
    path, whole = tmp_path / "fit.json", json.loads(saved.read_text())
    for value in WRONG[field]:
        for bare in (True, False):
            changed = {**whole, **({"sha256": None} if bare else {}), field: value}
            path.write_text(json.dumps(changed))
            with pytest.raises(BadStudy):
                Fit.load(path)


def test_a_saved_fit_of_before_hashes_is_read(saved, tmp_path):
    whole = json.loads(saved.read_text())
    del whole["sha256"]
    (tmp_path / "fit.json").write_text(json.dumps(whole))
    assert Fit.load(tmp_path / "fit.json").law.values == Fit.load(saved).law.values


def corruptions(data: bytes, count: int, seed: int = 0):
    """Yield copies of a file with up to three bits flipped, or cut off."""
    for i in range(count):
        dice, copy = random.Random(f"{seed} {i}"), bytearray(data)
        if i % 4 == 3:
            yield bytes(copy[: dice.randrange(len(copy))])
            continue
        for _ in range(dice.randint(1, 3)):
            copy[dice.randrange(len(copy))] ^= 1 << dice.randrange(8)
        yield bytes(copy)


def fill_bank(folder: Path) -> None:
    def some(name: str) -> list[Sample]:
        return [
            Sample(
                problem=f"{name}{i}",
                sample=k,
                answer=str(k),
                correct=k % 3 == 0,
                scores={"v": k / 3},
            )
            for i in range(5)
            for k in range(20)
        ]

    with SampleBank.create(folder).writing() as writer:
        writer.append(some("p"))
        writer.close()
        writer.append(some("q"))


def of_bank(folder: Path):
    bank = SampleBank.open(folder)
    samples = bank.load(verifiers=("v",), answers=True)
    return bank.groups(), bank.verifiers, len(samples.problems), samples.correct.tolist()


def of_study(folder: Path):
    study = Study.open(folder)
    return study.meta, [d.body for d in study.documents("x")]


def of_summary(folder: Path):
    return TrialFolder(folder).summary or {}


def prepare(kind: str, folder: Path, saved: Path):
    """Return a file of this kind, how it is read, and whether a checksum tells every change."""
    if kind == "fit":
        (folder / "fit.json").write_bytes(saved.read_bytes())
        return folder / "fit.json", lambda: dict(Fit.load(folder / "fit.json").law.values), True
    if kind in ("chunk", "journal"):
        fill_bank(folder / "bank")
        suffix = "parquet" if kind == "chunk" else "jsonl"
        (path,) = (folder / "bank/samples").glob(f"*.{suffix}")
        return path, lambda: of_bank(folder / "bank"), False
    if kind == "study":
        study = Study.create(folder / "study", {"a": 1})
        for i in range(20):
            study.put("x", str(i), {"L": i / 7})
        return study.database, lambda: of_study(folder / "study"), True
    if kind == "summary":
        TrialFolder(folder).finish({"observations": [{"L": 1.5}], "provenance": {"seconds": 1}})
        return folder / "summary.json", lambda: of_summary(folder), True
    path = folder / f"runs.{kind}"
    RUNS.save(path)
    return path, lambda: iso.read(path).digest, False


KINDS = ("fit", "chunk", "journal", "study", "summary", "parquet", "csv", "tsv", "jsonl")


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_file_is_told_in_words_or_reads_as_it_did(tmp_path, saved, kind):
    path, read, told = prepare(kind, tmp_path, saved)
    data, before = path.read_bytes(), read()
    for damaged in corruptions(data, 60):
        path.write_bytes(damaged)
        try:
            after = read()
        except IsoflopError:  # whose exit code is 1, 2 or 3
            continue
        assert not told or after in (before, {})


def test_a_bit_that_flips_in_a_page_of_a_table_never_changes_a_number(tmp_path):
    path = tmp_path / "runs.parquet"
    RUNS.save(path)
    data, pages = path.read_bytes(), parquet.read_metadata(path).row_group(0)
    column = pages.column(0)
    first = column.dictionary_page_offset or column.data_page_offset
    for at in range(first + 30, first + column.total_compressed_size, 7):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        try:
            assert iso.read(path).digest == RUNS.digest
        except BadRuns:
            continue


def test_a_checkpoint_that_is_damaged_is_never_taken_up(tmp_path):
    torch = pytest.importorskip("torch")
    from isoflop.experiments.state import load_state

    path = tmp_path / "checkpoint"
    torch.save({"weights": torch.arange(500.0), "leg": 3}, path)
    before = load_state(path)
    for damaged in corruptions(path.read_bytes(), 24):
        path.write_bytes(damaged)
        try:
            after = load_state(path)
        except BadStudy:
            continue
        assert after["leg"] == before["leg"]
        assert torch.equal(after["weights"], before["weights"])
