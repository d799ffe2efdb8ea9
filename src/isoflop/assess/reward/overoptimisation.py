"""Gold reward against root KL: which law, its peak, and how far it can be carried.

The form is the one that forecasts larger KL best when that is held out. Suffixes: s draws,
g points along d.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import BadRuns, CannotFit, Note
from isoflop.fitting.linear import fit_linear
from isoflop.laws import form as form_of
from isoflop.quantities import refuse_level
from isoflop.report.display import Displayed

FORMS = ("bon-reward", "rl-reward", "log1p-reward", "power-decay-reward")
SEARCH: Mapping[str, Mapping[str, Sequence[float]]] = {
    "power-decay-reward": {"gamma": tuple(np.geomspace(0.05, 4, 45))}
}
CUTS = (0.4, 0.5, 0.6, 0.7, 0.8)  # shares of the range of d that are seen; the rest is held out
HALF = 0.5
FEWEST = 5  # points along d: two parameters, and three to see whether they fit
JUDGES = 200  # draws that say whether a form is better than another by luck
LUCK = 0.05  # share of draws that must disagree for two forms to be tied
APART = 1.5  # times the nearest peak of tied forms at which the furthest is worth a word
TRUSTED = 0.9  # R^2 under which a law is said not to follow the points


class Spread(NamedTuple):
    """A number with its interval; an end may be infinite."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class OveroptimisationCurve(Displayed):
    """Points (g,) along d [sqrt(nats)]: gain R over the initial policy, weight, and draws (s, g).

    Draws are of R over prompts, or, where `drawn_weights` says so, of the weights of points. So
    many `units` were drawn anew in each: prompts, runs or points; None for more than enough.
    """

    name: str
    d: Numbers
    R: Numbers
    weights: Numbers
    draws: Numbers
    drawn_weights: bool = False
    size: float | None = None
    units: int | None = None

    def part(self, index: Any) -> OveroptimisationCurve:
        """Return the points of a mask (g,)."""
        return replace(
            self,
            d=self.d[index],
            R=self.R[index],
            weights=self.weights[index],
            draws=self.draws[:, index],
        )

    def law(self, form: str) -> Any:
        """Return a form fitted to the points."""
        return fit_linear(
            form_of(form), {"d": self.d}, self.R, self.weights, search=SEARCH.get(form)
        )

    def ensemble(self, form: str, count: int | None = None) -> Any:
        """Return a form fitted to each of the draws."""
        draws = self.draws[:count]
        y, w = (self.R, draws) if self.drawn_weights else (draws, self.weights)
        return fit_linear(form_of(form), {"d": self.d}, y, w, search=SEARCH.get(form))


@dataclass(frozen=True)
class FormScore:
    """How a form forecast larger KL: root mean square and mean error [reward].

    `better` is the share of draws in which it beats the first; `tied` says that this is too many
    to call the difference real.
    """

    form: str
    rms: float
    bias: float
    better: float
    tied: bool


@dataclass(frozen=True, eq=False)
class Overoptimisation(Displayed):
    """A law through the points, its draws, and what it says of the peak."""

    evidence: OveroptimisationCurve
    form: str
    law: Any
    draws: Any
    standings: tuple[FormScore, ...]
    level: float
    r2: float
    half: Spread | None
    notes: tuple[Note, ...] = ()

    @property
    def furthest(self) -> float:
        """The largest d [sqrt(nats)] that was seen."""
        return float(self.evidence.d.max())

    @property
    def alike(self) -> tuple[str, ...]:
        """The forms that nothing seen speaks against: all of them where none could be held out."""
        if not self.standings:
            return FORMS
        return tuple(s.form for s in self.standings if s.tied)

    @property
    def follows(self) -> bool:
        """Whether the law follows the points well enough to be asked about what lies between."""
        return self.r2 >= TRUSTED

    def spread(self, of_law: Any) -> Spread:
        """Return a number of the law, a function of it, with its interval over the draws."""
        value = float(np.squeeze(of_law(self.law)))
        values = np.atleast_1d(np.squeeze(of_law(self.draws)))
        return Spread(value, *ends(values, self.level, self.evidence.units))

    @property
    def peak_at(self) -> Spread:
        """d* [sqrt(nats)], where gold is highest; infinite where no fall is in sight."""
        return self.spread(lambda law: law.peak_at())

    @property
    def peak(self) -> Spread:
        """R*, the gain at the peak."""
        return self.spread(lambda law: law.peak())

    @property
    def actual(self) -> float:
        """The gain at the largest d, as measured."""
        return float(self.evidence.R[np.argmax(self.evidence.d)])


