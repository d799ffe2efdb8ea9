"""Logs of reinforcement learning become reward curves: each format, restarts, gaps, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop import cli
from isoflop.errors import BadRuns, IsoflopError, UnknownName, UsageError, texts
from isoflop.sources import importers, read
from isoflop.sources.simulated import sample_log, sample_responses, sample_rl
from isoflop.sources.training_logs import Log, history_of, joined, read_logs

TRL = [
    {"step": 0, "eval_reward": 0.2},
    {"step": 10, "reward": 0.31, "entropy": 0.5, "frac_reward_zero_std": 0.4,
     "completions/clipped_ratio": 0.03, "step_time": 36.0},
    {"step": 10, "eval_reward": 0.3},
    {"step": 20, "reward": 0.41, "entropy": 0.4, "frac_reward_zero_std": 0.5,
     "completions/clipped_ratio": 0.04, "step_time": 36.0},
    {"step": 20, "eval_reward": 0.4},
]  # fmt: skip


def imported(*logs, columns=None, **settings):
    settings = {k.replace("_", "-"): v for k, v in settings.items()}
    return importers.kind("rl").read([str(log) for log in logs], columns or {}, settings)


def lines(path, records):
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    return path


def test_trl_in_trainer_state_and_in_lines_is_one_curve(tmp_path):
    state = tmp_path / "run" / "checkpoint-20" / "trainer_state.json"
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"global_step": 20, "log_history": TRL}))
    for source in (tmp_path / "run", lines(tmp_path / "run.jsonl", TRL)):
        runs = imported(source).table
        assert runs["R"].tolist() == [0.3, 0.4]
        assert runs["start"].tolist() == [0.2, 0.2]
        assert runs["truncated"].tolist() == [0.03, 0.04]
        assert runs["unvaried"].tolist() == [0.4, 0.5]
        assert runs["entropy"].tolist() == [0.5, 0.4]
        assert set(runs.labels["run"]) == {"run"}


def test_compute_comes_in_the_unit_that_is_named(tmp_path):
    log = lines(tmp_path / "run.jsonl", TRL)
    assert imported(log, hours_per_step="0.5").table["hours"].tolist() == [5, 10]
    assert imported(log, C_per_step="1e15").table["C"].tolist() == [1e16, 2e16]
    # 36 s a step on 100 GPUs is one GPU-hour.
    assert imported(log, gpus="100").table["hours"].tolist() == [10, 20]
    with pytest.raises(UsageError, match="above zero"):
        imported(log, hours_per_step="-1")
    with pytest.raises(UsageError, match="did you mean 'hours-per-step'"):
        imported(log, hours_per_stp="1")


def test_verl_in_lines_and_on_its_console(tmp_path):
    records = [
        {"step": s, "data": {"val-core/math/acc/mean@16": 0.1 * s, "actor/entropy": 1.0 / s,
                             "response_length/clip_ratio": 0.01, "critic/score/mean": 0.5}}
        for s in (1, 2, 3)
    ]  # fmt: skip
    console = tmp_path / "verl.log"
    console.write_text(
        "(TaskRunner pid=1) step:1 - val-core/math/acc/mean@16:np.float64(0.1) - actor/entropy:1.0"
        " - response_length/clip_ratio:0.01\n"
        "something else: 3 - 4\n"
        "(TaskRunner pid=1) step:2 - val-core/math/acc/mean@16:0.2 - actor/entropy:0.5"
        " - response_length/clip_ratio:1e-2\n"
    )
    first = imported(lines(tmp_path / "verl.jsonl", records)).table
    second = imported(console).table
    assert first["R"][:2] == pytest.approx(second["R"])
    assert second["entropy"].tolist() == [1.0, 0.5]
    assert second["truncated"].tolist() == [0.01, 0.01]


def test_openrlhf_and_prime_rl_by_their_own_names(tmp_path):
    console = tmp_path / "openrlhf.out"
    console.write_text(
        "INFO Global step 1: {'reward': 0.3, 'eval_math_pass1': 0.31, "
        "'dynamic_filtering_pass_rate': 70.0}\n"
        "INFO Global step 2: {'reward': 0.4, 'eval_math_pass1': 0.41, "
        "'dynamic_filtering_pass_rate': 60.0}\n"
    )
    runs = imported(console).table
    assert runs["R"].tolist() == [0.31, 0.41]
    assert runs["unvaried"] == pytest.approx([0.3, 0.4])
    prime = lines(tmp_path / "prime.jsonl", [
        {"step": s, "eval/aime/avg@8": 0.2 + 0.1 * s, "effective_batch_size/all": 0.6,
         "is_truncated/all/mean": 0.02, "progress/total_samples": 512 * s, "entropy/all/mean": 0.3}
        for s in (1, 2)
    ])  # fmt: skip
    made = imported(prime).table
    assert made["rollouts"].tolist() == [512, 1024]
    assert made["unvaried"] == pytest.approx([0.4, 0.4])


def test_a_chart_exported_from_weights_and_biases_holds_several_runs(tmp_path):
    path = tmp_path / "chart.csv"
    path.write_text(
        '"Step","cispo-1 - eval/reward","cispo-1 - eval/reward__MIN","grpo-1 - eval/reward"\n'
        "1,0.3,0.3,0.31\n2,0.4,0.4,\n3,0.5,0.5,0.36\n"
    )
    runs = imported(path).table
    by_run = {n: runs["R"][runs.labels["run"] == n].tolist() for n in ("cispo-1", "grpo-1")}
    assert by_run["cispo-1"] == [0.3, 0.4, 0.5]
    assert [v for v in by_run["grpo-1"] if v == v] == [0.31, 0.36]


def test_runs_of_one_log_are_repeats_of_a_recipe_unless_told_apart(tmp_path):
    log = lines(tmp_path / "both.jsonl", [{"run": name, **r} for name in "ab" for r in TRL])
    together = imported(log)
    assert "family" not in together.table.labels
    assert any("count as repeats of one" in note.text for note in together.notes)
    apart = imported(log, recipe="run")
    assert apart.table.labels["family"].tolist() == ["a", "a", "b", "b"]
    assert not any("repeats" in note.text for note in apart.notes)
    assert dict(zip(apart.columns, apart.rows[0], strict=True))["R_0"] == 0.2
    with pytest.raises(UsageError, match="log or run"):
        imported(log, recipe="seed")


def test_tensorboard_folders_are_runs(tmp_path):
    pytest.importorskip("tensorboard", reason="needs the extra tensorboard")
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    for name, gain in (("a", 0.1), ("b", 0.2)):
        writer = EventFileWriter(str(tmp_path / "logs" / name))
        for step in (1, 2, 3):
            value = Summary.Value(tag="eval/reward", simple_value=gain * step)
            writer.add_event(Event(step=step, wall_time=step, summary=Summary(value=[value])))
        writer.close()
    runs = imported(f"cispo={tmp_path / 'logs'}").table
    assert sorted(set(runs.labels["run"])) == ["a", "b"]
    assert set(runs.labels["family"]) == {"cispo"}
    assert runs["R"][runs.labels["run"] == "b"] == pytest.approx([0.2, 0.4, 0.6])


def test_a_restarted_run_is_joined_aloud_or_refused_and_never_doubled(tmp_path):
    again = [*TRL, {"step": 15, "eval_reward": 0.33}, {"step": 20, "eval_reward": 0.44}]
    log = lines(tmp_path / "run.jsonl", again)
    made = imported(log)
    assert made.table["steps"].tolist() == [10, 15, 20]
    assert made.table["R"].tolist() == [0.3, 0.33, 0.44]
    assert any("restarted at step 15 after step 20" in note.text for note in made.notes)
    with pytest.raises(BadRuns, match="stand twice"):
        imported(log, restarts="refuse")
    with pytest.raises(BadRuns, match="comes twice"):
        imported(log, log)


def test_gaps_are_said():
    log = Log("a", "", "a", history_of({"step": s} for s in (1, 2, 3, 4, 50, 51)))
    assert texts(joined(log, "step").notes) == ["a: nothing between step 4 and step 50"]


@given(st.lists(st.integers(0, 30), min_size=1, max_size=40))
def test_whatever_is_restarted_steps_rise_and_the_last_word_counts(steps):
    records = tuple({"step": s, "eval_reward": float(i)} for i, s in enumerate(steps))
    made = joined(Log("a", "", "a", history_of(records)), "step")
    assert list(made.steps) == sorted(set(made.steps))
    last = {s: i for i, s in enumerate(steps)}
    assert [r["eval_reward"] for r in made.records] == [last[int(s)] for s in made.steps]


@given(st.binary(max_size=200), st.sampled_from(["jsonl", "json", "log", "csv"]))
def test_no_log_brings_the_reader_down(tmp_path_factory, content, kind):
    path = tmp_path_factory.mktemp("logs") / f"x.{kind}"
    path.write_bytes(content)
    try:
        found = read_logs(str(path))
    except IsoflopError:
        return
    assert all(log.records for log in found)


def test_what_cannot_be_told_is_refused_in_words(tmp_path):
    training = lines(tmp_path / "t.jsonl", [{"step": 1, "reward": 0.3}, {"step": 2, "reward": 0.4}])
    with pytest.raises(BadRuns, match="--set reward=training"):
        imported(training)
    made = imported(training, reward="training")
    assert made.table["R"].tolist() == [0.3, 0.4]
    assert any("problems that are trained on" in note.text for note in made.notes)
    nothing = lines(tmp_path / "n.jsonl", [{"step": 1, "loss": 0.3}])
    with pytest.raises(BadRuns, match="no evaluation and no reward"):
        imported(nothing)
    two = lines(tmp_path / "two.jsonl", [{"step": 1, "eval/a/avg@8": 0.3, "eval/b/avg@8": 0.4}])
    with pytest.raises(BadRuns, match="several that could be R"):
        imported(two)
    assert imported(two, columns={"R": "eval/b/avg@8"}).table["R"].tolist() == [0.4]
    with pytest.raises(UnknownName, match="avg"):
        imported(two, columns={"R": "eval/b/avg"})
    with pytest.raises(BadRuns, match="there is no log"):
        imported(tmp_path / "missing.jsonl")
    with pytest.raises(UnknownName, match="kind of log"):
        importers.kind("sft")


def test_runs_that_count_in_different_units_are_not_mixed(tmp_path):
    a = lines(tmp_path / "a.jsonl", [{"step": 1, "hours": 2.0, "eval_reward": 0.3}])
    b = lines(tmp_path / "b.jsonl", [{"step": 1, "eval_reward": 0.3}])
    with pytest.raises(BadRuns, match="mixed units: a say their hours"):
        imported(a, b)
    with pytest.raises(UsageError, match="two units"):
        imported(a, hours_per_step="1")


def test_the_command_writes_what_rl_fit_reads(tmp_path, capsys):
    out = tmp_path / "curve.csv"
    code = cli.main(["import", "cispo=sample:rl-log", "--as", "rl", "--out", str(out), "--json"])
    assert code == 0
    said = json.loads(capsys.readouterr().out)
    assert said["rows"] == 150
    assert said["found"][0]["recipe"] == "cispo"
    assert "restarted at step 610 after step 700" in said["notes"][0]
    assert cli.main(["rl", "fit", str(out), "--json"]) == 0
    fit = json.loads(capsys.readouterr().out)["recipes"]["cispo"]
    assert fit["parameters"]["R_0"] == pytest.approx(0.2197)
    low, high = fit["intervals"]["A"]
    assert low < 0.68 < high
    assert cli.main(["import", "--as", "rl", "--out", str(out)]) == 2
    assert cli.main(["import", "x", "--as", "rll", "--out", str(out)]) == 2


@pytest.mark.parametrize(("name", "made"), [("rl", sample_rl), ("rl-responses", sample_responses)])
def test_packaged_samples_are_what_the_simulator_makes(name, made):
    assert read(f"sample:{name}").digest == made().digest


def test_the_packaged_log_is_what_the_simulator_makes():
    (log,) = read_logs("sample:rl-log")
    assert [dict(r) for r in log.records] == sample_log()


def test_a_callback_writes_a_run_that_is_read_back_and_survives_a_restart(tmp_path):
    """The trainer is not run: its states and logs are given to the callback that TRL would call."""
    transformers = pytest.importorskip("transformers", reason="needs the extra hf")
    from isoflop.monitor import trl_callback

    path = tmp_path / "live.jsonl"
    kept = trl_callback(path, run="a", recipe="cispo", per_step={"hours": 0.5})
    assert isinstance(kept, transformers.TrainerCallback)
    state = transformers.TrainerState(is_world_process_zero=True)
    control = transformers.TrainerControl()

    def log(step, logs, callback=kept):
        state.global_step = step
        callback.on_log(None, state, control, logs=logs)

    state.global_step = 0
    kept.on_train_begin(None, state, control)
    for record in TRL:
        log(record["step"], {k: v for k, v in record.items() if k != "step"})
    log(20, {"train_runtime": 3.0})
    runs = imported(path).table
    assert runs["R"].tolist() == [0.3, 0.4]
    assert runs["hours"].tolist() == [5, 10]
    assert set(runs.labels["run"]) == {"a"}
    assert set(runs.labels["family"]) == {"cispo"}
    state.global_step = 10  # resumed from the checkpoint of step 10
    kept.on_train_begin(None, state, control)
    log(20, {"eval_reward": 0.45})
    assert imported(path).table["R"].tolist() == [0.3, 0.45]
    with pytest.raises(UsageError, match="per_step"):
        trl_callback(path, per_step={"days": 1.0})
    assert np.isfinite(imported(path).table["start"]).all()
