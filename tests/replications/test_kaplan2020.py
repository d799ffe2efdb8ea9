"""Kaplan et al. 2020, arXiv:2001.08361: the numbers that it prints, from its own constants."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.law import constants
from isoflop.laws.power import PF_DAY
from isoflop.plan import optimum

JOINT = constants("kaplan-joint/kaplan2020").law
SIZE, DATA, COMPUTE, CMIN = (
    constants(f"power/kaplan2020-{s}").law for s in ("n", "d", "c", "cmin")
)
PARAMS = constants("power/kaplan2020-n-of-c").law


def test_v1_a_petaflop_day():
    assert PF_DAY == 1e15 * 24 * 3600 == 8.64e19


def test_v2_the_loss_of_the_largest_model():
    assert SIZE(1.47456e9) == pytest.approx(2.306, abs=0.002)


def test_v3_the_size_that_hoffmann_quotes_for_1e21_flop():
    """Hoffmann et al. 2022, section D.4: "4.68B"; a training budget is twice C_min."""
    assert PARAMS(1e21 / 2) == pytest.approx(4.683e9, rel=1e-3)
    assert round(PARAMS(1e21 / 2) / 1e9, 2) == 4.68


@pytest.mark.parametrize(("N", "D"), [(1e8, 4.41e9), (1e9, 2.41e10), (1e10, 1.32e11)])
def test_v5_the_data_that_keeps_overfitting_to_2_percent(N, D):
    """Section 4.2: D >= 5e3 N^0.74 for a loss within 0.02, read as relative."""
    limit = JOINT(N=N, D=1e40)
    tokens = JOINT.closed_forms["D"](JOINT, L=1.02 * limit, N=N)
    assert tokens == pytest.approx(D, rel=0.01)
    assert tokens == pytest.approx(5e3 * N**0.74, rel=0.07)


def test_each_law_gives_one_nat_at_its_own_constant():
    for law, constant in (
        (SIZE, 8.8e13), (DATA, 5.4e13), (COMPUTE, 1.6e7 * PF_DAY), (CMIN, 3.1e8 * PF_DAY)
    ):  # fmt: skip
        assert law(constant) == pytest.approx(1.0, rel=1e-9)
        assert law.E == 0


def test_ten_times_the_data_helps_more_than_ten_times_the_size():
    assert 1 - SIZE(1e10) / SIZE(1e9) == pytest.approx(0.161, abs=5e-4)
    assert 1 - DATA(1e11) / DATA(1e10) == pytest.approx(0.196, abs=5e-4)


def test_ten_times_the_compute_asks_for_5_37_times_the_size():
    assert PARAMS(1e22) / PARAMS(1e21) == pytest.approx(5.370, abs=5e-4)
    assert PARAMS(PF_DAY) == pytest.approx(1.3e9)


def test_the_joint_law_falls_to_the_single_ones_in_its_own_constants():
    assert JOINT(N=1e9, D=1e40) == pytest.approx((6.4e13 / 1e9) ** 0.076, rel=1e-6)
    assert JOINT(N=1e40, D=1e10) == pytest.approx((1.8e13 / 1e10) ** 0.103, rel=1e-6)


def test_the_joint_law_along_6nd_is_not_the_papers_allocation():
    C = np.array([1e20, 1e21])
    slope = np.diff(np.log(optimum(JOINT, C).N)) / np.log(10)
    assert slope[0] == pytest.approx(0.575, abs=5e-4)
    assert "does not hold" in constants("kaplan-joint/kaplan2020").caution
