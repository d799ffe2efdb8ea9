"""A run under way: nothing is counted twice, healthy runs are let be, spoilt ones are told."""

from __future__ import annotations

import io
import json
import re
import resource
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

import isoflop as iso
from isoflop import cli
from isoflop.errors import BadRuns, RefusedByData, UsageError
from isoflop.monitor import live
from isoflop.monitor.live.curve import MOST, GrowingCurve
from isoflop.monitor.live.evidence import off_rate, shock
from isoflop.monitor.live.tail import follower

TEXT = "cosine:peak=1e-3,end=1e-4,steps=1000,warmup=50"
PLAN = live.RunPlan(live.planned_schedule(TEXT))


def healthy(seed: int = 0, steps: int = 1000, every: int = 10) -> list[dict]:
    """Return the records of a run whose evaluations wander (AR .8) about a falling curve."""
    rng = np.random.default_rng(seed)
    rates, wander, records = PLAN.schedule.rates, 0.0, []
    for step in range(every, steps + 1, every):
        wander = 0.8 * wander + 0.002 * rng.standard_t(4)
        loss = (2 + 4 * step**-0.4) * np.exp(wander)
        noisy = loss * np.exp(0.02 * rng.standard_normal())
        records.append({"step": step, "lr": float(rates[step]), "loss": noisy, "eval_loss": loss})
    return records


def write(path: Path, records: list[dict], mode: str = "w") -> Path:
    with path.open(mode) as file:
        file.writelines(json.dumps(record) + "\n" for record in records)
    return path


def names(alerts) -> set[str]:
    return {a.name for a in alerts if a.severity == "alert"}


def looked(path: Path, plan: live.RunPlan = PLAN) -> live.Look:
    watcher = live.Watcher(plan)
    for record in follower(path).records():
        watcher.take(record)
    return watcher.look(forecast_too=False)


def test_a_log_is_followed_as_it_grows_and_half_a_line_waits(tmp_path):
    path, records = tmp_path / "log.jsonl", healthy()
    tail, seen = follower(path), []
    text = "".join(json.dumps(r) + "\n" for r in records)
    path.write_text("")
    for begin in range(0, len(text), 97):
        with path.open("a") as file:
            file.write(text[begin : begin + 97])
        seen += [r["step"] for r in tail.records()]
    assert seen == [r["step"] for r in records]


@pytest.mark.parametrize("deed", ["cut and written anew", "rotated", "replaced by the same"])
def test_a_file_that_is_cut_or_rotated_is_counted_once(tmp_path, deed):
    path, records = write(tmp_path / "log.jsonl", healthy()[:60]), healthy()
    looks = live.follow(path, live.RunPlan(), every=0.05)
    first = next(looks)
    if deed == "rotated":  # the old file is moved, and a new one goes on
        path.rename(tmp_path / "log.1")
        write(path, records[60:])
    else:
        if deed == "cut and written anew":
            path.write_text("")
        write(path, records)
    look = next(looks)
    assert (first.step, look.step) == (600, 1000)
    assert look.steps.tolist() == [r["step"] for r in records]
    assert look.losses == pytest.approx([r["eval_loss"] for r in records])
    assert look.alerts == ()


def test_a_log_that_is_gone_for_a_moment_is_waited_for(tmp_path):
    path = write(tmp_path / "log.jsonl", healthy()[:50])
    looks = live.follow(path, live.RunPlan(), every=0.05)
    next(looks)
    path.rename(tmp_path / "log.1")
    assert next(looks).step == 500
    write(path, healthy()[50:])
    assert next(looks).step == 1000


def test_a_restart_replaces_what_it_makes_again(tmp_path):
    before, after = healthy(0)[:70], healthy(1)[40:]
    look = looked(write(tmp_path / "log.jsonl", [*before, *after]))
    assert look.steps.tolist() == [r["step"] for r in healthy()]
    assert look.losses[45] == pytest.approx(after[5]["eval_loss"])
    assert [a.name for a in look.alerts] == ["restart"]
    assert not look.is_alarmed


def test_an_evaluation_that_is_logged_late_is_no_restart(tmp_path):
    records = []
    for r in healthy():
        records.append({"step": r["step"] + 1, "loss": r["loss"]})
        records.append({"step": r["step"], "eval_loss": r["eval_loss"]})
    look = looked(write(tmp_path / "log.jsonl", records), live.RunPlan())
    assert look.alerts == ()
    assert len(look.steps) == 100


