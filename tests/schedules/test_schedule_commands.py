"""schedule fit and schedule predict: curves in; laws, their judges, forecasts and refusals out."""

from __future__ import annotations

import json
import shlex

import numpy as np
import pytest

from isoflop import cli
from isoflop.schedules import sample_curves

TO = "cosine:peak=3e-4,end=3e-5,steps=9k,warmup=400"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return a folder that holds the sample's curves as files, one each, and all in one."""
    monkeypatch.chdir(tmp_path)
    head, rows = "iteration,learning_rate,val_loss", []
    for c in sample_curves():
        mine = [f"{s},{c.schedule.rates[s]},{x:.4f}" for s, x in zip(c.steps, c.loss, strict=True)]
        (tmp_path / f"{c.name}.csv").write_text("\n".join([head, *mine]))
        rows += [f"{c.name},{row}" for row in mine]
    (tmp_path / "all.csv").write_text("\n".join([f"run,{head}", *rows]))
    return tmp_path


def answer(capsys, line: str) -> dict:
    code, (out, err) = cli.main([*shlex.split(line), "--json"]), capsys.readouterr()
    assert code == 0, err
    return json.loads(out)


def test_one_file_or_several_are_the_same_curves(capsys):
    of = "--warmup 400 --draws 0 --hold-out wsd --law annealing"
    one = answer(capsys, f"schedule fit all.csv {of}")
    several = answer(capsys, f"schedule fit constant.csv cosine.csv wsd.csv {of}")
    assert one == several
    assert one["judged"][0]["r2"] > 0.999
    assert one["laws"]["annealing"]["parameters"]["L0"] == pytest.approx(2.78, abs=0.02)


def test_each_decay_judges_in_turn_unless_one_is_named(capsys):
    made = answer(capsys, "schedule fit sample:schedules --draws 0 --law annealing --law power")
    assert {(j["law"], j["curve"]) for j in made["judged"]} == {
        (law, curve) for law in ("annealing", "power") for curve in ("cosine", "wsd")
    }


def test_a_schedule_is_predicted_from_text_or_from_a_table(capsys, folder):
    rates = 3e-5 + 1.35e-4 * (1 + np.cos(np.pi * np.arange(0, 8601, 100) / 8600))
    rows = [f"{s},{r}" for s, r in zip(range(400, 9001, 100), rates, strict=True)]
    (folder / "plan.csv").write_text("\n".join(["step,lr", *rows]))
    line = f"schedule predict sample:schedules --warmup 400 --draws 40 --to {TO} --to plan.csv"
    text, table = answer(capsys, f"{line} --law annealing")["predicted"]
    assert text["steps"][-1] == table["steps"][-1] == 9000
    assert text["loss"][-1] == pytest.approx(table["loss"][-1], abs=1e-3)
    assert text["low"][-1] < text["loss"][-1] < text["high"][-1]


def test_a_decay_left_open_is_that_of_the_first_law(capsys):
    to = "wsd:peak=3e-4,end=3e-5,steps=9k,warmup=400,decay=best"
    made = answer(capsys, f"schedule predict sample:schedules --draws 0 --to {to}")
    first, second = made["decays"]
    assert 300 < first["best"] < 5000
    assert first["good"][0] <= first["best"] <= first["good"][1]
    assert second["best"] != first["best"], "laws may differ, and both are shown"
    assert all("low" not in said for said in made["predicted"])


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("fit", 2, "give one loss curve or more"),
        ("fit nowhere.csv", 2, "nowhere.csv"),
        ("fit sample:schedule", 2, "did you mean 'schedules'"),
        ("fit constant.csv --warmup 400", 1, "never falls in constant, so nothing tells"),
        ("fit all.csv", 2, "say --warmup STEPS"),
        ("fit sample:schedules --hold-out wds", 2, "did you mean 'wsd'"),
        ("fit sample:schedules --law tissue", 2, "no law of schedules called 'tissue'"),
        ("fit sample:schedules --draws 3", 2, "an interval needs 20"),
        ("fit sample:schedules --columns lr=rate", 2, "--columns names the columns of tables"),
        ("fit sample:schedules --level 90", 2, "between 0 and 1"),
        ("fit sample:schedules sample:schedules", 2, "two curves are called 'constant'"),
        ("predict sample:schedules", 2, "say --to SCHEDULE"),
        (f"predict sample:schedules --to {TO} --to {TO}", 2, "say each schedule once"),
        ("predict sample:schedules --to cosin:peak=1", 2, "did you mean 'cosine'"),
        ("predict sample:schedules --to plan.csv", 2, "plan.csv"),
        ("predict sample:schedules --to cosine", 2, "does not say peak, end, steps, warmup"),
        (f"predict sample:schedules --law power --to wsd{TO[6:]},decay=best", 2, "blind"),
    ],
)
def test_a_mistake_is_one_line_that_says_what_to_do(capsys, line, code, says):
    assert cli.main(["schedule", *shlex.split(line)]) == code
    out, err = capsys.readouterr()
    assert not out
    assert says in " ".join(err.split())
    assert "Traceback" not in err


def test_a_constant_rate_alone_still_has_its_power_law(capsys):
    assert cli.main(shlex.split("schedule fit constant.csv --warmup 400 --law power")) == 0
    assert "no curve judges the laws" in " ".join(capsys.readouterr().out.split())


def test_a_forecast_beyond_the_curves_is_doubted(capsys):
    to = TO.replace("9k", "41k")  # its first fifth, which is not drawn, is all that was run
    code = cli.main(shlex.split(f"schedule predict sample:schedules --draws 0 --to {to}"))
    out = " ".join(capsys.readouterr().out.split())
    assert code == 0
    assert "Doubt: cosine 41k reaches" in out
    assert "extrapolation" in out
