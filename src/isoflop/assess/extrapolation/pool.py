"""A pool of fits: several laws that answer together, as one fit does, and its file."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from isoflop.assess.extrapolation.backtest import Candidate
from isoflop.assess.extrapolation.comparison import Recipe
from isoflop.assess.extrapolation.mixture import PooledBinding, PooledDraws, PooledLaw, draws_of
from isoflop.assess.extrapolation.pool_schema import (
    SavedCandidate,
    SavedMember,
    SavedPool,
    SavedRecipe,
)
from isoflop.errors import BadStudy, IsoflopError, Note, brief
from isoflop.fitting import Fit
from isoflop.fitting.serialization import SavedForm, SavedNote, read_document, restored, saved_fit
from isoflop.fitting.trust import FormError, Status
from isoflop.law import Law
from isoflop.quantities import amounts
from isoflop.report.display import Displayed
from isoflop.runs import Runs
from isoflop.store import canonical, digest, write_atomically


@dataclass(frozen=True, eq=False)
class Member(Displayed):
    """One fit of a pool and its share of the forecast."""

    candidate: Candidate
    fit: Fit[Any]
    weight: float


@dataclass(frozen=True, eq=False)
class Pool(Displayed):
    """Several laws, fitted to the same runs, that answer together: as a fit does, everywhere.

    `form` is how far they may all be off beyond the runs. `status` is read first; `notes` say why,
    each once. `law` is their weighted mean, and `draws` are theirs, as many of each as it weighs.
    """

    members: tuple[Member, ...]
    form: FormError
    level: float
    seed: int
    status: Status
    notes: tuple[Note, ...]
    recipe: Recipe

    def _facts(self) -> Iterator[str]:
        yield f"{self.status}"
        yield f"{len(self.runs):,} runs of {brief(self.runs.origin or 'unnamed origin')[1:-1]}"
        yield from (f"{m.candidate.name}: {m.weight:.0%}" for m in self.members)
        yield f"form={self.growth:.2%} per factor e"

    def __call__(self, **inputs: Any) -> Any:
        """Return the mean prediction at quantities by name: a number, or an array as given.

        Numbers may be texts such as "70B" and "1.4T".
        """
        values = self.predict(**{symbol: amounts(symbol, v) for symbol, v in inputs.items()})
        return float(values) if values.ndim == 0 else values

    @property
    def fits(self) -> tuple[Fit[Any], ...]:
        """The fits of the members."""
        return tuple(m.fit for m in self.members)

    @property
    def growth(self) -> float:
        """What the pool errs per factor e beyond its runs."""
        return self.form.growth

    @property
    def runs(self) -> Runs:
        """The runs behind every member."""
        return self.members[0].fit.runs

    @property
    def conventions(self) -> Mapping[str, str]:
        """How the runs count N and C, and in which unit their loss is, as far as they say."""
        return self.runs.conventions

    @property
    def kind(self) -> Literal["log", "linear"]:
        """The scale of the mean of the members: linear where one of them is fitted so."""
        return "linear" if any(f.kind == "linear" for f in self.fits) else "log"

    @property
    def takes(self) -> tuple[str, ...]:
        """Every quantity that a member takes."""
        return tuple(dict.fromkeys(s for f in self.fits for s in f.binding.takes))

    @property
    def predicts(self) -> str:
        """The quantity that all members predict."""
        return self.members[0].fit.binding.predicts

    @property
    def binding(self) -> PooledBinding:
        """The quantities that the members take and predict."""
        return PooledBinding(self.takes, self.predicts)

    @cached_property
    def law(self) -> Law | PooledLaw:
        """The weighted mean of the members; the law itself where there is one."""
        if len(self.members) == 1:
            law: Law = self.members[0].fit.law
            return law
        return PooledLaw(
            tuple(f.law for f in self.fits),
            tuple(f.binding for f in self.fits),
            tuple(m.weight for m in self.members),
            self.kind,
        )

    @cached_property
    def draws(self) -> Law | PooledDraws | None:
        """The draws of all members, by weight; None if one of them has none."""
        each = [f.draws for f in self.fits]
        if any(d is None for d in each):
            return None
        ensembles = draws_of([d for d in each if d is not None], [m.weight for m in self.members])
        if len(self.members) == 1:
            return ensembles[0]
        return PooledDraws(ensembles, tuple(f.binding for f in self.fits))

    def predict(self, **inputs: Any) -> Any:
        """Return the mean prediction at quantities given by name."""
        with np.errstate(all="ignore"):
            return np.asarray(self.law(**self._arguments(inputs)))

    def _arguments(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments of `law`: by its own symbols where there is one law alone."""
        first = self.members[0].fit.binding
        return first.arguments(inputs) if len(self.members) == 1 else self.binding.arguments(inputs)

    def able(
        self,
        fault: Callable[[Fit[Any]], str | None],
        purpose: str,
        kind: Literal["info", "doubt"] = "doubt",
    ) -> Pool | None:
        """Return the pool without the members of whose fit `fault` says something; None if all.

        They leave their weight to the others. Notes of that `kind` say which are left out of the
        `purpose`, and why.
        """
        faults = [fault(member.fit) for member in self.members]
        rest = [m for m, text in zip(self.members, faults, strict=True) if text is None]
        if len(rest) == len(self.members):
            return self
        if not rest:
            return None
        names: dict[str, list[str]] = {}
        for member, text in zip(self.members, faults, strict=True):
            if text is not None:
                names.setdefault(text, []).append(member.candidate.name)
        reasons = [
            Note(kind, "left-out", f"left out of {purpose}: {'; '.join(those)}: {text}")
            for text, those in names.items()
        ]
        total = sum(m.weight for m in rest)
        members = tuple(replace(m, weight=m.weight / total) for m in rest)
        return replace(self, members=members, notes=tuple(dict.fromkeys((*self.notes, *reasons))))

    def save(self, path: str | Path) -> None:
        """Write the pool, its fits and their runs as JSON, whole or not at all."""
        text = json.dumps(_document(self), allow_nan=False) + "\n"
        write_atomically(Path(path), lambda file: file.write(text.encode()))

    @staticmethod
    def load(path: str | Path) -> Pool:
        """Read a pool that `save` wrote.

        Raises BadStudy for a file that is damaged, of another schema, or a single fit.
        """
        item = load(path)
        if isinstance(item, Fit):
            raise BadStudy(
                f"{path} holds a fit of {item.law.key}, not a pool: read it with Fit.load"
            )
        return item


