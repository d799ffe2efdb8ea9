"""Tokens, and the recursive descent over them: one method for each rank of the grammar."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NoReturn

from isoflop.errors import suggest
from isoflop.expressions.tree import (
    COMPARISONS,
    FUNCTIONS,
    Assignment,
    Call,
    ComparisonNode,
    Condition,
    Join,
    Kind,
    Name,
    Node,
    Not,
    Number,
    OperatorChain,
    Text,
    fail,
)
from isoflop.quantities import QUANTITIES, parse

ASSIGNABLE = (*QUANTITIES, "sigma")

_DEEPEST = 30  # parentheses within parentheses; Python's own stack ends near 100
_TOKEN = re.compile(
    r"(?P<number>(?:[0-9][0-9_]*\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?:[kKmMbBgGtT](?!\w))?)"
    r"|(?P<name>[^\W\d]\w*|`[^`]+`)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')"
    r"|(?P<sign>\*\*|<=|>=|==|!=|[-+*/^<>()=])"
)
_HINTS = {
    "=": "write == to compare",
    "&": "write 'and'",
    "|": "write 'or'",
    "!": "write 'not'",
    '"': "the quotation is not closed",
    "'": "the quotation is not closed",
    "`": "the backtick is not closed",
    ",": "write numbers without commas",
}


def parse_condition(text: str) -> Condition:
    """Return the condition that `text` writes.

    Raises UsageError, which points at the place and says what was expected.

    >>> parse_condition("N >= 70M and not C > 1e21").names == {"N", "C"}
    True
    """
    parser = _Parser(text)
    node = parser.either()
    parser.end("a comparison, an operator, 'and', 'or' or the end")
    parser.require(node, "truth", "a condition such as C < 1e21 is needed")
    return Condition(parser.text, node, parser.names)


def parse_assignment(text: str) -> Assignment:
    """Return the assignment that `text` writes, such as D=C/6N.

    Raises UsageError, which points at the place and says what was expected.

    >>> sorted(parse_assignment("D=C/6N").names)
    ['C', 'N']
    """
    parser = _Parser(text)
    kind, symbol, at = parser.take()
    if kind != "name":
        parser.fail(at, "expected the quantity to make, as in D=C/6N")
    if symbol not in ASSIGNABLE:
        parser.fail(at, f"no quantity called {symbol!r}; {suggest(symbol, ASSIGNABLE)}")
    if not parser.accept("="):
        parser.fail(parser.at, "expected = after the quantity, as in D=C/6N")
    node = parser.sum()
    parser.end("an operator or the end")
    parser.require(node, "number", "a number is needed")
    return Assignment(symbol, parser.text, node, parser.names)


class _Parser:
    """One text being read, a method for each rank of the grammar, loosest first."""

    def __init__(self, text: str) -> None:
        self.text = re.sub(r"\s", " ", text)
        self.tokens = _tokens(self.text)
        self.next = 0
        self.depth = 0
        self.used: set[str] = set()

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self.used)

    @property
    def at(self) -> int:
        return self.tokens[self.next][2]

    def fail(self, at: int, problem: str) -> NoReturn:
        fail(self.text, at, problem)

    def take(self) -> tuple[str, str, int]:
        token = self.tokens[self.next]
        self.next += token[0] != "end"
        return token

    def accept(self, *values: str) -> str | None:
        """Step over the next sign or word if it is one of these, and return it."""
        kind, value, _ = self.tokens[self.next]
        if kind not in ("sign", "word") or value not in values:
            return None
        self.next += 1
        return value

    def end(self, expected: str) -> None:
        kind, value, at = self.tokens[self.next]
        if kind != "end":
            hint = f"; {_HINTS[value]}" if kind == "sign" and value in _HINTS else ""
            self.fail(at, f"expected {expected}{hint}")

    def require(self, node: Node, kind: Kind, problem: str) -> Node:
        """Return the node, refusing one that cannot be of this kind."""
        if node.kind == kind or (node.kind == "name" and kind == "number"):
            return node
        fail(self.text, node.at, f"{problem}, and this is a {node.kind}")

    def either(self) -> Node:
        return self.join("or", self.both)

    def both(self) -> Node:
        return self.join("and", self.negation)

    def join(self, word: str, part: Callable[[], Node]) -> Node:
        parts, at = [part()], self.at
        while self.accept(word):
            parts.append(part())
        if len(parts) == 1:
            return parts[0]
        problem = f"'{word}' joins conditions such as C < 1e21"
        return Join(word, tuple(self.require(p, "truth", problem) for p in parts), at)

    def negation(self) -> Node:
        at, times = self.at, 0
        while self.accept("not"):
            times += 1
        node = self.comparison()
        if times:
            self.require(node, "truth", "'not' turns a condition such as C < 1e21")
        return Not(node, at) if times % 2 else node

    def comparison(self) -> Node:
        at, first = self.at, self.sum()
        rest: list[tuple[str, Node]] = []
        while sign := self.accept(*COMPARISONS):
            rest.append((sign, self.sum()))
        if rest and (bad := [n for n in (first, *(n for _, n in rest)) if n.kind == "truth"]):
            self.fail(bad[0].at, "numbers or texts are compared, and this is a condition")
        return ComparisonNode(first, tuple(rest), at) if rest else first

    def sum(self) -> Node:
        return self.chain(("+", "-"), self.product)

    def product(self) -> Node:
        return self.chain(("*", "/"), self.signed)

    def chain(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        at, first = self.at, part()
        rest: list[tuple[str, Node]] = []
        while sign := self.accept(*signs):
            rest.append((sign, part()))
        return self.calculate(first, rest, at)

    def calculate(self, first: Node, rest: list[tuple[str, Node]], at: int) -> Node:
        for node in (first, *(n for _, n in rest)) if rest else ():
            self.require(node, "number", "a number is needed here")
        return OperatorChain(first, tuple(rest), at) if rest else first

    def signed(self, part: Callable[[], Node] | None = None) -> Node:
        at, minus, signs = self.at, False, 0
        while sign := self.accept("-", "+"):
            minus, signs = minus ^ (sign == "-"), signs + 1
        node = (part or self.implied)()
        if signs:
            self.require(node, "number", "a number is needed after a sign")
        return Call("-", node, at) if minus else node

    def implied(self) -> Node:
        """Return a product written without a sign: 6N, 2(N + D), 6 sqrt(N)."""
        at, first = self.at, self.power()
        rest: list[tuple[str, Node]] = []
        while self.multiplies():
            rest.append(("*", self.power()))
        return self.calculate(first, rest, at)

    def multiplies(self) -> bool:
        (before, closed, _), (right, right_text, _) = self.tokens[self.next - 1 : self.next + 1]
        return (before == "number" or closed == ")") and (right == "name" or right_text == "(")

    def power(self) -> Node:
        at, first = self.at, self.primary()
        if not self.accept("^", "**"):
            return first
        return self.calculate(first, [("^", self.nested(lambda: self.signed(self.power)))], at)

    def primary(self) -> Node:
        kind, value, at = self.take()
        if kind == "number":
            return Number(float(value), at)
        if kind == "text":
            return Text(value, at)
        if kind == "name":
            return self.named(value, at)
        if value != "(":
            ends = ", but the text ends" if kind == "end" else ""
            self.fail(at, f"expected a number, a name, a quoted text or '('{ends}")
        return self.closed(self.nested(self.either))

    def named(self, name: str, at: int) -> Node:
        if self.tokens[self.next][1] != "(":
            self.used.add(name)
            return Name(name, at)
        if name not in FUNCTIONS:
            self.fail(at, f"no function called {name!r}; {suggest(name, FUNCTIONS)}")
        self.next += 1
        argument = self.closed(self.nested(self.sum))
        return Call(name, self.require(argument, "number", f"{name} needs a number"), at)

    def closed(self, node: Node) -> Node:
        if not self.accept(")"):
            self.fail(self.at, "expected ')' or an operator")
        return node

    def nested(self, part: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail(self.at, f"nested more than {_DEEPEST} deep; write it shorter")
        node = part()
        self.depth -= 1
        return node


def _tokens(text: str) -> list[tuple[str, str, int]]:
    """Return (kind, value, position) of every token; numbers are written out, quotes are off."""
    tokens, at = [], 0
    while at < len(text):
        if text[at] == " ":
            at += 1
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            fail(text, at, f"{text[at]!r} has no meaning here; {_HINTS.get(text[at], 'remove it')}")
        tokens.append((*_read(str(match.lastgroup), match.group(), text, at), at))
        at = match.end()
    return [*tokens, ("end", "", len(text))]


def _read(kind: str, value: str, text: str, at: int) -> tuple[str, str]:
    if kind == "number":
        return kind, repr(_size(value, text, at))
    if kind == "name" and value.lower() in ("and", "or", "not"):
        return "word", value.lower()
    if kind == "text" or value[0] == "`":
        return kind, value[1:-1]
    return kind, value


def _size(value: str, text: str, at: int) -> float:
    digits = value.rstrip("kKmMbBgGtT")
    size = float(digits.replace("_", ""))
    if suffix := value[len(digits) :]:
        size *= parse(f"1{suffix}")
    if math.isinf(size):
        fail(text, at, f"{value} is beyond the largest number that a computer holds")
    return size
