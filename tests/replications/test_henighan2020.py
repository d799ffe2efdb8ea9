"""Henighan et al. 2020, arXiv:2010.14701: loss per image, from the loss per token of table 1."""

from __future__ import annotations

import pytest

from isoflop.law import constants
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
        # tokens (c0 / C)^alpha is 1 at C0; the digits of c0 leave 5 %.
        assert tokens * (law(C0 * PF_DAY) - law.E) == pytest.approx(1.0, rel=0.05 * law.alpha)


@pytest.mark.parametrize(("side", "nats"), [(8, 601), (16, 2028), (32, 6789)])
def test_v6_irreducible_loss_per_image(side, nats):
    law = constants(f"power/henighan2020-image-{side}x{side}-c").law
    assert law.E * 3 * side**2 == pytest.approx(nats, abs=1)


@pytest.mark.parametrize(
    ("name", "x0", "floor"),
    [
        ("language-n", 1.47e14, 0),
        ("image-8x8-n", 8.0e1, 3.12),
        ("video-vq-n", 3.7e4, 1.01),
        ("math-n", 1.1e4, 0.28),
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