def test_memory_stays_constant_over_a_long_watch(tmp_path):
    watcher, rng = live.Watcher(live.RunPlan()), np.random.default_rng(0)
    noise = rng.standard_normal(1000)
    before = None
    for step in range(1, 60_001):
        watcher.take({"step": step, "loss": 2 + step**-0.3 + 0.01 * noise[step % 1000]})
        if step == 20_000:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 5_000  # kB
    assert len(watcher.look().steps) <= MOST
    assert watcher.look().step == 60_000


def test_a_growing_curve_is_the_mean_of_its_neighbours():
    curve = GrowingCurve()
    for step in range(1, 2 * MOST + 1):
        curve.add(step, float(step))
    assert curve.merged == 4
    assert curve.values == pytest.approx(curve.steps)
    curve.take_back(101)
    assert curve.steps.max() < 101
    assert curve.last <= 100


def spoil(records: list[dict], fault: str) -> list[dict]:
    for r in records[40:]:
        match fault:
            case "not a number":
                r["loss"] = float("nan")
            case "divergence":
                r["loss"] *= 1.8
            case "data":
                r["eval_loss"] *= 1.06
            case "rate":
                r["lr"] *= 4
    return records


@pytest.mark.parametrize(
    ("fault", "name"),
    [("not a number", "not a number"), ("divergence", "divergence"), ("data", "shock"),
     ("rate", "rate")],
)  # fmt: skip
def test_what_spoils_a_run_is_told_within_a_few_evaluations(tmp_path, fault, name):
    path = write(tmp_path / "log.jsonl", spoil(healthy(3), fault))
    past = live.replay(path, PLAN, forecasts=0)
    assert name in {alert.name for _, alert in past.first}
    assert 400 < past.stopped <= 450
    assert past.saved == pytest.approx(1 - past.stopped / 1000)


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_rate_that_is_logged_a_step_early_or_late_is_as_planned(shift):
    plan = live.planned_schedule("linear:peak=1e-3,end=1e-9,steps=100,warmup=10")
    steps = np.arange(11.0, 100)
    rates = plan.rates[(steps + shift).astype(int)]
    assert off_rate(steps, rates, plan) is None
    assert off_rate(steps, 4 * rates, plan) is not None


def test_healthy_runs_are_seldom_alarmed(tmp_path):
    alarmed = 0
    for seed in range(40):
        path = write(tmp_path / "log.jsonl", healthy(seed + 100))
        alarmed += looked(path).is_alarmed  # tests scan all evaluations so far
    assert alarmed <= 4  # benchmarks/bench_watch.py measures it on thousands


def test_a_level_is_compared_with_repeats_if_there_are_enough(tmp_path):
    repeats = [write(tmp_path / f"like{k}.jsonl", healthy(k)) for k in range(5)]
    curves = tuple(c for p in repeats for c in live.logged_curves(str(p)))
    assert curves[0].schedule.rates[500] == pytest.approx(PLAN.schedule.rates[500], rel=0.01)
    off = healthy(9)
    for r in off:
        r["eval_loss"] *= 1.05
    path = write(tmp_path / "log.jsonl", off)
    plan = live.RunPlan(PLAN.schedule, replicates=curves)
    look = looked(path, plan)
    assert look.level_sigma > 4
    assert "level" in names(look.alerts)
    few = looked(path, live.RunPlan(PLAN.schedule, replicates=curves[:3]))
    assert np.isnan(few.level_sigma)
    assert not few.is_alarmed


def test_a_register_says_what_is_expected(tmp_path):
    fit = iso.fit("chinchilla", iso.read("sample:tiny"), draws=60)
    entry = iso.register(fit, tmp_path / "r.jsonl", name="big", N=1e5, D=4e5)
    forecast = entry.forecast()
    schedule = live.planned_schedule("wsd:peak=6e-3,end=6e-4,steps=400,warmup=60,decay=80")
    earlier = live.earlier_runs(("sample:live-ladder",))
    plan = live.RunPlan(schedule, earlier, target=2.0).against(forecast)
    look = live.watch("sample:live-run", plan)
    z = np.log(look.forecast.value / forecast.value) / np.hypot(look.forecast.sd, plan.expected_sd)
    assert look.sigma == pytest.approx(z)
    assert look.standing == "on track"
    assert 0 < look.reaches < 0.5  # forecast at 2.06
    assert look.forecast.interval(0.9).low < 2.0464 < look.forecast.interval(0.9).high
    ends = {o.name: o.loss for o in look.outcomes}
    assert ends["20% longer"] < ends["as planned"] < ends["decay now"] < ends["stop now"]
    tight = live.RunPlan(schedule, earlier, expected=1.5, expected_sd=0.01, expected_by="a guess")
    worse = live.watch("sample:live-run", tight)
    assert (worse.standing, names(worse.alerts)) == ("worse", {"forecast"})


