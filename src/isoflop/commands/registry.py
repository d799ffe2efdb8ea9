"""What a command is: a typed function, from whose signature every face is derived.

Parameters before `*` are positional, the others are options; a `**name: float` is one option for
each quantity of the vocabulary. A parameter that is a frozen dataclass stands for its fields, each
of which is an option; its default sets theirs. Text becomes values here, once for the terminal and
the page.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

from isoflop.commands.tables import tables_of_call
from isoflop.errors import UsageError, brief, suggest
from isoflop.options import MOST
from isoflop.options import Option as Option
from isoflop.quantities import FROM_ZERO, QUANTITIES, parse_as, refuse_level, show

if TYPE_CHECKING:
    from isoflop.report import Report  # which brings NumPy, too much for a list of commands

Kind: TypeAlias = Literal["text", "number", "whole", "choice", "flag", "texts", "names", "numbers"]
Section: TypeAlias = Literal[  # of the list of commands, in the order of the work
    "Begin here",
    "Runs",
    "Laws, and how far they hold",
    "Forecasts",
    "Plans",
    "Runs under way",
    "After pretraining",
    "What is known",
    "Others",
]
Function = TypeVar("Function", bound="Callable[..., Report]")

SEVERAL: frozenset[Kind] = frozenset({"texts", "names", "numbers"})  # may be given more than once
SEEDS = 10**18 - 1  # a seed is no size: any of 18 digits
LONGEST = 10_000  # characters of one text at the command line
ANY = "**"  # the condition that some quantity is given


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a command, as every face needs to know it."""

    name: str
    kind: Kind
    help: str
    metavar: str
    default: Any
    positional: bool
    choices: tuple[str, ...] = ()
    least: int = 0
    most: int = MOST
    needs: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    open: bool = False  # one of the quantities behind a `**name: float`
    group: str = ""  # the parameter of the function that is a dataclass with this field

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is inspect.Parameter.empty and not self.open

    @property
    def shown(self) -> str:
        """The name as a user writes it: "RUNS", or "--at-most"."""
        # A word that Python keeps for itself is written with a line below: as_ is --as.
        word = self.name.rstrip("_").replace("_", "-")
        return self.metavar if self.positional else f"--{word}"

    @property
    def standard(self) -> str:
        """The default as a user would write it; empty where there is none."""
        if isinstance(self.default, float):
            return show(self.default, 6)
        written = isinstance(self.default, str | int) and self.kind != "flag"
        return f"{self.default}" if written else ""

    def read(self, texts: Sequence[str]) -> Any:
        """Return the value that texts write; a text is one use of the option.

        Raises UsageError, which names the option and the text.
        """
        if self.kind not in SEVERAL and len(texts) > 1:
            raise UsageError(
                f"{self.shown} is given {len(texts)} times, {texts[0]!r} first; give it once"
            )
        if long := next((text for text in texts if len(text) > LONGEST), None):
            raise UsageError(
                f"{self.shown} is of {len(long):,} characters; at most {LONGEST:,} are read"
            )
        return _READERS[self.kind](self, texts)


def explanation(option: Parameter, parameters: Mapping[str, Parameter]) -> str:
    """Return what an option is for, and what it needs beside it."""
    # What every call has is no condition that a reader needs to know.
    always = {name for name, other in parameters.items() if other.required}
    needs = [_condition(n, parameters) for n in option.needs if not always & set(n.split("|"))]
    return f"{option.help} [with {' and '.join(needs)}]" if needs else option.help


@dataclass(frozen=True, slots=True)
class Command:
    """A function that answers with a report, the words that call it, and an example that runs.

    `minutes` says that the example takes longer than a reader of the docs would wait, or follows
    on one that does.
    """

    name: str
    function: Callable[..., Report]
    example: str
    minutes: bool
    section: Section = "Others"

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.explanation.partition("\n")[0]

    @property
    def explanation(self) -> str:
        """The docstring."""
        return inspect.getdoc(self.function) or ""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What the command takes, in the order of its signature."""
        hints = typing.get_type_hints(self.function, include_extras=True)
        signature = inspect.signature(self.function)
        return tuple(p for s in signature.parameters.values() for p in _read(s, hints[s.name]))

    def __call__(self, texts_by_name: Mapping[str, Sequence[str]]) -> Report:
        """Return the report for texts by the name of a parameter; what is not given is absent.

        Raises UsageError for a text that cannot be read, and what the command raises.
        """
        by_name = {p.name: p for p in self.parameters}
        if missing := [
            p.shown for p in self.parameters if p.required and p.name not in texts_by_name
        ]:
            raise UsageError(f"{self.name} needs {', '.join(missing)}")
        values = {name: by_name[name].read(texts) for name, texts in texts_by_name.items()}
        refuse_idle(by_name, values)
        with tables_of_call() as tables:
            report = self.function(**self.arguments(values))
        if not tables:
            return report
        from isoflop.pages.interpretation import with_readings

        return with_readings(report, tables)

    def arguments(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the function is called with, for values by the name of a parameter."""
        groups = {p.name: p.group for p in self.parameters}
        arguments = {name: value for name, value in values.items() if not groups[name]}
        for group, build in _groups(self.function).items():
            arguments[group] = build(**{n: v for n, v in values.items() if groups[n] == group})
        return arguments


