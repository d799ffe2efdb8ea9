"""The tree that a condition or an assignment is parsed to, evaluated over columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NoReturn, TypeAlias

import numpy as np
import numpy.typing as npt

from isoflop.errors import UsageError, suggest

Values: TypeAlias = npt.NDArray[Any]
Kind: TypeAlias = Literal["number", "text", "truth", "name"]

FUNCTIONS: Mapping[str, Callable[[Values], Values]] = {
    "log": np.log,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "exp": np.exp,
}
ARITHMETIC: Mapping[str, Callable[[Values, Values], Values]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
}
COMPARISONS: Mapping[str, Callable[[Values, Values], Values]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What names stand for: numbers (n,) and texts (n,), and the text that errors quote."""

    text: str
    numbers: Mapping[str, Values]
    texts: Mapping[str, Values]

    def column(self, name: Name) -> Values:
        """Return the column behind a name, refusing an unknown one."""
        for table in (self.numbers, self.texts):
            if name.name in table:
                return table[name.name]
        names = [*self.numbers, *self.texts]
        fail(
            self.text,
            name.at,
            f"no column called {name.name!r}; {suggest(name.name, names)}"
            " (text that is not a column's name stands in quotes)",
        )

    def number(self, node: Node) -> Values:
        """Return the numbers of a node, refusing text."""
        values = node(self)
        if values.dtype.kind != "f":
            fail(self.text, node.at, "a number is needed here, and this is text")
        return values


@dataclass(frozen=True, slots=True)
class Number:
    """A number."""

    value: float
    at: int
    kind: ClassVar[Kind] = "number"

    def __call__(self, scope: Scope) -> Values:
        """Return the number ()."""
        return np.asarray(self.value)


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text."""

    value: str
    at: int
    kind: ClassVar[Kind] = "text"

    def __call__(self, scope: Scope) -> Values:
        """Return the text ()."""
        return np.asarray(self.value)


@dataclass(frozen=True, slots=True)
class Name:
    """A column, of numbers or of labels."""

    name: str
    at: int
    kind: ClassVar[Kind] = "name"

    def __call__(self, scope: Scope) -> Values:
        """Return the column (n,)."""
        return scope.column(self)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of one argument, or "-"."""

    function: str
    argument: Node
    at: int
    kind: ClassVar[Kind] = "number"

    def __call__(self, scope: Scope) -> Values:
        """Return the function of its argument (n,)."""
        values = scope.number(self.argument)
        return -values if self.function == "-" else FUNCTIONS[self.function](values)


@dataclass(frozen=True, slots=True)
class OperatorChain:
    """Operators of one rank, from the left; flat, so that a long sum is not a deep tree."""

    first: Node
    rest: tuple[tuple[str, Node], ...]
    at: int
    kind: ClassVar[Kind] = "number"

    def __call__(self, scope: Scope) -> Values:
        """Return the result (n,)."""
        total = scope.number(self.first)
        for sign, node in self.rest:
            total = ARITHMETIC[sign](total, scope.number(node))
        return total


@dataclass(frozen=True, slots=True)
class ComparisonNode:
    """a < b <= c: every neighbour holds; false where a number is missing."""

    first: Node
    rest: tuple[tuple[str, Node], ...]
    at: int
    kind: ClassVar[Kind] = "truth"

    def __call__(self, scope: Scope) -> Values:
        """Return where every neighbour compares so (n,)."""
        operand, holds = self.first(scope), np.asarray(True)
        for sign, node in self.rest:
            right = node(scope)
            holds = holds & _compare(scope.text, sign, operand, right, node.at)
            operand = right
        return holds


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    argument: Node
    at: int
    kind: ClassVar[Kind] = "truth"

    def __call__(self, scope: Scope) -> Values:
        """Return where the condition does not hold (n,)."""
        return ~self.argument(scope)


@dataclass(frozen=True, slots=True)
class Join:
    """Conditions joined by `and`, or by `or`."""

    word: str
    parts: tuple[Node, ...]
    at: int
    kind: ClassVar[Kind] = "truth"

    def __call__(self, scope: Scope) -> Values:
        """Return where all, or any, of the conditions hold (n,)."""
        total = self.parts[0](scope)
        for part in self.parts[1:]:
            value = part(scope)
            total = total & value if self.word == "and" else total | value
        return total


Node: TypeAlias = Number | Text | Name | Call | OperatorChain | ComparisonNode | Not | Join


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on rows, the text that it was read from, and the names that it uses."""

    text: str
    node: Node
    names: frozenset[str]

    def mask(
        self, numbers: Mapping[str, Values], texts: Mapping[str, Values], count: int
    ) -> npt.NDArray[np.bool_]:
        """Return where the condition holds (count,).

        Raises UsageError for a name that is not a column, or a comparison that has no meaning.
        """
        with np.errstate(all="ignore"):
            values = self.node(Scope(self.text, numbers, texts))
        return np.array(np.broadcast_to(values, count), dtype=bool)


@dataclass(frozen=True, slots=True)
class Assignment:
    """A quantity to make from columns, the text it was read from, and the names it uses."""

    symbol: str
    text: str
    node: Node
    names: frozenset[str]

    def values(
        self, numbers: Mapping[str, Values], texts: Mapping[str, Values], count: int
    ) -> npt.NDArray[np.float64]:
        """Return the numbers that were made (count,), NaN where one that they need is missing.

        Raises UsageError for a name that is not a column of numbers.
        """
        with np.errstate(all="ignore"):
            values = Scope(self.text, numbers, texts).number(self.node)
        return np.array(np.broadcast_to(values, count), dtype=np.float64)


def fail(text: str, at: int, problem: str) -> NoReturn:
    """Raise a UsageError that quotes the text with a caret under position `at`."""
    raise UsageError(f"{problem}\n  {text}\n  {' ' * at}^")


def _compare(text: str, sign: str, first: Values, right: Values, at: int) -> Values:
    """Return whether two values compare so (n,).

    A label that is written as a number, such as a seed, also compares with a number.
    """
    if first.dtype.kind == right.dtype.kind == "U":
        if sign not in ("==", "!="):
            fail(text, at, "texts are only equal (==) or different (!=)")
        return COMPARISONS[sign](first, right)
    first, right = (_as_number(text, side, at) for side in (first, right))
    return COMPARISONS[sign](first, right) & ~(np.isnan(first) | np.isnan(right))


def _as_number(text: str, values: Values, at: int) -> Values:
    if values.dtype.kind != "U":
        return values
    try:
        return np.where(values == "", "nan", values).astype(np.float64)
    except ValueError:
        fail(text, at, "a text is compared with a number; put the number in quotes")
