"""Runs: an immutable table that mixes nothing and defaults nothing."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import (
    BadRuns,
    ConventionMismatch,
    EnvironmentFailure,
    Note,
    UnknownName,
    UsageError,
    texts,
)
from isoflop.runs import Runs, refuse_clash, refuse_impossible
from isoflop.sources import read


def runs(**options):
    columns = {"N": [1e8, 2e8, 4e8], "C": [6e18, 6e19, 6e20], "L": [3.5, 3.0, 2.6]}
    given = {"columns": columns, "labels": {"family": ["a", "a", "b"]}, "origin": "a.csv"}
    return Runs(**{**given, **options})


def test_a_table_cannot_be_changed_and_does_not_follow_what_it_was_made_from():
    source = np.array([1.0, 2.0])
    made = Runs({"L": source})
    source[0] = 9
    assert made["L"].tolist() == [1.0, 2.0]
    for act in (
        lambda: made["L"].__setitem__(0, 5),
        lambda: made.columns.__setitem__("L", source),
        lambda: made.rows.__setitem__(0, 7),
        lambda: setattr(made, "origin", "b"),
    ):
        with pytest.raises((ValueError, TypeError, AttributeError)):
            act()


def test_rows_are_numbered_under_a_header_and_follow_a_selection():
    assert runs().rows.tolist() == [2, 3, 4]
    assert runs().where("L < 3.2").rows.tolist() == [3, 4]
    assert runs()[1:].rows.tolist() == [3, 4]
    assert runs()[[True, False, True]]["N"].tolist() == [1e8, 4e8]
    assert runs()[np.array([2, 0])].labels["family"].tolist() == ["b", "a"]


@pytest.mark.parametrize(
    ("columns", "error"),
    [
        ({"N": [1.0], "L": [1.0, 2.0]}, "differ in length: N 1, L 2"),
        ({"loss": [1.0]}, "no quantity called 'loss'"),
        ({"N": ["many"]}, "column N does not hold numbers"),
        ({"N": [[1.0]]}, "has shape"),
    ],
)
def test_what_is_no_table_is_refused(columns, error):
    with pytest.raises((BadRuns, UnknownName), match=error):
        Runs(columns)


def test_where_says_what_the_column_holds_if_no_run_is_left():
    with pytest.raises(BadRuns, match=r"none of 3 runs meets 'L < 1'; L lies between 2.6 and 3.5"):
        runs().where("L < 1")
    with pytest.raises(UsageError, match="mask of shape"):
        runs().where(np.array([True]))


def test_derive_makes_a_column_and_says_so():
    made = runs().derive("D=C/6N")
    assert made["D"].tolist() == [1e10, 5e10, 2.5e11]
    assert texts(made.notes) == ["D was derived: D=C/6N"]
    assert (made.notes[0].topic, made.notes[0].symbol) == ("derived", "D")
    assert "D" not in runs()


def test_a_column_keeps_its_convention_only_if_it_is_derived_from_itself():
    counted = runs(conventions={"N": "total", "C": "detailed"})
    assert counted.derive("N=N*1e6").conventions == {"N": "total", "C": "detailed"}
    assert counted.derive("C=6N*L").conventions == {"N": "total"}


def test_adding_keeps_every_run_and_marks_what_one_side_lacks():
    other = Runs({"N": [5.0], "L": [2.0], "D": [7.0]}, {"run": ["z"]}, origin="b.csv")
    both = runs() + other
    assert both["N"].tolist() == [1e8, 2e8, 4e8, 5.0]
    assert np.isnan(both["D"]).tolist() == [True, True, True, False]
    assert both.labels["family"].tolist() == ["a", "a", "b", ""]
    assert both.origin == "a.csv + b.csv"
    assert texts(both.notes) == ["C is missing in b.csv", "D is missing in a.csv"]


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"N": "total"}, {"N": "non-embedding"}, "N is total in a.csv and non-embedding in b.csv"),
        ({"N": "total"}, {}, "b.csv does not say how it is counted"),
        ({}, {"C": "6ND"}, "a.csv does not say how it is counted"),
        ({"L": "bits/byte"}, {}, "L is bits/byte in a.csv and nats/token in b.csv"),
    ],
)
def test_mixed_and_one_sided_conventions_are_refused(one, other, said):
    with pytest.raises(ConventionMismatch, match=said):
        runs(conventions=one) + runs(conventions=other, origin="b.csv")
    with pytest.raises(ConventionMismatch, match=r"mixed|say so"):
        refuse_clash(other, one, "NCL", ("a fit", "a law"))


def test_equal_and_unstated_conventions_mix():
    for said in ({}, {"N": "total", "C": "6ND"}):
        assert len(runs(conventions=said) + runs(conventions=said)) == 6
    # An unstated unit is the vocabulary's own.
    assert len(runs(conventions={"L": "nats/token"}) + runs()) == 6
    # A symbol that only one side has cannot clash.
    refuse_clash({"N": "total"}, {"U": "x"}, "CL", ("a", "b"))


def test_the_digest_is_of_content_alone():
    same = Runs(
        {s: runs()[s] for s in ("L", "C", "N")},
        runs().labels,
        origin="elsewhere",
        notes=(Note("info", "origin", "seen"),),
    )
    assert same.digest == runs().digest
    assert len({
        runs().digest,
        runs(conventions={"N": "total"}).digest,
        runs(labels={"family": ["a", "b", "b"]}).digest,
        runs(columns={"N": runs()["N"], "C": runs()["C"], "L": [3.5, 3.0, 2.7]}).digest,
        runs()[:2].digest,
    }) == 5  # fmt: skip


def test_a_copy_by_pickle_is_the_same():
    copy = pickle.loads(pickle.dumps(runs(conventions={"N": "total"})))
    assert copy.digest == runs(conventions={"N": "total"}).digest
    assert not copy["N"].flags.writeable


@pytest.mark.parametrize(
    ("have", "need", "said"),
    [
        ({"N": [1.0], "C": [1.0]}, "D", "--derive D=C/6N makes it"),
        ({"N": [1.0], "D": [1.0]}, "C", r"--derive C=6N\*D makes it"),
        ({"L": [1.0]}, "N", "the columns are L"),
        ({"L": [1.0]}, "M", "no column or label 'M'"),
    ],
)
def test_a_missing_column_is_named_with_what_would_make_it(have, need, said):
    with pytest.raises(BadRuns, match=said):
        Runs(have).require(need)


def test_a_column_that_was_left_out_is_suggested():
    with pytest.raises(BadRuns, match=r"if 'Model Size \(B\)' is it, say --columns 'N="):
        Runs({"L": [1.0]}, unread=("colour", "Model Size (B)")).require("N")


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([3.0, np.nan, 2.0], r"L is missing in row 3 \(1 of 3 runs\).*--where 'L > 0'"),
        ([0.0, 3.0, -1.0], r"L must be above zero: -1, 0 in rows 2 and 4"),
        ([np.inf, 3.0, 2.0], r"L must be finite: inf in row 2 .*--where 'L < 1e300'"),
        ([-1.0] * 9, r"rows 2, 3, 4, 5, 6 and 4 more \(9 of 9 runs\)"),
    ],
)
def test_cells_that_cannot_be_used_are_named_by_row(cells, said):
    with pytest.raises(BadRuns, match=said):
        Runs({"L": cells}).require(["L"])


def test_the_advice_on_missing_cells_works():
    made = Runs({"L": [3.0, np.nan, 2.0]})
    made.where("L > 0").require("L")
    assert len(made.where("L > 0")) == 2


def test_a_law_that_goes_below_zero_can_ask_for_finite_cells_only():
    Runs({"R": [-1.0, 0.0]}).require("R", positive=False)
    with pytest.raises(BadRuns, match="R is missing"):
        Runs({"R": [-1.0, np.nan]}).require("R", positive=False)


def test_impossible_cells_are_refused_and_missing_ones_are_not():
    rows = np.array([2, 3])
    refuse_impossible({"L": np.array([2.0, np.nan]), "R": np.array([-1.0, 0.0])}, rows, "")
    with pytest.raises(BadRuns, match=r"a.csv: N must be above zero: 0 in row 3"):
        refuse_impossible({"N": np.array([2.0, 0.0])}, rows, "a.csv")


def test_groups_are_labels_or_columns_without_a_gap():
    assert runs().groups("family").tolist() == ["a", "a", "b"]
    assert runs().groups("C").tolist() == [6e18, 6e19, 6e20]
    with pytest.raises(BadRuns, match="label family is missing in row 3"):
        runs(labels={"family": ["a", "", "b"]}).groups("family")
    with pytest.raises(BadRuns, match="did you mean 'family'"):
        runs().groups("famly")


COLUMNS = st.lists(
    st.one_of(st.just(np.nan), st.floats(1e-300, 1e300)), min_size=3, max_size=3
)  # fmt: skip
LABELS = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8),
                  min_size=3, max_size=3)  # fmt: skip


@pytest.mark.parametrize("extension", ["csv", "tsv", "parquet", "jsonl", "ndjson"])
@settings(max_examples=40, deadline=None)
@given(L=COLUMNS, N=COLUMNS, run=LABELS, said=st.sampled_from([{}, {"N": "total"}]))
def test_what_is_saved_is_read_back_to_the_last_bit(tmp_path_factory, extension, L, N, run, said):
    # C is never missing: a row without any number or text would be a blank line.
    made = Runs({"L": L, "N": N, "C": [1.0, 2.0, 3.0]}, {"run": run}, said)
    path = tmp_path_factory.getbasetemp() / f"runs.{extension}"
    made.save(path)
    assert read(path).digest == made.digest


def test_saving_refuses_what_it_cannot_write_and_keeps_what_was_there(tmp_path, monkeypatch):
    with pytest.raises(UsageError, match=r"cannot tell the format of .*; did you mean '.csv'"):
        runs().save(tmp_path / "runs.cvs")
    with pytest.raises(UsageError, match="no runs"):
        runs()[:0].save(tmp_path / "runs.csv")
    with pytest.raises(EnvironmentFailure, match="cannot write"):
        runs().save(tmp_path / "absent" / "runs.csv")
    path = tmp_path / "runs.csv"
    runs().save(path)
    before = path.read_bytes()

    def full(handle):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(EnvironmentFailure, match=r"disk is full.*; what was there is kept"):
        runs()[:1].save(path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["runs.csv"]
