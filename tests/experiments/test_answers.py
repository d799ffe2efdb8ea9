"""Equal answers are equal texts, problems are read or refused, and programs judge in time."""

from __future__ import annotations

import asyncio
import json
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import UsageError, texts
from isoflop.experiments.sampling.judges import Judge
from isoflop.experiments.sampling.messages import Drawing, Response, TextProblem
from isoflop.experiments.sampling.problems import Exercise, addition, exact, exercise, from_file
from isoflop.experiments.sampling.program_judge import Program, program
from isoflop.samples.answers import LONGEST, final, normal, number


@pytest.mark.parametrize(
    ("same", "form"),
    [
        (["1/2", "0.5", ".50", r"\frac12", r"$\dfrac{1}{2}$", "50/100", r"\( 1 / 2 \)"], "1/2"),
        (["1234", "1,234", " $1,234.00 ", "1234.", "1.234e3", "+1234", "**1,234**"], "1234"),
        (["-3", "−3", "- 3".replace(" ", ""), "-6/2", r"-\frac{6}{2}"], "-3"),
        (["-2 1/2", "-2.5", "-5/2"], "-5/2"),
        (["0", "-0", "0.000", "0/7"], "0"),
        (["50%", r"50\%", "50"], "50"),
        (["Paris", " paris. ", r"\text{Paris}", "PARIS"], "paris"),
        (["x + 1", r"\left x +  1 \right"], "x + 1"),
    ],
)  # fmt: skip
def test_one_answer_has_one_form(same, form):
    assert {normal(text) for text in same} == {form}


@pytest.mark.parametrize(
    ("one", "other"),
    [("1/2", "2/1"), ("1.5", "15"), ("1,23", "123"), ("1/0", "0"), ("x+1", "x-1"), ("12", "1 2")],
)
def test_different_answers_stay_different(one, other):
    assert normal(one) != normal(other)


def test_no_answer_and_prose_have_no_form():
    assert [normal(t) for t in ("", "  ", ".", "word " * LONGEST)] == [None] * 4


@given(st.text(max_size=60) | st.from_regex(r"[-+$]?[0-9,]{1,9}(\.[0-9]*)?(/[0-9]{1,3})?%?"))
def test_a_normal_form_is_its_own(text):
    form = normal(text)
    assert form is None or normal(form) == form


@given(st.fractions())
def test_every_fraction_is_read_as_itself(value):
    assert number(str(value)) == value
    assert normal(rf"\frac{{{value.numerator}}}{{{value.denominator}}}") == str(value)
    assert final(rf"so it is \boxed{{{value}}}.", numeric=True) == str(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-1e9, max_value=1e9))
def test_every_decimal_is_read_with_and_without_commas(value):
    assert normal(f"{value:,f}") == normal(f"{value:f}") == str(Fraction(value))


@given(st.text(max_size=300), st.booleans())
def test_whatever_a_model_writes_has_a_final_answer_or_none(text, numeric):
    form = final(text, numeric)
    assert form is None or (form and normal(form) == form)
    if numeric and form is not None and "\\boxed" not in text:
        assert number(form) is not None


@pytest.mark.parametrize(
    ("response", "numeric", "form"),
    [
        (" 579", True, "579"),
        ("3 + 4 = 7, and 7 + 5 = 12.", True, "12"),
        ("5-3=2", True, "2"),
        ("It is 1,234 apples", True, "1234"),
        (r"\boxed{1} or rather \boxed{\frac{1}{2}} = 0.5, 7", True, "1/2"),
        ("first 3\n#### 1,000 dollars\n", True, "1000"),
        ("The answer is: **42**. Or 43?", True, "42"),
        ("thinking\nAnswer: Paris.\n", False, "paris"),
        ("thinking\n\n  Paris \n", False, "paris"),
        ("no number", True, None),
        (r"\boxed{", True, None),
        ("", False, None),
    ],
)
def test_the_final_answer_is_found(response, numeric, form):
    assert final(response, numeric) == form


def test_exact_takes_another_way_of_writing_and_nothing_else():
    half = TextProblem("p", "1-0.5=", "0.5")
    assert exact(half, "so 1/2") == ("1/2", True)
    assert exact(half, "so 2") == ("2", False)
    assert exact(half, "no idea") == (None, False)
    assert exact(TextProblem("p", "?"), "anything") == ("anything", None)