REGISTRY: dict[str, Command] = {}


def command(
    name: str, *, example: str, section: Section = "Others", minutes: bool = False
) -> Callable[[Function], Function]:
    """Register a function as the command called `name`, of one word or of a group and a word.

    `section` is where the list of commands shows it; that of a group stands in its package.
    """

    def register(function: Function) -> Function:
        REGISTRY[name] = Command(name, function, example, minutes, section)
        return function

    return register


def refuse_idle(parameters: Mapping[str, Parameter], values: Mapping[str, Any]) -> None:
    """Raise UsageError for an option among `values` that has no effect in this call."""
    for name in values:
        option = parameters[name]
        for condition in option.needs:
            if not _holds(condition, parameters, values):
                words = _condition(condition, parameters)
                raise UsageError(f"{option.shown} has no effect here; it goes with {words}")
        for other in option.excludes:
            if other in values:
                raise UsageError(
                    f"{option.shown} has no effect beside {parameters[other].shown}; "
                    "give one of them"
                )


def _holds(condition: str, parameters: Mapping[str, Parameter], values: Mapping[str, Any]) -> bool:
    """Return whether a condition of `needs` is met by what was given."""
    if condition == ANY:
        return any(parameters[name].open for name in values)
    name, sign, choices = condition.partition("=")
    if not sign:
        return any(one in values for one in name.split("|"))
    option = parameters.get(name.rstrip("!"))
    value = f"{values.get(option.name, option.default)}" if option else ""
    return (value in choices.split("|")) != name.endswith("!")


def _condition(condition: str, parameters: Mapping[str, Parameter]) -> str:
    """Return a condition of `needs` as a user reads it: "--chip or --money"."""
    if condition == ANY:
        return "a quantity, such as --N"
    names, sign, choices = condition.partition("=")
    options = [
        parameters[name].shown for name in names.rstrip("!").split("|") if name in parameters
    ]
    values = " or ".join(choices.split("|"))
    if names.endswith("!"):
        return f"{options[0]} other than {values}"
    return f"{options[0]} {values}" if sign else " or ".join(options)


def _read(parameter: inspect.Parameter, hint: Any) -> tuple[Parameter, ...]:
    """Return the parameters that one entry of a signature stands for."""
    if dataclasses.is_dataclass(hint):
        return _fields(parameter, hint)
    kind, choices, option = _kind(hint)
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        return tuple(
            Parameter(q.symbol, kind, f"{q.meaning} [{q.unit}]", "NUMBER", None, False, open=True)
            for q in QUANTITIES.values()
        )
    positional = parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    metavar = option.metavar or (parameter.name.upper() if positional else _METAVARS[kind])
    return (
        Parameter(
            name=parameter.name,
            kind=kind,
            help=option.help,
            metavar=metavar,
            default=parameter.default,
            positional=positional,
            choices=choices,
            least=option.least,
            most=option.most,
            needs=option.needs,
            excludes=option.excludes,
        ),
    )


def _fields(parameter: inspect.Parameter, cls: Any) -> tuple[Parameter, ...]:
    """Return the options that the fields of a dataclass stand for."""
    hints = typing.get_type_hints(cls, include_extras=True)
    entries: list[Parameter] = []
    for field in dataclasses.fields(cls):
        default = field.default
        if default is dataclasses.MISSING:
            default = inspect.Parameter.empty
        if parameter.default is not inspect.Parameter.empty:
            default = getattr(parameter.default, field.name)
        kind = inspect.Parameter.KEYWORD_ONLY
        entry = inspect.Parameter(field.name, kind, default=default, annotation=hints[field.name])
        entries += _read(entry, hints[field.name])
    return tuple(dataclasses.replace(entry, group=parameter.name) for entry in entries)


