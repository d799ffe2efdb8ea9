"""Curves over k from one bank, each with an interval from a bootstrap over problems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.quantities import refuse_draws
from isoflop.samples.best_of_n import best_of_n
from isoflop.samples.coverage import coverage, k_grid
from isoflop.samples.sample_table import Counts, Samples, by_size
from isoflop.samples.votes import votes

Numbers = npt.NDArray[np.float64]

AT_ONCE = 2_000_000  # weights of problems, or samples, that are held at a time


@dataclass(frozen=True, eq=False)
class Curve:
    """A share of problems solved over k (g,), with its interval; `each` (p, g) is by problem.

    `exact` (g,) says where no draw was needed: the mean over all subsets of k samples. `verifier`
    scores the samples that are chosen among, None where none is asked.
    """

    name: str
    k: Numbers
    each: Numbers
    value: Numbers
    low: Numbers
    high: Numbers
    exact: npt.NDArray[np.bool_]
    notes: tuple[str, ...] = ()
    verifier: str | None = None


def coverage_curve(
    counts: Counts, k: Any = None, *, draws: int = 1000, level: float = 0.9, seed: int = 0
) -> Curve:
    """Return the coverage over k, from 1 to all that every problem has unless said otherwise."""
    k_g = np.atleast_1d(np.asarray(k_grid(counts.reach) if k is None else k, float))
    return curve("coverage", k_g, coverage(counts, k_g), draws=draws, level=level, seed=seed)


def curves(
    samples: Samples, k: Any = None, *, draws: int = 1000, level: float = 0.9, seed: int = 0
) -> tuple[Curve, ...]:
    """Return coverage, the vote, and for each verifier the best of k and the weighted vote.

    Every curve uses every sample of the bank. Samples that a verifier gave no number are left
    out of its curves, which the notes of the curve say.
    """
    found = [coverage_curve(samples.counts, k, draws=draws, level=level, seed=seed)]
    k_g = found[0].k
    if samples.answer is not None:
        by_vote, known = votes(samples, k_g, seed=seed)
        found.append(curve("majority", k_g, by_vote, known, draws=draws, level=level, seed=seed))
    for name in samples.scores:
        for title, mine, each, exact, notes in _by_verifier(samples, name, k_g, seed):
            made = curve(title, mine, each, exact, draws=draws, level=level, seed=seed, notes=notes)
            found.append(replace(made, verifier=name))
    return tuple(found)


def _by_verifier(
    samples: Samples, name: str, k_g: Numbers, seed: int
) -> Iterator[tuple[str, Numbers, Numbers, npt.NDArray[np.bool_] | None, tuple[str, ...]]]:
    """Yield the best of k and the weighted vote, as far as the scores of a verifier allow."""
    part, notes = samples.scored(name)
    reach = part.counts.reach
    if (k_g > reach).any():
        notes += (f"scores of {name} reach k = {reach}",)
    mine = k_g[k_g <= reach]
    weighs = not (part.scores[name] < 0).any()
    if part.answer is not None and not weighs:
        notes += (f"scores of {name} go below zero, so they weigh no votes",)
    yield f"best of k by {name}", mine, best_each(part, name, mine), None, notes
    if part.answer is not None and weighs:
        each, exact = votes(part, mine, name, seed)
        yield f"vote weighted by {name}", mine, each, exact, ()


def best_each(samples: Samples, verifier: str, k: Any, given: Samples | None = None) -> Numbers:
    """Return the chance (p, g) that the sample of highest score among k is right.

    Samples that are `given`, others of the same problems, are beside the k in every draw; one of
    the k that scores no more than the best of them does not displace it.
    """
    k_g = np.atleast_1d(np.asarray(k))
    out = np.empty((len(samples.problems), k_g.size))
    score, right = samples.scores[verifier], samples.correct.astype(float)
    if given is not None:
        floor, known = (
            np.repeat(x, np.diff(samples.starts)) for x in _best_of_all(given, verifier)
        )
        score, right = np.maximum(score, floor), np.where(score > floor, right, known)
    for size, all_ in by_size(samples.starts):
        for which in np.array_split(all_, -(-all_.size * size // AT_ONCE)):
            rows = samples.starts[which][:, None] + np.arange(size)
            out[which] = best_of_n(score[rows], right[rows], k_g)
    return out


def _best_of_all(samples: Samples, verifier: str) -> tuple[Numbers, Numbers]:
    """Return the highest score (p,) of each problem, and the share (p,) right of those with it."""
    score, starts = samples.scores[verifier], samples.starts[:-1]
    most = np.maximum.reduceat(score, starts)
    best = score == np.repeat(most, np.diff(samples.starts))
    right = np.add.reduceat(best * samples.correct, starts, dtype=float)
    return most, right / np.add.reduceat(best, starts, dtype=float)


def curve(
    name: str,
    k: Numbers,
    each: Numbers,
    exact: npt.NDArray[np.bool_] | None = None,
    *,
    draws: int,
    level: float,
    seed: int,
    notes: tuple[str, ...] = (),
) -> Curve:
    """Return the mean over problems of values (p, g), with its interval."""
    low, high = spread(each, draws=draws, level=level, seed=seed)
    known = np.ones(k.size, bool) if exact is None else exact
    return Curve(name, k, each, each.mean(0), low, high, known, notes)


def spread(each: Numbers, *, draws: int, level: float, seed: int) -> tuple[Numbers, Numbers]:
    """Return the ends (g,) of the interval of the mean over problems of values (p, g).

    Problems are drawn with replacement: they are few, and their samples many. With one problem
    there is no interval: NaN.
    """
    refuse_draws(draws, level)
    if len(each) < 2 or draws < 2:
        return np.full(each.shape[1], np.nan), np.full(each.shape[1], np.nan)
    means = np.concatenate([w @ each for w in problem_weights(len(each), draws, seed)])
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def problem_weights(problems: int, draws: int, seed: int) -> Iterator[Numbers]:
    """Yield weights of problems (b, p) of all draws, a block at a time, each row summing to 1."""
    rng = np.random.default_rng(seed)
    block = max(1, min(draws, AT_ONCE // problems))
    share = np.full(problems, 1 / problems)
    for at in range(0, draws, block):
        yield rng.multinomial(problems, share, min(block, draws - at)) / problems
