"""Trials sent to trackers: by their real libraries, read back by our own readers, each once."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import isoflop as iso
from isoflop import cli
from isoflop.errors import MissingExtra, UnknownName, UsageError
from isoflop.experiments.tracking import TRACKERS, Tracking
from isoflop.sources.training_logs import read_logs

foreign = pytest.mark.filterwarnings("ignore")  # of the trackers' libraries
TRAINER = """
import json, sys
from pathlib import Path

flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))
N, D = float(flags["--N"]), float(flags["--tokens"])
rows = [{"step": s, "tokens": D * s / 10, "lr": 1e-3 / s,
         "eval_loss": 1.8 + 482 / N**0.348 + 2085 / (D * s / 10)**0.366} for s in range(1, 11)]
Path(flags["--out"], "log.jsonl").write_text("".join(json.dumps(r) + "\\n" for r in rows))
"""
STUDY = """
name = "mine"
[trial]
command = "{python} train.py --N {{N}} --tokens {{D}} --out {{folder}}"
[trial.result]
file = "log.jsonl"
columns = {{ L = "eval_loss", D = "tokens" }}
[sizes]
N = ["1M", "4M"]
[design]
kind = "tokens"
tokens = ["10M", "40M"]
"""
LIBRARIES = {"tensorboard": "torch.utils.tensorboard"}


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> iso.StudyFile:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path / "trackio"))
    (tmp_path / "train.py").write_text(TRAINER)
    (tmp_path / "study.toml").write_text(STUDY.format(python=sys.executable))
    return iso.StudyFile.read(tmp_path / "study.toml")


def installed(name: str) -> None:
    library = LIBRARIES.get(name, name)
    pytest.importorskip(library, reason=f"needs {name}", exc_type=ImportError)


def store_of(study: iso.StudyFile, name: str) -> Path:
    """Return where a tracker keeps the runs of the study."""
    folder = study.folder / f"{name}-runs"
    places = {"mlflow": folder / "mlflow.db", "trackio": study.place / "trackio"}
    return places.get(name, folder)


@foreign
@pytest.mark.parametrize("name", TRACKERS)
def test_trials_are_sent_once_and_read_back_by_our_own_readers(study, name):
    installed(name)
    track = "wandb:offline" if name == "wandb" else name
    sweep = iso.run_study(study, track=track)
    assert len(sweep.finished) == 4
    own = iso.read(study.folder)
    assert len(own) == 4
    logs = read_logs(str(store_of(study, name)))
    assert len(logs) == 4
    ends = sorted(float(log.history.series["eval_loss"].values[-1]) for log in logs)
    assert ends == pytest.approx(sorted(own["L"]), rel=1e-6)
    assert {len(log.history.series["lr"].values) for log in logs} == {10}
    back = iso.read(str(store_of(study, name)))
    for symbol in ("N", "D", "L"):
        assert sorted(back[symbol]) == pytest.approx(sorted(own[symbol]), rel=1e-6)
    iso.run_study(study, track=track)
    assert len(read_logs(str(store_of(study, name)))) == 4


@foreign
def test_the_study_says_where_and_the_command_overrides_it(study, capsys):
    installed("mlflow")
    path = study.place / "study.toml"
    path.write_text(path.read_text() + '[tracker]\nname = "mlflow"\nproject = "other"\n')
    assert cli.main(["sweep", "run", str(path), "--engine", "local:2"]) == 0
    (log, *_) = read_logs(str(study.folder / "mlflow-runs" / "mlflow.db"))
    assert log.settings["experiment"] == "other"
    installed("wandb")
    assert cli.main(["sweep", "run", str(path), "--track", "wandb:offline"]) == 0
    assert len(read_logs(str(study.folder / "wandb-runs"))) == 4
    capsys.readouterr()


def test_a_tracker_that_fails_ends_no_sweep(study, capsys, monkeypatch):
    class Down:
        def send(self, run):
            raise ConnectionError("no route to host")

    monkeypatch.setattr(Tracking, "connect", lambda self, folder: Down())
    sweep = iso.run_study(study, track="wandb")
    assert len(sweep.finished) == 4
    said = capsys.readouterr().err
    assert said.count("no route to host") == 1
    assert "the sweep goes on" in said
    sent = []
    monkeypatch.setattr(Down, "send", lambda self, run: sent.append(run))
    iso.run_study(study, track="wandb")
    assert len({run.key for run in sent}) == 4
    assert all(np.isfinite(run.summary["L"]) and len(run.records) == 10 for run in sent)


def test_what_cannot_be_tracked_is_refused_before_a_trial(study, monkeypatch):
    with pytest.raises(UnknownName, match="wandb"):
        iso.run_study(study, track="wandbb")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(MissingExtra, match=r"isoflop\[mlflow\]"):
        iso.run_study(study, track="mlflow")
    assert not list(study.folder.glob("trials/*"))
    installed("wandb")
    with pytest.raises(UsageError, match="wandb:offline"):
        iso.run_study(study, track="wandb:on")
