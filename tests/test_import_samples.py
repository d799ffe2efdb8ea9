"""Logs of other programs become a sample bank: each format, what is left out, refusals."""

from __future__ import annotations

import json
import zipfile
import zlib

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop import cli
from isoflop.errors import BadRuns, UsageError, texts
from isoflop.samples.bank import SampleBank
from isoflop.sources import importers
from isoflop.sources.sample_logs import read_samples


def inspect_sample(name, epoch, value, answer, **more):
    return {
        "id": name, "epoch": epoch, "input": "2+2?", "target": "4",
        "output": {"model": "m", "completion": f"it is {answer}",
                   "usage": {"input_tokens": 9, "output_tokens": 20, "total_tokens": 29}},
        "scores": {"match": {"value": value, "answer": answer}, "judge": {"value": 0.7}},
        "total_time": 1.5, **more,
    }  # fmt: skip


HEADER = {"version": 2, "status": "success", "eval": {"task": "sums", "model": "openai/small"}}
SAMPLES = [
    inspect_sample("a", 1, "C", "4"), inspect_sample("a", 2, "I", "$5$"),
    inspect_sample(7, 1, 1.0, "4.0"), inspect_sample(7, 2, "P", "4"),
    {"id": "b", "epoch": 1, "error": {"message": "stalled"}},
]  # fmt: skip


def rows_of(table):
    names = list(table.columns)
    return [dict(zip(names, row, strict=True)) for row in zip(*table.columns.values(), strict=True)]


def lines(path, records):
    path.write_text("".join((r if isinstance(r, str) else json.dumps(r)) + "\n" for r in records))
    return str(path)


@pytest.mark.parametrize("kind", ["json", "eval"])
def test_inspect_ai_in_either_format(tmp_path, kind):
    path = tmp_path / f"log.{kind}"
    if kind == "json":
        path.write_text(json.dumps({**HEADER, "samples": SAMPLES}))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("header.json", json.dumps(HEADER))
            for i, sample in enumerate(SAMPLES):
                archive.writestr(f"samples/{i}_epoch_1.json", json.dumps(sample))
    table = read_samples([str(path)])
    got = {(r["problem"], r["sample"]): r for r in rows_of(table)}
    assert set(got) == {("a", 0), ("a", 1), ("7", 0)}
    assert [got["a", i]["correct"] for i in (0, 1)] == [True, False]
    assert got["a", 1]["answer"] == "5"
    assert got["7", 0]["answer"] == "4"
    first = got["a", 0]
    assert (first["tokens"], first["prompt_tokens"], first["seconds"]) == (20, 9, 1.5)
    assert first["score:judge"] == 0.7
    assert first["lineage"] == "openai/small,sums"
    notes = " ".join(map(str, table.notes))
    assert "1 row was left out: its grade 'P' is neither right nor wrong" in notes
    assert "it has no score: it ended in an error" in notes
    assert "scorer match" in notes


