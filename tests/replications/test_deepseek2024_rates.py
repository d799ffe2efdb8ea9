"""DeepSeek LLM, arXiv:2401.02954, and Step Law, arXiv:2503.04715: rules for rate and batch."""

from __future__ import annotations

import pytest

from isoflop.law import constants


def rules(name: str):
    return constants(f"learning-rate/{name}").law, constants(f"batch-size/{name}").law


@pytest.mark.parametrize(
    ("C", "batch", "lr"), [(8.5e22, 9.24e6, 4.24e-4), (8.4e23, 19.5e6, 3.19e-4)], ids=["7B", "67B"]
)
def test_v23_7b_and_67b(C, batch, lr):
    """Powers of C = M D, so any M and D of that product say the same."""
    rate, size = rules("deepseek2024")
    for D in (1e11, 2e12):
        assert rate(N=C / D, D=D) == pytest.approx(lr, rel=5e-3)
        assert size(N=C / D, D=D) == pytest.approx(batch, rel=5e-3)


def test_the_grid_optimum_at_1e20():
    rate, size = rules("deepseek2024")
    assert rate(N=1e10, D=1e10) == pytest.approx(9.86e-4, rel=5e-3)
    assert size(N=1e10, D=1e10) == pytest.approx(1.02e6, rel=5e-3)


def test_step_law_at_1b_and_100b_tokens():
    rate, size = rules("step-law2025")
    assert rate(N=1e9, D=1e11) == pytest.approx(1.63e-3, rel=5e-3)
    assert size(N=1e9, D=1e11) == pytest.approx(1.11e6, rel=5e-3)


@pytest.mark.parametrize(("L", "batch"), [(3, 1.28e6), (2.5, 3.98e6)])
def test_minicpm_s_batch_of_the_loss(L, batch):
    law = constants("batch-of-loss/minicpm2024").law
    assert law(L=L) == pytest.approx(batch, rel=5e-3)
