"""A form for any command, made from its typed parameters; what is written in it is the address."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

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
    begin: str | None  # what its slider begins with; None where there is none

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
    slides: Mapping[str, str] = field(default_factory=dict)  # and what each begins with
    preset: tuple[str, ...] = ()
    inputs: frozenset[str] | None = None  # of a law that takes any quantity, those it has boxes for


def fields(name: str, texts: Texts, shape: FormShape) -> tuple[Field, ...]:
    """Return the boxes of a command's form, those shown at once before the others."""
    parameters = {p.name: p for p in commands.every()[name].parameters}
    ordinary = [
        _field(parameter, parameters, texts, shape)
        for parameter in askable(commands.every()[name])
        if parameter.name not in shape.preset and _has_box(parameter, texts, shape)
    ]
    ranks = {word: rank for rank, word in enumerate(shape.first)}
    return tuple(sorted(ordinary, key=lambda f: (not f.first, ranks.get(f.name, len(ranks)))))


def law_field(law: str) -> Field:
    """Return the box for the law behind a forecast or a plan."""
    parameters = {p.name: p for p in commands.every()["fit"].parameters}
    return _field(parameters["law"], parameters, {"law": [law]}, FormShape(("law",)))


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
    return {"fits": tuple(sets), "laws": ("pool", "best", *Law.registry), "chips": chip_names()}


def _has_box(parameter: Parameter, texts: Texts, shape: FormShape) -> bool:
    """Return whether a form has a box for a parameter: of open inputs, for those of the law."""
    if not parameter.open or shape.inputs is None:
        return True
    return parameter.name in shape.inputs or parameter.name in texts


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
        begin=shape.slides.get(parameter.name),
    )


def _leads(parameter: Parameter) -> bool:
    return parameter.required or parameter.positional or parameter.name in _LEADING


_LEADING = frozenset(
    {"N", "D", "C", "L", "law", "laws", "where", "budget", "serving", "over", "chip"}
)
