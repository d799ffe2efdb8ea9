"""What public runs say of a law: the fits that the package keeps, in tables and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from isoflop.files import parse_json
from isoflop.pages.law_figures import agreement, by_distance
from isoflop.quantities import show
from isoflop.report import Block, Cell, Heading, Paragraph, Table

if TYPE_CHECKING:
    from isoflop.atlas import FitEvidence, HeldOutFit
    from isoflop.law import Law

DIGITS = 4  # of a fitted number; its interval is wider than the fifth
ESTIMATES = 5  # columns of numbers with intervals that a terminal of 80 columns holds


def on_public_runs(law: type[Law], measured: Sequence[FitEvidence]) -> list[Block]:
    """Return a law's fits to public runs: data, parameters, backtest and pictures."""
    from isoflop.law import OPEN

    blocks: list[Block] = [Heading("On public runs")]
    if not measured:
        columns = ", ".join(s for s in (*law.takes, law.predicts) if s not in OPEN)
        why = f"no public runs at hand that hold {columns}" if columns else "no public runs at hand"
        why = f"Not fitted here: there are {why} and are meant for it."
        return [*blocks, Paragraph(why)]
    blocks += map(_origin, measured)
    blocks += [_fits(measured), _parameters(measured)]
    if any(e.held_out for e in measured):
        blocks.append(_backtest(measured))
    if any(e.notes for e in measured):
        blocks.append(_remarks(measured))
    pictured = next(filter(None, map(agreement, measured)), None)
    return blocks + [figure for figure in (by_distance(measured), pictured) if figure is not None]


def as_data(measured: Sequence[FitEvidence]) -> list[dict[str, Any]]:
    """Return the fits as JSON types."""
    return [parse_json(e.text) for e in measured]


def _origin(fit_evidence: FitEvidence) -> Paragraph:
    return Paragraph(
        f"{fit_evidence.name}: {fit_evidence.source}; licence: {fit_evidence.licence}. Read from "
        f"{fit_evidence.data} with "
        f"{fit_evidence.mapping or 'no options'}."
    )


def _remarks(measured: Sequence[FitEvidence]) -> Table:
    """Return what bears on the fits; it is no doubt about the law, and so no note."""
    rows = tuple((e.name, e.status, "; ".join(e.notes)) for e in measured if e.notes)
    return Table(("data", "status", "what bears on it"), rows)


def _fits(measured: Sequence[FitEvidence]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (e.name, e.runs, e.status, _ranges(e), _error(e, e.rms)) for e in measured
    ]
    return Table(("data", "runs", "status", "fitted on", "rms error"), tuple(rows))


def _parameters(measured: Sequence[FitEvidence]) -> Table:
    rows = {e.name: [_estimate(e, name) for name in e.params] for e in measured}
    words = f"Fitted parameters, with intervals of {measured[0].level:.0%}."
    return either_way(("data", *measured[0].params), rows, ESTIMATES, words)


def either_way(
    columns: Sequence[str], rows: Mapping[str, Sequence[str]], most: int, caption: str = ""
) -> Table:
    """Return a table of rows by name; on its side if it has more columns than `most` and rows."""
    if len(columns) <= max(most, len(rows) + 1):
        named = tuple((name, *cells) for name, cells in rows.items())
        return Table(tuple(columns), named, caption)
    first, *others = columns
    return Table((first, *rows), tuple(zip(others, *rows.values(), strict=True)), caption)


def _backtest(measured: Sequence[FitEvidence]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (e.name, _cut(h), h.train, h.test, show(h.beyond), _error(e, h.rms), _error(e, h.bias))
        for e in measured
        for h in e.held_out
    ]
    return Table(
        ("data", "held out", "fitted", "predicted", "times beyond", "rms error", "bias"),
        tuple(rows),
        "Backtest: fitted to the smaller runs, held against the larger; a bias above zero is a "
        "prediction that is too high.",
    )


def _estimate(fit_evidence: FitEvidence, name: str) -> str:
    estimate = fit_evidence.params[name]
    value = f"{estimate.value:.{DIGITS}g}"
    if estimate.low is None or estimate.high is None:
        return f"{value} (pinned)"
    return f"{value} ({show(estimate.low)} to {show(estimate.high)})"


def _cut(held_out_fit: HeldOutFit) -> str:
    return (
        f"{held_out_fit.axis} over {show(held_out_fit.cut)}"
        if held_out_fit.cut
        else held_out_fit.axis
    )


def _ranges(fit_evidence: FitEvidence) -> str:
    return ", ".join(
        f"{s} {show(low)} to {show(high)}" for s, (low, high) in fit_evidence.ranges.items()
    )


def _error(fit_evidence: FitEvidence, value: float) -> str:
    return f"{100 * value:.3g}%" if fit_evidence.residuals == "log" else f"{value:.3g}"
