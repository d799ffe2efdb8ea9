"""Logs of samples larger than the memory are imported as they are read."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from isoflop.errors import BadRuns
from isoflop.samples.bank import SampleBank
from isoflop.sources.sample_logs import json_stream, parsed, read_samples, spill, table
from isoflop.sources.sample_logs.json_stream import members
from isoflop.sources.sample_logs.numbering import number_samples

RECORDS = [
    {"problem": f"p{i % 7}", "sample": i // 7, "correct": i % 3 == 0, "answer": str(i % 4),
     "score": i / 100 if i > 50 else None, "response": "word " * (i % 5)}
    for i in range(120)
]  # fmt: skip


def lines(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return str(path)


@pytest.fixture
def small_parts(monkeypatch):
    """Make every limit so small that a hundred samples pass all of them."""
    monkeypatch.setattr(parsed, "ROWS", 9)
    monkeypatch.setattr(spill, "MEMORY", 2_000)
    monkeypatch.setattr(table, "CHUNK_ROWS", 40)
    monkeypatch.setattr(json_stream, "PART", 50)


def test_parts_give_the_table_and_the_bank_that_the_whole_gives(tmp_path, request):
    log = lines(tmp_path / "log.jsonl", [*RECORDS, RECORDS[3], {**RECORDS[4], "answer": "9"}])
    whole = read_samples([log])
    whole.save(tmp_path / "whole")
    request.getfixturevalue("small_parts")
    parts = read_samples([log])
    assert parts.columns == whole.columns
    assert (parts.notes, parts.gaps, parts.groups) == (whole.notes, whole.gaps, whole.groups)
    assert len(parts) == 121
    assert parts.save(tmp_path / "parts") == 121
    assert read_samples([log]).save(tmp_path / "parts") == 0
    one, other = (SampleBank.open(tmp_path / n).load(verifiers=["score"], answers=True)
                  for n in ("whole", "parts"))  # fmt: skip
    for name in ("starts", "correct", "answer"):
        assert getattr(one, name).tolist() == getattr(other, name).tolist()
    assert one.scores["score"].tolist() == pytest.approx(
        other.scores["score"].tolist(), nan_ok=True
    )


@pytest.mark.parametrize("last", ["eval", "samples"])
def test_a_document_of_inspect_ai_is_read_sample_by_sample(tmp_path, small_parts, last):
    samples = [
        {"id": i, "epoch": e, "target": "4", "output": {"completion": "so 4"},
         "scores": {"match": {"value": "C" if i % 2 else "I", "answer": "4"}}}
        for i in range(6) for e in (1, 2)
    ]  # fmt: skip
    log = {"version": 2, "status": "success", "eval": {"task": "t", "model": "m"},
           "samples": samples, "reductions": [{"samples": [{"id": "none"}]}]}  # fmt: skip
    log = {**{k: v for k, v in log.items() if k != last}, last: log[last]}
    path = tmp_path / "log.json"
    path.write_text(json.dumps(log, indent=1))
    made = read_samples([str(path)])
    assert len(made) == 12
    assert set(made.columns["lineage"]) == {"m,t"}
    path.write_text(json.dumps(log)[:-40])
    with pytest.raises(BadRuns, match="is not JSON"):
        read_samples([str(path)])
    path.write_text("[" * 100_000)
    with pytest.raises(BadRuns, match="nested too deep"):
        read_samples([str(path)])


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@example([1.5e300, -2e-9, 7], None, 1)
@given(st.lists(JSON_VALUES, max_size=5) | st.dictionaries(st.text(), JSON_VALUES, max_size=5),
       st.sampled_from([None, 1]), st.integers(1, 9))  # fmt: skip
def test_members_of_a_document_are_those_that_json_reads(tmp_path_factory, value, indent, part):
    path = tmp_path_factory.mktemp("document") / "document.json"
    path.write_text(json.dumps(value, indent=indent))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_stream, "PART", part)
        read = list(members(path, "a name of no member, 24 characters and more"))
    if isinstance(value, list):
        assert [member for _, member, _ in read] == value
    else:
        assert {name: member for name, member, _ in read} == value


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-1, 4), st.sampled_from("xy")),
                min_size=1, max_size=25))  # fmt: skip
def test_numbers_are_those_that_counting_one_by_one_gives(rows):
    problem, number = (np.array([row[i] for row in rows]) for i in (0, 1))

    def contents(which):
        return {int(i): repr(rows[i]).encode() for i in np.flatnonzero(which)}

    taken: dict[int, set[int]] = {}
    last: dict[int, int] = {}
    seen, wanted, moved = set(), [], 0
    for row in rows:
        key, own, _ = row
        mine = taken.setdefault(key, set())
        if own >= 0 and row in seen:
            wanted.append(-1)
            continue
        if own < 0 or own in mine:
            moved += own >= 0
            own = last.get(key, -1) + 1
        seen.add(row)
        mine.add(own)
        last[key] = max(last.get(key, -1), own)
        wanted.append(own)
    made = number_samples(problem.astype(np.int32), number, contents)
    assert (made.number.tolist(), made.moved) == (wanted, moved)


IMPORT = """
import resource, sys
from isoflop.sources.sample_logs import parsed, read_samples, spill, table
parsed.ROWS, spill.MEMORY, table.CHUNK_ROWS = 5_000, 1_000_000, 50_000
assert read_samples([sys.argv[1]]).save(sys.argv[2]) == int(sys.argv[3])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_the_memory_of_an_import_does_not_grow_with_the_samples(tmp_path):
    def memory(count):
        """Return the most memory [KB] of importing a log of so many samples."""
        log = tmp_path / f"{count}.jsonl"
        with log.open("w") as file:
            file.writelines(
                f'{{"problem": {i % 100}, "sample": {i // 100}, "correct": {i % 2}}}\n'
                for i in range(count)
            )
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-c", IMPORT, str(log), str(tmp_path / f"b{count}"), str(count)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return int(done.stdout)

    few, many = memory(20_000), memory(100_000)
    # As rows in memory 80,000 samples more take some 80 MB.
    assert many - few < 20_000
