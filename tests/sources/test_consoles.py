"""Consoles and logs of training programs: each format gives the numbers that it prints."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import BadRuns, IsoflopError, UnknownName, UsageError
from isoflop.sources.import_logs import import_logs
from isoflop.sources.training_logs import Log, history_of, read_logs
from isoflop.sources.training_logs.timeline import timeline

NANOGPT = """tokens per iteration will be: 491,520
number of parameters: 123.59M
step 0: train loss 10.9898, val loss 10.9879
iter 0: loss 10.9886, time 41313.47ms, mfu -100.00%
iter 10: loss 9.6410, time 1017.21ms, mfu 42.10%
step 20: train loss 8.9010, val loss 8.9100
iter 20: loss 8.8000, time 1017.21ms, mfu 42.10%
"""
NANOCHAT = """Number of parameters: 560,988,160
Total batch size 524,288 => gradient accumulation steps: 8
Total number of training tokens: 11,219,763,200
Step 00000 | Validation bpb: 3.228247
step 00000/21400 (0.00%) | loss: 11.090355 | lrm: 0.50 | dt: 1436.54ms | tok/sec: 11,405 | mfu: 0.1
step 00050/21400 (0.23%) | loss: 8.966355 | lrm: 1.00 | dt: 1343.33ms | tok/sec: 12,196 | mfu: 0.2
Step 00100 | Validation bpb: 1.512345
step 00100/21400 (0.47%) | loss: 6.100000 | lrm: 0.75 | dt: 1343.33ms | tok/sec: 12,196 | mfu: 0.2
"""
LLM_C = """| num_parameters        | 124475904                                          |
val loss 11.009463
step    1/19560 | loss 11.009485 (+nanz)| norm 15.3562 (+nanz)| lr 8.57e-07 | 2910.62 ms | 9 tok/s
step    2/19560 | loss 10.958507 (+nanz)| norm 15.1001 (+nanz)| lr 1.71e-06 | 2488.70 ms | 9 tok/s
val loss 10.900000
"""
LLM_C_SHORT = (
    "s:0 tel:11.0095\ns:0 trl:11.0094 lr:0.000001\ns:250 trl:6.41 lr:0.0002\ns:250 tel:6.4\n"
)
MEGATRON = """  seq_length ...................................... 2048
 > number of parameters on (tensor, pipeline) model parallel rank (0, 0): 177430528
 > number of parameters on (tensor, pipeline) model parallel rank (1, 0): 177430528
 [2024-03-01 10:00:00] iteration       10/  500000 | consumed samples:         2560 | elapsed time \
per iteration (ms): 600.1 | learning rate: 6.000000E-06 | global batch size:   256 | lm loss: \
1.012345E+01 | loss scale: 1.0 | grad norm: 2.345 | number of skipped iterations:   0 |
 [2024-03-01 10:00:06] iteration       20/  500000 | consumed samples:         5120 | elapsed time \
per iteration (ms): 600.1 | learning rate: 1.200000E-05 | global batch size:   256 | lm loss: \
9.012345E+00 | loss scale: 1.0 | grad norm: 2.345 | number of skipped iterations:   0 |
 validation loss at iteration 20 | lm loss value: 8.912345E+00 | lm loss PPL: 7.42E+03 |
