"""Fits of schedule laws return the truth, say what they cannot know, and forecast other curves."""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.errors import CannotFit, UnknownName, UsageError, texts
from isoflop.schedules import (
    PUBLISHED,
    Annealing,
    AreaPower,
    Decays,
    LossCurve,
    Schedule,
    ScheduleHistory,
    ahead,
    best_decay,
    each_held_out,
    fit,
    grouped,
    held_out,
    read_curves,
    recipe,
    sample_curves,
    simulated,
)
from isoflop.schedules.forms import CHOICES

BUDGET = "steps=6000,warmup=300"
TEXTS = {
    "constant": f"constant:peak=3e-4,{BUDGET}",
    "cosine": f"cosine:peak=3e-4,end=3e-5,{BUDGET}",
    "drop": f"drop:peak=3e-4,end=1e-4,{BUDGET},at=3000",
}
TRUTHS = {
    "power": AreaPower(L0=2.7, A=0.6, alpha=0.45),
    "annealing": Annealing(L0=2.7, A=0.6, alpha=0.45, C=0.9, memory=0.995),
    "multi-power-free": PUBLISHED["multi-power/luo2025-100M"].law,
    "multi-power": CHOICES["multi-power"].kind(
        L0=2.7, A=0.6, alpha=0.45, B=430.0, **CHOICES["multi-power"].fixed
    ),
}


def curves(law, noise=0.0, names=tuple(TEXTS)):
    return tuple(
        simulated(law, recipe(TEXTS[name]).schedule(name), 60, noise, seed)
        for seed, name in enumerate(names)
    )


@pytest.mark.parametrize("key", ["power", "annealing", "multi-power"])
def test_curves_of_a_law_return_it(key):
    found = fit(key, curves(TRUTHS[key]))
    for name in found.choice.free:
        assert getattr(found.law, name) == pytest.approx(getattr(TRUTHS[key], name), rel=2e-3)
    assert found.agree >= 2
    assert not found.notes


def test_seven_free_parameters_return_the_losses_if_not_the_law():
    truth = TRUTHS["multi-power-free"]
    found = fit("multi-power-free", curves(truth))
    assert np.abs(found.residuals()).max() < 5e-5
    other = recipe(f"wsd:peak=3e-4,end=3e-5,{BUDGET},decay=1000").schedule()
    steps = np.arange(400, 6001, 200)
    assert ahead(found, other, steps=steps).loss == pytest.approx(
        truth(ScheduleHistory(other, steps)), abs=1e-3
    )


def test_a_fit_is_the_same_twice_and_its_intervals_grow_with_noise():
    few = ("constant", "cosine")
    widths = []
    for noise in (0.001, 0.004):
        seen = curves(TRUTHS["annealing"], noise, few)
        found = fit("annealing", seen, draws=30, seed=3)
        low, high = found.interval("C", 0.9)
        widths.append(high - low)
        assert low < TRUTHS["annealing"].C < high
    assert widths[1] > 2 * widths[0]
    again = fit("annealing", seen, draws=30, seed=3)
    assert (found.law, found.draws) == (again.law, again.draws)


def test_a_constant_curve_cannot_tell_what_a_fall_is_worth():
    flat = curves(TRUTHS["annealing"], 0.001, ("constant",))
    for key in ("annealing", "multi-power", "multi-power-free"):
        with pytest.raises(CannotFit, match="never falls in constant"):
            fit(key, flat)
    assert fit("power", flat).law.alpha == pytest.approx(0.45, abs=0.02)
    with pytest.raises(CannotFit, match="no curve is left"):
        fit("power", ())
    with pytest.raises(UnknownName, match="did you mean 'annealing'"):
        fit("anealing", flat)


def test_decays_alone_are_doubted():
    found = fit("annealing", curves(TRUTHS["annealing"], 0.001, ("cosine", "drop")))
    assert "every curve ends in a decay" in found.notes[0].text


def test_spikes_are_doubted_and_move_a_law_little():
    rng, truth = np.random.default_rng(0), TRUTHS["annealing"]
    spiky = [
        _with(c, c.loss * np.where(rng.random(c.loss.size) < 0.03, 2.0, 1.0))
        for c in curves(truth, 0.001)
    ]
    found = fit("annealing", spiky)
    assert found.law.alpha == pytest.approx(truth.alpha, abs=0.01)
    assert "spikes" in found.notes[0].text


