"""Rules for rate and batch: converted, held against their range, and a surface of one's own."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic import made_by

from isoflop.accounting import ModelFamily, convert_parameters
from isoflop.errors import UsageError
from isoflop.fitting import fit
from isoflop.laws import RateBatchSurface, constants
from isoflop.plan.training.learning_rate import (
    RULES,
    RateQuery,
    advice,
    mup,
    said,
    scaled,
    spread,
    surface_advice,
)

FAMILY = ModelFamily(vocabulary=32_000, aspect=96, context=2048)
RULE = {rule.name.split()[0]: rule for rule in RULES}
TRUTH = RateBatchSurface(
    E=1.6, A=400.0, B=2000.0, alpha=0.34, beta=0.36, lr_scale=1.79, lr_by_N=-0.713, lr_by_D=0.307,
    batch_scale=0.58, batch_by_N=0.0, batch_by_D=0.571, bend_lr=0.1, bend_batch=0.08, tilt=-0.35,
)  # fmt: skip


def setting(N=1e9, D=1e11, counted="non-embedding", L=None):
    return RateQuery(N, D, counted, FAMILY, L)


def test_a_rule_gets_n_as_it_counts_it():
    step = advice(RULE["Step"], setting())
    assert step.lr.value == pytest.approx(1.63e-3, rel=5e-3)
    assert step.batch.value == pytest.approx(1.11e6, rel=5e-3)
    total = float(convert_parameters(1e9, "non-embedding", "total", FAMILY))
    same = advice(RULE["Step"], setting(N=total, counted="total"))
    assert same.lr.value == pytest.approx(step.lr.value, rel=1e-9)
    assert pytest.approx(1e9) == same.N
    assert advice(RULE["Porian"], setting()).lr.value == pytest.approx(3.7 * total**-0.36)


def test_deepseek_s_c_is_m_times_d():
    made = advice(RULE["DeepSeek"], setting())
    M = float(convert_parameters(1e9, "non-embedding", "flops-per-token", FAMILY))
    assert made.lr.value == pytest.approx(0.3118 * (M * 1e11) ** -0.125)
    assert made.batch.value == pytest.approx(0.2920 * (M * 1e11) ** 0.3271)
    assert made.outside == (f"C = {M * 1e11 / 1e20:.3g}e20 is above 2e19 FLOP",)


def test_rules_say_where_they_were_left():
    far = setting(N=7e9, D=2e12)
    assert advice(RULE["Step"], far).outside == (
        "N = 7B is above 1.08B params", "D = 2T is above 100B tokens"
    )  # fmt: skip
    inside = advice(RULE["Porian"], setting(N=4e8, D=8e9))
    assert inside.holds
    assert "D/N" in advice(RULE["Porian"], setting(N=4e8, D=8e10)).outside[0]
    unknown = advice(RULE["MiniCPM"], setting(L=2.5))
    assert not unknown.outside
    assert not unknown.holds


def test_a_batch_of_the_loss_needs_the_loss():
    made = advice(RULE["MiniCPM"], setting())
    assert made.batch is None
    assert "give L" in made.why[0]
    assert advice(RULE["MiniCPM"], setting(L=2.5)).batch.value == pytest.approx(3.98e6, rel=5e-3)


def test_kaplan_s_rate_ends_before_12_billion():
    printed = 0.003239 - 0.0001395 * np.log(1e8)
    assert advice(RULE["Kaplan"], setting(N=1e8)).lr.value == pytest.approx(printed)
    ended = advice(RULE["Kaplan"], setting(N=1.3e10))
    assert ended.lr is None
    assert any("zero" in text for text in ended.why)
    zero = constants("log-rate/kaplan2020").law.N_zero
    assert zero == pytest.approx(1.2e10, rel=0.02)


def test_disagreement_is_the_largest_over_the_least():
    rows = tuple(advice(rule, setting()) for rule in RULES)
    rates = [row.lr.value for row in rows if row.lr]
    assert spread(rows, "lr") == pytest.approx(max(rates) / min(rates))
    inside = [row.lr.value for row in rows if row.lr and row.holds]
    assert spread(rows, "lr", holding=True) == pytest.approx(max(inside) / min(inside))
    assert spread(rows[:1], "lr") is None


def test_other_sizes_keep_the_tokens_per_parameter_and_the_rule():
    many = scaled(setting(), np.array([0.1, 1.0, 10.0]))
    np.testing.assert_allclose(many.D / many.N, 100)
    values, inside = said(RULE["Step"], "lr", many)
    assert values[1] == pytest.approx(advice(RULE["Step"], setting()).lr.value)
    assert inside.tolist() == [True, True, False]
    assert np.isnan(said(RULE["Kaplan"], "lr", many)[0]).tolist() == [False, False, False]
    assert np.isnan(said(RULE["Kaplan"], "lr", scaled(setting(), np.array([100.0])))[0]).all()


def test_mup_scales_a_proxy_with_the_width():
    assert mup(0.01, 256, 2048).lr.value == pytest.approx(0.01 / 8)
    with pytest.raises(UsageError, match="wider is 0"):
        mup(0.01, 256, 0)


def sweep(noise=2e-3, seed=0):
    """Return runs of six sizes and data, each with its own grid of rates and batches."""
    x = {"N": [], "D": [], "lr": [], "batch": []}
    for N, D in ((6e7, 4e9), (1e8, 2e10), (2e8, 1e10), (4e8, 8e9), (4e8, 5e10), (1e9, 2e10)):
        for lr in np.geomspace(3e-4, 8e-3, 6):
            for batch in np.geomspace(6e4, 2e6, 6):
                for key, value in zip(x, (N, D, lr, batch), strict=True):
                    x[key].append(value)
    made = made_by(TRUTH, {k: np.array(v) for k, v in x.items()}, noise=noise, seed=seed)
    return dataclasses.replace(made, conventions={"N": "non-embedding"})


@pytest.fixture(scope="module")
def own():
    return fit("rate-batch-surface", sweep(), draws=100)


def test_a_surface_gives_its_bottom_back_with_an_interval(own):
    made = surface_advice(own, setting(N=4e8, D=2e10))
    best = TRUTH.best(4e8, 2e10)
    for name in ("lr", "batch"):
        got, true = getattr(made, name), float(getattr(best, name))
        assert got.low < true * 1.02
        assert got.high > true / 1.02
        assert got.value == pytest.approx(true, rel=0.1)
    assert made.holds
    assert "0.25%" in made.remark
    assert surface_advice(own, setting(N=4e9, D=2e10)).outside == (
        "N = 4B is above 1B params",
    )  # fmt: skip


def test_the_region_holds_what_is_within_and_no_more():
    """Along the valley, the far end of the region lies exactly `within` above the bottom."""
    best = TRUTH.best(4e8, 2e10, within=0.0025)
    bottom = TRUTH(N=4e8, D=2e10, lr=best.lr, batch=best.batch)
    batch = best.batch * np.geomspace(1 / 20, 20, 4001)
    for factor in (best.lr_factor, 1 / best.lr_factor):
        valley = TRUTH(N=4e8, D=2e10, lr=best.lr * factor, batch=batch).min()
        assert valley / bottom - 1 == pytest.approx(0.0025, rel=1e-3)


def test_a_fit_of_another_law_or_without_a_convention_is_refused(own):
    other = fit("learning-rate", made_by(constants("learning-rate/step-law2025").law, {
        "N": np.geomspace(1e7, 1e9, 12), "D": np.tile([1e9, 1e10, 1e11], 4),
    }), draws=0)  # fmt: skip
    with pytest.raises(UsageError, match="fit is of learning-rate"):
        surface_advice(other, setting())
    silent = dataclasses.replace(own, runs=dataclasses.replace(own.runs, conventions={}))
    with pytest.raises(UsageError, match="does not say how it counts N"):
        surface_advice(silent, setting())
