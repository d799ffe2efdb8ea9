"""What an answer becomes when some of the runs are left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.assess.influence import Answer, Influence, Without
from isoflop.errors import UsageError, texts
from isoflop.pages import shows
from isoflop.pages.answer import answered
from isoflop.quantities import show
from isoflop.report import (
    Axis,
    Block,
    Cell,
    Figure,
    Heading,
    Line,
    Paragraph,
    Points,
    Remark,
    Report,
    Table,
    note_blocks,
)

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.law import Law


SHOWN = 10  # single runs that are listed

FEW = 0.05  # the share of runs that should not decide an answer

SPLIT = "D*/N*"  # tokens per parameter of the best split


MEANING = (
    "Each row is a fit to all runs but those named. An answer that a few runs decide is theirs, "
    "not the study's: look at them, and give the range."
)


@shows(Influence)
def page_of(result: Influence, questions: Mapping[str, Answer] | None = None) -> Report:
    """Return what answers become without some of the runs; `questions` are those beside E, A, ...

    The first of them, or D*/N*, is drawn.
    """
    fit, answers = result.fit, dict(questions or {})
    main = SPLIT if SPLIT in answers else next(iter(answers), fit.free[0])
    blocks: list[Block] = [
        *note_blocks(fit.notes),
        *(verdict(fit, answers, result, main) if fit.draws is not None else ()),
        Paragraph(MEANING),
        *figures(fit, result, main),
        *tables(fit, result, tuple(answers) or fit.free, main),
    ]
    few = (
        result.highest[max(1, int(FEW * len(fit.runs))) - 1 : len(result.highest)] or result.highest
    )
    moved = f", and {show(few[0].answers[main])} without {few[0].left_out}" if few else ""
    words = f"{main} is {show(result.whole[main])} with all {len(fit.runs):,} runs{moved}"
    title = f"What {fit.law.key} hangs on in {len(fit.runs):,} runs of {fit.runs.origin}"
    refused = fit.status == "refused"
    data = as_data(fit, result, main)
    return Report(title, tuple(blocks), data, refused, answered(words, blocks))


def answers(fit: Fit[Any], at: Mapping[str, float]) -> dict[str, Answer]:
    """Return what is asked: the best split at C, or a forecast where the law's inputs are given.

    Raises UsageError for quantities that make neither.
    """
    takes, symbols, rest = fit.binding.takes, {}, dict(at)
    if "C" in at and "C" not in takes and set(takes) == {"N", "D"}:
        symbols = _split(rest.pop("C"))
    if rest:
        if set(rest) != set(takes):
            raise UsageError(
                f"{', '.join(f'--{s}' for s in rest)} is no question to {fit.law.key}: give "
                f"{' and '.join(f'--{s}' for s in takes)} for a forecast"
                + (", --C for the best N and D" if set(takes) == {"N", "D"} else "")
            )
        arguments = fit.binding.arguments(rest)
        symbols[fit.binding.predicts] = lambda law: law(**arguments)
    return symbols


def _split(C: float) -> dict[str, Answer]:
    from isoflop.plan import optimum

    def ratio(law: Law) -> Any:
        split = optimum(law, C)
        return split.D / split.N

    return {
        "N*": lambda law: optimum(law, C).N,
        "D*": lambda law: optimum(law, C).D,
        SPLIT: ratio,
    }


def verdict(
    fit: Fit[Any], questions: Mapping[str, Answer], influence: Influence, main: str
) -> list[Block]:
    """Return whether a twentieth of the runs moves the answer beyond its interval."""
    from isoflop.fitting import quantiles

    assert fit.draws is not None  # the command draws
    draws = questions[main](fit.draws) if main in questions else getattr(fit.draws, main)
    low, high = quantiles(np.asarray(draws).reshape(-1), fit.level)
    few = max(1, int(FEW * len(fit.runs)))
    out = [w for w in (*influence.highest, *influence.single) if len(w.rows) <= few]
    away = [w for w in out if not low <= w.answers[main] <= high]
    values = np.array([w.answers[main] for w in out] or [influence.whole[main]])
    text = (
        f"{main} is {show(influence.whole[main])} with all {len(fit.runs):,} runs ({fit.level:.0%} "
        f"of the draws: {show(low)} to {show(high)}), and {show(float(values.min()))} to "
        f"{show(float(values.max()))} without up to {few} of them"
    )
    groups = (*influence.sizes, *influence.budgets, *influence.families)
    far = [w for w in groups if len(w.rows) > few and not low <= w.answers[main] <= high]
    gone = ", ".join(f"{w.left_out} ({show(w.answers[main])})" for w in far[:4])
    more = f" and {len(far) - 4} more" if len(far) > 4 else ""
    by_group = [
        Remark(
            f"{main} leaves its interval, {show(low)} to {show(high)}, without {gone}{more}: the "
            "answer hangs on that size, budget or family",
            "doubt",
        )
    ]
    if not away:
        words = f"{text}: no few runs decide it"
        return [Remark(words, "info" if far else "good"), *(by_group if far else ())]
    least = min(away, key=lambda w: len(w.rows))
    rows = ", ".join(map(str, least.rows))
    return [
        Remark(
            f"{text}; it leaves its interval without {least.left_out} "
            f"({show(least.answers[main])}): row {rows}. The interval does not hold this",
            "doubt",
        ),
        *(by_group if far else ()),
    ]


def figures(fit: Fit[Any], influence: Influence, main: str) -> list[Figure]:
    """Return how the main answer moves with each run, size or budget left out."""
    axis = Axis(main, "tokens per parameter" if main == SPLIT else "", log=False)
    count = np.arange(len(influence.highest) + 1.0)
    moved = np.array([influence.whole[main], *(w.answers[main] for w in influence.highest)])
    worst = Figure(
        f"{main} as the highest losses are left out",
        Axis("highest losses left out", "runs", log=False),
        axis,
        (
            Line("fit to the rest", count, moved, "rival", group="fit"),
            Points("fit to the rest", count, moved, group="fit"),
        ),
    )
    x_symbol = fit.binding.takes[0]
    alone = np.array([w.answers[main] for w in influence.single])
    hover = tuple(f"{w.left_out}: {main} = {show(w.answers[main])}" for w in influence.single)
    x = fit.runs[x_symbol]
    ends, whole = np.array([x.min(), x.max()]), np.full(2, influence.whole[main])
    single = Figure(
        f"{main} without one run",
        Axis.of(x_symbol),
        axis,
        (
            Line("all runs", ends, whole, "reference"),
            Points("without this run", x, alone, hover=hover, group="runs"),
        ),
        "A point far from the line is a run that the answer hangs on.",
    )
    return [worst, single] if len(influence.highest) else [single]


def tables(fit: Fit[Any], influence: Influence, names: tuple[str, ...], main: str) -> list[Block]:
    """Return what became of the answers, part by part, and of the law without the worst runs."""
    parts = [
        ("Without the highest losses", influence.highest, names),
        ("The law without the highest losses", influence.highest, fit.free),
        ("Without one size", influence.sizes, names),
        ("Without one budget", influence.budgets, names),
        ("Without one family", influence.families, names),
    ]
    if names == fit.free:
        del parts[1]
    blocks: list[Block] = []
    for title, part, columns in parts:
        if part:
            blocks += [Heading(title), _table(influence, part, columns)]
    most = sorted(influence.single, key=lambda w: -abs(influence.moved(main, w)))[:SHOWN]
    caption = f"the {len(most)} runs that move {main} most, of {len(influence.single):,}"
    error: tuple[Cell, ...] = ("standard error of the log", *(influence.error[k] for k in names))
    return [
        *blocks,
        Heading("Without one run"),
        _table(influence, tuple(most), names, caption),
        Table(("jackknife", *names), (error,)),
    ]


def _table(
    influence: Influence, part: tuple[Without, ...], names: tuple[str, ...], caption: str = ""
) -> Table:
    whole: tuple[Cell, ...] = ("nothing", 0, *(influence.whole[k] for k in names))
    rows: list[tuple[Cell, ...]] = [
        (w.left_out, len(w.rows), *(w.answers[k] for k in names)) for w in part
    ]
    return Table(("left out", "runs", *names), (whole, *rows), caption)


def as_data(fit: Fit[Any], influence: Influence, main: str) -> dict[str, Any]:
    """Return influence as JSON types."""

    def listed(part: tuple[Without, ...]) -> list[dict[str, Any]]:
        return [
            {"left_out": w.left_out, "rows": list(w.rows), "answers": numbers(w.answers)}
            for w in part
        ]

    return {
        "law": fit.law.key,
        "status": fit.status,
        "notes": texts(fit.notes),
        "main": main,
        "whole": numbers(influence.whole),
        "highest": listed(influence.highest),
        "sizes": listed(influence.sizes),
        "budgets": listed(influence.budgets),
        "families": listed(influence.families),
        "single": listed(influence.single),
        "jackknife_error": numbers(influence.error),
    }


def numbers(values: Mapping[str, float]) -> dict[str, float | None]:
    """Return numbers as JSON has them: what is not finite is null."""
    return {k: float(v) if np.isfinite(v) else None for k, v in values.items()}
