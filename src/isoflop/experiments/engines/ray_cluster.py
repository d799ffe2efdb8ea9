"""Trials as tasks of a Ray cluster: on every node that sees the study's folder."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isoflop.errors import EnvironmentFailure, MissingExtra
from isoflop.experiments.engines.protocol import (
    LOST,
    STOPPED,
    EngineTask,
    Job,
    trial_command,
    trial_environment,
)
from isoflop.experiments.folder import LOG
from isoflop.experiments.trial import PARENT

PATIENCE = 10.0  # [s] for a cluster that is named to answer


@dataclass(frozen=True, slots=True)
class RayEngine:
    """Tasks of a Ray cluster, of which it runs as many at once as its nodes have room for.

    `address` names a cluster that is there ("auto", "ray://head:10001", "10.0.0.1:6379"); without
    one Ray starts on this machine. A share of a GPU packs several trials on it.
    """

    most: int
    device: str = "cpu"
    address: str | None = None

    @property
    def slots(self) -> int:
        """How many trials are given to the cluster at once; it queues what has no room yet."""
        return self.most

    def start(self, tasks: Sequence[EngineTask]) -> list[Job]:
        """Start trials as tasks.

        Raises MissingExtra without Ray, EnvironmentFailure for a cluster that does not answer or
        has no machine that a trial fits on.
        """
        ray = self._connected()
        for task in tasks:
            _refuse_no_room(ray, task)
        return [_RayJob(ray, self._submitted(ray, task), task.resources.grace) for task in tasks]

    def _connected(self) -> Any:
        """Return Ray, connected to the cluster."""
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError:
            raise MissingExtra("the engine ray", "ray") from None
        if ray.is_initialized():
            return ray
        _refuse_silent(self.address)
        try:
            ray.init(
                address=self.address,
                include_dashboard=False if self.address is None else None,
                log_to_driver=False,
                logging_level="ERROR",
            )
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise EnvironmentFailure(
                f"no Ray cluster answers at {self.address or 'this machine'}: "
                f"{str(error).splitlines()[0][:200]}; start one with 'ray start --head', or name "
                "its address"
            ) from None
        return ray

    def _submitted(self, ray: Any, task: EngineTask) -> Any:
        needs = task.resources
        device = "cuda" if needs.gpus and self.device == "cpu" else self.device
        environment = trial_environment(needs)
        remote = ray.remote(
            _carry_out
        ).options(
            num_cpus=needs.cpus,
            num_gpus=needs.gpus,
            memory=needs.memory,
            max_retries=0,  # the queue decides what is tried again, alike for every engine
            runtime_env={"env_vars": {"PYTHONPATH": environment["PYTHONPATH"]}},
            name=task.name[:100],
        )
        log = str((task.folder / LOG).absolute())
        return remote.remote(trial_command(task, device), environment, log, needs.grace)


@dataclass(frozen=True, slots=True)
class _RayJob:
    """A task that was given to the cluster."""

    ray: Any
    reference: Any
    grace: float

    def poll(self) -> int | None:
        ready, _ = self.ray.wait([self.reference], timeout=0)
        if not ready:
            return None
        try:
            return int(self.ray.get(self.reference))
        except self.ray.exceptions.TaskCancelledError:
            return STOPPED
        except self.ray.exceptions.RayTaskError as error:
            # A task that was interrupted, or that could not start its trial at all.
            cancelled = isinstance(getattr(error, "cause", None), KeyboardInterrupt)
            return STOPPED if cancelled else LOST
        except self.ray.exceptions.RayError:  # its worker was killed, or its node is gone
            return LOST

    def cancel(self) -> None:
        with contextlib.suppress(self.ray.exceptions.RayError):
            self.ray.cancel(self.reference, force=False)
            self.ray.wait([self.reference], timeout=self.grace + 2.0)


def _refuse_silent(address: str | None) -> None:
    """Raise EnvironmentFailure where nothing listens at an address: Ray itself ends the process."""
    host, sign, port = (address or "").rpartition("://")[2].rpartition(":")
    if not (sign and port.isdigit()):
        return
    try:
        socket.create_connection((host, int(port)), timeout=PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise EnvironmentFailure(
            f"no Ray cluster answers at {address}: {error}; start one with 'ray start --head', or "
            "name its address"
        ) from None


def _refuse_no_room(ray: Any, task: EngineTask) -> None:
    """Raise EnvironmentFailure if no node of the cluster is as large as a trial needs."""
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    needs = {"CPU": task.resources.cpus, "GPU": task.resources.gpus}
    if any(all(node.get(k, 0) >= v for k, v in needs.items()) for node in nodes):
        return
    most = {k: max((node.get(k, 0) for node in nodes), default=0) for k in needs}
    raise EnvironmentFailure(
        f"the trial {task.name} needs {task.resources.words} and the largest of "
        f"{len(nodes)} Ray nodes has {most['CPU']:g} CPUs, {most['GPU']:g} GPUs; lower what a "
        "trial needs, or add a node"
    )


def _carry_out(
    command: Sequence[str], environment: Mapping[str, str], log: str, grace: float
) -> int:
    """Run a trial on the node that this is called on, and return its exit code."""
    settings = {**os.environ, **environment, PARENT: str(os.getpid())}
    with open(log, "ab") as output:  # noqa: PTH123 (nothing else of isoflop is needed here)
        process = subprocess.Popen(
            command,
            env=settings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )
    try:
        while (code := process.poll()) is None:
            time.sleep(0.05)  # short, so that a cancellation is seen
        return code
    except BaseException:
        process.terminate()
        try:
            process.wait(grace + 1.0)
        except subprocess.TimeoutExpired:
            process.kill()
        raise
