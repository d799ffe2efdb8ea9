"""A form for any command, made from its typed parameters; what is written in it is the address."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from isoflop import commands
from isoflop.commands.registry import SEVERAL, Parameter, explanation
from isoflop.web.answers import askable
from isoflop.web.workspace import Texts, Workspace

BLANKS = 2  # empty boxes behind those of an option that may be given more than once
SUGGESTED = {"RUNS": "sources", "FIT": "fits", "LAW": "laws", "CHIP": "chips"}


@dataclass(frozen=True, slots=True)
class Field:
    """A box of a form: what it is for, what stands in it, and what may."""

    name: str
    label: str
    help: str
    kind: str
    values: tuple[str, ...]
    choices: tuple[str, ...]
    standard: str
    required: bool
    suggestions: str
    first: bool
    slides: bool

    @property
    def value(self) -> str:
        """What stands in the box, or nothing."""
        return self.values[0] if self.values else ""

    @property
    def boxes(self) -> tuple[str, ...]:
        """What stands in each box of an option that may be given more than once."""
        if self.kind in SEVERAL:
            return (*self.values, *([""] * BLANKS))
        return (self.value,)


@dataclass(frozen=True, slots=True)
class FormShape:
    """What a form shows at once, what has a slider, and what the page fills in by itself."""

    first: tuple[str, ...] = ()
    slides: tuple[str, ...] = ()
    preset: tuple[str, ...] = ()


def fields(name: str, texts: Texts, shape: FormShape) -> tuple[Field, ...]:
    """Return the boxes of a command's form, those shown at once before the others."""
    parameters = {p.name: p for p in commands.every()[name].parameters}
    ordinary = [
        _field(parameter, parameters, texts, shape)
        for parameter in askable(commands.every()[name])
        if parameter.name not in shape.preset
    ]
    ranks = {word: rank for rank, word in enumerate(shape.first)}
    return tuple(sorted(ordinary, key=lambda f: (not f.first, ranks.get(f.name, len(ranks)))))


def texts_of(name: str, query: Mapping[str, Sequence[str]], without: Collection[str]) -> Texts:
    """Return what a query says of the parameters of a command; empty boxes say nothing."""
    return {
        p.name: [text.strip() for text in query[p.name] if text.strip()]
        for p in askable(commands.every()[name])
        if p.name not in without and any(text.strip() for text in query.get(p.name, ()))
    }


def lacking(name: str, texts: Texts) -> tuple[str, ...]:
    """Return the labels of what must be said before a command can answer."""
    return tuple(
        p.shown for p in askable(commands.every()[name]) if p.required and not texts.get(p.name)
    )


def suggestions(workspace: Workspace) -> Mapping[str, tuple[str, ...]]:
    """Return what a reader may choose in a box, by the kind of box."""
    sources = [entry.name for entry in (*workspace.entries(), *workspace.samples())]
    return {"sources": tuple(sources), **_known()}


@functools.cache
def _known() -> Mapping[str, tuple[str, ...]]:
    import isoflop.laws
    from isoflop.atlas.chips import chip_names
    from isoflop.law import Law

    assert isoflop.laws
    sets = [constants.key for law in Law.registry.values() for constants in law.published.values()]
    return {"fits": tuple(sets), "laws": tuple(Law.registry), "chips": chip_names()}


def _field(
    parameter: Parameter, parameters: Mapping[str, Parameter], texts: Texts, shape: FormShape
) -> Field:
    first = parameter.name in shape.first if shape.first else _leads(parameter)
    return Field(
        name=parameter.name,
        label=parameter.shown.removeprefix("--").replace("-", " "),
        help=explanation(parameter, parameters),
        kind=parameter.kind,
        values=tuple(texts.get(parameter.name, ())),
        choices=parameter.choices,
        standard=parameter.standard or parameter.metavar,
        required=parameter.required,
        suggestions=SUGGESTED.get(parameter.metavar, ""),
        first=first,
        slides=parameter.name in shape.slides,
    )


def _leads(parameter: Parameter) -> bool:
    return parameter.required or parameter.positional or parameter.name in _LEADING


_LEADING = frozenset(
    {"N", "D", "C", "L", "law", "laws", "where", "budget", "serving", "over", "chip"}
)
