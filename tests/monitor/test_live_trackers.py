"""Live runs in the stores of trackers: followed as they are written, each value once."""

from __future__ import annotations

import contextlib
import json
import shutil
import sqlite3
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import isoflop as iso
from isoflop import cli
from isoflop.errors import BadRuns, IsoflopError, RefusedByData, UnknownName
from isoflop.experiments.folder import CURVE, SPEC, TrialFolder
from isoflop.monitor import live
from isoflop.monitor.live.tail import follower
from isoflop.sources.training_logs import read_logs

STEPS = 40
PERIOD = "x_transaction_log_flush_interval"  # [s] after which W&B writes what was logged
foreign = pytest.mark.filterwarnings("ignore")  # of the trackers' libraries


def losses(seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (2 + 3 * np.arange(1, STEPS + 1) ** -0.5) * np.exp(0.005 * rng.standard_normal(STEPS))


class Wandb:
    """A run that is written offline, as W&B's own process does."""

    def __init__(self, folder: Path) -> None:
        import wandb

        options = {"silent": True, "disable_git": True}
        if hasattr(wandb.Settings(), PERIOD):
            options[PERIOD] = 0.2
        self.run = wandb.init(mode="offline", dir=str(folder), project="p", settings=options)
        self.source = Path(self.run.dir).parent

    def log(self, step: int, values: dict) -> None:
        self.run.log({"step": step, **values})

    def flush(self) -> None:
        """Wait until W&B's own process has written all that was logged."""
        (path,) = self.source.glob("*.wandb")
        until, size = time.monotonic() + 20, -1
        while time.monotonic() < until and (path.stat().st_size != size or size < 1_000):
            size = path.stat().st_size
            time.sleep(1)

    def close(self) -> None:
        self.run.finish()


class TensorBoard:
    def __init__(self, folder: Path) -> None:
        pytest.importorskip("torch", reason="its writer needs torch")
        from torch.utils.tensorboard import SummaryWriter

        self.source = folder / "run"
        self.writer = SummaryWriter(str(self.source))

    def log(self, step: int, values: dict) -> None:
        for name, value in values.items():
            self.writer.add_scalar(name, value, step)

    def flush(self) -> None:
        self.writer.flush()

    def close(self) -> None:
        self.writer.close()


class MLflow:
    def __init__(self, folder: Path) -> None:
        import mlflow

        self.source = folder / "mlflow.db"
        self.client = mlflow.MlflowClient(f"sqlite:///{self.source}")
        experiment = self.client.create_experiment("e", artifact_location=str(folder / "a"))
        self.run = self.client.create_run(experiment, run_name="mine").info.run_id

    def log(self, step: int, values: dict) -> None:
        for name, value in values.items():
            self.client.log_metric(self.run, name, value, step=step)

    def flush(self) -> None:
        """Do nothing: each call writes."""

    def close(self) -> None:
        self.client.set_terminated(self.run)


class MLflowFiles:
    """MLflow's store of files, which its newer versions write no more: written as they did."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "mlruns"
        run = self.source / "0" / ("a" * 32)
        self.metrics = run / "metrics"
        self.metrics.mkdir(parents=True)
        (self.source / "0" / "meta.yaml").write_text("name: Default\n")
        (run / "meta.yaml").write_text("run_name: mine\nstatus: 1\n")
        self.time = 1_700_000_000_000

    def log(self, step: int, values: dict) -> None:
        for name, value in values.items():
            self.time += 1
            path = self.metrics / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.write(f"{self.time} {value} {step}\n")

    def flush(self) -> None:
        """Do nothing: each call writes."""

    def close(self) -> None:
        """Do nothing."""


class Trackio:
    def __init__(self, folder: Path) -> None:
        self.source = folder / "p.db"
        with sqlite3.connect(self.source) as db:
            db.execute(
                "CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, run_id TEXT, "
                "timestamp TEXT, run_name TEXT, step INTEGER, metrics TEXT)"
            )

    def log(self, step: int, values: dict) -> None:
        with sqlite3.connect(self.source) as db:
            db.execute(
                "INSERT INTO metrics (run_id, timestamp, run_name, step, metrics) "
                "VALUES ('r', '2026-01-01T00:00:00', 'mine', ?, ?)",
                (step, json.dumps(values)),
            )

    def flush(self) -> None:
        """Do nothing: each call writes."""

    def close(self) -> None:
        """Do nothing."""


LIBRARIES = {Wandb: "wandb", TensorBoard: "tensorboard", MLflow: "mlflow"}
WRITERS = (Wandb, TensorBoard, MLflow, MLflowFiles, Trackio)


@pytest.fixture(params=WRITERS, ids=lambda kind: kind.__name__)
def writer(request, tmp_path, monkeypatch):
    name = LIBRARIES.get(request.param)
    if name is not None:
        pytest.importorskip(name, reason=f"needs {name}", exc_type=ImportError)
    monkeypatch.chdir(tmp_path)
    made = request.param(tmp_path)
    yield made
    made.close()


class Seen:
    """The losses and rates of the records of a run, with their steps."""

    def __init__(self) -> None:
        self.values: dict[str, list] = {"loss": [], "lr": []}

    def take(self, records) -> None:
        for record in records:
            for name in self.values.keys() & record.keys():
                self.values[name].append((int(record["step"]), record[name]))

    def of(self, name: str) -> tuple[list[int], list[float]]:
        steps, values = zip(*self.values[name], strict=True)
        return list(steps), list(values)


@foreign
def test_a_store_is_followed_as_it_is_written_each_value_once(writer):
    values, rates, seen = losses(), 1e-3 / np.arange(1, STEPS + 1), Seen()
    tail = None
    for step in range(1, STEPS + 1):
        writer.log(step, {"loss": float(values[step - 1]), "lr": float(rates[step - 1])})
        if step % 10 == 0:
            writer.flush()
            tail = tail or follower(writer.source)
            seen.take(tail.records())
            assert not tail.began_anew
    writer.close()
    seen.take(tail.records())
    for name, expected in (("loss", values), ("lr", rates)):
        steps, numbers = seen.of(name)
        assert steps == list(range(1, STEPS + 1))
        assert numbers == pytest.approx(expected, rel=1e-6)
    (log,) = read_logs(str(writer.source))
    again = live.watch(writer.source)
    assert again.losses == pytest.approx(log.history.series["loss"].values, rel=1e-6)
    assert again.alerts == ()


@foreign
def test_a_run_that_goes_back_in_a_store_raises_no_alert(writer):
    first, second = losses(0), losses(1)
    for step in range(1, 31):
        writer.log(step, {"loss": float(first[step - 1])})
    writer.flush()
    looks = live.follow(writer.source, every=0.05)
    look = next(looks)
    for step in range(21, STEPS + 1):
        writer.log(step, {"loss": float(second[step - 1])})
    writer.flush()
    until = time.monotonic() + 20
    while look.step < STEPS and time.monotonic() < until:
        look = next(looks)
    assert look.steps.tolist() == list(range(1, STEPS + 1))
    assert look.losses == pytest.approx([*first[:20], *second[20:]], rel=1e-6)
    assert [a.name for a in look.alerts] == ["restart"]
    assert not look.is_alarmed


def fixture(name: str) -> Path:
    return Path(__file__).parents[1] / "sources" / "fixtures" / name


def test_a_wandb_file_that_is_cut_anywhere_waits_for_the_rest(tmp_path):
    whole = (fixture("wandb") / "run-d10.wandb").read_bytes()
    (tmp_path / "w").mkdir()
    path = tmp_path / "w" / "run-d10.wandb"
    path.write_bytes(whole[:40])
    tail, records = follower(path), []
    for end in range(40, len(whole) + 41, 41):
        path.write_bytes(whole[:end])
        records += list(tail.records())
        assert not tail.began_anew
    (log,) = read_logs(str(path))
    assert [r["train/loss"] for r in records if "train/loss" in r] == pytest.approx(
        log.history.series["train/loss"].values
    )
    path.write_bytes(whole[: len(whole) // 2])  # cut, and written anew
    again = list(tail.records())
    assert tail.began_anew
    assert 0 < len(again) < len(records)


def test_events_that_are_cut_anywhere_wait_and_a_new_file_goes_on(tmp_path):
    source = next((fixture("tensorboard") / "d10").iterdir())
    whole = source.read_bytes()
    folder = tmp_path / "run"
    folder.mkdir()
    path = folder / source.name
    path.write_bytes(whole[:30])
    tail, records = follower(folder), []
    for end in range(30, len(whole) + 31, 31):
        path.write_bytes(whole[:end])
        records += list(tail.records())
    (log,) = read_logs(str(folder))
    expected = log.history.series["train/loss"].values
    assert [r["train/loss"] for r in records if "train/loss" in r] == pytest.approx(expected)
    shutil.copy(path, folder / f"{source.name}.1")  # a restart, which begins another file
    assert len([r for r in tail.records() if "train/loss" in r]) == len(expected)
    assert not tail.began_anew


def test_of_several_runs_one_is_named(tmp_path):
    with pytest.raises(RefusedByData, match=r"d10, d12.*--run"):
        list(follower(fixture("wandb")).records())
    assert list(follower(fixture("wandb"), "d12").records())
    with pytest.raises(UnknownName):
        follower(fixture("wandb"), "d99")
    store = Trackio(tmp_path)
    store.log(1, {"loss": 2.0})
    with sqlite3.connect(store.source) as db:
        db.execute("INSERT INTO metrics VALUES (9, 'q', '', 'other', 1, '{\"loss\": 3.0}')")
    with pytest.raises(RefusedByData, match="mine, other"):
        list(follower(store.source).records())
    assert [r["loss"] for r in follower(store.source, "other").records()] == [3.0]
    lines = tmp_path / "two.jsonl"
    lines.write_text('{"run": "a", "step": 1, "loss": 2}\n{"run": "b", "step": 1, "loss": 3}\n')
    with pytest.raises(RefusedByData, match="a, b"):
        list(follower(lines).records())
    assert [r["loss"] for r in follower(lines, "b").records()] == [3]


def test_values_of_one_step_that_come_late_are_not_lost(tmp_path):
    store = MLflowFiles(tmp_path)
    store.log(1, {"loss": 3.0})
    tail = follower(store.source)
    assert [r for r in tail.records()] == [{"step": 1.0, "loss": 3.0}]
    store.log(1, {"lr": 0.1})
    assert [r for r in tail.records()] == [{"step": 1.0, "lr": 0.1}]
    table = tmp_path / "log.csv"
    table.write_text("step,loss,val_loss\n1,3.0,\n2,2.9,\n")
    tail = follower(table)
    assert len(list(tail.records())) == 2
    table.write_text("step,loss,val_loss\n1,3.0,\n2,2.9,3.1\n3,2.8,\n")
    assert list(tail.records()) == [{"step": 2.0, "val_loss": 3.1}, {"step": 3.0, "loss": 2.8}]
    assert list(tail.records()) == []


def test_a_run_of_reinforcement_learning_is_watched_by_its_reward(tmp_path, capsys):
    look = live.watch("sample:rl-log")
    assert look.stream == "eval_reward"
    assert 0 < look.loss < 1
    assert not look.is_alarmed
    path = tmp_path / "grpo.jsonl"
    rows = [
        {"step": s, "loss": 1e-3, "reward": 0.5 if s < 60 else 0.2, "entropy": 0.6 if s < 60 else
         0.1, "completions/clipped_ratio": 0.02 if s < 60 else 0.2}
        for s in range(1, 81)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    past = live.replay(path)
    assert {alert.name for _, alert in past.first} >= {"truncation", "collapse"}
    assert 60 <= past.stopped <= 70
    assert cli.main(["watch", str(path), "--once", "--json"]) == 4
    assert "rl advise" in json.loads(capsys.readouterr().out)["why_not"]
    path.write_text("".join(json.dumps(r) + "\n" for r in rows[:59]))
    assert cli.main(["watch", str(path), "--once", "--json"]) == 0


def test_a_trial_is_followed_by_its_curve_or_by_what_a_trainer_prints(tmp_path):
    folder = TrialFolder(tmp_path)
    (tmp_path / SPEC).write_text("{}")
    with pytest.raises(BadRuns):
        list(follower(tmp_path).records())
    for step in range(1, 11):
        folder.append({"step": step, "loss": 3 - step / 10}, CURVE)
    assert live.watch(tmp_path).step == 10
    (tmp_path / "result.jsonl").write_text('{"step": 4, "loss": 2.0}\n')
    (tmp_path / SPEC).write_text('{"setup": {"result": {"file": "result.jsonl"}}}')
    assert live.watch(tmp_path).step == 4


@pytest.mark.training
def test_a_sweep_is_watched_while_it_runs(tmp_path):
    pytest.importorskip("torch", reason="needs the extra train")
    study = iso.StudyFile.of(
        {
            "name": "own",
            "trial": {"model": "gpt", "context": 64, "head": 8, "evaluation": 4_096},
            "sizes": {"width": [16], "depth": [1]},
            "design": {"kind": "tokens", "tokens": [1e5]},
        },
        tmp_path,
    )
    sweep = threading.Thread(target=lambda: iso.run_study(study))
    sweep.start()
    looks: list[live.Look] = []
    while sweep.is_alive():
        # it fails before the trial has begun, and between its end and the sweep's
        with contextlib.suppress(IsoflopError):
            looks.append(live.watch(study.folder))
        time.sleep(0.05)
    sweep.join()
    steps = [look.step for look in looks if look.step > 0]
    assert len(set(steps)) > 2
    assert steps == sorted(steps)
    assert not [a for look in looks for a in look.alerts if a.severity == "alert"]
    (trial,) = study.folder.glob("trials/*")
    whole = live.watch(trial)
    assert whole.step >= steps[-1]
    assert live.watch(study.folder, run=trial.name).step == whole.step
