"""Three widely copied statements that contradict themselves or their source: the tool says so."""

from __future__ import annotations

import pytest

from isoflop.atlas.claims import CLAIMS
from isoflop.atlas.models import MODELS
from isoflop.claims.check import judge
from isoflop.errors import UsageError
from isoflop.laws import constants
from isoflop.plan import spend

LAW = constants("chinchilla/besiroglu2024")
C = 5.76e23


def test_v32_n_and_d_cannot_each_grow_as_the_root_of_the_other(replicated):
    """The two exponents are each other's inverse, so that only their product is free of a law."""
    result = judge(CLAIMS[31])
    one, other = (c.recomputed for c in result.recomputed.compared)
    assert one * other == pytest.approx(1)
    replicated("V32", "claim 31: N as D^0.5, D as N^0.5", paper="wrong", ours=result.verdict)


def test_v32_equal_n_and_d_are_not_20_tokens_per_parameter(replicated):
    verdict = judge(CLAIMS[32]).verdict
    replicated("V32", "claim 32: N = D = (C/6)^0.5, D/N = 20", paper="wrong", ours=verdict)


def test_v32_the_planner_refuses_that_n_with_20_tokens_for_each_parameter(replicated):
    N = (C / 6) ** 0.5
    with pytest.raises(UsageError, match=r"does not pay for the least N and D .* 1\.15e25"):
        spend(LAW, C, at_least={"N": N, "D": 20 * N})
    plan = spend(LAW, C, at_least={"D": (20 * C / 6) ** 0.5})
    replicated(
        "V32", "D/N of D = (20 C/6)^0.5", paper=20, ours=plan.D.value / plan.N.value, rel=1e-6
    )


def test_v32_gpt_3_is_not_1e22_flop(replicated):
    """It is what the GPT-3 of 6.7B took."""
    assert MODELS["GPT-3 6.7B"].flop == pytest.approx(1.2e22, rel=2e-3)
    replicated("V32", "claim 67: GPT-3 at 1e22 FLOP", paper="wrong", ours=judge(CLAIMS[67]).verdict)
    ours = MODELS["GPT-3 175B"].flop
    replicated("V32", "6ND of GPT-3 175B", paper=3.14e23, ours=ours, rel=5e-3)
