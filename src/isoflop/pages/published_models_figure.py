"""The figure of published models: sizes and tokens, and the line that a law calls best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.plan.published_models import VERDICTS, ModelVerdict, held_against, named, rivals_of
from isoflop.quantities import show
from isoflop.report import Axis, Band, Figure, Layer, Line, Points

if TYPE_CHECKING:
    from isoflop.assess import Pool
    from isoflop.fitting import Fit
    from isoflop.law import LossLaw, Published
    from isoflop.plan.problem import PlanningProblem

STEPS = 60  # points of a line
LANDMARKS = (  # named in a picture of more models than can be named
    "GPT-3 175B", "Gopher 280B", "Chinchilla 70B", "PaLM 540B", "LLaMA 65B", "LLaMA 7B",
    "Llama 2 70B", "Llama 3 8B", "Llama 3.1 405B", "DeepSeek-V3", "Kimi K2", "Qwen3 0.6B",
    "Qwen2.5 72B", "Pythia 12B", "Pythia 70M", "Cerebras-GPT 111M", "SmolLM2 135M", "MT-NLG 530B",
)  # fmt: skip
MOST_NAMED = 14


def sizes_and_tokens(
    verdicts: Sequence[ModelVerdict],
    model: Fit[Any] | Pool | Published,
    *,
    near: float,
    inputs: Mapping[str, float] | None = None,
    level: float | None = None,
) -> Figure:
    """Return D against N of models by verdict, with the law's best line and what is near it."""
    problem = held_against(model, inputs, level)
    sizes = [j.model.met or 1.0 for j in verdicts]
    N = np.geomspace(min(sizes) / 2, max(sizes) * 2, STEPS)
    best = _tokens_at(problem, problem.law, N, 1.0)[0]
    under, over = (_tokens_at(problem, problem.law, N, factor)[0] for factor in (1 / near, near))
    around = f"near: within {show(near)} times the best D/N"
    layers: list[Layer] = [
        Band(around, N, under, over, group="best"),
        Line(f"best, by {named(model)}", N, best, "frontier", group="best"),
    ]
    if problem.draws is not None:
        tail = (1 - problem.interval_level) / 2
        many = _tokens_at(problem, problem.draws, N, 1.0)
        low, high = np.nanquantile(many, [tail, 1 - tail], axis=0)
        layers.insert(
            0, Band(f"{problem.interval_level:.0%} of the draws", N, low, high, group="law")
        )
    for rival in rivals_of(model):
        again = held_against(rival, inputs, level)
        tokens = _tokens_at(again, again.law, N, 1.0)[0]
        layers.append(Line(f"best, by {rival.key}", N, tokens, "rival"))
    landmarks = _landmarks(verdicts)
    for verdict in VERDICTS:
        rows = [j for j in verdicts if j.verdict == verdict]
        if rows:
            layers.append(_points(verdict, rows, landmarks))
    return Figure(
        "Size and tokens of published models",
        Axis("N: parameters that a token meets", "params"),
        Axis.of("D"),
        tuple(layers),
        "Along a line of equal compute, D falls as N rises; models above the band saw more tokens "
        "than the law calls best for their compute, models below it fewer.",
        _end(model),
    )


def _tokens_at(problem: PlanningProblem, law: LossLaw, N: Numbers, factor: float) -> Numbers:
    """Return the D (s, k) at which N (k,) has `factor` times the best D/N of its own compute."""
    from isoflop.plan import best

    C = np.geomspace(6 * N[0] ** 2 / 1e4, 6 * N[-1] ** 2 * 1e6, 4 * STEPS)
    split = best(law, problem.priced, C, inputs=problem.all_inputs)
    sizes, tokens = np.atleast_2d(split.N), np.atleast_2d(split.D)
    # At equal compute, D/N times `factor` is N over its root and D times its root.
    root = np.sqrt(factor)
    return np.stack(
        [
            np.exp(np.interp(np.log(N), np.log(n / root), np.log(d * root), np.nan, np.nan))
            for n, d in zip(sizes, tokens, strict=True)
        ]
    )


def _points(verdict: str, rows: Sequence[ModelVerdict], landmarks: set[str]) -> Points:
    hover = tuple(f"{j.model.name}: D/N = {show(j.model.ratio or 0.0)}" for j in rows)
    return Points(
        verdict,
        np.array([j.model.met or np.nan for j in rows]),
        np.array([j.model.D.value or np.nan for j in rows]),
        hover=hover,
        group=verdict,
        labels=tuple(j.model.name if j.model.name in landmarks else "" for j in rows),
    )


def _landmarks(verdicts: Sequence[ModelVerdict]) -> set[str]:
    names = [j.model.name for j in verdicts]
    return set(names) if len(names) <= MOST_NAMED else set(names) & set(LANDMARKS)


def _end(model: Fit[Any] | Pool | Published) -> float | None:
    """Return the largest N behind a law, where that is known."""
    from isoflop.law import Published

    if not isinstance(model, Published):
        return float(np.nanmax(model.runs["N"]))
    return model.valid["N"][1] if "N" in model.valid else None
