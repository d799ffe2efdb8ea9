"""Villalobos et al. 2024, arXiv:2211.04325v2: when the largest runs need all the text there is."""

from __future__ import annotations

import pytest

from isoflop.law import constants
from isoflop.plan import TextDemand, optimum, wall

SET = constants("chinchilla/besiroglu2024")


def median(**demand) -> float:
    return wall(SET, TextDemand(**demand)).years[2]


def test_full_use_between_2026_and_2032_with_a_median_of_2028():
    made = wall(SET)
    low, median_year, high = made.years[0], made.years[2], made.years[-1]
    assert low > 2026
    assert high < 2033
    assert median_year == pytest.approx(2028, abs=1)
    assert list(made.years) == sorted(made.years)


@pytest.mark.parametrize(("times", "year"), [(5, 2027), (100, 2025)])
def test_overtraining_brings_it_forward(times, year):
    """Of tokens per parameter: at one budget the data grow by the root of it."""
    assert median(overtraining=times) == pytest.approx(year, abs=1)


def test_the_stock_is_the_best_data_of_about_5e28_flop():
    """Figure 1: about 4e14 tokens at about 5e28 FLOP."""
    assert pytest.approx(4e14, rel=0.2) == optimum(SET.law, 5e28).D
