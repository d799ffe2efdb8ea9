"""What a command is: a typed function, from whose signature every face is derived.

Parameters before `*` are positional, the others are options; a `**name: float` is one option for
each quantity of the vocabulary. Text becomes values here, once for the terminal and the page.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

from isoflop.errors import UsageError, suggest
from isoflop.quantities import FROM_ZERO, QUANTITIES, parse, show
from isoflop.terminal import printable, without_users

if TYPE_CHECKING:
    from isoflop.report import Report  # which brings NumPy, too much for a list of commands

Kind: TypeAlias = Literal["text", "number", "whole", "choice", "flag", "texts", "names", "numbers"]
Function = TypeVar("Function", bound="Callable[..., Report]")

SEVERAL: frozenset[Kind] = frozenset({"texts", "names", "numbers"})  # may be given more than once


@dataclass(frozen=True, slots=True)
class Option:
    """What a parameter of a command is for, and what stands for its value in a help page."""

    help: str
    metavar: str = ""
    least: int = 0  # of a whole number


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
    open: bool = False  # one of the quantities behind a `**name: float`

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

    def read(self, given: Sequence[str]) -> Any:
        """Return the value that texts write; a text is one use of the option.

        Raises UsageError, which names the option and the text.
        """
        return _READERS[self.kind](self, given)


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

    def __call__(self, given: Mapping[str, Sequence[str]]) -> Report:
        """Return the report for texts by the name of a parameter; what is not given is absent.

        Raises UsageError for a text that cannot be read, and what the command raises.
        """
        known = {p.name: p for p in self.parameters}
        return self.function(**{name: known[name].read(texts) for name, texts in given.items()})


REGISTRY: dict[str, Command] = {}


def command(name: str, *, example: str, minutes: bool = False) -> Callable[[Function], Function]:
    """Register a function as the command called `name`, of one word or of a group and a word."""

    def register(function: Function) -> Function:
        REGISTRY[name] = Command(name, function, example, minutes)
        return function

    return register


def say(text: str) -> None:
    """Tell a person at the terminal what was done, on stderr: stdout holds the answer alone."""
    print(without_users(printable(text)), file=sys.stderr, flush=True)


def _read(parameter: inspect.Parameter, hint: Any) -> tuple[Parameter, ...]:
    """Return the parameters that one entry of a signature stands for."""
    kind, choices, option = _kind(hint)
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        return tuple(
            Parameter(
                q.symbol, kind, f"{q.meaning} [{q.unit}]", "NUMBER", None, False, open=True
            )
            for q in QUANTITIES.values()
        )  # fmt: skip
    positional = parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    metavar = option.metavar or (parameter.name.upper() if positional else _METAVARS[kind])
    return (
        Parameter(
            parameter.name,
            kind,
            option.help,
            metavar,
            parameter.default,
            positional,
            choices,
            option.least,
        ),
    )


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
    "text": "TEXT", "number": "NUMBER", "whole": "COUNT", "choice": "CHOICE", "flag": "",
    "texts": "TEXT", "names": "NAME=TEXT", "numbers": "NAME=NUMBER",
}  # fmt: skip


def _text(parameter: Parameter, given: Sequence[str]) -> str:
    if not given[-1].strip():
        raise UsageError(f"{parameter.shown} is empty; see --help for what it takes")
    return given[-1]


def _whole(parameter: Parameter, given: Sequence[str]) -> int:
    text = given[-1].strip().replace("_", "")
    if not re.fullmatch(r"[0-9]{1,18}", text) or int(text) < parameter.least:
        raise UsageError(
            f"{parameter.shown} is {given[-1]!r}; it must be a whole number of {parameter.least} "
            "or more"
        )
    return int(text)


def _choice(parameter: Parameter, given: Sequence[str]) -> str:
    if given[-1] not in parameter.choices:
        hint = suggest(given[-1], parameter.choices)
        raise UsageError(f"{parameter.shown} cannot be {given[-1]!r}; {hint}")
    return given[-1]


def _pairs(parameter: Parameter, given: Sequence[str]) -> dict[str, str]:
    """Return what NAME=VALUE texts say; several may share a text, with commas between."""
    pairs: dict[str, str] = {}
    for part in (part for text in given for part in re.split(r",(?=\s*\w+\s*=)", text)):
        name, sign, value = (piece.strip() for piece in part.partition("="))
        if not (name and sign and value):
            raise UsageError(f"{parameter.shown} {part!r} is not of the form {parameter.metavar}")
        if name in pairs:
            raise UsageError(f"{parameter.shown} says {name} twice: {pairs[name]!r} and {value!r}")
        pairs[name] = value
    return pairs


def _signed(text: str, what: str) -> float:
    """Return a number that may also be zero or below."""
    if text.startswith("-"):
        return -_signed(text[1:], what)
    try:
        value = float(text)
    except ValueError:
        return parse(text, what)
    return value if math.isfinite(value) and value == 0 else parse(text, what)


_ANY = FROM_ZERO | {"start", "least"}  # options that may be zero, or below

_READERS: Mapping[Kind, Callable[[Parameter, Sequence[str]], Any]] = {
    "text": _text,
    "number": lambda p, given: (_signed if p.name in _ANY else parse)(given[-1], p.shown),
    "whole": _whole,
    "choice": _choice,
    "flag": lambda p, given: True,
    "texts": lambda p, given: tuple(given),
    "names": _pairs,
    "numbers": lambda p, given: {
        name: _signed(text, f"{p.shown} {name}") for name, text in _pairs(p, given).items()
    },
}
