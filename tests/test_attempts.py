"""Rows of one problem with lists of attempts are as many samples as their lists are long."""

from __future__ import annotations

import json

import numpy as np
import pytest

from isoflop.errors import BadRuns
from isoflop.sources.sample_logs import read_samples

GRADES = [[True, False, True], [False, False, False], [True, True, True]]
ANSWERS = [["1", "2", "1"], ["5", "6", "7"], ["3", "3", "3"]]
TARGETS = ["1", "4", "3"]


@pytest.fixture
def save(tmp_path):
    def to(records, name="log.jsonl"):
        path = tmp_path / name
        whole = name.endswith(".json")
        path.write_text(json.dumps(records) if whole else "\n".join(map(json.dumps, records)))
        return str(path)

    return to


def rows(**fields):
    return [
        {name: values[i] for name, values in fields.items()} | {"idx": i}
        for i in range(len(GRADES))
    ]


SHAPES = {
    "LIMO": rows(generated_answers=ANSWERS, gold_answer=TARGETS, is_correct=[True, False, True],
                 answers_correctness=GRADES),
    "monkeys": rows(samples=[[f"it is {a}" for a in own] for own in ANSWERS], gt_answer=TARGETS,
                    is_corrects=GRADES),
    "numbers": rows(responses=ANSWERS, correct=[[int(g) for g in own] for own in GRADES]),
    "words": rows(outputs=ANSWERS, grades=[["pass" if g else "fail" for g in o] for o in GRADES]),
    "search-and-learn": rows(
        completions=[[f"thus \\boxed{{{a}}}" for a in own] for own in ANSWERS], answer=TARGETS,
        scores=[[[0.1, 0.9 if g else 0.2] for g in own] for own in GRADES],
        completion_tokens=[[10, 20, 30]] * 3, pred=["\\boxed{1}"] * 3),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_each_element_of_a_list_is_a_sample(save, shape):
    table = read_samples([save(SHAPES[shape])])
    counts = table.counts()
    assert counts.solved.tolist() == [2, 0, 3]
    assert counts.attempts.tolist() == [3, 3, 3]


def attempts(i):
    """Return the attempts at a problem, each an object."""
    return [{"passed": g, "detail": {"answer": a}}
            for g, a in zip(GRADES[i], ANSWERS[i], strict=True)]  # fmt: skip


DOCUMENTS = {
    "by problem": {f"HumanEval/{i}": attempts(i) for i in range(3)},
    "attempts of a record": [{"id": i, "attempts": attempts(i), "solved": True} for i in range(3)],
    "under a key": {"model": "m", "problems": [
        {"name": "p", "id": i, "runs": attempts(i)} for i in range(3)]},
    "lists by problem": {"results": {f"p{i}": {"correct": GRADES[i]} for i in range(3)}},
}  # fmt: skip


@pytest.mark.parametrize("shape", DOCUMENTS)
def test_attempts_may_be_objects_and_stand_by_problem(save, shape):
    counts = read_samples([save(DOCUMENTS[shape], "log.json")]).counts()
    assert counts.solved.tolist() == [2, 0, 3]
    assert counts.attempts.tolist() == [3, 3, 3]


def test_scores_of_steps_are_those_of_the_last_and_tokens_are_kept(save):
    columns = read_samples([save(SHAPES["search-and-learn"])]).columns
    assert columns["score:scores"][:3] == [0.9, 0.2, 0.9]
    assert columns["tokens"][:3] == [10, 20, 30]


def test_a_summary_beside_a_list_is_refused_as_a_sample(save):
    with pytest.raises(BadRuns, match=r"a summary of the problem, .* no sample"):
        read_samples([save(SHAPES["LIMO"])], {"correct": "is_correct"})
    named = read_samples([save(SHAPES["LIMO"])], {"correct": "answers_correctness"})
    assert named.counts().solved.tolist() == [2, 0, 3]


def test_lists_that_nothing_grades_are_refused(save):
    records = rows(responses=ANSWERS, is_correct=[True, False, True])
    with pytest.raises(BadRuns, match="nothing grades them: name a list of grades"):
        read_samples([save(records)])


def test_lists_that_a_csv_holds_as_text_are_read(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text('id,is_corrects\na,"[True, False]"\nb,"[False, False]"\n')
    assert read_samples([str(path)]).counts().solved.tolist() == [1, 0]


def lm_eval_line(doc, responses, filtered, **more):
    return {"doc_id": doc, "target": TARGETS[doc], "resps": [responses], "filter": "none",
            "filtered_resps": filtered, "exact_match": 0.0, **more}  # fmt: skip


def test_responses_that_a_filter_leaves_out_are_samples_too(save):
    records = [lm_eval_line(i, own, own[:1]) for i, own in enumerate(ANSWERS)]
    table = read_samples([save(records, "samples_sums_2026-01-02T10-00-00.000000.jsonl")])
    assert table.counts().solved.tolist() == [2, 0, 3]
    assert any("one of 3 responses: all 3 are taken" in n.text for n in table.notes)
    voted = [lm_eval_line(i, own, own[:1], filter="maj@3") for i, own in enumerate(ANSWERS)]
    table = read_samples([save(voted, "samples_votes_2026-01-02T10-00-00.000000.jsonl")])
    assert table.counts().attempts.tolist() == [1, 1, 1]
    assert any("the other 2 are left out" in n.text for n in table.notes)


def test_evalplus_is_known_by_its_statuses(save):
    def program(task, base, plus):
        words = {True: "pass", False: "fail"}
        return {"task_id": task, "solution": "...", "base_status": words[base],
                "plus_status": words[plus]}  # fmt: skip

    tasks = {f"HumanEval/{i}": [program(f"HumanEval/{i}", True, g) for g in own]
             for i, own in enumerate(GRADES)}  # fmt: skip
    path = save({"date": "2026-01-02", "hash": "x", "eval": tasks}, "eval_results.json")
    assert read_samples([path]).counts().solved.tolist() == [2, 0, 3]
    base = read_samples([path], {"correct": "base_status"})
    assert np.all(base.counts().solved == 3)
