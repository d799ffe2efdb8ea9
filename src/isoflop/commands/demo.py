"""demo: the main job, for real: sweep, choose a form, forecast a larger run, train it, judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from isoflop.commands.registry import Option, command
from isoflop.errors import UnknownName
from isoflop.pages.demo import (
    PreregisteredForecast,
    as_data,
    backtest_table,
    fits_of,
    forecast_table,
    forecasts_of,
    frontier,
    question,
    trained_of,
    verdict,
)
from isoflop.report import Block, Heading, Paragraph, Report
from isoflop.terminal import say

if TYPE_CHECKING:
    from isoflop.assess import Backtest
    from isoflop.experiments.pretrain.sweep import PointSize
    from isoflop.fitting import Fit
    from isoflop.runs import Runs
    from isoflop.store import Study

PUBLISHED, BUDGET = "chinchilla/besiroglu2024", 5.76e23  # FLOP; what Gopher and Chinchilla cost


@command("demo", example="isoflop demo", minutes=True)
def demo(
    folder: Annotated[str, Option("the study, made or resumed there", "FOLDER")] = "demo",
    *,
    seed: Annotated[int, Option("of the models and of the order of their data", "SEED")] = 0,
    page: Annotated[str, Option("the report with its figures", "FILE")] = "demo.html",
    preset: Annotated[str, Option("size of the sweep: demo, or tiny for a trial of it")] = "demo",
) -> Report:
    """Do the main job on real input, in a few minutes.

    Trains a sweep of small transformers, chooses the form of the law by a backtest inside the
    sweep, forecasts a held-out run of ten times its compute and of a size that it did not hold,
    trains that run, and says how far off the forecast was. Then plans a real budget with a
    published law. Killed anywhere, the same command resumes.
    """
    from isoflop.experiments.pretrain.sweep import PRESETS
    from isoflop.report import html
    from isoflop.store import Study

    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    chosen = PRESETS[preset](seed)
    study = Study.create(folder, {"made by": "isoflop demo"})
    runs = trained_of(study, chosen.sweep, "sweep")
    target = chosen.held_out.sizes(chosen.held_out.shapes[0])[-1]
    test, fits = fits_of(runs)
    forecasts = forecasts_of(study, target, seed, test, fits)
    beyond = trained_of(study, chosen.held_out, "held-out run")
    truth = float(beyond["L"][-1])
    report = _report(
        runs=runs,
        test=test,
        fits=fits,
        forecasts=forecasts,
        target=target,
        truth=truth,
        study=study,
    )
    html.save(report, page)
    say(f"wrote {page}; the study is in {folder}/")
    return report


def _report(
    runs: Runs,
    test: Backtest,
    fits: dict[str, Fit[Any]],
    forecasts: tuple[PreregisteredForecast, ...],
    target: PointSize,
    truth: float,
    study: Study,
) -> Report:
    from isoflop.pages.demo_figures import contours, forecast_picture
    from isoflop.pages.fit_figures import pictures

    chosen = fits[forecasts[0].form]
    law_picture, residuals, *isoflop = pictures(chosen)
    blocks: tuple[Block, ...] = (
        verdict(forecasts[0], truth, chosen),
        question(runs, target),
        backtest_table(test),
        forecast_table(forecasts, truth),
        forecast_picture(runs, fits, forecasts, target, truth),
        *isoflop,
        contours(chosen, target),
        law_picture,
        residuals,
        *frontier(runs, target, truth),
        *_real_budget(),
        Paragraph(
            f"The study, with every run and the forecast as it was written before the held-out "
            f"run was trained, is in {study.path}: 'isoflop fit {study.path} --law generalised' "
            "fits it again."
        ),
    )
    return Report("A forecast, and what came", blocks, as_data(forecasts, target, truth, test))


def _real_budget() -> tuple[Block, ...]:
    """Return the plan of a published law for a budget of the field."""
    from isoflop.laws import constants
    from isoflop.pages.plan import page_of
    from isoflop.plan import spend

    published = constants(PUBLISHED)
    report = page_of(spend(published, BUDGET))
    return (Heading(f"A real budget: {BUDGET:.3g} FLOP, by {PUBLISHED}"), *report.blocks)