def _groups(function: Callable[..., Report]) -> dict[str, Callable[..., Any]]:
    """Return what makes the value of each parameter that is a dataclass, from its fields."""
    hints = typing.get_type_hints(function)
    builders: dict[str, Callable[..., Any]] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        if dataclasses.is_dataclass(hints[name]):
            default = parameter.default
            builders[name] = hints[name]
            if default is not inspect.Parameter.empty:
                builders[name] = functools.partial(dataclasses.replace, default)
    return builders


def _kind(hint: Any) -> tuple[Kind, tuple[str, ...], Option]:
    """Return the kind, the choices and the marker of an annotation."""
    option = Option("")
    if typing.get_origin(hint) is Annotated:
        hint, option = typing.get_args(hint)[:2]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        hint = next(a for a in typing.get_args(hint) if a is not type(None))
    if typing.get_origin(hint) is Literal:
        return "choice", typing.get_args(hint), option
    if typing.get_origin(hint) is Mapping:
        return ("numbers" if typing.get_args(hint)[1] is float else "names"), (), option
    plain: dict[Any, Kind] = {str: "text", float: "number", int: "whole", bool: "flag"}
    return plain.get(hint, "texts"), (), option


_METAVARS: Mapping[Kind, str] = {
    "text": "TEXT",
    "number": "NUMBER",
    "whole": "COUNT",
    "choice": "CHOICE",
    "flag": "",
    "texts": "TEXT",
    "names": "NAME=TEXT",
    "numbers": "NAME=NUMBER",
}


def _text(parameter: Parameter, texts: Sequence[str]) -> str:
    if not texts[-1].strip():
        raise UsageError(f"{parameter.shown} is empty; see --help for what it takes")
    return texts[-1]


def _whole(parameter: Parameter, texts: Sequence[str]) -> int:
    text = texts[-1].strip().replace("_", "")
    number = int(text) if re.fullmatch(r"[0-9]{1,18}", text) else None
    most = SEEDS if parameter.name == "seed" else parameter.most
    if number is None or not parameter.least <= number <= most:
        raise UsageError(
            f"{parameter.shown} is {brief(texts[-1])}; it must be a whole number from "
            f"{parameter.least} to {most:,}"
        )
    return number


def _choice(parameter: Parameter, texts: Sequence[str]) -> str:
    if texts[-1] not in parameter.choices:
        hint = suggest(texts[-1], parameter.choices)
        raise UsageError(f"{parameter.shown} cannot be {brief(texts[-1])}; {hint}")
    return texts[-1]


def _pairs(parameter: Parameter, texts: Sequence[str]) -> dict[str, str]:
    """Return what NAME=VALUE texts say; several may share a text, with commas between."""
    pairs: dict[str, str] = {}
    for part in (part for text in texts for part in re.split(r",(?=\s*\w+\s*=)", text)):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if not (name and sign and value):
            raise UsageError(
                f"{parameter.shown} {brief(part)} is not of the form {parameter.metavar}"
            )
        if name in pairs:
            raise UsageError(f"{parameter.shown} says {name} twice: {pairs[name]!r} and {value!r}")
        pairs[name] = value
    return pairs


def _signed(symbol: str, text: str, what: str) -> float:
    """Return a number that may also be zero or below, in the unit of a quantity."""
    sign, size = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    if re.fullmatch(r"\+?(0+\.?0*|\.0+)(e[+-]?[0-9]+)?", size, re.I):
        return 0.0
    return sign * parse_as(symbol, size, what)


def _number(parameter: Parameter, texts: Sequence[str]) -> float:
    read = _signed if parameter.name in _ANY else parse_as
    value = read(parameter.name, texts[-1], parameter.shown)
    if parameter.name == "level":
        refuse_level(value)
    return value


_ANY = FROM_ZERO | {"start", "least", "growth"}  # options that may be zero, or below

_READERS: Mapping[Kind, Callable[[Parameter, Sequence[str]], Any]] = {
    "text": _text,
    "number": _number,
    "whole": _whole,
    "choice": _choice,
    "flag": lambda p, given: True,
    "texts": lambda p, given: tuple(given),
    "names": _pairs,
    "numbers": lambda p, given: {
        name: _signed(name, text, f"{p.shown} {name}") for name, text in _pairs(p, given).items()
    },
}
