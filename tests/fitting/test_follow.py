"""A law that is followed to other runs ends where a search on those runs ends."""

from __future__ import annotations

import numpy as np
import pytest

import isoflop as iso
from isoflop.fitting import follow


@pytest.mark.parametrize("objective", ["huber", "squared"])
def test_the_law_of_fewer_runs_is_that_of_a_search(objective):
    runs = iso.read("sample:tiny")
    whole = iso.fit("chinchilla", runs, objective=objective, draws=0)
    fewer = runs.select(~np.isin(np.arange(len(runs)), [3, 20]))
    searched = iso.fit("chinchilla", fewer, objective=objective, draws=0)
    followed = follow(whole, fewer)
    assert followed.value == pytest.approx(searched.value, rel=1e-6)
    budget = {"N": 1e5, "D": 5e6}
    assert followed(**budget) == pytest.approx(searched(**budget), rel=1e-4)
    assert (followed.draws, followed.status) == (None, "doubtful")
    assert [note.topic for note in followed.notes] == ["followed"]
    assert len(followed.runs) == len(runs) - 2


def test_what_was_fixed_stays_fixed():
    runs = iso.read("sample:tiny")
    whole = iso.fit("chinchilla", runs, fix={"E": 1.2}, draws=0)
    followed = follow(whole, runs.select(np.arange(len(runs)) > 4))
    assert float(followed.law.E) == 1.2
