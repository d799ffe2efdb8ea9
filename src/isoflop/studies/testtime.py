"""What the embedded study of test time saw: its samples by seed, and the claims held to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.experiments.testtime import Beam, Strategy, TokenBudget, name_of, named
from isoflop.studies.reward import LEVEL, Mean

if TYPE_CHECKING:
    from isoflop.samples.bank import SampleBank
    from isoflop.samples.sample_table import Counts

Saw = Literal["yes", "no", "not told"]

BINS = 5  # of difficulty, by the pass rate of plain samples: the first is the easiest
SIDE = 2  # bins that are called easy, and hard
FLAT = 0.25  # a curve is flat where it gains less than this share of what it gained at first
FIRST = "parallel"
FORCED = TokenBudget()  # a response whose length may be forced, left to itself


@dataclass(frozen=True, eq=False)
class StrategyResult:
    """A strategy on each problem (p,): share right, tokens, FLOP of policy and of verifier."""

    right: Numbers
    tokens: Numbers
    flop: Numbers
    verifier_flop: Numbers


@dataclass(frozen=True, eq=False)
class Seed:
    """One seed: parallel samples at every `k` (g,) by problem (p, g), and each strategy."""

    lineage: str
    k: Numbers
    curves: Mapping[str, Numbers]
    counts: Counts
    strategies: Mapping[Strategy, StrategyResult]

    @property
    def bins(self) -> npt.NDArray[np.int64]:
        """The bin (p,) of each problem, as evenly filled as can be; 0 is the easiest."""
        rate = self.counts.solved / self.counts.attempts
        rank = np.argsort(np.argsort(-rate, kind="stable"), kind="stable")
        return np.asarray(rank * BINS // rate.size)

    def curve(self, name: str) -> Numbers:
        """Return the mean over problems (g,)."""
        return np.asarray(self.curves[name].mean(0))

    def at(self, name: str, k: int) -> Numbers:
        """Return a curve at one k, by problem (p,)."""
        return np.asarray(self.curves[name][:, int(np.flatnonzero(self.k == k)[0])])


def seeds_of(bank: SampleBank, lineages: Sequence[str]) -> tuple[Seed, ...]:
    """Return what a bank holds of each lineage."""
    from isoflop.samples.curves import curves

    kinds = bank.kinds()
    seeds = []
    for lineage in lineages:
        samples = bank.load(FIRST, lineage, bank.verifiers, answers=True)
        k = 2 ** np.arange(int(np.log2(samples.counts.reach)) + 1)
        each = {c.name: c.each for c in curves(samples, k, draws=0)}
        names = sorted(s for s, of in kinds if of == lineage and s != FIRST)
        strategies = {named(name): _tried(bank, name, lineage) for name in names}
        seeds.append(Seed(lineage, k.astype(float), each, samples.counts, strategies))
    return tuple(seeds)


def _tried(bank: SampleBank, name: str, lineage: str) -> StrategyResult:
    samples = bank.load(name, lineage)
    counts = samples.counts
    cost = samples.cost
    return StrategyResult(
        counts.solved / counts.attempts,
        cost["tokens"],
        cost["flop"] + cost["prompt_flop"],
        cost["verifier_flop"] + cost["verifier_prompt_flop"],
    )


@dataclass(frozen=True)
class Contrast:
    """A difference that a claim is about, over seeds [share of problems]."""

    what: str
    mean: Mean

    @property
    def above(self) -> bool:
        """Whether the interval lies above zero."""
        return self.mean.low is not None and self.mean.low > 0

    @property
    def below(self) -> bool:
        """Whether the interval lies below zero."""
        return self.mean.high is not None and self.mean.high < 0


def over(seeds: Sequence[Seed]) -> str:
    """Return what a number is of, in words."""
    if len(seeds) == 1:
        return "one seed, without intervals"
    return f"means over {len(seeds)} seeds with {LEVEL:.0%} intervals by Student's t"


def signed(mean: Mean) -> str:
    """Return a difference with its interval, in words."""
    if mean.low is None or mean.high is None:
        return f"{mean.value:+.3f}"
    return f"{mean.value:+.3f} ({mean.low:+.3f} to {mean.high:+.3f})"


@dataclass(frozen=True)
class ClaimEvidence:
    """A claim, what was seen of it, and the differences that say so."""

    claim: str
    saw: Saw
    contrasts: tuple[Contrast, ...]


def findings(seeds: Sequence[Seed], verifier: str) -> tuple[ClaimEvidence, ...]:
    """Return what the seeds say of each claim, as far as its strategies were tried."""
    makers: list[Callable[[Sequence[Seed], str], ClaimEvidence | None]] = [
        _coverage,
        _majority,
        _best_of_k,
        _beam,
        _limits,
        _forcing,
    ]
    return tuple(f for make in makers if (f := make(seeds, verifier)) is not None)


def _contrast(what: str, seeds: Sequence[Seed], of: Callable[[Seed], float]) -> Contrast:
    return Contrast(what, Mean.of([of(seed) for seed in seeds]))


def _two(first: bool, second: bool, against: bool) -> Saw:
    """Return yes where both parts of a claim were seen, no where either was seen reversed."""
    return "yes" if first and second else "no" if against else "not told"


def _coverage(seeds: Sequence[Seed], verifier: str) -> ClaimEvidence:
    k = int(seeds[0].k[-1])
    rise = _contrast(
        f"coverage at k = {k} less at 1", seeds, lambda s: float(np.ptp(s.curve("coverage")))
    )
    return ClaimEvidence("coverage rises", _two(rise.above, True, rise.below), (rise,))


def _majority(seeds: Sequence[Seed], verifier: str) -> ClaimEvidence:
    """Hold two late doublings against the early ones; all samples give one draw, which is few."""
    count, k = len(seeds[0].k), seeds[0].k.astype(int)
    half, last = count // 2, count - 2

    def gain(seed: Seed, a: int, b: int) -> float:
        return float(seed.curve("majority")[b] - seed.curve("majority")[a])

    early = _contrast(f"majority at k = {k[half]} less at 1", seeds, lambda s: gain(s, 0, half))
    late = _contrast(
        f"at k = {k[last]} less at {k[last - 2]}", seeds, lambda s: gain(s, last - 2, last)
    )
    return _levelling("majority saturates", early, late)


def _levelling(claim: str, early: Contrast, late: Contrast) -> ClaimEvidence:
    """Say whether something gained early on and then, by comparison, hardly any more."""
    limit = FLAT * early.mean.value
    flat = late.mean.high is not None and late.mean.high < limit
    rising = late.mean.low is not None and late.mean.low > limit
    return ClaimEvidence(claim, _two(early.above, flat, early.below or rising), (early, late))


def _best_of_k(seeds: Sequence[Seed], verifier: str) -> ClaimEvidence:
    """Say whether best of k rose and fell; the peak of a seed is where the others have it."""
    name = f"best of k by {verifier}"
    curves = np.array([s.curve(name) for s in seeds])
    peaks = [int(_others(curves, i).argmax()) for i in range(len(seeds))]
    rise = [float(c[p] - c[0]) for c, p in zip(curves, peaks, strict=True)]
    fall = [float(c[-1] - c[p]) for c, p in zip(curves, peaks, strict=True)]
    at = " or ".join(f"{seeds[0].k[p]:.0f}" for p in sorted(set(peaks)))
    up = Contrast(f"best of k at its peak (k = {at}) less at 1", Mean.of(rise))
    down = Contrast(f"at k = {seeds[0].k[-1]:.0f} less at the peak", Mean.of(fall))
    return ClaimEvidence(
        "best of k by a learned verifier rises, then falls",
        _two(up.above, down.below, down.above or not any(peaks)),
        (up, down),
    )


def _others(curves: Numbers, i: int) -> Numbers:
    rest = np.delete(curves, i, axis=0)
    return np.asarray((rest if len(rest) else curves).mean(0))


def _beam(seeds: Sequence[Seed], verifier: str) -> ClaimEvidence | None:
    n, vote = 16, f"vote weighted by {verifier}"
    beam = Beam(n=n)
    if beam not in seeds[0].strategies or n not in seeds[0].k:
        return None

    def gain(seed: Seed, hard: bool) -> float:
        mask = seed.bins >= BINS - SIDE if hard else seed.bins < SIDE
        return float((seed.strategies[beam].right - seed.at(vote, n))[mask].mean())

    hard = _contrast(
        f"beam of {n} less the weighted vote of {n}, two hardest bins",
        seeds,
        lambda s: gain(s, True),
    )
    easy = _contrast("the same, two easiest bins", seeds, lambda s: gain(s, False))
    return ClaimEvidence(
        "beam search wins on hard problems and loses on easy ones",
        _two(hard.above, easy.below, hard.below or easy.above),
        (hard, easy),
    )


def extended(seed: Seed) -> list[TokenBudget]:
    """Return the budgets that were forced up by more attempts alone, the fewest first."""
    budgets = [s for s in _budgets(seed) if s.again and s.tokens is None]
    return sorted(budgets, key=lambda s: s.again)


def limited(seed: Seed) -> list[TokenBudget]:
    """Return the budgets that were forced down by a limit alone, the least first."""
    budgets = [s for s in _budgets(seed) if s.tokens is not None and not s.again]
    return sorted(budgets, key=limit_of)


def limit_of(budget: TokenBudget) -> int:
    """Return the limit [tokens] of a budget that has one."""
    return budget.tokens or 0


def _budgets(seed: Seed) -> list[TokenBudget]:
    return [s for s in seed.strategies if isinstance(s, TokenBudget)]


def _gain(what: str, seeds: Sequence[Seed], more: Strategy, less: Strategy) -> Contrast:
    return _contrast(
        what, seeds, lambda s: float((s.strategies[more].right - s.strategies[less].right).mean())
    )


def _limits(seeds: Sequence[Seed], verifier: str) -> ClaimEvidence | None:
    limits = limited(seeds[0])
    if FORCED not in seeds[0].strategies or len(limits) < 2:
        return None
    first, second, last = limits[0], limits[1], limits[-1]
    early = _gain(
        f"a limit of {second.tokens} tokens less one of {first.tokens}", seeds, second, first
    )
    late = _gain(f"no limit less one of {last.tokens}", seeds, FORCED, last)
    return _levelling("a larger limit of tokens helps, then flattens", early, late)


def _forcing(seeds: Sequence[Seed], verifier: str) -> ClaimEvidence | None:
    budgets = extended(seeds[0])
    if FORCED not in seeds[0].strategies or len(budgets) < 2:
        return None
    first, last = budgets[0], budgets[-1]
    helps = _gain("one more attempt less none", seeds, first, FORCED)
    more = _gain(f"{last.again} more attempts less one", seeds, last, first)
    flat = more.mean.high is not None and more.mean.high < max(helps.mean.value, 0.0)
    return ClaimEvidence(
        "forcing more attempts helps, then flattens",
        _two(helps.above, flat, helps.below),
        (helps, more),
    )


def lengths(bank: SampleBank, strategy: Strategy) -> Numbers:
    """Return the tokens of every sample of a strategy."""
    where = {"strategy": name_of(strategy)}
    parts = [t["tokens"].to_numpy() for t in bank.rows.tables(("tokens",), where)]
    return np.concatenate(parts).astype(float)
