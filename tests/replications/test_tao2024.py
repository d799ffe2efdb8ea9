"""Tao et al. 2024, arXiv:2407.13623: larger models deserve larger vocabularies."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.fitting import fit
from isoflop.laws import constants
from isoflop.laws.tao_vocabulary import tokens_per_character
from isoflop.sources import read

LAW = constants("tao-vocabulary/tao2024").law
SIZE, WIDTH = 70e9, 8192


def sized_for(N: float) -> float:
    """Return the C [FLOP] that N [params] are best for, by approach 1."""
    return float(constants("power/tao2024-n-of-c").law.input_for(y=N))


def test_v25_the_vocabulary_of_70b_three_ways(replicated):
    C = sized_for(SIZE)
    by_flop = constants("power/tao2024-v-of-c").law(x=C)
    by_slope = constants("power/tao2024-v-of-n").law(x=SIZE)
    by_loss = LAW.best_vocabulary(SIZE, C)
    for way, paper, N_V in (
        ("by IsoFLOP", 211860, by_flop),
        ("by derivative", 230861, by_slope),
        ("by loss", 217961, by_loss),
    ):
        replicated("V25", f"vocabulary {way}", paper=paper, ours=int(N_V / WIDTH), within=1)


@pytest.mark.parametrize(
    ("N", "width", "by_flop", "by_slope", "by_loss"),
    [
        (3e9, 3200, 39368, 42539, 36648),
        (7e9, 4096, 62281, 67450, 59548),
        (13e9, 5120, 83429, 90504, 81347),
        (300e9, 16384, 355.9e3, 389.3e3, 383.7e3),
    ],
)
def test_the_other_sizes_of_the_table(N, width, by_flop, by_slope, by_loss):
    C = sized_for(N)
    assert constants("power/tao2024-v-of-c").law(x=C) / width == pytest.approx(by_flop, rel=1e-3)
    assert constants("power/tao2024-v-of-n").law(x=N) / width == pytest.approx(by_slope, rel=1e-3)
    assert LAW.best_vocabulary(N, C) / width == pytest.approx(by_loss, rel=1e-3)


def test_the_best_vocabulary_is_where_the_loss_is_least():
    C = sized_for(7e9)
    V = np.geomspace(1e3, 1e6, 20_001)
    for width, chars in (
        (None, C / (6 * (7e9 + V * 4096))),
        (4096, C / (6 * (7e9 + V * 4096) * tokens_per_character(V))),
    ):
        least = V[np.argmin(LAW(7e9, V * 4096, chars))]
        assert LAW.best_vocabulary(7e9, C, width) / 4096 == pytest.approx(least, rel=1e-3)


def test_that_text_takes_fewer_tokens_asks_for_more_symbols():
    """What the code leaves out when it puts tokens in the place of characters."""
    C = sized_for(SIZE)
    assert LAW.best_vocabulary(SIZE, C, WIDTH) > 1.3 * LAW.best_vocabulary(SIZE, C)


@pytest.fixture(scope="module")
def checkpoints(public_data):
    """Return the checkpoints of the paper past 2.18e17 FLOP, as it fits them."""
    table = read(
        public_data("scalebench/vocab_train.csv"),
        columns={"N": "non_vocab_parameters", "V": "vocab_size", "chars": "num_characters",
                 "L_u": "unigram_normalized_loss"},
        conventions={"N": "non-embedding"},
    )  # fmt: skip
    N, V, chars = table["N"], table["V"], table["chars"]
    widths = np.select([N < 5e7, N < 2e8, N < 5e8, N < 1e9], [512, 768, 1024, 1536], 2048)
    D = chars * tokens_per_character(V)
    columns = {**table.columns, "N_V": V * widths, "D": D, "C": 6 * (N + V * widths) * D}
    runs = type(table)(columns, conventions=table.conventions)
    return runs.where(runs["C"] >= 2.18e17)


def test_the_published_constants_are_of_characters(checkpoints):
    """By tokens they miss 0.47 nats on average and always upwards, by characters 0.09."""
    N, N_V, seen = checkpoints["N"], checkpoints["N_V"], checkpoints["L_u"]
    by_characters = LAW(N, N_V, checkpoints["chars"]) - seen
    by_tokens = LAW(N, N_V, checkpoints["D"]) - seen
    assert np.abs(by_characters).mean() < 0.1
    assert 1 - by_characters.var() / seen.var() > 0.94
    assert by_tokens.min() > 0
    assert by_tokens.mean() > 0.4


def test_the_checkpoints_cannot_say_what_a_vocabulary_is_worth(checkpoints):
    """The optimum is better than the published point, and has no use for the vocabulary term."""
    got = fit("tao-vocabulary", checkpoints, draws=0)
    left = np.abs(got.residuals).mean()
    assert left < 0.07
    assert got.starts.agree > 20
    assert got.status != "ok"
    assert any("A_V" in note.text for note in got.notes)
