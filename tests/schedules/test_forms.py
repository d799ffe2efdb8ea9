"""Laws of schedules are what their papers' sums say, however fast they are worked out."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.schedules import (
    PUBLISHED,
    Annealing,
    AreaPower,
    MultiPower,
    Schedule,
    ScheduleHistory,
    grouped,
)
from isoflop.schedules.forms import CHOICES

LAWS = (
    AreaPower(L0=2.7, A=0.6, alpha=0.45),
    Annealing(L0=2.7, A=0.6, alpha=0.45, C=0.9, memory=0.97),
    PUBLISHED["multi-power/luo2025-100M"].law,
)


@st.composite
def histories(draw) -> ScheduleHistory:
    """A short schedule with a warm-up, then rates that hold, fall and now and then rise."""
    T, warmup = draw(st.integers(12, 60)), draw(st.integers(0, 9))
    falls = draw(st.lists(st.sampled_from([0, 0, 0, 1, 5, -1]), min_size=T + 1, max_size=T + 1))
    rates = 1e-5 * np.maximum(30 - np.cumsum(falls), 1.0)
    rates[: warmup + 1] = rates[warmup] * np.arange(warmup + 1) / max(warmup, 1)
    rates[0] = rates[0] if warmup else rates[1]
    steps = draw(st.sets(st.integers(warmup + 1, T), min_size=1))
    return ScheduleHistory(Schedule("drawn", rates, warmup), np.array(sorted(steps)))


def naive_s2(history: ScheduleHistory, memory: float) -> list[float]:
    """Tissue et al., as written: m_i = memory m_(i-1) + eta_(i-1) - eta_i, S2 the sum of m."""
    rates, m, total, sums = history.schedule.rates, 0.0, 0.0, {}
    for i in range(history.schedule.warmup + 1, rates.size):
        m = memory * m + rates[i - 1] - rates[i]
        total += m
        sums[i] = total
    return [sums[t] for t in history.steps]


def naive_multi_power(law: MultiPower, history: ScheduleHistory) -> list[float]:
    """Luo et al., as written: a sum over every earlier step, the area since taken anew."""
    rates, out = history.schedule.rates, []
    for t in history.steps:
        gain = 0.0
        for k in range(1, t + 1):
            x = rates[k] ** -law.gamma * rates[k : t + 1].sum()
            gain += (rates[k - 1] - rates[k]) * (1 - (1 + law.C * x) ** -law.beta)
        out.append(law.L0 + law.A * rates[: t + 1].sum() ** -law.alpha - law.B * gain)
    return out


@given(histories(), st.floats(0.5, 0.999))
def test_s2_is_the_recursion(history, memory):
    assert history.annealed(memory)[0] == pytest.approx(naive_s2(history, memory), abs=1e-15)


@given(histories())
def test_the_multi_power_law_is_its_double_sum(history):
    law = LAWS[2]
    assert law(history) == pytest.approx(naive_multi_power(law, history), abs=1e-9)


@given(histories(), st.sampled_from(LAWS))
def test_slopes_are_those_of_the_loss(history, law):
    slopes = law.slopes(history)
    for i, name in enumerate(f.name for f in dataclasses.fields(law)):
        value, h = getattr(law, name), 1e-6 * getattr(law, name)
        up, down = (dataclasses.replace(law, **{name: value + s * h})(history) for s in (1, -1))
        assert slopes[i] * value == pytest.approx((up - down) / (2 * h) * value, abs=1e-6)
    amplitudes = {f.name: s for f, s in zip(dataclasses.fields(law), slopes, strict=True)}
    whole = sum(getattr(law, k) * amplitudes[k] for k in law.amplitudes)
    assert law(history) == pytest.approx(whole), "the loss is linear in its amplitudes"


def test_joining_changes_moves_a_law_by_less_than_a_printed_digit():
    step = np.arange(24_001.0)
    rates = 3e-5 + 1.35e-4 * (1 + np.cos(np.pi * (step - 2000) / 22_000))
    rates[:2000] = 3e-4 * step[:2000] / 2000
    schedule, asked = Schedule("cosine", rates, 2000), np.arange(2100, 24_001, 128)
    joined = grouped(schedule, asked)
    assert joined.changes.fall.size < 1600
    assert joined.changes.fall.sum() == pytest.approx(rates[0] - rates[-1], rel=1e-9)
    far = grouped(schedule, asked, 24)  # as a million steps are for a fit
    assert (far.changes.warming == (far.changes.step <= 2000)).all()
    for law, seen in ((LAWS[2], joined), (LAWS[1], far)):
        assert np.abs(law(seen) - law(ScheduleHistory(schedule, asked))).max() < 1e-4


def test_memory_stays_bounded_on_a_long_curve(monkeypatch):
    monkeypatch.setattr("isoflop.schedules.forms.CELLS", 7)
    rates = np.linspace(3e-4, 3e-5, 40)
    history = ScheduleHistory(Schedule("line", rates, 0), np.arange(1, 40))
    pieces = [v.size for _, v, _ in LAWS[2]._kernel(history)]
    assert max(pieces) <= history.changes.fall.size, "one step of the loss at a time"
    assert LAWS[2](history) == pytest.approx(naive_multi_power(LAWS[2], history))


def test_a_gain_is_what_falls_after_warm_up_take_off():
    rates = np.r_[np.linspace(0, 3e-4, 11), np.full(50, 3e-4)]
    steady = ScheduleHistory(Schedule("steady", rates, 10), np.arange(20, 61))
    assert all((law.gain(steady) == 0).all() for law in LAWS)
    rates = rates.copy()
    rates[40:] = 1e-4
    fallen = ScheduleHistory(Schedule("fallen", rates, 10), np.arange(20, 61))
    for law in LAWS[1:]:
        assert (law.gain(fallen)[:20] == 0).all()
        assert (np.diff(law.gain(fallen)[20:]) > 0).all()


def test_every_choice_names_its_free_parameters():
    assert CHOICES["multi-power"].free == ("L0", "A", "alpha", "B")
    assert CHOICES["multi-power-free"].free == ("L0", "A", "alpha", "B", "C", "beta", "gamma")
