"""A larger model, or more samples of the small one, by difficulty."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from isoflop.pages.answer import answered
from isoflop.plan.sampling.exchange import Exchange, PretrainedPair, bin_name, multiplier
from isoflop.quantities import show
from isoflop.report import (
    Axis,
    Block,
    Cell,
    Figure,
    Layer,
    Line,
    Paragraph,
    Remark,
    Report,
    Table,
    note_blocks,
)


def page_of(
    times: float,
    ratios: Sequence[float],
    pretraining: PretrainedPair | None = None,
    measured: Exchange | None = None,
) -> Report:
    """Return what a model `times` larger is worth in samples of the small one."""
    affordable = [float(m) for m in multiplier(times, ratios)]
    each = [{"R": R, "samples": m} for R, m in zip(ratios, affordable, strict=True)]
    data: dict[str, Any] = {"times": times, "multipliers": each}
    blocks = _multipliers(times, ratios, affordable)
    if pretraining is not None:
        data["pretraining"] = {"law": pretraining.law, "loss": list(pretraining.loss)}
        blocks += _pretraining(pretraining, ratios)
    if measured is not None:
        data["verdicts"] = _data(measured)
        blocks += _measured(measured)
    title = f"{times:g} times the parameters, or more samples"
    sentence = _sentence(times, ratios, affordable, measured)
    return Report(title, tuple(blocks), data, answer=answered(sentence, blocks))


def _sentence(
    times: float, ratios: Sequence[float], affordable: Sequence[float], measured: Exchange | None
) -> str:
    """Return what the price of the larger model pays for, and which of the two solves more."""
    if measured is None:
        paid = ", ".join(
            f"{show(m)} samples at R = {R:g}" for R, m in zip(ratios, affordable, strict=True)
        )
        return f"For the price of a model {times:g} times larger the small one draws {paid}"
    words = {"samples": "more samples win", "larger model": "the larger model wins"}
    verdicts = (
        f"at {row.name.removesuffix(', all')} {words.get(row.verdict, 'neither wins')} "
        f"({row.small:.3g} against {row.large:.3g})"
        for row in measured.rows
        if row.name.endswith(", all")
    )
    sentence = "; ".join(verdicts)
    return f"Over all problems {sentence}"


def _multipliers(times: float, ratios: Sequence[float], affordable: Sequence[float]) -> list[Block]:
    return [
        Paragraph(
            f"A model {times:g} times larger, by X = 6 N D to train and Y = 2 N D to infer, R = "
            "D_infer / D_train."
        ),
        Table(
            ("R", "samples of the small model for one of the large"),
            tuple((R, m) for R, m in zip(ratios, affordable, strict=True)),
            "M + 3 (M - 1) / R",
        ),
    ]


def _pretraining(pair: PretrainedPair, ratios: Sequence[float]) -> list[Block]:
    """Return what the larger model costs, and what it buys in loss."""
    rows: list[tuple[Cell, ...]] = [
        (label, N, loss, 6 * N * pair.D, *(2 * N * R * pair.D for R in ratios))
        for label, N, loss in zip(("small", "large"), pair.N, pair.loss, strict=True)
    ]
    inference = (f"to infer at R = {R:g} [FLOP]" for R in ratios)
    return [
        *note_blocks(pair.notes),
        Table(
            ("model", "N [params]", "loss", "to train [FLOP]", *inference),
            tuple(rows),
            f"By {pair.law}; both are trained on {show(pair.D)} tokens.",
        ),
    ]


def _data(measured: Exchange) -> list[dict[str, Any]]:
    return [
        {
            "of": r.name,
            "problems": r.problems,
            "large": r.large,
            "small": r.small,
            "gain": list(r.small_ends),
            "verdict": r.verdict,
            "needed": r.needed if np.isfinite(r.needed) else None,
        }
        for r in measured.rows
    ]


def _measured(measured: Exchange) -> list[Block]:
    """Return the exchange as samples of both models measure it, by difficulty."""
    note = (
        f"half of each problem's samples sort problems into bins, and the others reach k = "
        f"{measured.k[-1]:g}, less than some budgets pay for: the small model is read there, and "
        "more samples may do better or worse"
    )
    doubts = [Remark(note, "doubt")] if any(r.beyond for r in measured.rows) else []
    return [*doubts, _verdicts(measured), _picture(measured)]


def _verdicts(measured: Exchange) -> Table:
    cells: list[tuple[Cell, ...]] = [
        (
            r.name,
            r.problems,
            r.large,
            r.small,
            *r.small_ends,
            r.needed if np.isfinite(r.needed) else None,
            r.verdict,
        )
        for r in measured.rows
    ]
    columns = (
        "of",
        "problems",
        "large, one sample",
        "small, all it may draw",
        "gain: low",
        "high",
        "small needs k",
        "better",
    )
    return Table(
        columns,
        tuple(cells),
        f"The small model's answer is by {measured.choose}; gains are small less large, "
        f"{measured.level:.0%} over problems. Bins are of the small model's pass rate on other "
        "samples.",
    )


def _picture(measured: Exchange) -> Figure:
    layers: list[Layer] = []
    k = measured.k
    for b in np.unique(measured.bins):
        inside, name = measured.bins == b, bin_name(int(b))
        layers.append(Line(f"small, {name}", k, measured.chance[inside].mean(0), group=name))
        level = np.full(2, measured.target[inside].mean())
        layers.append(Line(f"large, {name}", k[[0, -1]], level, "reference", group=name))
    return Figure(
        "The small model with k samples, the large one with one",
        Axis.of("k"),
        Axis("share of problems solved", "1", log=False),
        tuple(layers),
        f"Solid: the small model by {measured.choose}; dashed: one sample of the large model.",
    )
