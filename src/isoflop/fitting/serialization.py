"""A fit as a file: what is written, and how it is read back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, ValidationError

from isoflop.errors import BadStudy, IsoflopError, Note, UnknownName
from isoflop.files import BadJSON, parse_json, read_text
from isoflop.fitting.diagnose import unstated
from isoflop.fitting.objective import OBJECTIVES, Objective
from isoflop.fitting.trust import LEARNT_FORMS, FormError, Starts
from isoflop.law import Binding, form
from isoflop.runs import Omission, Runs, refuse_impossible
from isoflop.store import canonical, digest

READABLE = (1, 2)  # schema 1 kept notes as texts alone, and no rows that were left out
F = TypeVar("F")  # a fit; its class imports this file when it is saved
Count = Annotated[int, Field(ge=0, lt=2**63)]


class SavedModel(BaseModel):
    """What is written to a file and read back: nothing unknown, nothing changed, all finite."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class SavedObjective(SavedModel):
    """An objective by name, its settings, and the value that the fit reached."""

    name: str
    settings: dict[str, float]
    value: float


class SavedNote(SavedModel):
    """A note of a result."""

    kind: Literal["info", "doubt", "refused"]
    topic: str
    text: str
    rows: list[Count]
    symbol: str

    @classmethod
    def of(cls, note: Note) -> SavedNote:
        """Return the saved form of a note."""
        return cls(
            kind=note.kind,
            topic=note.topic,
            text=note.text,
            rows=list(note.rows),
            symbol=note.symbol,
        )

    def note(self) -> Note:
        """Return the note that was saved."""
        return Note(self.kind, self.topic, self.text, tuple(self.rows), self.symbol)


class SavedOmission(SavedModel):
    """Rows that were left out: the first and last of each stretch, and the reason."""

    rows: list[tuple[Count, Count]]
    reason: str

    @classmethod
    def of(cls, omission: Omission) -> SavedOmission:
        """Return the saved form of an omission."""
        rows = np.array(omission.rows, np.int64)
        stretches = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1) if rows.size else []
        return cls(rows=[(int(s[0]), int(s[-1])) for s in stretches], reason=omission.reason)

    def omission(self) -> Omission:
        """Return the omission that was saved."""
        rows = (row for first, last in self.rows for row in range(first, last + 1))
        return Omission(tuple(rows), self.reason)


class SavedRuns(SavedModel):
    """The runs behind a fit; a missing number is null."""

    columns: dict[str, list[float | None]]
    labels: dict[str, list[str]]
    conventions: dict[str, str]
    origin: str
    rows: list[Count]
    notes: list[SavedNote | str]
    dropped: list[SavedOmission] = []
    digest: str
    ranges: dict[str, tuple[float, float]]


class SavedStarts(SavedModel):
    """How many starting points were tried and polished, and how many polished ones agree."""

    screened: Annotated[Count, Field(validation_alias=AliasChoices("screened", "tried"))]
    polished: Count
    agree: Count


class SavedForm(SavedModel):
    """How far the form of a law may be off, and what says so."""

    growth: Annotated[float, Field(ge=0)]
    splits: Count
    reason: str

    @classmethod
    def of(cls, form: FormError) -> SavedForm:
        """Return what is written of the error of a form."""
        return cls(**asdict(form))


class SavedFit(SavedModel):
    """A saved fit; `sha256` is of all the rest, where the file has one."""

    schema_version: Literal[1, 2]
    law: str
    over: str | None
    output: str | None
    params: dict[str, float]
    draws: dict[str, list[float]] | None
    fixed: list[str]
    objective: SavedObjective
    kind: Literal["log", "linear"]
    starts: SavedStarts
    conditioning: Annotated[float, Field(ge=0)] | None
    level: Annotated[float, Field(gt=0, lt=1)]
    seed: Annotated[int, Field(ge=0)]
    resampling: str
    status: Literal["ok", "doubtful", "refused"]
    notes: list[SavedNote | str]
    seconds: Annotated[float, Field(ge=0)]
    runs: SavedRuns
    form: SavedForm | None = None
    sha256: str | None = None


