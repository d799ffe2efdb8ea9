"""The sample bank keeps every sample once, whatever happens to its writers and its disk."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import (
    BadStudy,
    EnvironmentFailure,
    RefusedByData,
    UnknownName,
    UsageError,
    texts,
)
from isoflop.samples.bank import Sample, SampleBank
from isoflop.store import keys
from isoflop.store import rows as stored

WRITER = """
import sys
from isoflop.samples.bank import SampleBank, Sample
from isoflop.store import rows as stored
stored.OPEN_ROWS = 40
bank = SampleBank.create(sys.argv[1])
with bank.writing() as rows:
    rows.append([Sample(problem="p0", sample=0, answer="7", correct=True)])
    print("writing", flush=True)
    for i in range(0, 100_000, 7):
        rows.append([Sample(problem=f"p{j % 3}", sample=j, answer="7", correct=j % 2 == 0)
                     for j in range(i, i + 7)])
        print(i + 7, flush=True)
"""


def some(count, problem="p", **more):
    return [Sample(problem=problem, sample=i, correct=i % 3 == 0, **more) for i in range(count)]


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_a_sample_is_written_once_and_comes_back(tmp_path):
    bank = SampleBank.create(tmp_path / "bank", {"task": "chain"})
    with bank.writing() as rows:
        assert rows.append(some(5, scores={"prm": 0.5}, tokens=12)) == 5
        assert rows.append(some(8, answer="9")) == 3  # the first five are known
        assert rows.has("p", 7)
        assert not rows.has("p", 8)
        assert not rows.has("p", 7, strategy="beam")
        assert rows.append([]) == 0
    again = SampleBank.open(tmp_path / "bank")
    assert again.study.meta["task"] == "chain"
    samples = again.load(verifiers=["prm"], answers=True)
    assert len(samples) == 8
    assert np.isnan(samples.scores["prm"]).sum() == 3
    assert [samples.answers[c] if c >= 0 else None for c in samples.answer] == [None] * 5 + [
        "9"
    ] * 3
    assert samples.cost["tokens"].tolist() == [12.0]
    (group,) = again.groups()
    assert (group.samples, group.problems, group.left_out) == (8, 1, 0)


def test_what_is_left_out_says_why_and_is_counted(tmp_path):
    bank = SampleBank.create(tmp_path / "bank")
    with bank.writing() as rows:
        rows.append([*some(4), Sample(problem="p", sample=9, left_out="the server stalled"),
                     Sample(problem="q", sample=0)])  # fmt: skip
    counts = bank.counts()
    assert (counts.solved.tolist(), counts.attempts.tolist()) == ([2], [4])
    assert set(texts(counts.notes)) == {
        "1 sample is left out: the server stalled", "1 sample is left out: nobody graded it",
    }  # fmt: skip
    with bank.writing() as rows:
        assert rows.has("p", 9)


@pytest.mark.parametrize("wait", [0.02, 0.1, 0.25])
def test_a_writer_killed_at_any_moment_loses_nothing_and_counts_nothing_twice(tmp_path, wait):
    said = 1
    for _ in range(2):
        process = python(WRITER, tmp_path / "bank")
        assert process.stdout.readline() == "writing\n"
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        out = process.stdout.read().split()  # `communicate` would lose what is in its buffer
        process.communicate(timeout=20)
        said = max([said, *(int(line) for line in out if line.isdigit())])
    counts = SampleBank.open(tmp_path / "bank").counts()
    total = int(counts.attempts.sum())
    # What was acknowledged is there; at most one write more was under way.
    assert said <= total <= said + 7
    with SampleBank.open(tmp_path / "bank").writing() as rows:
        added = rows.append([Sample(problem=f"p{j % 3}", sample=j) for j in range(total)])
    assert added == 0


@settings(max_examples=40)
@given(cut=st.integers(0, 400), count=st.integers(1, 6))
def test_half_a_line_is_cut_off_and_written_again(tmp_path_factory, cut, count):
    folder = tmp_path_factory.mktemp("bank")
    bank = SampleBank.create(folder / "bank")
    with bank.writing() as rows:
        rows.append(some(count))
    (journal,) = (folder / "bank" / "samples").glob("*.jsonl")
    data = journal.read_bytes()
    journal.write_bytes(data[: max(0, len(data) - cut)])
    whole = journal.read_bytes().count(b"\n")
    assert sum(len(t) for t in bank.rows.tables(["sample"], {})) == whole
    with bank.writing() as rows:
        assert rows.append(some(count)) == count - whole
    assert bank.counts().attempts.tolist() == [count]


def test_a_journal_that_lingers_after_its_chunk_was_closed_counts_no_more(tmp_path):
    bank = SampleBank.create(tmp_path / "bank")
    with bank.writing() as rows:
        rows.append(some(5))
        journal = bank.rows.journals()[0]
        data = journal.read_bytes()
        rows.close()
    journal.write_bytes(data)  # as if killed between the two
    assert bank.counts().attempts.tolist() == [5]
    with bank.writing() as rows:
        assert rows.append(some(6)) == 1
    assert bank.counts().attempts.tolist() == [6]


def test_a_full_disk_keeps_what_was_there_and_the_call_can_be_repeated(tmp_path, monkeypatch):
    bank = SampleBank.create(tmp_path / "bank")
    real, left = os.write, [60]

    def full(handle, data):
        if left[0] <= 0:
            raise OSError(28, "No space left on device")
        part = data[: left[0]]
        left[0] -= len(part)
        return real(handle, part)

    with bank.writing() as rows:
        rows.append(some(3))
        monkeypatch.setattr(stored.os, "write", full)
        with pytest.raises(EnvironmentFailure, match="disk is full"):
            rows.append(some(9))
        monkeypatch.undo()
        assert bank.counts().attempts.tolist() == [3]
        assert rows.append(some(9)) == 6
    assert bank.counts().attempts.tolist() == [9]


def test_a_full_disk_while_a_chunk_is_closed_loses_nothing(tmp_path, monkeypatch):
    bank = SampleBank.create(tmp_path / "bank")
    monkeypatch.setattr(stored, "OPEN_ROWS", 10)

    def full(*_):
        raise EnvironmentFailure("the disk is full")

    with bank.writing() as rows:
        monkeypatch.setattr(stored, "_close", full)
        assert rows.append(some(9)) == 9
        assert rows.append(some(12)) == 3  # enough to close the chunk, which fails
        with pytest.raises(EnvironmentFailure):
            rows.append(some(40))  # written as a chunk at once
        monkeypatch.undo()
        assert rows.append(some(40)) == 28
    assert bank.counts().attempts.tolist() == [40]


def test_one_process_writes_and_another_is_told_who(tmp_path):
    process = python(WRITER, tmp_path / "bank")
    try:
        process.stdout.readline()
        bank = SampleBank.open(tmp_path / "bank")
        with pytest.raises(EnvironmentFailure, match=f"process {process.pid}"), bank.writing():
            pass
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_bad_rows_are_refused_by_name(tmp_path):
    bank = SampleBank.create(tmp_path / "bank")
    with bank.writing() as rows:
        with pytest.raises(UsageError, match="whole numbers from 0"):
            rows.append([Sample(problem="p", sample=-1)])
        with pytest.raises(UsageError, match="has no problem"):
            rows.extend({"problem": [None], "sample": [0]})
        with pytest.raises(UsageError, match="no column 'colour'"):
            rows.extend({"problem": ["p"], "sample": [0], "colour": ["red"]})
        with pytest.raises(UsageError, match="column correct takes truth"):
            rows.extend({"problem": ["p"], "sample": [0], "correct": ["maybe"]})
    with pytest.raises(UsageError, match="no samples"):
        bank.load()


def test_which_samples_are_meant_must_be_said_where_there_are_several(tmp_path):
    bank = SampleBank.create(tmp_path / "bank")
    with bank.writing() as rows:
        rows.append([*some(3), *some(3, lineage="seed=1"), *some(2, strategy="beam/n=4")])
    with pytest.raises(UsageError, match="say --strategy and --lineage"):
        bank.counts()
    assert bank.counts("beam/n=4").attempts.tolist() == [2]
    assert bank.counts("parallel", "seed=1").attempts.tolist() == [3]
    with pytest.raises(UsageError, match="none of that"):
        bank.counts("mcts")
    with pytest.raises(UnknownName, match="verifier"):
        bank.load("beam/n=4", verifiers=["prm"])


def test_damage_is_named(tmp_path):
    bank = SampleBank.create(tmp_path / "bank")
    with bank.writing() as rows:
        rows.append(some(3))
        rows.close()
    (chunk,) = bank.rows.chunks()
    chunk.write_bytes(chunk.read_bytes()[:50])
    with pytest.raises(BadStudy, match=r"00000001\.parquet is damaged"):
        bank.counts()
    chunk.unlink()
    (bank.rows.folder / "00000001.jsonl").write_text('{"problem": "p"}\n')
    with pytest.raises(BadStudy, match="line 1 is no row"):
        bank.counts()


def test_a_bank_without_a_graded_sample_says_so(tmp_path):
    bank = SampleBank.create(tmp_path / "bank")
    with bank.writing() as rows:
        rows.append([Sample(problem="p", sample=0)])
    with pytest.raises(RefusedByData, match="no graded samples"):
        bank.counts()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.one_of(st.integers(0, 40), st.integers(0, 99_999_999)), max_size=12),
                max_size=8))  # fmt: skip
def test_which_numbers_are_written_is_known_however_far_apart_they_lie(parts):
    known, told = keys.Keys(("sample",)), set()
    for part in parts:
        table = pa.table({"sample": pa.array(part, pa.int64())})
        wanted = [i for i, n in enumerate(part) if n not in told and n not in part[:i]]
        assert known.new(table).tolist() == wanted
        known.add(table.take(pa.array(wanted, pa.int64())))
        told |= set(part)
        assert all(known.has((n,)) == (n in told) for n in (*part, 41, 0, -1))
    assert all(own.bits.size <= 1000 for own in known.numbers.values())
