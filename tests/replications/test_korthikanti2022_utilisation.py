"""Korthikanti et al. 2022, arXiv:2205.05198, table 5: seconds an iteration to share of the peak."""

from __future__ import annotations

import pytest

from isoflop.accounting import Architecture, training_flop, utilisation


@pytest.mark.parametrize(
    ("layers", "width", "heads", "batch", "chips", "seconds", "printed"),
    [
        (48, 6144, 64, 4, 8, 1.10, 0.415),
        (96, 12_288, 96, 64, 64, 13.75, 0.514),
        (105, 20_480, 128, 280, 280, 37.83, 0.560),
        (128, 25_600, 160, 512, 512, 71.49, 0.563),
    ],
    ids=["22B", "175B", "530B", "1T"],
)
def test_model_flop_over_peak(layers, width, heads, batch, chips, seconds, printed):
    made = Architecture(
        layers=layers, width=width, heads=heads, feed_forward=4 * width, vocabulary=51_200,
        context=2048, gated=False, tied=True, biases=True, positions="learned",
    )  # fmt: skip
    C = training_flop(made, batch * 2048, "megatron")
    assert utilisation(C, "A100", chips * seconds / 3600) == pytest.approx(printed, abs=0.002)
