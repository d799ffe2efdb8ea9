"""testtime fit: laws of coverage, which of them forecasts best here, and a forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from isoflop.commands.registry import Option, command
from isoflop.commands.testtime.reading import (
    BankSource,
    Fields,
    Level,
    Lineage,
    Seed,
    Strategy,
    opened,
)
from isoflop.errors import RefusedByData, UsageError, amount
from isoflop.report import Block, Cell, Heading, Note, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.assess.along_k import BakeOff, CoverageFit
    from isoflop.assess.bend import Bend
    from isoflop.samples.sample_table import Counts

FARTHEST = 1e12  # samples a problem, beyond which no forecast is of use


@command("testtime fit", example="isoflop testtime fit sample:bank --to 1000 --draws 50")
def testtime_fit(
    bank: BankSource,
    *,
    to: Annotated[float | None, Option("forecast coverage at this many samples")] = None,
    way: Annotated[tuple[str, ...], Option("of these ways alone, such as log-log", "NAME")] = (),
    repeats: Annotated[int, Option("thinnings of the bank in the backtest", least=1, most=100)] = 4,
    strategy: Strategy = None,
    lineage: Lineage = None,
    columns: Fields = None,
    draws: Annotated[int, Option("draws of problems behind intervals")] = 200,
    level: Level = 0.9,
    seed: Seed = 0,
) -> Report:
    """Fit coverage over samples and forecast it beyond the bank.

    Six ways are fitted to a part of the samples and held against all of them; none is best
    everywhere. The forecast is of the way that did best here. Its interval is of the same
    problems, tried more often, and holds the error that the way made. Says where coverage is no
    power law.
    """
    from isoflop.assess.along_k import WAYS, by_reason, fit_coverage
    from isoflop.assess.along_k import way as named
    from isoflop.assess.bend import bend
    from isoflop.samples.curves import coverage_curve

    if to is not None and to < 1:
        raise UsageError(f"--to is {to:g}; coverage begins at one sample")
    if to is not None and to > FARTHEST:
        raise UsageError(f"--to is {to:g}; forecasts reach {FARTHEST:g} samples a problem at most")
    found = opened(bank, strategy, lineage, columns)
    counts = found.counts()
    ways = [named(name) for name in way] or list(WAYS)
    tested = _tested(counts, ways, repeats, seed)
    order = ways if isinstance(tested, str) else list(tested.order)
    fits: list[CoverageFit] = []
    refused = {} if isinstance(tested, str) else dict(tested.refused)
    for one in order:
        try:
            fits.append(fit_coverage(counts, one, draws=draws, level=level, seed=seed))
        except RefusedByData as reason:
            refused[one.name] = str(reason)
    if not fits:
        raise RefusedByData("; ".join(by_reason(refused)))
    fits = [_with_error(f, tested) for f in fits]
    curve = coverage_curve(counts, draws=draws, level=level, seed=seed)
    return _report(counts, fits, tested, refused, _bend(bend, counts, level, seed), curve, to,
                   (*found.notes, *counts.notes))  # fmt: skip


def _tested(counts: Counts, ways: list[Any], repeats: int, seed: int) -> BakeOff | str:
    from isoflop.assess.along_k import bake_off

    try:
        return bake_off(counts, ways=ways, repeats=repeats, seed=seed)
    except RefusedByData as reason:
        return str(reason)


def _bend(bend: Any, counts: Counts, level: float, seed: int) -> Bend | None:
    try:
        return bend(counts, level=level, seed=seed)  # type: ignore[no-any-return]
    except RefusedByData:
        return None


def _with_error(fit: CoverageFit, tested: BakeOff | str) -> CoverageFit:
    from dataclasses import replace

    if isinstance(tested, str) or not tested.of(fit.way):
        return fit
    errors = [h.error for h in tested.of(fit.way)]
    return replace(fit, error=float(np.sqrt(np.mean(np.square(errors)))))


def _report(
    counts: Counts, fits: list[CoverageFit], tested: BakeOff | str, refused: dict[str, str],
    bent: Bend | None, curve: Any, to: float | None, notes: tuple[str, ...],
) -> Report:  # fmt: skip
    from isoflop.assess.along_k import by_reason
    from isoflop.commands.testtime.pictures import forecast, straightness

    reach, far = counts.reach, max(to or 0.0, 10.0 * counts.reach)
    problems = amount(len(counts.problems), "problem", "problems")
    never = int((counts.solved == 0).sum())
    said = [*notes, *([] if bent is None else bent.notes)]
    if isinstance(tested, str):
        said.append(f"no backtest, so intervals hold the error that laws usually make: {tested}")
    of_ways = [f"{f.way.name}: {text}" for f in fits for text in f.notes]
    chosen = len(fits[0].notes)
    said, others = [*of_ways[:chosen], *said], of_ways[chosen:]
    others += [f"not fitted: {why}" for why in by_reason(refused)]
    blocks: list[Block] = [
        *(Note(text, "doubt") for text in said),
        Paragraph(
            f"{problems} of {amount(reach, 'sample', 'samples')} or more; {never} "
            f"{'is' if never == 1 else 'are'} never solved. At k = {reach:,} coverage is "
            f"{curve.value[-1]:.3f}."
        ),
        _forecast_table(fits, [to] if to else [10.0 * reach, 100.0 * reach]),
        _parameters(fits),
        *([] if isinstance(tested, str) else [_standings(tested)]),
        *(Note(text) for text in others),
        Heading("Figures"),
        forecast(curve, fits, far),
        straightness(curve),
    ]
    best = fits[0]
    data: dict[str, Any] = {
        "problems": len(counts.problems), "samples": reach, "never_solved": never,
        "coverage": float(curve.value[-1]), "level": best.level, "notes": [*said, *others],
        "refused": refused,
        "bend": None if bent is None else {
            "first": bent.slope_first, "last": bent.slope_last, "low": bent.low,
            "high": bent.high, "curved": bent.curved,
        },
        "ways": {f.way.name: _fit_data(f, tested, to) for f in fits},
        "best": best.way.name,
    }  # fmt: skip
    return Report(f"Coverage of {problems} over samples", tuple(blocks), data)


def _forecast_table(fits: list[CoverageFit], at: list[float]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for fit in fits:
        low, high = fit.interval(np.array(at))
        for i, k in enumerate(at):
            value = float(fit.predict(k))
            rows.append((fit.way.name, k, value, float(low[i]), float(high[i]), k / fit.samples))
    return Table(
        ("way", "k", "coverage", "low", "high", "times beyond"), tuple(rows),
        "The way that forecast held-out samples best comes first; believe that one. Intervals are "
        "of these problems, tried k times each; other problems differ as draws of problems do.",
    )  # fmt: skip


def _parameters(fits: list[CoverageFit]) -> Table:
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
        ("way", "parameter", "value", "low", "high", "unit", "is"), tuple(rows),
        "Intervals draw problems anew; those of a line through the points would be far too narrow.",
    )  # fmt: skip


def _unit(unit: str) -> str:
    """Return the unit of a parameter; open laws are of -log coverage [nats] over samples."""
    known = {"y": "nats", "x": "samples"}
    parts = (part.partition("^") for part in unit.split(" * "))
    return " * ".join(known.get(base, base) + sign + power for base, sign, power in parts)


def _standings(tested: BakeOff) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (h.way.name, h.n, h.to, h.rms, h.bias, h.error) for w in tested.order for h in tested.of(w)
    ]
    return Table(
        ("way", "samples seen", "forecast k", "rms error", "bias", "share missed"),
        tuple(rows),
        "Fitted to fewer samples, drawn without replacement, and held against all. Errors are of "
        "coverage; the last is of log(-log coverage), as a share of its change.",
    )  # fmt: skip


def _fit_data(fit: CoverageFit, tested: BakeOff | str, to: float | None) -> dict[str, Any]:
    out: dict[str, Any] = {
        "law": fit.way.law, "to": fit.way.to,
        "parameters": {k: float(v) for k, v in fit.law.values.items()},
        "backtest": [] if isinstance(tested, str) else [
            {"seen": h.n, "to": h.to, "rms": h.rms, "bias": h.bias} for h in tested.of(fit.way)
        ],
    }  # fmt: skip
    if to:
        low, high = fit.interval(to)
        out["forecast"] = {"k": to, "coverage": float(fit.predict(to)), "low": float(low[0]),
                           "high": float(high[0])}  # fmt: skip
    return out
