"""What a page answers at once, what comes later, and what is computed once for all who ask."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("fastapi")

from test_doors import TABLE

from isoflop.errors import UsageError
from isoflop.laws import constants
from isoflop.web import dials, exports
from isoflop.web.answers import Answers
from isoflop.web.computations import Computations, Pending
from isoflop.web.replies import ViewQuestion
from isoflop.web.runs_view import runs_page
from isoflop.web.views import VIEWS
from isoflop.web.workspace import Workspace


@pytest.fixture
def answers(tmp_path, monkeypatch) -> Answers:
    folder, scratch = tmp_path / "served", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    (folder / "runs.csv").write_text(TABLE)
    monkeypatch.chdir(folder)
    return Answers(Workspace(folder.resolve(), scratch.resolve()))


def test_what_ten_ask_at_once_is_computed_once():
    computations, calls, go = Computations(), [], threading.Event()

    def compute():
        calls.append(threading.get_ident())
        go.wait(10)
        return object()

    results = []
    asking = [
        threading.Thread(target=lambda: results.append(computations.result("a", compute, None)))
        for _ in range(10)
    ]
    for thread in asking:
        thread.start()
    with pytest.raises(Pending):
        computations.result("a", compute, 0.01)
    go.set()
    for thread in asking:
        thread.join(10)
    assert len(results) == 10
    assert len(set(map(id, results))) == len(calls) == 1


def test_a_failure_is_told_and_tried_anew():
    computations, calls = Computations(), []

    def fail():
        calls.append(1)
        raise UsageError("no")

    for count in (1, 2):
        with pytest.raises(UsageError, match="no"):
            computations.result("a", fail, None)
        assert len(calls) == count


def test_a_fit_comes_first_without_intervals_and_then_with_them(answers):
    question = ViewQuestion(VIEWS["fit"], "runs.csv", {"law": ["chinchilla"]}, answers)
    first = question.reply(patience=0)
    assert first.pending
    if first.answer is not None:  # a machine that is busy may have neither yet
        assert first.answer.report.data["intervals"]["E"] == [None, None]
        assert "1000 refits" in first.remark
    whole = question.reply()
    assert not whole.pending
    low, high = whole.answer.report.data["intervals"]["E"]
    assert low < whole.answer.report.data["params"]["E"] < high


def test_a_plan_of_which_nothing_is_asked_is_ten_times_beyond_the_runs_and_says_so(answers):
    query = {"law": ["chinchilla"], "draws": ["50"]}
    reply = ViewQuestion(VIEWS["plan"], "runs.csv", query, answers).reply()
    assert reply.answer.report.data["C"]["value"] == pytest.approx(
        float(reply.assumed["C"][0]), rel=1e-6
    )
    lines = reply.answer.shell.splitlines()
    assert lines[0] == "isoflop fit runs.csv --law chinchilla --draws 50 --out fit.json"
    assert lines[1].startswith("isoflop plan fit.json --C ")
    compile(reply.answer.python, "shown", "exec")
    assert 'fit.save("fit.json")' in reply.answer.python


def test_the_law_of_a_plan_is_the_pool_unless_the_address_names_one(answers):
    from isoflop.web.views import fit_texts

    assert fit_texts("runs.csv", {})["law"] == ["pool"]
    assert fit_texts("runs.csv", {"law": ["farseer"]})["law"] == ["farseer"]
    assert "objective" not in fit_texts("runs.csv", {"objective": ["squared"]})
    asked = fit_texts("runs.csv", {"x": ["3"], "where": ["N > 1e6"]})
    assert asked["where"] == ["(N > 1e6) and row != 3"]


def test_leaving_a_run_out_reads_no_file_and_searches_no_law(answers):
    import re

    whole = runs_page(answers, "runs.csv", {})
    assert "left out" not in whole
    (answers.workspace.root / "runs.csv").touch()
    page = runs_page(answers, "runs.csv", {"x": ["4"]})
    assert "What leaving out 1 of 12 runs changes" in page
    assert "isoflop runs show runs.csv --where &#39;row != 4&#39;" in page
    digests = {re.search(r"data (\w{16})", text)[1] for text in (whole, page)}
    assert len(digests) == 2


def test_every_constant_that_can_be_dragged_was_published():
    for keys in dials.OF_FIGURES.values():
        for key in keys:
            assert constants(key).key == key
            for dial in dials.dials({"name": [key]}):
                assert dial.low < dial.high
                assert dial.value == dial.published


def test_a_constant_that_is_dragged_stands_in_the_address_and_in_the_command(answers):
    query = {"name": ["sigmoid/khatri2025-scalerl"], "A": ["0.7"]}
    texts = dials.texts_with({"name": query["name"]}, query)
    answer = answers.ask("laws", texts)
    assert answer.report.data["changed"]["A"] == 0.7
    assert answer.shell == "isoflop laws sigmoid/khatri2025-scalerl --with A=0.7"
    with pytest.raises(UsageError, match="lies between"):
        answers.ask("laws", {**texts, "with_": ["A=-3"]})
    assert exports.response(answer, "svg").status_code == 200


def test_ten_who_open_the_same_runs_wait_for_one_fit(answers, monkeypatch):
    from isoflop import fitting
    from isoflop.web import runs_table

    calls, fit = [], fitting.fit
    monkeypatch.setattr(fitting, "fit", lambda *a, **k: calls.append(a) or fit(*a, **k))
    monkeypatch.setattr(runs_table, "_FITS", Computations())
    runs = answers.workspace.runs("runs.csv", {})
    with ThreadPoolExecutor(10) as pool:
        fits = list(
            pool.map(lambda _: runs_table.quick_fit(runs, "chinchilla", "huber"), range(10))
        )
    assert len(calls) == 1
    assert all(one is fits[0] for one in fits)
