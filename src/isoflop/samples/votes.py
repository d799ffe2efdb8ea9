"""Votes of k samples, plain or weighted by a verifier: how often the answer that wins is right.

Samples without an answer do not vote; where nobody votes the result is wrong. Answers that tie
share the chance of being chosen. Plain votes of few samples are counted exactly, by the
hypergeometric weights of all draws; others are means over draws without replacement: every
shuffle of a problem's samples is cut into as many draws of k as it holds.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.samples.coverage import whole
from isoflop.samples.sample_table import NO_ANSWER, Samples

EXACT_K = 16  # plain votes of so many samples are counted rather than drawn
EXACT_COST = 3e8  # of the count: problems, answers and k to the power 3
ENUMERATED = 3_000  # draws of a problem up to which weighted votes go through all of them
TABLE = 2_000_000  # cells of one table of votes
ENOUGH = 60_000  # draws of all problems together: by chance alone an error of .002
SHUFFLED = 5_000_000  # samples that the shuffles of all problems hold together
FEW_SHUFFLED = 20_000  # of one problem, if problems are many
FEWEST = 2  # shuffles of a problem, however large it is


@dataclass(frozen=True)
class Ballot:
    """The votes of one problem: codes of answers from 0, -1 for none, and weights (m,).

    `right` (a,) is the share of the samples of each answer that are right: 0 or 1 where a task
    grades by the answer alone. `cast` (a,) are votes that count in every draw.
    """

    codes: npt.NDArray[np.int64]
    weights: Numbers
    right: Numbers
    cast: Numbers


def votes(
    samples: Samples,
    k: Any,
    verifier: str | None = None,
    seed: int = 0,
    other_samples: Samples | None = None,
    enough: int = ENOUGH,
) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Return the chance (p, g) that the vote of k samples is right, and which k are exact (g,).

    With a verifier, an answer has the sum of the scores of its samples. `other_samples` of the
    same problems vote in every draw beside the k. `enough` draws of all problems
    together are made where not all are gone through.
    Raises UsageError for samples without answers, a k beyond the bank, or a negative score.
    """
    sizes = np.diff(samples.starts)
    whole(k, int(sizes.min()))
    for part in (samples,) if other_samples is None else (samples, other_samples):
        refuse_silence(int((_answers(part) >= 0).sum()))
    ballots = list(_ballots(samples, verifier, other_samples))
    most = max(b.right.size for b in ballots)
    plan = vote_plan(sizes, k, most, verifier is None and other_samples is None, enough)
    return _results(ballots, plan, np.random.default_rng(seed)), plan.exact


@dataclass(frozen=True, eq=False)
class VotePlan:
    """How votes of k (g,) samples are told, of all problems alike.

    `counted` and `enumerated` (g,) are exact, the others are means of draws: `need` of each
    problem, in shuffles that hold `room` samples.
    """

    k: Numbers
    counted: npt.NDArray[np.bool_]
    enumerated: npt.NDArray[np.bool_]
    need: int
    room: int

    @property
    def exact(self) -> npt.NDArray[np.bool_]:
        """Which k (g,) need no draw."""
        return self.counted | self.enumerated


