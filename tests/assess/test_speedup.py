"""The multiplier between two recipes: right, covered, and doubted where the laws do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.assess.speedup import speedup
from isoflop.errors import CannotFit, ConventionMismatch, RefusedByData, UsageError
from isoflop.laws import Power
from isoflop.runs import Runs

BASE = Power(E=1.6, A=90.0, alpha=0.095)
FASTER = Power(E=1.6, A=90.0 * 1.3**-0.095, alpha=0.095)


def runs(law, C=None, noise=0.0, seed=0, counted=None) -> Runs:
    C = np.geomspace(1e18, 1e21, 6) if C is None else np.asarray(C, float)
    luck = np.random.default_rng(seed).standard_normal(C.size)
    return Runs(
        {"C": C, "L": law(x=C) * np.exp(noise * luck)},
        conventions={"C": counted} if counted else {},
    )


def test_the_multiplier_is_that_of_the_recipes_at_every_loss():
    """m = ((L_worse - E) / (L_better - E))^(1/alpha) at any budget."""
    found = speedup(runs(BASE), runs(FASTER), draws=50)
    C = 1e20
    identity = ((BASE(x=C) - 1.6) / (FASTER(x=C) - 1.6)) ** (1 / 0.095)
    assert identity == pytest.approx(1.3)
    for m in (found.chosen.multiplier, *found.at):
        assert m.value == pytest.approx(1.3, rel=1e-6)
    back = speedup(runs(FASTER), runs(BASE), draws=50)
    assert back.chosen.multiplier.value == pytest.approx(1 / 1.3, rel=1e-6)


def test_a_pinned_law_gives_the_amplitude_that_is_left():
    """With E and alpha pinned only A is fitted, as in the worked example of marin issue 8096."""
    found = speedup(
        runs(BASE, [2.19e17, 1.70e18, 9.0e18, 2.83e19]),
        runs(FASTER, [2.19e17, 1.70e18, 9.0e18, 2.83e19]),
        fix={"E": 1.6, "alpha": 0.095}, draws=20,
    )  # fmt: skip
    assert pytest.approx(90.0) == found.chosen.laws[0].A
    assert len(found.variants) == 1


@pytest.mark.parametrize("fix", [{}, {"E": 1.6}], ids=str)
def test_intervals_hold_the_multiplier(fix):
    held = 0
    for seed in range(40):
        A, B = runs(BASE, noise=2e-3, seed=seed), runs(FASTER, noise=2e-3, seed=seed + 1000)
        m = speedup(A, B, fix=fix, draws=60, seed=seed).chosen.multiplier
        held += m.low < 1.3 < m.high
    assert held > 27  # of 40 at 90%: fewer has a chance below 1 in 10,000


def test_recipes_of_different_exponents_are_told_apart():
    steeper = Power(E=1.6, A=200.0, alpha=0.115)
    A, B = runs(BASE, noise=5e-4, seed=1), runs(steeper, noise=5e-4, seed=2)
    found = speedup(A, B, draws=100)
    assert any("alpha" in n.text for n in found.notes if n.kind == "doubt")
    free = speedup(A, B, exponent="free", draws=100)
    values = [m.value for m in free.at]
    truth = [float(BASE.input_for(y=m.L) / steeper.input_for(y=m.L)) for m in free.at]
    np.testing.assert_allclose(values, truth, rtol=0.1)
    assert max(values) / min(values) > 1.2


def test_lack_of_fit_is_seen_against_repeats_and_against_curvature():
    bent = lambda x: BASE(x=x) * (1 + 0.01 * np.log(x / 3e19) ** 2 / 10)  # noqa: E731
    C = np.geomspace(1e18, 1e21, 9)
    curved = speedup(runs(bent, C, 5e-4, 1), runs(bent, C, 5e-4, 2), fix={"E": 1.6}, draws=20)
    assert curved.replicates == 0
    assert curved.lack_of_fit < 0.01
    assert "do not fit" in curved.notes[0].text
    twice = np.repeat(np.geomspace(1e18, 1e21, 5), 3)
    repeated = speedup(runs(bent, twice, 5e-4, 1), runs(bent, twice, 5e-4, 2), fix={"E": 1.6},
                       draws=20)  # fmt: skip
    assert repeated.replicates == 20
    assert repeated.lack_of_fit < 0.01
    p = [
        speedup(runs(BASE, twice, 2e-3, s), runs(FASTER, twice, 2e-3, s + 500), draws=2).lack_of_fit
        for s in range(20)
    ]
    assert 0.2 < np.mean(p) < 0.8
    assert np.mean(np.array(p) < 0.05) <= 0.2


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(CannotFit, match="recipe B has runs at 1 compute"):
        speedup(runs(BASE), runs(FASTER, [1e20, 1e20]))
    with pytest.raises(CannotFit, match="at least 5"):
        speedup(runs(BASE, [1e19, 1e20]), runs(FASTER, [1e19, 1e20]))
    with pytest.raises(RefusedByData, match="no loss was reached by both"):
        speedup(runs(BASE, [1e18, 2e18, 3e18]), runs(FASTER, [1e22, 2e22, 3e22]))
    with pytest.raises(ConventionMismatch):
        speedup(runs(BASE, counted="6ND"), runs(FASTER, counted="detailed"))
    with pytest.raises(UsageError, match="pinned and free"):
        speedup(runs(BASE), runs(FASTER), floor="free", fix={"E": 1.6})
