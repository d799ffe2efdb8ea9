"""A register is only added to, tells what was done to it, and keeps its record."""

from __future__ import annotations

import json
import math
import multiprocessing
import os
import re
from pathlib import Path

import numpy as np
import pytest

import isoflop as iso
from isoflop.errors import BadStudy, ConventionMismatch, RefusedByData, UsageError
from isoflop.law import constants
from isoflop.monitor import read_register
from isoflop.monitor.score import binomial
from isoflop.store import SealedLog
from isoflop.store.sealed import sealed

AT = {"N": 1e6, "D": 1e8}


@pytest.fixture(scope="module")
def fit():
    return iso.fit("chinchilla", iso.read("sample:tiny"), draws=60, seed=0)


@pytest.fixture
def book(fit, tmp_path):
    path = tmp_path / "register.jsonl"
    for k in range(5):
        iso.register(fit, path, name=f"run {k}", N=1e5 * (k + 1), D=1e7)
    return path


def faults(path: Path, seal: str | None = None) -> list[str]:
    return [fault.text for fault in read_register(path, seal).contents.faults]


def test_a_registered_forecast_is_the_forecast(fit, tmp_path):
    entry = iso.register(fit, tmp_path / "r.jsonl", name="big", schedule="cosine", **AT)
    expected = iso.forecast(fit, **AT)
    sealed_forecast = read_register(tmp_path / "r.jsonl").entry("big").forecast()
    assert entry.forecast() == sealed_forecast
    assert (sealed_forecast.value, sealed_forecast.low, sealed_forecast.high) == (
        expected.value, expected.low, expected.high
    )  # fmt: skip
    assert sealed_forecast.runs["sha256"] == fit.runs.digest
    assert sealed_forecast.law == "chinchilla"
    assert sealed_forecast.unit == "nats/byte"
    assert sealed_forecast.curve.tokens[-1] == pytest.approx(AT["D"])
    assert sealed_forecast.curve.value[-1] == expected.value
    assert sealed_forecast.curve.value[0] > sealed_forecast.curve.value[-1]


def test_an_untouched_register_has_no_fault(book):
    contents = read_register(book).contents
    assert (contents.faults, contents.is_vouched, len(contents.lines)) == ((), True, 5)


def change_value(lines):
    return [lines[0], lines[1].replace('"level":0.9', '"level":0.99', 1), *lines[2:]]


def reorder(lines):
    return [lines[0], lines[2], lines[1], *lines[3:]]


def take_out(lines):
    return [*lines[:2], *lines[3:]]


def cut(lines):
    return lines[:3]


def write_by_hand(lines):
    return [*lines, json.dumps({"name": "late", "value": 1.0})]


def forge(lines):
    last = json.loads(lines[-1])
    return [*lines, sealed(6, last["sha256"], last["document"]).text]


def respace(lines):
    return [lines[0], lines[1].replace(",", ", ", 1), *lines[2:]]


@pytest.mark.parametrize(
    ("deed", "line", "words"),
    [
        (change_value, 2, "does not match its hash"),
        (reorder, 2, "taken out|reordered"),
        (take_out, 3, "taken out"),
        (cut, 4, "2 lines were cut off after line 3"),
        (write_by_hand, 6, "by hand"),
        (forge, 6, "added by hand: no seal"),
        (respace, 2, "does not match its hash"),
    ],
)
def test_what_is_done_to_a_register_is_named_with_its_line(book, fit, deed, line, words):
    lines = book.read_text().splitlines()
    book.write_text("\n".join(deed(lines)) + "\n")
    found = read_register(book).contents.faults
    assert found[0].line == line
    assert any(re.search(words, fault.text) for fault in found), found
    before = book.read_bytes()
    with pytest.raises(BadStudy, match="nothing is added"):
        iso.register(fit, book, name="more", **AT)
    assert book.read_bytes() == before


def test_a_published_seal_tells_a_register_that_was_made_anew(book, fit):
    third = read_register(book).entries[2].seal
    assert faults(book, third[:12]) == []
    for path in (book, book.with_name(f"{book.name}.seal")):
        path.unlink()
    for k in range(5):
        iso.register(fit, book, name=f"run {k}", N=1.1e5 * (k + 1), D=1e7)
    assert faults(book) == []
    assert "made anew" in faults(book, third)[0]
    with pytest.raises(UsageError, match="8 characters"):
        read_register(book, "ab")


def test_a_register_without_its_seal_vouches_for_no_end(book):
    book.with_name(f"{book.name}.seal").unlink()
    lines = book.read_text().splitlines()
    book.write_text("\n".join(lines[:2]) + "\n")
    contents = read_register(book).contents
    assert (contents.faults, contents.is_vouched) == ((), False)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_line_whose_writer_was_killed_is_finished_by_the_next(tmp_path, share):
    log = SealedLog(tmp_path / "r.jsonl")
    first = log.append({"name": "a"})
    pending = sealed(2, first.sha256, {"name": "b"})
    log._write_seal(log.read(), pending)
    whole = f"{pending.text}\n".encode()
    with log.path.open("ab") as file:
        file.write(whole[: int(share * len(whole))])
    log.append({"name": "c"})
    contents = log.read()
    assert contents.faults == ()
    assert [line.document["name"] for line in contents.lines] == ["a", "b", "c"]


