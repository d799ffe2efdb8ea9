"""The terminal: what goes where, which exit code says what, and no traceback for a mistake."""

from __future__ import annotations

import errno
import importlib
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from isoflop import cli, commands
from isoflop.commands.registry import Command
from isoflop.errors import MissingExtra
from isoflop.experiments.experiment import Experiment
from isoflop.laws import constants
from isoflop.report import Remark, Report

PROGRAM = [sys.executable, "-m", "isoflop.cli"]
PUBLISHED = "chinchilla/besiroglu2024"
LAW = constants(PUBLISHED).law


def grid(budgets, scale=1.0):
    """Return rows of N, D, L that the published law makes, with a steady half per cent of noise."""
    rng = np.random.default_rng(0)
    rows = []
    for C in budgets:
        for N in np.geomspace(0.1, 10, 8) * np.sqrt(C / 120):
            D = C / 6 / N
            rows.append((N, D, LAW(N=N, D=D) * np.exp(scale * 0.004 * rng.standard_normal())))
    return rows


def write(path: Path, header: str, rows) -> str:
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return str(path)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Return a folder, made the current one, with runs and newer runs that the law made."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "runs.csv", "N,D,L", grid(np.geomspace(1e18, 1e20, 5)))
    write(tmp_path / "new.csv", "N,D,L", grid([1e21]))
    return tmp_path


def run(capsys, *arguments):
    """Return the exit code, stdout and stderr of a call."""
    code = cli.main(list(map(str, arguments)))
    out, err = capsys.readouterr()
    return code, out, err


