"""Observational laws: components, families, a sigmoid, and hold-outs by compute."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from isoflop import observational as obs
from isoflop.errors import BadRuns, CannotFit, UnknownName, UsageError
from isoflop.observational.target import _SigmoidProblem

BENCHMARKS = ("a", "b", "c", "d")
RATES = {"oak": 0.25, "elm": 0.15, "fir": 0.4}


def zoo(noise: float = 0.0, seed: int = 0, gone: float = 0.0) -> obs.Models:
    """Return three families of five models; benchmark t is a sigmoid of their one capability."""
    rng = np.random.default_rng(seed)
    families = np.repeat(list(RATES), 8)
    C = np.tile(np.geomspace(1e20, 1e24, 8), 3)
    S = np.array([RATES[f] for f in families]) * np.log10(C / 1e22)
    linear = 0.5 + np.outer(S, [0.3, 0.2, 0.25, 0.1])
    target = 1 / (1 + np.exp(-(5 * S - 1)))
    scores = np.column_stack([linear, target]) + noise * rng.standard_normal((24, 5))
    scores = np.clip(scores, 0, 1)
    scores[:, :4][rng.random((24, 4)) < gone] = np.nan
    names = np.array([f"{f}-{i}" for i, f in enumerate(families)])
    return obs.Models(scores, (*BENCHMARKS, "t"), names, families, C, np.arange(2, 26))


def test_one_capability_explains_all_and_its_axes_point_upwards():
    found = obs.capabilities(zoo(), BENCHMARKS)
    assert found.cumulative[0] == pytest.approx(1)
    np.testing.assert_allclose(found.axes[0] / found.axes[0, 0], [1, 2 / 3, 5 / 6, 1 / 3])
    assert (found.axes.sum(1) > -1e-9).all()


def test_missing_cells_come_back_as_the_component_has_them():
    whole, holed = zoo().scores[:, :4], zoo(gone=0.15).scores[:, :4]
    assert np.isnan(holed).any()
    np.testing.assert_allclose(obs.impute(holed), whole, atol=1e-6)


@given(arrays(float, (12, 4), elements=st.floats(0, 1)), st.integers(0, 2**31))
def test_imputation_keeps_what_is_there(table, seed):
    gone = np.random.default_rng(seed).random(table.shape) < 0.2
    gone[0] = False
    filled = obs.impute(np.where(gone, np.nan, table))
    np.testing.assert_array_equal(filled[~gone], table[~gone])
    assert np.isfinite(filled).all()


def test_families_have_their_own_slopes_and_small_ones_none():
    models = zoo()
    S = obs.capabilities(models, BENCHMARKS).of(models, 1)[:, 0]
    lines, few = obs.families(models, S)
    slopes = {f.name: f.slope / lines[0].slope for f in lines}
    assert slopes == pytest.approx({"oak": 1, "elm": 0.6, "fir": 1.6})
    assert few == ()
    one = lines[0]
    np.testing.assert_allclose(one.equivalent(one.capability(np.array([1e22, 3e23]))), [1e22, 3e23])
    two = models.select((models.families != "oak") | (models.C > 2e23))
    lines, few = obs.families(two, obs.capabilities(two, BENCHMARKS).of(two, 1)[:, 0])
    assert few == (obs.TooFew("oak", 2),)
    with pytest.raises(CannotFit, match="a line needs 3"):
        obs.family(lines, few, "oak")
    with pytest.raises(UnknownName, match="elm"):
        obs.family(lines, few, "elk")


def test_intervals_of_slopes_hold_the_truth():
    """A family of four models: intervals of 90% hold its slope in 85 to 95% of 400 tables."""
    rng, held = np.random.default_rng(1), 0
    C = np.geomspace(1e21, 1e24, 4)
    table = obs.Models(
        np.zeros((4, 1)), ("a",), np.array(list("wxyz")), np.full(4, "oak"), C, np.arange(4)
    )
    for _ in range(400):
        (line,), _ = obs.families(table, 0.3 * np.log10(C) + 0.1 * rng.standard_normal(4))
        held += line.low <= 0.3 <= line.high
    assert 0.85 <= held / 400 <= 0.95


def test_the_slopes_of_the_sigmoid_are_those_of_the_complex_step():
    rng = np.random.default_rng(0)
    problem = _SigmoidProblem(rng.normal(size=(9, 2)), rng.random(9), None, 0.95)
    z = rng.normal(size=(1, 4))
    _, J = problem(z)
    for i in range(4):
        step = np.zeros((1, 4))
        step[0, i] = 1e-6
        slope = (problem(z + step)[0] - problem(z - step)[0]) / 2e-6
        np.testing.assert_allclose(J[:, i], slope, atol=1e-8)


def test_models_beyond_the_cutoff_are_predicted_from_their_capabilities():
    models = zoo(noise=0.005)
    test = obs.held_out(models, "t", BENCHMARKS, 3e22, n_components=1, floor=0.0)
    assert len(test.fit.models) == 15
    assert (test.models.C > 3e22).all()
    assert test.rms < 0.06
    assert test.rms < test.rms_by_compute
    assert test.inside > 0.6


def test_a_cutoff_is_blind_to_what_lies_beyond():
    """The fit changes by nothing when the models that are held out do."""
    models = zoo(noise=0.01)
    other = zoo(noise=0.01)
    other.scores[models.C > 3e22] *= 0.5
    first, second = (
        obs.held_out(m, "t", BENCHMARKS, 3e22, n_components=2, draws=0).fit for m in (models, other)
    )
    np.testing.assert_array_equal(first.law.weights, second.law.weights)
    np.testing.assert_array_equal(first.capabilities.axes, second.capabilities.axes)


def test_a_family_is_carried_to_more_compute():
    models = zoo(noise=0.005)
    found = obs.observe(models, "t", BENCHMARKS, n_components=1, floor=0.0)
    ahead = obs.forecast_family(found, models, "oak", 1e25)
    truth = 1 / (1 + np.exp(-(5 * 0.25 * 3 - 1)))
    assert ahead.low <= truth <= ahead.high
    assert ahead.high - ahead.low < 0.2
    assert ahead.beyond == pytest.approx(10)
    line = obs.line_of(found, models, "oak")
    assert line.equivalent(found.index(models.select(models.names == "elm-15")))[0] < 1e24
    with pytest.raises(UsageError, match="above zero"):
        obs.forecast_family(found, models, "oak", -1.0)


@pytest.mark.parametrize(
    ("ask", "error", "says"),
    [
        (lambda m: obs.observe(m, "t", ("a",), n_components=1), UsageError, "two or more"),
        (lambda m: obs.observe(m, "t", ("a", "z")), UsageError, "3 components"),
        (lambda m: obs.observe(m, "t", ("a", "z"), n_components=1), UnknownName, "'z'"),
        (lambda m: obs.observe(m, "t", BENCHMARKS, floor=1.0), UsageError, "no sigmoid"),
        (lambda m: obs.held_out(m, "t", BENCHMARKS, 1e26), CannotFit, "the largest has 1e24"),
        (lambda m: obs.held_out(m, "t", BENCHMARKS, 2e20), CannotFit, "3 models"),
    ],
)
def test_what_cannot_be_done_is_said(ask, error, says):
    with pytest.raises(error, match=says):
        ask(zoo())


def test_scores_in_per_cent_and_empty_rows_are_refused():
    models = zoo()
    models.scores[4, 0] = 43.0
    with pytest.raises(BadRuns, match="row 6"):
        obs.capabilities(models, BENCHMARKS)
    models = zoo()
    models.scores[2, :4] = np.nan
    with pytest.raises(BadRuns, match="row 4"):
        obs.capabilities(models, BENCHMARKS)
