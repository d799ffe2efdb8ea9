"""s1, arXiv:2501.19393, table 3: ways to scale thinking on AIME 2024, by three measures.

The table holds no budgets and no tokens, so that control and scaling cannot be worked out anew;
what can be held is that performance is a share of 30 problems, and how the ways are ranked.
"""

from __future__ import annotations

import csv

import pytest

from isoflop.samples.budgets import performance, scaling


@pytest.fixture(scope="module")
def table(public_data):
    with public_data("published_numbers/s1_table3.csv").open() as file:
        return {row.pop("method"): {k: float(v) for k, v in row.items()}
                for row in csv.DictReader(file)}  # fmt: skip


def test_performance_is_a_share_of_thirty_problems(table):
    for method, row in table.items():
        solved = row["performance_aime24"] * 30 / 100
        assert solved == pytest.approx(round(solved), abs=0.02), method


def test_budget_forcing_is_the_best_of_those_that_keep_to_their_budgets(table):
    kept = {name: row for name, row in table.items() if row["control_pct"] == 100}
    assert max(kept, key=lambda name: kept[name]["performance_aime24"]) == "BF"
    assert max(kept, key=lambda name: kept[name]["scaling"]) == "BF"


def test_waiting_longer_gives_what_the_table_prints(table):
    """The paper's text: the end suppressed 0, 2 and 6 times gives 50.0, 53.3 and 56.7 %."""
    waits, scores = [0, 2, 6], [50.0, 53.3, 56.7]
    assert performance(scores) == table["BF"]["performance_aime24"]
    assert scaling(waits, scores) > 0 > table["RS"]["scaling"]
