"""What the file of a pool holds: its fits, each without its runs, and the runs once."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field

from isoflop.fitting.serialization import SavedForm, SavedModel, SavedNote, SavedRuns

Seed = Annotated[int, Field(ge=0)]


class SavedCandidate(SavedModel):
    """A way to fit: a law, what is pinned, the objective, and what open symbols stand for."""

    law: str
    fix: dict[str, float]
    objective: str
    over: str | None
    predicts: str | None


class SavedMember(SavedModel):
    """A fit of a pool, whose runs are those of the pool, and its weight."""

    candidate: SavedCandidate
    weight: Annotated[float, Field(gt=0, le=1)]
    fit: dict[str, Any]


class SavedRecipe(SavedModel):
    """What was compared, and how."""

    candidates: list[SavedCandidate]
    axes: Annotated[list[str], Field(validation_alias=AliasChoices("axes", "along"))]
    cuts: int | list[float]


class SavedPool(SavedModel):
    """A saved pool; `sha256` is of all the rest."""

    schema_version: Literal[2]
    pool: Literal[True]
    members: Annotated[list[SavedMember], Field(min_length=1)]
    form: SavedForm
    level: Annotated[float, Field(gt=0, lt=1)]
    seed: Seed
    status: Literal["ok", "doubtful", "refused"]
    notes: list[SavedNote]
    recipe: SavedRecipe
    runs: SavedRuns
    sha256: str
