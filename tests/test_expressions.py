"""The grammar of --where and --derive: what it means, what it refuses, and where it points."""

from __future__ import annotations

import contextlib
import math
import operator
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import IsoflopError, UsageError
from isoflop.expressions import parse_assignment, parse_condition

NUMBERS = {
    "N": np.array([7e7, 1e8, np.nan]),
    "C": np.array([1e18, 1e21, 3.0]),
    "Model Size (B)": np.array([1.0, 2.0, 3.0]),
}
TEXTS = {"family": np.array(["pythia", "opt", ""]), "seed": np.array(["0", "1", ""])}


def holds(text):
    return parse_condition(text).mask(NUMBERS, TEXTS, 3).tolist()


def value(text, **numbers):
    columns = {k: np.array([float(v)]) for k, v in numbers.items()}
    return float(parse_assignment(f"L={text}").values(columns, {}, 1)[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C < 1e21", [True, False, True]),
        ('N >= 70M and not family == "pythia"', [False, True, False]),
        ("family != 'opt'", [True, False, True]),
        ("1e18 <= C < 1e21", [True, False, False]),
        ("N > 80M or C < 5", [False, True, True]),
        ("not (N > 80M or C < 5)", [True, False, False]),
        ("N != 3", [True, True, False]),  # a missing number compares false
        ("seed >= 1", [False, True, False]),  # a label written as a number
        ("1 < 2", [True, True, True]),
        ("`Model Size (B)` > 1.5 AND C > 0", [False, True, True]),
        ("log10(C) - 3 > sqrt(4) * exp(0)", [True, True, False]),
    ],
)
def test_a_condition_means_what_it_says(text, expected):
    assert holds(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("C/6N", 12 / (6 * 2)),  # implied multiplication binds tighter than division
        ("C/6*N", 12 / 6 * 2),
        ("6N^2", 6 * 2**2),
        ("-N^2", -(2**2)),
        ("2^-1", 0.5),
        ("2**3**2", 512),
        ("2(N + C)(1)", 28),
        ("C/-6N", 12 / -(6 * 2)),
        ("1.5B + 70k", 1.5e9 + 7e4),
        ("2 - -N", 4),
        ("6sqrt(4)N", 24),
        ("1_000", 1000),
    ],
)
def test_arithmetic_has_the_usual_ranks(text, expected):
    assert value(text, N=2, C=12) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "at", "expected"),
    [
        ("C <", 3, "but the text ends"),
        ("C = 3", 2, "write == to compare"),
        ("C < < 3", 4, "expected a number, a name"),
        ("C & N < 3", 2, "write 'and'"),
        ("family == 'x", 10, "not closed"),
        ("loq(C) > 1", 0, "did you mean 'log'"),
        ("(C < 1", 6, "expected ')'"),
        ("N + 1", 0, "a condition such as"),
        ("C < 3 and N", 10, "joins conditions"),
        ("(C < 1) < 2", 1, "this is a condition"),
        ("C < 1e999", 4, "largest number"),
        ("C < 3 4", 6, "expected a comparison"),
    ],
)
def test_an_error_points_at_the_place_and_says_what_was_expected(text, at, expected):
    with pytest.raises(UsageError, match=re.escape(expected)) as caught:
        parse_condition(text)
    *_, quoted, caret = str(caught.value).split("\n")
    assert quoted == f"  {text}"
    assert caret.index("^") - 2 == at


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fmily == 'opt'", "did you mean 'family'"),
        ("family == opt", "stands in quotes"),
        ("family < 'opt'", r"only equal \(==\) or different"),
        ("family > 3", "a text is compared with a number"),
        ("log(family) > 3", "this is text"),
    ],
)
def test_names_and_kinds_are_checked_against_the_columns(text, expected):
    with pytest.raises(UsageError, match=expected):
        holds(text)


@pytest.mark.parametrize("text", ["", "D", "=3", "Q=3", "D==3", "D=3,4", "D=C<3", "D=N N"])
def test_what_is_no_assignment_is_refused(text):
    with pytest.raises(UsageError, match=r"\^$"):
        parse_assignment(text)


