"""The main job, for real: sweep, choose a form, forecast a larger run, train it, judge."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.quantities import show
from isoflop.report import Block, Heading, Paragraph, Remark, Table

if TYPE_CHECKING:
    from isoflop.assess import Backtest, Candidate
    from isoflop.experiments.pretrain.sweep import PointSize, Pretrain
    from isoflop.fitting import Fit
    from isoflop.runs import Runs
    from isoflop.store import Study


FORMS = ("chinchilla", "kaplan-joint", "generalised")

DRAWS = 1000

SEEN = (0.5, 0.7)  # shares of the runs that a split of the backtest sees


@dataclass(frozen=True)
class PreregisteredForecast:
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


def trained_of(study: Study, experiment: Pretrain, title: str) -> Runs:
    """Return the runs of an experiment, trained now as far as they are not there yet."""
    from isoflop.errors import EnvironmentFailure
    from isoflop.experiments.display import shown
    from isoflop.experiments.engines import run
    from isoflop.sources import read

    trials = experiment.trials()
    with shown(title) as watch:
        ended = run(trials, study, watch=watch)
    if ended.failed:
        first = ended.failed[0]
        raise EnvironmentFailure(
            f"{len(ended.failed)} of {len(trials)} trials failed; {first.trial.name} said: "
            f"{first.message.strip()[-400:]}; run the same command to try again"
        )
    runs = read(study.path)
    sizes = [size.N for shape in experiment.shapes for size in experiment.sizes(shape)]
    seeds = [str(seed) for seed in experiment.seeds]
    return runs[np.isin(runs["N"], sizes) & np.isin(runs.labels["seed"], seeds)]


def _candidates() -> tuple[Candidate, ...]:
    from isoflop.assess import Candidate
    from isoflop.laws import form

    return tuple(Candidate(form(law).key, fix) for law in FORMS for fix in ({}, {"E": 0.0}))


def fits_of(runs: Runs) -> tuple[Backtest, dict[str, Fit[Any]]]:
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
    from isoflop.assess.extrapolation import calibration

    return calibration.growth([calibration.said(errors) for errors in test.of(candidate)])


def forecasts_of(
    study: Study, target: PointSize, seed: int, test: Backtest, fits: dict[str, Fit[Any]]
) -> tuple[PreregisteredForecast, ...]:
    """Return what each form says of the target, the chosen one first; refused fits say nothing.

    It is written into the study before the target is trained, and read from there ever after: a
    forecast that could change once the truth is known would be none.
    """
    from isoflop.forecasting import forecast

    kind, name = "forecast", f"N = {target.N}, D = {target.D}, seed {seed}"
    documents = {d.name: d for d in study.documents(kind)}
    if name not in documents:
        rows: list[list[str | float | None]] = []
        sound = [c for c in ranked(test) if fits[c.name].status != "refused"]
        for c in sound or ranked(test):  # without a sound one the forecast says why
            grows = growth(test, c)
            outcome = forecast(fits[c.name], growth=grows, N=target.N, D=target.D)
            rows.append([c.name, outcome.value, outcome.low, outcome.high, test.rms(c), grows])
        study.put(kind, name, {"at": target._asdict(), "forms": rows})
    body: Any = study.get(kind, name).body
    return tuple(PreregisteredForecast(*row) for row in body["forms"])


def verdict(best: PreregisteredForecast, truth: float, chosen: Fit[Any]) -> Remark:
    """Return whether the forecast held what was measured."""
    inside = best.low <= truth <= best.high
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
            "yes" if s.low <= truth <= s.high else "no",
        )
        for s in forecasts
    )
    caption = f"The truth is {truth:.4f}. The first form is the one that the backtest chose."
    return Table(("form", "forecast", "low", "high", "error", "holds the truth"), rows, caption)


def frontier(runs: Runs, target: PointSize, truth: float) -> tuple[Block, ...]:
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
        rows.append(
            (name, f"{f.value:.4f}", f"{f.low:.4f}", f"{f.high:.4f}", f"{f.value / truth - 1:+.1%}")
        )
    return (
        Heading("The loss of the best size at each budget"),
        Table(
            ("law", "forecast", "low", "high", "against the held-out run"),
            tuple(rows),
            "A power law of C alone says what the best size reaches, not what this size reaches.",
        ),
    )


def as_data(
    forecasts: tuple[PreregisteredForecast, ...], target: PointSize, truth: float, test: Backtest
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
        "inside": chosen.low <= truth <= chosen.high,
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
