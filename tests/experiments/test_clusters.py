"""The same trials, store and results on Ray and on SLURM, also when a node or a job is killed.

Each half skips, by name, where its cluster is not installed.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from isoflop import sources
from isoflop.errors import EnvironmentFailure, UnknownName, UsageError
from isoflop.experiments.engines import EngineOptions, LocalEngine, engine, run
from isoflop.experiments.experiment import Experiment
from isoflop.experiments.folder import TrialFolder
from isoflop.experiments.resources import Resources
from isoflop.store import Study

HERE = Path(__file__).parent
SLURM = ("slurmctld", "slurmd", "munged", "sbatch")

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None, reason="ray is not installed: isoflop[ray]"
)
needs_slurm = pytest.mark.skipif(
    importlib.util.find_spec("submitit") is None
    or not all(map(shutil.which, SLURM))
    or os.geteuid() != 0,
    reason="submitit, slurm-wlm and munge are not installed, or this is not root",
)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(HERE))
    module = importlib.import_module("counting")
    Experiment.registry["counting"] = module.Counting
    yield module
    del Experiment.registry["counting"]


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def losses(study: Study) -> list[tuple[float, float]]:
    runs = sources.read(study.path)
    return sorted(zip(runs["N"].tolist(), runs["L"].tolist(), strict=True))


def undisturbed(counting: Any, place: Path, **settings: Any) -> list[tuple[float, float]]:
    study = Study.create(place / "undisturbed")
    run(counting.Counting(**settings).trials(), study, LocalEngine(2))
    return losses(study)


def with_resources(trials: Any, resources: Resources) -> tuple[Any, ...]:
    from dataclasses import replace

    return tuple(replace(trial, resources=resources) for trial in trials)


def test_an_engine_is_found_by_its_name() -> None:
    assert engine("local:3") == LocalEngine(3)
    with pytest.raises(UnknownName, match="did you mean 'slurm'"):
        engine("slrum")
    for wrong in ("local:", "local:0", "ray:x", "slurm:-1"):
        with pytest.raises(UsageError, match="behind the colon"):
            engine(wrong)
    with pytest.raises(UsageError, match="partition has no effect on the engine local"):
        engine("local", EngineOptions(partition="gpu"))
    with pytest.raises(UsageError, match="address has no effect on the engine slurm"):
        engine("slurm", EngineOptions(address="auto"))


@pytest.fixture(scope="module")
def ray_nodes() -> Iterator[Any]:
    """Start a cluster of two nodes on this machine, each with room for one trial."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray
    from ray.cluster_utils import Cluster

    cluster = Cluster(
        initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False}
    )
    second = cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
    yield cluster, second
    ray.shutdown()
    cluster.shutdown()


@needs_ray
@pytest.mark.filterwarnings("ignore")
def test_a_ray_node_is_killed_and_nothing_is_lost_or_repeated(
    counting: Any, ray_nodes: Any, tmp_path: Path
) -> None:
    cluster, second = ray_nodes
    settings: dict[str, Any] = {"sizes": (2, 60, 61, 5), "pause": 0.05}
    study = Study.create(tmp_path / "study")
    trials = counting.Counting(**settings).trials()
    folders = [TrialFolder(study.trials / t.key) for t in trials]
    killed: list[float] = []

    def kill(progress: Any) -> None:
        if not killed and folders[1].checkpoint and folders[2].checkpoint:
            killed.append(progress.done)
            cluster.remove_node(second, allow_graceful=False)

    ended = run(trials, study, engine("ray"), kill)
    assert killed
    assert ended.finished == trials
    assert losses(study) == undisturbed(counting, tmp_path, **settings)
    starts = [len(counting.starts(folder.path)) for folder in folders]
    assert sorted(starts) == [1, 1, 1, 2]
    resumed = next(counting.starts(f.path)[1] for f in folders if len(counting.starts(f.path)) > 1)
    assert resumed[1] >= 5
    with pytest.raises(EnvironmentFailure, match="needs 1 CPU, 1 GPU and the largest of 1 Ray"):
        run(with_resources(counting.Counting(sizes=(7,)).trials(), Resources(gpus=1)),
            Study.create(tmp_path / "gpu"), engine("ray"))  # fmt: skip


@needs_ray
@pytest.mark.filterwarnings("ignore")
def test_no_ray_cluster_is_said(counting: Any, tmp_path: Path) -> None:
    code = (
        "from isoflop.experiments.engines import engine, EngineOptions, Task\n"
        "from pathlib import Path\n"
        "try:\n"
        "    engine('ray', EngineOptions(address='127.0.0.1:1')).start([Task('a', Path('a'))])\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONPATH": path, "RAY_gcs_rpc_server_reconnect_timeout_s": "2"},
    )  # fmt: skip
    assert "EnvironmentFailure no Ray cluster answers at 127.0.0.1:1" in done.stdout


CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={place}/munge.sock
CredType=cred/munge
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/spool
SlurmctldPidFile={place}/controller.pid
SlurmdPidFile={place}/node.pid
SlurmctldLogFile={place}/controller.log
SlurmdLogFile={place}/node.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=sched_interval=1,batch_sched_delay=1,requeue_delay=1
JobRequeue=1
ReturnToService=2
MpiDefault=none
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Start a SLURM of one node, this machine, with an authentication of its own."""
    place = Path("/tmp") / f"slurm-{os.getpid()}"  # a socket's name is short
    for folder in (place, place / "spool", place / "state"):
        folder.mkdir(mode=0o755)
    key = place / "key"
    key.write_bytes(os.urandom(1024))
    key.chmod(0o600)
    host = socket.gethostname().partition(".")[0]
    text = CONFIGURATION.format(host=host, place=place, ports=free_ports(2))
    (place / "slurm.conf").write_text(text)
    os.environ["SLURM_CONF"] = str(place / "slurm.conf")
    munge = [
        f"--socket={place}/munge.sock", f"--key-file={key}", f"--pid-file={place}/munged.pid",
        f"--log-file={place}/munged.log", f"--seed-file={place}/seed",
    ]  # fmt: skip
    started = []
    for command in (
        ["munged", "--force", "--foreground", *munge],
        ["slurmctld", "-D"],
        ["slurmd", "-D"],
    ):
        started.append(
            subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        time.sleep(1.0)
    ask = ["sinfo", "--noheader", "--format=%T"]
    until(lambda: "idle" in subprocess.run(ask, capture_output=True, text=True, check=False).stdout)
    yield place
    subprocess.run(["scancel", "--me"], check=False, capture_output=True)
    for process in reversed(started):
        process.terminate()
        process.wait(20)
    del os.environ["SLURM_CONF"]
    shutil.rmtree(place, ignore_errors=True)


@needs_slurm
def test_a_slurm_job_is_requeued_and_goes_on_from_its_checkpoint(
    counting: Any, slurm: Path, tmp_path: Path
) -> None:
    settings: dict[str, Any] = {"sizes": (2, 80, 5), "pause": 0.05}
    study = Study.create(tmp_path / "study")
    trials = counting.Counting(**settings).trials()
    folder = TrialFolder(study.trials / trials[1].key)
    requeued: list[str] = []

    def pre_empt(progress: Any) -> None:
        if not requeued and folder.checkpoint:
            job = (folder.path / "slurm.json").read_text().split('"')[3]
            requeued.append(job)
            subprocess.run(["scontrol", "requeue", job], check=True)
        elif len(requeued) == 1:  # SLURM lets a requeued job wait for two minutes otherwise
            ask = ["squeue", "--noheader", "--array", "--me", "--format=%i %r"]
            listed = subprocess.run(ask, capture_output=True, text=True, check=True).stdout
            if f"{requeued[0]} BeginTime" in listed:
                now = ["scontrol", "update", f"JobId={requeued[0]}", "StartTime=now"]
                requeued.append(
                    subprocess.run(now, check=True, capture_output=True).stdout.decode()
                )

    ended = run(trials, study, engine("slurm"), pre_empt)
    assert requeued
    assert ended.finished == trials
    assert losses(study) == undisturbed(counting, tmp_path, **settings)
    (_, first), (_, second) = counting.starts(folder.path)
    assert (first, second >= 5) == (0, True)
    assert [len(counting.starts(study.trials / trials[i].key)) for i in (0, 2)] == [1, 1]


@needs_slurm
def test_a_slurm_job_that_is_gone_is_started_again(
    counting: Any, slurm: Path, tmp_path: Path
) -> None:
    study = Study.create(tmp_path / "study")
    trials = counting.Counting(sizes=(60,), pause=0.05).trials()
    folder = TrialFolder(study.trials / trials[0].key)
    gone: list[str] = []

    def remove(progress: Any) -> None:
        if not gone and folder.checkpoint:
            gone.append((folder.path / "slurm.json").read_text().split('"')[3])
            subprocess.run(["scancel", "--signal=KILL", "--full", gone[0]], check=True)

    assert run(trials, study, engine("slurm"), remove).finished == trials
    (_, first), (_, second) = counting.starts(folder.path)
    assert (first, second >= 5) == (0, True)


@needs_slurm
def test_a_partition_that_is_not_there_is_said(counting: Any, slurm: Path, tmp_path: Path) -> None:
    study = Study.create(tmp_path / "study")
    trials = counting.Counting(sizes=(3,)).trials()
    chosen = engine("slurm", EngineOptions(partition="moon"))
    with pytest.raises(EnvironmentFailure, match=r"partition 'moon'.*Invalid partition"):
        run(trials, study, chosen)


def test_no_slurm_is_said(counting: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    study = Study.create(tmp_path / "study")
    with pytest.raises(EnvironmentFailure, match=r"no sbatch|pip install 'isoflop\[slurm\]'"):
        run(counting.Counting(sizes=(3,)).trials(), study, engine("slurm"))
