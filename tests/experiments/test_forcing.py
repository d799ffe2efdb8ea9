"""Budgets forced on text models: what is put in and where, what is counted, what is refused."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

import pytest
from serving import Serving

from isoflop.cli import main
from isoflop.errors import EnvironmentFailure, UsageError
from isoflop.experiments.sampling.budget_forcing import BudgetForcedBackend, BudgetForcing, remember
from isoflop.experiments.sampling.messages import Answered, Drawing, Request, Response, TextProblem
from isoflop.experiments.sampling.problems import addition
from isoflop.experiments.testtime import TokenBudget
from isoflop.samples.bank import SampleBank

END = "</think>"


@dataclass
class Talker:
    """A model whose tokens are words: it thinks for three of them, and answers after END."""

    drawing: Drawing
    counts: bool = True
    at_once: int = 1
    asked: list[tuple[str, int, int]] = field(default_factory=list)

    def describe(self):
        return {"backend": "talker"}

    def load(self):
        """Need nothing."""

    async def close(self):
        """Hold nothing."""

    async def answer(self, request):
        prompt = request.problem.prompt
        self.asked.append((prompt, self.drawing.most, request.seed))
        words = [" 42"] if prompt.endswith(END) else [" a", " b", " c", END, " 7"]
        if END not in self.drawing.stop and not prompt.endswith(END):
            words = [" a", " b", " c"]
        said = words[: self.drawing.most]
        text = self.drawing.cut("".join(said))
        said = [w for w in said if w in text]
        spent = len(said) if self.counts else None
        one = Response(text, spent, None if spent is None else 2.0 * spent)
        return Answered((one,) * len(request.numbers), 5, 10.0, 0.1)


def forced(budget: TokenBudget, end: str = "", most: int = 16, n: int = 1, counts: bool = True):
    talker = Talker(Drawing(1.0, most, ("\n",)), counts)
    request = Request(TextProblem("p", "Q:"), tuple(range(n)), seed=9)
    found = asyncio.run(
        BudgetForcedBackend(talker, BudgetForcing(budget, " Wait", end)).answer(request)
    )
    return found, talker.asked


def test_an_end_is_suppressed_and_more_is_asked_for():
    found, asked = forced(TokenBudget(again=2))
    (response,) = found.responses
    assert response.text == " a b c Wait a b c Wait a b c"
    assert (response.tokens, response.flop) == (9, 18.0)
    assert [prompt for prompt, *_ in asked] == ["Q:", "Q: a b c Wait", "Q: a b c Wait a b c Wait"]
    assert len({seed for *_, seed in asked}) == 3


def test_thinking_is_cut_off_and_the_answer_follows():
    found, asked = forced(TokenBudget(tokens=2), END)
    assert found.responses[0].text == f" a b{END} 42"
    assert found.responses[0].tokens == 3
    assert [(prompt, most) for prompt, most, _ in asked] == [("Q:", 2), (f"Q: a b{END}", 16)]


def test_thinking_that_ends_by_itself_is_gone_on_with_as_far_as_the_limit():
    found, asked = forced(TokenBudget(again=5, tokens=5), END)
    assert found.responses[0].text == f" a b c Wait a b{END} 42"
    assert [most for _, most, _ in asked] == [5, 2, 16]


def test_what_was_cut_off_has_no_end_to_suppress():
    found, asked = forced(TokenBudget(again=2), most=2)
    assert found.responses[0].text == " a b"
    assert len(asked) == 1


def test_an_attempt_cut_off_by_its_limit_is_not_filed_as_forced():
    found, _ = forced(TokenBudget(again=2), most=2)
    assert "before its end could be suppressed" in found.responses[0].left_out
    found, _ = forced(TokenBudget(again=2), most=16)
    assert not found.responses[0].left_out
    found, _ = forced(TokenBudget(again=5, tokens=5), END)  # the limit of thinking is a forced one
    assert not found.responses[0].left_out


def test_the_answer_is_asked_for_behind_the_end_of_thinking():
    talker = Talker(Drawing(1.0, 16, ("\n",)))
    forcing = BudgetForcing(TokenBudget(tokens=2), "Wait", END, " Final Answer:")
    request = Request(TextProblem("p", "Q:"), (0,), seed=9)
    found = asyncio.run(BudgetForcedBackend(talker, forcing).answer(request))
    assert found.responses[0].text.startswith(f" a b{END} Final Answer:")
    assert [prompt for prompt, *_ in talker.asked][1] == f"Q: a b{END} Final Answer:"
    with pytest.raises(UsageError, match="end of thinking"):
        BudgetForcing(TokenBudget(again=1), "Wait", "", "Final Answer:")


def test_another_text_before_the_answer_is_another_way_of_sampling(tmp_path):
    bank = SampleBank.create(tmp_path / "bank")
    remember(bank, "m", BudgetForcing(TokenBudget(tokens=2), "Wait", END, "A:"))
    with pytest.raises(UsageError, match="other texts"):
        remember(bank, "m", BudgetForcing(TokenBudget(tokens=2), "Wait", END, "B:"))


def test_responses_begin_together_and_go_on_apart():
    found, asked = forced(TokenBudget(again=1), n=3)
    assert [r.tokens for r in found.responses] == [6, 6, 6]
    assert len(asked) == 4
    assert len({seed for *_, seed in asked}) == 4
    assert (found.prompt_tokens, found.prompt_flop) == (5, 10.0)


def test_without_counts_nothing_is_made_up():
    found, _ = forced(TokenBudget(again=1), counts=False)
    assert found.responses[0].tokens is found.responses[0].flop is None
    with pytest.raises(EnvironmentFailure, match="counts no tokens"):
        forced(TokenBudget(again=1, tokens=8), END, counts=False)


@pytest.mark.parametrize(
    ("budget", "more", "end", "words"),
    [
        (TokenBudget(again=1), "", "", "must be put in"),
        (TokenBudget(tokens=8), "Wait", "", "ends thinking"),
        (TokenBudget(tokens=0), "Wait", END, "one at least"),
    ],
)
def test_a_budget_that_cannot_be_forced_is_refused(budget, more, end, words):
    with pytest.raises(UsageError, match=words):
        BudgetForcing(budget, more, end)


def test_other_texts_are_another_way_of_sampling(tmp_path):
    bank = SampleBank.create(tmp_path / "bank")
    remember(bank, "m", BudgetForcing(TokenBudget(again=1), "Wait"))
    remember(bank, "m", BudgetForcing(TokenBudget(again=1), "Wait"))
    remember(bank, "m", BudgetForcing(TokenBudget(again=2), "Hmm"))
    with pytest.raises(UsageError, match="other texts"):
        remember(bank, "m", BudgetForcing(TokenBudget(again=1), "Hmm"))


def test_the_command_forces_a_server_and_the_curves_show_it(tmp_path, capsys):
    bank, sums = str(tmp_path / "bank"), addition(3, seed=0)
    with Serving(tmp_path, {p.prompt: p.answer for p in sums.problems}) as server:
        line = [
            "testtime", "sample", bank, "--backend", "http", "--url", server.url, "--model", "m",
            "--task", "addition", "--problems", "3", "--samples", "4", "--params", "1e6", "--json",
        ]  # fmt: skip
        forced = [*line, "--again", "2", "--again-text", r" ,\n"]
        assert main(line) == 0
        capsys.readouterr()
        for new in (12, 0):
            assert main(forced) == 0
            data = json.loads(capsys.readouterr().out)
            assert (data["strategy"], data["new"]) == ("budget/again=2", new)
        asked = [r["body"]["prompt"] for r in server.seen]
        assert sum(prompt.endswith(" ,\n") for prompt in asked) == 24
        assert len(asked) == 3 + 3 + 24
        assert main([*line, "--again", "2", "--again-text", "Hmm"]) == 2
    assert "other texts" in capsys.readouterr().err
    samples = SampleBank.open(bank).load("budget/again=2")
    assert (samples.cost["tokens"] == 12).all()
    assert (samples.cost["flop"] == 2e6 * 12).all()
    assert main(["testtime", "curves", bank, "--draws", "20"]) == 0
    assert "budget/again=2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--api", "chat", "--again", "1"], "--api completions"),
        (["--limit", "8"], "ends thinking"),
        (["--end", "</think>"], "--end is for"),
    ],
)
def test_forcing_that_cannot_be_is_said_in_a_line(tmp_path, capsys, more, words):
    line = ["testtime", "sample", str(tmp_path / "b"), "--backend", "http", "--model", "m", "--url",
            "http://127.0.0.1:9/v1", "--task", "addition"]  # fmt: skip
    assert main([*line, *more]) == 2
    assert words in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "b").exists()
