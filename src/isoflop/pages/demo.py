"""The main job, for real: sweep, choose a form, forecast a larger run, train it, judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import RefusedByData
from isoflop.pages import plan, shows
from isoflop.pages.answer import answered, estimate
from isoflop.pages.demo_figures import contours, forecast_picture
from isoflop.pages.fit_figures import pictures
from isoflop.quantities import show
from isoflop.report import Block, Heading, Paragraph, Remark, Report, Table
from isoflop.studies.pretraining import (
    BUDGET,
    PUBLISHED,
    PreregisteredForecast,
    PretrainingStudy,
    growth,
    ranked,
)

if TYPE_CHECKING:
    from isoflop.assess import Backtest
    from isoflop.experiments.pretrain.sweep import PointSize
    from isoflop.fitting import Fit
    from isoflop.runs import Runs


@shows(PretrainingStudy)
def page_of(study: PretrainingStudy) -> Report:
    """Return a forecast that was written down first, what the run came to, and a real budget."""
    runs, target, truth, forecasts = study.runs, study.target, study.truth, study.forecasts
    law_picture, residuals, *isoflop = pictures(study.chosen)
    blocks: tuple[Block, ...] = (
        verdict(forecasts[0], truth, study.chosen),
        question(runs, target),
        backtest_table(study.test),
        forecast_table(forecasts, truth),
        forecast_picture(runs, study.fits, forecasts, target, truth),
        *isoflop,
        contours(study.chosen, target),
        law_picture,
        residuals,
        *frontier(study),
        Heading(f"A real budget: {BUDGET:.3g} FLOP, by {PUBLISHED}"),
        *plan.page_of(study.plan).blocks,
        Paragraph(
            f"The study, with every run and the forecast as it was written before the held-out "
            f"run was trained, is in {study.path}: 'isoflop fit {study.path} --law generalised' "
            "fits it again."
        ),
    )
    title = "A forecast, and what came"
    answer = answered(_answer(forecasts[0], truth), _outside(study))
    return Report(title, blocks, as_data(forecasts, target, truth), answer=answer)


def _answer(best: PreregisteredForecast, truth: float) -> str:
    """Return the forecast with its interval, and what was measured."""
    value = estimate(best.value, best.low, best.high)
    return f"Loss {value} was forecast, {truth:.4f} measured: off by {best.error(truth):+.1%}"


def _outside(study: PretrainingStudy) -> tuple[Remark, ...]:
    """Return the doubt that the first sentence ends with, where the interval did not hold."""
    if study.forecasts[0].holds(study.truth):
        return ()
    return (Remark("the run lies outside of the interval", "doubt"),)


def verdict(best: PreregisteredForecast, truth: float, chosen: Fit[Any]) -> Remark:
    """Return whether the forecast held what was measured."""
    inside = best.holds(truth)
    text = (
        f"{best.form} forecast {best.value:.4f} ({best.low:.4f} to {best.high:.4f} at "
        f"{chosen.level:.0%}); the run came to {truth:.4f}: off by {best.error(truth):+.1%}, "
        f"{'inside' if inside else 'outside'} the interval"
    )
    return Remark(text, "good" if inside else "doubt")


def question(runs: Runs, target: PointSize) -> Paragraph:
    """Return what the demo asks: the train runs and the run that is forecast."""
    largest = float(runs["C"].max())
    unit = runs.conventions.get("L", "nats/token")
    return Paragraph(
        f"The sweep holds {len(runs)} runs of {np.unique(runs['N']).size} sizes, up to "
        f"{show(largest)} FLOP. Before it was trained, the loss [{unit}] of a model of "
        f"N = {show(target.N)}, which the sweep does not hold, was forecast at "
        f"D = {show(target.D)} tokens: {target.C / largest:.1f} times that compute."
    )


def backtest_table(test: Backtest) -> Table:
    """Return the backtest that chooses among the forms."""
    rows = tuple(
        (
            c.name,
            f"{test.rms(c):.2%}",
            f"{test.bias(c):+.2%}",
            f"{growth(test, c) * np.log(10):.2%}",
        )
        for c in ranked(test)
    )
    return Table(
        ("form", "error, root mean square", "bias", "error at ten times"),
        rows,
        "How the form was chosen: each was fitted to the lower budgets of the sweep and held "
        "against the higher. The last column is what the error grows to, and it enters the band.",
    )


def forecast_table(forecasts: tuple[PreregisteredForecast, ...], truth: float) -> Table:
    """Return what each form forecast beside what was measured."""
    rows = tuple(
        (
            s.form,
            f"{s.value:.4f}",
            f"{s.low:.4f}",
            f"{s.high:.4f}",
            f"{s.error(truth):+.1%}",
            "yes" if s.holds(truth) else "no",
        )
        for s in forecasts
    )
    caption = f"The truth is {truth:.4f}. The first form is the one that the backtest chose."
    return Table(("form", "forecast", "low", "high", "error", "holds the truth"), rows, caption)


def frontier(study: PretrainingStudy) -> tuple[Block, ...]:
    """Return what laws of C alone say, with and without a floor."""
    rows: list[tuple[str, ...]] = []
    for name, f in study.frontier.items():
        if isinstance(f, RefusedByData):
            rows.append((name, "refused", "", "", str(f)))
            continue
        off = f"{f.value / study.truth - 1:+.1%}"
        rows.append((name, f"{f.value:.4f}", f"{f.low:.4f}", f"{f.high:.4f}", off))
    return (
        Heading("The loss of the best size at each budget"),
        Table(
            ("law", "forecast", "low", "high", "against the held-out run"),
            tuple(rows),
            "A power law of C alone says what the best size reaches, not what this size reaches.",
        ),
    )


def as_data(
    forecasts: tuple[PreregisteredForecast, ...], target: PointSize, truth: float
) -> dict[str, Any]:
    """Return the demo as JSON types."""
    chosen = forecasts[0]
    return {
        "at": target._asdict(),
        "truth": truth,
        "chosen": chosen.form,
        "value": chosen.value,
        "low": chosen.low,
        "high": chosen.high,
        "error": chosen.error(truth),
        "inside": chosen.holds(truth),
        "forms": [
            {
                "form": s.form,
                "value": s.value,
                "low": s.low,
                "high": s.high,
                "error": s.error(truth),
                "backtest": s.backtest,
            }
            for s in forecasts
        ],
    }
