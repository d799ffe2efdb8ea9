"""Runs that isoflop's own sweeps made, from the catalogue of their study."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from isoflop.errors import BadRuns, BadStudy
from isoflop.runs import refuse_clash
from isoflop.sources.cells import CellTable, source

CATALOGUE = "study.db"
KIND = "observations"  # of the documents that finished trials leave


def from_study(path: str | os.PathLike[str]) -> CellTable:
    """Return every observation of the finished trials of a study.

    Raises BadRuns for a folder that is no study or holds no finished trial, ConventionMismatch
    if its trials count differently, BadStudy if it is damaged.
    """
    folder = Path(path)
    if not (folder / CATALOGUE).is_file():
        raise BadRuns(
            f"{folder} is a folder without {CATALOGUE} and without tables, so it is no study; "
            "name a file"
        )
    from isoflop.store import Study

    rows: list[Mapping[str, Any]] = []
    conventions: Mapping[str, str] | None = None
    for document in Study.open(folder).documents(KIND):
        body: Mapping[str, Any] = document.body
        observations = body.get("observations", ())
        if not isinstance(observations, list | tuple) or not all(
            isinstance(r, Mapping) for r in observations
        ):
            raise BadStudy(f"the trial {document.name} of {folder} holds no list of observations")
        trial_conventions = body.get("conventions") or {}
        conventions = trial_conventions if conventions is None else conventions
        shared = sorted({*conventions, *trial_conventions})
        refuse_clash(
            conventions, trial_conventions, shared, ("earlier trials", f"trial {document.name}")
        )
        fallback = {"run": body.get("label") or document.name, "seed": body.get("seed")}
        rows += [{**fallback, **row} for row in observations]
    if not rows:
        raise BadRuns(f"the study {folder} holds no finished trial yet; run its sweep first")
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return source(str(folder), columns, conventions=conventions)
