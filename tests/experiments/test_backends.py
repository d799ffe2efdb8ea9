"""Servers are asked until they answer, and a bank holds each sample once, whatever dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from serving import Serving

from isoflop.cli import main
from isoflop.errors import EnvironmentFailure, UsageError
from isoflop.experiments.sampling.collect import CollectionTarget, fill
from isoflop.experiments.sampling.http_client import Manners, Server, key_from, retry_after
from isoflop.experiments.sampling.judges import Judge
from isoflop.experiments.sampling.messages import Drawing
from isoflop.experiments.sampling.openai import OpenAI
from isoflop.experiments.sampling.problems import Exercise, addition
from isoflop.samples.bank import SampleBank

SUMS = addition(6, seed=0)
ANSWERS = {p.prompt: p.answer for p in SUMS.problems}


@pytest.fixture
def serve(tmp_path):
    """Return a starter of servers; all of them are stopped."""
    started = []

    def start(faults=None, port=0):
        made = Serving(tmp_path, ANSWERS, faults or {}, port)
        started.append(made)
        return made.__enter__()

    yield start
    for made in started:
        made.__exit__()


def draw(bank, url, samples=4, *, width=1, lineage="m", exercise=SUMS, scorers=None, **how):
    """Fill a bank from a server, without long waits."""
    names = {"at_once", "timeout", "tries", "pause", "key"}
    manners = {"timeout": 2.0, "pause": 0.01, "at_once": 4, "tries": 3}
    manners |= {n: how.pop(n) for n in names & set(how)}
    drawing = Drawing(1.0, 16, ("\n",))
    backend = OpenAI(Server(url, Manners(**manners)), "m", drawing, **how)
    target = CollectionTarget(samples, lineage, width=width)
    return fill(bank, exercise.problems, target, backend, Judge(exercise, None, scorers or {}))


def held(bank):
    """Return every row of a bank by its key; a key that comes twice fails."""
    names = ("problem", "sample", "answer", "correct", "tokens", "response", "left_out")
    rows = [tuple(r.values()) for t in bank.rows.tables(names, {}) for r in t.to_pylist()]
    keys = Counter(row[:2] for row in rows)
    assert not [key for key, times in keys.items() if times > 1]
    return {row[:2]: row[2:] for row in rows}


@pytest.fixture
def undisturbed(serve, tmp_path):
    """Return what a bank holds that nothing happened to, for as many samples as asked for."""

    def rows(samples):
        bank = SampleBank.create(tmp_path / "undisturbed")
        draw(bank, serve().url, samples)
        return held(bank)

    return rows


def test_samples_of_a_server_are_read_cut_judged_and_counted(serve, tmp_path):
    server, bank = serve(), SampleBank.create(tmp_path / "bank")
    done = draw(bank, server.url, N=1e6)
    rows = held(bank)
    assert (done.new, done.had, len(rows)) == (24, 0, 24)
    assert {sample for _, sample in rows} == {0, 1, 2, 3}
    for (problem, _), (answer, correct, tokens, response, left_out) in rows.items():
        a, b = problem.split("+")
        assert response == f" {answer}"  # and nothing after the stop
        assert correct == (int(answer) == int(a) + int(b))
        assert (tokens, left_out) == (4, "")
    assert {True, False} == {row[1] for row in rows.values()}
    samples = bank.load("parallel", "m")
    assert samples.cost["flop"] == pytest.approx(8e6)
    prompts = [2e6 * len(next(p.prompt for p in SUMS.problems if p.name == n))
               for n in samples.problems]  # fmt: skip
    assert samples.cost["prompt_flop"] == pytest.approx(prompts)
    assert (done.tokens, done.prompt_tokens) == (96, 4 * sum(map(len, ANSWERS)))


def test_every_request_has_a_seed_of_its_own_the_stops_and_what_was_set(serve, tmp_path):
    server = serve()
    draw(SampleBank.create(tmp_path / "bank"), server.url, extra={"top_p": 0.9, "max_tokens": None})
    bodies = [s["body"] for s in server.seen]
    assert len({b["seed"] for b in bodies}) == 24
    assert max(b["seed"] for b in bodies) < 2**31
    assert bodies[0]["stop"] == ["\n"]
    assert bodies[0]["top_p"] == 0.9
    assert "max_tokens" not in bodies[0]
    assert "n" not in bodies[0]
    assert {s["path"] for s in server.seen} == {"/v1/completions"}


def test_chat_with_logprobs_scores_by_the_mean_log_probability(serve, tmp_path):
    server, bank = serve(), SampleBank.create(tmp_path / "bank")
    draw(bank, server.url, width=2, api="chat", extra={"logprobs": True})
    assert {s["path"] for s in server.seen} == {"/v1/chat/completions"}
    assert bank.verifiers == ("logprob",)
    assert bank.load(verifiers=("logprob",)).scores["logprob"] == pytest.approx(-1.0)
    assert {row[2] for row in held(bank).values()} == {4}  # 8 tokens of two responses


def test_faults_that_pass_leave_the_bank_as_if_nothing_had_happened(serve, tmp_path, undisturbed):
    kinds = ("stall", "429", "500", "rubbish", "drop", "empty", "half", "503")
    server = serve({str(3 * i): kind for i, kind in enumerate(kinds)})
    bank = SampleBank.create(tmp_path / "bank")
    began = time.monotonic()
    done = draw(bank, server.url, 4, tries=8)
    assert held(bank) == undisturbed(4)
    assert len(server.seen) == 24 + len(kinds)
    assert not done.left_out
    assert time.monotonic() - began > 1  # the stall was waited for, and no longer than allowed


def test_a_limit_of_rate_keeps_everybody_waiting_as_long_as_it_says(serve, tmp_path):
    server = serve({"0": "429", "5": "429"})
    began = time.monotonic()
    # Waiting for a limit is a try, and both limits may meet one sample.
    draw(SampleBank.create(tmp_path / "bank"), server.url, tries=3)
    assert time.monotonic() - began > 0.3  # both waits, of .3 each, may fall together
    assert len(server.seen) == 26


def test_a_server_that_asks_to_wait_for_long_is_not_waited_for():
    assert retry_after("12") == 12
    later = datetime.now(UTC) + timedelta(seconds=90)
    assert retry_after(format_datetime(later, usegmt=True)) == pytest.approx(90, abs=2)
    assert [retry_after(t) for t in ("", "soon", "-5", "nan")] == [0, 0, 0, 0]


@pytest.mark.parametrize(("fault", "new", "short"), [("short", 24, True), ("long", 24, False)])
def test_a_wrong_count_is_made_up_for_and_never_counted_twice(serve, tmp_path, fault, new, short):
    bank = SampleBank.create(tmp_path / "bank")
    done = draw(bank, serve({"*": fault}).url, width=4)
    assert (done.new, len(held(bank))) == (new, 24)
    assert (done.short > 0) == short
    assert sum(row[2] for row in held(bank).values()) == done.tokens == 24 * 4


def test_rubbish_that_stays_is_left_out_and_counted_while_the_server_answers_others(
    serve, tmp_path
):
    server, bank = serve({"2": "400"}), SampleBank.create(tmp_path / "bank")
    done = draw(bank, server.url, at_once=1)
    ((why, count),) = done.left_out.items()
    assert (count, len(held(bank))) == (1, 24)
    assert "400 Bad Request" in why
    assert len(bank.load("parallel", "m")) == 23
    assert draw(bank, server.url).new == 0


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("rubbish", "not JSON"), ("empty", "no choices"), ("500", "500"), ("drop", "connection"),
        ("400", "400"), ("401", "wants another key"), ("403", "wants another key"),
        ("404", "is not there"), ("302", "is not there"),
        ("stall", "within 0.2 s"),
    ],
)  # fmt: skip
def test_a_server_that_never_answers_ends_it_and_takes_no_number(serve, tmp_path, fault, words):
    server, bank = serve({"*": fault}), SampleBank.create(tmp_path / "bank")
    with pytest.raises(EnvironmentFailure, match=words):
        draw(bank, server.url, tries=2, timeout=0.2)
    assert held(bank) == {}


def test_null_content_is_an_empty_answer_and_wrong(serve, tmp_path):
    bank = SampleBank.create(tmp_path / "bank")
    draw(bank, serve({"*": "null"}).url, api="chat")
    assert {row[:2] for row in held(bank).values()} == {(None, False)}


def test_strange_and_giant_texts_are_kept_and_are_wrong(serve, tmp_path):
    bank = SampleBank.create(tmp_path / "bank")
    draw(bank, serve({"0": "giant", "*": "strange"}).url, 2, timeout=20, at_once=1)
    lengths = sorted(len(row[3]) for row in held(bank).values())
    assert lengths == [7] * 11 + [2_000_000]
    assert {row[1] for row in held(bank).values()} == {False}
    assert {row[0] for row in held(bank).values()} == {"5", "9"}


def test_why_there_is_no_connection_is_said(serve, tmp_path, monkeypatch):
    url = serve().url
    for bad, words in {
        "http://127.0.0.1:1/v1": "connection",
        "http://no-such-host.invalid/v1": "no-such-host.invalid/v1: the connection failed",
    }.items():
        with pytest.raises(EnvironmentFailure, match=words):
            draw(SampleBank.create(tmp_path / "bank"), bad, tries=1, timeout=20)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")  # leads nowhere, and not to this machine
    assert draw(SampleBank.create(tmp_path / "bank"), url).new == 24
    # In a process of its own: where TLS fails, the client's library leaves a socket to the end.
    line = command(tmp_path / "other", url.replace("http", "https"), "--tries", "1")
    done = subprocess.run(
        [sys.executable, "-m", "isoflop.cli", *line], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "SSL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_dies_loses_nothing_and_the_same_call_goes_on(serve, tmp_path, undisturbed):
    bank = SampleBank.create(tmp_path / "bank")
    server = serve({"*": "slow"})

    def dies(progress=None):
        if len(held(bank)) >= 5:
            server.process.kill()

    scorer = {"watcher": lambda prompts, texts: dies() or [0.0] * len(texts)}
    with pytest.raises(EnvironmentFailure, match="the connection failed"):
        draw(bank, server.url, 20, tries=2, scorers=scorer)
    before = held(bank)
    assert 5 <= len(before) < 120
    again = serve(port=server.port)
    done = draw(bank, again.url, 20)
    assert done.had == len(before)
    assert len(again.seen) == 120 - len(before)
    assert held(bank) == undisturbed(20)


def command(bank: Path, url: str, *more: str) -> list[str]:
    line = [
        "testtime", "sample", str(bank), "--backend", "http", "--url", url, "--model", "m",
        "--task", "addition", "--problems", "6", "--samples", "30", "--n", "1", "--at-once", "8",
        "--max-tokens", "16", "--lineage", "m",
    ]  # fmt: skip
    return changed(line, more)


def changed(line: Sequence[str], more: Sequence[str]) -> list[str]:
    """Return a line with further options, each in place of one of the same name."""
    line, rest = list(line), list(more)
    while rest:
        name = rest.pop(0)
        values = [rest.pop(0)] if rest and not rest[0].startswith("--") else []
        if name in line:
            del line[line.index(name) : line.index(name) + 1 + len(values)]
        line += [name, *values]
    return line


def journal(bank: Path) -> int:
    """Return how many bytes of samples lie on the disk."""
    return sum(p.stat().st_size for p in bank.glob("samples/*.jsonl"))


def test_a_client_that_is_killed_again_and_again_loses_nothing(serve, tmp_path, undisturbed):
    server, folder = serve({"*": "slow"}), tmp_path / "bank"
    line = command(folder, server.url, "--at-once", "2")
    line = [sys.executable, "-m", "isoflop.cli", *line]
    for goal in (2_000, 12_000, 25_000):
        process = subprocess.Popen(line, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        while journal(folder) < goal and process.poll() is None:
            time.sleep(0.005)
        assert process.poll() is None, "it ended before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 0 < len(held(SampleBank.open(folder))) < 180
    subprocess.run(line, check=True, capture_output=True)
    assert held(SampleBank.open(folder)) == undisturbed(30)
    assert len(server.seen) <= 180 + 3 * 5 * 2 * 2  # what no kill left written is asked again


FULL = """
import resource, sys
from isoflop.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
sys.exit(main(sys.argv[1:]))
"""


def test_a_full_disk_ends_it_and_the_same_command_goes_on(serve, tmp_path, undisturbed):
    server, folder = serve(), tmp_path / "bank"
    line = command(folder, server.url, "--samples", "60")
    done = subprocess.run(
        [sys.executable, "-c", FULL, *line], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr
    assert 0 < len(held(SampleBank.open(folder))) < 360
    assert main(line) == 0
    assert held(SampleBank.open(folder)) == undisturbed(60)


def test_the_command_answers_as_text_as_json_and_as_a_page(serve, tmp_path, capsys):
    server, page = serve({"3": "400"}), tmp_path / "page.html"
    line = command(tmp_path / "bank", server.url, "--json", "--html", str(page))
    assert main(line) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["new"] == data["samples"] == 180
    assert sum(data["left_out"].values()) == 1
    assert data["coverage"]["k"] == [1, 2, 4, 8, 16]
    assert data["coverage"]["value"] == sorted(data["coverage"]["value"])
    assert "pass@k" in page.read_text()
    assert main(line[:-3]) == 0
    assert "180 were" in capsys.readouterr().out


def test_the_key_is_sent_and_nowhere_written(serve, tmp_path, monkeypatch, capsys):
    secret = "sk-very-secret-key"
    monkeypatch.setenv("MY_KEY", secret)
    server = serve({"0": "500", "4": "400"})
    line = command(tmp_path / "bank", server.url, "--key-from", "MY_KEY", "--at-once", "1")
    line = changed(line, ["--samples", "2"])
    assert main(line) == 0
    assert {s["key"] for s in server.seen} == {f"Bearer {secret}"}
    said = capsys.readouterr()
    assert "***" in said.out
    written = b"".join(p.read_bytes() for p in (tmp_path / "bank").rglob("*") if p.is_file())
    assert secret not in said.out + said.err
    assert secret.encode() not in written
    refusing = serve({"*": "401"})
    assert main(command(tmp_path / "other", refusing.url, "--key-from", "MY_KEY")) == 3
    assert secret not in capsys.readouterr().err
    monkeypatch.setenv("MY_KEY", "two\nlines")
    with pytest.raises(UsageError, match="no key has"):
        key_from("MY_KEY")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--temperature", "0.5"], "were made with temperature 1.0"),
        (["--url", "ftp://x"], "no address"),
        (["--url", "http://me:secret@host/v1"], "no password"),
        (["--samples", "0"], "--samples is '0'; it must be a whole number from 1 to"),
        (["--tries", "0"], "--tries is '0'; it must be a whole number from 1"),
        (["--task", "chain"], "embedded model"),
        (["--task", "sums"], "no task 'sums'"),
        (["--task", "no.jsonl"], "cannot read"),
        (["--backend", "embedded"], "has no effect here; it goes with --backend http"),
        (["--check", "no-such-program-anywhere"], "no program"),
        (["--reward", "r=nowhere"], "address"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_line(serve, tmp_path, capsys, change, words):
    line = command(tmp_path / "bank", serve().url, "--samples", "1")
    assert main(line) == 0
    capsys.readouterr()
    assert main(changed(line, change)) in (2, 3)
    said = capsys.readouterr().err
    assert words in " ".join(said.split())
    assert "Traceback" not in said


def test_a_problem_that_changed_under_its_name_is_refused(serve, tmp_path):
    bank, server = SampleBank.create(tmp_path / "bank"), serve()
    draw(bank, server.url)
    first = SUMS.problems[0]
    other = Exercise((type(first)(first.name, first.prompt, "0"),), SUMS.stop)
    with pytest.raises(UsageError, match="is not the one"):
        draw(bank, server.url, exercise=other)
    assert draw(bank, server.url, exercise=other, lineage="n").new == 4


def test_a_reward_model_that_gives_no_number_is_counted(serve, tmp_path):
    bank = SampleBank.create(tmp_path / "bank")
    score = {"r": lambda prompts, texts: [1.0 if "1" in t else float("nan") for t in texts]}
    done = draw(bank, serve().url, scorers=score)
    scores = bank.load(verifiers=("r",)).scores["r"]
    assert 0 < done.unsure["r"] == (scores != scores).sum() < 24


def test_interrupted_by_hand_it_waits_for_no_answer(serve, tmp_path):
    folder = tmp_path / "bank"
    line = [sys.executable, "-m", "isoflop.cli", *command(folder, serve({"*": "stall"}).url)]
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        while not (folder / "samples" / "rows.lock").exists():
            time.sleep(0.01)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        try:
            said = process.communicate(timeout=20)[1]  # a silent server is given up after 120
        finally:
            process.kill()
    assert process.returncode == 130, said
    assert "Traceback" not in said
