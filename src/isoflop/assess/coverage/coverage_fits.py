"""Every way to fit coverage, the one that forecasts best here first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from isoflop.assess.coverage.curvature import Bend, bend
from isoflop.assess.coverage.extrapolation import (
    WAYS,
    BakeOff,
    CoverageFit,
    CoverageMethod,
    bake_off,
    by_reason,
    fit_coverage,
    way,
)
from isoflop.errors import RefusedByData
from isoflop.report.display import Displayed
from isoflop.samples.curves import SampleCurve, coverage_curve
from isoflop.samples.sample_table import Counts


@dataclass(frozen=True, eq=False)
class CoverageFits(Displayed):
    """Ways fitted to counts, the best in the backtest first, and the coverage as it was measured.

    `tested` may be the reason why there is no backtest; `refused` are ways without a fit. `bend`
    is the curvature in k, None where the counts cannot tell.
    """

    counts: Counts
    fits: tuple[CoverageFit, ...]
    tested: BakeOff | RefusedByData
    refused: Mapping[str, str]
    bend: Bend | None
    curve: SampleCurve

    @property
    def best(self) -> CoverageFit:
        """The way that forecast held-out samples best."""
        return self.fits[0]


def fit_ways(
    counts: Counts,
    ways: Sequence[str] = (),
    *,
    repeats: int = 4,
    draws: int = 200,
    level: float = 0.9,
    seed: int = 0,
) -> CoverageFits:
    """Return coverage over samples fitted in ways by name, all of them unless some are named.

    They are held against all samples from a part of these, `repeats` times; the interval of each
    carries the error that it made there.

    Raises UnknownName for another way, RefusedByData where no way can be fitted.
    """
    methods = [way(name) for name in ways] or list(WAYS)
    tested = _tested(counts, methods, repeats, seed)
    order = methods if isinstance(tested, RefusedByData) else list(tested.order)
    refused = {} if isinstance(tested, RefusedByData) else dict(tested.refused)
    fits: list[CoverageFit] = []
    for one in order:
        try:
            fits.append(fit_coverage(counts, one, draws=draws, level=level, seed=seed))
        except RefusedByData as reason:
            refused[one.name] = str(reason)
    if not fits:
        raise RefusedByData("; ".join(by_reason(refused)))
    return CoverageFits(
        counts=counts,
        fits=tuple(_with_error(fit, tested) for fit in fits),
        tested=tested,
        refused=refused,
        bend=_bend(counts, level, seed),
        curve=coverage_curve(counts, draws=draws, level=level, seed=seed),
    )


def _tested(
    counts: Counts, ways: list[CoverageMethod], repeats: int, seed: int
) -> BakeOff | RefusedByData:
    try:
        return bake_off(counts, ways=ways, repeats=repeats, seed=seed)
    except RefusedByData as reason:
        return reason


def _bend(counts: Counts, level: float, seed: int) -> Bend | None:
    try:
        return bend(counts, level=level, seed=seed)
    except RefusedByData:
        return None


def _with_error(fit: CoverageFit, tested: BakeOff | RefusedByData) -> CoverageFit:
    """Return a fit whose interval carries the error that its way had in the backtest."""
    if isinstance(tested, RefusedByData) or not tested.of(fit.way):
        return fit
    errors = [h.error for h in tested.of(fit.way)]
    return replace(fit, error=float(np.sqrt(np.mean(np.square(errors)))))
