"""The vocabulary reads numbers as the field writes them, writes them back, and guesses nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import UnknownName, UsageError
from isoflop.quantities import (
    QUANTITIES,
    is_share,
    parse,
    parse_as,
    quantity,
    refuse_impossible,
    show,
)

POSITIVE = st.floats(1e-30, 1e30, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("70B", 7e10), ("70b", 7e10), ("1.4T", 1.4e12), ("5.76e23", 5.76e23), ("300 M", 3e8),
        ("125k", 1.25e5), ("2G", 2e9), ("1,000,000", 1e6), ("1_000_000", 1e6), (" 7 ", 7.0),
        (".5", 0.5), ("+3", 3.0), ("1e-3", 1e-3), ("5.", 5.0), ("1E9", 1e9), ("1,234.5k", 1234500),
    ],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(text, value):
    assert parse(text) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    "text",
    ["", " ", "B", "seventy", "70BB", "70 billion", "1,00", "1,0000", "12,34,567", "1.2.3", "1e",
     "-5", "0", "0B", "nan", "inf", "1e999", "0x10", "7O", "1 000", "--1", "1/2", "٣x"],
)  # fmt: skip
def test_what_is_no_positive_number_is_refused_with_what_was_written(text):
    with pytest.raises(UsageError, match="C"):
        parse(text, "C")


@given(POSITIVE)
def test_what_python_writes_is_read(value):
    assert parse(repr(value)) == value
    assert parse(f"{value:.6e}") == pytest.approx(value, rel=1e-6)


@given(POSITIVE, st.integers(3, 8))
def test_what_is_shown_is_read_back_to_the_digits_shown(value, digits):
    assert parse(show(value, digits)) == pytest.approx(value, rel=0.51 * 10.0 ** (1 - digits))


@given(st.text(max_size=12))
def test_any_text_is_a_finite_number_above_zero_or_refused(text):
    try:
        value = parse(text)
    except UsageError:
        return
    assert math.isfinite(value)
    assert value > 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7e10, "70B"), (1.4e12, "1.4T"), (5.76e23, "5.76e23"), (0.34781, "0.348"), (482.01, "482"),
        (2085.43, "2085"), (12500.0, "12.5k"), (1e6, "1M"), (1e-7, "1e-7"), (-7e10, "-70B"),
        (9999.6, "10k"), (999.6, "1000"), (9.996e11, "1T"), (0.0, "0"),
        (math.nan, "nan"), (math.inf, "inf"), 
        (1e24, "1e24"),
    ],
)  # fmt: skip
def test_numbers_are_shown_as_the_field_writes_them(value, text):
    assert show(value) == text


def test_an_unknown_symbol_names_the_near_one():
    assert quantity("N").unit == "params"
    with pytest.raises(UnknownName, match="did you mean 'batch'"):
        quantity("batches")


@pytest.mark.parametrize("symbol", QUANTITIES)
def test_every_quantity_says_what_it_is(symbol):
    q = QUANTITIES[symbol]
    assert q.symbol == symbol
    assert q.meaning
    assert q.unit
    assert q.typical[0] < q.typical[1]
    assert q.typical[0] > 0 or symbol == "L_u"  # a loss less another


@pytest.mark.parametrize(
    ("symbol", "value"),
    [("sparsity", 1.0), ("sparsity", -0.1), ("w1", 1.1), ("N", 0.0), ("D", math.inf)],
)
def test_a_value_that_no_run_can_have_is_refused(symbol, value):
    with pytest.raises(UsageError, match=f"{symbol} is {value}"):
        refuse_impossible(symbol, value)


@pytest.mark.parametrize(("symbol", "value"), [("sparsity", 0.0), ("w1", 0.0), ("w8", 1.0)])
def test_a_share_may_be_nothing_and_one_of_a_mixture_all(symbol, value):
    refuse_impossible(symbol, value)
    assert is_share(symbol, np.array([value, 0.5])).all()


@pytest.mark.parametrize(
    ("symbol", "text", "value"),
    [
        ("C", "100 PF-days", 8.64e21),
        ("C", "8.5 ZFLOP", 8.5e21),
        ("C", "1e22", 1e22),
        ("C", "5.5 EFLOPs", 5.5e18),
        ("hours", "2000 GPU-hours", 2000.0),
        ("hours", "3 weeks", 504.0),
        ("D", "1.4T tokens", 1.4e12),
        ("N", "70B params", 7e10),
        ("memory", "80 GB", 8e10),
        ("memory", "80 GiB", 80 * 2.0**30),
        ("anything", "70B", 7e10),
    ],
)
def test_a_quantity_may_say_its_unit(symbol, text, value):
    assert parse_as(symbol, text, symbol) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("symbol", "text"), [("C", "100 tokens"), ("D", "5 PF-days"), ("hours", "1e22 FLOP")]
)
def test_a_unit_of_something_else_is_refused(symbol, text):
    with pytest.raises(UsageError, match=f"{symbol} is counted in"):
        parse_as(symbol, text, symbol)
