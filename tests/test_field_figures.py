"""The figures of the field say what the papers print."""

import numpy as np
import pytest

from isoflop.errors import UnknownName
from isoflop.laws import constants
from isoflop.pages.field_figures import figures, names
from isoflop.report import Figure, Line
from isoflop.report.figures import to_plotly
from isoflop.report.text import printed


def lines(report, title):
    (figure,) = (b for b in report.blocks if isinstance(b, Figure) and title in b.title)
    return {layer.name: layer for layer in figure.layers if isinstance(layer, Line)}


@pytest.mark.parametrize("name", names())
def test_every_page_is_drawn(name):
    report = figures(name)
    drawn = [b for b in report.blocks if isinstance(b, Figure)]
    assert drawn
    for figure in drawn:
        assert to_plotly(figure)["data"]
        for layer in figure.layers:
            if isinstance(layer, Line):
                assert np.isfinite(layer.y).any()
    assert printed(report)


def test_kaplan_sizes_off_the_best_cost_a_fifth():
    compute = lines(figures("kaplan"), "another size")["compute"]
    assert np.interp(0.6, compute.x, compute.y) == pytest.approx(1.165, abs=0.01)
    assert np.interp(2.2, compute.x, compute.y) == pytest.approx(1.204, abs=0.01)


def test_kaplan_learning_curves_end_at_the_loss_of_the_size():
    law = constants("learning-curve/kaplan2020").law
    by_size = (6.5e13 / 1e9) ** 0.077
    assert float(law(N=1e9, steps=1e12)) == pytest.approx(by_size, rel=1e-3)


def test_chinchilla_profiles_have_their_least_loss_at_the_marked_size():
    report = figures("chinchilla")
    for line in lines(report, "IsoFLOP").values():
        assert 0 < np.argmin(line.y) < len(line.y) - 1


def test_henighan_reducible_loss_is_a_straight_line_in_logs():
    for line in lines(figures("henighan"), "Reducible").values():
        slopes = np.diff(np.log(line.y)) / np.diff(np.log(line.x))
        assert np.ptp(slopes) < 1e-6


def test_gpt4_says_that_its_runs_are_simulated_and_holds_the_truth_against_it():
    data = figures("gpt4").data
    assert data["value"] == pytest.approx(data["truth"], rel=0.03)
    assert any("simulated" in getattr(b, "text", "") for b in figures("gpt4").blocks)


def test_scalerl_reaches_half_of_its_gain_at_the_midpoint():
    curve = lines(figures("scalerl"), "sigmoid")["R(C) of ScaleRL"]
    assert np.interp(2542, curve.x, curve.y) == pytest.approx((0.61 + 0.3) / 2, abs=0.002)


def test_an_unknown_page_is_refused_with_the_list():
    with pytest.raises(UnknownName, match="chinchilla"):
        figures("zzz")


def test_gao_has_larger_proxies_fall_later():
    proxies = sorted(figures("gao").data["proxies"].values(), key=lambda p: p["params"])
    assert [p["alpha"] for p in proxies] == sorted(p["alpha"] for p in proxies)
    assert [p["beta"] for p in proxies] == sorted((p["beta"] for p in proxies), reverse=True)


def test_snell_and_s1_show_every_strategy_that_was_run():
    solved = figures("snell").data["solved"]
    assert all(0 < value < 1 for value in solved.values())
    assert {"beam/n=16", "majority", "revision/n=16,chain=4"} <= set(solved)
    forced = figures("s1").data["strategies"]
    cut, again = forced["budget/tokens=2"], forced["budget/again=4"]
    assert cut["tokens"] < forced["budget"]["tokens"] < again["tokens"]
    assert cut["solved"] < forced["budget"]["solved"]
