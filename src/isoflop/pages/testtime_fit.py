"""Laws of coverage, which of them forecasts best here, and a forecast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from isoflop import errors
from isoflop.assess.coverage.coverage_fits import CoverageFits
from isoflop.assess.coverage.extrapolation import BakeOff, CoverageFit, by_reason
from isoflop.errors import Notes, RefusedByData, amount, texts
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimate, times_beyond
from isoflop.report import Block, Cell, Heading, Paragraph, Report, Table, note_blocks


@shows(CoverageFits)
def page_of(result: CoverageFits, to: float | None = None, notes: Notes = ()) -> Report:
    """Return coverage and its forecasts beyond the samples at hand, and at `to` samples.

    `notes` are those of the source of the samples.
    """
    from isoflop.pages.coverage_figures import forecast, straightness

    counts, fits, tested, bent = result.counts, result.fits, result.tested, result.bend
    curve, refused = result.curve, result.refused
    reach, far = counts.reach, max(to or 0.0, 10.0 * counts.reach)
    problems = amount(len(counts.problems), "problem", "problems")
    never = int((counts.solved == 0).sum())
    doubts = [note.of(fits[0].way.name) for note in fits[0].notes]
    doubts += [*notes, *(() if bent is None else bent.notes)]
    if isinstance(tested, RefusedByData):
        text = f"no backtest, so intervals hold the error that laws usually make: {tested}"
        doubts.append(errors.Note("doubt", "backtest", text))
    # What speaks against a method that the forecast does not take is no doubt about the forecast.
    others = [replace(note.of(f.way.name), kind="info") for f in fits[1:] for note in f.notes]
    others += [errors.Note("info", "refused", f"not fitted: {why}") for why in by_reason(refused)]
    blocks: list[Block] = [
        *note_blocks(doubts),
        Paragraph(
            f"{problems} of {amount(reach, 'sample', 'samples')} or more; {never} "
            f"{'is' if never == 1 else 'are'} never solved. At k = {reach:,} coverage is "
            f"{curve.value[-1]:.3f}."
        ),
        _forecast_table(fits, [to] if to else [10.0 * reach, 100.0 * reach]),
        _parameters(fits),
        *([] if isinstance(tested, RefusedByData) else [_standings(tested)]),
        *note_blocks(others),
        Heading("Figures"),
        forecast(curve, fits, far),
        straightness(curve),
    ]
    best = fits[0]
    data: dict[str, Any] = {
        "problems": len(counts.problems),
        "samples": reach,
        "never_solved": never,
        "coverage": float(curve.value[-1]),
        "level": best.level,
        "notes": texts((*doubts, *others)),
        "refused": dict(refused),
        "bend": None
        if bent is None
        else {
            "first": bent.slope_first,
            "last": bent.slope_last,
            "low": bent.low,
            "high": bent.high,
            "curved": bent.curved,
        },
        "ways": {f.way.name: _fit_data(f, tested, to) for f in fits},
        "best": best.way.name,
    }
    answer = answered(_answer(best, to or 10.0 * reach), blocks)
    return Report(f"Coverage of {problems} over samples", tuple(blocks), data, answer=answer)


def _answer(fit: CoverageFit, k: float) -> str:
    """Return the forecast of the best way."""
    low, high = (float(end[0]) for end in fit.interval(k))
    value = estimate(float(fit.predict(k)), low, high)
    samples = amount(int(k), "sample", "samples")
    return (
        f"Coverage {value} at {samples} a problem by {fit.way.name}{times_beyond(k / fit.samples)}"
    )


def _forecast_table(fits: Sequence[CoverageFit], at: list[float]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for fit in fits:
        low, high = fit.interval(np.array(at))
        for i, k in enumerate(at):
            value = float(fit.predict(k))
            rows.append((fit.way.name, k, value, float(low[i]), float(high[i]), k / fit.samples))
    return Table(
        ("way", "k", "coverage", "low", "high", "times beyond"),
        tuple(rows),
        "The way that forecast held-out samples best comes first; believe that one. Intervals are "
        "of these problems, tried k times each; other problems differ as draws of problems do.",
    )


def _parameters(fits: Sequence[CoverageFit]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for fit in fits:
        for name, p in type(fit.law).params.items():
            fixed = name in fit.way.fix
            ends: tuple[Cell, Cell] = (None, None)
            if fit.draws is not None and not fixed:
                tail = (1 - fit.level) / 2
                low, high = np.nanquantile(getattr(fit.draws, name), [tail, 1 - tail])
                ends = (float(low), float(high))
            state = "given" if fixed else "fitted"
            value = float(getattr(fit.law, name))
            rows.append((fit.way.name, name, value, *ends, _unit(p.unit), state))
    return Table(
        ("way", "parameter", "value", "low", "high", "unit", "is"),
        tuple(rows),
        "Intervals draw problems anew; those of a line through the points would be far too narrow.",
    )


def _unit(unit: str) -> str:
    """Return the unit of a parameter; open laws are of -log coverage [nats] over samples."""
    units = {"y": "nats", "x": "samples"}
    parts = (part.partition("^") for part in unit.split(" * "))
    return " * ".join(units.get(base, base) + sign + power for base, sign, power in parts)


def _standings(tested: BakeOff) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (h.way.name, h.n, h.to, h.rms, h.bias, h.error) for w in tested.order for h in tested.of(w)
    ]
    return Table(
        ("way", "samples seen", "forecast k", "rms error", "bias", "share missed"),
        tuple(rows),
        "Fitted to fewer samples, drawn without replacement, and held against all. Errors are of "
        "coverage; the last is of log(-log coverage), as a share of its change.",
    )


def _fit_data(
    fit: CoverageFit, tested: BakeOff | RefusedByData, to: float | None
) -> dict[str, Any]:
    out: dict[str, Any] = {
        "law": fit.way.law,
        "to": fit.way.to,
        "parameters": {k: float(v) for k, v in fit.law.values.items()},
        "backtest": []
        if isinstance(tested, RefusedByData)
        else [{"seen": h.n, "to": h.to, "rms": h.rms, "bias": h.bias} for h in tested.of(fit.way)],
    }
    if to:
        low, high = fit.interval(to)
        out["forecast"] = {
            "k": to,
            "coverage": float(fit.predict(to)),
            "low": float(low[0]),
            "high": float(high[0]),
        }
    return out
