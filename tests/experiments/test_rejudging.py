"""Reward models judge samples as they are drawn, or samples that a bank holds already."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from serving import Serving

from isoflop.cli import main
from isoflop.errors import EnvironmentFailure, UsageError
from isoflop.experiments.sampling.collect import CollectionTarget, fill, problems_of
from isoflop.experiments.sampling.http_client import Manners, Server
from isoflop.experiments.sampling.judges import Judge
from isoflop.experiments.sampling.messages import Drawing
from isoflop.experiments.sampling.openai import OpenAI
from isoflop.experiments.sampling.problems import addition
from isoflop.experiments.sampling.program_judge import program
from isoflop.experiments.sampling.rejudge import VerdictSource, by_program, by_scorer, judge_again
from isoflop.samples.bank import Sample, SampleBank

SUMS = addition(4, seed=0)
OWN = {"strategy": "parallel", "lineage": "m"}


@contextlib.contextmanager
def rewarding(fault=""):
    """Yield the address of a reward model in a process of its own."""
    file = Path(__file__).with_name("reward_server.py")
    line = [sys.executable, str(file), fault]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/score"
        finally:
            process.kill()


@pytest.fixture
def bank(tmp_path):
    """Return a bank of 4 problems, 6 samples each, drawn from a server."""
    made = SampleBank.create(tmp_path / "bank")
    answers = {p.prompt: p.answer for p in SUMS.problems}
    with Serving(tmp_path, answers) as server:
        backend = OpenAI(Server(server.url, Manners()), "m", Drawing(1.0, 16, ("\n",)))
        fill(made, SUMS.problems, CollectionTarget(6, "m"), backend, Judge(SUMS))
    return made


def scores(bank, name):
    """Return the score and the text of every sample by problem and number."""
    columns = ("problem", "sample", "response", f"score:{name}")
    rows = [tuple(row.values()) for t in bank.tables(columns, OWN) for row in t.to_pylist()]
    return {row[:2]: (row[3], row[2]) for row in rows}


def command(bank, *more):
    return ["testtime", "score", str(bank.study.path), *more]


def test_a_verifier_that_comes_later_is_a_verifier_like_any(bank, capsys):
    before = bank.load(answers=True)
    with rewarding() as url:
        assert main(command(bank, "--reward", f"length={url}", "--json")) == 0
    (said,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert (said["new"], said["had"], said["without"]) == (24, 0, {})
    assert bank.verifiers == ("length",)
    found = scores(bank, "length")
    assert len(found) == 24
    assert all(score == len(text) for score, text in found.values())
    after = bank.load(verifiers=("length",), answers=True)
    assert (after.answer == before.answer).all()  # in the same order
    assert (after.correct == before.correct).all()
    right, wrong = (after.scores["length"][after.correct == c].mean() for c in (True, False))
    assert (said["mean of right"], said["mean of wrong"]) == pytest.approx((right, wrong))


def test_it_goes_on_where_it_was_and_the_first_verdict_stays(bank):
    asked = []

    def scorer(value):
        return by_scorer("r", lambda prompts, texts: asked.append(texts) or [value] * len(texts))

    problems = problems_of(bank, "m")
    judge_again(bank, VerdictSource("score:r", scorer(1.0), 5), problems, **OWN)
    assert [len(texts) for texts in asked] == [5, 5, 5, 5, 4]
    second = judge_again(bank, VerdictSource("score:r", scorer(2.0)), problems, **OWN)
    assert (second.new, second.had, len(asked)) == (0, 24, 5)
    with bank.writing() as rows:  # a sample that comes later is scored by the same call
        rows.append([Sample(problem="none", sample=0, lineage="m", response="x")])
        first = SUMS.problems[0].name
        rows.append([Sample(problem=first, sample=6, lineage="m", response="x", correct=False)])
    third = judge_again(bank, VerdictSource("score:r", scorer(3.0)), problems, **OWN)
    assert (third.new, sum(third.owed.values())) == (1, 1)
    assert {score for score, _ in scores(bank, "r").values()} == {1.0, 3.0, None}


def test_what_is_no_number_is_counted_left_out_and_asked_for_again(bank, capsys):
    with rewarding("nan") as url:
        assert main(command(bank, "--reward", f"r={url}", "--json")) == 0
    (said,) = json.loads(capsys.readouterr().out)["verdicts"]
    nines = [text for _, text in scores(bank, "r").values() if "9" in text]
    assert 0 < said["new"] == 24 - len(nines) < 24
    assert sum(said["without"].values()) == len(nines)
    samples, notes = bank.load(verifiers=("r",)).scored("r")
    assert len(samples) == said["new"]
    assert "without a finite score of r" in notes[0].text
    with rewarding() as url:
        assert main(command(bank, "--reward", f"r={url}")) == 0
    assert all(score == len(text) for score, text in scores(bank, "r").values())


@pytest.mark.parametrize(
    ("fault", "words"),
    [("short", "no such number"), ("text", "is needed"), ("object", "no such number"),
     ("403", "refuses with 403")],
)  # fmt: skip
@pytest.mark.parametrize("verb", ["score", "sample"])
def test_a_reward_model_that_answers_otherwise_is_said(tmp_path, bank, capsys, fault, words, verb):
    answers = {p.prompt: p.answer for p in SUMS.problems}
    with rewarding(fault) as url, Serving(tmp_path, answers) as server:
        line = ["testtime", "sample", str(tmp_path / "new"), "--backend", "http", "--url",
                server.url, "--model", "m", "--task", "addition", "--problems", "4",
                "--samples", "2", "--reward", f"r={url}"]  # fmt: skip
        assert main(command(bank, "--reward", f"r={url}") if verb == "score" else line) == 3
    said = " ".join(capsys.readouterr().err.split())
    assert words in said
    assert "Traceback" not in said


def test_a_reward_model_that_dies_ends_it_and_the_same_command_goes_on(bank, capsys):
    with rewarding("dies:3") as url:
        assert main(command(bank, "--reward", f"r={url}", "--batch", "4")) == 3
    assert "the scores so far are kept" in " ".join(capsys.readouterr().err.split())
    assert sum(score is not None for score, _ in scores(bank, "r").values()) == 12
    with rewarding() as url:
        assert main(command(bank, "--reward", f"r={url}", "--json")) == 0
    (said,) = json.loads(capsys.readouterr().out)["verdicts"]
    assert (said["new"], said["had"]) == (12, 12)
    assert all(score == len(text) for score, text in scores(bank, "r").values())


SLOWLY = """
import sys, time
from isoflop.experiments.sampling.collect import problems_of
from isoflop.experiments.sampling.rejudge import by_scorer, VerdictSource, judge_again
from isoflop.samples.bank import SampleBank
bank = SampleBank.open(sys.argv[1])
slow = lambda prompts, texts: time.sleep(0.02) or [float(len(t)) for t in texts]
judge_again(bank, VerdictSource("score:r", by_scorer("r", slow), 1), problems_of(bank, "m"),
            strategy="parallel", lineage="m")