def load(path: str | Path) -> Fit[Any] | Pool:
    """Return the fit, or the pool, saved at `path`.

    Raises BadStudy for a file that is neither, is damaged, or is of another schema.
    """
    path = Path(path)
    document = read_document(path)
    if not document.get("pool"):
        return restored(path, document, Fit)
    try:
        saved = SavedPool.model_validate(document)
        body = _body(saved)
        if saved.sha256 != digest(canonical(body)):
            raise BadStudy("it does not match its hash: it was changed; pool again")
        return _restored(path, saved, body["runs"])
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BadStudy(f"{path} is damaged at {where}: {first['msg']}; pool again") from None
    except IsoflopError as error:
        raise BadStudy(f"{path} cannot be used: {error}") from None


def _document(pool: Pool) -> dict[str, Any]:
    """Return the pool as JSON types."""
    members = [
        SavedMember(
            candidate=_written(m.candidate),
            weight=m.weight,
            fit=saved_fit(m.fit).model_dump(mode="json", exclude={"runs", "sha256"}),
        )
        for m in pool.members
    ]
    cuts = pool.recipe.cuts
    saved = SavedPool(
        schema_version=2,
        pool=True,
        members=members,
        form=SavedForm.of(pool.form),
        level=pool.level,
        seed=pool.seed,
        status=pool.status,
        notes=list(map(SavedNote.of, pool.notes)),
        recipe=SavedRecipe(
            candidates=[_written(c) for c in pool.recipe.candidates],
            axes=list(pool.recipe.axes),
            cuts=cuts if isinstance(cuts, int) else list(cuts),
        ),
        runs=saved_fit(pool.members[0].fit).runs,
        sha256="",
    )
    return {**_body(saved), "sha256": digest(canonical(_body(saved)))}


def _body(saved: SavedPool) -> dict[str, Any]:
    """Return a saved pool as JSON types, without its hash."""
    body = saved.model_dump(mode="json", exclude={"sha256"})
    recipe = body["recipe"]
    body["recipe"] = {"along": recipe.pop("axes"), **recipe}  # as in every file until now
    return body


def _restored(path: Path, saved: SavedPool, runs: Mapping[str, Any]) -> Pool:
    fits = [restored(path, {**m.fit, "runs": runs}, Fit) for m in saved.members]
    members = tuple(
        Member(_read(m.candidate), replace(fit, runs=fits[0].runs), m.weight)
        for m, fit in zip(saved.members, fits, strict=True)
    )
    recipe, cuts = saved.recipe, saved.recipe.cuts
    return Pool(
        members=members,
        form=FormError(**saved.form.model_dump()),
        level=saved.level,
        seed=saved.seed,
        status=saved.status,
        notes=tuple(n.note() for n in saved.notes),
        recipe=Recipe(
            tuple(_read(c) for c in recipe.candidates),
            tuple(recipe.axes),
            cuts if isinstance(cuts, int) else tuple(cuts),
        ),
    )


def _written(c: Candidate) -> SavedCandidate:
    return SavedCandidate(
        law=c.law, fix=dict(c.fix), objective=c.objective, over=c.over, predicts=c.predicts
    )


def _read(saved: SavedCandidate) -> Candidate:
    return Candidate(**saved.model_dump())
