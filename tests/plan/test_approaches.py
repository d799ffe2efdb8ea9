"""The three approaches side by side: they agree where they should, and a refusal stays alone."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

from isoflop.assess.monotonicity import rising
from isoflop.errors import RefusedByData, UsageError
from isoflop.laws import LogQuadratic
from isoflop.plan import optimum
from isoflop.plan.approaches import approaches
from isoflop.runs import Runs
from isoflop.sources import read

GOPHER = 5.76e23


def test_all_three_find_the_split_of_a_clear_study():
    C = np.repeat(np.geomspace(1e18, 3e21, 12), 21)
    N = optimum(TRUTH, C).N * np.tile(np.geomspace(1 / 6, 6, 21), 12)
    runs = made_by(TRUTH, {"N": N, "D": C / 6 / N, "C": C}, noise=1e-3)
    found = approaches(runs, 1e23, draws=200)
    names = [x.name for x in found.approaches]
    assert names == ["1 envelope", "2 parabola", "2 near", "2 cubic", "2 akima", "3 chinchilla"]
    best = optimum(TRUTH, 1e23)
    law = found.approaches[-1]
    assert law.N.low < best.N < law.N.high
    assert law.a.value + law.b.value == pytest.approx(1, abs=1e-6)
    for x in found.approaches:
        slack = 1.02  # a grid's own bias
        assert x.N.low / slack < best.N < x.N.high * slack, x.name
        assert x.N.low < x.N.value < x.N.high
    assert found.curve in [p.curve for p in found.profiles]
    _, parabola, _, cubic, *_ = found.approaches
    assert abs(parabola.bias.D) > 2 * abs(cubic.bias.D)


def test_a_law_without_an_optimum_is_refused_and_the_others_go_on():
    found = approaches(
        made_by(TRUTH, grid(), noise=2e-3), 1e22, laws=("multiplicative", "chinchilla"), draws=50
    )
    assert "both N and D" in dict(found.refused)["3 multiplicative"]
    assert "3 chinchilla" in [x.name for x in found.approaches]


def test_nothing_to_go_by_is_refused_with_every_reason():
    runs = made_by(TRUTH, {s: v[:4] for s, v in grid().items()})
    with pytest.raises(RefusedByData, match=r"3 chinchilla: .*1 envelope: .*2 parabola: "):
        approaches(runs, 1e22, draws=10)
    with pytest.raises(UsageError, match="above zero"):
        approaches(runs, -1.0)


def test_a_law_that_rises_is_told_from_one_that_falls():
    assert rising(TRUTH, N=1e10, D=1e11) == ()
    bowl = LogQuadratic(L_ref=3, alpha=0.05, beta=0.05, bend_N=0.01, bend_D=0.0, bend_ND=0.0)
    assert rising(bowl, N=1e12, D=1e11) == ("N",)


def test_figure_4_by_its_approaches(public_data):
    """Five runs move approach 3 from 6.8 to 17.9 tokens per parameter, approach 1 not at all."""
    path = public_data("chinchilla_figure4/svg_extracted_data.csv")
    runs = read(path, derive=("D=C/6N",))
    kept = runs.select(np.argsort(np.argsort(-runs["L"])) >= 5)
    for table, law, envelope in ((runs, 6.8, 12.9), (kept, 17.9, 12.9)):
        found = approaches(table, GOPHER, draws=50)
        ratios = {x.name: x.ratio.value for x in found.approaches}
        assert ratios["3 chinchilla"] == pytest.approx(law, abs=0.3)
        assert ratios["1 envelope"] == pytest.approx(envelope, abs=1)
        assert 10 < ratios["2 parabola"] < 30
        assert "continuous" in dict(found.refused)["2 akima"]
        assert isinstance(table, Runs)
