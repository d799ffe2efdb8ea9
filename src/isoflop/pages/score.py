"""A register held against runs: each forecast, what is open, and the record over time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from isoflop.errors import amount, texts
from isoflop.monitor.register import Register
from isoflop.monitor.score import Record, RegisterScores, Score
from isoflop.pages import shows, tabulates
from isoflop.pages.answer import answered
from isoflop.report import Block, Heading, Paragraph, Remark, Report, Table, note_blocks
from isoflop.report.columns import Columns

FEW = 10  # scores below which a record says little


@shows(RegisterScores)
def page_of(scores: RegisterScores) -> Report:
    """Return the page of a register's record."""
    book = scores.register
    blocks: list[Block] = [
        *note_blocks(scores.notes),
        *integrity(book),
        _each(scores.scores),
        Heading("The record"),
        _records(scores.records),
    ]
    count = len(scores.scores)
    if count < FEW:
        blocks.insert(
            0,
            Remark(
                f"{amount(count, 'score says', 'scores say')} little: see the coverage's interval",
                "doubt",
            ),
        )
    if scores.open:
        names = ", ".join(entry.name for entry in scores.open)
        blocks.append(Paragraph(f"Not run yet, or not in these runs: {names}."))
    inside = sum(s.is_inside for s in scores.scores)
    title = f"{inside} of {count} inside their intervals"
    answer = answered(_answer(scores.records[0]), blocks)
    return Report(title, tuple(blocks), data(scores), answer=answer)


@tabulates(RegisterScores)
def tables_of(scores: RegisterScores) -> dict[str, Columns]:
    """Return each score, and the record by group."""
    document = data(scores)
    return {name: _columns(document[name]) for name in ("scores", "records")}


def _columns(rows: list[Mapping[str, Any]]) -> Columns:
    return {name: [row[name] for row in rows] for name in rows[0]}


def _answer(record: Record) -> str:
    """Return how many intervals held, what they promised, and how far off forecasts were."""
    low, high = record.coverage.share
    return (
        f"{record.coverage.inside} of {record.coverage.count} intervals hold what was measured "
        f"(share {low:.0%} to {high:.0%}, {record.level:.0%} promised), off by "
        f"{record.rms:.1%} root mean square"
    )


def integrity(book: Register) -> list[Block]:
    """Return whether the register is as it was sealed."""
    contents = book.contents
    if contents.faults:
        return [
            Remark(
                "the register was changed: the lines named above are left out of the record, and "
                "the others can be trusted as far as their seal was published",
                "doubt",
            )
        ]
    count = len(contents.lines)
    if not contents.is_vouched:
        return [
            Remark(
                f"{amount(count, 'line follows', 'lines follow')} on each other; there is no "
                f"{book.path}.seal beside, so nothing shows that none were cut off at the "
                "end, unless --seal gives one that was published",
                "doubt",
            )
        ]
    return [
        Remark(
            f"{amount(count, 'line is as it was', 'lines are as they were')} sealed; the last seal "
            f"is {contents.seal}",
            "good",
        )
    ]


def data(scores: RegisterScores) -> Mapping[str, Any]:
    """Return scores and records as JSON types."""
    contents = scores.register.contents
    return {
        "register": scores.register.path,
        "seal": contents.seal,
        "vouched": contents.is_vouched,
        "faults": [{"line": f.line, "text": f.text} for f in contents.faults],
        "notes": texts(scores.notes),
        "scores": [
            {
                "name": s.entry.name,
                "metric": s.forecast.metric,
                "registered": s.entry.time,
                "law": s.forecast.law,
                "beyond": s.forecast.beyond,
                "forecast": s.forecast.value,
                "low": s.forecast.low,
                "high": s.forecast.high,
                "level": s.forecast.level,
                "measured": s.measured,
                "runs": s.runs,
                "error": s.error,
                "inside": s.is_inside,
                "interval_score": s.interval_score,
            }
            for s in scores.scores
        ],
        "open": [entry.name for entry in scores.open],
        "records": [_plain(record) for record in scores.records],
    }


def _plain(record: Record) -> Mapping[str, Any]:
    return {
        "group": record.group,
        "inside": record.coverage.inside,
        "count": record.coverage.count,
        "coverage": list(record.coverage.share),
        "level": record.level,
        "bias": record.bias,
        "bias_interval": [None if math.isnan(v) else v for v in record.bias_interval],
        "rms": record.rms,
        "width": record.width,
        "interval_score": record.interval_score,
    }


def _each(scores: tuple[Score, ...]) -> Table:
    return Table(
        (
            "run",
            "metric",
            "forecast",
            "low",
            "high",
            "measured",
            "error [%]",
            "inside",
            "beyond",
            "law",
            "registered",
        ),
        tuple(
            (
                s.entry.name,
                s.forecast.metric,
                s.forecast.value,
                s.forecast.low,
                s.forecast.high,
                s.measured,
                100 * s.error,
                "yes" if s.is_inside else "no",
                s.forecast.beyond,
                s.forecast.law,
                s.entry.time[:10],
            )
            for s in scores
        ),
        "Error is the log of measured over forecast; beyond is the distance from the runs [times].",
    )


def _records(records: tuple[Record, ...]) -> Table:
    return Table(
        (
            "of",
            "inside",
            "of",
            "coverage from",
            "to",
            "promised",
            "bias [%]",
            "from",
            "to",
            "RMS error [%]",
            "width [%]",
            "interval score [%]",
        ),
        tuple(
            (
                r.group,
                r.coverage.inside,
                r.coverage.count,
                r.coverage.share.low,
                r.coverage.share.high,
                r.level,
                100 * r.bias,
                _cell(r.bias_interval.low),
                _cell(r.bias_interval.high),
                100 * r.rms,
                100 * r.width,
                100 * r.interval_score,
            )
            for r in records
        ),
        "Coverage and bias with 95% intervals; widths and interval scores in shares of the "
        "forecast, an interval score the lower the better.",
    )


def _cell(share: float) -> float | None:
    return None if math.isnan(share) else 100 * share
