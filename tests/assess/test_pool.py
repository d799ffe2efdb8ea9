"""A pool answers everywhere that a fit does, and says how sure it is of the choice of its laws."""

from __future__ import annotations

import functools
import json
import time
from pathlib import Path

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

import isoflop as iso
from isoflop.assess import Pool, again, best, load, pool
from isoflop.cli import main
from isoflop.errors import BadStudy, RefusedByData
from isoflop.plan import reach, serve, spend, wall
from isoflop.plan.design.greedy import design
from isoflop.plan.design.greedy import grid as candidates
from isoflop.plan.design.uncertainty import Target
from isoflop.runs import Runs

RUNS = made_by(TRUTH, grid(sizes=8), noise=5e-3)
LAWS = ["chinchilla", "generalised", "kaplan-joint"]
FAR = {"N": 7e10, "D": 1.4e12}


@functools.cache
def made() -> Pool:
    return pool(RUNS, LAWS, objectives=["huber"], draws=200)


def test_a_pool_is_made_in_one_call_and_comes_back_from_its_file(tmp_path):
    assert made().status == "ok"
    assert max(made().members, key=lambda m: m.weight).candidate.law == "chinchilla"
    made().save(tmp_path / "pool.json")
    again_ = Pool.load(tmp_path / "pool.json")
    began = time.perf_counter()
    said = iso.forecast(again_, **FAR)
    print(f"forecast of a loaded pool: {time.perf_counter() - began:.3f} s")
    kept = iso.forecast(made(), **FAR)
    assert (said.value, said.low, said.high) == (kept.value, kept.low, kept.high)
    assert again_.recipe == made().recipe
    assert "choice" in said.parts
    with pytest.raises(BadStudy, match="holds a pool"):
        iso.Fit.load(tmp_path / "pool.json")
    text = (tmp_path / "pool.json").read_text()
    (tmp_path / "pool.json").write_text(text.replace('"weight": 0.', '"weight": 0.1', 1))
    with pytest.raises(BadStudy, match="changed"):
        load(tmp_path / "pool.json")


def test_a_pool_plans_and_is_as_sure_as_its_forecast():
    plan = spend(made(), 1e23)
    there = iso.forecast(made(), N=plan.N.value, D=plan.D.value)
    assert plan.L.value == pytest.approx(there.value)
    assert (plan.L.low, plan.L.high) == (there.low, there.high)
    one = spend(made().members[0].fit, 1e23)
    # The laws put the optimum elsewhere, and N says so.
    assert plan.N.low < plan.N.value < plan.N.high
    assert plan.N.high / plan.N.low > one.N.high / one.N.low


def test_every_verb_that_takes_a_fit_takes_a_pool():
    cheap = reach(made(), 2.2)
    assert cheap.C.low < cheap.C.value < cheap.C.high
    served = serve(made(), N=7e10, serving=2e12)
    assert served.plan.N.value < served.N.value
    assert wall(made(), draws=200).quantiles[2] == 0.5
    chosen = design([made()], Target(**FAR), candidates((1e8, 1e9), (1e9, 1e10), 4), count=2)
    assert len(chosen.choices) == 2
    more = made_by(TRUTH, grid(sizes=3), noise=5e-3, seed=5)
    newer = again(made(), RUNS + more)
    assert newer.recipe == made().recipe
    assert len(newer.runs) == len(RUNS) + len(more)


def test_runs_that_allow_no_backtest_give_a_doubtful_pool_of_usual_weights():
    few = made_by(TRUTH, {k: v[:9] for k, v in grid(sizes=3).items()}, noise=5e-3)
    weak = pool(few, ["chinchilla", "over-training"], objectives=["huber"], draws=50)
    assert weak.status == "doubtful"
    assert weak.form.splits == 0
    assert any(n.topic == "backtest" for n in weak.notes)
    assert len({n.text for n in weak.notes}) == len(weak.notes)


def test_the_best_law_brings_the_error_of_its_form():
    first = best(RUNS, LAWS, draws=50)
    assert first.form.splits > 0
    assert iso.forecast(first, **FAR).form == first.form


def test_a_pool_of_refused_fits_is_refused():
    flat = Runs({"N": np.full(12, 1e8), "D": np.geomspace(1e9, 1e11, 12), "L": np.full(12, 3.0)})
    with pytest.raises(RefusedByData):
        pool(flat, ["chinchilla"], draws=0)


@pytest.mark.parametrize("law", ["chinchilla", "over-training", "kaplan-joint"])
def test_runs_at_one_budget_say_nothing_of_another_by_any_law(law):
    """A public study at one budget: stiff laws gave 119 forecasts elsewhere, and one held."""
    one = made_by(TRUTH, grid(budgets=(6e18,), sizes=24), noise=0.003)
    fit = iso.fit(law, one, draws=20, seed=0)
    with pytest.raises(RefusedByData, match="a single budget"):
        iso.forecast(fit, N=1e9, D=3e10)
    with pytest.raises(RefusedByData, match="a single budget"):
        iso.forecast(pool(one, laws=[law], draws=20, seed=0), N=1e9, D=3e10)


def told(capsys, *words: str) -> dict:
    assert main([*words, "--json"]) in (0, None)
    return json.loads(capsys.readouterr().out)


def test_the_commands_take_a_pool(tmp_path, capsys):
    file, newer = str(tmp_path / "pool.json"), str(tmp_path / "newer.csv")
    made().save(file)
    said = told(capsys, "forecast", file, "--N", "70B", "--D", "1.4T")
    kept = iso.forecast(made(), **FAR)
    assert (said["value"], said["low"]) == (kept.value, kept.low)
    assert told(capsys, "plan", file, "--C", "1e23")["L"]["low"] == spend(made(), 1e23).L.low
    rows = zip(*(RUNS[s][:9] for s in "NDL"), strict=True)
    lines = [f"{N},{D},{L}" for N, D, L in rows]
    Path(newer).write_text("\n".join(["N,D,L", *lines]) + "\n")
    words = ("fit", newer, "--law", "pool", "--draws", "20")
    weak = told(capsys, *words, "--out", str(tmp_path / "few.json"))
    assert weak["status"] == "doubtful"
    assert sum(m["weight"] for m in weak["members"]) == pytest.approx(1)
    assert main([*words, "--fix", "E=1.7"]) == 2
    assert "--law other than pool or best" in capsys.readouterr().err
