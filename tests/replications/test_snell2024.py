"""Test-time compute in exchange for parameters, arXiv:2408.03314; s1's table, arXiv:2501.19393."""

from __future__ import annotations

import pytest

from isoflop.errors import UsageError
from isoflop.plan.sampling.exchange import multiplier


@pytest.mark.parametrize(("R", "times"), [(0.16, 257.75), (0.79, 63.4), (22, 15.8)])
def test_the_small_model_may_multiply_its_inference(R, times):
    assert float(multiplier(14, R)) == pytest.approx(times, rel=2e-3)


def test_an_equal_model_buys_nothing_and_nonsense_is_refused():
    assert float(multiplier(1, 0.5)) == 1
    for M, R in ((0.5, 1), (14, 0), (14, -1), (float("nan"), 1)):
        with pytest.raises(UsageError):
            multiplier(M, R)
