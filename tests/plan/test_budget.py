"""Budgets as people write them: the unit is always said, and nothing is guessed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.atlas import chip_names
from isoflop.errors import UnknownName, UsageError
from isoflop.plan.budget import Budget, parse_budget


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e22 FLOP", Budget(1e22, "FLOP")),
        ("3e22 flops", Budget(3e22, "FLOP")),
        ("8.5 ZFLOP", Budget(8.5e21, "FLOP")),
        ("100 PF-days", Budget(8.64e21, "FLOP")),
        ("100 petaflop/s-days", Budget(8.64e21, "FLOP")),
        ("100 PFLOP/s-days", Budget(8.64e21, "FLOP")),
        ("2000 GPU-hours", Budget(2000.0, "chip-hours")),
        ("2,000 H100 hours", Budget(2000.0, "chip-hours", "H100")),
        ("12 A100-40GB-days", Budget(288.0, "chip-hours", "A100-40GB")),
        ("3 weeks on 64 H100", Budget(32_256.0, "chip-hours", "H100", 64)),
        ("64 H200 for 3 weeks", Budget(32_256.0, "chip-hours", "H200", 64)),
        ("10 days on 8xH100s", Budget(1920.0, "chip-hours", "H100", 8)),
        ("10 days on 8 GPUs", Budget(1920.0, "chip-hours", None, 8)),
        ("$50k", Budget(50_000.0, "USD")),
        ("$1.5M", Budget(1.5e6, "USD")),
        ("50k USD", Budget(50_000.0, "USD")),
        ("5 MWh", Budget(5_000.0, "kWh")),
    ],
)
def test_a_budget_is_read_in_its_own_unit(text, expected):
    assert parse_budget(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2000", "has no unit"),
        ("5 B", "has no unit"),
        ("€50k", "in €; prices are in USD"),
        ("50 EUR", "in eur; prices are in USD"),
        ("50 parsecs", "no unit of a budget"),
        ("7 weeks", "no unit of a budget"),
        ("$5 GPU-hours", "names two units"),
        ("0 FLOP", "above zero"),
        ("-5 FLOP", "no amount with a unit"),
        ("1e400 FLOP", "finite"),
        ("3 weeks on 0 H100", "number of chips"),
        ("", "no amount with a unit"),
    ],
)
def test_what_is_no_budget_is_refused_with_a_form_that_works(text, says):
    with pytest.raises(UsageError, match=says):
        parse_budget(text)


def test_an_unknown_chip_comes_with_the_list_of_chips():
    with pytest.raises(UnknownName, match=r"zzz.*H100"):
        parse_budget("1 year on 1000 zzz")


@given(st.text(max_size=40))
def test_any_text_is_a_budget_or_a_clear_refusal(text):
    try:
        budget = parse_budget(text)
    except UsageError:
        return
    assert budget.amount > 0


@given(st.sampled_from(chip_names()), st.integers(1, 9999), st.integers(1, 99))
def test_every_chip_can_be_named_in_a_budget(chip, count, days):
    budget = parse_budget(f"{days} days on {count} {chip}")
    assert (budget.chip, budget.count) == (chip, count)
    assert budget.days == pytest.approx(days)
    assert parse_budget(f"{days * count * 24} {chip}-hours").amount == budget.amount
