"""A sweep survives what happens to it: kills, failures, full disks, impatience."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop import experiments, sources
from isoflop.errors import BadStudy, EnvironmentFailure, UnknownName, UsageError
from isoflop.experiments import display
from isoflop.experiments import engines as engine
from isoflop.experiments.collect import collect
from isoflop.experiments.experiment import Experiment, Trial, TrialFolder
from isoflop.store import Study

HERE = Path(__file__).parent


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Import the counting experiment as a user's own module, and forget it afterwards."""
    monkeypatch.syspath_prepend(str(HERE))
    module = importlib.import_module("counting")
    Experiment.registry["counting"] = module.Counting
    yield module
    del Experiment.registry["counting"]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study.create(tmp_path / "study", {"question": "how far"})


def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_sweep_finishes_and_a_second_call_runs_nothing(counting: Any, study: Study) -> None:
    trials = counting.Counting().trials()
    seen: list[engine.SweepProgress] = []
    first = engine.run(trials, study, engine.LocalEngine(2), seen.append)
    assert first.finished == trials
    assert first.failed == ()
    assert first.reused == 0
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0.0, 60.0, 60.0)
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert seen[-1].eta == 0.0

    body = study.get("observations", trials[0].key).body
    assert body["config"] == trials[0].config
    assert body["conventions"] == {"N": "total"}
    assert body["observations"][0]["L"] == 0.1
    assert {"code", "data", "seconds", "host", "device", "finished"} <= set(body["provenance"])

    again = engine.run(trials, study, engine.LocalEngine(2))
    assert again.finished == trials
    assert again.reused == 3
    assert [len(counting.starts(study.trials / t.key)) for t in trials] == [1, 1, 1]


def test_what_a_sweep_measured_can_be_read_as_runs(counting: Any, study: Study) -> None:
    engine.run(counting.Counting().trials(), study)
    runs = sources.read(study.path).where("N > 10")
    assert sorted(runs["D"]) == [40.0, 60.0]
    assert sorted(runs.labels["run"]) == ["count to 20", "count to 30"]
    assert runs.conventions["N"] == "total"


def test_the_costliest_trial_starts_first(counting: Any, study: Study) -> None:
    order: list[str] = []
    trials = counting.Counting().trials()
    engine.run(trials, study, engine.LocalEngine(1), lambda p: order.extend(p.running))
    assert list(dict.fromkeys(order)) == ["count to 30", "count to 20", "count to 10"]


def test_a_killed_trial_resumes_from_its_checkpoint(counting: Any, study: Study) -> None:
    trials = counting.Counting(sizes=(40,), pause=0.02).trials()
    folder = TrialFolder(study.trials / trials[0].key)
    killed: list[int] = []

    def kill(progress: engine.SweepProgress) -> None:
        if not killed and folder.checkpoint and progress.running:
            killed.append(counting.starts(folder.path)[0][0])
            os.kill(killed[0], signal.SIGKILL)

    outcome = engine.run(trials, study, engine.LocalEngine(1), kill)
    assert killed
    assert outcome.finished == trials
    (_, first), (_, second) = counting.starts(folder.path)
    assert first == 0
    assert 5 <= second < 40
    assert second % 5 == 0
    assert [line["step"] for line in folder.metrics()] == list(range(1, 41))


DRIVER = """
import sys
from counting import Counting
from isoflop.experiments import engines as engine
from isoflop.store import Study
experiment = Counting(sizes=(2, 3, 60, 61), pause=0.02)
engine.run(experiment.trials(), Study.open(sys.argv[1]), engine.LocalEngine(3))
"""


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_killed_driver_leaves_no_orphan_and_repeats_nothing(
    counting: Any, study: Study, sign: signal.Signals
) -> None:
    trials = counting.Counting(sizes=(2, 3, 60, 61), pause=0.02).trials()
    folders = [TrialFolder(study.trials / t.key) for t in trials]
    path = os.pathsep.join([str(HERE), *filter(None, sys.path)])
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(study.path)],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
    )
    until(lambda: folders[1].summary is not None and folders[2].checkpoint is not None)
    driver.send_signal(sign)
    driver.wait()
    pids = [pid for folder in folders for pid, _ in counting.starts(folder.path)]
    until(lambda: not any(alive(pid) for pid in pids), 3.0)

    assert engine.run(trials, study, engine.LocalEngine(2)).finished == trials
    tries = [counting.starts(folder.path) for folder in folders]
    assert len(tries[1]) == 1  # it had finished
    assert len(tries[2]) == 2
    assert tries[2][1][1] >= 5
    assert len(study.documents("observations")) == 4


