"""Curves of training: step, tokens, learning rate and losses, from logs and trackers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from isoflop.sources.importers import Imported, Watch, importer, silent
from isoflop.sources.logged_run import OPTIONS, LoggedRun, check_settings
from isoflop.sources.logged_table import curve_table
from isoflop.sources.read_logged import read_logged

SUMMARY = ("run", "records", "last step", "tokens", "last loss", "of", "state")


@importer("curves", "training curves (step, tokens, lr, loss): trackers, and logs", OPTIONS)
def read(
    logs: Sequence[str],
    columns: Mapping[str, str],
    settings: Mapping[str, str],
    watch: Watch = silent,
) -> Imported:
    """Return the curves of logs as one table, a row a step, with every loss that is there.

    Raises BadRuns for logs without a step or a loss.
    """
    check_settings(settings, "curves")
    reading = read_logged(logs, columns, settings, watch)
    table = curve_table(reading.runs, reading.origin)
    notes = (*reading.notes, *table.notes)
    return Imported(table, SUMMARY, tuple(map(_summary, reading.runs)), notes)


def _summary(run: LoggedRun) -> tuple[str | float | int | None, ...]:
    field = run.losses[0]
    values = run.time.columns[field.name]
    tokens = run.tokens[np.isfinite(run.tokens)]
    return (
        run.log.run,
        int(run.steps.size),
        float(run.steps[-1]),
        float(tokens[-1]) if tokens.size else None,
        float(values[np.isfinite(values)][-1]),
        field.name,
        run.log.state or None,
    )
