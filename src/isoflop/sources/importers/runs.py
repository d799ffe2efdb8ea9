"""Final runs, a row a run, from trackers and logs: N, D, C and the losses at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from isoflop.sources.final_runs import final_runs
from isoflop.sources.importers import Imported, Watch, importer, silent
from isoflop.sources.logged_run import OPTIONS, check_settings
from isoflop.sources.read_logged import read_logged

SUMMARY = ("run", "N", "D", "C", "L", "steps", "state")


@importer("runs", "final runs (N, D, C, L): W&B, MLflow, TensorBoard, trackio, logs", OPTIONS)
def read(
    logs: Sequence[str],
    columns: Mapping[str, str],
    settings: Mapping[str, str],
    watch: Watch = silent,
) -> Imported:
    """Return the runs of trackers and logs as one table, a row a run.

    Raises BadRuns for logs without a loss.
    """
    check_settings(settings, "runs")
    reading = read_logged(logs, columns, settings, watch)
    table = final_runs(reading.runs, reading.origin, columns)
    states = [run.log.state or None for run in reading.runs]
    cells = {k: table.columns.get(k) for k in ("N", "D", "C", "L", "steps")}
    rows = tuple(
        (
            table.labels["run"][i],
            *(None if v is None or not np.isfinite(v[i]) else float(v[i]) for v in cells.values()),
            states[i],
        )
        for i in range(len(table))
    )
    return Imported(table, SUMMARY, rows, (*reading.notes, *table.notes))
