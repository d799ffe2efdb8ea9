"""Schedules and loss curves: text and tables in, rates of every step out, or a clear refusal."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import BadRuns, ConventionMismatch, IsoflopError, UsageError, texts
from isoflop.schedules import read_curves, recipe, sample_curves, together
from isoflop.schedules.curves import read_rates
from isoflop.schedules.rates import SHAPES

WSD = "wsd:peak=3e-4,end=3e-5,steps=24k,warmup=2k,decay=4k,shape={}"


@pytest.mark.parametrize(
    ("text", "at", "rate"),
    [
        ("constant:peak=3e-4,steps=100,warmup=10", 100, 3e-4),
        ("constant:peak=3e-4,steps=100,warmup=10", 5, 1.5e-4),
        ("cosine:peak=3e-4,end=3e-5,steps=100,warmup=0", 50, 1.65e-4),
        ("linear:peak=3e-4,end=1e-4,steps=100,warmup=0", 75, 1.5e-4),
        ("drop:peak=3e-4,end=1e-4,steps=100,warmup=0,at=60", 59, 3e-4),
        ("drop:peak=3e-4,end=1e-4,steps=100,warmup=0,at=60", 60, 1e-4),
        (WSD.format("linear"), 20_000, 3e-4),
        (WSD.format("linear"), 22_000, 1.65e-4),
        (WSD.format("exponential"), 22_000, 3e-4 * 0.1**0.5),
        (WSD.format("1-sqrt"), 21_000, 1.65e-4),
        (WSD.format("cosine"), 24_000, 3e-5),
    ],
)
def test_text_is_a_schedule(text, at, rate):
    assert recipe(text).schedule().rates[at] == pytest.approx(rate)


@given(
    st.sampled_from(["cosine", "linear", "wsd", "drop"]),
    st.integers(0, 500), st.integers(600, 5000), st.integers(1, 90), st.sampled_from(list(SHAPES)),
)  # fmt: skip
def test_a_recipe_reads_what_it_writes(kind, warmup, steps, fall, shape):
    text = f"{kind}:peak=3e-4,end=3e-5,steps={steps},warmup={warmup}"
    text += {"wsd": f",decay={fall},shape={shape}", "drop": f",at={steps - fall}"}.get(kind, "")
    made = recipe(text)
    assert recipe(str(made)) == made
    rates = made.schedule().rates
    assert rates.size == steps + 1
    assert (np.diff(rates[warmup:]) <= 0).all()


@given(st.text(st.sampled_from("wsdcosine:peak=3e-4,end steps0warmupbest-"), max_size=60))
def test_no_text_is_a_traceback(text):
    with contextlib.suppress(IsoflopError):
        assert recipe(text).schedule().rates.size > 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("cosin:peak=1", "did you mean 'cosine'"),
        ("cosine:peak=3e-4,steps=100,warmup=10", "does not say end"),
        ("cosine:peak=3e-4,end=3e-5,steps=100,warmup=100", "more than that"),
        ("cosine:peak=3e-5,end=3e-4,steps=100,warmup=10", "ends above its peak"),
        ("cosine:peak=3e-4,end=0,steps=100,warmup=10", "above zero"),
        ("cosine:peak=3e-4,end=3e-5,steps=100.5,warmup=10", "whole number"),
        ("constant:peak=3e-4,steps=1e12,warmup=10", "at most 20,000,000"),
        ("cosine", "does not say peak, end, steps, warmup"),
        ("wsd:peak=3e-4,end=3e-5,steps=100,warmup=10,decay=95", "falls over 95"),
        ("wsd:peak=3e-4,end=3e-5,steps=100,warmup=10,decay=9,shape=lin", "did you mean 'linear'"),
        ("constant:peak=3e-4,peak=2e-4,steps=100,warmup=10", "says peak twice"),
        ("constant:peak", "NAME=VALUE"),
        ("constant:end=1,peak=1,steps=1,warmup=0", "no part of schedule"),
    ],
)
def test_a_text_that_is_no_schedule_is_refused(text, says):
    with pytest.raises(UsageError, match=says):
        recipe(text)


def table(tmp_path, rows, head="step,lr,loss"):
    path = tmp_path / "run.csv"
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


LATE = [f"{s},3e-4,{4 - s / 1e4}" for s in range(2100, 4100, 100)]
EARLY = [f"{s},{3e-4 * min(1, s / 400)},{4 - s / 1e4}" for s in range(100, 2100, 100)]


def test_a_warm_up_that_the_table_leaves_out_must_be_told(tmp_path):
    path = table(tmp_path, LATE)
    with pytest.raises(UsageError, match=r"begins at step 2,100; nothing says .* --warmup STEPS"):
        read_curves(path)
    (told,) = read_curves(path, warmup=2000)
    assert told.schedule.rates[[0, 1000, 2000, 2050, 4000]] == pytest.approx(
        [0, 1.5e-4, 3e-4, 3e-4, 3e-4]
    )
    (none,) = read_curves(path, warmup=0)
    assert none.schedule.rates == pytest.approx(3e-4)


def test_a_warm_up_that_the_table_shows_is_left_out_of_the_fit(tmp_path):
    (curve,) = read_curves(table(tmp_path, EARLY))
    assert curve.schedule.warmup == 400
    assert curve.steps[0] == 400
    assert "of warm-up, are left out: 3" in curve.notes[0].text
    assert curve.schedule.rates[50] == pytest.approx(3e-4 / 8)


def test_losses_and_rates_may_stand_in_rows_of_their_own(tmp_path):
    rows = [f"{s},{3e-4 - s / 1e8},,{5 - s / 1e4}" for s in range(50, 2050, 100)]
    rows += [f"{s},,{4 - s / 1e4}," for s in range(100, 2200, 100)]
    rows.sort(key=lambda row: int(row.split(",")[0]))
    path = table(tmp_path, rows, "_step,train/lr,eval/loss,train/loss")
    (curve,) = read_curves(path, warmup=0)
    assert curve.steps.tolist() == list(range(100, 2000, 100))
    assert curve.loss == pytest.approx(4 - curve.steps / 1e4)
    assert curve.schedule.rates[curve.steps] == pytest.approx(3e-4 - curve.steps / 1e8)
    assert "the loss is eval/loss; --columns loss=COLUMN takes another" in curve.notes[0].text
    assert texts(curve.notes[1:]) == [
        "run: losses after the last rate are left out: 2",
        "run: rows without a loss tell the rate alone: 20",
        "run: rows without a rate take one from a line between their neighbours: 19",
    ]
    (train,) = read_curves(path, warmup=0, columns={"loss": "train/loss"})
    assert train.loss == pytest.approx(5 - train.steps / 1e4)
    with pytest.raises(BadRuns, match="no row of curve 'run' holds a rate"):
        read_curves(table(tmp_path, [f"{s},,3" for s in range(20)]), warmup=0)


def test_rates_between_rows_lie_on_a_line(tmp_path):
    rows = [*EARLY[:-1], "2000,1e-4,3.8"]
    (curve,) = read_curves(table(tmp_path, rows))
    assert curve.schedule.rates[1950] == pytest.approx(2e-4)
    only_rates = table(tmp_path, [row.rpartition(",")[0] for row in rows], "step,lr")
    assert read_rates(only_rates).rates == pytest.approx(curve.schedule.rates)


@pytest.mark.parametrize(
    ("bad", "error", "says"),
    [
        (",3e-4,3.7", BadRuns, "step is missing or no finite number in row 22"),
        ("2100,fast,3.7", BadRuns, "lr is missing or no finite number in row 22"),
        ("2100,3e-4,nan", BadRuns, "loss is missing or no finite number in row 22"),
        ("2100,3e-4,inf", BadRuns, "row 22"),
        ("2100,0,3.7", BadRuns, "lr is 0 in row 22; .* leave out a last row"),
        ("2100,-1e-4,3.7", BadRuns, "lr is -0.0001 in row 22"),
        ("2100,3e-4,-1", BadRuns, "loss is -1 in row 22"),
        ("2100.5,3e-4,3.7", BadRuns, "step is 2100.5 in row 22"),
        ("1900,3e-4,3.7", BadRuns, "do not rise in row 22"),
        ("3e12,3e-4,3.7", BadRuns, "most likely tokens"),
    ],
)
def test_a_table_that_holds_no_curve_is_refused(tmp_path, bad, error, says):
    with pytest.raises(error, match=says):
        read_curves(table(tmp_path, [*EARLY, bad]))


def test_too_few_points_and_missing_columns_are_refused(tmp_path):
    with pytest.raises(BadRuns, match="has 4 points after a warm-up"):
        read_curves(table(tmp_path, EARLY[:7]))
    with pytest.raises(UsageError, match="nothing says how the rate rose"):
        read_curves(table(tmp_path, EARLY[:1]))
    with pytest.raises(BadRuns, match="no column lr; name it"):
        read_curves(table(tmp_path, EARLY, "step,rate,loss"))
    assert read_curves(table(tmp_path, EARLY, "step,rate,loss"), columns={"lr": "rate"})


def test_rates_in_two_units_are_not_mixed(tmp_path):
    constant, *_ = sample_curves()
    rows = [f"{s},{100 * constant.schedule.rates[s]},3" for s in range(50, 8001, 50)]
    (percent,) = read_curves(table(tmp_path, rows))
    with pytest.raises(ConventionMismatch, match=r"run peaks at a rate of 0.03 and constant at"):
        together([constant, percent])


def test_a_warm_up_in_which_the_rate_falls_is_refused(tmp_path):
    rows = [*EARLY[:-1], "2000,1e-4,3.8"]
    with pytest.raises(UsageError, match="--warmup is 2,000, and the rate of 'run' falls before"):
        read_curves(table(tmp_path, rows), warmup=2000)
    with pytest.raises(BadRuns, match="still warming up: that takes 9,000 steps; say a shorter"):
        read_curves(table(tmp_path, EARLY), warmup=9000)


def test_models_are_not_mixed(tmp_path):
    rows = [f"{row},a,25M" for row in EARLY] + [f"{row},b,100M" for row in EARLY]
    with pytest.raises(ConventionMismatch, match="mixes models: size is 100M, 25M"):
        read_curves(table(tmp_path, rows, "step,lr,loss,curve,size"))
    one = sample_curves()
    (other,) = read_curves(table(tmp_path, EARLY))
    with pytest.raises(ConventionMismatch, match=r"differ by .* there: other sizes"):
        together([*one, other])
    with pytest.raises(BadRuns, match="two curves are called"):
        together([*one, *one])
    assert together(one) == one


def test_a_log_of_every_step_is_averaged(tmp_path):
    rows = [f"{s},3e-4,{3 + 1000 / (s + 1000) + 0.1 * (-1) ** s}" for s in range(1, 6001)]
    (curve,) = read_curves(table(tmp_path, rows))
    assert curve.steps.size == curve.loss.size == 600
    assert "6,000 points are averaged to 600" in curve.notes[0].text
    assert curve.loss == pytest.approx(3 + 1000 / (curve.steps + 1000), abs=1e-3)
    assert curve.schedule.rates.size == 6001
