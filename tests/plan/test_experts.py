"""Mixtures planned from published numbers: the count of experts, and what memory makes of it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from isoflop import cli
from isoflop.errors import RefusedByData, UsageError
from isoflop.laws import constants
from isoflop.plan import Cost, choose_experts, priced, spend
from isoflop.plan.experts import active_share

SET = constants("abnar-sparsity/abnar2025")


def test_one_count_is_the_plan_of_its_sparsity():
    answer = choose_experts(SET, 1e21, experts=8, top_k=2).best
    same = spend(SET, 1e21, inputs={"sparsity": 0.75}, cost=Cost(active=5 / 17))
    assert answer.active == pytest.approx(5 / 17)
    assert answer.plan.N.value == pytest.approx(same.N.value, rel=1e-9)
    assert answer.plan.C.value == pytest.approx(1e21, rel=1e-9)
    assert answer.memory == pytest.approx(2 * answer.plan.N.value)


def test_the_best_count_is_the_least_loss_by_plain_arithmetic():
    """At C = 6 share N D every N of a grid and every count: none beats the choice."""
    choice = choose_experts(SET, 1e21)
    N = np.geomspace(1e7, 1e13, 4000)
    for answer in choice.answers:
        share = (1 + 2) / (1 + 2 * answer.experts)
        losses = SET.law(N=N, D=1e21 / (6 * share * N), sparsity=1 - 1 / answer.experts)
        assert answer.plan.L.value == pytest.approx(losses.min(), abs=2e-5)
    assert choice.best.plan.L.value == min(a.plan.L.value for a in choice.answers)


def test_memory_bounds_the_count():
    free = choose_experts(SET, 1e22)
    assert any("nothing bounds them" in note.text for note in free.notes)
    held = choose_experts(SET, 1e22, at_most={"memory": 20e9})
    assert all(a.memory <= 20e9 * (1 + 1e-9) for a in held.answers)
    assert held.best.memory < free.best.memory
    assert held.best.plan.L.value > free.best.plan.L.value


def test_what_is_served_is_in_the_price():
    served = priced("FLOP", "H100", 0.4, serving=1e13)
    plain = choose_experts(SET, 1e22, experts=16, cost=priced("FLOP", "H100", 0.4)).best
    paid = choose_experts(SET, 1e22, experts=16, cost=served).best
    assert paid.plan.N.value < plain.plan.N.value
    assert len(paid.plan.bill) == 2


def test_a_share_that_is_stated_stands():
    answer = choose_experts(SET, 1e21, experts=8, cost=Cost(active=0.276)).best
    assert answer.active == 0.276


def test_the_share_of_a_mixture_is_near_that_of_mixtral():
    assert active_share(8, 2) == pytest.approx(12.9 / 46.7, abs=0.02)
    assert active_share(1, 1) == 1.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: choose_experts(constants("chinchilla/besiroglu2024"), 1e21, experts=8),
         UsageError, "abnar-sparsity/abnar2025"),
        (lambda: choose_experts(SET, 1e21, experts=8, top_k=9), UsageError, "top-k"),
        (lambda: choose_experts(SET, 1e21, experts=0), UsageError, "experts"),
        (lambda: choose_experts(SET, experts=8), UsageError, "give one budget"),
        (lambda: choose_experts(SET, 1e21, inputs={"sparsity": 0.5}), UsageError, "leave out one"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
    assert issubclass(error, UsageError | RefusedByData)


def typed(capsys, line):
    code = cli.main([*line.split(), "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if code == 0 else err


def test_the_command_plans_a_mixture(capsys):
    line = "plan abnar-sparsity/abnar2025 --C 1e22 --experts auto --top-k 2 --at-most memory=80GB"
    code, data = typed(capsys, line)
    assert code == 0
    assert data["memory"] <= 80e9 * (1 + 1e-9)
    assert data["by_experts"][0]["experts"] == 2
    assert data["experts"] == min(data["by_experts"], key=lambda row: row["L"])["experts"]
    code, complaint = typed(capsys, "plan chinchilla/besiroglu2024 --C 1e22 --experts 8")
    assert (code, "published constants" in complaint) == (2, True)
    code, complaint = typed(capsys, "plan abnar-sparsity/abnar2025 --C 1e22 --experts many")
    assert (code, "or auto" in complaint) == (2, True)