def test_a_long_chain_is_not_too_deep_and_a_deep_nest_is_refused():
    assert value("+".join(["1"] * 5000)) == 5000
    assert holds(" or ".join(["C < 5"] * 2000)) == [False, False, True]
    for text in ("(" * 500 + "1" + ")" * 500, "2^" * 500 + "2", "log(" * 400):
        with pytest.raises(UsageError, match="nested more than"):
            value(text)


# A tree is written out with every parenthesis, and evaluated by Python's own operators.
BINARY = {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}
LEAVES = st.one_of(
    st.tuples(st.just("number"), st.floats(0, 1e6).map(lambda x: float(f"{x:.4g}"))),
    st.tuples(st.just("name"), st.sampled_from("NCD")),
)
TREES = st.recursive(
    LEAVES,
    lambda t: st.one_of(
        st.tuples(st.sampled_from(list(BINARY)), t, t), st.tuples(st.just("neg"), t)
    ),
    max_leaves=12,
)
COLUMNS = {"N": 3.5, "C": 120.0, "D": 0.25}


def written(tree):
    head, *parts = tree
    if head == "number":
        return repr(parts[0])
    if head == "name":
        return parts[0]
    if head == "neg":
        return f"(-{written(parts[0])})"
    return f"({written(parts[0])} {head} {written(parts[1])})"


def reference(tree):
    head, *parts = tree
    if head == "number":
        return parts[0]
    if head == "name":
        return COLUMNS[parts[0]]
    if head == "neg":
        return -reference(parts[0])
    left, right = map(reference, parts)
    if head == "/" and right == 0:
        return math.nan
    return BINARY[head](left, right)


@given(TREES)
def test_any_expression_evaluates_as_python_does(tree):
    expected, found = reference(tree), value(written(tree), **COLUMNS)
    if math.isfinite(expected):
        assert found == expected


RANKED = st.lists(st.tuples(st.sampled_from(["+", "-", "*", "/", "**"]), st.integers(1, 3)))


@given(st.integers(1, 9), RANKED.filter(lambda r: [s for s, _ in r].count("**") < 3))
def test_without_parentheses_the_ranks_are_python_s(first, rest):
    text = str(first) + "".join(f" {sign} {number}" for sign, number in rest)
    # Python's own grammar is the referee here, on text that this test wrote itself.
    assert value(text) == pytest.approx(eval(text), rel=1e-9, abs=1e-9)


LIMITS = st.integers(0, 4)
COMPARISONS = {"<": operator.lt, "<=": operator.le, "==": operator.eq, "!=": operator.ne}
CONDITIONS = st.recursive(
    st.tuples(st.sampled_from(list(COMPARISONS)), LIMITS),
    lambda t: st.one_of(
        st.tuples(st.sampled_from(["and", "or"]), t, t), st.tuples(st.just("not"), t)
    ),
    max_leaves=8,
)


def condition_text(tree):
    head, *parts = tree
    if head in COMPARISONS:
        return f"N {head} {parts[0]}"
    if head == "not":
        return f"not ({condition_text(parts[0])})"
    return f"({condition_text(parts[0])}) {head} ({condition_text(parts[1])})"


def condition_value(tree, n):
    head, *parts = tree
    if head in COMPARISONS:
        return COMPARISONS[head](n, parts[0])
    if head == "not":
        return not condition_value(parts[0], n)
    left, right = (condition_value(p, n) for p in parts)
    return (left and right) if head == "and" else (left or right)


@given(CONDITIONS)
def test_any_condition_holds_where_python_says(tree):
    numbers = np.arange(5.0)
    mask = parse_condition(condition_text(tree)).mask({"N": numbers}, {}, 5)
    assert mask.tolist() == [condition_value(tree, n) for n in numbers]


PIECES = st.sampled_from(
    ["N", "C", "family", "6", "70M", "1e21", '"a"', "(", ")", "+", "-", "*", "/", "^", "**", "<",
     "==", "!=", "=", "and", "or", "not", "log", "`", "'", ",", " ", "é", "\n", "."]
)  # fmt: skip


@given(st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=14).map("".join)))
def test_any_text_is_read_or_refused_in_words(text):
    for act in (holds, parse_assignment, lambda t: value(t, N=1, C=2)):
        with contextlib.suppress(IsoflopError):
            assert act(text) is not None
