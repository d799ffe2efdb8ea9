"""testtime curves: what k samples solve, by every way of choosing among them, from one bank."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from isoflop.commands.inputs import IntervalOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.testtime.bank_options import BankOptions, BankSource, PriceOptions
from isoflop.errors import UsageError
from isoflop.pages.progress import progress
from isoflop.quantities import parse
from isoflop.report import Report
from isoflop.terminal import say

Counts_ = Annotated[tuple[str, ...], Option("samples per problem to look at, such as 100", "K")]
Over = Annotated[
    Literal["samples", "flop", "tokens", "seconds", "dollars"],
    Option("what the samples of a problem are counted in, along the axis and in the table"),
]
AnswerTokens = Annotated[
    int, Option("tokens that a forced answer takes beyond its budget, for s1's control")
]
Points = Annotated[str | None, Option("write the strategies as runs of thinking and R", "CSV")]


@dataclass(frozen=True, slots=True, kw_only=True)
class AxisOptions:
    """What the curves are of, and along what."""

    k: Counts_ = ()
    over: Over = "samples"
    verifier: Annotated[tuple[str, ...], Option("of these verifiers alone", "NAME")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkingOptions:
    """What forced budgets count, and where they are written."""

    answer_tokens: AnswerTokens = 0
    points: Points = None


@command("testtime curves", example="isoflop testtime curves sample:bank --k 1 --k 8 --k 64")
def testtime_curves(
    bank: BankSource,
    *,
    axis: AxisOptions = AxisOptions(),
    price: PriceOptions = PriceOptions(),
    which: BankOptions = BankOptions(),
    thinking: ThinkingOptions = ThinkingOptions(),
    interval: IntervalOptions = IntervalOptions(),
) -> Report:
    """Draw coverage, majority, best of k and weighted votes over k.

    Every k is estimated from all samples, without bias: coverage and best of k exactly, votes
    exactly for few samples and by draws without replacement for more. Intervals draw problems
    anew. Samples without an answer do not vote, and answers that tie share the win. Strategies
    that were run on the same problems stand beside them, and forced budgets with s1's measures.
    """
    from isoflop.pages.testtime_curves import page_of
    from isoflop.plan.sampling.bank_curves import CurveQuestion, bank_curves, save_points

    source = which.read(bank)
    question = CurveQuestion(
        k=sorted({parse(text, "--k") for text in axis.k}) or None,
        over=axis.over,
        prices=price.prices,
        verifiers=axis.verifier,
        answer_tokens=thinking.answer_tokens,
    )
    if source.bank is None and thinking.points:
        raise UsageError("counts state no cost, no tokens and no scores; give the samples")
    with progress("drawing the curves") as watch:
        result = bank_curves(source, question, interval=interval, watch=watch)
    if thinking.points:
        save_points(result.strategies, thinking.points)
        say(f"wrote {thinking.points}")
    return page_of(result)
