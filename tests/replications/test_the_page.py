"""The page of replications names every row of the validation suite, and says what is not held."""

from __future__ import annotations

import pytest
from replicating import PAGE, REASONS, ROWS, Number, Replicated, assert_shown, section, written


@pytest.fixture(scope="module")
def page() -> list[str]:
    return PAGE.read_text(encoding="utf-8").splitlines()


def test_every_row_has_its_part(page):
    assert set(ROWS) == {f"V{i}" for i in range(1, 34)} | {"V17b"}
    for row, title in ROWS.items():
        assert f"## {row}: {title}" in page
        assert any(line.startswith(f"| {row} | {title} |") for line in page)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_held_or_says_why_not(page, row):
    lines = section(page, row)
    numbers = [line for line in lines if line.startswith("| ") and "`" in line]
    reasons = [line for line in lines if line.startswith("Not held here: ")]
    assert numbers or reasons
    assert bool(reasons) == (row in REASONS)


def shown(*numbers: Number) -> list[str]:
    return written(numbers, {}).splitlines()


def test_a_page_says_how_far_apart_numbers_are():
    line = Number("V2", "loss", 2.306, 2.3065, 0.002, test="t.py").line()
    assert line == "| loss | 2.306 | 2.3065 | 0.0005 | 0.002 | met | `t.py` |"
    large = Number("V3", "N", 4.683e9, 4.6831e9, 4.683e6, relative=True, test="t.py").line()
    assert "| 4.683e+09 | 4.6831e+09 | 1e+05 | 0.1% | met |" in large
    words = Number("V32", "claim", "raises", "raises", 0.0, test="t.py").line()
    assert "| raises | raises |  |  | met |" in words
    missed = Number("V7", "N", 67e9, 67.83e9, 8e8, unmet="two digits", test="t.py").line()
    assert "**not met**: two digits" in missed


@pytest.mark.parametrize(
    ("bound", "ours", "met"),
    [("within", 2.1, True), ("within", 2.101, False), ("at least", 1.99, False),
     ("at least", 9.0, True), ("at most", 2.0, True), ("at most", 2.01, False)],
)  # fmt: skip
def test_tolerances_are_decimal_and_bounds_are_one_sided(bound, ours, met):
    assert Number("V1", "x", 2.0, ours, 0.1, bound=bound).met == met


def test_a_number_that_moved_makes_the_page_stale_and_rounding_does_not():
    kept = shown(Number("V2", "loss", 2.306, 2.30650, 0.002, test="t.py"))
    assert_shown(Number("V2", "loss", 2.306, 2.30652, 0.002), kept)
    with pytest.raises(AssertionError, match=r"stale at V2, loss.*make replications"):
        assert_shown(Number("V2", "loss", 2.306, 2.3075, 0.002), kept)
    with pytest.raises(AssertionError, match="stale"):
        assert_shown(Number("V2", "another", 2.306, 2.3065, 0.002), kept)
    with pytest.raises(AssertionError, match="stale"):
        assert_shown(Number("V3", "loss", 2.306, 2.3065, 0.002), kept)


def test_the_fixture_asserts_records_and_refuses_what_is_met_after_all():
    record: list[Number] = []
    hold = Replicated("t.py", [], record)
    hold("V2", "loss", paper=2.306, ours=2.3065, within=0.002)
    assert [n.met for n in record] == [True]
    with pytest.raises(AssertionError, match=r"published 2\.306, ours 2\.4"):
        hold("V2", "other", paper=2.306, ours=2.4, within=0.002)
    with pytest.raises(AssertionError, match="met after all"):
        hold("V2", "third", paper=2.306, ours=2.306, within=0.002, unmet="no")
    with pytest.raises(AssertionError, match="two numbers"):
        hold("V2", "loss", paper=2.306, ours=2.3065, within=0.002)
    with pytest.raises(AssertionError, match="no row"):
        hold("V99", "loss", paper=2.306, ours=2.3065, within=0.002)
