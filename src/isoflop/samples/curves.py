"""Curves over k from one bank, each with an interval from a bootstrap over problems."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import Note
from isoflop.options import IntervalOptions
from isoflop.quantities import refuse_draws
from isoflop.report.display import Displayed
from isoflop.samples.best_of_n import best_of_n
from isoflop.samples.blocks import SampleBlocks
from isoflop.samples.coverage import coverage, k_grid
from isoflop.samples.sample_table import Counts, Samples, by_size
from isoflop.samples.tallies import Tally
from isoflop.samples.votes import needs_widest, refuse_silence, vote_plan, votes_of, widest

AT_ONCE = 2_000_000  # weights of problems, or samples, that are held at a time


@dataclass(frozen=True, eq=False)
class SampleCurve(Displayed):
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
    notes: tuple[Note, ...] = ()
    verifier: str | None = None


def coverage_curve(
    counts: Counts, k: Any = None, *, draws: int = 1000, level: float = 0.9, seed: int = 0
) -> SampleCurve:
    """Return the coverage over k, from 1 to all that every problem has unless said otherwise."""
    k_g = np.atleast_1d(np.asarray(k_grid(counts.reach) if k is None else k, float))
    interval = IntervalOptions(draws=draws, level=level, seed=seed)
    return curve("coverage", k_g, coverage(counts, k_g), interval=interval)


def curves(
    samples: Samples | SampleBlocks,
    k: Any = None,
    *,
    draws: int = 1000,
    level: float = 0.9,
    seed: int = 0,
    watch: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[SampleCurve, ...]:
    """Return coverage, the vote, and for each verifier the best of k and the weighted vote.

    Every curve uses every sample of the bank. Samples that a verifier gave no number are left
    out of its curves, which the notes of the curve say. Blocks of a bank take the memory of one
    block. `watch` is told how many samples are done, of how many.
    """
    blocks = samples if isinstance(samples, SampleBlocks) else SampleBlocks.of(samples)
    interval = IntervalOptions(draws=draws, level=level, seed=seed)
    tally = blocks.tally
    first = coverage_curve(tally.counts, k, draws=draws, level=level, seed=seed)
    kinds = list(_kinds(blocks, first.k, seed))
    parts: list[list[Numbers]] = [[] for _ in kinds]
    done, total = 0, len(tally)
    for piece in (p for block in blocks if kinds for p in block.pieces(AT_ONCE)):
        for kind, part in zip(kinds, parts, strict=True):
            scored = piece if kind.verifier is None else piece.with_score(kind.verifier)
            if scored is not None:
                part.append(kind.each(scored))
        done += len(piece)
        watch(done, total)
    sample_curve = [
        replace(
            curve(
                kind.name,
                kind.k,
                np.concatenate(part),
                kind.exact,
                interval=interval,
                notes=kind.notes,
            ),
            verifier=kind.verifier,
        )
        for kind, part in zip(kinds, parts, strict=True)
    ]
    return (first, *sample_curve)


@dataclass(frozen=True, eq=False)
class _Kind:
    """A curve to be told: `each` gives its values (p, g) for some problems, in their order."""

    name: str
    k: Numbers
    each: Callable[[Samples], Numbers]
    exact: npt.NDArray[np.bool_] | None = None
    notes: tuple[Note, ...] = ()
    verifier: str | None = None


def _kinds(blocks: SampleBlocks, k_g: Numbers, seed: int) -> Iterator[_Kind]:
    tally = blocks.tally
    if blocks.answers:
        most = _most_answers(blocks, k_g)
        yield _vote("majority", tally, k_g, None, most, seed)
    for name in tally.scored:
        yield from _by_verifier(blocks, name, k_g, seed)


def _by_verifier(blocks: SampleBlocks, name: str, k_g: Numbers, seed: int) -> Iterator[_Kind]:
    """Yield the best of k and the weighted vote, as far as the scores of a verifier allow."""
    tally, notes = blocks.tally.of(name)
    reach = int(tally.attempts.min())
    if (k_g > reach).any():
        notes += (Note("doubt", "scores", f"scores of {name} reach k = {reach}"),)
    mine = k_g[k_g <= reach]
    weighs = blocks.tally.scored[name].least >= 0
    if blocks.answers and not weighs:
        notes += (
            Note("doubt", "scores", f"scores of {name} go below zero, so they weigh no votes"),
        )
    yield _Kind(
        f"best of k by {name}", mine, lambda part: best_each(part, name, mine), None, notes, name
    )
    if blocks.answers and weighs:
        yield _vote(f"vote weighted by {name}", tally, mine, name, np.inf, seed)


def _vote(
    title: str, tally: Tally, k_g: Numbers, verifier: str | None, most: float, seed: int
) -> _Kind:
    """Return a vote; its draws go from problem to problem, in their order."""
    refuse_silence(tally.answered)
    plan = vote_plan(tally.attempts, k_g, most, verifier is None)
    rng = np.random.default_rng(seed)
    return _Kind(
        title,
        k_g,
        lambda part: votes_of(part, verifier, plan, rng),
        plan.exact,
        verifier=verifier,
    )


def _most_answers(blocks: SampleBlocks, k_g: Numbers) -> float:
    """Return the most answers of a problem, as far as it matters: a bound where that tells."""
    tally = blocks.tally
    most = min(tally.distinct, float(tally.attempts.max()))
    if not needs_widest(len(tally.problems), k_g, most):
        return most
    return max(widest(piece) for block in blocks for piece in block.pieces(AT_ONCE))


def best_each(
    samples: Samples, verifier: str, k: Any, other_samples: Samples | None = None
) -> Numbers:
    """Return the chance (p, g) that the sample of highest score among k is right.

    `other_samples` of the same problems are beside the k in every draw; one of the k that scores
    no more than the best of them does not displace it.
    """
    k_g = np.atleast_1d(np.asarray(k))
    out = np.empty((len(samples.problems), k_g.size))
    score, right = samples.scores[verifier], samples.correct.astype(float)
    if other_samples is not None:
        floor, floor_right = (
            np.repeat(x, np.diff(samples.starts)) for x in _best_of_all(other_samples, verifier)
        )
        score, right = np.maximum(score, floor), np.where(score > floor, right, floor_right)
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
    interval: IntervalOptions,
    notes: tuple[Note, ...] = (),
) -> SampleCurve:
    """Return the mean over problems of values (p, g), with its interval."""
    low, high = spread(each, draws=interval.draws, level=interval.level, seed=interval.seed)
    exact_mask = np.ones(k.size, bool) if exact is None else exact
    return SampleCurve(
        name=name,
        k=k,
        each=each,
        value=each.mean(0),
        low=low,
        high=high,
        exact=exact_mask,
        notes=notes,
    )


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
