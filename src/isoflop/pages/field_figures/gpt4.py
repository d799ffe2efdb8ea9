"""OpenAI 2023 (GPT-4): a loss predicted from runs of at most a ten-thousandth of the compute."""

from __future__ import annotations

import numpy as np

from isoflop.arrays import Numbers
from isoflop.fitting import Fit, fit
from isoflop.forecasting import forecast
from isoflop.law import Law
from isoflop.laws import constants
from isoflop.pages.field_figures import draws
from isoflop.plan.optimum import optimum
from isoflop.report import (
    Axis,
    Band,
    ErrorBar,
    Figure,
    Line,
    Paragraph,
    Points,
    Report,
    Table,
)
from isoflop.runs import Runs

SOURCE = "chinchilla/besiroglu2024"
TARGET = 2.1e25  # FLOP: Epoch AI's estimate for GPT-4, which its authors have not stated
LADDER = np.geomspace(1e-10, 1e-4, 13)  # shares of the target's compute, as on the paper's axis
NOISE = 0.003  # of the log of a loss, as seeds differ by
PAPER = "OpenAI 2023, arXiv:2303.08774"


@draws("gpt4")
def gpt4() -> Report:
    """GPT-4 2023: L = a C^b + c fitted to small runs, and the final loss that it predicts."""
    runs = _ladder()
    line = fit("power", runs, over="C", draws=200, seed=0)
    predicted = forecast(line, C=TARGET)
    truth = _loss(np.array([TARGET]))[0]
    error = 100 * (predicted.value / truth - 1)
    blocks = (
        Paragraph(
            f"The form a C^b + c, fitted to {len(runs)} simulated runs of at most a ten-thousandth "
            f"of the compute, predicts {predicted.value:.3f} nats/token at {TARGET:.2g} FLOP; the "
            f"law "
            f"behind the simulation gives {truth:.3f} ({error:+.1f} %). OpenAI printed the "
            f"picture but no constants, so the runs here are the best ones of {SOURCE} with "
            f"{NOISE:.1%} of noise."
        ),
        _figure(runs, line, truth),
        Table(
            ("what", "value", "low", "high", "unit"),
            (
                ("loss predicted", predicted.value, predicted.low, predicted.high, "nats/token"),
                ("loss of the law", float(truth), None, None, "nats/token"),
            ),
        ),
    )
    data = {
        "value": predicted.value,
        "low": predicted.low,
        "high": predicted.high,
        "truth": float(truth),
        "C": TARGET,
    }
    return Report(f"Figure 1 of {PAPER}, on simulated runs", blocks, data)


def _loss(C: Numbers) -> Numbers:
    law: Law = constants(SOURCE).law
    best = optimum(law, C)
    return np.asarray(law(N=best.N, D=best.D))


def _ladder() -> Runs:
    C = LADDER * TARGET
    noise = NOISE * np.random.default_rng(0).standard_normal(C.size)
    return Runs({"C": C, "L": _loss(C) * np.exp(noise)}, origin=f"a simulation of {SOURCE}")


def _figure(runs: Runs, line: Fit[Law], truth: float) -> Figure:
    C = np.geomspace(runs["C"].min(), TARGET, 60)
    low, high = np.quantile(np.asarray((line.draws or line.law)(C)), (0.05, 0.95), axis=0)
    predicted = forecast(line, C=TARGET)
    bar = ErrorBar(
        "forecast, 90 %", 1.0, predicted.value, predicted.low or truth, predicted.high or truth
    )
    return Figure(
        "A loss predicted from small runs",
        Axis("training compute, as a share of the final run's", "1"),
        Axis.of("L"),
        (
            Band("90 % of the law", C / TARGET, low, high, group="law"),
            Line("a C^b + c", C / TARGET, np.asarray(line.law(C)), group="law"),
            Points("small runs", runs["C"] / TARGET, runs["L"]),
            bar,
            Points("the final run", np.array([1.0]), np.array([truth]), "truth"),
        ),
        "Simulated: the constants of the report were never printed.",
        float(LADDER[-1]),
    )
