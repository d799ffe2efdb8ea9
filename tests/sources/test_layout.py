"""Where a table stands in a file: titles, names in two rows, units, remarks, sheets, folders."""

from __future__ import annotations

import io

import numpy as np
import pytest

from isoflop.errors import BadRuns, IsoflopError, texts
from isoflop.sources import read
from isoflop.sources.delimiter import delimiter_of

N, D, L = [45e6, 125e6, 350e6], [2e9, 4e9, 9e9], [4.693, 4.282, 3.511]
ROWS = "45000000,2000000000,4.693\n125000000,4000000000,4.282\n350000000,9000000000,3.511\n"
IN_UNITS = "45,2,4.693\n125,4,4.282\n350,9,3.511\n"


@pytest.fixture
def write(tmp_path):
    def to(content, name="runs.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to


def assert_same(runs):
    assert runs["N"] == pytest.approx(N)
    assert runs["D"] == pytest.approx(D)
    assert runs["L"] == pytest.approx(L)


@pytest.mark.parametrize(
    "above",
    ["Table 3: runs of our family\n", "Scaling runs,,\n,,\n", "Runs\nof 2026\n\n",
     "# a comment\nTable 3, as printed\n"],
)  # fmt: skip
def test_a_title_above_the_names_is_passed_over_and_told(write, above):
    runs = read(write(f"{above}params,tokens,loss\n{ROWS}"))
    assert_same(runs)
    assert runs.rows[0] == above.count("\n") + 2
    assert any("above the names" in text for text in texts(runs.notes))


@pytest.mark.parametrize(
    "text",
    [
        f"params,tokens,loss\nM,B,nats\n{IN_UNITS}",
        f"params,tokens,loss\n[millions],[billions],[nats/token]\n{IN_UNITS}",
        f"params,tokens,loss\n{IN_UNITS}M,B,nats\n",
        f"Params (M),tokens,loss\n-,B,-\n{IN_UNITS}",
    ],
)
def test_a_row_of_units_is_applied_and_told(write, text):
    runs = read(write(text))
    assert_same(runs)
    assert runs.reading.of("D").factor == 1e9
    assert any("states units" in text for text in texts(runs.notes))


def test_names_in_two_rows_are_joined(write):
    merged = read(write(f"Model,,Training,\nparams (M),layers,tokens (B),loss\n{_with_layers()}"))
    assert_same(merged)
    below = read(write(f"Params,Tokens,Loss,\n,,train,val\n{_with_train()}"))
    assert below.reading.of("L").column == "Loss val"
    assert below["L"] == pytest.approx(L)
    groups = read(write(f",,Train,Val\nparams,tokens,loss,loss\n{_with_train()}"))
    assert groups.reading.of("L").column == "Val loss"


def _with_layers():
    return "".join(f"{n / 1e6:g},12,{d / 1e9:g},{x}\n" for n, d, x in zip(N, D, L, strict=True))


def _with_train():
    return "".join(f"{n:.0f},{d:.0f},{x - 0.1},{x}\n" for n, d, x in zip(N, D, L, strict=True))


def test_a_remark_below_is_no_run_and_a_row_cut_off_is_refused(write):
    text = f"params,tokens,loss\n{ROWS}"
    for remark in ("* preliminary\n", "Source: our runs,,\n", "Total,,\n* preliminary,,\n"):
        runs = read(write(text + remark))
        assert_same(runs)
        assert any("below the table" in note for note in texts(runs.notes))
    with pytest.raises(BadRuns, match="row 5 differs from the header"):
        read(write(f"{text}45000000"))


def test_a_row_that_sums_up_others_is_doubted():
    runs = read({"run": ["a", "b", "mean"], "N": [1e8, 2e8, 1.5e8], "L": [3.0, 2.8, 2.9]})
    (note,) = runs.doubts
    assert note.rows == (4,)
    assert not runs.where('run != "mean"').doubts


@pytest.mark.parametrize("mark", ["\t", ";", "|", "   "])
def test_what_parts_the_cells_is_told_by_several_lines(write, mark):
    text = f"params,tokens,loss\n{ROWS}".replace(",", mark)
    assert_same(read(write(text, "runs.txt")))


def test_the_decimal_comma_is_no_delimiter():
    assert delimiter_of(["N, M;D, B;L, nats", "1,5;2,5;3,5", "1,6;2,6;3,4"]) == ";"
    assert delimiter_of(["a,b", "1,2"]) == ","
    assert delimiter_of(["loss", "1"]) == ","


def test_tables_of_numpy_markdown_and_unicode_text(write):
    saved = io.StringIO()
    np.savetxt(saved, np.column_stack([N, D, L]), header="N D L")
    assert_same(read(write(saved.getvalue(), "runs.txt")))
    cells = ROWS.replace(",", " | ").replace("\n", " |\n| ")
    marked = f"| params | tokens | loss |\n|---|:---:|---|\n| {cells}".rstrip("| ")
    assert_same(read(write(marked, "runs.md")))
    utf16 = f"params\ttokens\tloss\n{ROWS}".replace(",", "\t").encode("utf-16")
    assert_same(read(write(utf16)))


def test_shapes_that_are_no_row_a_run_are_said_in_words(write):
    with pytest.raises(BadRuns, match="lies on its side; transpose it"):
        read(write("metric,a,b\nparams,1e8,2e8\ntokens,1e9,2e9\nloss,3,2.9\n"))
    grid = read(write("params,2B,4B,9B\n1e8,4,3.8,3.6\n2e8,3.9,3.7,3.5\n"))
    assert any("columns are named by numbers" in note for note in texts(grid.notes))
    with pytest.raises(BadRuns, match=r"no column L .* write a row a run"):
        grid.require("L")


FORMULAS = {
    "steps,batch_size,seq_len,params,loss": ("D", "steps*batch_size*seq_len", 8 * 4 * 2),
    "sequences,seq len,params,loss,x1": ("D", "sequences*`seq len`", 8 * 4),
    "tokens_per_param,params,loss,a1,a2": ("D", "N*tokens_per_param", 2 * 8),
    "log10_params,tokens,loss,a1,a2": ("N", "10^log10_params", 1e8),
}


@pytest.mark.parametrize("header", FORMULAS)
def test_a_column_that_is_missing_is_suggested_as_a_formula_that_works(write, header):
    symbol, formula, value = FORMULAS[header]
    path = write(f"{header}\n8,4,2,3,5\n9,5,3,4,6\n")
    with pytest.raises(BadRuns, match="makes it") as refusal:
        read(path)[symbol]
    assert f"--derive '{symbol}={formula}'" in str(refusal.value)
    assert "--columns" not in str(refusal.value)
    assert read(path, derive=f"{symbol}={formula}")[symbol][0] == pytest.approx(
        {"D": value if "per_param" not in formula else 4 * 8}.get(symbol, value)
    )


def test_all_cells_that_are_missing_are_named_at_once():
    runs = read({"N": [1e8, 2e8, 3e8], "L": [3.0, None, 2.8], "C": [1e18, 2e18, None]})
    with pytest.raises(BadRuns, match=r"L is missing in row 3 .* and C is missing in row 4") as why:
        runs.require(("N", "L", "C"))
    condition = str(why.value).partition("--where '")[2].rstrip("'")
    assert condition == "L > 0 and C > 0"
    runs.where(condition).require(("N", "L", "C"))


def test_words_for_a_missing_number_are_missing():
    runs = read({"N": ["1e8", "2e8", "3e8", "4e8"], "L": ["3.1", "diverged", "-", "OOM"]})
    assert np.isnan(runs["L"]).tolist() == [False, True, True, True]


def test_a_unit_with_a_raised_power_is_read():
    assert read({"FLOPs (×10²⁰)": [0.5], "L": [3.0]})["C"].tolist() == [5e19]


def test_the_last_value_of_a_loss_goes_before_its_extremes(write):
    runs = read(write('Name,"val/loss (min)",val/loss,N\na,3,3.1,1e8\nb,2.8,2.9,2e8\n'))
    assert runs["L"].tolist() == [3.1, 2.9]


def test_a_folder_of_tables_is_one_table(tmp_path):
    for name, n in (("small", 1e8), ("large", 3e8)):
        lines = "".join(f"{n:g},{d:g},{4 - d / 1e10:g}\n" for d in (1e9, 2e9, 4e9))
        (tmp_path / f"{name}.csv").write_text(f"params,tokens,loss\n{lines}")
    (tmp_path / "notes.txt").write_text("nothing of use\n")
    (tmp_path / "torn.csv").write_text("params,tokens,loss\n1,2\n1,2,3\n")
    runs = read(tmp_path)
    assert len(runs) == 6
    assert set(runs.labels["run"].tolist()) == {"small", "large"}
    assert any("1 file could not be read: torn.csv" in note for note in texts(runs.notes))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRuns, match="without tables, so it is no study"):
        read(tmp_path / "empty")


@pytest.mark.parametrize(
    ("cells", "losses"),
    [
        (("3.40 (0.01)", "3.10 (0.02)", "2.91 (0.01)"), [3.4, 3.1, 2.91]),  # errors
        (("3.40(12)", "3.10(9)", "2.91(11)"), [3.4, 3.1, 2.91]),  # of the last digits
        (("3.40 (3.52)", "3.10 (3.2)", "2.91 (2.99)"), None),  # another quantity: asked, not taken
    ],
)
def test_a_number_in_brackets_is_an_error_only_where_it_is_small(tmp_path, cells, losses):
    path = tmp_path / "runs.csv"
    rows = zip(("1e8,2e9", "2e8,4e9", "4e8,8e9"), cells, strict=True)
    path.write_text("N,D,L\n" + "".join(f"{sizes},{cell}\n" for sizes, cell in rows))
    if losses is None:
        with pytest.raises(IsoflopError):
            read(path)["L"]
    else:
        assert read(path)["L"].tolist() == losses
