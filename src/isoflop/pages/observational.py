"""The answer of observe: doubts, capabilities, families, the hold-out and the forecast."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.observational.benchmark_forecast import BenchmarkForecast
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimate, times_beyond
from isoflop.quantities import show
from isoflop.report import Block, Cell, Heading, Paragraph, Remark, Report, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.observational import (
        Capabilities,
        FamilyForecast,
        FamilyLine,
        Models,
        ObservationalBacktest,
        Observed,
    )
    from isoflop.runs import Runs

MOST_LISTED = 15  # models of a hold-out that the terminal shows
FURTHEST = 1000.0  # times the compute of its largest model that a family may be carried
WIDE = 0.1  # by how much a hold-out may fall short of a level before it is said aloud
AUDITED = ("names", "published models", "compute")  # checks of the cells of public models


@shows(BenchmarkForecast)
def page_of(answer: BenchmarkForecast) -> Report:
    """Return the page: what bears on trust, the forecast, the tables and the pictures."""
    from isoflop.pages.observational_figures import capability_by_compute, score_by_index

    fit, test, forecast = answer.fit, answer.test, answer.forecast
    placed, _ = answer.lines
    blocks: list[Block] = [
        *_notes(answer),
        *(_honest(test) if test else []),
        *([_forecast(fit.task, forecast)] if forecast else []),
        _loadings(fit.capabilities),
        _lines(placed, fit.level),
        *(_tested(test) if test else []),
        *_equivalents(fit, answer.models, answer.family),
        Heading("Pictures"),
        capability_by_compute(answer.models, fit, placed, answer.family),
        score_by_index(fit, test, forecast),
    ]
    title = f"{fit.task} from {', '.join(fit.capabilities.benchmarks)}"
    return Report(title, tuple(blocks), _data(answer), answer=answered(_answer(answer), blocks))


def _answer(answer: BenchmarkForecast) -> str:
    """Return the forecast of the family, else how far off the hold-out was."""
    forecast, test = answer.forecast, answer.test
    if forecast is not None:
        score = estimate(forecast.score, forecast.low, forecast.high)
        where = f"{forecast.family.name} at {show(forecast.C)} FLOP"
        return f"{answer.fit.task} of {where}: {score}{times_beyond(forecast.beyond)}"
    if test is not None:
        off = f"rms {100 * test.rms:.1f} points on {len(test.truth)} larger models"
        return f"{answer.fit.task} is forecast from {len(test.fit.models)} models: {off}"
    count = len(answer.fit.models)
    return f"{answer.fit.task} follows from capabilities of {count} models; nothing was held out"


def _notes(answer: BenchmarkForecast) -> list[Block]:
    fit, models = answer.fit, answer.models
    notes: list[Block] = [*note_blocks(answer.runs.doubts), *_distance(answer)]
    if fit.task in fit.capabilities.benchmarks:
        notes.append(
            Remark(
                f"{fit.task} is among the inputs: its own scores predict it (leakage), and no "
                "hold-out below shows what a forecast would miss; leave it out of --inputs",
                "doubt",
            )
        )
    notes += _cells(answer.runs)
    if other := [n for n in answer.runs.unread if n not in {*models.benchmarks, fit.task}]:
        notes.append(Remark(f"columns that are not used: {', '.join(other)}"))
    if few := answer.lines[1]:
        listed = ", ".join(f"{f.name} ({f.count})" for f in few[:8])
        more = f" and {len(few) - 8} more" if len(few) > 8 else ""
        notes.append(
            Remark(
                f"no line through families of fewer than three models of known C: {listed}{more}"
            )
        )
    if gone := int(np.isnan(models.C).sum()):
        notes.append(Remark(f"{gone} models have no known compute: no line, no side of a cutoff"))
    if fit.capabilities.imputed:
        notes.append(
            Remark(f"{fit.capabilities.imputed} missing scores imputed by the first component")
        )
    if fit.law.ceiling == 1:
        notes.append(Remark("the score is taken to rise to 1 in the end (--ceiling)"))
    return notes


def _distance(answer: BenchmarkForecast) -> list[Block]:
    """Return a doubt where a family is carried too far for its line to mean anything."""
    forecast = answer.forecast
    if forecast is None or forecast.beyond <= FURTHEST:
        return []
    text = (
        f"{show(forecast.C)} FLOP lies {show(forecast.beyond)} times beyond the largest model of "
        f"{forecast.family.name}, at {show(forecast.family.C[1])} FLOP: no line holds that "
        "far; ask nearer, or look at the unit of C"
    )
    return [Remark(text, "doubt")]


def _cells(runs: Runs) -> list[Block]:
    """Return doubts about cells that contradict the names of models, or what was published."""
    from isoflop.assess import audit
    from isoflop.runs.cells import name_rows

    # Notes say how C was made: here from a column of its own in another unit, so it can be checked.
    return [
        Remark(f"{f.says}: {name_rows(np.array(f.rows))}, used as they are", "doubt")
        for f in audit(replace(runs, notes=())).findings
        if f.check in AUDITED and f.verdict in ("warn", "fail")
    ]


def _honest(test: ObservationalBacktest) -> list[Block]:
    """Return a doubt where intervals held much less of what was held out than they promised."""
    level, inside = test.fit.level, test.inside
    if inside is None or inside > level - WIDE:
        return []
    return [
        Remark(
            f"intervals of {level:.0%} held {inside:.0%} of the models beyond the cutoff: they "
            "carry the scatter of models and of the fit, not the chance that its form is wrong",
            "doubt",
        )
    ]


def _forecast(target: str, forecast: FamilyForecast) -> Paragraph:
    far = f", {show(forecast.beyond)} times beyond its largest model" if forecast.beyond > 1 else ""
    return Paragraph(
        f"{forecast.family.name} at {show(forecast.C)} FLOP{far}: {target} of {forecast.score:.3g} "
        f"({forecast.low:.3g} to {forecast.high:.3g})."
    )


def _loadings(capabilities: Capabilities) -> Table:
    count = min(5, len(capabilities.share))
    rows: list[tuple[Cell, ...]] = [
        (name, *(float(v) for v in capabilities.axes[:count, i]))
        for i, name in enumerate(capabilities.benchmarks)
    ]
    rows.append(("explains, together", *(f"{v:.1%}" for v in capabilities.cumulative[:count])))
    return Table(
        ("benchmark", *(f"PC{i + 1}" for i in range(count))),
        tuple(rows),
        "Principal capabilities: how much of each benchmark an axis holds.",
    )


def _lines(family_lines: tuple[FamilyLine, ...], level: float) -> Table:
    rows = tuple((f.name, f.count, f.slope, f.low, f.high, f.r2) for f in family_lines)
    return Table(
        ("family", "models", "PC1 per decade of C", "low", "high", "R2"),
        rows,
        f"Capability against compute, family by family; intervals of {level:.0%}.",
    )


def _tested(test: ObservationalBacktest) -> list[Block]:
    assert test.low is not None
    assert test.high is not None
    assert test.inside is not None
    order = np.argsort(-test.models.C)[:MOST_LISTED]
    rows = tuple(
        (
            str(test.models.names[i]),
            float(test.models.C[i]),
            float(test.truth[i]),
            float(test.predicted[i]),
            float(test.low[i]),
            float(test.high[i]),
        )
        for i in order
    )
    better = "beats" if test.rms < test.rms_by_compute else "does not beat"
    return [
        Heading(f"Held out: models beyond {show(test.cutoff)} FLOP"),
        Paragraph(
            f"Fitted to {len(test.fit.models)} models, held against {len(test.truth)}: rms error "
            f"{100 * test.rms:.1f} points, {test.inside:.0%} inside intervals of "
            f"{test.fit.level:.0%}. A sigmoid of compute alone misses by "
            f"{100 * test.rms_by_compute:.1f} points: capability {better} it."
        ),
        Table(("model", "C [FLOP]", "score", "predicted", "low", "high"), rows, "Largest first."),
    ]


def _equivalents(fit: Observed, models: Models, name: str | None) -> list[Block]:
    """Return what compute one family would need for the models of the fit, if one is named."""
    from isoflop.observational import line_of

    if name is None:
        return []
    index, mine = fit.index(models), line_of(fit, models, name)
    if mine.slope <= 0:
        return [Remark(f"{name} does not gain on {fit.task} with compute: no equivalent", "doubt")]
    order = np.argsort(-index)[:MOST_LISTED]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            str(models.names[i]),
            float(models.C[i]) if np.isfinite(models.C[i]) else None,
            float(mine.equivalent(index[i])),
        )
        for i in order
    )
    return [
        Table(
            ("model", "C [FLOP]", f"{name}-equivalent C [FLOP]"),
            rows,
            f"The compute at which {name} would be as capable of {fit.task}; the most capable "
            "models.",
        )
    ]


def _data(answer: BenchmarkForecast) -> dict[str, Any]:
    fit, test, forecast = answer.fit, answer.test, answer.forecast
    placed, few = answer.lines
    caps = fit.capabilities
    return {
        "target": fit.task,
        "inputs": list(caps.benchmarks),
        "kept": fit.n_components,
        "explained": caps.cumulative.tolist(),
        "loadings": {b: caps.axes[:, i].tolist() for i, b in enumerate(caps.benchmarks)},
        "imputed": caps.imputed,
        "sigmoid": {
            "weights": fit.law.weights.tolist(),
            "shift": float(fit.law.shift),
            "floor": float(fit.law.floor),
            "ceiling": fit.law.ceiling,
        },
        "families": [
            {
                "family": f.name,
                "models": f.count,
                "slope": f.slope,
                "low": f.low,
                "high": f.high,
                "r2": f.r2,
            }
            for f in placed
        ],
        "refused_families": {f.name: f.count for f in few},
        "held_out": None
        if test is None
        else {
            "cutoff": test.cutoff,
            "fitted": len(test.fit.models),
            "models": len(test.truth),
            "rms": test.rms,
            "rms_by_compute": test.rms_by_compute,
            "inside": test.inside,
        },
        "forecast": None
        if forecast is None
        else {
            "family": forecast.family.name,
            "C": forecast.C,
            "score": forecast.score,
            "low": forecast.low,
            "high": forecast.high,
            "level": fit.level,
        },
    }
