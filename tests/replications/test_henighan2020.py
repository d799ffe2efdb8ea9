"""Henighan et al. 2020, arXiv:2010.14701: loss per image, from the loss per token of table 1."""

from __future__ import annotations

import pytest

from isoflop.laws import constants
from isoflop.laws.power import PF_DAY

# Domain, tokens per image, and table 3: nats per image that stay, and C0 [PF-days] of the rest.
PER_IMAGE = [
    ("image-8x8", 3 * 8**2, 602, None),  # its C0 does not follow from table 1's two digits
    ("image-16x16", 3 * 16**2, 2026, 1.7e10),
    ("image-32x32", 3 * 32**2, 6806, 2.7e26),
    ("image-vq-16x16", 16**2, 1047, 4.7e15),
    ("image-vq-32x32", 32**2, 3246, 3.1e19),
]


@pytest.mark.parametrize(("domain", "tokens", "stays", "C0"), PER_IMAGE)
def test_table_3_follows_from_table_1(domain, tokens, stays, C0):
    law = constants(f"power/henighan2020-{domain}-c").law
    assert law.E * tokens == pytest.approx(stays, rel=0.003)
    if C0 is not None:
        # tokens (c0 / C)^alpha is 1 at C0; the digits of c0 leave 5%.
        assert tokens * (law(C0 * PF_DAY) - law.E) == pytest.approx(1.0, rel=0.05 * law.alpha)


@pytest.mark.parametrize(("side", "nats"), [(8, 601), (16, 2028), (32, 6789)])
def test_v6_irreducible_loss_per_image(replicated, side, nats):
    law = constants(f"power/henighan2020-image-{side}x{side}-c").law
    ours = law.E * 3 * side**2
    replicated("V6", f"nats per image of {side}x{side}", paper=nats, ours=ours, within=1)


@pytest.mark.parametrize(("domain", "tokens", "stays", "C0"), PER_IMAGE)
def test_table_3_is_shipped(domain, tokens, stays, C0):
    found = constants(f"power/henighan2020-{domain}-per-image-c")
    assert stays == found.law.E
    assert found.conventions["L"] == "nats/image"
    if C0 is not None:
        assert found.law(C0 * PF_DAY) == pytest.approx(stays + 1)


def test_the_best_size_of_language_at_a_petaflop_day():
    """Table 1: N = (C / 3.3e-13)^0.73."""
    best = constants("power/henighan2020-language-n-of-c").law(PF_DAY)
    assert best == pytest.approx(1.29e9, rel=5e-3)


def test_cells_of_table_1_that_are_printed_alike_say_so():
    """The best size of 32x32 codes and of text-to-image: the same two numbers."""
    codes, mixed = (
        constants(f"power/henighan2020-{domain}-n-of-c")
        for domain in ("image-vq-32x32", "text-to-image")
    )
    assert (codes.law.A, codes.law.alpha) == (mixed.law.A, mixed.law.alpha)
    assert "alike" in codes.caution
    assert "alike" in mixed.caution
    assert "alike" not in constants("power/henighan2020-math-n-of-c").caution


def test_all_ten_domains_and_both_text_parts():
    sets = [name for name in constants("power/kaplan2020-n").law.published if "henighan" in name]
    of_size = [s for s in sets if s.endswith("-n")]
    assert len(of_size) == 10 + 2
    assert len([s for s in sets if s.endswith("-n-of-c")]) == 10
    assert len([s for s in sets if s.endswith("-c") and "-of-" not in s]) == 10 + 5


@pytest.mark.parametrize(
    ("name", "x0", "floor"),
    [
        ("language-n", 1.47e14, 0),
        ("image-8x8-n", 8.0e1, 3.12),
        ("video-vq-n", 3.7e4, 1.01),
        ("math-n", 1.1e4, 0.28),
        ("text-to-image-text-n", 5.6e8, 0),
        ("image-to-text-text-n", 7.0e8, 0),
        ("language-c", 3.47e8 * PF_DAY, 0),
        ("image-32x32-c", 3.6e-9 * PF_DAY, 2.21),
        ("math-c", 1.4e-5 * PF_DAY, 0.14),
    ],
)
def test_reducible_loss_is_one_nat_at_the_printed_scale(name, x0, floor):
    """Table 1 prints floor + (x0 / x)^alpha."""
    law = constants(f"power/henighan2020-{name}").law
    assert law(x0) == pytest.approx(floor + 1, rel=1e-9)
    assert law(1e60) - floor < 0.05
