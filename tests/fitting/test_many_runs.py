"""A million rows are fitted in seconds, and their intervals are those of all the rows."""

from __future__ import annotations

import numpy as np
import pytest

import isoflop as iso
from isoflop import fitting
from isoflop.fitting import draws


def _runs(n: int) -> iso.Runs:
    rng = np.random.default_rng(5)
    N, D = np.exp(rng.uniform(np.log([1e8, 1e9]), np.log([1e10, 1e12]), (n, 2))).T
    L = (1.8 + 480 / N**0.35 + 2100 / D**0.37) * np.exp(rng.normal(0, 0.01, n))
    return iso.read({"N": N, "D": D, "L": L})


def test_many_runs_give_the_law_and_say_that_a_sample_was_drawn() -> None:
    fit = iso.fit("chinchilla", _runs(200_000), draws=100)
    assert fit.law.alpha == pytest.approx(0.35, abs=0.002)
    assert any("sample of 20,000 of the 200,000 runs" in note.text for note in fit.notes)


def test_the_scatter_of_a_sample_is_drawn_in_to_that_of_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = _runs(4_000)
    whole = iso.fit("chinchilla", runs, draws=400)
    for module in (fitting, draws):
        monkeypatch.setattr(module, "MANY", 1_000)
    sampled = iso.fit("chinchilla", runs, draws=400)
    assert sampled.law.alpha == pytest.approx(whole.law.alpha, abs=1e-8)
    ratio = np.std(sampled.draws.alpha) / np.std(whole.draws.alpha)
    assert ratio == pytest.approx(1, abs=0.35)
