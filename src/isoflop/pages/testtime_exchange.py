"""A larger model, or more samples of the small one, by difficulty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import RefusedByData, UsageError
from isoflop.options import IntervalOptions
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
    Table,
    note_blocks,
)
from isoflop.sources.open_samples import opened

if TYPE_CHECKING:
    from isoflop.plan.sampling.exchange import Exchanged
    from isoflop.samples.sample_table import Samples


def multipliers(times: float, ratios: list[float], afford: list[float]) -> list[Block]:
    """Return how many samples of a small model pay for pretraining a larger one."""
    return [
        Paragraph(
            f"A model {times:g} times larger, by X = 6 N D to train and Y = 2 N D to infer, R = "
            "D_infer / D_train."
        ),
        Table(
            ("R", "samples of the small model for one of the large"),
            tuple((R, m) for R, m in zip(ratios, afford, strict=True)),
            "M + 3 (M - 1) / R",
        ),
    ]


def pretraining_of(
    name: str,
    times: float,
    size: float | None,
    data: float | None,
    ratios: list[float],
    answer: dict[str, Any],
) -> list[Block]:
    """Return what the larger model costs, and what it buys in loss."""
    from isoflop.laws import constants

    if size is None or data is None:
        raise UsageError("--law needs --size and --data: parameters of the small model, and tokens")
    published = constants(name)
    if published.binding.takes != ("N", "D"):
        raise UsageError(
            f"{name} takes {', '.join(published.binding.takes)}; exchange needs N and D"
        )
    losses = [float(published.law(N=n, D=data)) for n in (size, times * size)]
    rows: list[tuple[Cell, ...]] = [
        (label, n, loss, 6 * n * data, *(2 * n * R * data for R in ratios))
        for label, n, loss in zip(("small", "large"), (size, times * size), losses, strict=True)
    ]
    answer["pretraining"] = {"law": name, "loss": losses}
    notes = published.outside({"N": times * size, "D": data})
    return [
        *note_blocks(notes),
        Table(
            (
                "model",
                "N [params]",
                "loss",
                "to train [FLOP]",
                *(f"to infer at R = {R:g} [FLOP]" for R in ratios),
            ),
            tuple(rows),
            f"By {name}; both are trained on {show(data)} tokens.",
        ),
    ]


def measured(
    small: str,
    large: str,
    ratios: list[float],
    afford: list[float],
    choose: str,
    bins: int,
    columns: Any,
    level: float,
    seed: int,
    answer: dict[str, Any],
) -> list[Block]:
    """Return the exchange as samples of both models measure it, by difficulty."""
    from isoflop.plan.sampling.difficulty import difficulty
    from isoflop.plan.sampling.exchange import compared
    from isoflop.samples.coverage import k_grid

    few, many = _shared(
        opened(small, columns=columns).samples(), opened(large, columns=columns).samples()
    )
    first, rest = few.split(max(1, few.counts.reach // 2), seed)
    k = k_grid(rest.counts.reach).astype(float)
    chance = _chance(rest, choose, k, seed)
    target = many.counts.solved / many.counts.attempts
    difficulty_of_problems = difficulty(first, "oracle", bins)
    rows: list[Exchanged] = []
    for R, m in zip(ratios, afford, strict=True):
        for b in (*range(difficulty_of_problems.bins), None):
            inside = np.ones(target.size, bool) if b is None else difficulty_of_problems.bin == b
            if inside.sum() < 2:
                continue
            name = "all" if b is None else f"bin {b + 1}" + (" (hardest)" if b == 0 else "")
            rows.append(
                compared(
                    f"R = {R:g}, {name}",
                    target[inside],
                    k,
                    chance[inside],
                    m,
                    IntervalOptions(draws=500, level=level, seed=seed),
                )
            )
    beyond = any(r.beyond for r in rows)
    answer["verdicts"] = [
        {
            "of": r.name,
            "problems": r.problems,
            "large": r.large,
            "small": r.small,
            "gain": list(r.small_ends),
            "verdict": r.verdict,
            "needed": r.needed if np.isfinite(r.needed) else None,
        }
        for r in rows
    ]
    note = (
        f"half of each problem's samples sort problems into bins, and the others reach k = "
        f"{k[-1]:g}, less than some budgets pay for: the small model is read there, and more "
        "samples may do better or worse"
    )
    return [
        *([Remark(note, "doubt")] if beyond else []),
        _verdicts(rows, choose, level),
        _picture(
            k, chance, target, difficulty_of_problems.bin, difficulty_of_problems.bins, choose
        ),
    ]


def _verdicts(rows: list[Exchanged], choose: str, level: float) -> Table:
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
        for r in rows
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
        f"The small model's answer is by {choose}; gains are small less large, {level:.0%} over "
        "problems. Bins are of the small model's pass rate on other samples.",
    )


def _shared(few: Samples, many: Samples) -> tuple[Samples, Samples]:
    """Return the samples of the problems that both banks hold, in the same order."""
    both = sorted(set(few.problems) & set(many.problems))
    if len(both) < 4:
        raise RefusedByData(
            f"the two banks share {len(both)} problems; they must hold the same, by the same names"
        )
    parts = []
    for one in (few, many):
        shared = np.isin(np.array(one.problems), both)
        parts.append(one.where(np.repeat(shared, np.diff(one.starts))))
    return parts[0], parts[1]


def _chance(samples: Samples, choose: str, k: Numbers, seed: int) -> Numbers:
    from isoflop.samples.coverage import coverage
    from isoflop.samples.curves import best_each
    from isoflop.samples.votes import votes

    if choose == "coverage":
        return coverage(samples.counts, k)
    if choose == "majority":
        return votes(samples, k, seed=seed)[0]
    if not samples.scores:
        raise UsageError(f"--choose {choose} needs scores of a verifier; take majority")
    name = next(iter(samples.scores))
    if not np.isfinite(samples.scores[name]).all():
        raise UsageError(f"verifier {name} gave some samples no number; take majority")
    return best_each(samples, name, k) if choose == "best" else votes(samples, k, name, seed)[0]


def _picture(
    k: Numbers,
    chance: Numbers,
    target: Numbers,
    bin_: npt.NDArray[np.int64],
    bins: int,
    choose: str,
) -> Figure:
    layers: list[Layer] = []
    for b in range(bins):
        inside = bin_ == b
        if inside.any():
            name = f"bin {b + 1}" + (", hardest" if b == 0 else "")
            layers.append(Line(f"small, {name}", k, chance[inside].mean(0), group=name))
            level = np.full(2, target[inside].mean())
            layers.append(Line(f"large, {name}", k[[0, -1]], level, "reference", group=name))
    return Figure(
        "The small model with k samples, the large one with one",
        Axis.of("k"),
        Axis("share of problems solved", "1", log=False),
        tuple(layers),
        f"Solid: the small model by {choose}; dashed: one sample of the large model.",
    )
