"""What the field's rules answer to a budget, beside a plan or on a page of its own."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from isoflop.pages import shows, tabulates
from isoflop.plan.rules import RuleAnswer, RuleComparison
from isoflop.quantities import show
from isoflop.report import Block, Heading, Paragraph, Report, Table, note_blocks
from isoflop.report.columns import Columns, records


@shows(RuleComparison)
def page_of(rules: RuleComparison) -> Report:
    """Return the answers of rules as a page: the law's own first."""
    blocks = (Paragraph(_worst(rules)), *_blocks(rules))
    return Report(f"Rules for {show(rules.C)} FLOP", blocks, _data(rules))


@tabulates(RuleComparison)
def _tables(rules: RuleComparison) -> dict[str, Columns]:
    return {"answers": records([asdict(answer) for answer in rules.answers])}


def with_rules(page: Report, rules: RuleComparison) -> Report:
    """Return the page of a plan with the answers of rules after its numbers."""
    *blocks, picture = page.blocks
    added = (*blocks, Heading("What rules of the field answer"), *_blocks(rules), picture)
    return replace(page, blocks=added, data={**page.data, "rules": _data(rules)["answers"]})


def _blocks(rules: RuleComparison) -> tuple[Block, ...]:
    caption = (
        "Each judged by the law at hand. The share is that of the budget which reaches the same "
        "loss at its own optimum."
    )
    names: tuple[str, ...] = (
        "rule",
        "N",
        "D",
        "tokens per parameter",
        "L",
        "loss above the best",
        "share",
    )
    rows = [[a.rule, a.N, a.D, a.D / a.N, a.L, a.excess, a.share] for a in rules.answers]
    if rules.problem.priced.serving is not None:
        names = (*names, "FLOP over its life")
        rows = [[*row, a.lifetime] for row, a in zip(rows, rules.answers, strict=True)]
    return (Table(names, tuple(map(tuple, rows)), caption), *note_blocks(rules.notes))


def _worst(rules: RuleComparison) -> str:
    optimum, *others = rules.answers

    def waste(answer: RuleAnswer) -> float:
        return 0.0 if answer.share is None else answer.share

    worst = min(others, key=waste)
    return (
        f"Train {show(optimum.N)} parameters on {show(optimum.D)} tokens: loss {optimum.L:.4g}; by "
        f"{worst.rule} the loss is {worst.excess:.2g} higher, which {waste(worst):.0%} of the "
        "budget would reach."
    )


def _data(rules: RuleComparison) -> dict[str, Any]:
    return {"C": rules.C, "answers": [asdict(answer) for answer in rules.answers]}
