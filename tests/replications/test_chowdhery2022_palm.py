"""Chowdhery et al. 2022 (PaLM), arXiv:2204.02311: sizes, and utilisation by 6N + 12 l h q s."""

from __future__ import annotations

import pytest

from isoflop.accounting import Architecture, training_flop, utilisation


def palm(layers, width, heads):
    return Architecture(
        layers=layers, width=width, heads=heads, kv_heads=1, head_size=256, feed_forward=4 * width,
        vocabulary=256_000, context=2048, tied=True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "billions"),
    [((32, 4096, 16), 8.63), ((64, 8192, 32), 62.50), ((118, 18_432, 48), 540.35)],
)
def test_printed_parameters(shape, billions):
    assert palm(*shape).parameters() / 1e9 == pytest.approx(billions, abs=0.011)


@pytest.mark.parametrize(("convention", "printed"), [("palm", 0.462), ("6ND", 0.457)])
def test_printed_utilisation(convention, printed):
    """238.3 thousand tokens a second on 6,144 chips of TPU v4, with attention and without."""
    C = training_flop(palm(118, 18_432, 48), 238.3e3 * 3600, convention)
    assert utilisation(C, "TPU-v4", 6144) == pytest.approx(printed, abs=0.001)
