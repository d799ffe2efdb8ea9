"""A forecast that was sealed: what was said, on what it stands, and how to check it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from isoflop.monitor.register import Registered, SealedForecast
from isoflop.pages import shows, tabulates
from isoflop.pages.answer import answered, estimated, times_beyond
from isoflop.quantities import show
from isoflop.report import (
    Axis,
    Band,
    Block,
    Figure,
    Heading,
    Line,
    Paragraph,
    Remark,
    Report,
    Table,
)
from isoflop.report.columns import Columns, records

POINT = ("tokens", "value", "low", "high")  # of a curve


@shows(Registered)
def page_of(entry: Registered) -> Report:
    """Return the page of one sealed forecast, which can be shared."""
    path = entry.path
    blocks: list[Block] = [
        *_notes(entry),
        _values(entry),
        Paragraph(
            f"Registered {entry.time} as number {entry.number} of {path}, by isoflop {entry.code}."
        ),
        Remark(
            f"seal {entry.seal}: publish it before the run. 'isoflop score {path} RUNS --seal "
            f"{entry.seal[:16]}' then shows that nothing up to this forecast was changed; the "
            "time is that of this machine's clock, and only publishing proves it",
        ),
        Heading("What it stands on"),
        *(_basis(f) for f in entry.forecasts),
        *(_curve(f) for f in entry.forecasts if f.curve is not None),
    ]
    if entry.schedule:
        blocks.append(Paragraph(f"Schedule of the run: {entry.schedule}."))
    answer = answered(_answer(entry), blocks)
    return Report(f"Registered: {entry.name}", tuple(blocks), data(entry), answer=answer)


@tabulates(Registered)
def tables_of(entry: Registered) -> dict[str, Columns]:
    """Return the forecasts, and the curve of each that has one."""
    curves = {f.metric: asdict(f.curve) for f in entry.forecasts if f.curve is not None}
    return {
        "forecasts": records(entry.forecasts),
        **{
            f"curve of {metric}": {name: list(curve[name]) for name in POINT}
            for metric, curve in curves.items()
        },
    }


def data(entry: Registered) -> Mapping[str, Any]:
    """Return a sealed forecast as JSON types, as every copy of the register holds it."""
    document = asdict(entry)
    del document["path"]
    return document


def _answer(entry: Registered) -> str:
    forecasts = ", ".join(
        f"{f.metric} {estimated(f)}{times_beyond(f.beyond)}" for f in entry.forecasts
    )
    return f"Sealed as number {entry.number} before the run: {forecasts}"


def _notes(entry: Registered) -> list[Block]:
    texts = dict.fromkeys(text for f in entry.forecasts for text in f.notes)
    return [Remark(text, "doubt") for text in texts]


def _values(entry: Registered) -> Table:
    where = ", ".join(f"{s} = {show(v)}" for s, v in entry.at.items())
    level = entry.forecasts[0].level
    return Table(
        ("metric", "forecast", "low", "high", "unit", "beyond the runs [times]"),
        tuple((f.metric, f.value, f.low, f.high, f.unit, f.beyond) for f in entry.forecasts),
        f"{entry.name} at {where}; {level:.0%} intervals",
    )


def _basis(f: SealedForecast) -> Paragraph:
    numbers = ", ".join(f"{k} = {show(v, 4)}" for k, v in f.parameters.items())
    return Paragraph(
        f"{f.metric}: law {f.law}{f' ({numbers})' if numbers else ''}, fitted to "
        f"{f.runs['count']:,} runs of {f.runs['origin']} (SHA-256 {f.runs['sha256'][:16]}). The "
        f"interval carries {', '.join(f.parts)}."
    )


def _curve(f: SealedForecast) -> Figure:
    curve = f.curve
    assert curve is not None
    x = np.array(curve.tokens)
    return Figure(
        f"{f.metric} against tokens, as registered",
        Axis.of("D"),
        Axis(f.metric, f.unit, log=False),
        (
            Band(f"{f.level:.0%}", x, np.array(curve.low), np.array(curve.high)),
            Line("forecast", x, np.array(curve.value)),
        ),
        f"On this curve {curve.basis}.",
    )
