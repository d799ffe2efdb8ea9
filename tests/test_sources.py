"""Reading runs: generous in what is understood, exact about what is refused, and where."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from isoflop.errors import BadRuns, ConventionMismatch, IsoflopError, UnknownName, UsageError, texts
from isoflop.runs import Runs
from isoflop.sources import packaged, read, sample_names
from isoflop.store import Study

HEADER = "N,D,L"
FIGURE_4 = Path(os.environ.get("ISOFLOP_DATA", "absent"), "chinchilla_figure4")


@pytest.fixture
def write(tmp_path):
    def to(content, name="runs.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to


TABLE = {"N": [1e8, 2e8], "D": [2e9, 4e9], "L": [3.5, 3.0], "run": ["a", "b"]}


def as_parquet(columns):
    buffer = io.BytesIO()
    parquet.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


RECORDS = [dict(zip(TABLE, row, strict=True)) for row in zip(*TABLE.values(), strict=True)]
FORMS = {
    "runs.csv": "N,D,L,run\n1e8,2e9,3.5,a\n2e8,4e9,3.0,b\n",
    "runs.tsv": "N\tD\tL\trun\n100M\t2B\t3.5\ta\n200M\t4B\t3.0\tb\n",
    "semicolons.csv": "N;D;L;run\n1e8;2e9;3.5;a\n2e8;4e9;3;b\n",
    "bom-crlf-blank.csv": "\ufeff\r\nN,D,L,run\r\n\r\n1e8,2e9,3.5,a\r\n,,,\r\n2e8,4e9,3,b\r\n\r\n",
    "no-last-newline.csv": 'N,D,L,run\n"1e8",2e9,3.5,a\n200 M,"4,000,000,000",3.0,"b"',
    "runs.jsonl": "\n".join(map(json.dumps, RECORDS)),
    "runs.ndjson": "\n\n".join(map(json.dumps, RECORDS)) + "\n",
    "runs.json": json.dumps(RECORDS, indent=1),
    "columns.json": json.dumps(TABLE),
    "lines.json": "\n".join(map(json.dumps, RECORDS)),
    "runs.parquet": as_parquet(TABLE),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_format_reads_the_same(write, name):
    assert read(write(FORMS[name], name)).digest == Runs(
        {k: TABLE[k] for k in "NDL"}, {"run": TABLE["run"]}
    ).digest  # fmt: skip


@pytest.mark.parametrize(
    "made",
    [pd.DataFrame, pl.DataFrame, pa.table, dict, lambda t: {k: np.array(v) for k, v in t.items()},
     lambda t: Runs({k: t[k] for k in "NDL"}, {"run": t["run"]}),
     lambda t: pd.DataFrame(t).astype({"run": "category"}),
     lambda t: pd.DataFrame({**t, "N": ["100M", 2e8]})],
)  # fmt: skip
def test_every_table_in_memory_reads_the_same(write, made):
    assert read(made(TABLE)).digest == read(write(FORMS["runs.csv"])).digest


def test_row_numbers_are_those_of_an_editor(write):
    assert read(write(FORMS["bom-crlf-blank.csv"])).rows.tolist() == [4, 6]
    assert read(write(FORMS["runs.ndjson"], "runs.ndjson")).rows.tolist() == [1, 3]
    saved = write('# isoflop: {"N": "total"}\nN,L\n7B,2\n')
    assert read(saved).rows.tolist() == [3]
    assert read(saved).conventions == {"N": "total"}


def test_common_names_are_read_and_reported(write):
    made = read(
        write("Model Size,Training FLOP,loss,Model,Model Family,colour\n7B,1e22,2,m,f,red\n")
    )
    assert (set(made.columns), dict(made.labels)) == (
        {"N", "C", "L"},
        {"run": ["m"], "family": ["f"]},
    )
    assert texts(made.notes) == [
        "column 'Model Size' read as N",
        "column 'Training FLOP' read as C",
        "column 'loss' read as L",
        "column 'Model' read as run",
        "column 'Model Family' read as family",
        "columns left out: colour",
    ]
    assert made.unread == ("colour",)


def test_a_name_that_says_how_it_counts_states_the_convention(write):
    made = read(write("non_embedding_params,C_6ND,bpb\n7B,1e22,0.9\n"))
    assert made.conventions == {"N": "non-embedding", "C": "6ND", "L": "bits/byte"}


def test_exact_symbols_go_before_common_names_and_the_user_before_both(write):
    path = write("N,params,loss\n1,2,3\n")
    assert read(path)["N"] == 1
    assert read(path, columns={"N": "params"})["N"] == 2


def test_a_column_in_doubt_is_not_guessed(write):
    path = write("N,val_loss_c4,val_loss_pile\n1,2,3\n2,1,2\n")
    with pytest.raises(BadRuns, match=r"'val_loss_c4' and 'val_loss_pile' could each be L.*--col"):
        read(path)
    assert read(path, columns={"L": "val_loss_pile"})["L"].tolist() == [3, 2]
    assert read(path, derive="L=val_loss_c4+1")["L"].tolist() == [3, 2]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"L": "los"}, "no column called 'los'; did you mean 'loss'"),
        ({"loss": "loss"}, "no quantity or label called 'loss'"),
        ({"L": "loss", "N": "loss"}, "cannot be both"),
    ],
)
def test_a_wrong_column_is_refused_with_a_near_one(write, columns, said):
    with pytest.raises(UsageError, match=said):
        read(write("N,loss\n1,2\n"), columns=columns)


def test_derive_and_where_use_any_column_of_the_source(write):
    path = write("Size (B),C,loss,corpus\n7,6e22,2.0,c4\n70,6e23,0,c4\n1,6e21,3,pile\n")
    made = read(path, derive=["N=`Size (B)`*1e9", "D=C/6N"], where='corpus == "c4" and loss > 0')
    assert (made["N"].tolist(), made["D"][0]) == ([7e9], pytest.approx(6e22 / 42e9))
    assert made.rows.tolist() == [2]
    assert made.notes[-1].text.startswith("1 of 3 runs meet")
    (omission,) = made.dropped
    assert (omission.rows, made.notes[-1].topic) == ((3, 4), "dropped")
    again = read(made, where="N > 1e9")  # read again, it still knows what was left out
    assert again.dropped == made.dropped
    with pytest.raises(UsageError, match="did you mean 'corpus'"):
        read(path, where='corpu == "c4"')
    with pytest.raises(BadRuns, match="none of 3 runs meets"):
        read(path, where="loss > 9")


def test_a_missing_number_stays_missing_until_it_is_needed(write):
    made = read(write("N,D,L,U\n1,2,3,\n2,,2.5,NaN\n3,4,n/a,\n"))
    assert np.isnan(made["D"]).tolist() == [False, True, False]
    made.require("N")
    with pytest.raises(BadRuns, match=r"L is missing in row 4 .*--where 'L > 0'"):
        made.require(["N", "L"])


REFUSED = {
    "empty.csv": ("", "is empty"),
    "blank.csv": ("\n \n", "is empty"),
    "header.csv": ("N,D,L\n", "a header and no runs"),
    "header-only-no-newline.csv": ("N,D,L", "a header and no runs"),
    "headless.csv": ("1e8,2e9,3.5\n2e8,4e9,3.0\n", "first row holds numbers"),
    "ragged.csv": (f"{HEADER}\n1,2,3\n1,2\n1,2,3,4\n", "rows 3 and 4 differ .* 3 columns"),
    "quote.csv": (f'{HEADER}\n1,"2,3\n', "row 2 differs .* not closed"),
    "last-quote.csv": ('L,run\n3,"a\n2,b\n', r"a quote is not closed, .* begins 'a\\n2,b"),
    "words.csv": (f"{HEADER}\n7B,2,3\nabc,2,3\n", "'N' holds text .* 'abc' in row 3"),
    "comma.csv": (f'{HEADER}\n1,2,"3,5,1"\n', "'3,5,1' in row 2"),
    "guessed.csv": ("params,L\n7B,1\nbig,2\n", r"'params' \(read as N\) .* 'big' in row 3"),
    "negative.csv": (f"{HEADER}\n-1,2,3\n", "N must be above zero: -1 in row 2"),
    "zero.csv": (f"{HEADER}\n1,2,3\n1,2,0\n", "L must be above zero: 0 in row 3"),
    "infinite.csv": (f"{HEADER}\n1,inf,3\n", "D must be finite: inf in row 2"),
    "doubled.csv": ("N,L,N\n1,2,3\n", "two columns are called 'N'"),
    "latin1.csv": ("run,L\nné,3\n".encode("latin-1"), "not UTF-8: byte 0xe9 in row 2"),
    "utf16.csv": (b"\xff\xfe\x00", "is UTF-16 and damaged .*; save it as UTF-8"),
    "binary.csv": (bytes(range(256)), "is not text"),
    "renamed.csv": (as_parquet(TABLE), "is a Parquet file; rename it to renamed.parquet"),
    "runs.xlsx": (b"PK\3\4", "is no Excel workbook, or is damaged"),
    "runs.doc": (b"N,L\n1,2\n", "cannot tell the format of 'runs.doc' .* .csv, .tsv"),
    "runs.parquet": (b"N,L\n1,2\n", "cannot be read as Parquet"),
    "preamble.csv": ("# isoflop: total\nN,L\n1,2\n", "row 1 should state conventions"),
    "broken.jsonl": ('{"N": 1}\n{"N": 2\n', r"row 2 is not JSON .*: {\"N\": 2"),
    "list.jsonl": ('{"N": 1}\n[2]\n', "row 2 holds"),
    "scalar.json": ("7", "a list of objects"),
    "nothing.json": ("[]", "no runs"),
    "uneven.json": ('{"N": [1], "L": [1, 2]}', "differ in length"),
    "nested.jsonl": ('{"N": [1], "L": 2}\n', r"'N' holds text .* '\[1\]' in row 1"),
    "truth.jsonl": ('{"N": true, "L": 2}\n', "'True' in row 1"),
    "huge.jsonl": ('{"N": 1' + "0" * 400 + "}\n", "an integer of 401 digits"),
    "deep.json": ("[" * 100_000, "is not JSON"),
    "label.csv": (f"run,L\n{'x' * 600},2\n", "label run.* 600 characters in row 2"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_bad_file_is_refused_in_one_sentence(write, name):
    content, said = REFUSED[name]
    with pytest.raises(BadRuns, match=said) as caught:
        read(write(content, name))
    assert len(str(caught.value)) < 500


def test_what_is_not_there_is_refused_with_a_near_name(write, tmp_path):
    write(FORMS["runs.csv"])
    (tmp_path / "empty").mkdir()
    for path, said in (
        (tmp_path / "run.csv", "there is no file .*did you mean 'runs.csv'"),
        (tmp_path / "absent" / "runs.csv", "there is no folder"),
        (tmp_path / "empty", "a folder without study.db"),
        ("a\0b.csv", "not the name of a file"),
    ):
        with pytest.raises(BadRuns, match=said):
            read(path)
    for other in (7, None, pl.LazyFrame(TABLE)):
        with pytest.raises(UsageError, match="cannot read runs from a"):
            read(other)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"N": 7}, "must be a list"),
        ({"N": "abc"}, "must be a list"),
        ({"N": np.zeros((2, 2))}, "must have one dimension"),
        ({"N": [1], "L": [1, 2]}, "differ in length"),
        ({}, "holds no runs"),
        ({"N": np.array([True])}, "'True' in row 2"),
    ],
)
def test_a_bad_mapping_is_refused(columns, said):
    with pytest.raises(BadRuns, match=said):
        read(columns)


def test_a_traceback_under_the_name_of_a_quantity_is_left_out(write):
    made = read(write("N,L,error,compute\n1,2,out of memory,A100\n1,3,,A100\n"))
    assert set(made.columns) == {"N", "L"}
    assert made.unread == ("error", "compute")


def test_duplicates_are_kept_and_noted(write):
    text = "N,L,tag\n1,2,a\n1,3,a\n1,2,a\n1,2,b\n1,3,a\n"
    made = read(write(text))
    assert len(made) == 5
    assert made.notes[-1].text == "exact duplicates, all kept: rows 2, 3, 4 and 6"
    assert "duplicates" not in " ".join(
        texts(read(write(text), where="L == 2 and tag == 'b'").notes)
    )


def test_bits_become_nats_and_other_units_are_kept():
    table = {"L": [1.0], "sigma": [0.1]}
    made = read(table, units={"L": "bits/token"})
    assert (made["L"][0], made["sigma"][0]) == (math.log(2), 0.1 * math.log(2))
    assert texts(made.notes) == ["L and sigma converted from bits/token to nats/token"]
    assert made.conventions == {"L": "nats/token"}
    kept = read(table, units={"L": "bits/byte"})
    assert (kept["L"][0], kept.conventions) == (1.0, {"L": "bits/byte"})


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"conventions": {"N": "totl"}}, UnknownName, "did you mean 'total'"),
        ({"conventions": {"M": "total"}}, UnknownName, "no quantity called 'M'"),
        ({"conventions": {"C": "6ND"}}, UsageError, "no column C .*--derive C=6N"),
        ({"units": {"N": "dozens"}}, UsageError, r"--derive N=N\*1e6"),
        ({"units": {"L": "a"}, "conventions": {"L": "b"}}, ConventionMismatch, "said to be b"),
    ],
)
def test_what_is_said_of_columns_is_checked(options, error, said):
    with pytest.raises(error, match=said):
        read(TABLE, **options)


def test_a_file_s_own_conventions_cannot_be_denied(write):
    path = write('# isoflop: {"N": "total"}\nN,L\n7B,2\n')
    assert read(path, conventions={"N": "total", "L": "nats/byte"}).conventions["L"] == "nats/byte"
    with pytest.raises(ConventionMismatch, match=r"said to be active, and runs\.csv"):
        read(path, conventions={"N": "active"})
    assert read(path, units={"N": "params"}).conventions == {"N": "total"}


def trial(study, key, conventions, observations, **more):
    body = {"conventions": conventions, "observations": observations, "seed": 3, **more}
    study.put("observations", key, body)


def test_a_study_reads_as_the_observations_of_its_trials(tmp_path):
    study = Study.create(tmp_path / "sweep")
    with pytest.raises(BadRuns, match="no finished trial"):
        read(study.path)
    trial(study, "k1", {"N": "total"}, [{"N": 1, "L": 3.0, "run": "r", "family": "f", "seed": 0}])
    trial(study, "k2", {"N": "total"}, [{"N": 2, "L": 2.5}, {"N": 2, "L": 2.0}], label="wide")
    made = read(str(study.path))
    assert (made["L"].tolist(), made.conventions) == ([3.0, 2.5, 2.0], {"N": "total"})
    assert made.labels["run"].tolist() == ["r", "wide", "wide"]
    assert made.labels["seed"].tolist() == ["0", "3", "3"]
    trial(study, "k3", {"N": "active"}, [{"N": 2, "L": 2.5}])
    with pytest.raises(ConventionMismatch, match="total in earlier trials and active in trial k3"):
        read(study.path)


@pytest.mark.parametrize("name", sample_names())
def test_every_packaged_sample_has_runs_that_say_how_they_count(name):
    made = read(f"sample:{name}")
    assert len(made) > 5
    assert "N" in made.conventions or "N" not in made


def test_samples_are_read_by_name_and_listed(tmp_path, monkeypatch):
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "small.csv").write_text(FORMS["runs.csv"])
    monkeypatch.setattr(packaged, "_folder", lambda: tmp_path / "samples")
    assert len(read("sample:small")) == 2
    with pytest.raises(UnknownName, match="no sample called 'zzz'; there is small"):
        read("sample:zzz")


@pytest.mark.parametrize("extension", ["csv", "parquet"])
def test_a_million_rows_read_in_seconds(tmp_path, extension):
    steps = np.arange(1.0, 1_000_001)
    made = Runs({"N": steps, "D": 2 * steps, "L": 1 + 1 / steps}, {"run": steps.astype(int)})
    made.save(tmp_path / f"runs.{extension}")
    began = time.process_time()
    again = read(tmp_path / f"runs.{extension}")
    assert time.process_time() - began < 8
    assert len(again) == 1_000_000


@pytest.mark.skipif(not FIGURE_4.is_dir(), reason="ISOFLOP_DATA does not hold chinchilla_figure4")
def test_the_figure_4_data_read_by_their_own_names():
    made = read(FIGURE_4 / "svg_extracted_data.csv", derive="D=C/6N")
    assert len(made) == 245
    made.require(["N", "D", "C", "L"])
    assert made["C"] == pytest.approx(6 * made["N"] * made["D"], rel=1e-12)
    assert "column 'Model Size' read as N" in texts(made.notes)


CELLS = st.sampled_from(
    ["1", "7B", "-1", "0", "", "nan", "inf", "abc", '"', ",", "\n", "\r", ";", "\t", "N", "L",
     "loss", "params", "run", "# isoflop:", "{", "}", "[", "]", ":", '"N"', "é", "1e400", " "]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(st.binary(max_size=200), st.lists(CELLS, max_size=25).map("".join)),
    st.sampled_from(["csv", "tsv", "json", "jsonl", "parquet"]),
)
def test_any_content_is_read_or_refused_in_words(tmp_path_factory, content, extension):
    path = tmp_path_factory.getbasetemp() / f"any.{extension}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with contextlib.suppress(IsoflopError):
        assert len(read(path)) > 0


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_damaged_parquet_file_is_refused_or_read(tmp_path_factory, data):
    whole = bytearray(FORMS["runs.parquet"])
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged.parquet"
    path.write_bytes(bytes(whole[: data.draw(st.integers(0, len(whole)))]))
    with contextlib.suppress(IsoflopError):
        assert len(read(path)) > 0


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)),
    lambda s: st.one_of(
        st.lists(s, max_size=3), st.dictionaries(st.sampled_from(["N", "L", "run", "\ud800"]), s)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(JSON, max_size=4), st.sampled_from(["json", "jsonl"]))
def test_any_json_is_read_or_refused_in_words(tmp_path_factory, records, extension):
    path = tmp_path_factory.getbasetemp() / f"any-json.{extension}"
    lines = "\n".join(map(json.dumps, records))
    path.write_text(lines if extension == "jsonl" else json.dumps(records))
    with contextlib.suppress(IsoflopError):
        assert len(read(path)) > 0
