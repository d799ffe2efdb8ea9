"""demo: the main job, for real: sweep, choose a form, forecast a larger run, train it, judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from isoflop.commands.registry import Option, command, say
from isoflop.errors import UnknownName
from isoflop.quantities import show
from isoflop.report import Block, Heading, Note, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.assess import Backtest, Candidate
    from isoflop.experiments.pretrain.sweep import Pretrain, Size
    from isoflop.fitting import Fit
    from isoflop.runs import Runs
    from isoflop.store import Study

FORMS = ("chinchilla", "kaplan-joint", "generalised")
PUBLISHED, BUDGET = "chinchilla/besiroglu2024", 5.76e23  # FLOP; what Gopher and Chinchilla cost
DRAWS = 1000
SEEN = (0.5, 0.7)  # shares of the runs that a split of the backtest sees


@dataclass(frozen=True)
class Said:
    """What one form said of the held-out run, before it was trained."""

    form: str
    value: float
    low: float
    high: float
    backtest: float
    growth: float  # of its error, per factor e beyond the runs

    def error(self, truth: float) -> float:
        """Return the relative error of the forecast."""
        return self.value / truth - 1


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
    runs = _trained(study, chosen.sweep, "sweep")
    target = chosen.held_out.sizes(chosen.held_out.shapes[0])[-1]
    test, fits = _fits(runs)
    said = _forecasts(study, target, seed, test, fits)
    beyond = _trained(study, chosen.held_out, "held-out run")
    truth = float(beyond["L"][-1])
    report = _report(runs, test, fits, said, target, truth, study)
    html.save(report, page)
    say(f"wrote {page}; the study is in {folder}/")
    return report


def _trained(study: Study, experiment: Pretrain, title: str) -> Runs:
    """Return the runs of an experiment, trained now as far as they are not there yet."""
    from isoflop.errors import EnvironmentFailure
    from isoflop.experiments.display import shown
    from isoflop.experiments.engine import run
    from isoflop.sources import read

    trials = experiment.trials()
    with shown(title) as watch:
        ended = run(trials, study, watch=watch)
    if ended.failed:
        first = ended.failed[0]
        raise EnvironmentFailure(
            f"{len(ended.failed)} of {len(trials)} trials failed; {first.trial.name} said: "
            f"{first.said.strip()[-400:]}; run the same command to try again"
        )
    runs = read(study.path)
    sizes = [size.N for shape in experiment.shapes for size in experiment.sizes(shape)]
    seeds = [str(seed) for seed in experiment.seeds]
    return runs[np.isin(runs["N"], sizes) & np.isin(runs.labels["seed"], seeds)]


def _candidates() -> tuple[Candidate, ...]:
    from isoflop.assess import Candidate
    from isoflop.laws import form

    return tuple(Candidate(form(law).key, fix) for law in FORMS for fix in ({}, {"E": 0.0}))


def _fits(runs: Runs) -> tuple[Backtest, dict[str, Fit[Any]]]:
    """Return the backtest of every form inside the sweep, and every form fitted to all of it."""
    from isoflop.assess import backtest
    from isoflop.fitting import fit

    cuts = np.quantile(runs["C"], SEEN, method="lower")
    test = backtest(_candidates(), runs, cuts=cuts.tolist())
    fits = {c.name: fit(c.law, runs, fix=c.fix, draws=DRAWS) for c in ranked(test)}
    return test, fits


def ranked(test: Backtest) -> list[Candidate]:
    """Return the forms by their error, to a hundredth of a per cent; of equals the simpler."""
    return sorted(test.candidates, key=lambda c: (round(test.rms(c), 4), -len(c.fix)))


def growth(test: Backtest, candidate: Candidate) -> float:
    """Return how a form's error grows per factor e beyond the runs, their noise taken off."""
    from isoflop.assess import calibrate

    return calibrate.growth([calibrate.said(held) for held in test.of(candidate)])


def _forecasts(
    study: Study, target: Size, seed: int, test: Backtest, fits: dict[str, Fit[Any]]
) -> tuple[Said, ...]:
    """Return what each form says of the target, the chosen one first; refused fits say nothing.

    It is written into the study before the target is trained, and read from there ever after: a
    forecast that could change once the truth is known would be none.
    """
    from isoflop.forecasting import forecast

    kind, name = "forecast", f"N = {target.N}, D = {target.D}, seed {seed}"
    kept = {d.name: d for d in study.documents(kind)}
    if name not in kept:
        rows: list[list[str | float | None]] = []
        sound = [c for c in ranked(test) if fits[c.name].status != "refused"]
        for c in sound or ranked(test):  # without a sound one the forecast says why
            grows = growth(test, c)
            made = forecast(fits[c.name], growth=grows, N=target.N, D=target.D)
            rows.append([c.name, made.value, made.low, made.high, test.rms(c), grows])
        study.put(kind, name, {"at": target._asdict(), "forms": rows})
    body: Any = study.get(kind, name).body
    return tuple(Said(*row) for row in body["forms"])