def test_a_failing_trial_is_tried_twice_and_the_others_go_on(counting: Any, study: Study) -> None:
    trials = counting.Counting(broken={20: "always", 30: "unfilled"}).trials()
    outcome = engine.run(trials, study, engine.LocalEngine(2))
    assert [t.label for t in outcome.finished] == ["count to 10"]
    said = {failure.trial.label: failure for failure in outcome.failed}
    assert "seven is unlucky" in said["count to 20"].message
    assert said["count to 20"].code == 70
    assert "an observation of counting lacks D, L, run" in said["count to 30"].message
    assert [len(counting.starts(study.trials / t.key)) for t in trials] == [1, 2, 2]


def test_what_every_trial_would_lack_stops_the_sweep(counting: Any, study: Study) -> None:
    trials = counting.Counting(sizes=(10, 50), broken={50: "environment"}, pause=0.05).trials()
    with pytest.raises(EnvironmentFailure, match="count to 50 failed: the moon is missing"):
        engine.run(trials, study, engine.LocalEngine(2))


def test_a_catalogue_that_was_lost_is_collected_again(counting: Any, study: Study) -> None:
    trials = counting.Counting().trials()
    engine.run(trials, study)
    kept = {d.name: d.sha256 for d in study.documents("observations")}
    study.database.unlink()
    anew = Study.create(study.path)
    assert collect(anew) == tuple(sorted(kept)) == collect(anew)
    assert {d.name: d.sha256 for d in anew.documents("observations")} == kept
    assert engine.run(trials, anew).reused == 3


def test_a_damaged_summary_is_no_summary(counting: Any, study: Study) -> None:
    trials = counting.Counting(sizes=(10,)).trials()
    engine.run(trials, study)
    path = study.trials / trials[0].key / "summary.json"
    path.write_text(path.read_text().replace('"L":0.1', '"L":0.2'))
    assert TrialFolder(path.parent).summary is None
    study.database.unlink()
    assert engine.run(trials, Study.create(study.path)).reused == 0
    assert TrialFolder(path.parent).summary is not None


SCRIPT = """
from counting import Counting
class Mine(Counting):
    key = "mine"
if __name__ == "__main__":
    import sys
    from isoflop.experiments import engines as engine
    from isoflop.store import Study
    assert not engine.run(Mine(sizes=(4,)).trials(), Study.create(sys.argv[1])).failed
"""


def test_an_experiment_may_live_in_a_script(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(SCRIPT)
    path = os.pathsep.join([str(HERE), *filter(None, sys.path)])
    command = [sys.executable, str(script), str(tmp_path / "study")]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, check=True)
    (document,) = Study.open(tmp_path / "study").documents("observations")
    assert document.body["experiment"] == "mine"


def test_trials_are_known_by_what_they_depend_on(counting: Any) -> None:
    trial = counting.Counting().trials()[0]
    config = dict(reversed(trial.config.items()))
    assert Trial("counting", config, 0, 1.0, label="other").key == trial.key
    assert len(trial.key) == 16
    others = [
        Trial("counting", config, 1, 1.0),
        Trial("counting", config, 0, 1.0, version=2),
        Trial("counting", {**config, "size": 11}, 0, 1.0),
        Trial("other", config, 0, 1.0),
    ]
    assert len({trial.key, *(other.key for other in others)}) == 5
    with pytest.raises(UsageError, match="JSON"):
        _ = Trial("counting", {"lr": float("nan")}, 0, 1.0).key


def test_a_trial_of_nothing_known_is_refused(counting: Any, study: Study) -> None:
    with pytest.raises(UsageError, match=r"Experiment\.trial"):
        engine.run([Trial("counted", {}, 0, 1.0)], study)
    with pytest.raises(UsageError, match="workers is 0"):
        engine.LocalEngine(0)
    with pytest.raises(UnknownName, match="did you mean 'counting'"):
        experiments.named("countin")
    assert experiments.named("counting") is counting.Counting
    with pytest.raises(UsageError, match="two experiments are called 'counting'"):

        class Other(counting.Counting):  # type: ignore[misc]
            pass