def test_what_cannot_be_watched_is_refused(tmp_path):
    with pytest.raises(BadRuns):
        live.watch(tmp_path / "nothing.jsonl")
    odd = write(tmp_path / "odd.jsonl", [{"epoch": 1, "score": 2.0}])
    with pytest.raises(UsageError, match="no step known by name"):
        live.watch(odd)
    csv = tmp_path / "runs.csv"
    csv.write_text("step,a - loss,b - loss,c - loss\n1,2,3,4\n2,2,3,4\n")
    with pytest.raises(RefusedByData, match="3 runs"):
        live.watch(csv)
    with pytest.raises(UsageError, match="decay open"):
        live.planned_schedule("wsd:peak=1e-3,end=1e-4,steps=1000,warmup=50,decay=best")
    with pytest.raises(UsageError, match="--every"):
        live.seconds("soon")


def test_other_logs_are_read_too(tmp_path):
    records = healthy()
    state = tmp_path / "trainer_state.json"
    state.write_text(json.dumps({"log_history": [
        {"step": r["step"], "learning_rate": r["lr"], "loss": r["loss"]} for r in records
    ]}))  # fmt: skip
    table = tmp_path / "log.csv"
    table.write_text("step,lr,val_loss\n" + "".join(
        f"{r['step']},{r['lr']},{r['eval_loss']}\n" for r in records))  # fmt: skip
    assert looked(state).losses == pytest.approx([r["loss"] for r in records])
    assert looked(table).losses == pytest.approx([r["eval_loss"] for r in records])


def test_evidence_of_a_shock_grows_only_upwards():
    steps = np.arange(1.0, 101)
    curve = 0.01 * np.random.default_rng(0).standard_normal(100)
    down, up = curve.copy(), curve.copy()
    down[50:] -= 0.5
    up[50:] += 0.5
    assert shock(steps, curve, 100) is None
    assert shock(steps, down, 100) is None
    assert 51 <= shock(steps, up, 100).step <= 53


@pytest.fixture
def listener() -> Iterator[tuple[str, list]]:
    heard: list = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self):
            heard.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *args):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", heard
    server.shutdown()
    server.server_close()


def test_the_command_has_an_exit_code_json_and_a_webhook(tmp_path, capsys, listener):
    address, heard = listener
    path = write(tmp_path / "log.jsonl", spoil(healthy(3), "divergence"))
    code = cli.main(["watch", str(path), "--once", "--json", "--webhook", address])
    answer = json.loads(capsys.readouterr().out)
    assert (code, answer["alarmed"]) == (4, True)
    assert "divergence" in {a["name"] for a in answer["alerts"]}
    assert len(heard) == 1
    assert "diverges" in heard[0]["text"]
    fine = write(tmp_path / "fine.jsonl", healthy(3))
    assert cli.main(["watch", str(fine), "--once", "--json", "--schedule", TEXT]) == 0
    capsys.readouterr()
    assert cli.main(["watch", str(path), "--replay", "--json"]) == 4
    assert json.loads(capsys.readouterr().out)["saved"] > 0.5
    assert cli.main(["watch", str(fine), "--once", "--webhook", "ftp://x"]) == 0
    capsys.readouterr()
    assert cli.main(["watch", str(path), "--once", "--webhook", "ftp://x"]) == 2
    assert "no address" in capsys.readouterr().err


def test_a_new_alert_is_shown_on_the_desktop_once(tmp_path, monkeypatch):
    from isoflop.pages import live_page

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    path = write(tmp_path / "log.jsonl", spoil(healthy(3), "divergence"))
    monkeypatch.setattr("sys.stderr", terminal := Terminal())
    shown: set[str] = set()
    for _ in range(2):
        live_page._notify("a\x1b]log", live.watch(path), shown)
    assert terminal.getvalue().count("\x1b]9;isoflop: a?]log: divergence") == 1
    monkeypatch.setattr("sys.stderr", plain := io.StringIO())
    live_page._notify("log", live.watch(path), set())
    assert plain.getvalue() == ""


def test_the_command_follows_a_run_to_its_end(tmp_path, capsys):
    path, records = write(tmp_path / "log.jsonl", healthy()[:50]), healthy()

    def go_on() -> None:
        for r in records[50:]:
            write(path, [r], "a")

    writer = threading.Timer(0.5, go_on)
    writer.start()
    code = cli.main(["watch", str(path), "--every", "0.1", "--schedule", TEXT])
    writer.join()
    out, err = capsys.readouterr()
    assert code == 0
    assert re.search(r"step 500, eval_loss", err)
    assert "step 1,000, eval_loss" in out
