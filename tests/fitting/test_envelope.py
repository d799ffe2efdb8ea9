"""Approach 1 follows the sizes on the envelope, and leaves out what lies at an edge."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import TRUTH, made_by

from isoflop.errors import RefusedByData
from isoflop.fitting.envelope import envelope
from isoflop.runs import Runs

A = TRUTH.beta / (TRUTH.alpha + TRUTH.beta)


def ladder(sizes: int = 40, points: int = 30) -> dict[str, np.ndarray]:
    """Return curves of loss in compute at many sizes, as training from 2 to 200 D/N gives."""
    N = np.repeat(np.geomspace(2e7, 2e10, sizes), points)
    D = N * np.tile(np.geomspace(2, 200, points), sizes)
    return {"N": N, "D": D, "C": 6 * N * D}


def test_the_envelope_of_runs_without_noise_has_the_exponent_of_the_law():
    found = envelope(made_by(TRUTH, ladder()), draws=50)
    assert found.frontier.a[0] == pytest.approx(A, abs=0.01)
    assert found.frontier.a[0] + found.frontier.b[0] == pytest.approx(1, abs=0.01)
    low, high = np.quantile(found.frontier.a[1:], [0.05, 0.95])
    assert low < found.frontier.a[0] < high


def test_curves_of_labelled_runs_are_told_apart():
    columns = ladder(sizes=12)
    runs = made_by(TRUTH, columns)
    names = np.repeat([f"r{i}" for i in range(12)], 30)
    named = Runs(runs.columns, labels={"run": names})
    found = envelope(named, draws=0)
    assert len(found.sizes) == 12
    assert "before 85% of their run" in found.notes[0].text
    np.testing.assert_allclose(found.frontier.lines, envelope(runs, draws=0).frontier.lines)


def test_points_at_the_edge_of_the_sizes_are_left_out():
    found = envelope(made_by(TRUTH, ladder(sizes=8)), draws=0)
    on = np.unique(found.chosen[found.chosen >= 0])
    assert 0 not in on
    assert len(found.sizes) - 1 not in on


def test_the_order_of_rows_does_not_matter():
    runs = made_by(TRUTH, ladder(sizes=9), noise=2e-3)
    turned = runs.select(np.random.default_rng(1).permutation(len(runs)))
    first, second = (envelope(r, draws=20).frontier.lines for r in (runs, turned))
    np.testing.assert_allclose(first, second)


def test_too_few_sizes_are_refused():
    columns = ladder(sizes=8)
    runs = made_by(TRUTH, columns)
    with pytest.raises(RefusedByData, match="2 sizes"):
        envelope(runs.where(f"N < {3e7 * 2:g}"))
    apart = Runs({s: runs[s][::30] for s in "NDCL"})
    with pytest.raises(RefusedByData, match="curves of loss during training"):
        envelope(apart)
