"""Tasks of reasoning-gym are graded by their own scorers, whatever a model writes."""

from __future__ import annotations

import importlib.util
import json
import time

import pytest
from serving import Serving

from isoflop.cli import main
from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.sampling import gym
from isoflop.experiments.sampling.problems import exercise
from isoflop.samples.bank import SampleBank


def test_what_is_marked_is_the_answer_as_it_stands_there():
    assert gym.answers_in("so <answer>1</answer>, no: <ANSWER> A,B\nC </ANSWER>.") == ("A,B\nC",)
    assert gym.answers_in("thus <answer>7") == ("7",)  # cut off by the limit of tokens
    assert gym.answers_in(r"thus \boxed{0.50}") == ("0.50",)
    assert gym.answers_in("Think.\nIt is 0.50.\n") == ("Think.\nIt is 0.50.", "It is 0.50.", "0.50")
    assert gym.answers_in("") == ("",)
    assert len(gym.answers_in("9" * 10**6)[0]) == gym.LONGEST


def test_settings_of_a_task_follow_its_name():
    assert gym.settings_in("maze") == ("maze", {})
    assert gym.settings_in("dice,sides=4, faces=[1,2],name=a b") == (
        "dice", {"sides": 4, "faces": [1, 2], "name": "a b"}
    )  # fmt: skip


def test_without_reasoning_gym_it_is_said(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    line = ["testtime", "sample", str(tmp_path / "b"), "--task", "gym:maze", "--backend", "http",
            "--url", "http://127.0.0.1:1", "--model", "m"]  # fmt: skip
    assert main(line) == 3
    assert "isoflop[gym]" in capsys.readouterr().err


@pytest.fixture
def installed():
    if importlib.util.find_spec("reasoning_gym") is None:
        pytest.skip("needs reasoning-gym, the extra gym")


def test_a_task_is_sampled_and_graded_by_its_own_scorer(installed, tmp_path, capsys):
    task = "gym:word_ladder,min_word_length=3,max_word_length=3"
    made = exercise(task, 5, seed=1)
    assert exercise(task, 4, seed=1).problems == made.problems[:4]
    assert exercise(task, 5, seed=2).problems != made.problems
    answers = {p.prompt: p.answer for p in made.problems}  # capitals and commas, as they are
    folder = str(tmp_path / "bank")
    with Serving(tmp_path, answers) as server:
        line = ["testtime", "sample", folder, "--backend", "http", "--url", server.url,
                "--model", "m", "--task", task, "--problems", "5", "--samples", "12", "--n", "4",
                "--stop", "\\n", "--seed", "1", "--json"]  # fmt: skip
        assert main(line) == 0
        data = json.loads(capsys.readouterr().out)
        assert (data["new"], data["left_out"]) == (60, {})
        assert main(line) == 0
        assert json.loads(capsys.readouterr().out)["had"] == 60
    columns = ("problem", "response", "correct", "answer")
    rows = [r for t in SampleBank.open(folder).rows.tables(columns, {}) for r in t.to_pylist()]
    right = {p.name: p.answer for p in made.problems}
    for row in rows:
        solved = row["response"].strip() == right[row["problem"]]
        assert row["correct"] == solved
        assert not solved or row["answer"] == right[row["problem"]].lower()
    assert {row["correct"] for row in rows} == {True, False}


def test_a_part_of_the_points_is_not_right_and_is_said(installed):
    made = exercise("gym:countdown,min_numbers=3,max_numbers=3", 2, seed=0)
    problem = made.problems[0]
    assert made.verdict(problem, f"<answer>{problem.answer}</answer>")[1]
    assert made.remarks() == ()
    numbers = problem.prompt.partition("numbers: ")[2].partition(".")[0].replace(", ", " + ")
    assert made.verdict(problem, f"<answer>{numbers} + 0.5</answer>") == (f"{numbers} + 0.5", False)
    assert "1 answers a part of the points" in made.remarks()[0].text


def test_an_answer_that_keeps_the_scorer_busy_is_wrong_and_the_next_is_read(installed, monkeypatch):
    monkeypatch.setattr(gym, "SECONDS", 2.0)
    made = exercise("gym:countdown,min_numbers=3,max_numbers=3", 1, seed=0)
    problem = made.problems[0]
    began = time.monotonic()
    assert made.verdict(problem, "<answer>9**9**9**9</answer>")[1] is False
    assert time.monotonic() - began < 30
    monkeypatch.setattr(gym, "SECONDS", 60.0)
    assert made.verdict(problem, problem.answer)[1] is True


def test_problems_that_ask_the_same_come_once(installed):
    made = exercise("gym:coin_flip,min_trials=3,max_trials=4", 12, seed=0)
    prompts = [p.prompt for p in made.problems]
    assert len(set(prompts)) == len(prompts) < 12
    assert "are the same as others" in made.notes[0].text


def test_what_it_cannot_make_is_said(installed):
    with pytest.raises(UnknownName, match="did you mean 'countdown'"):
        exercise("gym:contdown", 2, 0)
    with pytest.raises(UsageError, match="max_nubers"):
        exercise("gym:countdown,max_nubers=4", 2, 0)
    with pytest.raises(UsageError, match="makes no problems"):
        exercise("gym:composite", 2, 0)