def document(fit: Any) -> dict[str, Any]:
    """Return a `Fit` as JSON types."""
    saved = saved_fit(fit)
    return {**_body(saved), "sha256": digest(canonical(_body(saved)))}


def saved_fit(fit: Any) -> SavedFit:
    """Return what is written of a `Fit`."""
    target = fit.objective
    settings = {f.name: getattr(target, f.name) for f in fields(target)}
    draws, learnt = fit.draws, fit.form or LEARNT_FORMS.get(fit)
    return SavedFit(
        schema_version=2,
        law=fit.law.key,
        over=fit.binding.over,
        output=fit.binding.output,
        params={k: float(v) for k, v in fit.law.values.items()},
        draws=None if draws is None else {k: getattr(draws, k).tolist() for k in fit.free},
        fixed=list(fit.fixed),
        objective=SavedObjective(name=target.name, settings=settings, value=fit.value),
        kind=fit.kind,
        starts=SavedStarts(**fit.starts._asdict()),
        conditioning=fit.conditioning if np.isfinite(fit.conditioning) else None,
        level=fit.level,
        seed=fit.seed,
        resampling=fit.resampling,
        status=fit.status,
        notes=list(map(SavedNote.of, fit.notes)),
        seconds=fit.seconds,
        runs=_saved_runs(fit.runs),
        form=None if learnt is None else SavedForm.of(learnt),
    )


def _body(saved: SavedFit) -> dict[str, Any]:
    """Return a saved fit as JSON types, without its hash, nor a form that is not known."""
    unknown = {"dropped"} if saved.schema_version == 1 else set[str]()
    absent: dict[str, Any] = {"sha256": True, "runs": unknown}
    if saved.form is None:
        absent["form"] = True
    body = saved.model_dump(mode="json", exclude=absent)
    starts = body["starts"]
    body["starts"] = {"tried": starts.pop("screened"), **starts}  # as in every file until now
    return body


def _remark(saved: SavedNote | str) -> Note:
    """Return a note that bears on nothing else; schema 1 kept its text alone."""
    return Note("info", "saved", saved) if isinstance(saved, str) else saved.note()


def _notes(saved: SavedFit) -> tuple[Note, ...]:
    """Return the notes of a fit; schema 1 kept their texts alone.

    There, those that neither the runs nor unstated conventions account for are doubts, and the
    first of them refuses a fit that was refused.
    """
    remarks = {*map(str, map(_remark, saved.runs.notes)), *map(str, map(unstated, ("N", "C")))}
    notes, grave = [], saved.status != "ok"
    for item in saved.notes:
        if not isinstance(item, str):
            notes.append(item.note())
        elif not grave or item in remarks:
            notes.append(_remark(item))
        else:
            first = saved.status == "refused" and not any(n.kind == "refused" for n in notes)
            notes.append(Note("refused" if first else "doubt", "saved", item))
    return tuple(notes)


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
        notes=list(map(SavedNote.of, runs.notes)),
        dropped=list(map(SavedOmission.of, runs.dropped)),
        digest=runs.digest,
        ranges=ranges,
    )


def restore(path: Path, kind: Callable[..., F]) -> F:
    """Return the fit saved at `path`, made by `kind`, the class of fits.

    Raises BadStudy for a file that is not a saved fit, is damaged, or is of another schema.
    """
    document = read_document(path)
    if document.get("pool"):
        raise BadStudy(f"{path} holds a pool of several laws, not one fit: read it with Pool.load")
    return restored(path, document, kind)


def read_document(path: Path) -> dict[str, Any]:
    """Return what the file of a fit, or of a pool, holds, once its schema is known.

    Raises BadStudy for a file that is neither.
    """
    try:
        document = parse_json(read_text(path, BadStudy))
    except BadJSON as error:
        raise BadStudy(f"{path} is not a saved fit: {error}") from None
    except BadStudy as error:
        if isinstance(error.__context__, FileNotFoundError):
            todo = "write one with 'isoflop fit ... --out'"
            raise BadStudy(f"there is no fit at {path}; {todo}") from None
        raise
    version = document.get("schema_version") if isinstance(document, dict) else None
    if not isinstance(document, dict) or version not in READABLE:
        readable = " and ".join(map(str, READABLE))
        raise BadStudy(f"{path} has schema version {version!r}; this isoflop reads {readable}")
    return document


