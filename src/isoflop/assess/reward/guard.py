"""How far a verifier may be trusted: the n and the KL beyond which true reward falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from isoflop.arrays import Numbers
from isoflop.assess.reward.evidence import of_curves
from isoflop.assess.reward.overoptimisation import (
    Overoptimisation,
    OveroptimisationCurve,
    Spread,
    ends,
    overoptimisation,
)
from isoflop.assess.reward.reward_input import kl_note, refuse_few_draws
from isoflop.errors import Notes, UsageError
from isoflop.quantities import show
from isoflop.report.display import Displayed
from isoflop.samples.best_of_n_curves import BestOfNCurves, best_of_n_curves
from isoflop.samples.kl import n_of_kl
from isoflop.samples.proxy_ensembles import ensembles
from isoflop.samples.score_table import ScoreTable

Verdict: TypeAlias = Literal["falls", "rises", "unclear"]

FAR = 1e15  # n beyond which a peak is as good as none


@dataclass(frozen=True, eq=False)
class Guard(Displayed):
    """What is safe with one proxy: `n` and `kl` [nats] of the peak of gold, and what lies beyond.

    `among` holds the ends of the intervals of n* by every law that nothing seen speaks against, and
    `safe` is the lower one of them, if that n was measured. `drop` is how much gold is lost between
    the peak and the largest n, as measured; `end` is the gain there. `labels` gold scores stand
    behind all of it.
    """

    proxy: str
    curves: BestOfNCurves
    fit: Overoptimisation
    n: Spread
    kl: Spread
    among: tuple[float, float]
    end: Spread
    drop: Spread
    labels: int

    @property
    def most(self) -> int:
        """The largest n that was measured."""
        return int(self.curves.n[-1])

    @property
    def safe(self) -> float:
        """The n up to which gold rises by every such law, and no n beyond those measured.

        Where the law does not follow the points, no n beyond the one of most gold either.
        """
        n = self.most if self.fit.follows else self.curves.n[self.curves.gold.argmax()]
        return min(self.among[0], float(n))

    @property
    def verdict(self) -> Verdict:
        """Whether gold falls within the n that were measured.

        It falls if it was measured to, past a peak whose interval was measured through. It rises if
        by every law that nothing speaks against it does, and the law follows the points.
        """
        if self.fit.peak_at.high < self.fit.furthest and self.drop.low > 0:
            return "falls"
        return "rises" if self.fit.follows and self.safe >= self.most else "unclear"

    @property
    def says(self) -> str:
        """The verdict in a sentence."""
        n, gain = whole(self.n.value), self.fit.peak.value
        low, high = self.among
        if self.verdict == "falls":
            return (
                f"best-of-n past n = {n} hurts with this verifier: gold gains {gain:.2f} there and "
                f"{self.end.value:.2f} at n = {self.most:,}"
            )
        if self.verdict == "rises":
            outlook = (
                f"extrapolated, it peaks no sooner than n = {whole(low)}"
                if low < FAR
                else "no fall is in sight"
            )
            so_far = f"where it has gained {self.end.value:.2f}"
            return f"gold still rises at n = {self.most:,}, {so_far}; {outlook}"
        upto = f"to {whole(high)}" if high < FAR else "on, if at all"
        at = f"at {n}" if self.n.value < FAR else "at none"
        return (
            f"not known yet: gold may peak anywhere from n = {whole(low)} {upto} ({at} by "
            f"{self.fit.form}); up to {whole(self.safe)} is safe"
        )

    def labels_for(self, width: float) -> int | None:
        """Return how many gold scores give d* [sqrt(nats)] an interval of `width`.

        Intervals shrink with the root of the labels, if more prompts are labelled in the same way.
        None where the interval is open, so that nothing can be said.
        Raises UsageError for a width that is no number above zero.
        """
        if not (np.isfinite(width) and width > 0):
            raise UsageError(f"the width is {width}; it must be a number above zero")
        at = self.fit.peak_at
        if not np.isfinite(at.high):
            return None
        return int(np.ceil(self.labels * ((at.high - at.low) / width) ** 2))


def guard(
    table: ScoreTable,
    proxy: str,
    *,
    form: str | None = None,
    draws: int = 1000,
    level: float = 0.9,
    seed: int = 0,
) -> Guard:
    """Return the n and the KL beyond which gold falls when the best of n is chosen by a proxy.

    Intervals are over prompts. Raises what `best_of_n_curves` and `overoptimisation` raise.
    """
    curves = best_of_n_curves(table, proxy)
    evidence = of_curves(curves, draws=draws, seed=seed, size=table.sizes.get(proxy))
    curve_fit = overoptimisation(evidence, form=form, level=level)
    n = curve_fit.spread(lambda law: n_at(curves, law.peak_at()))
    kl = curve_fit.spread(lambda law: _square(law.peak_at()))
    end = Spread(float(curves.gold[-1]), *ends(evidence.draws[:, -1], level, evidence.units))
    drop = _drop(curve_fit, curves, evidence, level)
    return Guard(
        proxy=proxy,
        curves=curves,
        fit=curve_fit,
        n=n,
        kl=kl,
        among=_among(curve_fit, curves, n),
        end=end,
        drop=drop,
        labels=curves.labelled,
    )


def n_at(curves: BestOfNCurves, d: Any) -> Numbers:
    """Return the n whose root KL is d: by the bound, or by the curve where the KL was corrected."""
    d = np.asarray(d, float)
    if np.allclose(curves.kl, curves.bound):
        return n_of_kl(_square(d))
    inside = np.exp(np.interp(d, curves.d, np.log(curves.n)))
    return np.asarray(np.where(d <= curves.d[-1], inside, np.inf))


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
        mine, theirs = one.fit.evidence, best.fit.evidence
        gap = mine.draws[:, -1] - theirs.draws[:, -1]
        gain = Spread(one.end.value - best.end.value, *ends(gap, level, mine.units))
        out.append(Versus(one.proxy, best.proxy, gain, float((gap > 0).mean())))
    return tuple(out)


def whole(n: float) -> str:
    """Return a number of samples in words: whole, and short where it is large."""
    if not n < FAR:
        return "beyond any"
    return f"{round(n):,}" if n < 1e5 else show(n, 2)


def _among(
    overoptimisation: Overoptimisation, curves: BestOfNCurves, n: Spread
) -> tuple[float, float]:
    """Return the lowest and the highest end of n* by the law and all that forecast as well."""
    points, level = overoptimisation.evidence, overoptimisation.level
    others = [
        points.ensemble(form) for form in overoptimisation.alike if form != overoptimisation.form
    ]
    spans = (ends(n_at(curves, laws.peak_at()), level, points.units) for laws in others)
    lows, highs = zip(n[1:], *spans, strict=True)
    return min(lows), max(highs)


def _drop(
    overoptimisation: Overoptimisation,
    curves: BestOfNCurves,
    evidence: OveroptimisationCurve,
    level: float,
) -> Spread:
    """Return the measured gold at the peak of the law, less that at the largest n."""
    g = int(
        np.argmin(
            np.abs(curves.d - min(float(overoptimisation.law.peak_at()), float(curves.d[-1])))
        )
    )
    lost = evidence.draws[:, g] - evidence.draws[:, -1]
    value = float(curves.gold[g] - curves.gold[-1])
    return Spread(value, *ends(lost, level, evidence.units))


@dataclass(frozen=True, eq=False)
class Guards(Displayed):
    """Every proxy of a table, and ensembles of them held against the best, at `level`."""

    alone: tuple[Guard, ...]
    ensembles: tuple[Guard, ...]
    against: tuple[Versus, ...]
    notes: Notes
    level: float


def guards(
    table: ScoreTable,
    *,
    penalty: float = 0.5,
    form: str | None = None,
    draws: int = 1000,
    level: float = 0.9,
    seed: int = 0,
) -> Guards:
    """Return how far every proxy of a table may be trusted, alone and in ensembles.

    `penalty` is how many variances an ensemble takes off its mean. Raises UsageError for too few
    draws, and what `guard` raises.
    """
    refuse_few_draws(draws)
    options: dict[str, Any] = {"form": form, "draws": draws, "level": level, "seed": seed}
    alone = [guard(table, name, **options) for name in table.proxies]
    together: list[Guard] = []
    if len(alone) > 1:
        joined = ensembles(table, penalty=penalty)
        names = [name for name in joined.proxies if name not in table.proxies]
        together = [guard(joined, name, **options) for name in names]
    against = versus(together, alone, level) if together else ()
    notes = (*dict.fromkeys(n for g in alone for n in g.curves.notes),)
    return Guards(
        tuple(alone), tuple(together), against, (*notes, kl_note(table, alone[0].curves)), level
    )
