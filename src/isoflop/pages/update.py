"""A fit held against runs that it had not seen, and what they change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import RefusedByData, texts
from isoflop.fitting import Fit
from isoflop.pages.fit import in_units_of
from isoflop.pages.pool import members
from isoflop.quantities import show
from isoflop.report import (
    Axis,
    Band,
    Block,
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
from isoflop.report.display import Displayed

if TYPE_CHECKING:
    from isoflop.forecasting import Forecast, Model
    from isoflop.runs import Runs


SHOWN = 25  # runs in the table of a report; the data hold them all

SURPRISING = 0.05  # a share of runs inside that chance makes rarer than this is remarked upon


@dataclass(frozen=True, slots=True)
class ForecastOutcome(Displayed):
    """A forecast, and what came of it."""

    name: str
    forecast: Forecast
    truth: float

    @property
    def inside(self) -> bool | None:
        """Whether the interval holds the truth; None without an interval."""
        if self.forecast.low is None or self.forecast.high is None:
            return None
        return self.forecast.low <= self.truth <= self.forecast.high

    @property
    def error(self) -> float:
        """The forecast against the truth: 0.01 is one per cent too high."""
        return self.forecast.value / self.truth - 1


def unseen(before: Model, runs: Runs) -> Runs:
    """Return the runs that the fit was not made of, once they are counted as its own are.

    Raises ConventionMismatch, BadRuns for a column that the law needs, RefusedByData for none.
    """
    from isoflop.runs import refuse_clash

    needed = (*before.binding.takes, before.binding.predicts)
    sides = ("the fit", runs.origin)
    refuse_clash(before.conventions, runs.conventions, needed, sides)
    runs.require(before.binding.takes)
    runs.require((before.binding.predicts,), positive=before.kind == "log")
    before_rows = set(zip(*(before.runs[s] for s in needed), strict=True))
    fresh = [row not in before_rows for row in zip(*(runs[s] for s in needed), strict=True)]
    if not any(fresh):
        raise RefusedByData(
            f"all {len(runs):,} runs of {runs.origin} are behind the fit already; "
            "give runs that it has not seen"
        )
    return runs.select(fresh)


def report_of(
    before: Model, after: Model, forecast_outcomes: tuple[ForecastOutcome, ...], names: int
) -> Report:
    """Return what new runs say of a fit and its forecasts."""
    verdict = _verdict(forecast_outcomes, before.level)
    left_out = (
        [Remark(f"{names} runs are behind the fit already, and are left out")] if names else []
    )
    blocks: list[Block] = [
        verdict,
        *note_blocks(after.notes),
        *left_out,
        Heading("Was the forecast right?"),
        _forecasts(before, forecast_outcomes),
        _figure(before, forecast_outcomes),
        Heading("What changes"),
        *_changes(before, after),
        *_split(before, after),
    ]
    title = f"{_name(before)} held against {len(forecast_outcomes):,} new runs"
    return Report(
        title, tuple(blocks), _as_data(before, after, forecast_outcomes), after.status == "refused"
    )


def _name(model: Model) -> str:
    return model.law.key if isinstance(model, Fit) else "the pool"


def _changes(before: Model, after: Model) -> list[Table]:
    """Return what new runs change in the parameters of a law, or in the laws of a pool."""
    if isinstance(before, Fit) and isinstance(after, Fit):
        return [_parameters(before, after)]
    return [members(model) for model in (before, after) if not isinstance(model, Fit)]


def _verdict(forecast_outcomes: tuple[ForecastOutcome, ...], level: float) -> Remark:
    """Return whether as many truths lie inside as should."""
    from scipy.special import bdtr

    errors = np.array([abs(h.error) for h in forecast_outcomes])
    sizes = f"errors are {np.median(errors):.2%} in the middle and {errors.max():.2%} at most"
    inside = _covered(forecast_outcomes)
    if inside is None:
        return Remark(f"the fit has no intervals to be held against; {sizes}")
    text = (
        f"{inside} of {len(forecast_outcomes)} truths lie inside their {level:.0%} intervals; "
        f"{sizes}"
    )
    if float(bdtr(inside, len(forecast_outcomes), level)) < SURPRISING:
        return Remark(
            f"{text}: the intervals were too narrow, or the law has the wrong form", "doubt"
        )
    return Remark(text, "good")


def _covered(forecast_outcomes: tuple[ForecastOutcome, ...]) -> int | None:
    """Return how many intervals hold their truth; None without intervals."""
    return (
        None
        if forecast_outcomes[0].inside is None
        else sum(bool(h.inside) for h in forecast_outcomes)
    )


def _forecasts(before: Model, forecast_outcomes: tuple[ForecastOutcome, ...]) -> Table:
    takes, output = before.binding.takes, before.binding.predicts
    words = {True: "inside", False: "outside", None: "-"}
    rows = tuple(
        (
            h.name,
            *(h.forecast.at[s] for s in takes),
            h.forecast.value,
            h.forecast.low,
            h.forecast.high,
            h.truth,
            100 * h.error,
            h.forecast.beyond,
            words[h.inside],
        )
        for h in forecast_outcomes[:SHOWN]
    )
    columns = ("run", *takes, f"{output} forecast", "low", "high", "truth", "error [%]")
    caption = (
        f"{SHOWN} of {len(forecast_outcomes):,} runs" if len(forecast_outcomes) > SHOWN else ""
    )
    return Table((*columns, "times beyond", "truth is"), rows, caption)


def _figure(before: Model, forecast_outcomes: tuple[ForecastOutcome, ...]) -> Figure:
    """Return forecasts and truths, the furthest last."""
    order = sorted(forecast_outcomes, key=lambda h: h.forecast.beyond or 0)
    rank = np.arange(1, len(order) + 1, dtype=np.float64)
    truth = np.array([h.truth for h in order])
    value, low, high = (
        100 * (np.array([getattr(h.forecast, end) or np.nan for h in order], float) / truth - 1)
        for end in ("value", "low", "high")
    )
    names = tuple(h.name for h in order)
    band = (
        [Band("interval", rank, low, high, group="forecast")]
        if _covered(forecast_outcomes) is not None
        else []
    )
    return Figure(
        "Forecasts against the truth",
        Axis("new runs, from the nearest to the furthest beyond the old ones", "rank", log=False),
        Axis(f"{before.binding.predicts}: above the truth", "%", log=False),
        (
            *band,
            Line("the truth", np.array([1.0, float(rank[-1])]), np.zeros(2), "reference"),
            Points("forecast", rank, value, hover=names, group="forecast"),
        ),
    )


def _parameters(before: Fit[Any], after: Fit[Any]) -> Table:
    rows = tuple(
        (
            name,
            getattr(before.law, name),
            *_ends(before, name),
            getattr(after.law, name),
            *_ends(after, name),
            in_units_of(after, parameter.unit),
        )
        for name, parameter in before.law.params.items()
    )
    columns = ("parameter", "before", "low", "high", "after", "low", "high", "unit")
    return Table(columns, rows, f"{len(before.runs):,} runs before, {len(after.runs):,} after")


def _ends(fit: Fit[Any], name: str) -> tuple[float | None, float | None]:
    """Return the interval of a parameter; None where it is fixed or there are no draws."""
    low, high = fit.interval(name)
    bounded = name not in fit.fixed and np.isfinite([low, high]).all()
    return (low, high) if bounded else (None, None)


def _split(before: Model, after: Model) -> tuple[Block, ...]:
    """Return how the best N and D at the largest budget of the runs have moved."""
    optima = _optima(before, after)
    if optima is None:
        return ()
    rows = tuple(
        (name, *(optima[when][name] for when in ("before", "after"))) for name in ("N", "D", "L")
    )
    ratio = tuple(optima[when]["D"] / optima[when]["N"] for when in ("before", "after"))
    table = Table(("at the optimum", "before", "after"), (*rows, ("D/N", *ratio)))
    return (Paragraph(f"At C = 6ND = {show(optima['C'])} FLOP, the largest of the runs:"), table)


def _optima(before: Model, after: Model) -> dict[str, Any] | None:
    """Return the optimum of both fits at the largest budget; None for a law without one."""
    from isoflop.errors import NoOptimum
    from isoflop.plan import optimum

    if set(before.binding.takes) != {"N", "D"}:
        return None
    C = float((6 * after.runs["N"] * after.runs["D"]).max())
    optima: dict[str, Any] = {"C": C}
    try:
        for when, fit in (("before", before), ("after", after)):
            N, D = (float(np.ravel(value)[0]) for value in optimum(fit.law, C))
            optima[when] = {"N": N, "D": D, "L": float(np.ravel(fit.predict(N=N, D=D))[0])}
    except NoOptimum:
        return None
    return optima


def _as_data(
    before: Model, after: Model, forecast_outcomes: tuple[ForecastOutcome, ...]
) -> dict[str, Any]:
    """Return what was found as JSON types."""
    inside = _covered(forecast_outcomes)
    changes: dict[str, Any] = {}
    if isinstance(before, Fit) and isinstance(after, Fit):
        changes = {
            name: {
                when: {"value": float(getattr(fit.law, name)), "interval": _ends(fit, name)}
                for when, fit in (("before", before), ("after", after))
            }
            for name in before.law.params
        }
    return {
        "law": _name(before),
        "quantity": before.binding.predicts,
        "level": before.level,
        "runs": [
            {
                "run": h.name,
                "at": dict(h.forecast.at),
                "value": h.forecast.value,
                "low": h.forecast.low,
                "high": h.forecast.high,
                "truth": h.truth,
                "inside": h.inside,
                "error": h.error,
                "beyond": h.forecast.beyond,
            }
            for h in forecast_outcomes
        ],
        "covered": None if inside is None else inside / len(forecast_outcomes),
        "params": changes,
        "optimum": _optima(before, after),
        "status": after.status,
        "notes": texts(after.notes),
    }
