"""Runs sent to MLflow: a server, or a database of SQLite."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from isoflop.errors import MissingExtra
from isoflop.experiments.tracking.tracker import TrackedRun

BATCH = 1000  # metrics of one call, the most that MLflow takes
LONGEST = 500  # characters of a parameter, likewise


def connect(project: str, where: str, folder: Path) -> MlflowRuns:
    """Return the experiment of MLflow; `where` is the address of its store."""
    try:
        from mlflow import MlflowClient
    except ImportError:
        raise MissingExtra("sending trials to MLflow", "mlflow") from None
    if not where:
        folder.mkdir(parents=True, exist_ok=True)
    client = MlflowClient(where or f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.get_experiment_by_name(project)
    if experiment is not None:
        return MlflowRuns(client, experiment.experiment_id)
    place = {} if where else {"artifact_location": (folder / "artifacts").resolve().as_uri()}
    return MlflowRuns(client, client.create_experiment(project, **place))


class MlflowRuns:
    """An experiment of MLflow."""

    def __init__(self, client: Any, experiment: str) -> None:
        self._client, self.experiment = client, experiment

    def send(self, run: TrackedRun) -> None:
        """Send a run whole."""
        from mlflow.entities import Metric, Param

        now = int(1000 * time.time())
        tags = {"isoflop.key": run.key, "isoflop.group": run.group}
        identity = self._client.create_run(self.experiment, run_name=run.name, tags=tags)
        key = identity.info.run_id
        last = int(run.records[-1]["step"]) if run.records else 0
        metrics = [
            Metric(name, value, now, int(record["step"]))
            for record in (*run.records, {**run.summary, "step": last})
            for name, value in record.items()
            if name != "step"
        ]
        parameters = [Param(k, str(v)[:LONGEST]) for k, v in run.config.items()]
        self._client.log_batch(key, params=parameters)
        for begin in range(0, len(metrics), BATCH):
            self._client.log_batch(key, metrics=metrics[begin : begin + BATCH])
        self._client.set_terminated(key, "FAILED" if run.crashed else "FINISHED")