def test_noise_rises_and_another_optimiser_are_said():
    smooth = curves(TRUTHS["power"])
    rng = np.random.default_rng(0)
    noisy = [_with(c, c.loss * rng.lognormal(0, 0.1, c.loss.size)) for c in smooth]
    assert "misses the curves that it was fitted to" in fit("power", noisy).notes[0].text
    with pytest.raises(CannotFit, match="they do not fall with the area"):
        fit("power", [_with(c, c.loss[::-1]) for c in smooth])
    again = recipe(TEXTS["cosine"]).schedule("again")
    cycle = np.where(np.arange(6001) < 4000, again.rates, again.rates[2000:2001])
    twice = simulated(TRUTHS["annealing"], Schedule("cycle", cycle, 300), 60, 0.001, 0)
    assert "rises again after warm-up in cycle" in " ".join(
        texts(fit("annealing", [curves(TRUTHS["annealing"])[0], twice]).notes)
    )
    hot = recipe("cosine:peak=0.02,end=0.002,steps=6000,warmup=300").schedule("hot")
    flat = recipe("constant:peak=0.02,steps=6000,warmup=300").schedule("flat")
    law = Annealing(L0=2.7, A=2.0, alpha=0.45, C=0.02, memory=0.995)
    seen = [simulated(law, s, 60, 0.002, 0) for s in (hot, flat)]
    assert "published for Adam at a peak of 0.0003" in fit("multi-power", seen).notes[0].text
    assert not fit("annealing", seen).notes


def _with(curve, loss):
    return LossCurve(curve.name, curve.schedule, curve.steps, loss)


def test_what_lies_beyond_the_curves_is_said():
    found = fit("annealing", curves(TRUTHS["annealing"], 0.001), draws=40)
    inside = ahead(found, recipe(TEXTS["cosine"]).schedule())
    longer = ahead(found, recipe("constant:peak=3e-4,steps=24k,warmup=300").schedule())
    higher = ahead(found, recipe(f"constant:peak=6e-4,{BUDGET}").schedule())
    early = ahead(found, recipe("constant:peak=3e-4,steps=20,warmup=3").schedule())
    assert "ends at step 20, before the first loss that was fitted" in early.notes[0].text
    assert not inside.notes
    again = ahead(found, found.curves[1].schedule, steps=found.curves[1].steps)
    assert again.loss == pytest.approx(found.law(grouped(again.schedule, again.steps)), abs=1e-4)
    assert "4.1 times the area" in longer.notes[0].text
    assert "peaks at 0.0006" in higher.notes[0].text
    assert np.ptp(longer.end) > 2 * np.ptp(ahead(found, recipe(TEXTS["constant"]).schedule()).end)


def test_each_decay_is_judged_by_the_others():
    judged = each_held_out(("annealing", "power"), curves(TRUTHS["annealing"], 0.001))
    assert {(h.key, h.curve.name) for h in judged} == {
        (key, name) for key in ("annealing", "power") for name in ("cosine", "drop")
    }
    mae = {key: np.mean([h.mae for h in judged if h.key == key]) for key in ("annealing", "power")}
    assert mae["annealing"] < 0.003 < 0.01 < mae["power"]
    assert not each_held_out(("annealing",), curves(TRUTHS["annealing"], 0.001)[:2])


def test_the_best_decay_ends_lowest_by_the_law():
    found = fit("annealing", curves(TRUTHS["annealing"]))
    asked = recipe(f"wsd:peak=3e-4,end=3e-5,{BUDGET},decay=best")
    best = best_decay(found, asked)
    last = np.array([6000])
    text = f"wsd:peak=3e-4,end=3e-5,{BUDGET},decay="
    every = [
        found.law(ScheduleHistory(recipe(f"{text}{fall}").schedule(), last))[0]
        for fall in range(25, 5701, 25)
    ]
    assert best.loss.min() == pytest.approx(min(every), abs=2e-5)
    short, long = best.good
    assert short < best.best.fall < long
    assert not best.notes
    endless = Decays(best.key, asked, best.falls, np.linspace(2.9, 3.0, best.falls.size))
    assert (
        "last loss falls up to the end of the lengths tried, a decay of 57" in endless.notes[0].text
    )
    with pytest.raises(UsageError, match="blind to decays"):
        best_decay(fit("power", curves(TRUTHS["power"])), asked)


def test_the_sample_s_truth_lies_in_the_intervals():
    constant, cosine, wsd = sample_curves()
    said = held_out(fit("annealing", (constant, cosine), draws=60), wsd)
    assert said.within > 0.8
    assert said.forecast.end.low < said.curve.loss[-1] < said.forecast.end.high


def test_intervals_hold_on_public_curves_where_refits_alone_would_not(public_data):
    names = ("cosine_24000", "wsd_20000_24000", "wsdld_20000_24000", "wsdcon_3", "wsdcon_18")
    found = {}
    for name in ("constant_24000", *names):
        path = public_data(f"loss_curves_luo2025/100M/{name}.csv")
        (found[name],) = read_curves(path, warmup=2160)
    within, refits = [], []
    for name in ("cosine_24000", "wsdcon_3"):
        made = fit("annealing", (found["constant_24000"], found[name]), draws=40)
        for curve in (found[other] for other in names if other != name):
            within.append(held_out(made, curve).within)
            ends = [law(grouped(curve.schedule, curve.steps))[-1] for law in made.draws]
            refits.append(min(ends) <= curve.loss[-1] <= max(ends))
    assert np.mean(within) > 0.85
    assert np.mean(refits) < 0.5