def restored(path: Path, document: Mapping[str, Any], kind: Callable[..., F]) -> F:
    """Return the fit that a document holds, made by `kind`, the class of fits.

    `path` is for the message where it cannot.

    Raises BadStudy for a document that is damaged.
    """
    try:
        saved = SavedFit.model_validate(document)
        fit = _fit(saved, kind)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadStudy(f"{path} is damaged at {where}: {first['msg']}; fit again") from None
    except IsoflopError as error:
        raise BadStudy(f"{path} cannot be used: {error}") from None
    if saved.sha256 not in (None, digest(canonical(_body(saved)))):
        raise BadStudy(f"{path} does not match its hash: it was changed; fit again")
    return fit


def _fit(saved: SavedFit, kind: Callable[..., F]) -> F:
    names = set(form(saved.law).params)
    if set(saved.params) != names or not set(saved.fixed) <= names:
        raise BadStudy(f"its parameters are not those of {saved.law}; fit again")
    if saved.draws is not None:
        _refuse_draws(saved.draws, names - set(saved.fixed), saved.law)
    law = form(saved.law)(**saved.params)
    draws = None
    if saved.draws is not None:
        constants = {k: saved.params[k] for k in saved.fixed}
        draws = type(law)(**{k: np.array(v) for k, v in saved.draws.items()}, **constants)
    for numbers in filter(None, (law, draws)):
        if wrong := numbers.outside_bounds():
            raise BadStudy(f"its numbers cannot be: {wrong}; fit again")
    binding = Binding(type(law), saved.over, saved.output)
    return kind(
        law=law,
        draws=draws,
        runs=_runs(saved.runs, binding.predicts if saved.kind == "linear" else None),
        binding=binding,
        objective=_objective(saved.objective),
        value=saved.objective.value,
        kind=saved.kind,
        starts=Starts(**saved.starts.model_dump()),
        fixed=tuple(saved.fixed),
        conditioning=np.inf if saved.conditioning is None else saved.conditioning,
        level=saved.level,
        seed=saved.seed,
        resampling=saved.resampling,
        status=saved.status,
        notes=_notes(saved),
        seconds=saved.seconds,
        form=None if saved.form is None else FormError(**saved.form.model_dump()),
    )


def _refuse_draws(draws: Mapping[str, list[float]], free: set[str], law: str) -> None:
    if set(draws) != free or len({len(values) for values in draws.values()}) > 1:
        raise BadStudy(f"its draws are not of the parameters of {law}; fit again")
    if not all(draws.values()):
        raise BadStudy("it holds draws, and not one of them; fit again")


def _objective(saved: SavedObjective) -> Objective:
    if saved.name not in OBJECTIVES:
        raise UnknownName("objective", saved.name, OBJECTIVES)
    if not all(setting > 0 for setting in saved.settings.values()):
        raise BadStudy(f"a setting of its {saved.name} objective is not above zero; fit again")
    try:
        return OBJECTIVES[saved.name](**saved.settings)
    except TypeError:
        raise BadStudy(f"its {saved.name} objective has unknown settings; fit again") from None


def _runs(saved: SavedRuns, signed: str | None) -> Runs:
    """Return the runs; the column that is `signed`, an output in linear terms, has any sign."""
    runs = Runs(
        columns={k: np.array(v, float) for k, v in saved.columns.items()},
        labels={k: np.array(v, str) for k, v in saved.labels.items()},
        conventions=saved.conventions,
        origin=saved.origin,
        rows=np.array(saved.rows, int),
        notes=tuple(map(_remark, saved.notes)),
        dropped=tuple(item.omission() for item in saved.dropped),
    )
    if runs.digest != saved.digest:
        raise BadStudy("its runs do not match their hash: the file was changed; fit again")
    columns = {symbol: values for symbol, values in runs.columns.items() if symbol != signed}
    refuse_impossible(columns, runs.rows, runs.origin)
    return runs