def test_sums_are_right_shown_before_and_do_not_change_with_their_number():
    few, many = addition(4, seed=3).problems, addition(300, seed=3).problems
    assert many[:4] == few
    assert len({p.name for p in many}) == 300
    with pytest.raises(UsageError, match="different sums"):
        addition(100_000, seed=3)
    for problem in many:
        *shown, asked = problem.prompt.splitlines()
        assert len(shown) == 4
        assert asked == problem.name.replace("+", " + ") + " ="
        for line in [*shown, asked + problem.answer]:
            terms, total = line.split("=")
            assert sum(map(int, terms.split("+"))) == int(total)


def test_a_file_of_problems_is_read_and_its_bad_lines_are_counted(tmp_path):
    path = tmp_path / "mine.jsonl"
    lines = [
        {"q": "1+1?", "a": 2}, {"q": "", "a": 1}, {"q": "x", "a": [1]}, {"a": 1}, ["q", "a"],
        {"q": "Capital?", "a": "Paris", "id": "fr"}, {"q": "Ungraded", "a": None},
    ]  # fmt: skip
    path.write_text("\n".join([*map(json.dumps, lines), "{half", ""]))
    made = from_file(path, None, {"problem": "q", "answer": "a"})
    assert made.problems == (
        TextProblem("row 1", "1+1?", "2"), TextProblem("fr", "Capital?", "Paris"),
        TextProblem("row 7", "Ungraded"),
    )  # fmt: skip
    assert texts(made.notes) == [
        "5 lines of mine.jsonl are no problems and are left out: rows 2, 3, 4, 5, 8",
    ]
    assert from_file(path, 1, {"problem": "q", "answer": "a"}).problems == made.problems[:1]


@pytest.mark.parametrize(
    ("text", "columns", "words"),
    [
        ('{"problem": "x", "answer": 1}\n' * 2 + '{"problem": "y"}', {"id": "problem"}, "called"),
        ('{"q": 1}', {}, "holds no problems"),
        ("", {}, "holds no problems"),
        ("{}", {"prompt": "q"}, "not 'prompt'"),
    ],
)
def test_a_file_that_holds_no_problems_is_refused(tmp_path, text, columns, words):
    path = tmp_path / "mine.jsonl"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        exercise(str(path), None, 0, columns)


@given(st.binary(max_size=200))
def test_any_file_is_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "any.jsonl"
    path.write_bytes(data)
    with pytest.raises(UsageError):
        from_file(path, None, {})


@given(st.text(max_size=40), st.lists(st.text(min_size=1, max_size=3), max_size=3))
def test_a_response_is_cut_before_the_first_stop(text, stop):
    cut = Drawing(stop=tuple(stop)).cut(text)
    assert text.startswith(cut)
    assert not any(s in cut for s in stop)


RULES = """
import time
def right(answer, response):
    if response == "slow":
        time.sleep(60)
    if response == "broken":
        raise ValueError
    return response == answer
"""


def judged(made: Program, *texts: str):
    problem = TextProblem("p", "?", "yes")
    judge = Judge(Exercise((problem,)), made)
    pairs = [(problem, Response(text)) for text in texts]
    return [v.correct for v in asyncio.run(judge(pairs))], judge.unsure["the program"]


def test_a_function_of_the_users_judges_and_one_that_fails_is_no_verdict(tmp_path):
    path = tmp_path / "rules.py"
    path.write_text(RULES)
    made = program(f"{path}:right", 4.0)
    began = time.monotonic()
    assert judged(made, "yes", "no", "broken", "slow") == ([True, False, None, False], 1)
    assert time.monotonic() - began < 30


def test_a_command_judges_by_its_exit_code_and_leaves_nothing_running(tmp_path):
    mark = tmp_path / "mark"
    text = f"sh -c 'grep -q good || exit 1; (sleep 1; touch {mark}) & exit 0'"
    assert judged(program(text, 5.0), "good", "bad") == ([True, False], 0)
    time.sleep(1.5)
    assert not mark.exists()
    assert judged(program("sh -c 'exit 3'", 5.0), "x") == ([None], 1)
    assert judged(program("yes", 0.3), "x") == ([False], 0)  # endless talk fills nothing


@pytest.mark.parametrize("text", ["no-such-program here", "'unbalanced", ""])
def test_a_program_that_is_not_there_is_refused_before_anything_is_drawn(text):
    with pytest.raises(UsageError):
        program(text, 1.0)