def tails(level: float, units: int | None = None) -> tuple[float, float]:
    """Return the shares of bootstrap draws that lie below the ends of an interval.

    Draws over few `units` are too narrow: their variance by (units - 1) / units, and their tails
    are not those of Student's t. The ends are taken further out by both.
    Source: Hesterberg 2015, The American Statistician 69, the expanded percentile interval.
    """
    low = (1 - level) / 2
    if units is not None:
        from scipy.special import ndtr, stdtrit

        low = float(ndtr(stdtrit(units - 1, low) * np.sqrt(units / (units - 1))))
    return low, 1 - low


def ends(draws: Numbers, level: float, units: int | None = None) -> tuple[float, float]:
    """Return the interval of draws (s,) over so many units; draws may be infinite."""
    low, high = np.quantile(draws, tails(level, units), method="inverted_cdf")
    return float(low), float(high)


def overoptimisation(
    evidence: OveroptimisationCurve, *, form: str | None = None, level: float = 0.9
) -> Overoptimisation:
    """Return the law that forecasts larger KL best, or `form`, with what it says of the peak.

    Raises CannotFit for fewer than five points, or a gain that never changes.
    """
    refuse_level(level)
    positive = evidence.part(evidence.d > 0)
    if np.unique(positive.d).size < FEWEST:
        raise CannotFit(
            f"{evidence.name} has {np.unique(positive.d).size} values of KL above 0; at least "
            f"{FEWEST} "
            "are needed to see a curve"
        )
    if np.ptp(positive.R) == 0:
        raise CannotFit(
            f"{evidence.name}: the gain is {positive.R[0]:g} at every KL; nothing to fit"
        )
    standings = _standings(positive)
    chosen = form or (standings[0].form if standings else FORMS[0])
    law = positive.law(chosen)
    residuals = positive.R - law(d=positive.d)
    mean = np.average(positive.R, weights=positive.weights)
    r2 = float(
        1
        - (positive.weights * residuals**2).sum()
        / (positive.weights * (positive.R - mean) ** 2).sum()
    )
    overoptimisation = Overoptimisation(
        evidence=positive,
        form=chosen,
        law=law,
        draws=positive.ensemble(chosen),
        standings=standings,
        level=level,
        r2=r2,
        half=_half(positive, chosen, level),
    )
    return replace(overoptimisation, notes=_notes(overoptimisation))


def split(
    evidence: OveroptimisationCurve, share: float
) -> tuple[OveroptimisationCurve, OveroptimisationCurve] | None:
    """Return the points up to a share of the largest d, and those beyond; None for too few."""
    inside = evidence.d <= share * evidence.d.max() * (1 + 1e-12)
    if np.unique(evidence.d[inside]).size < FEWEST - 1 or inside.all():
        return None
    return evidence.part(inside), evidence.part(~inside)


def _standings(curve: OveroptimisationCurve) -> tuple[FormScore, ...]:
    """Return the forms ranked by their error beyond what they saw; none where points are few."""
    parts = [p for share in CUTS if (p := split(curve, share)) is not None]
    if not parts:
        return ()
    mean: dict[str, list[Numbers]] = {}
    draws: dict[str, Numbers] = {}
    for name in FORMS:
        try:
            mean[name] = [rest.R - part.law(name)(d=rest.d) for part, rest in parts]
            draws[name] = np.mean([_errors(part, rest, name) for part, rest in parts], axis=0)
        except CannotFit:
            mean.pop(name, None)
    rms = {
        name: float(np.mean([np.sqrt((e**2).mean()) for e in errors]))
        for name, errors in mean.items()
    }
    ranked = sorted(rms, key=lambda name: rms[name])
    out = []
    for name in ranked:
        better = 0.5 if name == ranked[0] else float((draws[name] < draws[ranked[0]]).mean())
        bias = -float(np.mean([e.mean() for e in mean[name]]))
        out.append(FormScore(name, rms[name], bias, better, better > LUCK))
    return tuple(out)


