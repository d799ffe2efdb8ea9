"""Muennighoff et al. 2023, arXiv:2305.16264: its runs on repeated data, fitted and held out."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.fitting import fit
from isoflop.sources import read


@pytest.fixture(scope="module")
def repeated(public_data):
    return read(
        public_data("scalebench/data_constrained_train.csv"),
        columns={"N": "params", "D": "tokens", "U": "unique_tokens", "L": "loss"},
        conventions={"N": "total"},
    )


def test_the_runs_of_most_compute_are_forecast_by_what_repeats_are_worth(repeated):
    """The top fifth: measured 5.3%, and 8.7% by a law that takes a repeat for fresh data."""
    C = repeated["N"] * repeated["D"]
    large = np.quantile(C, 0.8) < C
    seen, out = repeated.where(~large), repeated.where(large)
    missed = {}
    for key in ("muennighoff", "chinchilla"):
        got = fit(key, seen, draws=0)
        said = got.predict(**{s: out[s] for s in got.law.takes})
        missed[key] = np.abs(said / out["L"] - 1).mean()
    assert missed["muennighoff"] < 0.06
    assert missed["muennighoff"] < 0.7 * missed["chinchilla"]


def test_repeats_fade_over_tens_of_epochs(repeated):
    """The authors' fade, 15 epochs, leaves diverged runs out; all runs together give 25."""
    got = fit("muennighoff", repeated, draws=200)
    interval = got.interval("fade_D")
    assert 15 < got.law.fade_D < 40
    assert interval.low > 5
