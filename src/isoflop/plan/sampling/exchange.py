"""A larger model, or more samples of a small one: what the compute of pretraining buys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import Notes, RefusedByData, UsageError
from isoflop.options import IntervalOptions
from isoflop.quantities import refuse_draws
from isoflop.report.display import Displayed

if TYPE_CHECKING:
    from isoflop.samples.sample_table import Samples

Choice: TypeAlias = Literal["majority", "best", "weighted", "coverage"]


def multiplier(M: Any, R: Any) -> Numbers:
    """Return by how much a model may multiply its inference for the price of one M times larger.

    R is tokens inferred over tokens trained on. Training takes X = 6 N D_train FLOP and inference
    Y = 2 N D_infer; the larger model costs M (X + Y), so the small one has M + 3 (M - 1) / R.

    Raises UsageError for an M below 1, or an R that is not above zero.
    Source: Snell et al. 2024, arXiv:2408.03314, section 7.

    >>> float(multiplier(14, 0.16))
    257.75
    """
    M, R = np.asarray(M, float), np.asarray(R, float)
    if not (np.isfinite(M).all() and (M >= 1).all()):
        raise UsageError(f"M is {M}; the other model is M times larger, at least 1")
    if not (np.isfinite(R).all() and (R > 0).all()):
        raise UsageError(f"R is {R}; it is tokens inferred over tokens trained on, above zero")
    return np.asarray(M + 3 * (M - 1) / R)


@dataclass(frozen=True)
class Exchanged(Displayed):
    """One group of problems: the large model once, against the small one with many samples.

    `needed` is the least number of samples at which the small model is as good, infinite where
    no number that was seen or forecast is; `verdict` is "samples", "larger model" or "even".
    """

    name: str
    problems: int
    large: float
    small: float
    small_ends: tuple[float, float]
    needed: float
    beyond: bool
    verdict: str


def compared(
    name: str,
    large: Numbers,
    k: Numbers,
    small: Numbers,
    affordable: float,
    interval: IntervalOptions = IntervalOptions(draws=500),
) -> Exchanged:
    """Return the verdict on problems: the large model's chance (p,), the small one's (p, g) over k.

    The small model is read at the largest k within `affordable`: what lies past the bank is not
    guessed, and `beyond` says so.
    """
    from isoflop.samples.curves import problem_weights

    refuse_draws(interval.draws, interval.level)
    inside = np.flatnonzero(k <= affordable * (1 + 1e-9))
    if not inside.size:
        raise UsageError(
            f"{affordable:.3g} samples are affordable, and the curve begins at {k[0]:g}"
        )
    g = int(inside[-1])
    curve = small.mean(0)
    weights = np.concatenate([*problem_weights(len(small), interval.draws, interval.seed)])
    gain = weights @ (small[:, g] - large)
    ends = np.quantile(gain, [(1 - interval.level) / 2, (1 + interval.level) / 2])
    verdict = "samples" if ends[0] > 0 else "larger model" if ends[1] < 0 else "even"
    enough = np.flatnonzero(curve >= large.mean())
    return Exchanged(
        name=name,
        problems=len(small),
        large=float(large.mean()),
        small=float(curve[g]),
        small_ends=(float(ends[0]), float(ends[1])),
        needed=float(k[enough[0]]) if enough.size else float("inf"),
        beyond=bool(affordable > k[-1] * (1 + 1e-9)),
        verdict=verdict,
    )


@dataclass(frozen=True)
class PretrainedPair(Displayed):
    """What the size of the larger of two models buys in loss, by a published law.

    `N` [params] and `loss` are of the small and of the large model, trained on `D` tokens each.
    """

    law: str
    N: tuple[float, float]
    D: float
    loss: tuple[float, float]
    notes: Notes


def pretrained_pair(name: str, times: float, *, N: float, D: float) -> PretrainedPair:
    """Return the losses of models of N and `times` N parameters by the law `name`, "LAW/SET".

    Raises UnknownName for a law that is none, UsageError for one that takes more than N and D.
    """
    from isoflop.laws import constants

    published = constants(name)
    if published.binding.takes != ("N", "D"):
        raise UsageError(
            f"{name} takes {', '.join(published.binding.takes)}; exchange needs N and D"
        )
    loss = float(published.law(N=N, D=D)), float(published.law(N=times * N, D=D))
    notes = published.outside({"N": times * N, "D": D})
    return PretrainedPair(name, (N, times * N), D, loss, notes)


@dataclass(frozen=True, eq=False)
class Exchange(Displayed):
    """A model with k samples against one `times` larger with one, by difficulty and ratio.

    `rows` are the verdicts, one for each ratio of inference to training and bin of difficulty,
    "all" last. `chance` (p, k) is how often the small model solves each problem with k samples,
    `target` (p,) how often the large one does with one, `bins` (p,) how hard each is, 0 hardest.
    """

    times: float
    choose: Choice
    level: float
    rows: tuple[Exchanged, ...]
    k: Numbers
    chance: Numbers
    target: Numbers
    bins: npt.NDArray[np.int64]


def exchange(
    small: Samples,
    large: Samples,
    times: float,
    ratios: Sequence[float],
    *,
    choose: Choice = "majority",
    bins: int = 5,
    interval: IntervalOptions = IntervalOptions(draws=500),
) -> Exchange:
    """Hold samples of a small model against a model `times` larger at the price of its training.

    `ratios` are tokens inferred over tokens trained on. Half of each problem's samples sort the
    problems into bins of difficulty, and the others are counted.

    Raises RefusedByData for banks that share fewer than four problems, UsageError for a choice
    that the samples have no scores for.
    Source: Snell et al. 2024, arXiv:2408.03314, section 7.
    """
    from isoflop.plan.sampling.difficulty import difficulty
    from isoflop.samples.coverage import k_grid

    few, many = _shared(small, large)
    first, rest = few.split(max(1, few.counts.reach // 2), interval.seed)
    k = k_grid(rest.counts.reach).astype(float)
    chance = _chance(rest, choose, k, interval.seed)
    target = np.asarray(many.counts.solved / many.counts.attempts)
    difficulties = difficulty(first, "oracle", bins)
    rows = []
    for R, m in zip(ratios, multiplier(times, ratios), strict=True):
        for b in (*range(difficulties.bins), None):
            inside = np.ones(target.size, bool) if b is None else difficulties.bin == b
            if inside.sum() >= 2:
                name = f"R = {R:g}, {'all' if b is None else bin_name(b)}"
                row = compared(name, target[inside], k, chance[inside], float(m), interval)
                rows.append(row)
    return Exchange(
        times=times,
        choose=choose,
        level=interval.level,
        rows=tuple(rows),
        k=k,
        chance=chance,
        target=target,
        bins=difficulties.bin,
    )


def bin_name(index: int) -> str:
    """Return what a bin of difficulty is called; the first holds the hardest problems."""
    return f"bin {index + 1}" + (" (hardest)" if index == 0 else "")


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


def _chance(samples: Samples, choose: Choice, k: Numbers, seed: int) -> Numbers:
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