"""
NEMO = """\
Training epoch 0, iteration 0/99 | lr: 5.6e-06 | global_batch_size: 32 | global_step: 0 \
| reduced_train_loss: 10.5 | train_step_timing in s: 0.189 | consumed_samples: 32
0: Training epoch 0, iteration 1/99 | lr: 5.8e-06 | global_batch_size: 32 | global_step: 1 | \
reduced_train_loss: 9.5 | train_step_timing in s: 0.189 | consumed_samples: 64 | val_loss: 9.4
"""
TORCHTITAN = """\
[titan] 2025-01-01 12:00:00 - root - INFO - Model llama3 size: 6,139,136 total parameters
[rank0]:[titan] INFO - \x1b[31mstep:  1  \x1b[32mloss: 12.2721  \x1b[38mgrad_norm: 1.2  \
\x1b[33mmemory: 2.03GiB(2%)  \x1b[34mtps: 7,000  \x1b[36mtflops: 3.3  \x1b[35mmfu: 0.3%\x1b[39m
[rank0]:[titan] INFO - step: 10  loss:  8.27210  grad_norm:  1.2  memory: 2.03GiB(2%)  tps: 7,000
[rank0]:[titan] INFO - validate step: 10  loss:  8.3000  memory: 2.03GiB(2%)
"""
OLMO = """[2024-04-17 09:42:26] INFO     [olmo.train:816, rank=0] [step=1/739328]
    train/CrossEntropyLoss=11.25
    throughput/total_tokens=4,194,304
    optim/learning_rate_group0=0.0001
[2024-04-17 09:42:38] INFO     [olmo.train:816, rank=0] [step=2/739328]
    train/CrossEntropyLoss=10.73
    throughput/total_tokens=8,388,608
    optim/learning_rate_group0=0.0002
"""
OLMO_CORE = """2025-01-01 00:00:00 INFO rank=0 [step=1000/476,837,epoch=1]
    optim/LR (group 0)=0.0003
    train/CE loss=3.250
    train/PPL=25.79
    throughput/total tokens=4,194,304,000
2025-01-01 00:00:09 INFO rank=0 [step=1,010/476,837,epoch=1]
    optim/LR (group 0)=0.0004
    train/CE loss=3.125
    throughput/total tokens=4,236,247,040
"""
LEVANTER = "\n".join(
    json.dumps(record)
    for record in (
        {"tracker": "json_logger", "event": "hparams", "hparams": {"parameter_count": 1.4e8}},
        {"tracker": "json_logger", "event": "log", "step": 1, "metrics": {
            "train/loss": 9.5, "optim/learning_rate": 1e-4, "throughput/total_tokens": 1e6}},
        {"tracker": "json_logger", "event": "log", "step": 2, "metrics": {
            "train/loss": 9.0, "optim/learning_rate": 2e-4, "throughput/total_tokens": 2e6}},
        {"tracker": "json_logger", "event": "log", "step": 2, "metrics": {"eval/loss": 9.1}},
    )
)  # fmt: skip
LITGPT = """Total parameters: 1,100,048,384
Epoch 1 | iter 1 step 0 | loss train: 10.979, val: n/a | iter time: 3194.35 ms
Epoch 1 | iter 2 step 1 | loss train: 10.660, val: n/a | iter time: 548.72 ms (step)
iter 4: val loss 10.5000, val time: 100.00 ms
Epoch 1 | iter 4 step 2 | loss train: 10.597, val: 10.500 | iter time: 595.27 ms (step)
"""
MAXTEXT = """I0101 10:00:00.1 77 metric_logger.py:275] number parameters: 1.104 billion
I0101 10:00:01.1 77 metric_logger.py:181] completed step: 0, seconds: 31.7, TFLOP/s/device: 3.2, \
Tokens/s/device: 129.1, total_weights: 8192, loss: 12.047
I0101 10:00:02.1 77 metric_logger.py:181] completed step: 1, seconds: 0.3, TFLOP/s/device: 98.7, \
Tokens/s/device: 6345.5, total_weights: 8000, loss: 10.876
I0101 10:00:03.1 77 metric_logger.py:190] eval metrics after step: 1, loss=10.951, \
total_weights=65536
"""
COMPOSER = """[2026-01-01 10:00:00,000][composer.trainer.trainer][INFO] - Run name: an-owl
[batch=1/20]:
\t Train time/token: 0
\t Train loss/train/total: 0.0053
\t Train metrics/train/LanguageCrossEntropy: 10.9476
\t Train lr-DecoupledAdamW/group0: 0.0001
[batch=10/20]:
\t Train time/token: 18432
\t Train loss/train/total: 0.0053
\t Train metrics/train/LanguageCrossEntropy: 10.8053
\t Train lr-DecoupledAdamW/group0: 0.0010
[Eval batch=5/5] Eval on eval data:
\t Eval metrics/eval/LanguageCrossEntropy: 10.8210
"""
MODDED = """step:0/1750 val_loss:10.8258 train_time:0ms step_avg:0.02ms
step:125/1750 val_loss:4.6423 train_time:17013ms step_avg:136.10ms
"""
SOMEBODY = """2025-05-01 epoch 1, step 100: train loss = 4.25, lr=3.0e-04, tokens seen 13.1M
2025-05-01 epoch 1, step 200: train loss = 3.75, lr=2.0e-04, tokens seen 26.2M
"""
PRIME_RL = """12:00:01 SUCCESS Step 0 | Time: 30.10s | Reward: 0.2512 | Throughput: 2345.0 tokens/s
12:00:31 SUCCESS Evaluated aime2024 in 20.00s (Avg@16=0.1234, Pass@8: 0.25)
12:01:01 SUCCESS Step 1 | Time: 31.10s | Reward: 0.3512 | Throughput: 2345.0 tokens/s
12:01:31 SUCCESS Evaluated aime2024 in 20.00s (Avg@16=0.2234, Pass@8: 0.25)
"""

# Text, and what a curve of it holds: columns by name, NaN where a record lacks a number.
nan = float("nan")
FORMATS = {
    "nanoGPT": (NANOGPT, {
        "step": [0, 10, 20], "loss": [10.9886, 9.6410, 8.8], "val loss": [10.9879, nan, 8.91],
        "tokens": [0, 4_915_200, 9_830_400]}),
    "nanochat": (NANOCHAT, {
        "step": [0, 50, 100], "loss": [11.090355, 8.966355, 6.1], "lr": [0.5, 1.0, 0.75],
        "val/bpb": [3.228247, nan, 1.512345], "tokens": [0, 26_214_400, 52_428_800]}),
    "llm.c": (LLM_C, {
        "step": [0, 1, 2], "loss": [nan, 11.009485, 10.958507], "lr": [nan, 8.57e-7, 1.71e-6],
        "val loss": [11.009463, nan, 10.9]}),
    "llm.c, short": (LLM_C_SHORT, {
        "step": [0, 250], "loss": [11.0094, 6.41], "val loss": [11.0095, 6.4], "lr": [1e-6, 2e-4]}),
    "Megatron-LM": (MEGATRON, {
        "step": [10, 20], "loss": [10.12345, 9.012345], "lr": [6e-6, 1.2e-5],
        "validation lm loss value": [nan, 8.912345], "tokens": [5_242_880, 10_485_760]}),
    "NeMo": (NEMO, {
        "step": [0, 1], "loss": [10.5, 9.5], "lr": [5.6e-6, 5.8e-6], "val_loss": [nan, 9.4]}),
    "torchtitan": (TORCHTITAN, {
        "step": [1, 10], "loss": [12.2721, 8.2721], "validate/loss": [nan, 8.3]}),
    "OLMo": (OLMO, {
        "step": [1, 2], "loss": [11.25, 10.73], "tokens": [4_194_304, 8_388_608],
        "lr": [1e-4, 2e-4]}),
    "OLMo-core": (OLMO_CORE, {
        "step": [1000, 1010], "loss": [3.25, 3.125], "tokens": [4_194_304_000, 4_236_247_040],
        "lr": [3e-4, 4e-4]}),
    "Levanter": (LEVANTER, {
        "step": [1, 2], "loss": [9.5, 9.0], "lr": [1e-4, 2e-4], "tokens": [1e6, 2e6],
        "eval/loss": [nan, 9.1]}),
    "LitGPT": (LITGPT, {
        "step": [0, 1, 2], "loss": [10.979, 10.66, 10.597], "val loss": [nan, 10.5, 10.5]}),
    "MaxText": (MAXTEXT, {
        "step": [0, 1], "loss": [12.047, 10.876], "eval loss": [nan, 10.951],
        "tokens": [8192, 16192]}),
    "Composer": (COMPOSER, {
        "step": [1, 10], "loss": [10.9476, 10.8053], "lr": [1e-4, 1e-3],
        "metrics/eval/LanguageCrossEntropy": [nan, 10.821], "tokens": [0, 18432]}),
    "another program": (MODDED, {"step": [0, 125], "loss": [10.8258, 4.6423]}),
    "somebody's program": (SOMEBODY, {
        "step": [100, 200], "loss": [4.25, 3.75], "lr": [3e-4, 2e-4], "tokens": [13.1e6, 26.2e6]}),
}  # fmt: skip
SIZES = {
    "nanoGPT": 123.59e6,
    "nanochat": 560_988_160,
    "llm.c": 124_475_904,
    "Megatron-LM": 354_861_056,
    "torchtitan": 6_139_136,
    "Levanter": 1.4e8,
    "LitGPT": 1_100_048_384,
    "MaxText": 1.104e9,
}


def topics(imported):
    return [note.topic for note in imported.notes]


@pytest.mark.parametrize("name", FORMATS)
def test_a_console_gives_the_numbers_that_it_prints(name, tmp_path):
    text, expected = FORMATS[name]
    path = tmp_path / "a-run.log"  # a name that says nothing
    path.write_text(text)
    table = import_logs(str(path), kind="curves").table
    for column, values in expected.items():
        np.testing.assert_allclose(table.columns[column], values, err_msg=column)
    assert set(table.labels["run"]) == {"a-run"}


@pytest.mark.parametrize("name", SIZES)
def test_a_console_says_the_size_of_its_model(name, tmp_path):
    path = tmp_path / "a-run.txt"
    path.write_text(FORMATS[name][0])
    runs = import_logs(str(path), kind="runs")
    assert runs.table.columns["N"].tolist() == [pytest.approx(SIZES[name])]
    if "D" in runs.table.columns:
        D = runs.table.columns["D"]
        assert runs.table.columns["C"].tolist() == [6 * SIZES[name] * D[0]]


def test_prime_rl_is_read_by_the_names_of_its_metrics(tmp_path):
    path = tmp_path / "orchestrator.log"
    path.write_text(PRIME_RL)
    runs = import_logs(str(path)).table
    assert runs["R"].tolist() == [0.2234]
    assert runs["start"].tolist() == [0.1234]


def test_trl_prints_no_step_and_none_of_its_records_is_lost(tmp_path):
    lines = [
        f"{5 * i}%|# | {5 * i}/200 [10:01<1:00:00, 24.1s/it]"
        f"{{'loss': 0.1, 'reward': {0.3 + i / 100}, 'epoch': {round(i / 150, 2)}}}"
        for i in range(1, 41)
    ]
    path = tmp_path / "trl.log"
    path.write_text("\n".join(lines))
    imported = import_logs(str(path), settings={"reward": "training"})
    assert imported.kind == "rl"
    assert imported.table["steps"].tolist() == [5.0 * i for i in range(1, 41)]
    assert "step" in topics(imported)
    # Without a bar records are numbered, which is a doubt.
    path.write_text("\n".join(line[line.index("{") :] for line in lines))
    counted = import_logs(str(path), kind="rl", settings={"reward": "training"}, columns={
        "steps": "record"})  # fmt: skip
    assert len(counted.table) == 40
    assert [n.kind for n in counted.notes if n.topic == "step"] == ["doubt"]


def test_a_log_is_told_by_what_it_holds_and_may_be_packed(tmp_path):
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(MEGATRON.encode()))
    (log,) = read_logs(str(path))
    assert log.program == "Megatron-LM"
    cut = tmp_path / "y.gz"
    data = gzip.compress(b"\n".join(b"iter %d: loss 3.%d, time 1ms" % (i, i) for i in range(9999)))
    cut.write_bytes(data[: len(data) // 2])
    imported = import_logs(str(cut), kind="curves")
    assert 100 < len(imported.table) < 9999
    assert "damaged" in topics(imported)


def test_a_restart_is_joined_and_what_it_did_again_is_counted(tmp_path):
    path = tmp_path / "run.log"
    steps = [*range(0, 60, 10), *range(30, 90, 10)]
    path.write_text(
        "\n".join(f"iter {s}: loss {5 - i / 10}, time 1ms" for i, s in enumerate(steps))
    )
    imported = import_logs(str(path), kind="curves")
    assert imported.table.columns["step"].tolist() == list(range(0, 90, 10))
    assert imported.table.columns["loss"][3] == pytest.approx(5 - 6 / 10)
    (note,) = [n for n in imported.notes if n.topic == "restart"]
    assert "restarted at step 30 after step 50" in note.text
    assert "3 records" in note.text
    with pytest.raises(BadRuns, match="restarts=join"):
        import_logs(str(path), kind="curves", settings={"restarts": "refuse"})


@given(st.lists(st.integers(0, 20), min_size=1, max_size=40))
def test_whatever_is_restarted_the_last_word_counts(steps):
    records = [{"step": s, "loss": float(i + 1)} for i, s in enumerate(steps)]
    joined = timeline(Log("a", "", "a", history_of(records)), "step", ["loss"])
    last: dict[int, float] = {}
    for i, step in enumerate(steps):
        last = {s: v for s, v in last.items() if s < step}
        last[step] = float(i + 1)
    assert dict(zip(joined.steps, joined.columns["loss"], strict=True)) == last


def test_an_evaluation_that_comes_late_is_no_restart(tmp_path):
    records = [{"step": s, "loss": 3.0 - s / 10} for s in range(1, 6)]
    records.insert(4, {"step": 2, "eval_loss": 2.9})
    path = tmp_path / "late.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    imported = import_logs(str(path), kind="curves")
    assert "restart" not in topics(imported)
    assert imported.table.columns["eval_loss"].tolist()[1] == 2.9
    assert len(imported.table) == 5


def run_lines(path, name, *, loss=3.0, **more):
    records = [{"run": name, "step": s, "loss": loss + 1 / s, "val_loss": loss + 1.1 / s, **more}
               for s in range(1, 9)]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(json.dumps, records)))
    return path


def test_two_runs_of_one_name_are_told_apart_aloud(tmp_path):
    run_lines(tmp_path / "a" / "x.jsonl", "base", loss=3.0)
    run_lines(tmp_path / "b" / "x.jsonl", "base", loss=3.5)
    imported = import_logs(str(tmp_path), kind="runs")
    assert len(set(imported.table.labels["run"])) == 2
    assert "names" in topics(imported)


def test_runs_without_sizes_and_of_several_tokenizers_are_doubted(tmp_path):
    header = json.dumps({"log_history": [{"step": s, "loss": 4 - s / 10} for s in range(1, 9)],
                         "tokenizer": "gpt2", "n_params": 1000})  # fmt: skip
    (tmp_path / "a.json").write_text(header)
    (tmp_path / "b.json").write_text(
        header.replace("gpt2", "llama").replace('"n_params": 1000', '"x": 1').replace("3.9", "3.8")
    )
    imported = import_logs(str(tmp_path), kind="runs")
    doubts = {n.topic: n.text for n in imported.notes if n.kind == "doubt"}
    assert "gpt2, llama" in doubts["tokenizer"]
    assert "1 run says no size: b" in doubts["N"]
    assert "loss of training" in doubts["L"]
    assert "no tokens" in doubts["D"]
    told = import_logs(
        str(tmp_path), kind="runs", settings={"N": "2M", "batch": "1000"}
    ).table.columns
    assert told["N"].tolist() == [2e6, 2e6]
    assert told["D"].tolist() == [8000, 8000]


def test_held_out_losses_come_first_and_values_decide(tmp_path):
    records = [
        {"step": s, "train/loss": 3 - s / 10, "val/loss": -1, "eval/loss": 3.1 - s / 10,
         "aux_loss": 0.1, "loss_scale": 1.0, "train_loss_std": 0.3}
        for s in range(1, 9)
    ]  # fmt: skip
    path = tmp_path / "x.jsonl"
    path.write_text("\n".join(map(json.dumps, records)))
    table = import_logs(str(path), kind="runs").table
    assert table.columns["L"].tolist() == [pytest.approx(2.3)]
    assert "aux_loss" not in table.columns
    named = import_logs(str(path), kind="runs", columns={"L": "train/loss"}).table
    assert named.columns["L"].tolist() == [pytest.approx(2.2)]


def test_what_cannot_be_read_is_refused_in_words(tmp_path):
    text = tmp_path / "a.txt"
    text.write_text("nothing of the kind\n")
    with pytest.raises(BadRuns, match="holds no record of training"):
        import_logs(str(text))
    (tmp_path / "empty").mkdir()
    with pytest.raises(BadRuns, match="name a log itself"):
        import_logs(str(tmp_path / "empty"))
    log = run_lines(tmp_path / "x.jsonl", "base")
    with pytest.raises(UnknownName, match="vall_loss"):
        import_logs(str(log), kind="runs", columns={"L": "vall_loss"})
    with pytest.raises(UsageError, match="did you mean 'batch'"):
        import_logs(str(log), kind="runs", settings={"bach": "1"})
    with pytest.raises(UsageError, match="--set N"):
        import_logs(str(log), kind="runs", settings={"N": "big"})
    with pytest.raises(UsageError, match="name the logs"):
        import_logs()


def test_lines_that_are_no_json_are_counted(tmp_path):
    path = run_lines(tmp_path / "x.jsonl", "base")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:3], "{broken", *lines[3:]]))
    imported = import_logs(str(path), kind="curves")
    assert len(imported.table) == 8
    (note,) = [n for n in imported.notes if n.topic == "damaged"]
    assert note.rows == (4,)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200), st.sampled_from(sorted(FORMATS)), st.integers(0, 400))
def test_no_text_brings_a_reader_down(tmp_path_factory, noise, name, at):
    text = FORMATS[name][0]
    path = tmp_path_factory.mktemp("noise") / "x.log"
    path.write_text(text[:at] + noise + text[at:], encoding="utf-8", errors="replace")
    try:
        table = import_logs(str(path), kind="curves").table
    except IsoflopError:
        return
    assert (np.diff(table.columns["step"]) > 0).all() or len(set(table.labels["run"])) > 1
