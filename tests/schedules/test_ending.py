"""How a run under way will end: refused while nothing can tell, close once something does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isoflop.errors import RefusedByData
from isoflop.schedules import (
    PUBLISHED,
    EarlierRuns,
    LossCurve,
    ScheduleHistory,
    ending,
    recipe,
    simulated,
)
from isoflop.schedules.collapse import templates

BUDGET = "steps=8000,warmup=400"
TEXTS = {
    "constant": f"constant:peak=3e-4,{BUDGET}",
    "cosine": f"cosine:peak=3e-4,end=3e-5,{BUDGET}",
    "wsd": f"wsd:peak=3e-4,end=3e-5,{BUDGET},decay=1600",
}


def curve(size: str, kind: str, seed: int = 0) -> LossCurve:
    law = PUBLISHED[f"multi-power/luo2025-{size}"].law
    return simulated(law, recipe(TEXTS[kind]).schedule(f"{size}-{kind}"), 100, 0.002, seed)


def cut(whole: LossCurve, share: float) -> LossCurve:
    seen = whole.steps <= share * whole.schedule.steps
    return replace(whole, steps=whole.steps[seen], loss=whole.loss[seen])


@pytest.fixture(scope="module")
def earlier() -> EarlierRuns:
    return EarlierRuns((tuple(curve("25M", kind, k) for k, kind in enumerate(TEXTS)),))


@pytest.mark.parametrize("kind", TEXTS)
def test_a_larger_model_is_forecast_within_its_interval_which_narrows(earlier, kind):
    whole = curve("100M", kind, 7)
    forecasts = [ending(cut(whole, share), earlier) for share in (0.3, 0.5, 0.75, 0.9)]
    truth = whole.loss[-1]
    assert all(f.interval(0.9).low < truth < f.interval(0.9).high for f in forecasts)
    assert abs(np.log(forecasts[1].value / truth)) < 0.01
    widths = [f.interval().high - f.interval().low for f in forecasts]
    assert widths[0] > widths[-1]


def test_a_decay_that_nobody_has_seen_is_refused_without_earlier_runs(earlier):
    partial = cut(curve("100M", "wsd"), 0.6)
    with pytest.raises(RefusedByData, match="has not fallen yet"):
        ending(partial)
    assert ending(cut(curve("100M", "cosine"), 0.8)).grounds.startswith("this curve alone")
    assert ending(cut(curve("100M", "constant"), 0.5)).members.keys() == {"power"}
    with pytest.raises(RefusedByData, match="too few"):
        ending(cut(curve("100M", "cosine"), 0.08), earlier)


def test_a_template_is_a_whole_run_of_the_same_shape(earlier):
    target = curve("100M", "wsd").schedule
    assert [c.name for c in templates(target, earlier.models[0])] == ["25M-wsd"]
    assert templates(target, [cut(c, 0.8) for c in earlier.models[0]]) == ()
    far = recipe("wsd:peak=3e-4,end=3e-5,steps=40k,warmup=2k,decay=8k").schedule()
    assert templates(far, earlier.models[0]) == ()


def test_the_model_that_is_nearest_in_loss_speaks(earlier):
    both = EarlierRuns((earlier.models[0], tuple(curve("400M", k) for k in TEXTS)))
    assert both.nearest(cut(curve("25M", "cosine", 5), 0.5)) == 0
    assert both.nearest(cut(curve("400M", "cosine", 5), 0.5)) == 1
    assert "25M" in ending(cut(curve("25M", "cosine", 5), 0.5), both).grounds


def test_another_end_of_the_schedule_is_forecast_from_where_the_run_is(earlier):
    partial = cut(curve("100M", "constant"), 0.5)
    forecast = ending(partial, earlier)
    at = int(partial.steps[-1])
    now = recipe(f"wsd:peak=3e-4,end=3e-5,steps={at + 1600},warmup=400,decay=1600").schedule()
    longer = recipe("constant:peak=3e-4,steps=9600,warmup=400").schedule()
    assert forecast.elsewhere(longer) < forecast.value
    truth = PUBLISHED["multi-power/luo2025-100M"].law
    expected = truth(ScheduleHistory(now, np.array([now.steps])))[0]
    assert forecast.elsewhere(now) == pytest.approx(expected, rel=0.01)
