"""A fit as a file: what is written, and how it is read back."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from isoflop.errors import BadStudy, IsoflopError, UnknownName
from isoflop.fitting.objective import OBJECTIVES, Objective
from isoflop.fitting.result import Fit, Starts
from isoflop.law import Binding, form
from isoflop.runs import Runs

SCHEMA = 1


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SavedObjective(_Strict):
    """An objective by name, its settings, and the value that the fit reached."""

    name: str
    settings: dict[str, float]
    value: float


class SavedRuns(_Strict):
    """The runs behind a fit; a missing number is null."""

    columns: dict[str, list[float | None]]
    labels: dict[str, list[str]]
    conventions: dict[str, str]
    origin: str
    rows: list[int]
    notes: list[str]
    digest: str
    ranges: dict[str, tuple[float, float]]


class SavedFit(_Strict):
    """Schema 1 of a saved fit."""

    schema_version: Literal[1]
    law: str
    over: str | None
    output: str | None
    params: dict[str, float]
    draws: dict[str, list[float]] | None
    fixed: list[str]
    objective: SavedObjective
    kind: Literal["log", "linear"]
    starts: dict[str, int]
    conditioning: float | None
    level: float
    seed: int
    resampling: str
    status: Literal["ok", "doubtful", "refused"]
    notes: list[str]
    seconds: float
    runs: SavedRuns


def document(fit: Fit[Any]) -> dict[str, Any]:
    """Return the fit as JSON types."""
    target = fit.objective
    settings = {f.name: getattr(target, f.name) for f in fields(target)}  # type: ignore[arg-type]
    draws = fit.draws
    return SavedFit(
        schema_version=1,
        law=fit.law.key,
        over=fit.binding.over,
        output=fit.binding.output,
        params={k: float(v) for k, v in fit.law.values.items()},
        draws=None if draws is None else {k: getattr(draws, k).tolist() for k in fit.free},
        fixed=list(fit.fixed),
        objective=SavedObjective(name=target.name, settings=settings, value=fit.value),
        kind=fit.kind,
        starts=fit.starts._asdict(),
        conditioning=fit.conditioning if np.isfinite(fit.conditioning) else None,
        level=fit.level,
        seed=fit.seed,
        resampling=fit.resampling,
        status=fit.status,
        notes=list(fit.notes),
        seconds=fit.seconds,
        runs=_saved_runs(fit.runs),
    ).model_dump(mode="json")


def _saved_runs(runs: Runs) -> SavedRuns:
    ranges = {
        k: (float(np.nanmin(v)), float(np.nanmax(v)))
        for k, v in runs.columns.items()
        if np.isfinite(v).any()
    }
    return SavedRuns(
        columns={
            k: [x if np.isfinite(x) else None for x in v.tolist()] for k, v in runs.columns.items()
        },
        labels={k: v.tolist() for k, v in runs.labels.items()},
        conventions=dict(runs.conventions),
        origin=runs.origin,
        rows=runs.rows.tolist(),
        notes=list(runs.notes),
        digest=runs.digest,
        ranges=ranges,
    )


def restore(path: Path) -> Fit[Any]:
    """Return the fit saved at `path`.

    Raises BadStudy for a file that is not a saved fit, is damaged, or is of another schema.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadStudy(
            f"there is no fit at {path}; write one with 'isoflop fit ... --out'"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadStudy(f"{path} cannot be read as a saved fit: {error}") from None
    try:
        found = json.loads(text)
    except json.JSONDecodeError as error:
        raise BadStudy(f"{path} is not a saved fit: no JSON at line {error.lineno}") from None
    version = found.get("schema_version") if isinstance(found, dict) else None
    if version != SCHEMA:
        raise BadStudy(f"{path} has schema version {version!r}; this isoflop reads {SCHEMA}")
    try:
        return _fit(SavedFit.model_validate(found))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadStudy(f"{path} is damaged at {where}: {first['msg']}; fit again") from None
    except IsoflopError as error:
        raise BadStudy(f"{path} cannot be used: {error}") from None


def _fit(saved: SavedFit) -> Fit[Any]:
    known = set(form(saved.law).params)
    if set(saved.params) != known or not set(saved.fixed) <= known:
        raise BadStudy(f"its parameters are not those of {saved.law}; fit again")
    if saved.draws is not None and set(saved.draws) != known - set(saved.fixed):
        raise BadStudy(f"its draws are not of the parameters of {saved.law}; fit again")
    law = form(saved.law)(**saved.params)
    draws = None
    if saved.draws is not None:
        held = {k: saved.params[k] for k in saved.fixed}
        draws = type(law)(**{k: np.array(v) for k, v in saved.draws.items()}, **held)
    for numbers in filter(None, (law, draws)):
        if wrong := numbers.outside_bounds():
            raise BadStudy(f"its numbers cannot be: {wrong}; fit again")
    return Fit(
        law=law,
        draws=draws,
        runs=_runs(saved.runs),
        binding=Binding(type(law), saved.over, saved.output),
        objective=_objective(saved.objective),
        value=saved.objective.value,
        kind=saved.kind,
        starts=Starts(**saved.starts),
        fixed=tuple(saved.fixed),
        conditioning=np.inf if saved.conditioning is None else saved.conditioning,
        level=saved.level,
        seed=saved.seed,
        resampling=saved.resampling,
        status=saved.status,
        notes=tuple(saved.notes),
        seconds=saved.seconds,
    )


def _objective(saved: SavedObjective) -> Objective:
    if saved.name not in OBJECTIVES:
        raise UnknownName("objective", saved.name, OBJECTIVES)
    try:
        return OBJECTIVES[saved.name](**saved.settings)
    except TypeError:
        raise BadStudy(f"its {saved.name} objective has unknown settings; fit again") from None


def _runs(saved: SavedRuns) -> Runs:
    runs = Runs(
        columns={k: np.array(v, float) for k, v in saved.columns.items()},
        labels={k: np.array(v, str) for k, v in saved.labels.items()},
        conventions=saved.conventions,
        origin=saved.origin,
        rows=np.array(saved.rows, int),
        notes=tuple(saved.notes),
    )
    if runs.digest != saved.digest:
        raise BadStudy("its runs do not match their hash: the file was changed; fit again")
    return runs