"""


def test_killed_at_any_moment_no_verdict_is_lost_or_doubled(bank):
    def journal():
        return sum(p.stat().st_size for p in bank.later("score:r").folder.glob("*.jsonl"))

    for goal in (200, 1_000):
        line = [sys.executable, "-c", SLOWLY, str(bank.study.path)]
        process = subprocess.Popen(line, env={**os.environ})
        while journal() < goal and process.poll() is None:
            time.sleep(0.005)
        assert process.poll() is None, "it ended before it could be killed"
        process.send_signal(signal.SIGKILL)
        process.wait()
    ask = by_scorer("r", lambda prompts, texts: [float(len(t)) for t in texts])
    done = judge_again(bank, VerdictSource("score:r", ask), problems_of(bank, "m"), **OWN)
    assert done.had + done.new == 24
    assert done.had >= 5
    rows = [r for t in bank.later("score:r").tables(("problem", "sample"), OWN)
            for r in t.to_pylist()]  # fmt: skip
    assert len(rows) == len({tuple(r.values()) for r in rows}) == 24
    assert all(score == len(text) for score, text in scores(bank, "r").values())


def test_a_program_grades_what_nobody_graded(tmp_path):
    bank = SampleBank.create(tmp_path / "bank")
    with bank.writing() as rows:
        rows.append([
            Sample(problem="p", sample=0, lineage="m", response="it is 4", answer="4"),
            Sample(problem="p", sample=1, lineage="m", response="it is 5", answer="5"),
            Sample(problem="p", sample=2, lineage="m", response="4?", correct=False),
            Sample(problem="p", sample=3, lineage="m", response="crash"),
            Sample(problem="p", sample=4, lineage="m"),
            Sample(problem="p", sample=5, lineage="m", response="4", left_out="400"),
        ])  # fmt: skip
    rules = tmp_path / "rules.py"
    rules.write_text(
        "def right(answer, response):\n"
        "    assert response != 'crash'\n"
        "    return answer in response\n"
    )
    problem = type(SUMS.problems[0])("p", "2+2=", "4")
    ask = by_program(program(f"{rules}:right", 20.0))
    done = judge_again(bank, VerdictSource("correct", ask), {"p": problem}, **OWN)
    assert (done.new, done.had, sum(done.owed.values())) == (2, 1, 3)
    counts = bank.counts()
    assert (counts.solved.tolist(), counts.attempts.tolist()) == ([1], [3])
    assert any("nobody graded it" in note.text for note in counts.notes)


def test_samples_of_a_log_are_scored_with_problems_of_a_file(tmp_path, capsys):
    log, task, bank = tmp_path / "log.csv", tmp_path / "task.jsonl", str(tmp_path / "bank")
    log.write_text("problem,response,correct\na,it is 4,1\na,5,0\nb,44,1\n")
    task.write_text('{"id": "a", "problem": "2+2?", "answer": "4"}\n')
    assert main(["import", str(log), "--as", "samples", "--out", bank]) == 0
    line = ["testtime", "score", bank]
    with rewarding() as url:
        line += ["--reward", f"r={url}"]
        assert main(line) == 2
        assert "give them by --task" in " ".join(capsys.readouterr().err.split())
        page = tmp_path / "page.html"
        assert main([*line, "--task", str(task), "--html", str(page)]) == 0
    said = capsys.readouterr().out
    assert "1 sample has no r: the text of the problem is not known" in said
    assert "mean score, right" in page.read_text()
    assert main(["testtime", "score", bank]) == 2
    assert main(["testtime", "score", bank, "--reward", "r=nowhere", "--task", str(task)]) == 2
    assert main([*line, "--task", str(task), "--batch", "0"]) == 2


def test_a_scorer_in_process_that_gives_another_number_of_scores_is_refused(bank):
    ask = by_scorer("r", lambda prompts, texts: [1.0])
    with pytest.raises(UsageError, match="was sent 24 samples and gave 1"):
        judge_again(bank, VerdictSource("score:r", ask), problems_of(bank, "m"), **OWN)
    assert bank.verifiers == ()


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """Return the folder of a sequence classifier with random weights and one label."""
    pytest.importorskip("torch")
    if importlib.util.find_spec("transformers") is None:
        pytest.skip("needs transformers, the extra hf")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertForSequenceClassification, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("reward")
    vocabulary = {c: i for i, c in enumerate(["<p>", "<u>", *"0123456789+= "])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<u>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<u>", pad_token="<p>", model_max_length=128
    )
    fast.save_pretrained(folder)
    config = BertConfig(
        vocab_size=16, hidden_size=8, intermediate_size=16, num_hidden_layers=1,
        num_attention_heads=2, max_position_embeddings=128, num_labels=1, pad_token_id=0,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_classifier_of_hugging_face_scores_as_it_does_alone(bank, classifier, capsys):
    assert main(command(bank, "--reward", f"r=hf:{classifier}", "--json")) == 0
    from isoflop.experiments.sampling.reward_model import classifier as load

    alone = load(str(classifier))
    prompts = {p.name: p.prompt for p in SUMS.problems}
    for (problem, _), (score, text) in scores(bank, "r").items():
        assert math.isclose(score, alone([prompts[problem]], [text])[0], abs_tol=1e-5)
    assert np.ptp([score for score, _ in scores(bank, "r").values()]) > 0
    capsys.readouterr()
    assert main(command(bank, "--reward", "r=hf:no/such/folder")) in (2, 3)
    assert "cannot load" in " ".join(capsys.readouterr().err.split())


def test_a_server_that_is_busy_for_ever_is_no_reason_to_lose_samples(bank):
    from isoflop.sources.scoring import http_scorer

    with rewarding("503") as url:
        ask = by_scorer("r", http_scorer(url, attempts=2, pause=0.01))
        with pytest.raises(EnvironmentFailure, match="answers 503"):
            judge_again(bank, VerdictSource("score:r", ask), problems_of(bank, "m"), **OWN)
    assert len(bank.load()) == 24
    assert bank.verifiers == ()
