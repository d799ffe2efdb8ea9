"""A study is a file: read, planned, run with a trainer of the user's, and refused where it errs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import isoflop as iso
from isoflop.errors import EnvironmentFailure, IsoflopError, UsageError
from isoflop.experiments.design import StudyFile, held_out_trial, json_schema, run_study, trials_of
from isoflop.experiments.design.layouts import LAYOUTS
from isoflop.experiments.engines import LocalEngine
from isoflop.experiments.folder import TrialFolder
from isoflop.experiments.standing import cancel, retry, standing
from isoflop.plan.next_runs import next_runs
from isoflop.plan.outlook import outlook
from isoflop.store import Study

LOSS = "1.7 + 400 / N ** 0.34 + 800 / D ** 0.3"
TRAINER = f"""
import json, math, os, signal, sys, time
from pathlib import Path
a = dict(zip(sys.argv[1::2], sys.argv[2::2]))
N, D, folder = float(a["--n"]), float(a["--tokens"]), Path(a["--out"])
kind = a.get("--kind", "good")
with (folder / "starts").open("a") as starts:
    print(os.getpid(), file=starts)
if kind == "bad":
    sys.exit("the data are not there")
if kind == "slow":
    state = folder / "state"
    def stop(*_):
        state.write_text("half")
        sys.exit(75)
    signal.signal(signal.SIGTERM, stop)
    if not state.exists():
        print("begun", flush=True)
        time.sleep(60)
L = {LOSS}
if kind == "nan":
    L = math.nan
row = {{"eval_loss": L, "tokens": D if kind != "early" else D / 2}}
if kind == "other":
    row["lr"] = 1.0
if kind != "silent":
    (folder / "result.json").write_text(json.dumps(row))
"""

COMMAND = f"{sys.executable} train.py --n {{N}} --tokens {{D}} --out {{folder}} --kind {{kind}}"


def written(**changes: Any) -> dict[str, Any]:
    """Return a study of a user's trainer, as its file would hold it."""
    study: dict[str, Any] = {
        "name": "mine",
        "trial": {
            "command": COMMAND,
            "grace": 5,
            "result": {"file": "result.json", "columns": {"L": "eval_loss", "D": "tokens"}},
        },
        "sizes": {"N": ["1M", "4M"], "convention": "non-embedding"},
        "design": {"kind": "tokens", "tokens": ["10M", 40e6]},
        "vary": {"flags": {"kind": "good"}, "lr": [0.003]},
        "held_out": {"N": "16M", "D": "160M"},
    }
    study["trial"]["environment"] = {"RATE": "{lr}"}
    return {**study, **changes}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(TRAINER)
    return tmp_path


def study_in(place: Path, **changes: Any) -> StudyFile:
    return StudyFile.of(written(**changes), place)


def with_kind(place: Path, *kinds: str) -> StudyFile:
    design = {"kind": "tokens", "tokens": ["10M"]}
    return study_in(
        place, vary={"flags": {"kind": kinds}}, sizes={"N": "1M"}, design=design,
        trial={**written()["trial"], "environment": {}},
    )  # fmt: skip


def test_a_trainer_is_swept_and_its_held_out_run_kept_apart(place: Path) -> None:
    study = study_in(place)
    ended = run_study(study, on=LocalEngine(2))
    assert [len(ended.finished), ended.failed, ended.diverged] == [4, (), ()]
    runs = iso.read(study.folder)
    N, D = runs["N"], runs["D"]
    assert runs["L"] == pytest.approx(eval(LOSS, {"N": N, "D": D}))
    assert sorted(set(N)) == [1e6, 4e6]
    assert runs["C"] == pytest.approx(6 * N * D)
    assert runs.conventions == {"N": "non-embedding", "C": "6ND-non-embedding"}
    assert run_study(study, on=LocalEngine(2)).reused == 4
    assert len(run_study(study, held_out=True).finished) == 1
    assert iso.read(study.held_out_folder)["N"].tolist() == [16e6]
    assert len(iso.read(study.folder)) == 4


def test_trainers_that_err_are_told_apart_and_the_good_one_is_kept(place: Path) -> None:
    study = with_kind(place, "good", "bad", "nan", "silent", "early", "other")
    ended = run_study(study.model_copy(update={"vary": study.vary}), on=LocalEngine(2))
    messages = {
        f.trial.config["values"]["kind"]: f.message for f in (*ended.failed, *ended.diverged)
    }
    assert len(ended.finished) == 2  # without an lr of its own, "other" contradicts nothing
    assert "ended with exit code 1" in messages["bad"]
    assert "the data are not there" in messages["bad"]
    assert "ended as nan" in messages["nan"]
    assert "wrote no result.json" in messages["silent"]
    assert "stopped early, or is the result of another trial" in messages["early"]
    states = {s.state for s in standing(Study.open(study.folder))}
    assert states == {"finished", "failed", "diverged"}
    again = run_study(study, on=LocalEngine(2))
    assert [f.trial.key for f in again.diverged] == [f.trial.key for f in ended.diverged]


