"""A bank larger than the memory gives the curves that it gives in memory."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pytest

from isoflop.errors import RefusedByData, UsageError
from isoflop.experiments.sampling.rejudge import VerdictSource, judge_again
from isoflop.samples import bank as banks
from isoflop.samples import blocks, curves, votes
from isoflop.samples.bank import SampleBank
from isoflop.samples.curves import curves as curves_of
from isoflop.store import rows as stored
from isoflop.store.chunks import read_chunk
from isoflop.store.rows import ALL


def columns(rng, problems, samples, answers=6):
    """Return samples of uneven problems in any order, some without a score, answer or grade."""
    size = rng.integers(samples // 2, samples + 1, problems)
    problem = np.repeat(np.arange(problems), size)
    number = np.concatenate([np.arange(n) for n in size])
    order = rng.permutation(problem.size)
    right = rng.random(problem.size) < rng.random(problems)[problem]
    said = np.where(right, 0, rng.integers(1, answers, problem.size)).astype(object)
    said[rng.random(problem.size) < 0.1] = None
    score = np.where(rng.random(problem.size) < 0.15, np.nan, rng.random(problem.size).round(2))
    grade = right.astype(object)
    grade[rng.random(problem.size) < 0.05] = None
    left_out = [("stalled" if x < 0.03 else None) for x in rng.random(problem.size)]
    every = {
        "problem": [f"p{p}" for p in problem], "sample": number.tolist(), "correct": list(grade),
        "answer": [None if a is None else str(a) for a in said], "score:v": score.tolist(),
        "tokens": rng.integers(1, 99, problem.size).tolist(), "left_out": left_out,
    }  # fmt: skip
    return {name: [values[i] for i in order] for name, values in every.items()}


def filled(path, every, *, part=70, again=True):
    """Write samples so that every problem lies in many chunks, and all come twice."""
    bank = SampleBank.create(path)
    with bank.writing() as rows:
        count = len(every["problem"])
        for at in range(0, count, part):
            rows.extend({name: values[at : at + part] for name, values in every.items()})
        if again:
            assert rows.extend(every) == 0
    return bank


@pytest.mark.parametrize("seed", range(4))
def test_curves_of_blocks_are_those_of_samples_in_memory(tmp_path, monkeypatch, seed):
    monkeypatch.setattr(stored, "OPEN_ROWS", 30)
    rng = np.random.default_rng(seed)
    problems = int(rng.integers(3, 15))
    bank = filled(tmp_path / "bank", columns(rng, problems, 40))
    whole = bank.load(verifiers=["v"], answers=True)
    monkeypatch.setattr(blocks, "MEMORY", 17 * 60)  # a problem or two at a time
    parts = bank.blocks(verifiers=["v"], answers=True)
    assert len(list(parts)) >= problems // 2
    assert (np.concatenate([np.diff(p.starts) for p in parts]) == np.diff(whole.starts)).all()
    assert parts.tally.cost["tokens"] == pytest.approx(whole.cost["tokens"], rel=1e-14)
    monkeypatch.setattr(curves, "AT_ONCE", 50)
    few, all_ = curves_of(parts, draws=20), curves_of(whole, draws=20)
    assert [c.name for c in few] == [c.name for c in all_]
    assert len(few) == 4
    for one, other in zip(few, all_, strict=True):
        assert (one.k.tolist(), one.exact.tolist()) == (other.k.tolist(), other.exact.tolist())
        assert one.each == pytest.approx(other.each, abs=1e-12)
        assert set(one.notes) == set(other.notes)


def test_how_votes_are_told_does_not_depend_on_the_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr(
        votes, "EXACT_COST", 5 * 4 * 3**3
    )  # of 5 problems of 4 answers, up to k = 3
    monkeypatch.setattr(votes, "ENUMERATED", 0)
    rng = np.random.default_rng(1)
    bank = filled(tmp_path / "bank", columns(rng, 5, 40, answers=4), part=1000)
    whole = curves_of(bank.load(answers=True), [1, 2, 3, 4, 5], draws=2)[1]
    monkeypatch.setattr(blocks, "MEMORY", 1)
    parts = curves_of(bank.blocks(answers=True), [1, 2, 3, 4, 5], draws=2)[1]
    assert whole.exact.tolist() == parts.exact.tolist() == [True, True, True, False, False]
    assert parts.each == pytest.approx(whole.each, abs=1e-12)


def test_verdicts_that_came_later_fill_blocks_too(tmp_path, monkeypatch):
    rng = np.random.default_rng(2)
    every = {**columns(rng, 6, 20), "response": None}
    every["response"] = ["text"] * len(every["problem"])
    bank = filled(tmp_path / "bank", every, part=50, again=False)
    texts = {name: object() for name in set(every["problem"])}
    judge_again(bank, VerdictSource("score:w", lambda asked: [float(len(r)) + i for i, (_, r, _) in
                enumerate(asked)], 16), texts, strategy="parallel", lineage="")  # fmt: skip
    judge_again(bank, VerdictSource("score:v", lambda asked: [0.5 for _ in asked], 16), texts,
                strategy="parallel", lineage="")  # fmt: skip
    whole = bank.load(verifiers=["v", "w"], answers=True)
    assert np.isfinite(whole.scores["w"]).all()
    assert np.isfinite(whole.scores["v"]).all()
    monkeypatch.setattr(banks, "VERDICTS", 40)
    monkeypatch.setattr(blocks, "MEMORY", 25 * 30)
    parts = bank.blocks(verifiers=["v", "w"], answers=True)
    assert parts.tally.counts.attempts.tolist() == np.diff(whole.starts).tolist()
    for name in ("v", "w"):
        scores = np.concatenate([part.scores[name] for part in parts])
        assert scores.tolist() == whole.scores[name].tolist()


def test_samples_added_while_a_bank_is_read_are_left_for_the_next_time(tmp_path):
    rng = np.random.default_rng(3)
    bank = filled(tmp_path / "bank", columns(rng, 4, 20))
    parts = bank.blocks(answers=True)
    before = len(parts.tally)
    with bank.writing() as rows:
        rows.extend({"problem": ["p0", "a new one"], "sample": [99, 0], "correct": [True, True]})
    assert sum(len(part) for part in parts) == before
    assert len(bank.blocks().tally) == before + 2


def test_blocks_refuse_what_samples_in_memory_refuse(tmp_path):
    bank = SampleBank.create(tmp_path / "bank")
    with bank.writing() as rows:
        rows.extend({"problem": ["a", "b"], "sample": [0, 0], "correct": [True, False],
                     "score:v": [0.5, 0.5]})  # fmt: skip
    with pytest.raises(UsageError, match="nothing to vote on"):
        curves_of(bank.blocks(answers=True))
    with bank.writing() as rows:
        rows.extend({"problem": ["c"], "sample": [0], "correct": [True], "lineage": ["other"]})
    with pytest.raises(RefusedByData, match="gave no sample a number"):
        curves_of(bank.blocks(lineage="other", verifiers=["v"]))


def test_parts_of_a_chunk_that_hold_no_problem_of_a_block_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(stored, "OPEN_ROWS", 2)
    bank = SampleBank.create(tmp_path / "bank")
    with bank.writing() as rows:
        for name in "abcd":
            rows.extend({"problem": [name] * 3, "sample": [0, 1, 2], "correct": [True] * 3})
    sizes = []

    def counting(*arguments):
        table = read_chunk(*arguments)
        sizes.append(len(table))
        return table

    monkeypatch.setattr(stored, "read_chunk", counting)
    where = {"strategy": "parallel", "lineage": ""}
    (table,) = [t for t in bank.tables(["problem"], where, ("b", "b")) if len(t)]
    assert table["problem"].to_pylist() == ["b"] * 3
    assert sizes == [0, 3, 0, 0]
    sizes.clear()
    assert bank.kinds() == (("parallel", ""),)  # the heads of chunks tell
    assert not sizes


def test_coded_texts_are_read_as_the_texts_that_they_are(tmp_path):
    rng = np.random.default_rng(5)
    bank = filled(tmp_path / "bank", columns(rng, 5, 30), part=1000)
    with bank.writing() as rows:
        rows.close()
    (chunk,) = bank.rows.chunks()
    names = ("problem", "answer")
    coded, plain = read_chunk(chunk, names, ALL, names), read_chunk(chunk, names, ALL)
    assert pa.types.is_dictionary(coded["problem"].type)
    assert coded.to_pylist() == plain.to_pylist()


CURVES = """
import resource, sys
import numpy as np
from isoflop.samples import blocks, curves as own
from isoflop.samples.bank import SampleBank
from isoflop.store import rows as stored
own.AT_ONCE, blocks.MEMORY, stored.CHUNK_ROWS = 50_000, 1_000_000, 50_000
bank, count, problems = SampleBank.create(sys.argv[1]), int(sys.argv[2]), 200
rng = np.random.default_rng(0)
with bank.writing() as rows:
    for at in range(0, count, 50_000):
        row = np.arange(at, at + 50_000)
        rows.extend({"problem": [f"p{i}" for i in row % problems], "sample": row // problems,
                     "correct": rng.random(50_000) < 0.3, "score:v": rng.random(50_000),
                     "answer": rng.integers(0, 9, 50_000).astype(str).tolist()})
own.curves(bank.blocks(verifiers=["v"], answers=True), [1, 2, 4, 100], draws=10)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_the_memory_of_curves_does_not_grow_with_the_samples(tmp_path):
    def memory(count):
        """Return the most memory [KB] of writing a bank and drawing its curves."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        command = [sys.executable, "-c", CURVES, str(tmp_path / str(count)), str(count)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return int(done.stdout)

    few, many = memory(100_000), memory(400_000)
    # In memory 300,000 samples more take at least 17 bytes each, and 60 while they are sorted.
    assert many - few < 300_000 * 17 / 1024 + 12_000