def _notes(overoptimisation: Overoptimisation) -> tuple[Note, ...]:
    """Return what speaks against the law: how it was chosen, and where others see the peak."""
    return tuple(
        note for note in (_chosen(overoptimisation), _disagreement(overoptimisation)) if note
    )


def _chosen(overoptimisation: Overoptimisation) -> Note | None:
    if not overoptimisation.standings:
        return Note(
            "doubt",
            "choice",
            f"{len(overoptimisation.evidence.d)} values of KL are too few to hold some out: "
            f"nothing speaks for "
            f"{overoptimisation.form} over the other laws",
        )
    error = {s.form: s.rms for s in overoptimisation.standings}
    if overoptimisation.form in overoptimisation.alike or overoptimisation.form not in error:
        return None
    first = overoptimisation.standings[0].form
    return Note(
        "doubt",
        "choice",
        f"{overoptimisation.form} was asked for; {first} forecasts larger KL better, with an "
        f"error of "
        f"{error[first]:.2g} against {error[overoptimisation.form]:.2g}",
    )


def _disagreement(overoptimisation: Overoptimisation) -> Note | None:
    """Return what to say where forms that forecast alike see the peak in different places."""
    evidence = overoptimisation.evidence
    least = float(evidence.d.min())  # nothing closer is told apart
    at = {form: max(float(evidence.law(form).peak_at()), least) for form in overoptimisation.alike}
    low, high = min(at.values()), max(at.values())
    if high <= APART * low:
        return None
    far = "beyond any" if not np.isfinite(high) else f"{high:.2g}"
    return Note(
        "doubt",
        "disagreement",
        f"{len(at)} laws forecast alike ({', '.join(at)}), and place the peak from d = {low:.2g} "
        f"to {far}: intervals are those of {overoptimisation.form} alone",
    )


def _errors(part: OveroptimisationCurve, curve: OveroptimisationCurve, name: str) -> Numbers:
    """Return the root mean square error (s,) of refits to draws, held against the same draws."""
    predictions = part.ensemble(name, JUDGES)(d=curve.d)
    truth = curve.R if curve.drawn_weights else curve.draws[:JUDGES]
    weight = curve.draws[:JUDGES] if curve.drawn_weights else np.ones((1, curve.d.size))
    return np.asarray(np.sqrt((weight * (predictions - truth) ** 2).sum(1) / weight.sum(1)))


def _half(curve: OveroptimisationCurve, name: str, level: float) -> Spread | None:
    """Return the gain at the largest d as forecast from the smaller half of d."""
    parts = split(curve, HALF)
    if parts is None:
        return None
    at = float(curve.d.max())
    value = float(parts[0].law(name)(d=at))
    return Spread(value, *ends(np.ravel(parts[0].ensemble(name)(d=at)), level, curve.units))


def of_sizes(evidence: Sequence[OveroptimisationCurve], form: str) -> Any:
    """Return a law of d and N fitted to the points of reward models of several sizes together.

    Raises BadRuns if fewer than three sizes are known.
    """
    sized = [e for e in evidence if e.size is not None]
    if len({e.size for e in sized}) < 3:
        raise BadRuns(
            f"{len({e.size for e in sized})} sizes of reward models are known; a law of size needs "
            "three: say them with --sizes NAME=PARAMS"
        )
    d, R, w, N = _stacked(sized)
    return fit_linear(form_of(form), {"d": d, "N": N}, R, w)


def draws_of_sizes(evidence: Sequence[OveroptimisationCurve], form: str) -> Any:
    """Return a law of d and N fitted to each draw; draw i resamples the same prompts for all."""
    sized = [e for e in evidence if e.size is not None]
    d, R, w, N = _stacked(sized)
    draws = np.concatenate([e.draws for e in sized], axis=1)
    y, weights = (R, draws) if sized[0].drawn_weights else (draws, w)
    return fit_linear(form_of(form), {"d": d, "N": N}, y, weights)


def _stacked(curves: Sequence[OveroptimisationCurve]) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    joined = (np.concatenate([getattr(e, name) for e in curves]) for name in ("d", "R", "weights"))
    N = np.concatenate([np.full(e.d.size, float(e.size or 0)) for e in curves])
    return (*joined, N)  # type: ignore[return-value]
