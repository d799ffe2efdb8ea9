"""The best mixture of domains: a convex search, whose answer no other mixture can better."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from isoflop.errors import Note, RefusedByData, UsageError
from isoflop.fitting import fit
from isoflop.laws import Mixture3
from isoflop.plan import mix
from isoflop.runs import Runs

TRUTH = (  # the loss on each of three domains, which its own tokens lower most
    Mixture3(E=1.5, K1=0.2, K2=1.0, K3=1.2),
    Mixture3(E=2.0, K1=0.9, K2=0.1, K3=0.8),
    Mixture3(E=1.0, K1=1.1, K2=0.9, K3=0.3),
)


def studied(noise: float = 1e-3, draws: int = 40):
    """Return fits of the three losses of 30 mixtures."""
    rng = np.random.default_rng(5)
    shares = rng.dirichlet(np.ones(3), 30)
    columns = {f"w{i + 1}": shares[:, i] for i in range(3)}
    return [
        fit(
            "mixture-3",
            Runs({**columns, "L": law(*shares.T) * np.exp(noise * rng.standard_normal(30))}),
            draws=draws,
        )
        for law in TRUTH
    ]


@pytest.fixture(scope="module")
def fits():
    return studied()


def grid(step: float = 0.01):
    a, b = np.meshgrid(np.arange(0, 1 + step, step), np.arange(0, 1 + step, step))
    inside = a + b <= 1 + 1e-9
    return np.stack([a[inside], b[inside], np.maximum(1 - a - b, 0)[inside]])


@pytest.mark.parametrize("weights", [None, (1, 1, 0), (5, 1, 1), (1, 0, 0)])
def test_no_mixture_of_a_grid_is_better(fits, weights):
    made = mix(fits, weights)
    shares = np.array([s.value for s in made.shares])
    assert shares.sum() == pytest.approx(1)
    assert (shares >= 0).all()
    share = np.ones(3) / 3 if weights is None else np.asarray(weights) / np.sum(weights)
    losses = share @ np.stack([f.law(*grid()) for f in fits])
    assert made.L.value <= losses.min() * (1 + 1e-7)
    assert made.L.value == pytest.approx(losses.min(), rel=2e-4)
    assert made.L.value == pytest.approx(share @ [e.value for e in made.losses])
    assert made.L.value <= made.even
    assert made.tokens is not None


def test_only_one_domain_matters_and_it_takes_all(fits):
    made = mix(fits, (1, 0, 0))
    assert made.shares[0].value == pytest.approx(1, abs=1e-4)


def test_wide_intervals_hold_the_mixture_of_the_truth(fits):
    made = mix(fits, level=0.99)
    exact = mix(studied(noise=0.0, draws=0))
    for share, true in zip(made.shares, exact.shares, strict=True):
        assert share.low <= true.value <= share.high
        assert share.high - share.low < 0.1
    assert exact.shares[0].low is None


def test_what_was_not_run_is_said(fits):
    few = [fit("mixture-3", f.runs.where("w1 < 0.3"), draws=0) for f in fits]
    assert any(
        "w1" in note.text and "beyond the shares" in note.text for note in mix(few, (1, 0, 0)).notes
    )


def test_requests_that_make_no_sense_are_refused(fits):
    with pytest.raises(UsageError, match="no law to mix by"):
        mix([])
    with pytest.raises(UsageError, match="one for each law"):
        mix(fits, (1, 1))
    with pytest.raises(UsageError, match="none below zero"):
        mix(fits, (1, -1, 1))
    with pytest.raises(UsageError, match="all weights are zero"):
        mix(fits, (0, 0, 0))
    power = fit("power", fits[0].runs, over="w1", predicts="L", draws=0)
    with pytest.raises(UsageError, match="laws of the same shares"):
        mix([*fits, power])
    with pytest.raises(RefusedByData):
        mix(
            [
                dataclasses.replace(
                    fits[0], status="refused", notes=(Note("refused", "support", "no"),)
                )
            ]
        )