def answer(capsys, *arguments):
    """Return the JSON document of a call that must succeed, and nothing but it on stdout."""
    code, out, err = run(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def refusal(capsys, *arguments):
    """Return the exit code and the sentence of a call that must fail, in both faces."""
    code, out, err = run(capsys, *arguments)
    assert out == ""
    assert "Traceback" not in err
    _, mark, sentence = err.partition("isoflop: ")
    assert mark, err
    again, document, _ = run(capsys, *arguments, "--json")
    assert again == code
    assert json.loads(document)["error"] == sentence.rstrip("\n")
    return code, sentence


def test_a_fit_is_saved_forecast_planned_and_updated(capsys, here):
    fit = answer(capsys, "fit", "runs.csv", "--law", "chinchilla", "--out", "fit.json")
    assert fit["params"]["alpha"] == pytest.approx(LAW.alpha, rel=0.1)
    low, high = fit["intervals"]["alpha"]
    assert low < fit["params"]["alpha"] < high
    assert fit["runs"] == {"n": 40, "dropped": 0}
    assert fit["objective"]["name"] == "huber"
    assert set(fit) >= {"law", "level", "starts", "status", "notes", "seconds"}

    said = answer(capsys, "forecast", "fit.json", "--N", "1B", "--D", "167B")
    assert said["low"] < said["value"] < said["high"]
    assert said["beyond"] == pytest.approx(10.0, rel=0.01)
    assert said["at"] == {"N": 1e9, "D": 1.67e11}

    plan = answer(capsys, "plan", "fit.json", "--C", "1e21", "--at-most", "D=20B")
    assert plan["D"]["value"] == 20e9
    assert plan["binding"] == ["D <= 20B"]
    assert plan["N"]["value"] * plan["D"]["value"] * 6 == pytest.approx(1e21)
    assert {r["factor"] for r in plan["regret"]} == {0.25, 0.5, 2.0, 4.0}

    reach = answer(capsys, "reach", "fit.json", "--L", plan["L"]["value"])
    assert reach["C"]["value"] < 1e21

    new = answer(capsys, "update", "fit.json", "new.csv", "--out", "newer.json")
    assert len(new["runs"]) == 8
    assert new["covered"] >= 0.6
    assert new["params"]["alpha"]["before"]["value"] == fit["params"]["alpha"]
    again = answer(capsys, "forecast", "newer.json", "--N", "1B", "--D", "167B")
    assert again["value"] != said["value"]
    assert again["beyond"] < said["beyond"]


def test_published_constants_have_no_interval_and_say_so(capsys):
    said = answer(capsys, "forecast", PUBLISHED, "--N", "70B", "--D", "1.4T")
    assert said["value"] == pytest.approx(float(LAW(N=70e9, D=1.4e12)))
    assert (said["low"], said["high"], said["beyond"]) == (None, None, None)
    assert "no draws" in " ".join(said["notes"])


def test_the_caution_of_a_set_is_shown_before_its_numbers(capsys):
    _, out, _ = run(capsys, "plan", "chinchilla/hoffmann2022", "--C", "5.76e23")
    assert out.index("Doubt:") < out.index("value")
    assert "rounded to two digits" in " ".join(out.split())


def test_options_reach_the_fit(capsys, here):
    write(
        here / "odd.csv",
        "size,C,loss",
        [(n / 1e6, 6 * n * d, y) for n, d, y in grid([1e18, 1e19, 1e20])],
    )
    fit = answer(
        capsys, "fit", "odd.csv", "--law", "chinchilla", "--columns", "N=size,L=loss",
        "--derive", "N=N*1e6", "--derive", "D=C/6N", "--where", "C < 5e19",
        "--convention", "N=total", "--unit", "L=nats/token", "--fix", "E=1.8172",
        "--objective", "squared", "--draws", "50", "--level", "0.8", "--seed", "3",
    )  # fmt: skip
    assert fit["params"]["E"] == 1.8172
    assert fit["fixed"] == ["E"]
    assert "E" not in fit["intervals"]
    assert fit["objective"] == {
        "name": "squared",
        "delta": None,
        "value": fit["objective"]["value"],
    }
    assert fit["level"] == 0.8
    assert fit["runs"] == {"n": 16, "dropped": 8}
    assert not any("not stated" in note and "N" in note.split() for note in fit["notes"])


def test_a_law_of_one_open_input_is_bound_by_over(capsys, here):
    rows = [(c, 2 + (1e19 / c) ** 0.2) for c in np.geomspace(1e18, 1e21, 12)]
    write(here / "frontier.csv", "C,L", rows)
    fit = answer(capsys, "fit", "frontier.csv", "--law", "power", "--over", "C", "--draws", "20")
    assert fit["params"]["E"] == pytest.approx(2, rel=1e-3)


def test_an_unstated_convention_is_said(capsys, here):
    fit = answer(capsys, "fit", "runs.csv", "--law", "chinchilla", "--draws", "10")
    assert any("not stated" in note for note in fit["notes"])


FIT = "fit runs.csv --law chinchilla"
FORECAST, PLAN = f"forecast {PUBLISHED}", f"plan {PUBLISHED} --C 1e23"

# Each call is a mistake; the words must be in the one sentence that answers it.
MISTAKES = {
    "no such command": (2, "fti", ["fit"]),
    "no such option": (2, "fit runs.csv --lwa x", ["--lwa", "isoflop fit --help"]),
    "no law named": (2, "fit runs.csv", ["--law"]),
    "unknown law": (2, "fit runs.csv --law chinchila", ["'chinchilla'"]),
    "unknown objective": (2, f"{FIT} --objective hubber", ["huber"]),
    "no such file": (2, "fit none.csv --law chinchilla", ["none.csv"]),
    "no such sample": (2, "runs show sample:nothing", ["nothing"]),
    "an empty name": (2, "fit '' --law chinchilla", ["RUNS is empty"]),
    "an empty option": (2, "fit runs.csv --law ''", ["--law is empty"]),
    "empty file": (2, "fit empty.csv --law chinchilla", ["empty.csv"]),
    "a folder that is no study": (2, "runs show hollow", ["study"]),
    "text in numbers": (2, "fit text.csv --law chinchilla", ["'big'", "row 3"]),
    "zero": (2, "fit zero.csv --law chinchilla", ["N", "row 3"]),
    "a missing number": (2, "fit gap.csv --law chinchilla", ["D", "row 3"]),
    "a misnamed column": (2, "fit misnamed.csv --law chinchilla", ["--columns L=score_loss_x"]),
    "three rows": (1, "fit three.csv --law chinchilla", ["5 free parameters", "3 runs"]),
    "a column that is not there": (2, "fit three.csv --law power --over C", ["--derive C=6N*D"]),
    "an open input": (2, "fit runs.csv --law power", ["over"]),
    "a pin that is no pair": (2, f"{FIT} --fix E", ["--fix", "'E'"]),
    "a pin that is no number": (2, f"{FIT} --fix E=low", ["--fix E", "'low'"]),
    "a pin said twice": (2, f"{FIT} --fix E=1,E=2", ["twice"]),
    "a pin of no parameter": (2, f"{FIT} --fix F=1", ["'F'", "alpha"]),
    "a level beyond one": (2, f"{FIT} --level 90", ["level"]),
    "draws that are no count": (2, f"{FIT} --draws 1e3", ["whole number"]),
    "a condition that is none": (2, f"{FIT} --where 'N <'", ["N <"]),
    "a convention that is none": (2, "runs show runs.csv --convention N=totl", ["'total'"]),
    "a format that is none": (2, "runs convert runs.csv --out runs.xls", ["runs.xls"]),
    "an input left out": (2, f"{FORECAST} --N 70B", ["D"]),
    "an input too many": (2, f"{FORECAST} --N 7B --D 1T --U 1T", ["U", "N, D"]),
    "a number that is none": (2, f"{FORECAST} --N 70X --D 1T", ["--N", "'70X'", "70B"]),
    "a number below zero": (2, f"plan {PUBLISHED} --C -1e23", ["--C", "above zero"]),
    "no such fit": (2, "plan none.json --C 1e23", ["none.json", "--out"]),
    "a fit that is none": (2, "plan runs.csv --C 1e23", ["runs.csv"]),
    "a fit half written": (2, "plan torn.json --C 1e23", ["torn.json"]),
    "a law without numbers": (2, "plan chinchilla --C 1e23", ["chinchilla/hoffmann2022"]),
    "no such published set": (2, "laws chinchilla/besirogl2024", ["besiroglu2024"]),
    "no such law": (2, "laws chinchila", ["'chinchilla'"]),
    "a plan of one input": (1, "plan power/kaplan2020-n --C 1e23", ["N and D"]),
    "a loss below the floor": (1, f"reach {PUBLISHED} --L 1.8", ["1.817"]),
    "limits that contradict": (2, f"{PLAN} --at-most N=1B --at-least N=2B", ["N is to be"]),
    "a limit on nothing": (2, f"{PLAN} --at-most L=2", ["L"]),
    "a sweep of nothing known": (2, "sweep run s --experiment pretrian", ["'pretrain'"]),
    "a sweep without workers": (2, "sweep run s --engine local:0", ["engine"]),
    "the status of no study": (2, "sweep status .", ["study"]),
    "an update of constants": (2, f"update {PUBLISHED} new.csv", ["published"]),
}


@pytest.mark.parametrize(("code", "call", "words"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_gets_one_sentence(capsys, here, code, call, words):
    good = ("1e8,1e9,3.1", "2e8,1e9,3.0", "2e8,2e9,2.9")
    for name, bad in (("text", "big,1e9,3"), ("zero", "0,1e9,3"), ("gap", "1e8,,3")):
        (here / f"{name}.csv").write_text("\n".join(["N,D,L", good[0], bad, *good[1:]]) + "\n")
    (here / "three.csv").write_text("\n".join(["N,D,L", *good]) + "\n")
    (here / "misnamed.csv").write_text("\n".join(["N,D,score_loss_x", *good]) + "\n")
    (here / "empty.csv").write_text("")
    (here / "hollow").mkdir()
    (here / "torn.json").write_text('{"schema_version": 1, "law": "chin')
    found, sentence = refusal(capsys, *shlex.split(call))
    assert found == code, sentence
    for word in words:
        assert word in sentence


def test_runs_counted_otherwise_are_not_mixed_with_a_fit(capsys, here):
    counted = ["--convention", "N=total"]
    answer(
        capsys,
        "fit",
        "runs.csv",
        "--law",
        "chinchilla",
        "--draws",
        "9",
        *counted,
        "--out",
        "f.json",
    )
    other = ["update", "f.json", "new.csv", "--convention", "N=non-embedding"]
    code, sentence = refusal(capsys, *other)
    assert code == 2
    assert "total" in sentence
    assert "non-embedding" in sentence
    code, sentence = refusal(capsys, "update", "f.json", "new.csv")
    assert code == 2
    assert "--convention N=total" in sentence
    assert answer(capsys, "update", "f.json", "new.csv", *counted)["status"] == "ok"


def test_runs_that_a_fit_has_already_prove_nothing(capsys, here):
    answer(capsys, "fit", "runs.csv", "--law", "chinchilla", "--draws", "9", "--out", "f.json")
    code, sentence = refusal(capsys, "update", "f.json", "runs.csv")
    assert code == 1
    assert "already" in sentence
    text = Path("runs.csv").read_text() + Path("new.csv").read_text().partition("\n")[2]
    Path("all.csv").write_text(text)
    assert len(answer(capsys, "update", "f.json", "all.csv")["runs"]) == 8


@pytest.fixture
def counting(monkeypatch):
    """Return an experiment that counts, in place of one that trains."""
    monkeypatch.syspath_prepend(Path(__file__).parent / "experiments")
    module = importlib.import_module("counting")
    # Another test may have forgotten it, and a module that is imported already registers nothing.
    monkeypatch.setitem(Experiment.registry, "counting", module.Counting)

    def design(**settings):
        trials = module.Counting(**settings).trials()
        monkeypatch.setattr("isoflop.experiments.presets.preset_trials", lambda *named: trials)

    return design


def test_a_sweep_is_run_resumed_and_looked_at(capsys, here, counting):
    counting(sizes=(5, 6))
    ended = answer(capsys, "sweep", "run", "study", "--engine", "local:2")
    assert (ended["finished"], ended["reused"]) == (2, 0)
    status = answer(capsys, "sweep", "status", "study")
    assert (status["finished"], status["waiting"], status["share"]) == (2, 0, 1.0)
    counting(sizes=(5, 6, 8), broken={8: "always"})
    code, sentence = refusal(capsys, "sweep", "run", "study")
    assert code == 3
    assert "count to 8" in sentence
    assert "seven is unlucky" in sentence
    status = answer(capsys, "sweep", "status", "study")
    assert (status["finished"], status["failed"]) == (2, 1)
    assert 0 < status["share"] < 1
    assert answer(capsys, "runs", "show", "study")["n"] == 2


def test_a_fit_that_the_data_refuse_exits_with_1_and_says_why(capsys, here):
    # Along D = 20 N the two terms of the law cannot be told apart.
    rows = [
        (n, 20 * n, 1.8 + 500 / n**0.35 + 2000 / (20 * n) ** 0.35)
        for n in np.geomspace(1e7, 1e9, 12)
    ]
    write(here / "line.csv", "N,D,L", rows)
    code, out, _ = run(capsys, "fit", "line.csv", "--law", "chinchilla", "--draws", "5", "--json")
    document = json.loads(out)
    assert document["status"] in ("refused", "doubtful")
    assert document["notes"]
    assert code == {"refused": 1, "doubtful": 0}[document["status"]]


def test_numbers_that_json_cannot_say_are_null(capsys, monkeypatch):
    report = Report("odd", (), {"a": float("nan"), "b": [float("inf"), 1.0], "c": {"d": (2.0,)}})
    found = Command("odd", lambda: report, "isoflop odd", minutes=False)
    monkeypatch.setattr(commands, "every", lambda: {"odd": found})
    assert answer(capsys, "odd") == {"a": None, "b": [None, 1.0], "c": {"d": [2.0]}}


def raises(error):
    def function() -> Report:
        raise error

    return function


@pytest.mark.parametrize(
    ("failure", "code", "said"),
    [
        (MissingExtra("a sweep", "train"), 3, "pip install 'isoflop[train]'"),
        (OSError(errno.ENOSPC, "No space left on device"), 3, "the disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/root/x"), 3, "/root/x"),
        (MemoryError(), 3, "memory"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_end_has_its_exit_code(capsys, monkeypatch, failure, code, said):
    bad = Command("bad", raises(failure), "isoflop bad", minutes=False)
    monkeypatch.setattr(commands, "every", lambda: {"bad": bad})
    found, sentence = refusal(capsys, "bad")
    assert found == code
    assert said in sentence
    assert len(sentence.splitlines()) == 1


def test_a_bug_of_ours_is_apologised_for_and_its_traceback_kept(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    bad = Command("bad", raises(ZeroDivisionError("by zero")), "isoflop bad", minutes=False)
    monkeypatch.setattr(commands, "every", lambda: {"bad": bad})
    code, out, err = run(capsys, "bad")
    assert (code, out) == (70, "")
    assert err.startswith("isoflop: sorry, this is a bug")
    (kept,) = tmp_path.iterdir()
    assert str(kept) in err
    assert "Traceback" in kept.read_text()
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1


def test_a_refused_report_exits_with_1(capsys, monkeypatch):
    refused = Report(
        "no", (Remark("too few runs", "refused"),), {"status": "refused"}, refused=True
    )
    found = Command("no", lambda: refused, "isoflop no", minutes=False)
    monkeypatch.setattr(commands, "every", lambda: {"no": found})
    code, out, _ = run(capsys, "no", "--json")
    assert (code, json.loads(out)) == (1, {"status": "refused"})
    code, out, _ = run(capsys, "no")
    assert code == 1
    assert "too few runs" in out


def test_html_is_written_beside_the_answer(capsys, here):
    code, out, err = run(capsys, "laws", "chinchilla", "--html", "laws.html")
    assert code == 0
    assert "chinchilla" in out
    assert err == "wrote laws.html\n"
    assert "<html" in Path("laws.html").read_text()
    code, sentence = refusal(capsys, "laws", "--html", "no/such/folder/laws.html")
    assert code == 3
    assert "no/such/folder" in sentence


def test_help_as_json_is_a_schema_of_every_option(capsys):
    assert cli.main(["--help", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert list(document["commands"]) == list(commands.every())
    assert document["exit_codes"]["1"].startswith("refused")
    for name, command in document["commands"].items():
        options = command["options"]
        assert set(options["properties"]) == {p.name for p in commands.every()[name].parameters}
        assert set(options["required"]) <= set(options["properties"])
        for option in options["properties"].values():
            assert option["type"]
            assert option["description"]
            assert option["x-option"]
    assert cli.main(["runs", "--help", "--json"]) == 0
    group = json.loads(capsys.readouterr().out)["commands"]
    assert group
    assert all(name.startswith("runs ") for name in group)
    assert cli.main(["run", "--help", "--json"]) == 2


def test_version_and_help_are_answers(capsys):
    code, out, _ = run(capsys, "--version")
    assert code == 0
    assert out.startswith("isoflop ")
    for call in ([], ["--help"], ["runs"], ["runs", "--help"]):
        code, out, err = run(capsys, *call)
        assert (code, err) == (0, "")
        assert out.startswith("Usage: isoflop")


def test_stdout_holds_no_colour_when_nobody_wants_it():
    environment = {**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "1"}
    for variables in (environment, {k: v for k, v in environment.items() if "COLOR" not in k}):
        call = [*PROGRAM, "laws", "chinchilla/hoffmann2022"]
        done = subprocess.run(call, capture_output=True, env=variables, check=True)
        assert not re.search(rb"\x1b\[[34]\d", done.stdout)  # bold and italics are no colour


def test_a_closed_pipe_ends_quietly():
    for call in (["laws", "--json"], ["laws"], ["--help"]):
        with subprocess.Popen(
            [*PROGRAM, *call], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait() == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*PROGRAM, "laws"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 3
    assert done.stderr == "isoflop: the disk is full; free some space and run this again\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_a_signal_ends_with_130_and_one_line(tmp_path, number):
    waiting = tmp_path / "waiting.fifo"
    os.mkfifo(waiting)  # a source that never ends: the command waits for whoever writes to it
    code = (
        "import sys; from isoflop import cli, commands;"
        "from isoflop.commands.registry import Command; from isoflop.terminal import say;"
        f"wait = lambda: (say('ready'), open({str(waiting)!r}).read());"
        "found = Command('wait', wait, '', minutes=False);"
        "commands.every = lambda: {'wait': found}; sys.exit(cli.main(['wait']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr.readline() == "ready\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert out == ""
    assert err.startswith("isoflop: interrupted")
    assert len(err.splitlines()) == 1
