"""The field's rules beside the law at hand: each is judged by the same law."""

import numpy as np
import pytest

from isoflop.errors import UnknownName, UsageError
from isoflop.law import constants
from isoflop.plan.rules import RULES, compare_rules

LAW = constants("chinchilla/besiroglu2024")
GOPHER = 5.76e23


def by_rule(**options):
    return {a.rule: a for a in compare_rules(LAW, GOPHER, **options).answers}


def test_the_law_at_hand_comes_first_and_nothing_is_better():
    first, *rest = compare_rules(LAW, GOPHER).answers
    assert first.rule == "the law at hand"
    assert (first.excess, first.share) == (0, pytest.approx(1))
    assert {a.rule for a in rest} == set(RULES)
    for answer in rest:
        assert answer.excess >= -1e-12
        assert answer.share <= 1 + 1e-9
        assert pytest.approx(GOPHER) == 6 * answer.N * answer.D


def test_the_answers_are_those_that_the_papers_print():
    answers = by_rule()
    assert pytest.approx(67e9, rel=0.02) == answers["Chinchilla 2022, approach 1"].N  # table 3
    twenty = answers["20 tokens per parameter"]
    assert pytest.approx(20) == twenty.D / twenty.N
    kaplan = 1.3e9 * (GOPHER / 8.64e19) ** 0.73  # table 6
    assert pytest.approx(kaplan, rel=1e-6) == answers["Kaplan 2020"].N
    assert pytest.approx(0.299 * GOPHER**0.537, rel=1e-6) == answers["Llama 3 2024"].D


def test_the_share_of_the_budget_reaches_the_same_loss_at_its_optimum():
    kaplan = by_rule()["Kaplan 2020"]
    best = compare_rules(LAW, GOPHER * kaplan.share).answers[0]
    assert pytest.approx(kaplan.L, rel=1e-6) == best.L


def test_serving_makes_a_smaller_model_of_the_same_quality_cheaper_over_its_life():
    answers = by_rule(serving=2e12)
    own, served = answers["the law at hand"], answers["the same quality, serving counted"]
    assert pytest.approx(own.L, rel=1e-6) == served.L
    assert served.N < own.N
    assert served.lifetime < own.lifetime
    assert own.lifetime == pytest.approx(GOPHER + 2 * own.N * 2e12)


@pytest.mark.parametrize(
    ("fixed", "rule", "N"),
    [
        ({"N": 7e9}, "N = 7B", 7e9),
        ({"D": 1e12}, "D = 1T", GOPHER / 6e12),
        ({"ratio": 100}, "100 tokens per parameter", np.sqrt(GOPHER / 600)),
    ],
)
def test_what_is_fixed_stands_beside_the_rest(fixed, rule, N):
    answer = by_rule(fixed=fixed)[rule]
    assert pytest.approx(N) == answer.N
    assert answer.excess > 0


def test_what_cannot_be_fixed_is_refused():
    with pytest.raises(UnknownName, match="ratio"):
        compare_rules(LAW, GOPHER, fixed={"L": 2.0})
    with pytest.raises(UsageError, match="above zero"):
        compare_rules(LAW, GOPHER, fixed={"N": -7e9})