def vote_plan(
    attempts: npt.NDArray[np.int64], k: Any, widest: float, plain: bool, enough: int = ENOUGH
) -> VotePlan:
    """Return how votes of `attempts` samples a problem (p,) are told; `plain` ones have no weights.

    `widest` is the most answers that a problem has.
    Raises UsageError for a k beyond the bank.
    """
    k_g = whole(k, int(attempts.min()))
    counted = np.array([plain and _is_cheap(attempts.size, widest, k_) for k_ in k_g], bool)
    sizes = np.unique(attempts)
    few = [all(_subsets(int(m), int(k_)) <= ENUMERATED for m in sizes) for k_ in k_g]
    return VotePlan(
        k_g,
        counted,
        ~counted & np.array(few, bool),
        -(-enough // attempts.size),
        max(FEW_SHUFFLED, SHUFFLED // attempts.size),
    )


def _is_cheap(problems: int, widest: float, k: float) -> bool:
    return k <= EXACT_K and problems * max(widest, 1) * k**3 <= EXACT_COST


def needs_widest(problems: int, k: Any, most: float) -> bool:
    """Return whether it matters for plain votes if a problem has one answer or `most`."""
    k_g = np.atleast_1d(np.asarray(k, float))
    return any(_is_cheap(problems, 1, k_) != _is_cheap(problems, most, k_) for k_ in k_g)


def widest(samples: Samples) -> int:
    """Return the most answers that any problem has."""
    each = (samples.rows(i) for i in range(len(samples.problems)))
    answers = _answers(samples)
    return max(int(np.unique(answers[rows][answers[rows] >= 0]).size) for rows in each)


def votes_of(
    samples: Samples, verifier: str | None, plan: VotePlan, rng: np.random.Generator
) -> Numbers:
    """Return the chance (p, g) that the vote is right of some problems, by a plan for all.

    Problems that come in their order, with one generator, have the results of `votes`.
    """
    return _results(list(_ballots(samples, verifier, None)), plan, rng)


def _results(ballots: list[Ballot], plan: VotePlan, rng: np.random.Generator) -> Numbers:
    out = np.empty((len(ballots), plan.k.size))
    for g in np.flatnonzero(plan.counted):
        out[:, g] = _counted(ballots, int(plan.k[g]))
    for g in np.flatnonzero(plan.enumerated):
        out[:, g] = [_enumerated(b, int(plan.k[g])) for b in ballots]
    rest = np.flatnonzero(~plan.exact)
    if rest.size:
        k = plan.k[rest].astype(int)
        for i, ballot in enumerate(ballots):
            out[i, rest] = _drawn(ballot, k, plan.need, plan.room, rng)
    return out


def _ballots(
    samples: Samples, verifier: str | None, other_samples: Samples | None
) -> Iterator[Ballot]:
    parts = [samples] if other_samples is None else [samples, other_samples]
    weights = [_weights(part, verifier) for part in parts]
    for i in range(len(samples.problems)):
        rows = [part.rows(i) for part in parts]
        answers = np.concatenate([_answers(p)[r] for p, r in zip(parts, rows, strict=True)])
        good = np.concatenate([p.correct[r] for p, r in zip(parts, rows, strict=True)])
        weight = np.concatenate([w[r] for w, r in zip(weights, rows, strict=True)])
        names, codes = np.unique(answers, return_inverse=True)
        codes = codes.astype(np.int64) - int(names[0] == NO_ANSWER)
        size = names.size - int(names[0] == NO_ANSWER)
        voted, is_target = codes >= 0, np.arange(codes.size) < rows[0].stop - rows[0].start
        count = np.bincount(codes[voted], minlength=size)
        right = np.bincount(codes[voted], good[voted], minlength=size)
        cast = np.bincount(codes[voted & ~is_target], weight[voted & ~is_target], minlength=size)
        yield Ballot(
            codes[is_target],
            weight[is_target],
            right / np.maximum(count, 1),
            np.asarray(cast, float),
        )


def _answers(samples: Samples) -> npt.NDArray[np.integer[Any]]:
    if samples.answer is None:
        raise UsageError("votes need answers; read the samples with answers=True")
    return samples.answer


def refuse_silence(answered: int) -> None:
    """Raise UsageError where no sample has an answer."""
    if not answered:
        raise UsageError("no sample has an answer: there is nothing to vote on")


def _weights(samples: Samples, verifier: str | None) -> Numbers:
    if verifier is None:
        return np.ones(len(samples))
    weights = samples.scores[verifier]
    if (weights < 0).any():
        raise UsageError(
            f"verifier {verifier} has scores below zero ({weights.min():.3g}), which cannot weigh "
            "votes; map them to above zero first, such as by exp or a sigmoid"
        )
    return weights


def _drawn(
    ballot: Ballot, k_g: npt.NDArray[np.int64], need: int, room: int, rng: np.random.Generator
) -> Numbers:
    """Return the mean result (g,) of `need` draws, as far as shuffles of `room` samples allow."""
    m, answers = ballot.codes.size, ballot.right.size
    if not answers:
        return np.zeros(k_g.size)
    least = int(np.min(m // k_g))
    shuffles = int(np.clip(-(-need // least), 1, max(FEWEST, room // m)))
    order = rng.permuted(np.tile(np.arange(m), (shuffles, 1)), axis=1)
    codes, weights = ballot.codes[order], ballot.weights[order]
    out = np.empty(k_g.size)
    for g, k in enumerate(k_g):
        cut = max(1, min(m // int(k), need))
        used = max(1, min(shuffles, -(-need // cut), TABLE // (cut * answers)))
        draws = used * cut
        choices = codes[:used, : cut * k].reshape(draws, k)
        voted = choices >= 0
        cells = (np.arange(draws)[:, None] * answers + choices)[voted]
        cast = weights[:used, : cut * k].reshape(draws, k)[voted]
        table = np.bincount(cells, cast, draws * answers).reshape(draws, answers)
        out[g] = _elected(table + ballot.cast, ballot.right).mean()
    return out


def _elected(table: Numbers, right: Numbers) -> Numbers:
    """Return how right the winners of tables (d, a) are; ties share, and no votes are wrong.

    Sums of scores that differ by rounding alone tie.
    """
    most = table.max(1, keepdims=True)
    won = (table >= most * (1 - 1e-12)) & (most > 0)
    return np.asarray((won * right).sum(1) / np.maximum(won.sum(1), 1))


def _subsets(m: int, k: int) -> int:
    """Return how many draws of k there are; one sample at a time is never too many."""
    return 1 if k == 1 else math.comb(m, k) if min(k, m - k) <= 8 else ENUMERATED + 1


def _enumerated(ballot: Ballot, k: int) -> float:
    """Return the mean over every draw of k."""
    if not ballot.right.size:
        return 0.0
    m = ballot.codes.size
    if k in (1, m):
        chosen = np.arange(m).reshape(-1, k)
    else:
        chosen = np.array(list(itertools.combinations(range(m), k)))
    choices, weights = ballot.codes[chosen], ballot.weights[chosen]
    tallies = [(weights * (choices == a)).sum(1) for a in range(ballot.right.size)]
    table = np.stack(tallies, axis=1) + ballot.cast
    return float(_elected(table, ballot.right).mean())


def _counted(ballots: list[Ballot], k: int) -> Numbers:
    """Return the exact result of a plain vote of k samples for every problem (p,).

    Of the draws in which answer a has j votes, the others must have at most j: a polynomial per
    answer, in the draws it takes, and a count of those that tie.
    """
    wide = max(b.right.size for b in ballots)
    n_pa = np.zeros((len(ballots), wide))
    right_pa = np.zeros((len(ballots), wide))
    for i, b in enumerate(ballots):
        size = b.right.size
        n_pa[i, :size] = np.bincount(b.codes[b.codes >= 0], minlength=size)
        right_pa[i, :size] = b.right
    m_p = np.array([b.codes.size for b in ballots], float)
    draws_p = _choose(m_p, k)
    out = np.zeros(len(ballots))
    for a in range(wide):
        able = np.flatnonzero(right_pa[:, a] > 0)
        if not able.size:
            continue
        rest = np.delete(n_pa[able], a, axis=1)
        silent = m_p[able] - n_pa[able].sum(1)
        won = sum(_choose(n_pa[able, a], j) * _others(rest, silent, j, k) for j in range(1, k + 1))
        out[able] += right_pa[able, a] * won / draws_p[able]
    return out


def _others(rest_pa: Numbers, silent_p: Numbers, j: int, k: int) -> Numbers:
    """Return the ways (p,) to draw k - j samples of which no answer has more than j votes.

    Each way counts 1 / (1 + t), where t answers have j votes: the share of the one that ties.
    """
    other_votes, ties = k - j, (k - j) // j
    ways = np.zeros((len(rest_pa), ties + 1, other_votes + 1))
    ways[:, 0] = np.stack([_choose(silent_p, i) for i in range(other_votes + 1)], axis=1)
    for n_p in rest_pa.T:
        if not n_p.any():
            continue
        new = ways.copy()
        for i in range(1, min(j - 1, other_votes) + 1):
            new[:, :, i:] += _choose(n_p, i)[:, None, None] * ways[:, :, : other_votes + 1 - i]
        if j <= other_votes:
            new[:, 1:, j:] += _choose(n_p, j)[:, None, None] * ways[:, :-1, : other_votes + 1 - j]
        ways = new
    return np.asarray((ways[:, :, other_votes] / (1 + np.arange(ties + 1))).sum(1))


def _choose(n: Numbers, k: int) -> Numbers:
    """Return n over k, 0 where k > n."""
    out = np.ones_like(n)
    for i in range(k):
        out = out * np.maximum(n - i, 0) / (i + 1)
    return out