def packed(path, members):
    """Write a zip archive as inspect_ai does, whose members are packed by Zstandard."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, document in members.items():
            data = json.dumps(document).encode()
            archive.writestr(name, pa.compress(data, codec="zstd", asbytes=True))
            info = archive.getinfo(name)
            info.compress_type, info.file_size, info.CRC = 93, len(data), zlib.crc32(data)


def test_an_archive_packed_by_zstandard_is_read_and_a_damaged_member_is_counted(tmp_path):
    path = tmp_path / "log.eval"
    members = {f"samples/{i}_epoch_1.json": s for i, s in enumerate(SAMPLES)}
    packed(path, {"header.json": HEADER, **members})
    table = read_samples([str(path)])
    assert table.columns["answer"] == ["4", "5", "4"]
    assert table.columns["response"] == ["it is 4", "it is $5$", "it is 4.0"]
    table.save(tmp_path / "bank")
    known = SampleBank.open(tmp_path / "bank").problems("openai/small,sums")
    assert known == {"a": ("2+2?", "4"), "7": ("2+2?", "4")}
    data = bytearray(path.read_bytes())
    at = data.find(b"samples/0_epoch_1.json") + 40
    data[at : at + 4] = b"\0\0\0\0"
    path.write_bytes(data)
    again = read_samples([str(path)])
    assert len(again) == 2
    assert any("it is not JSON" in note.text for note in again.notes)


def test_scorers_that_give_letters_are_points_and_whole_texts_hold_an_answer(tmp_path):
    sample = inspect_sample("a", 1, "C", "So the answer is 4.")
    sample["scores"] |= {"judge": {"value": "P"}, "other": {"value": "I"}}
    path = tmp_path / "log.json"
    path.write_text(json.dumps({**HEADER, "samples": [sample]}))
    (row,) = rows_of(read_samples([str(path)]))
    assert (row["answer"], row["score:judge"], row["score:other"]) == ("4", 0.5, 0.0)


def test_runs_that_number_alike_are_kept_apart_and_a_log_in_two_formats_is_one(tmp_path, capsys):
    header = {**HEADER, "samples": [inspect_sample("a", 1, "C", "4")]}
    (tmp_path / "1.json").write_text(json.dumps(header))
    packed(tmp_path / "1.eval", {"header.json": HEADER, "samples/a.json": header["samples"][0]})
    other = inspect_sample("a", 1, "I", "5", total_time=2.0)
    (tmp_path / "2.json").write_text(json.dumps({**HEADER, "samples": [other]}))
    (tmp_path / "3.json").write_text(json.dumps({**HEADER, "samples": [other]}))
    table = read_samples([str(tmp_path)])
    assert (table.columns["sample"], table.columns["correct"]) == ([0, 1], [True, False])
    notes = " ".join(map(str, table.notes))
    assert "1 sample has a number of another run's" in notes
    assert "2 rows were left out: it is there already" in notes
    bank = str(tmp_path / "bank")
    assert table.save(bank) == 2
    again = ["import", str(tmp_path / "2.json"), "--as", "samples", "--out", bank]
    assert cli.main(again) == 0
    assert "1 row was in" in capsys.readouterr().out


def test_an_archive_or_a_log_that_is_none_is_named(tmp_path):
    bad = tmp_path / "log.eval"
    bad.write_bytes(b"PK not really")
    with pytest.raises(BadRuns, match=r"log\.eval cannot be read"):
        read_samples([str(bad)])
    empty = tmp_path / "log.json"
    empty.write_text(json.dumps({**HEADER, "status": "error"}))
    with pytest.raises(BadRuns, match="without samples"):
        read_samples([str(empty)])


def test_lm_eval_takes_its_grade_or_compares_with_the_target(tmp_path):
    folder = tmp_path / "org__model"
    folder.mkdir()
    base = {"doc": {}, "target": "4", "arguments": {}, "filter": "strict-match"}
    path = lines(folder / "samples_gsm8k_2025-01-02T03-04-05.678.jsonl", [
        {**base, "doc_id": 0, "resps": [["so 4"]], "filtered_resps": ["4"], "exact_match": 1.0},
        {**base, "doc_id": 1, "resps": [["5"]], "filtered_resps": ["5"], "exact_match": 0.0},
        {**base, "doc_id": 2, "resps": [["4", "4.0", "?"]], "filtered_resps": [["4", "4.0", "?"]]},
        {**base, "doc_id": 3, "resps": [["4"]], "filtered_resps": ["4"]},
    ])  # fmt: skip
    table = read_samples([path])
    assert table.columns["correct"] == [True, False, True, True, False]
    assert table.columns["sample"] == [0, 0, 0, 1, 2]
    assert set(table.columns["lineage"]) == {"org__model/gsm8k,strict-match"}
    assert any("no metric says" in note.text for note in table.notes)
    assert table.columns["response"] == ["so 4", "5", "4", "4.0", "?"]


def test_lm_eval_of_choices_is_one_sample_a_line_and_its_summary_is_none(tmp_path):
    base = {"doc": {}, "target": "0", "filter": "none",
            "arguments": {"gen_args_0": {"arg_0": "2+2=", "arg_1": " 4"}}}  # fmt: skip
    likelihoods = [["-3.5", "False"], ["-0.5", "True"]]
    lines(tmp_path / "samples_mc_2025-01-02T03-04-05.678.jsonl", [
        {**base, "doc_id": 0, "resps": [[r] for r in likelihoods],
         "filtered_resps": likelihoods, "acc": 0.0},
        {**base, "doc_id": 1, "resps": [[r] for r in likelihoods[::-1]],
         "filtered_resps": likelihoods[::-1], "acc": 1.0},
    ])  # fmt: skip
    summary = tmp_path / "results_2025-01-02T03-04-05.678.json"
    summary.write_text(json.dumps({"results": {}, "configs": {}, "versions": {}, "n-shot": {}}))
    table = read_samples([str(tmp_path)])
    assert table.columns["answer"] == ["1", "0"]
    assert table.columns["correct"] == [False, True]
    assert list(table.problems.values()) == [{"0": ("2+2=", "0"), "1": ("2+2=", "0")}]
    assert any("summary of lm-eval" in note.text for note in table.notes)
    with pytest.raises(BadRuns, match="--log_samples"):
        read_samples([str(summary)])


def test_lm_eval_targets_may_be_whole_solutions(tmp_path):
    path = lines(tmp_path / "samples_gsm8k.jsonl", [
        {"doc_id": 0, "target": "2 and 2 more.\n#### 4", "filter": "all",
         "resps": [["I say 4", "so 5.", "4.0"]], "filtered_resps": [["I say 4", "so 5.", "4.0"]]},
    ])  # fmt: skip
    assert read_samples([path]).columns["correct"] == [True, False, True]


def test_its_hub_is_a_strategy_at_a_budget(tmp_path):
    path = lines(tmp_path / "qwen-beam-search-prm-aime-2024.jsonl", [
        {"unique_id": "a", "budget": 4, "response": "\\boxed{7}", "correct": True},
        {"unique_id": "a", "budget": 8, "response": "no idea " * 90, "correct": False},
        {"unique_id": "b", "budget": 8, "responses": ["x"], "log_probs": [0], "correct": 0.4},
    ])  # fmt: skip
    table = read_samples([path])
    assert table.columns["strategy"] == ["beam-search/n=4", "beam-search/n=8"]
    assert table.columns["answer"] == ["7", None]
    assert any("expected pass rate" in note.text for note in table.notes)


def test_a_plain_table_is_known_by_usual_names_and_bad_rows_are_counted(tmp_path):
    path = tmp_path / "samples.csv"
    path.write_text(
        "question_id,prediction,is_correct,reward,completion_tokens\n"
        "a,4,1,0.5,10\na,5,0,nan,11\nb,x,maybe,0.1,9\n,4,1,0.3,8\nb,4,true,0.2,\nb,4\n"
    )
    table = read_samples([str(path)])
    assert [(r["problem"], r["sample"], r["correct"]) for r in rows_of(table)] == [
        ("a", 0, True), ("a", 1, False), ("b", 0, True),
    ]  # fmt: skip
    assert table.columns["score:reward"] == [0.5, None, 0.2]
    notes = " ".join(map(str, table.notes))
    for why in ("'maybe' is neither", "names no problem", "fewer fields"):
        assert why in notes
    assert texts(table.gaps) == ["1 score of reward is missing or not finite"]
    assert "(first samples.csv, row 4)" in notes


def test_a_text_that_is_no_unicode_is_mended(tmp_path):
    path = lines(tmp_path / "s.jsonl", ['{"problem": "a\\ud800", "answer": "4", "correct": 1}'])
    table = read_samples([path])
    assert table.columns["problem"] == ["a?"]
    table.save(tmp_path / "bank")
    assert SampleBank.open(tmp_path / "bank").counts().problems == ("a?",)


def test_fields_may_be_named_and_unknown_ones_are_refused(tmp_path):
    path = lines(tmp_path / "s.jsonl", ["{broken", [1], {"q": "a", "ok": True, "rm": 2.5}])
    table = read_samples([path], {"problem": "q", "correct": "ok", "score:rm": "rm"})
    assert table.verifiers == ("rm",)
    assert len(table.notes) == 2
    with pytest.raises(BadRuns, match="no field for problem"):
        read_samples([path])
    with pytest.raises(UsageError, match="no field 'okay'; did you mean 'ok'"):
        read_samples([path], {"problem": "q", "correct": "okay"})
    with pytest.raises(UsageError, match="did you mean 'correct'"):
        read_samples([path], {"corect": "ok"})


def test_the_command_fills_a_bank_and_does_so_once(tmp_path, capsys):
    path = tmp_path / "samples.csv"
    path.write_text("problem,answer,correct\na,4,1\na,5,0\nb,4,0\nb,4,0\n")
    bank = str(tmp_path / "bank")
    for _ in range(2):
        assert cli.main(["import", str(path), "--as", "samples", "--out", bank, "--json"]) == 0
    said = json.loads(capsys.readouterr().out.split("\n}\n")[0] + "\n}")
    assert said["found"][0]["samples"] == 4
    counts = SampleBank.open(bank).counts()
    assert (counts.solved.tolist(), counts.attempts.tolist()) == ([1, 0], [2, 2])
    with pytest.raises(UsageError, match="--set knows nothing"):
        importers.kind("samples").read([str(path)], {}, {"x": "1"})


@pytest.mark.parametrize("header", ["problem,solved,tried", "id,Num_Correct,num_samples"])
def test_counts_are_no_samples(tmp_path, capsys, header):
    path, bank = tmp_path / "counts.csv", tmp_path / "bank"
    path.write_text(f"{header}\na,1,10\nb,0,10\nc,5,10\n")
    assert cli.main(["import", str(path), "--as", "samples", "--out", str(bank)]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "counts.csv holds counts (" in said
    assert "testtime curves" in said
    assert not bank.exists()
    path.write_text("problem,solved,tried,right\na,1,10,1\n")
    assert read_samples([str(path)], {"correct": "right"}).columns["correct"] == [True]


def test_an_empty_file_says_what_is_needed(tmp_path):
    path = tmp_path / "empty.csv"
    path.write_text("")
    with pytest.raises(BadRuns, match=r"no samples; .* problem and correct"):
        read_samples([str(path)])


@given(data=st.binary(max_size=300), kind=st.sampled_from(["json", "jsonl", "csv", "eval"]))
def test_no_bytes_end_in_a_traceback(tmp_path_factory, data, kind):
    path = tmp_path_factory.mktemp("logs") / f"log.{kind}"
    path.write_bytes(data)
    with pytest.raises((BadRuns, UsageError)):
        read_samples([str(path)])
