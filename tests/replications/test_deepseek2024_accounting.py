"""DeepSeek-AI 2024, arXiv:2401.02954, table 3: M, FLOP per token, against 6N1 and 6N2."""

from __future__ import annotations

import pytest

from isoflop.accounting import Architecture, training_flop


@pytest.mark.parametrize(
    ("layers", "width", "without_tables", "with_tables"),
    [
        (8, 512, 0.43, 1.32),
        (12, 768, 0.53, 1.02),
        (24, 1024, 0.60, 0.81),
        (24, 2048, 0.75, 0.88),
        (32, 4096, 0.85, 0.91),
        (40, 5120, 0.88, 0.92),
        (80, 8192, 0.92, 0.94),
    ],
)
def test_printed_ratios(layers, width, without_tables, with_tables):
    made = Architecture(
        layers=layers, width=width, heads=8, feed_forward=4 * width, vocabulary=102_400,
        context=4096, gated=False, tied=True,
    )  # fmt: skip
    M = made.parameters("flops-per-token")
    assert 72 * layers * width**2 + 12 * layers * width * 4096 == M
    assert training_flop(made, 1e9, "MD") == M * 1e9
    assert 6 * made.parameters("non-embedding") / M == pytest.approx(without_tables, abs=0.008)
    assert 6 * made.parameters("total") / M == pytest.approx(with_tables, abs=0.006)
