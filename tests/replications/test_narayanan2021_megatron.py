"""Narayanan et al. 2021, arXiv:2104.04473: parameters, FLOP per iteration, days to train."""

from __future__ import annotations

import pytest

from isoflop.accounting import Accelerators, Architecture, training_cost, training_flop

# Printed parameters [1e9], then heads, width, layers (table 1); vocabulary 51,200, context 2048.
MODELS = [
    (1.7, 24, 2304, 24),
    (3.6, 32, 3072, 30),
    (7.5, 32, 4096, 36),
    (18.4, 48, 6144, 40),
    (39.1, 64, 8192, 48),
    (76.1, 80, 10_240, 60),
    (145.6, 96, 12_288, 80),
    (310.1, 128, 16_384, 96),
    (529.6, 128, 20_480, 105),
    (1008.0, 160, 25_600, 128),
]


def model(heads, width, layers):
    return Architecture(
        layers=layers, width=width, heads=heads, feed_forward=4 * width, vocabulary=51_200,
        context=2048, gated=False, tied=True, biases=True, positions="learned",
    )  # fmt: skip


@pytest.mark.parametrize(("billions", "heads", "width", "layers"), MODELS)
def test_printed_parameters(billions, heads, width, layers):
    counted = model(heads, width, layers).parameters() / 1e9
    assert counted == pytest.approx(billions, abs=0.051)


@pytest.mark.parametrize(("billions", "heads", "width", "layers"), MODELS)
def test_the_formulas(billions, heads, width, layers):
    made, s, V, h, n = model(heads, width, layers), 2048, 51_200, width, layers
    with_recomputation = 96 * n * h**2 * (1 + s / (6 * h) + V / (16 * n * h))
    without = 72 * n * h**2 * (1 + s / (6 * h) + V / (12 * n * h))
    assert training_flop(made, 1, "megatron-recomputed") == pytest.approx(with_recomputation)
    assert training_flop(made, 1, "megatron") == pytest.approx(without)


@pytest.mark.parametrize(
    ("shape", "tokens", "chips", "reached", "days"),
    [((96, 12_288, 96), 300e9, 1024, 140e12, 34), ((160, 25_600, 128), 450e9, 3072, 163e12, 84)],
    ids=["GPT-3", "1T"],
)
def test_printed_days(shape, tokens, chips, reached, days):
    """The paper drops attention and logits from its days: 8 N D over what the chips reach."""
    C = training_flop(model(*shape), tokens, "megatron-recomputed")
    cost = training_cost(C, Accelerators("A100", count=chips), reached / 312e12)
    assert cost.days.typical == pytest.approx(days, rel=0.03)