@pytest.mark.parametrize(
    ("spec", "code", "said"),
    [
        (None, 2, "holds no trial"),
        ('{"experiment": "coun', 2, "does not describe a trial"),
        ("{}", 2, "does not describe a trial"),
    ],
)
def test_a_trial_without_a_sound_spec_says_so(
    tmp_path: Path, spec: str | None, code: int, said: str
) -> None:
    if spec is not None:
        (tmp_path / "trial.json").write_text(spec)
    command = [sys.executable, "-m", "isoflop.experiments.trial", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert said in (tmp_path / "error.txt").read_text()


def test_progress_is_shown_in_lines_where_there_is_no_terminal(
    counting: Any, study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    with display.shown("counting") as watch:
        engine.run(counting.Counting().trials(), study, engine.LocalEngine(2), watch)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[0] == "counting: 0%, 0/3 trials"
    assert err.splitlines()[-1].startswith("counting: 100%, 3/3 trials, ")
    assert display.duration(192) == "3 min 12 s"


@settings(max_examples=40, deadline=None)
@given(
    lines=st.lists(st.dictionaries(st.text("abc", min_size=1), st.floats(-9, 9)), max_size=6),
    cut=st.integers(1, 40),
)
def test_a_torn_line_is_dropped_and_the_rest_kept(
    tmp_path_factory: pytest.TempPathFactory, lines: list[dict[str, float]], cut: int
) -> None:
    folder = TrialFolder(tmp_path_factory.mktemp("trial"))
    for line in lines:
        folder.append(line)
    path = folder.path / "metrics.jsonl"
    whole = path.read_bytes() if lines else b""
    path.write_bytes(whole[:-cut] if whole else b'{"a": 1')
    left = whole[:-cut].count(b"\n") if whole else 0
    assert folder.metrics() == tuple(lines[:left])
    TrialFolder(folder.path).append({"after": 1})
    assert folder.metrics() == (*lines[:left], {"after": 1})


def test_a_trial_folder_keeps_what_it_is_given(tmp_path: Path) -> None:
    folder = TrialFolder(tmp_path)
    assert (folder.checkpoint, folder.summary, folder.done, folder.metrics()) == (None, None, 0, ())
    folder.append({"step": 1, "L": 3.0})
    folder.append({"step": 2, "L": 2.0})
    folder.append({"step": 2, "L": 2.5})
    assert folder.metrics() == ({"step": 1, "L": 3.0}, {"step": 2, "L": 2.5})
    folder.progress(0.5, L=2.5)
    folder.progress(0.6)  # too soon to be written
    assert folder.done == 0.5
    folder.save_checkpoint(lambda f: f.write(b"one"))
    with pytest.raises(ZeroDivisionError):
        folder.save_checkpoint(lambda f: (f.write(b"two"), 1 / 0))
    assert folder.checkpoint is not None
    assert folder.checkpoint.read_bytes() == b"one"
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]
    with pytest.raises(UsageError, match="provenance"):
        folder.finish({"observations": [{}]})
    with pytest.raises(UsageError, match="finite"):
        folder.finish({"observations": [{"L": float("inf")}], "provenance": {"seconds": 1}})
    (tmp_path / "metrics.jsonl").write_text('{"a": 1}\nnonsense\n{"a": 2}\n')
    with pytest.raises(BadStudy, match="line 2"):
        folder.metrics()


def test_no_experiment_imports_torch_before_it_runs() -> None:
    code = "import sys, isoflop.experiments as e; e.every(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_trial_on_a_full_disk_says_so_and_keeps_its_checkpoint(tmp_path: Path) -> None:
    code = """
import resource, sys
from isoflop.errors import EnvironmentFailure
from isoflop.experiments.experiment import TrialFolder
folder = TrialFolder(sys.argv[1])
folder.save_checkpoint(lambda f: f.write(b"small"))
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    folder.save_checkpoint(lambda f: f.write(bytes(10_000)))
except EnvironmentFailure as error:
    print(error)
"""
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "the disk is full" in done.stdout
    assert (tmp_path / "checkpoint").read_bytes() == b"small"
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint"]
