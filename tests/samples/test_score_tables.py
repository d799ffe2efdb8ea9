"""Score tables: what is refused or flagged by row, curves from a part of the gold, one scale."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from isoflop.errors import BadRuns, CannotFit, UnknownName, UsageError
from isoflop.samples.best_of_n_curves import best_of_n_curves
from isoflop.samples.proxy_ensembles import ensembles
from isoflop.samples.recalibrate import gold_scale, proxy_scale
from isoflop.samples.score_table import ScoreTable, score_table
from isoflop.samples.simulated_scores import Overoptimised, normal_maxima

SIMULATED = Overoptimised()


def table(**changes) -> ScoreTable:
    """Return a table of 6 prompts of 4 samples that is right but for `changes`."""
    rng = np.random.default_rng(0)
    gold = rng.normal(size=24)
    good = {
        "prompt": np.repeat([f"p{i}" for i in range(6)], 4),
        "proxies": {"a": gold + rng.normal(size=24)},
        "gold": gold,
    }
    return score_table(**{**good, **changes})


def changed(values, at, to):
    out = np.array(values, float)
    out[at] = to
    return out


def test_every_cell_that_cannot_be_is_refused_with_its_row():
    good = table()
    a = good.proxies["a"]
    for change, says in (
        ({"proxies": {"a": changed(a, 3, np.nan)}}, "proxy a has no finite score in row 5"),
        ({"proxies": {"a": changed(a, [0, 5], np.inf)}}, "rows 2 and 7"),
        ({"proxies": {"a": np.ones(24)}}, "scores every sample 1"),
        ({"proxies": {"a": changed(a, 3, -1e200)}}, "proxy a is -1e\\+200 in row 5"),
        ({"proxies": {"a": a * 1e-150}}, "scores every sample"),
        ({"gold": changed(good.gold, 7, 1e300)}, "gold is 1e\\+300 in row 9"),
        ({"gold": np.where(np.arange(24) == 2, 0.5, np.nan)}, "one sample alone has a gold score"),
        ({"proxies": {}}, "no score of a proxy"),
        ({"gold": np.full(24, 2.0)}, "gold is 2 in all 24"),
        ({"gold": changed(good.gold, 7, np.inf)}, "gold is infinite in row 9"),
        ({"log_mass": changed(np.full(24, -1.0), 2, 0.5)}, "above zero in row 4"),
        ({"log_mass": changed(np.full(24, -1.0), 2, np.nan)}, "missing or above zero in row 4"),
        ({"sample": [0, 0, *range(1, 23)]}, "again in row 3, such as sample 0 of p0"),
        ({"gold": good.gold[:-1]}, "differ in length"),
    ):
        with pytest.raises(BadRuns, match=says):
            table(**change)


def test_a_proxy_with_gaps_beside_a_gold_without_is_taken_for_swapped():
    good = table()
    with pytest.raises(BadRuns, match="the two are swapped"):
        table(proxies={"a": np.where(np.arange(24) % 3, np.nan, good.gold)})


def test_a_proxy_against_the_gold_and_the_gold_itself_are_refused():
    made = SIMULATED.table(20, 50)
    turned = made.with_proxies({"a": -made.proxies["tiny"]})
    for use in (best_of_n_curves, proxy_scale):
        with pytest.raises(CannotFit, match=r"turn|swapped"):
            use(turned, "a")
    with pytest.raises(CannotFit, match="one score"):
        best_of_n_curves(made.with_proxies({"a": 3 * made.gold + 1}), "a")


def test_prompts_of_one_sample_are_left_out_and_named():
    made = SIMULATED.table(8, 20)
    few = made.select((made.prompt > 0) | (made.sample == "0"))
    found = best_of_n_curves(few, "small")
    assert found.n[-1] == 20
    assert "1 of 8 prompts are left out, with one sample" in found.notes[0].text
    assert "row 2" in found.notes[0].text
    with pytest.raises(BadRuns, match="best-of-n needs"):
        best_of_n_curves(made.select(made.sample == "0"), "small")


def test_a_prompt_that_is_scored_alike_is_flagged():
    made = SIMULATED.table(8, 20)
    flat = made.with_proxies({"a": np.where(made.prompt == 3, 1.0, made.proxies["small"])})
    assert any(
        "p0003: it chooses nothing there" in note.text for note in best_of_n_curves(flat, "a").notes
    )


def test_no_gold_at_all_is_refused():
    made = SIMULATED.table(8, 20)
    none = dataclasses.replace(made, gold=np.full(160, np.nan))
    with pytest.raises(BadRuns, match="no sample has a gold score"):
        best_of_n_curves(none, "small")


def test_curves_of_the_simulation_are_the_exact_ones():
    np.testing.assert_allclose(
        normal_maxima([1, 2, 3]).first, [0, 1 / np.sqrt(np.pi), 1.5 / np.sqrt(np.pi)], atol=1e-9
    )
    made = SIMULATED.table(400, 64, seed=3)
    for proxy in made.proxies:
        found = best_of_n_curves(made, proxy)
        off = (found.gold - SIMULATED.curve(proxy, found.n))[1:] / found.error[1:]
        assert np.abs(off).max() < 4, proxy
        assert found.gold[0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("whole_prompts", [True, False], ids=["whole prompts", "single samples"])
def test_a_part_of_the_gold_gives_the_same_curve_without_bias(whole_prompts):
    rng = np.random.default_rng(4)
    apart = []
    for seed in range(60):
        made = SIMULATED.table(40, 64, seed)
        known = rng.random(40)[made.prompt] < 0.4 if whole_prompts else rng.random(2560) < 0.2
        part = dataclasses.replace(made, gold=np.where(known, made.gold, np.nan))
        found = best_of_n_curves(part, "small", [1, 2, 4, 8, 16])
        assert found.labelled == known.sum()
        apart.append(found.gold - SIMULATED.curve("small", found.n))
    mean, error = np.mean(apart, 0), np.std(apart, 0) / np.sqrt(60)
    assert (np.abs(mean) < 3.5 * error + 1e-9).all(), (mean, error)


def test_labels_that_run_out_end_the_curve():
    made = SIMULATED.table(40, 256)
    known = np.random.default_rng(0).random(len(made)) < 0.02
    found = best_of_n_curves(
        dataclasses.replace(made, gold=np.where(known, made.gold, np.nan)), "small"
    )
    assert found.n[-1] < 256
    assert any("too few to know the gold beyond" in note.text for note in found.notes)


def test_known_probabilities_lower_the_kl_of_short_answers():
    made = SIMULATED.table(20, 64)
    rare = dataclasses.replace(made, log_mass=np.full(len(made), -300.0))
    np.testing.assert_array_equal(
        best_of_n_curves(rare, "small").kl, best_of_n_curves(made, "small").kl
    )
    often = best_of_n_curves(
        dataclasses.replace(made, log_mass=np.full(len(made), np.log(0.1))), "small"
    )
    assert often.kl[-1] < np.log(10) + 1e-6
    assert often.bound[-1] > 3


def test_recalibration_finds_the_temperature_and_leaves_unit_gold():
    made = Overoptimised(harm=0, unread=0, between=0, angles={"a": 0.0}).table(50, 100)
    # The proxy is gold divided by 2.5 and moved: the temperature undoes it.
    moved = made.with_proxies({"a": made.gold / 2.5 + 7 + 1e-3 * np.sin(np.arange(len(made)))})
    scale, gold = proxy_scale(moved, "a"), gold_scale(moved)
    assert gold(moved.gold).std() == pytest.approx(1)
    assert gold(moved.gold).mean() == pytest.approx(0, abs=1e-12)
    assert scale.factor == pytest.approx(2.5 * gold.factor, rel=0.01)
    assert scale.centre == pytest.approx(7, abs=0.02)


def test_ensembles_are_the_mean_the_worst_and_the_mean_less_variance():
    made = table(proxies={"a": np.arange(24.0), "b": np.arange(24.0)[::-1] ** 2})
    joined = ensembles(made, penalty=2)
    z = np.array([(v - v.mean()) / v.std() for v in made.proxies.values()])
    np.testing.assert_allclose(joined.proxies["mean"], z.mean(0))
    np.testing.assert_allclose(joined.proxies["worst"], z.min(0))
    np.testing.assert_allclose(joined.proxies["mean - 2 var"], z.mean(0) - 2 * z.var(0))
    with pytest.raises(UsageError, match="two proxies"):
        ensembles(made, ["a"])
    with pytest.raises(UsageError, match="penalty"):
        ensembles(made, penalty=0)
    with pytest.raises(UnknownName, match="did you mean"):
        joined.score("worts")
