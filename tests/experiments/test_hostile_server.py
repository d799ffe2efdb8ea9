"""Servers that mean harm: no hang, no swelling, no escape sequence, and the key is never told."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote, unquote_plus

import httpx
import pytest
from hostile_server import ANSWERING, FAILING, SCORES, STALLING

from isoflop.cli import main
from isoflop.errors import EnvironmentFailure, IsoflopError, UsageError
from isoflop.experiments.sampling.collect import CollectionTarget, fill
from isoflop.experiments.sampling.judges import Judge
from isoflop.experiments.sampling.messages import Answered, Drawing, Response
from isoflop.experiments.sampling.openai import OpenAI
from isoflop.experiments.sampling.problems import addition
from isoflop.experiments.sampling.rejudge import by_scorer
from isoflop.network.address import checked_address
from isoflop.network.secret import Secret
from isoflop.network.server import Manners, Server
from isoflop.samples.bank import SampleBank
from isoflop.sources.scoring import http_scorer

KEY = 'sk-Wq7xB3nR+t/"V9uKz2Lm'
SUMS = addition(1, seed=0)
LONG, SHORT = 60.0, 0.3  # [s] that tries may take of servers that answer, and of those that stall
HANG = 120.0  # [s] after which a test is taken to hang, far more than any of them takes
SWELLING = 2**20  # [KiB] of memory


@pytest.fixture(scope="module")
def port():
    """Yield the port of the hostile server, which all tests share."""
    line = [sys.executable, str(Path(__file__).with_name("hostile_server.py"))]
    with subprocess.Popen(line, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as made:
        yield int(made.stdout.readline())
        made.kill()


def address(port: int, name: str) -> str:
    folder = re.sub(r"\W", "-", name)
    return f"http://127.0.0.1:{port}/{folder}"


def seen(port: int, name: str) -> int:
    folder = re.sub(r"\W", "-", name)
    return int(httpx.get(f"http://127.0.0.1:{port}/seen/{folder}", trust_env=False).text)


def ended(work):
    """Return what `work` returns or raises; it fails where that takes for ever."""
    outcome = []

    def do():
        try:
            outcome.append(work())
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=do, daemon=True)
    thread.start()
    thread.join(HANG)
    assert outcome, "it hangs"
    return outcome[0]


def asked(port: int, name: str, work) -> tuple[object, int]:
    """Return what `work` comes to, and how many requests it took."""
    before = seen(port, name)
    return work(), seen(port, name) - before


def draw(bank: SampleBank, url: str, timeout: float, tries: int = 2):
    """Return what asking for one sample came to, or the error that it ended with."""
    manners = Manners(1, timeout, tries, 0.01, KEY)
    backend = OpenAI(Server(url, manners), "m", Drawing(1.0, 16))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = ended(
        lambda: fill(bank, SUMS.problems, CollectionTarget(1, "m"), backend, Judge(SUMS))
    )  # fmt: skip
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < SWELLING
    return outcome


def parts(key: str):
    return {key[i : i + 8].lower() for i in range(len(key) - 7)}


def tells(text: str) -> bool:
    """Return whether a text tells eight characters of the key, as it stands or decoded."""
    bare = re.sub(r"&#(\d+);", lambda m: chr(int(m[1])), text)
    bare = re.sub(r"\\+u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), bare)
    forms = [text, bare, unquote_plus(text), re.sub(r"[^\w+/\"-]", "", text.replace("\ufffd", ""))]
    codes = [base64.b64encode(b"x" * i + KEY.encode()).decode()[4:-4] for i in range(3)]
    codes += [KEY.encode().hex()]
    whole = any(code.lower() in text.lower() for code in codes)
    return whole or any(part in form.lower() for part in parts(KEY) for form in forms)


def harmless(text: str) -> bool:
    """Return whether a text may be printed."""
    return all(c.isprintable() or c == "\n" for c in text) and not tells(text)


def on_disk(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())


@pytest.mark.parametrize("name", STALLING)
def test_a_server_that_keeps_one_waiting_is_cut_off(port, tmp_path, name):
    bank = SampleBank.create(tmp_path / "bank")
    error, requests = asked(port, name, lambda: draw(bank, address(port, name), SHORT))
    assert isinstance(error, EnvironmentFailure)
    assert harmless(str(error))
    assert requests <= 2


@pytest.mark.parametrize("name", FAILING)
def test_what_is_no_answer_ends_in_a_sentence_without_harm(port, tmp_path, name):
    bank = SampleBank.create(tmp_path / "bank")
    error, requests = asked(port, name, lambda: draw(bank, address(port, name), LONG))
    assert isinstance(error, EnvironmentFailure), error
    assert harmless(str(error)), str(error)
    assert "nobody foresaw" not in str(error)
    assert 1 <= requests <= 2  # no more tries than were allowed
    assert not tells(on_disk(tmp_path / "bank").decode(errors="replace"))
    assert not bank.kinds()


@pytest.mark.parametrize("name", ANSWERING)
def test_what_holds_an_answer_is_kept_without_the_harm(port, tmp_path, name):
    bank = SampleBank.create(tmp_path / "bank")
    done = draw(bank, address(port, name), LONG)
    assert not isinstance(done, BaseException), done
    assert (done.new, done.total) == (1, 1)
    columns = ["tokens", "prompt_tokens", "left_out"]
    ((row,),) = (t.to_pylist() for t in bank.rows.tables(columns, {}))
    assert not row["left_out"]
    assert all(row[n] is None or 0 <= row[n] < 2**53 for n in columns[:2])
    assert bank.verifiers == ()  # no log-probability that was none is a score
    kept = on_disk(tmp_path / "bank")
    assert KEY.encode() not in kept
    assert json.dumps(KEY)[1:-1].encode() not in kept


SAID = ("escapes", "key", "key in base64", "limit to 9999", "digits", "gzip bomb", "flood of 100")


@pytest.mark.parametrize("name", SAID)
def test_the_command_ends_with_3_and_says_no_harm(port, tmp_path, monkeypatch, capfd, name):
    monkeypatch.setenv("ISOFLOP_API_KEY", KEY)
    line = ["testtime", "sample", str(tmp_path / "bank"), "--backend", "http", "--url",
            address(port, name), "--model", "m\x1b[31m", "--task", "addition", "--problems", "1",
            "--samples", "1", "--tries", "2", "--json", "--set", f"user={KEY}",
            "--timeout", str(SHORT if name in STALLING else LONG)]  # fmt: skip
    assert main(line) == 3
    said = capfd.readouterr()
    assert harmless(said.err)
    assert harmless(said.out)
    assert not tells(json.loads(said.out)["error"])
    assert not tells(on_disk(tmp_path / "bank").decode(errors="replace"))


OF_SCORES = (
    "silence", "drip of a body", "flood of 100", "limit to 9999", "limit", "gzip bomb",
    "chunks without end", "deep", "escapes", "loop", "away", "reset", "binary", *SCORES,
)  # fmt: skip


@pytest.mark.parametrize("name", OF_SCORES)
def test_a_hostile_reward_model_ends_in_a_sentence_or_gives_no_number(port, name):
    timeout = SHORT if name in STALLING else LONG
    ask = by_scorer("r", http_scorer(address(port, name), attempts=2, pause=0.01, timeout=timeout))
    outcome = ended(lambda: ask([(SUMS.problems[0], "5", "5")]))
    if isinstance(outcome, BaseException):
        assert isinstance(outcome, EnvironmentFailure), outcome
        assert harmless(str(outcome))
    else:
        assert outcome == [None]


def test_a_table_is_not_scored_by_what_is_no_number(port, tmp_path, monkeypatch, capfd):
    (tmp_path / "a.jsonl").write_text('{"prompt": "p", "response": "r"}\n')
    monkeypatch.chdir(tmp_path)
    for name in ("scores of digits", "scores of words", "scores without end", "scores of truth"):
        url = address(port, name)
        assert (
            main(["reward", "score", "a.jsonl", "--with", url, "--as", "r", "--out", "s.csv"]) == 3
        )
        assert harmless(capfd.readouterr().err)
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize("name", ["away", "loop"])
def test_a_redirect_is_not_followed_and_takes_the_key_nowhere(port, tmp_path, name):
    bank = SampleBank.create(tmp_path / "bank")
    _, requests = asked(port, name, lambda: draw(bank, address(port, name), LONG))
    assert requests == 1


class Failing:
    """A backend that answers some requests, and then fails as nobody foresaw."""

    at_once = 2

    def __init__(self, error: Exception) -> None:
        self.error, self.count = error, 0

    def describe(self):
        return {}

    def load(self):
        pass

    async def close(self):
        pass

    async def answer(self, request):
        self.count += 1
        if self.count > 4:
            await asyncio.sleep(0.05)
            raise self.error
        return Answered((Response("5", 1),))


@pytest.mark.parametrize(
    "error", [OverflowError("date value out of range"), KeyError("x"), OSError()]
)
def test_what_nobody_foresaw_ends_the_call_and_keeps_what_was_answered(tmp_path, error):
    bank, sums = SampleBank.create(tmp_path / "bank"), addition(10, seed=0)
    work = lambda: fill(bank, sums.problems, CollectionTarget(2, "m"), Failing(error), Judge(sums))  # noqa: E731
    outcome = ended(work)
    assert isinstance(outcome, EnvironmentFailure)
    assert type(error).__name__ in str(outcome)
    assert sum(len(table) for table in bank.rows.tables(["sample"], {})) == 4


def test_a_worker_that_goes_without_a_word_is_missed(tmp_path):
    bank, sums = SampleBank.create(tmp_path / "bank"), addition(10, seed=0)
    backend = Failing(asyncio.CancelledError())
    outcome = ended(
        lambda: fill(bank, sums.problems, CollectionTarget(2, "m"), backend, Judge(sums))
    )
    assert isinstance(outcome, EnvironmentFailure)
    assert "16 of 20 samples got no answer" in str(outcome)


def test_a_judge_that_fails_as_nobody_foresaw_ends_the_call(tmp_path):
    def scorer(prompts, texts):
        raise ZeroDivisionError

    backend, bank = Failing(ValueError()), SampleBank.create(tmp_path / "bank")
    judge = Judge(SUMS, None, {"r": scorer})
    outcome = ended(lambda: fill(bank, SUMS.problems, CollectionTarget(2, "m"), backend, judge))
    assert isinstance(outcome, EnvironmentFailure)


def test_a_reward_model_that_is_silent_is_not_waited_for_when_interrupted(port, tmp_path):
    line = [sys.executable, "-m", "isoflop.cli", "testtime", "sample", str(tmp_path / "bank"),
            "--backend", "http", "--url", address(port, "wrong kind"), "--model", "m", "--task",
            "addition", "--problems", "1", "--samples", "1", "--reward",
            f"r={address(port, 'silence')}"]  # fmt: skip
    before = seen(port, "silence")
    with subprocess.Popen(line, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        while seen(port, "silence") == before and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        try:
            said = process.communicate(timeout=60)[1]  # a silent server is given up after 120
        finally:
            process.kill()
    assert process.returncode == 130, said
    assert "Traceback" not in said


@pytest.mark.parametrize(
    "key",
    [KEY, "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789", "x" * 40, "short", "é" * 0 + "12345678"],
)
def test_a_key_is_masked_in_every_form(key):
    secret = Secret(key)
    forms = [key, key.upper(), quote(key, safe=""), "".join(f"%{ord(c):02X}" for c in key),
             "".join(f"\\u{ord(c):04x}" for c in key), f"{json.dumps(key)}"]  # fmt: skip
    for form in forms if len(key) > 7 else forms[:2]:
        text = secret.masked(f"before {form} after")
        assert key.lower() not in text.lower()
        assert form not in text
        assert "***" in text
    assert key not in repr(secret)
    assert key not in repr(Manners(key=key))
    assert secret.masked("a message without it") == "a message without it"
    assert Secret(None).masked("any text") == "any text"


def test_parts_of_a_key_are_words_in_a_sample_and_secrets_in_a_message():
    secret = Secret("sk-no-key-required")
    assert secret.without("no carry is required") == "no carry is required"
    assert secret.masked("another key is required") == "another key is ***"
    assert secret.without("the key SK-no-key-required") == "the key ***"


@pytest.mark.parametrize(
    "url",
    ["http://me:hunter2@host/v1", "https://hunter2@host", "me:hunter2@host/v1", "//me:hunter2@host",
     "ftp://me:hunter2@host/v1", "http://me:hun/ter2hunter2@host", "http:\\\\me:hunter2@host",
     "http://host/v1?key=hunter2", "http://host/v1#hunter2", "HTTP://ME:hunter2@HOST:99999/"],
)  # fmt: skip
def test_an_address_with_a_secret_is_refused_and_not_said(url, tmp_path, capfd):
    for make in (
        lambda: checked_address(url),
        lambda: http_scorer(url),
        lambda: Server(url, Manners()),
    ):
        with pytest.raises(UsageError, match="no password") as failure:
            make()
        assert "hunter2" not in str(failure.value)
    (tmp_path / "a.jsonl").write_text('{"prompt": "p", "response": "r"}\n')
    for line in (
        [
            "reward",
            "score",
            str(tmp_path / "a.jsonl"),
            "--with",
            url,
            "--as",
            "r",
            "--out",
            "s.csv",
        ],
        [
            "testtime",
            "sample",
            str(tmp_path / "b"),
            "--backend",
            "http",
            "--model",
            "m",
            "--url",
            url,
        ],
    ):
        assert main(line) == 2
        said = capfd.readouterr()
        assert "hunter2" not in said.out + said.err


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1", "http://a b/", "http://h:99999/", "x\x1b[3m"]
)
def test_what_is_no_address_is_refused(url):
    with pytest.raises(UsageError, match="no address") as failure:
        checked_address(url)
    assert harmless(str(failure.value))


def test_errors_tell_no_password_of_an_address_that_somebody_gave_as_a_file(capfd):
    assert main(["fit", "http://me:hunter2@host/runs.csv", "--law", "chinchilla"]) == 2
    assert "hunter2" not in capfd.readouterr().err
    assert "hunter2" not in str(IsoflopError("http://me:hunter2@host is none"))


@pytest.mark.parametrize(
    "manners",
    [{"tries": 10**18}, {"at_once": 10**9}, {"timeout": float("inf")}, {"timeout": float("nan")},
     {"timeout": 1e300}, {"pause": float("inf")}, {"tries": 0}],
)  # fmt: skip
def test_manners_without_an_end_are_refused(manners):
    with pytest.raises(UsageError):
        Manners(**manners)