def write_many(path: str, who: int) -> None:
    for k in range(6):
        SealedLog(path).append({"name": f"{who}-{k}"})


def test_two_writers_at_once_lose_nothing(tmp_path):
    path = tmp_path / "r.jsonl"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(str(path), who)) for who in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    contents = SealedLog(path).read()
    assert contents.faults == ()
    names = {line.document["name"] for line in contents.lines}
    assert names == {f"{who}-{k}" for who in range(3) for k in range(6)}


def test_what_has_no_interval_is_refused(fit, tmp_path):
    with pytest.raises(RefusedByData, match="published constants"):
        iso.register(constants("chinchilla/besiroglu2024"), tmp_path / "r.jsonl", **AT)
    plain = iso.fit("chinchilla", iso.read("sample:tiny"), draws=0)
    with pytest.raises(RefusedByData, match="without draws"):
        iso.register(plain, tmp_path / "r.jsonl", **AT)
    assert not (tmp_path / "r.jsonl").exists()


def test_a_folder_that_is_no_study_and_two_forecasts_of_one_quantity_are_refused(fit, tmp_path):
    with pytest.raises(UsageError, match="no study"):
        iso.register(fit, tmp_path, **AT)
    with pytest.raises(UsageError, match="--metric"):
        iso.register([fit, fit], tmp_path / "r.jsonl", **AT)
    entry = iso.register({"C4": fit, "code": fit}, tmp_path / "r.jsonl", **AT)
    assert [f.metric for f in entry.forecasts] == ["C4", "code"]
    with pytest.raises(UsageError, match="name one"):
        entry.forecast()
    runs = iso.Runs({**{k: np.array([v]) for k, v in AT.items()}, "L": np.array([2.0])},
                    conventions=dict(fit.conventions))  # fmt: skip
    with pytest.raises(UsageError, match="say which"):
        iso.score(tmp_path / "r.jsonl", runs)
    assert len(iso.score(tmp_path / "r.jsonl", runs, metric="code").scores) == 1


def outcomes(book: Path, factors: dict[str, float], conventions) -> iso.Runs:
    entries = [e for e in read_register(book).entries if e.name in factors]
    return iso.Runs(
        {
            "N": np.array([e.at["N"] for e in entries]),
            "D": np.array([e.at["D"] * 1.01 for e in entries]),
            "L": np.array([e.forecast().value * factors[e.name] for e in entries]),
        },
        conventions=dict(conventions),
    )


def test_scores_say_what_was_measured_and_the_record_adds_them_up(book, fit):
    runs = outcomes(book, {"run 0": 1.0, "run 1": 3.0, "run 2": 1.0}, fit.conventions)
    iso.register(fit, book, name="run 0", N=1e5, D=1e7)  # a revision, which does not count
    scores = iso.score(book, runs)
    assert [s.is_inside for s in scores.scores] == [True, False, True]
    assert [e.name for e in scores.open] == ["run 3", "run 4"]
    assert any(note.topic == "revision" for note in scores.notes)
    record = scores.records[0]
    assert (record.coverage.inside, record.coverage.count) == (2, 3)
    assert record.bias == pytest.approx(math.log(3) / 3)
    wrong = scores.scores[1]
    f = wrong.forecast
    expected = (f.high - f.low + 20 * (wrong.measured - f.high)) / f.value
    assert wrong.interval_score == pytest.approx(expected)
    right = scores.scores[0]
    width = (right.forecast.high - right.forecast.low) / right.forecast.value
    assert right.interval_score == pytest.approx(width)


def test_the_interval_of_a_share_is_that_of_clopper_and_pearson():
    # Their table: 0 of 10 gives 0 to .3085 at 95%, 5 of 10 .1871 to .8129.
    assert binomial(0, 10) == pytest.approx((0, 0.3085), abs=1e-4)
    assert binomial(5, 10) == pytest.approx((0.1871, 0.8129), abs=1e-4)


def test_a_run_of_another_convention_or_elsewhere_is_not_scored(book, fit):
    runs = outcomes(book, {"run 0": 1.0}, {**fit.conventions, "N": "non-embedding"})
    with pytest.raises(ConventionMismatch):
        iso.score(book, runs)
    elsewhere = iso.Runs(
        {"N": np.array([5e5]), "D": np.array([1e9]), "L": np.array([2.0])},
        {"run": np.array(["run 0"])}, dict(fit.conventions),
    )  # fmt: skip
    with pytest.raises(RefusedByData, match="none of 1 run"):
        iso.score(book, elsewhere)


def test_a_line_of_another_schema_is_named(tmp_path):
    SealedLog(tmp_path / "r.jsonl").append({"schema": 99})
    with pytest.raises(BadStudy, match="line 1 of the register has schema 99"):
        read_register(tmp_path / "r.jsonl")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_register_that_cannot_be_written_stays(book, fit):
    book.parent.chmod(0o500)
    with pytest.raises(iso.IsoflopError):
        iso.register(fit, book, **AT)
    book.parent.chmod(0o700)
