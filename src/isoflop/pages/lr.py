"""Learning rate and batch of one model by every rule, and how far the rules disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from isoflop.pages import shows
from isoflop.pages.answer import answered, estimated
from isoflop.pages.learning_rate_figures import against_size, valley
from isoflop.plan.training.learning_rate import RateQuery, RuleAdvice, spread
from isoflop.plan.training.rate_advice import RateAdvice
from isoflop.quantities import show
from isoflop.report import Block, Paragraph, Remark, Report, Table

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.plan.result import Estimate


@shows(RateAdvice)
def page_of(result: RateAdvice) -> Report:
    """Return the learning rate and batch by every rule, and how far the rules disagree."""
    setting, rows, fit = result.query, result.rows, result.surface
    apart = {
        name: {"all": spread(rows, name), "in_range": spread(rows, name, holding=True)}
        for name in ("lr", "batch")
    }
    blocks: list[Block] = [
        *_doubts(rows, fit),
        _table(setting, rows),
        Paragraph(_disagreement(apart)),
        *(Remark(f"{row.name}: {text}") for row in rows for text in row.why),
        Table(("rule", "what to know"), tuple((r.name, r.remark) for r in rows if r.remark)),
        *(against_size(setting, rows, name) for name in ("lr", "batch")),
    ]
    if fit is not None:
        blocks.append(valley(fit, setting, rows, result.within))
    blocks += [Remark(text) for text in _assumed(setting, result.shapes)]
    data = {
        "N": setting.N,
        "D": setting.D,
        "convention": setting.counted,
        "L": setting.L,
        "rules": [_row(r) for r in rows],
        "disagreement": apart,
    }
    answer = answered(_answer(result), blocks)
    return Report("Learning rate and batch, by rule", tuple(blocks), data, answer=answer)


def _answer(result: RateAdvice) -> str:
    """Return the rate of the reader's own surface, or the range of the rules, and the batch."""
    parts = []
    for name, word in (("lr", "learning rate"), ("batch", "batch [tokens]")):
        surface = getattr(result.of_surface, name, None)
        values = [e.value for row in result.rows if (e := getattr(row, name)) is not None]
        if surface is not None:
            parts.append(f"{word} {estimated(surface)} by your own surface")
        elif values:
            parts.append(f"{word} {show(min(values), 2)} to {show(max(values), 2)}")
    rules = f"By {len(result.rows)} rules"
    return f"{rules}, {', '.join(parts)}" if parts else f"{rules}, none says a rate or a batch"


def _doubts(rows: tuple[RuleAdvice, ...], fit: Fit[Any] | None) -> list[Block]:
    """Return what bears on trust: rules that were left, and a fit with doubts."""
    names = [row.name for row in rows if row.outside]
    notes: list[Block] = []
    if names:
        notes.append(
            Remark(f"outside the range of {', '.join(names)}: there they are a guess", "doubt")
        )
    if fit is not None and fit.status != "ok":
        notes.append(Remark(f"the fit of your surface is {fit.status}: {fit.notes[0]}", "doubt"))
    return notes


def _table(setting: RateQuery, rows: tuple[RuleAdvice, ...]) -> Table:
    cells = tuple(
        (
            row.name,
            _cell(row.lr),
            _cell(row.batch),
            None if row.batch is None else show(setting.D / row.batch.value),
            "" if row.N is None else f"{show(row.N)} {row.counted}",
            "; ".join(row.outside) or ("yes" if row.ranges else "not stated"),
        )
        for row in rows
    )
    model = f"N = {show(setting.N)} {setting.counted}, D = {show(setting.D)}"
    loss = "" if setting.L is None else f", L = {setting.L:.4g}"
    columns = ("rule", "lr", "batch [tokens]", "steps", "N as it counts", "in range")
    return Table(columns, cells, f"For {model}{loss}.")


def _cell(estimate: Estimate | None) -> str | None:
    if estimate is None:
        return None
    if estimate.low is None or estimate.high is None:
        return show(estimate.value)
    return f"{show(estimate.value)} ({show(estimate.low)} to {show(estimate.high)})"


def _disagreement(apart: Mapping[str, Mapping[str, float | None]]) -> str:
    parts = []
    for name, word in (("lr", "learning rates"), ("batch", "batches")):
        every, inside = apart[name]["all"], apart[name]["in_range"]
        if every is not None:
            within = "" if inside is None else f", {inside:.2g} among rules in range"
            parts.append(f"{word} by a factor of {every:.2g}{within}")
    return f"The rules differ: {'; '.join(parts)}." if parts else "No two rules say the same thing."


def _assumed(setting: RateQuery, shapes: Mapping[str, float] | None) -> list[str]:
    family = setting.family
    context = "" if family.context is None else f", context {family.context:g}"
    source = "as stated" if shapes else "assumed: state --shapes"
    tables = "tied" if family.tied else "untied"
    return [
        f"counts are converted for models of vocabulary {family.vocabulary:g}, width/layers "
        f"{family.aspect:g}{context}, tables {tables} ({source})",
        "the rule of Bjorck et al. 2024 is left out: its constants as they are quoted give rates "
        "of 1e-11, in units that could not be found",
    ]


def _row(row: RuleAdvice) -> dict[str, Any]:
    return {
        "rule": row.name,
        "lr": _plain(row.lr),
        "batch": _plain(row.batch),
        "N": row.N,
        "convention": row.counted,
        "ranges": {s: list(span) for s, span in row.ranges.items()},
        "outside": list(row.outside),
        "missing": list(row.why),
        "remark": row.remark,
    }


def _plain(estimate: Estimate | None) -> dict[str, float | None] | None:
    if estimate is None:
        return None
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