def _report(
    runs: Runs,
    test: Backtest,
    fits: dict[str, Fit[Any]],
    said: tuple[Said, ...],
    target: Size,
    truth: float,
    study: Study,
) -> Report:
    from isoflop.commands.demo_pictures import contours, forecast_picture
    from isoflop.commands.pictures import pictures

    chosen = fits[said[0].form]
    law_picture, residuals, *isoflop = pictures(chosen)
    blocks: tuple[Block, ...] = (
        _verdict(said[0], truth, chosen),
        _question(runs, target),
        _backtest_table(test),
        _forecast_table(said, truth),
        forecast_picture(runs, fits, said, target, truth),
        *isoflop,
        contours(chosen, target),
        law_picture,
        residuals,
        *_frontier(runs, target, truth),
        *_real_budget(),
        Paragraph(
            f"The study, with every run and the forecast as it was written before the held-out "
            f"run was trained, is in {study.path}: 'isoflop fit {study.path} --law generalised' "
            "fits it again."
        ),
    )
    return Report("A forecast, and what came", blocks, _data(said, target, truth, test))


def _verdict(best: Said, truth: float, chosen: Fit[Any]) -> Note:
    inside = best.low <= truth <= best.high
    text = (
        f"{best.form} forecast {best.value:.4f} ({best.low:.4f} to {best.high:.4f} at "
        f"{chosen.level:.0%}); the run came to {truth:.4f}: off by {best.error(truth):+.1%}, "
        f"{'inside' if inside else 'outside'} the interval"
    )
    return Note(text, "good" if inside else "doubt")


def _question(runs: Runs, target: Size) -> Paragraph:
    largest = float(runs["C"].max())
    unit = runs.conventions.get("L", "nats/token")
    return Paragraph(
        f"The sweep holds {len(runs)} runs of {np.unique(runs['N']).size} sizes, up to "
        f"{show(largest)} FLOP. Before it was trained, the loss [{unit}] of a model of "
        f"N = {show(target.N)}, which the sweep does not hold, was forecast at "
        f"D = {show(target.D)} tokens: {target.C / largest:.1f} times that compute."
    )


def _backtest_table(test: Backtest) -> Table:
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


def _forecast_table(said: tuple[Said, ...], truth: float) -> Table:
    rows = tuple(
        (s.form, f"{s.value:.4f}", f"{s.low:.4f}", f"{s.high:.4f}", f"{s.error(truth):+.1%}",
         "yes" if s.low <= truth <= s.high else "no")
        for s in said
    )  # fmt: skip
    caption = f"The truth is {truth:.4f}. The first form is the one that the backtest chose."
    return Table(("form", "forecast", "low", "high", "error", "holds the truth"), rows, caption)


def _frontier(runs: Runs, target: Size, truth: float) -> tuple[Block, ...]:
    """Return L(C) through the best run of each budget, with and without a floor."""
    from isoflop.errors import RefusedByData
    from isoflop.fitting import fit
    from isoflop.forecasting import forecast

    budgets = np.round(np.log(runs["C"]) / np.log(1.1))
    best = [
        np.flatnonzero(budgets == b)[runs["L"][budgets == b].argmin()] for b in np.unique(budgets)
    ]
    edge = runs[np.array(best)]
    rows: list[tuple[str, ...]] = []
    for name, fix in (("L(C), E free", {}), ("L(C), E = 0", {"E": 0.0})):
        try:
            f = forecast(fit("power", edge, over="C", fix=fix), C=target.C)
        except RefusedByData as reason:
            rows.append((name, "refused", "", "", str(reason)))
            continue
        rows.append((name, f"{f.value:.4f}", f"{f.low:.4f}", f"{f.high:.4f}",
                     f"{f.value / truth - 1:+.1%}"))  # fmt: skip
    return (
        Heading("The loss of the best size at each budget"),
        Table(
            ("law", "forecast", "low", "high", "against the held-out run"),
            tuple(rows),
            "A power law of C alone says what the best size reaches, not what this size reaches.",
        ),
    )


def _real_budget() -> tuple[Block, ...]:
    """Return the plan of a published law for a budget of the field."""
    from isoflop.commands.plan import planned
    from isoflop.laws import constants
    from isoflop.plan import spend

    found = constants(PUBLISHED)
    report = planned(found, spend(found, BUDGET))
    return (Heading(f"A real budget: {BUDGET:.3g} FLOP, by {PUBLISHED}"), *report.blocks)


def _data(said: tuple[Said, ...], target: Size, truth: float, test: Backtest) -> dict[str, Any]:
    chosen = said[0]
    return {
        "at": target._asdict(),
        "truth": truth,
        "chosen": chosen.form,
        "value": chosen.value,
        "low": chosen.low,
        "high": chosen.high,
        "error": chosen.error(truth),
        "inside": chosen.low <= truth <= chosen.high,
        "forms": [
            {
                "form": s.form, "value": s.value, "low": s.low, "high": s.high,
                "error": s.error(truth), "backtest": s.backtest,
            }
            for s in said
        ],
    }  # fmt: skip
