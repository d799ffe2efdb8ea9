"""A reading is right, or it is asked: units, marks, names and shapes as people write them."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from isoflop.errors import BadRuns, UsageError
from isoflop.sources import read

CASES = Path(os.environ.get("ISOFLOP_DATA", "absent")).parent / "cases" / "reading"
LAW = {"E": 1.817, "A": 477.8, "B": 2143.0, "alpha": 0.3473, "beta": 0.3672}


def grid(noise=0.002, seed=3):
    """Return N, D and L of 30 runs of a law whose numbers are LAW."""
    rng = np.random.default_rng(seed)
    N, D = (
        v.ravel()
        for v in np.meshgrid([45e6, 70e6, 125e6, 210e6, 350e6, 1e9], [2e9, 4e9, 9e9, 20e9, 40e9])
    )
    L = LAW["E"] + LAW["A"] / N ** LAW["alpha"] + LAW["B"] / D ** LAW["beta"]
    return N, D, L * np.exp(noise * rng.standard_normal(N.size))


def table(columns, delimiter=",", head=""):
    lines = [delimiter.join(columns)]
    lines += [delimiter.join(row) for row in zip(*columns.values(), strict=True)]
    return head + "\n".join(lines) + "\n"


@pytest.fixture
def write(tmp_path):
    def to(content, name="runs.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return to


def assert_same(runs, N, D, L, rel=1e-4):
    assert runs["N"] == pytest.approx(N, rel=rel)
    assert runs["D"] == pytest.approx(D, rel=rel)
    assert runs["L"] == pytest.approx(L, rel=rel)


UNITS = {
    "Params (M),Tokens (B),val_loss": (1e6, 1e9),
    "N_millions,D_B,loss": (1e6, 1e9),
    "params_M,tokens_B,val/loss": (1e6, 1e9),
    "#Params (B),Training tokens [T],Loss (nats)": (1e9, 1e12),
    "config.n_params,summary.tokens_seen,summary.val/loss": (1, 1),
    "millions of parameters,tokens in billions,eval_loss": (1e6, 1e9),
    "Mparams,GTokens,final loss": (1e6, 1e9),
    "Model size (millions of parameters),training tokens (1e9),test loss": (1e6, 1e9),
}


@pytest.mark.parametrize("header", UNITS)
def test_a_unit_in_a_name_is_applied_and_shown(write, header):
    N, D, L = grid()
    names, (of_N, of_D) = header.split(","), UNITS[header]
    columns = {
        names[0]: [f"{n / of_N:.8g}" for n in N],
        names[1]: [f"{d / of_D:.8g}" for d in D],
        names[2]: [f"{x:.5f}" for x in L],
    }
    runs = read(write(table(columns)))
    assert_same(runs, N, D, L)
    assert not runs.doubts
    reading = runs.reading.of("N")
    assert (reading.column, reading.factor, reading.unit) == (names[0], of_N, "params")


@pytest.mark.parametrize(
    ("name", "factor"),
    [("flops_1e21", 1e21), ("FLOPs (1E21)", 1e21), ("train compute (PF-days)", 8.64e19),
     ("total GFLOPs", 1e9), ("compute_zettaflops", 1e21), ("C [10^18 FLOP]", 1e18)],
)  # fmt: skip
def test_compute_is_read_in_every_unit_of_the_field(write, name, factor):
    C = np.array([1e19, 3e20, 5e21])
    runs = read(write(table({name: [f"{c / factor:.9g}" for c in C], "loss": ["4", "3", "2.5"]})))
    assert runs["C"] == pytest.approx(C, rel=1e-8)
    assert runs.reading.of("C").factor == factor


def test_a_speed_is_no_compute(write):
    runs = read(write("N,tflops,tokens_per_second,loss\n1e9,312,4e5,3\n2e9,301,2e5,2.8\n"))
    assert set(runs.columns) == {"N", "L"}


@pytest.mark.parametrize(
    ("name", "written", "unit", "expected"),
    [
        ("val_ppl", "20.0855", "nats/token", 3.0),
        ("word_perplexity", "20.0855", "nats/word", 3.0),
        ("val/bpb", "0.9", "bits/byte", 0.9),
        ("bits per byte", "0.9", "bits/byte", 0.9),
        ("loss (bits)", "3", "nats/token", 3 * np.log(2)),
    ],
)
def test_a_loss_in_other_units_says_so(write, name, written, unit, expected):
    runs = read(write(f"N,{name}\n1e9,{written}\n2e9,{written[:-1]}1\n"))
    assert runs["L"][0] == pytest.approx(expected, rel=1e-4)
    assert runs.conventions["L"] == unit


CELLS = {
    "1.3B": 1.3e9, "1,234,567": 1234567.0, "1 234 567": 1234567.0, "0,225B": 0.225e9,
    "1.234.567": 1234567.0, "45 million": 45e6, "1.5×10^9": 1.5e9, "1.4T tokens": 1.4e12,
    "1_000_000": 1e6, "12,5 Mrd": 12.5e9,
}  # fmt: skip


@pytest.mark.parametrize("cell", CELLS)
def test_a_number_is_read_as_people_write_it(cell):
    assert read({"D": [cell], "L": [3.0]})["D"][0] == pytest.approx(CELLS[cell], rel=1e-12)


def test_per_cent_in_cells_and_in_names_are_shares():
    assert read({"score": ["54.3%", "7 %"]})["score"] == pytest.approx([0.543, 0.07])
    runs = read({"score": [54.3, 7.0]}, units={"score": "%"})
    assert runs["score"] == pytest.approx([0.543, 0.07])
    assert read({"score": [54.3, 7.0]}).doubts[0].symbol == "score"


def test_a_decimal_comma_is_told_by_its_column_its_file_or_the_delimiter(write):
    own = read(write("N;D;L\n45000000;225000000;4,69\n45000000;450000000;4,282\n"))
    assert own["L"].tolist() == [4.69, 4.282]
    possible = read(write("N;D;L\n45000000;225000000;4,693\n45000000;450000000;4,282\n"))
    assert possible["L"].tolist() == [4.693, 4.282]
    file = read(write("N (M);lr;steps\n1,234;0,001;100\n5,678;0,002;200\n"))
    assert file["N"].tolist() == [1.234e6, 5.678e6]
    points = read(write('N (M),L\n"1,234",2.5\n"5,678",2.4\n'))
    assert points["N"].tolist() == [1234e6, 5678e6]
    dots = read(write("N;D;L\n45.000.000;225.000.000;4,693\n70.000.000;450.000.000;4,282\n"))
    assert (dots["N"].tolist(), dots["L"].tolist()) == ([45e6, 70e6], [4.693, 4.282])


def test_marks_that_nothing_tells_are_asked_and_the_option_answers(write):
    path = write("N (M)\tD (B)\n1,234\t5\n5,678\t7\n", "runs.tsv")
    with pytest.raises(BadRuns, match=r"1\.234 .* or 1234 .*--unit N=decimal-comma"):
        read(path)
    assert read(path, units={"N": "M decimal-comma"})["N"].tolist() == [1.234e6, 5.678e6]
    assert read(path, units={"N": "thousands-comma"})["N"].tolist() == [1234e6, 5678e6]
    with pytest.raises(BadRuns, match="mixes decimal points and decimal commas"):
        read({"L": ["4,69", "4.12", "3,1"]})


def test_the_user_s_unit_goes_before_that_of_a_name(write):
    path = write("size,D (B),L\n45,2,3\n70,4,2.9\n")
    assert read(path, columns={"N": "size"}, units={"N": "M", "D": "T"})["D"][0] == 2e12
    assert read(path, columns={"N": "size"}, units={"N": "M"})["N"].tolist() == [45e6, 70e6]
    hours = read({"C": [1.0], "L": [3.0]}, units={"C": "H100-hours at 40%"})
    assert hours["C"][0] == pytest.approx(3600 * 0.4 * 989.5e12, rel=1e-3)
    with pytest.raises(UsageError, match="H100-hours at 40%"):
        read({"C": [1.0], "L": [3.0]}, units={"C": "GPU-hours"})
    with pytest.raises(UsageError, match="write the factor into the formula"):
        read(path, derive="N=size", units={"N": "M"})


def test_cells_with_a_suffix_say_their_own_unit(write):
    assert read(write("Params (M),L\n45M,3\n1.2B,2\n"))["N"].tolist() == [45e6, 1.2e9]
    with pytest.raises(BadRuns, match="some cells say a unit of their own, others none"):
        read(write("Params (M),L\n45M,3\n1200,2\n"))


def test_values_decide_before_names(write):
    runs = read(write(json.dumps([
        {"model_size": "tiny", "num_params": 801152, "train_loss": 0.6, "val_loss": 0.56},
        {"model_size": "small", "num_params": 4176720, "train_loss": 0.47, "val_loss": 0.45},
    ]), "results.json"))  # fmt: skip
    assert (runs.reading.of("N").column, runs.reading.of("L").column) == ("num_params", "val_loss")
    assert runs.reading.of("L").others == ("train_loss",)
    constant = read(write("flops,training_flops,loss\n-1,1e18,3\n-1,2e18,2.9\n"))
    assert constant.reading.of("C").column == "training_flops"
    gold = read(write("proxy_reward,gold_reward,reward\n1,0.3,0.5\n2,0.4,0.7\n"))
    assert (gold.reading.of("R").column, "R_proxy" in gold) == ("gold_reward", True)


def test_a_suggestion_works_when_it_is_typed(write):
    path = write("Weights (B),note,L\n45,a,3\n70,b,2.9\n")
    with pytest.raises(BadRuns, match="no column N"):
        read(path)["N"]
    runs = read(write("kind of flops,pretraining data size (T),L\nx,0.1,3\ny,0.2,2.9\n"))
    assert runs.likely == ("pretraining data size (T)",)
    with pytest.raises(BadRuns, match=r"--columns 'D=pretraining data size \(T\)'"):
        runs["D"]
    assert read(
        write("pretraining data size (T),L\n0.1,3\n0.2,2.9\n"),
        columns={"D": "pretraining data size (T)"},
    )["D"].tolist() == [1e11, 2e11]


@pytest.mark.parametrize(
    ("columns", "symbol", "words"),
    [
        ({"N": [0.045, 0.07], "L": [3.0, 2.9]}, "N", "--unit N=M"),
        ({"D": [0.2, 0.9], "L": [3.0, 2.9]}, "D", "--unit D=M"),
        ({"C": [0.24, 630.0], "L": [3.0, 2.9]}, "C", "--unit C=1e21"),
        ({"N": [1e9, 2e9], "D": [1e10, 2e10], "C": [6e10, 24e10]}, "C", "--unit C=1e9"),
        ({"L": [4693.0, 4282.0]}, "L", "--unit L=decimal-comma"),
        ({"L": [3.0, 2.9, 2.8, 99.0]}, "L", "--where 'L < 14'"),
        ({"L": [11.5, 11.0], "V": [32000.0, 32000.0]}, "L", "ln V"),
        ({"batch": [43.0, 688.0]}, "batch", "--derive 'batch=batch*2048'"),
        ({"batch": [512.0, 512.0], "steps": [1e3, 2e3], "D": [1048576e3, 2 * 1048576e3]},
         "batch", "--derive 'batch=batch*2048'"),
        ({"error": [54.0, 12.0]}, "error", "--unit error=%"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_doubted_with_what_mends_it(columns, symbol, words):
    notes = [n for n in read(columns).doubts if n.symbol == symbol]
    assert len(notes) == 1
    assert notes[0].kind == "doubt"
    assert words in notes[0].text


def test_compute_that_is_off_by_a_million_million_is_refused():
    with pytest.raises(BadRuns, match=r"times 6ND .*--unit C=1e18"):
        read({"N": [1e9, 2e9], "D": [1e10, 2e10], "C": [60.0, 240.0]})


def test_a_training_loss_and_a_crash_are_doubted():
    texts = [n.text for n in read({"N": [1e9, 2e9], "train_loss": [3.0, 2.9]}).doubts]
    assert len(texts) == 1
    assert "loss of training" in texts[0]
    states = read({"N": [1e9, 2e9], "L": [3.0, 2.9], "State": ["finished", "crashed"]})
    (note,) = states.doubts
    assert (note.topic, note.rows) == ("state", (3,))
    assert "--where 'state == \"finished\"'" in note.text
    assert not states.where('state == "finished"').doubts


def test_comments_above_a_header_are_passed_over(write):
    N, D, L = grid()
    columns = {"params": map(str, N), "tokens": map(str, D), "loss": map(str, L)}
    text = table({name: list(cells) for name, cells in columns.items()})
    runs = read(write(f"# exported 2026-01-01\n# units: parameters, tokens, nats\n{text}"))
    assert_same(runs, N, D, L)
    assert runs.rows[0] == 4
    assert read(write("#Params (B),L\n1,3\n2,2.9\n"))["N"].tolist() == [1e9, 2e9]


@pytest.mark.parametrize("shape", ["by column", "by run", "under a key"])
def test_json_in_the_shapes_that_tables_are_written_in(write, shape):
    N, D, L = grid()
    names = {"params": N.tolist(), "tokens": D.tolist(), "loss": L.tolist()}
    rows = [dict(zip(names, row, strict=True)) for row in zip(*names.values(), strict=True)]
    document = {
        "by column": {k: {str(i): x for i, x in enumerate(v)} for k, v in names.items()},
        "by run": {f"run{i}": row for i, row in enumerate(rows)},
        "under a key": {"date": "2026-01-01", "runs": rows},
    }[shape]
    assert_same(read(write(json.dumps(document), "runs.json")), N, D, L)


def as_texts(delimiter=","):
    N, D, L = grid()
    columns = {"params": N, "tokens": D, "loss": L}
    return table({k: [repr(float(x)) for x in v] for k, v in columns.items()}, delimiter)


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_a_first_line_may_say_what_parts_the_cells(write, mark):
    runs = read(write(f"sep={mark}\n{as_texts(mark)}"))
    assert_same(runs, *grid(), rel=1e-12)
    assert runs.rows[0] == 3


def packed(data, way):
    return gzip.compress(data) if way == "gz" else pa.compress(data, "zstd", asbytes=True)


@pytest.mark.parametrize("way", ["gz", "zst"])
def test_a_packed_table_is_the_table(write, way):
    lines = "\n".join(json.dumps({"N": n, "D": d, "L": x}) for n, d, x in zip(*grid(), strict=True))
    for name, text in (("runs.csv", as_texts()), ("runs.jsonl", lines)):
        runs = read(write(packed(text.encode(), way), f"{name}.{way}"))
        assert_same(runs, *grid(), rel=1e-12)


@pytest.mark.parametrize("way", ["gz", "zst"])
def test_what_is_packed_badly_or_too_much_is_refused(write, way, monkeypatch):
    whole = packed(as_texts().encode(), way)
    for data in (whole[:-9], b"N,D,L\n1,2,3\n"):
        with pytest.raises(BadRuns, match="cannot be read as"):
            read(write(data, f"runs.csv.{way}"))
    with pytest.raises(BadRuns, match="is empty"):
        read(write(b"", f"runs.csv.{way}"))
    with pytest.raises(BadRuns, match="cannot tell the format"):
        read(write(whole, f"runs.{way}"))
    monkeypatch.setenv("ISOFLOP_LARGEST_FILE", "1M")
    with pytest.raises(BadRuns, match="expands to more than 1 MB"):
        read(write(packed(b"N,L\n" + b"1,2\n" * 10_000_000, way), f"runs.csv.{way}"))


@pytest.mark.parametrize("name", ["runs.json", "runs.jsonl"])
def test_nested_json_has_dotted_names(write, name):
    records = [
        {"config": {"n_params": n, "data": {"tokens": d}}, "summary": {"val/loss": x}}
        for n, d, x in zip(*grid(), strict=True)
    ]
    lines = "\n".join(map(json.dumps, records))
    path = write(lines if name == "runs.jsonl" else json.dumps(records), name)
    chosen = {"N": "config.n_params", "D": "config.data.tokens", "L": "summary.val/loss"}
    assert_same(read(path, columns=chosen), *grid(), rel=1e-12)
    with pytest.raises(BadRuns, match=r"row 2 has two values that are called 'a\.N'"):
        read(write('[{"a": {"N": 1}, "a.N": 2, "L": 3}]', "runs.json"))
