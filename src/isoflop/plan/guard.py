"""How far a verifier may be trusted: the n and the KL beyond which true reward falls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from isoflop.assess.overoptimisation import (
    Evidence,
    Overoptimisation,
    Spread,
    Standing,
    ends,
    overoptimisation,
)
from isoflop.assess.reward_evidence import of_curves
from isoflop.errors import UsageError
from isoflop.quantities import show
from isoflop.samples.best_of_n_curves import Curves, curves
from isoflop.samples.kl import n_of_kl
from isoflop.samples.score_table import ScoreTable

Numbers = npt.NDArray[np.float64]
Verdict: TypeAlias = Literal["falls", "rises", "unclear"]

FAR = 1e15  # n beyond which a peak is as good as none


@dataclass(frozen=True, eq=False)
class Guard:
    """What is safe with one proxy: `n` and `kl` [nats] of the peak of gold, and what lies beyond.

    `safe` is the n, of those measured, up to which gold rises by every law that forecasts alike, at
    the low end of its interval. `drop` is how much gold is lost between the peak and the largest n,
    as measured; `end` is the gain there. `labels` gold scores stand behind all of it.
    """

    proxy: str
    curves: Curves
    found: Overoptimisation
    n: Spread
    kl: Spread
    safe: float
    end: Spread
    drop: Spread
    labels: int

    @property
    def most(self) -> int:
        """The largest n that was measured."""
        return int(self.curves.n[-1])

    @property
    def verdict(self) -> Verdict:
        """Whether gold falls within the n that were measured, as far as the interval can say."""
        at, furthest = self.found.peak_at, self.found.furthest
        if at.high < furthest and self.drop.low > 0:
            return "falls"
        return "rises" if at.low >= furthest else "unclear"

    @property
    def says(self) -> str:
        """The verdict in a sentence."""
        n, gain = whole(self.n.value), self.found.peak.value
        if self.verdict == "falls":
            return (
                f"best-of-n past n = {n} hurts with this verifier: gold gains {gain:.2f} there and "
                f"{self.end.value:.2f} at n = {self.most:,}"
            )
        if self.verdict == "rises":
            peak = (
                "no fall is in sight" if self.n.value > FAR
                else f"by extrapolation it peaks at n = {n}"
            )  # fmt: skip
            so_far = f"where it has gained {self.end.value:.2f}"
            return f"gold still rises at n = {self.most:,}, {so_far}; {peak}"
        return (
            f"not known yet: gold peaks somewhere from n = {whole(self.n.low)} to "
            f"{whole(self.n.high)}, most likely at {n}; up to {whole(self.safe)} is safe"
        )

    def labels_for(self, width: float) -> int | None:
        """Return how many gold scores give d* [sqrt(nats)] an interval of `width`.

        Intervals shrink with the root of the labels, if more prompts are labelled in the same way.
        None where the interval is open, so that nothing can be said.
        Raises UsageError for a width that is no number above zero.
        """
        if not (np.isfinite(width) and width > 0):
            raise UsageError(f"the width is {width}; it must be a number above zero")
        at = self.found.peak_at
        if not np.isfinite(at.high):
            return None
        return int(np.ceil(self.labels * ((at.high - at.low) / width) ** 2))


def guard(
    table: ScoreTable, proxy: str, *, form: str | None = None, draws: int = 1000,
    level: float = 0.9, seed: int = 0,
) -> Guard:  # fmt: skip
    """Return the n and the KL beyond which gold falls when the best of n is chosen by a proxy.

    Intervals are over prompts. Raises what `curves` and `overoptimisation` raise.
    """
    seen = curves(table, proxy)
    evidence = of_curves(seen, draws=draws, seed=seed, size=table.sizes.get(proxy))
    found = overoptimisation(evidence, form=form, level=level)
    n = found.spread(lambda law: n_at(seen, law.peak_at()))
    kl = found.spread(lambda law: _square(law.peak_at()))
    end = Spread(float(seen.gold[-1]), *ends(evidence.draws[:, -1], level))
    rivals = () if form else found.standings[1:]
    # Beyond the largest n nothing was measured, so that nothing there is called safe.
    safe = min(n.low, float(seen.n[-1]), *_low_ends(found, seen, rivals, level))
    drop = _drop(found, seen, evidence, level)
    return Guard(proxy, seen, found, n, kl, safe, end, drop, seen.labelled)


def n_at(seen: Curves, d: Any) -> Numbers:
    """Return the n whose root KL is d: by the bound, or by the curve where the KL was corrected."""
    d = np.asarray(d, float)
    if np.allclose(seen.kl, seen.bound):
        return n_of_kl(_square(d))
    inside = np.exp(np.interp(d, seen.d, np.log(seen.n)))
    return np.asarray(np.where(d <= seen.d[-1], inside, np.inf))


def _square(d: Any) -> Numbers:
    """Return the KL [nats] at d [sqrt(nats)]; infinite where it is too large to hold."""
    with np.errstate(over="ignore"):
        return np.asarray(np.square(np.asarray(d, float)))


@dataclass(frozen=True, slots=True)
class Versus:
    """An ensemble, or a proxy, held against the best of its rivals at the largest n."""

    name: str
    against: str
    gain: Spread  # in gold at the largest n, over the rival
    better: float  # share of draws in which it is ahead


def versus(guards: list[Guard], rivals: list[Guard], level: float = 0.9) -> tuple[Versus, ...]:
    """Return each guard against the rival of most gold at the largest n, on the same prompts."""
    best = max(rivals, key=lambda g: g.end.value)
    out = []
    for one in guards:
        gap = one.found.evidence.draws[:, -1] - best.found.evidence.draws[:, -1]
        value = one.end.value - best.end.value
        out.append(
            Versus(one.proxy, best.proxy, Spread(value, *ends(gap, level)), float((gap > 0).mean()))
        )
    return tuple(out)


def whole(n: float) -> str:
    """Return a number of samples in words: whole, and short where it is large."""
    if not n < FAR:
        return "beyond any"
    return f"{round(n):,}" if n < 1e5 else show(n, 2)


def _low_ends(
    found: Overoptimisation, seen: Curves, rivals: Sequence[Standing], level: float
) -> list[float]:
    """Return the low end of n* by each rival that forecasts larger KL as well."""
    drawn = (found.evidence.ensemble(s.form) for s in rivals if s.tied)
    return [ends(n_at(seen, laws.peak_at()), level)[0] for laws in drawn]


def _drop(found: Overoptimisation, seen: Curves, evidence: Evidence, level: float) -> Spread:
    """Return the measured gold at the peak of the law, less that at the largest n."""
    g = int(np.argmin(np.abs(seen.d - min(float(found.law.peak_at()), float(seen.d[-1])))))
    lost = evidence.draws[:, g] - evidence.draws[:, -1]
    return Spread(float(seen.gold[g] - seen.gold[-1]), *ends(lost, level))