def test_the_result_of_another_trial_is_refused(place: Path) -> None:
    study = study_in(place, vary={"flags": {"kind": "other"}, "lr": [0.003]})
    with pytest.raises(EnvironmentFailure, match="trials failed alike"):
        run_study(study, on=LocalEngine(2))
    error = next(study.folder.glob("trials/*/error.txt")).read_text()
    assert "says lr = 1.0, the trial asked for 0.003: it is the result of another" in error


def test_a_mapping_that_is_put_right_needs_no_second_training(place: Path) -> None:
    wrong = {"file": "result.json", "columns": {"L": "val_loss"}}
    sizes = {"N": "1M", "convention": "total"}
    design = {"kind": "tokens", "tokens": ["10M"]}
    trial = {**written()["trial"], "result": wrong}
    study = study_in(place, trial=trial, sizes=sizes, design=design)
    (failure,) = run_study(study).failed
    assert "did you mean 'eval_loss'" in failure.message
    mended = study_in(place, sizes=sizes, design=design)
    assert trials_of(mended)[0].key == trials_of(study)[0].key
    assert len(run_study(mended).finished) == 1
    starts = next(study.folder.glob("trials/*/starts")).read_text().splitlines()
    assert len(starts) == 1


def until(true: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


DRIVER = """
import sys
from pathlib import Path
from isoflop.experiments.design import StudyFile, run_study
run_study(StudyFile.of(eval(sys.argv[1]), Path(sys.argv[2])))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="a parent's death is a signal on Linux alone")
def test_a_driver_that_is_killed_lets_its_trainer_write_a_checkpoint(place: Path) -> None:
    study = with_kind(place, "slow")
    values = written(
        vary={"flags": {"kind": "slow"}}, sizes={"N": "1M"},
        design={"kind": "tokens", "tokens": ["10M"]},
        trial={**written()["trial"], "environment": {}},
    )  # fmt: skip
    (trial,) = trials_of(study)
    folder = study.folder / "trials" / trial.key
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, repr(values), str(place)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
    )
    output = folder / "output.txt"
    until(lambda: output.exists() and "begun" in output.read_text())
    began = time.monotonic()
    (status,) = standing(Study.open(study.folder))
    assert status.state == "running"
    assert time.monotonic() - began < 2.0
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    until(lambda: (folder / "state").exists())
    until(lambda: not TrialFolder(folder).is_running)
    pids = [int(pid) for pid in (folder / "starts").read_text().split()]
    assert not any(alive(pid) for pid in pids)
    (status,) = standing(Study.open(study.folder))
    assert status.state == "interrupted"
    assert len(run_study(study).finished) == 1
    assert len((folder / "starts").read_text().split()) == 2


def test_a_time_limit_stops_a_trainer_which_goes_on_from_its_checkpoint(place: Path) -> None:
    study = with_kind(place, "slow")
    trial = study.trial.model_copy(update={"time_limit": 2.0})
    limited = study.model_copy(update={"trial": trial})
    limited._place = place
    ended = run_study(limited)
    assert len(ended.finished) == 1
    starts = next(study.folder.glob("trials/*/starts")).read_text().split()
    assert len(starts) == 2


def test_trials_are_cancelled_and_taken_back(place: Path) -> None:
    study = with_kind(place, "good", "bad")
    store = Study.create(study.folder)
    from isoflop.experiments.standing import remember

    remember(store, study.name, trials_of(study))
    chosen = cancel(store, [next(t.name for t in trials_of(study) if "bad" in t.name)])
    assert [s.state for s in chosen] == ["waiting"]
    ended = run_study(study)
    assert [len(ended.finished), len(ended.cancelled)] == [1, 1]
    assert [s.state for s in retry(store)] == ["cancelled"]
    assert len(run_study(study).failed) == 1


FUNCTION = f"""
import isoflop as iso

@iso.trial
def train(N, D, seed, folder):
    return {{"L": {LOSS}, "D": D}}
"""


def test_a_function_is_a_trainer(place: Path) -> None:
    (place / "mine.py").write_text(FUNCTION)
    study = study_in(place, trial={"function": "mine.py:train"}, vary={}, held_out=None)
    assert len(run_study(study).finished) == 4
    assert len(iso.read(study.folder)) == 4
    with pytest.raises(UsageError, match="did you mean 'train'"):
        study_in(place, trial={"function": "mine.py:trian"}, vary={}).runs()
    varied = study_in(place, trial={"function": "mine.py:train"}, vary={"lr": [1e-3, 2e-3]})
    with pytest.raises(UsageError, match="lr varies"):
        trials_of(varied)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"desing": 1}, "desing: no such key; did you mean 'design'"),
        ({"trial": {"comand": "x"}}, "trial.comand: no such key; did you mean 'command'"),
        ({"trial": {}}, "give one of command, function and model"),
        ({"trial": {"command": "zzz-no-such-program {N} {D}"}}, "no program 'zzz-no-such-program'"),
        ({"trial": {"command": f"{sys.executable} trian.py {{N}}"}}, "did you mean 'train.py'"),
        ({"trial": {"command": f"{sys.executable} train.py {{N}} {{widht}}"}}, "{widht} has no"),
        ({"trial": {"command": f"{sys.executable} train.py {{D}}"}}, "N varies"),
        ({"trial": {"command": f"{sys.executable} train.py {{N}}"}}, "D varies"),
        ({"trial": {"command": "python train.py {N} > log"}}, "no shell reads it"),
        ({"trial": {"command": "python 'train.py"}}, "cannot be split"),
        ({"budget": {"flop": 1e12}}, "the cheapest trial costs 60T"),
        ({"budget": {"flop": "500T"}}, "enough for the 2 cheapest"),
        ({"sizes": {"N": "zzz*2", "width": [1]}}, "no column called 'zzz'"),
        ({"sizes": {"N": ["1M", "x"]}}, "is not a number"),
        ({"sizes": {"width": [64, 128], "depth": [1, 2, 3]}}, "give as many of each"),
        ({"design": {"kind": "isoflop", "budgets": [1e5]}}, "tokens per parameter"),
        ({"design": {"kind": "izoflop", "budgets": [1e5]}}, "design"),
        ({"name": "../x"}, "it names a folder"),
        ({"vary": {"lr": [1e-3, 2e-3], "flags": {"kind": "good"}}, "trial": {"command": COMMAND}},
         "lr varies"),
        ({"trial": {"command": COMMAND, "gpus": 1.5}}, "gpus is 1.5"),
        ({"trial": {"command": COMMAND, "time_limit": "2 weeks"}}, "units are s, min"),
        ({"trial": {"command": COMMAND, "text": "x"}}, "text has no effect with command"),
        ({"design": {"kind": "ladder", "tokens": ["1M", "2M"]}}, "needs {points}"),
    ],
)  # fmt: skip
def test_a_study_that_errs_is_refused_before_anything_runs(
    place: Path, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(IsoflopError) as error:
        trials_of(study_in(place, **change))
    assert words in str(error.value)
    assert not (place / "mine").exists()


def test_a_gpu_that_is_not_there_is_said(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    from isoflop.experiments.engines.local import gpus

    gpus.cache_clear()
    study = study_in(place, trial={**written()["trial"], "gpus": 1})
    with pytest.raises(EnvironmentFailure, match="needs 1 GPUs and this machine has no GPU"):
        run_study(study)
    gpus.cache_clear()


DESIGNS: dict[str, dict[str, Any]] = {
    "isoflop": {"budgets": [6e14, 3e15]},
    "ladder": {"tokens_per_parameter": [5, 20]},
    "tokens": {"tokens_per_parameter": [5, 20]},
    "l-shaped": {"tokens": ["10M", "20M", "40M"]},
    "repeated": {"unique": ["1M"], "epochs": [1, 4]},
    "rates": {"lr": [1e-3, 2e-3], "batch": [1e5, 2e5], "tokens_per_parameter": [20]},
    "mixture": {"shares": [[0.5, 0.5], [0.2, 0.8]], "tokens_per_parameter": [20]},
    "list": {"runs": [{"size": 0, "D": "10M"}, {"size": 1, "D": "20M", "seed": 3}]},
}
COUNTS = {"isoflop": 4, "ladder": 2, "tokens": 4, "l-shaped": 4, "repeated": 4, "rates": 8,
          "mixture": 4, "list": 2}  # fmt: skip


@pytest.mark.parametrize("kind", LAYOUTS)
def test_every_design_makes_its_runs(place: Path, kind: str) -> None:
    known = {"ladder": {"points"}, "repeated": {"U", "epochs"}, "mixture": {"w1", "w2"},
             "rates": {"lr", "batch", "steps"}}  # fmt: skip
    usable = {"N", "D", "seed", "folder"} | known.get(kind, set())
    told = " ".join(f"{{{name}}}" for name in sorted(usable))
    study = study_in(
        place, design={"kind": kind, **DESIGNS[kind]}, vary={}, held_out=None,
        trial={"command": f"{sys.executable} train.py {told}"},
    )  # fmt: skip
    trials = trials_of(study)
    assert len(trials) == COUNTS[kind]
    assert len({trial.key for trial in trials}) == len(trials)
    assert all(trial.flop > 0 for trial in trials)
    assert outlook(study).flop == sum(trial.flop for trial in trials)


def test_a_rate_may_follow_a_rule_and_shapes_a_size(place: Path) -> None:
    rule = {"value": 3e-3, "at": "1M", "power": -0.5}
    command = f"{sys.executable} train.py {{width}} {{depth}} {{N}} {{D}} {{lr}}"
    study = study_in(place, vary={"lr": rule}, trial={"command": command})
    rates = {t.config["values"]["N"]: t.config["values"]["lr"] for t in trials_of(study)}
    assert rates == {1_000_000: 0.003, 4_000_000: 0.0015}
    widths = {t.config["values"]["width"] for t in trials_of(study)}
    assert len(widths) == 2
    assert held_out_trial(study).config["values"]["lr"] == 0.00075


def test_the_plan_tells_what_a_design_cannot(place: Path) -> None:
    one = study_in(place, design={"kind": "tokens", "tokens_per_parameter": [20]})
    topics = {note.topic for note in outlook(one).notes if note.kind == "doubt"}
    assert {"one ratio", "identifiability"} <= topics
    sizes = {"N": ["1M", "2M", "4M", "8M"], "convention": "total"}
    tokens = ["10M", "40M", "160M", "640M"]
    full = study_in(place, sizes=sizes, design={"kind": "tokens", "tokens": tokens})
    found = outlook(full)
    assert "one ratio" not in {note.topic for note in found.notes}
    assert found.width is not None
    assert found.width.after < found.width.before / 5
    noisy = outlook(full, noise=0.05)
    assert noisy.width is not None
    assert noisy.width.after > 2 * found.width.after


def test_what_the_plan_expects_of_a_law_is_what_fits_then_give(place: Path) -> None:
    """The width of a fit's own forecast, over noise drawn anew, is near to the expected one."""
    from isoflop.plan.design.expected import expected_width
    from isoflop.plan.design.uncertainty import Candidates, Target

    N, D = (x.ravel() for x in np.meshgrid(np.geomspace(1e6, 1e8, 6), np.geomspace(2e8, 2e10, 6)))
    pool = Candidates(N, D, 6 * N * D)
    law = iso.constants("chinchilla/besiroglu2024").law
    rng = np.random.default_rng(0)
    ends = []
    for _ in range(12):
        L = law(N=N, D=D) * np.exp(0.01 * rng.standard_normal(N.size))
        fitted = iso.fit("chinchilla", iso.read({"N": N, "D": D, "L": L}), draws=0)
        ends.append(float(np.log(fitted.law(N=1e9, D=1e11))))
    expected = expected_width("chinchilla", Target(N=1e9, D=1e11), pool, 0.01, level=0.68)
    assert 0.4 < np.std(ends) / np.log1p(expected.after) < 2.0


def test_the_next_runs_narrow_the_target_and_can_be_added(place: Path) -> None:
    study = study_in(place)
    first = next_runs(study, count=2)
    assert first.runs == 0
    assert first.design.half_width < first.design.start
    lines = json.dumps(written()["trial"]["command"])
    path = place / "study.toml"
    path.write_text(
        f'name = "mine"\n[trial]\ncommand = {lines}\n[sizes]\nN = ["1M", "4M"]\n'
        '[design]\nkind = "tokens"\ntokens = ["10M"]\n[vary.flags]\nkind = "good"\n'
        f"[held_out]\nN = 16e6\nD = 160e6\n{first.toml}"
    )
    assert len(trials_of(StudyFile.read(path))) == 4


def test_isoflops_own_model_is_the_default(tmp_path: Path) -> None:
    study = StudyFile.of(
        {
            "name": "own",
            "trial": {"model": "gpt", "context": 64, "head": 8},
            "sizes": {"width": [8, 16], "depth": [1, 1]},
            "design": {"kind": "isoflop", "budgets": [1e9, 2e9]},
        },
        tmp_path,
    )
    trials = trials_of(study)
    assert [len(trial.config["points"]) for trial in trials] == [2, 2]
    assert {trial.experiment for trial in trials} == {"pretrain"}


def test_ten_thousand_trials_each_have_a_key_of_their_own(place: Path) -> None:
    seeds = list(range(2500))
    command = f"{sys.executable} train.py {{N}} {{D}} {{seed}}"
    study = study_in(place, vary={"seed": seeds}, trial={"command": command}, held_out=None)
    found = outlook(study)
    assert len({trial.key for trial in found.trials}) == 10_000


def test_the_schema_names_every_table() -> None:
    schema = json_schema()
    assert {"name", "trial", "sizes", "design", "held_out", "engine"} <= set(schema["properties"])
    assert len(schema["$defs"]) > 15
