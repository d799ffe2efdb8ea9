"""The atlas states facts: dated, sourced, consistent with each other, and easy to override."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.accounting.memory import BITS
from isoflop.atlas import REPORTED, Range, chip, chip_names, reported_utilisation
from isoflop.errors import UnknownName, UsageError

CHIPS = [chip(name) for name in chip_names()]
positive = st.floats(1e-6, 1e12)


@pytest.mark.parametrize("made", CHIPS, ids=lambda c: c.key)
def test_every_chip_is_sourced_and_possible(made):
    assert made.source
    assert set(made.peak) <= set(BITS)
    assert min(made.peak.values()) > 1e12
    assert 1e10 < made.memory < 1e12
    assert 1e11 < made.bandwidth < 1e13
    assert made.power is None or 50 < made.power < 2000


@pytest.mark.parametrize("made", CHIPS, ids=lambda c: c.key)
def test_fewer_bits_are_never_slower(made):
    by_bits = sorted((BITS[name], peak) for name, peak in made.peak.items() if name != "tf32")
    peaks = [peak for _, peak in by_bits]
    assert peaks == sorted(peaks, reverse=True)


@pytest.mark.parametrize("made", [c for c in CHIPS if c.price], ids=lambda c: c.key)
def test_every_price_is_dated_and_sourced(made):
    assert re.fullmatch(r"20\d\d(-\d\d)?", made.price.date)
    assert made.price.source
    assert made.price.confidence in ("vendor", "report", "secondary")


@pytest.mark.parametrize(
    ("name", "peak", "memory", "bandwidth", "power"),
    [
        ("A100", 312e12, 80e9, 2.039e12, 400),
        ("H100", 989.5e12, 80e9, 3.35e12, 700),
        ("H200", 989.5e12, 141e9, 4.8e12, 700),
        ("MI300X", 1307.4e12, 192e9, 5.3e12, 750),
        ("L4", 121e12, 24e9, 300e9, 72),
    ],
)
def test_datasheets(name, peak, memory, bandwidth, power):
    made = chip(name)
    found = (made.flop_per_second("bf16"), made.memory, made.bandwidth, made.power)
    assert found == (peak, memory, bandwidth, power)


@pytest.mark.parametrize("written", ["RTX-4090", "rtx 4090", "RTX4090"])
def test_names_are_read_generously(written):
    assert chip(written).key == "RTX-4090"


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(UnknownName, match="no chip called 'H1000'; did you mean 'H100'"):
        chip("H1000")
    with pytest.raises(UnknownName, match="no precision of V100 called 'fp8'"):
        chip("V100").flop_per_second("fp8")


def test_price_and_power_can_be_stated():
    stated = chip("B200").with_price((3, 5), source="our contract")
    assert stated.hourly_price() == Range(3, math.sqrt(15), 5)
    assert (stated.price.source, stated.price.confidence) == ("our contract", "caller")
    assert chip("TPU-v5p").with_power(350).rated_power() == 350
    with pytest.raises(UsageError, match="no price of B200 is recorded"):
        chip("B200").hourly_price()
    with pytest.raises(UsageError, match="power of TPU-v5p is not published"):
        chip("TPU-v5p").rated_power()
    with pytest.raises(UsageError, match="the price of H100 is 0"):
        chip("H100").with_price(0)


def test_reported_utilisation_spans_what_was_reported():
    span, values = reported_utilisation(), [r.utilisation for r in REPORTED]
    assert (span.low, span.high) == (min(values), max(values))
    assert sum(v <= span.typical for v in values) >= len(values) / 2
    assert all(0 < r.utilisation < 1 and r.source for r in REPORTED)


@given(positive, positive, positive, positive)
def test_a_quotient_bounds_the_quotients_of_what_is_within(a, b, c, d):
    top, bottom = Range.of(sorted((a, b))), Range.of(sorted((c, d)))
    out = top / bottom
    for x in (a, b):
        for y in (c, d):
            assert out.low * (1 - 1e-12) <= x / y <= out.high * (1 + 1e-12)


@given(positive, positive)
def test_what_is_multiplied_divides_back_to_its_typical_value(a, b):
    one, other = Range.of(sorted((a, 2 * a))), Range.of(sorted((b, 3 * b)))
    assert (one * other / other).typical == pytest.approx(one.typical)
    assert (1.0 / one).typical == pytest.approx(1 / one.typical)


@pytest.mark.parametrize(
    "wrong", [0, -1, float("nan"), float("inf"), (2, 1), (1, 2, 3, 4), (), (1, 3, 2)]
)
def test_what_is_no_range_is_refused(wrong):
    with pytest.raises(UsageError, match="the price is"):
        Range.of(wrong, "the price")
