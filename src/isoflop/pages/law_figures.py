"""A law as a picture: its published sets over one input, its fit to public runs, or an example."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from isoflop.quantities import SHARES, quantity, show
from isoflop.report import Axis, Figure, Layer, Line, Paragraph, Points

if TYPE_CHECKING:
    from isoflop.atlas import FitEvidence
    from isoflop.law import Law, Published

Range: TypeAlias = tuple[float, float]

STEPS = 60  # points of a line
MOST_FIGURES = 4  # of the sets of one law
AHEAD = 10.0  # how far a line is drawn beyond the range of its set
WIDE = 10.0  # an axis that spans less is not worth a logarithm
FLAT = 1.5  # an output that changes by less is drawn on a linear axis


@dataclass(frozen=True, slots=True)
class _Curve:
    """A law with numbers, over its first input."""

    name: str
    law: Law
    takes: tuple[str, ...]
    predicts: str
    ranges: Mapping[str, Range]
    unit: str = ""

    def span(self) -> Range:
        """Return the stretch of the first input to draw: beyond the range, where one is known."""
        low, high = self.ranges.get(self.takes[0], quantity(self.takes[0]).typical)
        return (low, high * AHEAD) if self._stretches else (low, high)

    def lines(self, low: float, high: float, others: Mapping[str, float]) -> list[Line]:
        """Return the curve; what lies outside the range of the set is drawn thin."""
        x = np.geomspace(low, high, STEPS) if low > 0 else np.linspace(low, high, STEPS)
        named = {self.takes[0]: x, **{s: np.full(STEPS, v) for s, v in others.items()}}
        if set(self.takes) <= set(SHARES):
            named |= {s: (1 - x) / len(others) for s in others}
        inputs = dict(zip(self.law.takes, (named[s] for s in self.takes), strict=True))
        with np.errstate(all="ignore"):
            y = np.broadcast_to(np.asarray(self.law(**inputs), dtype=np.float64), x.shape)
        y = np.where(np.isfinite(y), y, np.nan)
        least, most = self.ranges.get(self.takes[0], (low, high))
        inside = np.flatnonzero((x >= least) & (x <= most))
        if not inside.size:
            return [Line(self.name, x, y, "rival", group=self.name)]
        first, last = inside[0], inside[-1] + 1
        parts = [slice(first, last), slice(0, first + 1), slice(last - 1, STEPS)]
        return [
            Line(self.name, x[part], y[part], "rival" if turn else "fit", group=self.name)
            for turn, part in enumerate(parts)
            if not turn or x[part].size > 1
        ]

    @property
    def _stretches(self) -> bool:
        """Whether the first input has a range, and may go beyond it: a share may not."""
        symbol = self.takes[0]
        return symbol in self.ranges and quantity(symbol).typical[1] > 1


def curves(law: type[Law], measured: Sequence[FitEvidence]) -> tuple[Figure | Paragraph, ...]:
    """Return a law's published sets as curves; without sets its fits, or else an example.

    Of sets in many units the largest groups are drawn, and a sentence says where the rest are.
    """
    if law.published:
        groups = _by_axes(law.published.values())
        rest = sum(map(len, groups[MOST_FIGURES:]))
        figures = tuple(map(_of_sets, groups[:MOST_FIGURES]))
        more = f"{rest} more sets are not drawn here; 'isoflop laws LAW/SET' draws any of them."
        return (*figures, Paragraph(more)) if rest else figures
    if measured:
        return (_figure("Fitted to public runs", [_of_evidence(law, e) for e in measured]),)
    return (_example(law),)


def of_set(constants: Published) -> Figure:
    """Return one published set as a curve."""
    return _figure(constants.key, [_of_published(constants)])


def of_sets(sets: Iterable[Published]) -> Figure:
    """Return published sets of one law as curves in one picture."""
    curves = [_of_published(constants) for constants in sets]
    return _figure(f"{curves[0].predicts} over {curves[0].takes[0]}", curves)


def of_law(law: Law) -> Figure:
    """Return a law with numbers as a curve; of an ensemble the medians of its parameters."""
    medians = {name: float(np.nanmedian(value)) for name, value in law.values.items()}
    curve = _Curve(law.key, type(law)(**medians), law.takes, law.predicts, {})
    return _figure(law.key, [curve])


def agreement(fit_evidence: FitEvidence) -> Figure | None:
    """Return observed against predicted, where the licence of the runs allows a few of them."""
    plotted = fit_evidence.plotted
    if plotted is None:
        return None
    observed, predicted = np.array(plotted.observed), np.array(plotted.predicted)
    unseen = np.array(plotted.unseen)
    ends = np.array([min(observed.min(), predicted.min()), max(observed.max(), predicted.max())])
    mid = fit_evidence.held_out[len(fit_evidence.held_out) // 2]
    rule = f"Fitted to runs with {mid.axis} up to {show(mid.cut)}"
    rule = rule if mid.cut else f"Fitted to the rest, with {mid.axis} held out"
    log = fit_evidence.residuals == "log" and ends[0] > 0 and ends[1] / ends[0] > WIDE
    unit = fit_evidence.unit or quantity(fit_evidence.predicts).unit
    layers: list[Layer] = [Line("equal", ends, ends, "reference")]
    layers.append(Points("runs that were fitted", observed[~unseen], predicted[~unseen]))
    layers.append(Points("runs held out", observed[unseen], predicted[unseen], "truth"))
    return Figure(
        f"{fit_evidence.law} on {fit_evidence.name}: what it said of runs held out",
        Axis(f"{fit_evidence.predicts}: observed", unit, log),
        Axis(f"{fit_evidence.predicts}: predicted", unit, log),
        tuple(layers),
        f"{rule}; {observed.size} of {fit_evidence.runs:,} runs are shown. {fit_evidence.source}; "
        f"{fit_evidence.licence}.",
    )


def by_distance(measured: Sequence[FitEvidence]) -> Figure | None:
    """Return the error of held-out runs by how far beyond the fitted runs they reach."""
    tested = [e for e in measured if len(e.held_out) > 1]
    if not tested:
        return None
    log = all(e.residuals == "log" for e in tested)
    layers: list[Layer] = []
    for e in tested:
        errors = sorted(e.held_out, key=lambda h: h.beyond)
        far = np.array([h.beyond for h in errors])
        error = np.array([h.rms for h in errors]) * (100 if log else 1)
        layers += [Line(e.name, far, error, group=e.name), Points(e.name, far, error, group=e.name)]
    return Figure(
        "Error of forecasts of runs that were held out",
        Axis("how far the farthest run lies beyond those that were fitted", "times"),
        Axis("rms error", "%" if log else quantity(tested[0].predicts).unit),
        tuple(layers),
    )


def _by_axes(sets: Iterable[Published]) -> list[list[_Curve]]:
    """Return sets that one picture can hold together, the largest of such groups first."""
    groups: dict[tuple[str, ...], list[_Curve]] = {}
    for curve in map(_of_published, sets):
        groups.setdefault((*curve.takes, curve.predicts, curve.unit), []).append(curve)
    return sorted(groups.values(), key=len, reverse=True)


def _of_sets(curves: Sequence[_Curve]) -> Figure:
    first = curves[0]
    return _figure(f"Published sets: {first.predicts} over {first.takes[0]}", curves)


def _of_published(constants: Published) -> _Curve:
    bound = constants.binding
    printed = quantity(bound.predicts).unit
    unit = constants.conventions.get(bound.predicts, printed) if bound.predicts == "L" else printed
    return _Curve(constants.name, constants.law, bound.takes, bound.predicts, constants.valid, unit)


def _of_evidence(law: type[Law], fit_evidence: FitEvidence) -> _Curve:
    numbers = {name: estimate.value for name, estimate in fit_evidence.params.items()}
    return _Curve(
        fit_evidence.name,
        law(**numbers),
        fit_evidence.takes,
        fit_evidence.predicts,
        fit_evidence.ranges,
        fit_evidence.unit,
    )


def _example(law: type[Law]) -> Figure:
    # Not the middle of each: parameters of one kind would be equal, and cancel.
    places = itertools.cycle((0.5, 0.3, 0.7))
    middle = law(**{name: _at(p.typical, next(places)) for name, p in law.params.items()})
    curve = _Curve("typical constants", middle, law.takes, law.predicts, {})
    return _figure("An example at typical constants, which no source states", [curve])


def _figure(title: str, curves: Sequence[_Curve]) -> Figure:
    first = curves[0]
    spans, others = [curve.span() for curve in curves], _others(curves)
    low, high = min(s[0] for s in spans), max(s[1] for s in spans)
    layers = [line for curve in curves for line in curve.lines(low, high, others)]
    limits = [curve.ranges[first.takes[0]][1] for curve in curves if first.takes[0] in curve.ranges]
    y = np.concatenate([line.y[np.isfinite(line.y)] for line in layers])
    rises = y.size > 0 and y.min() > 0 and y.max() / y.min() > FLAT
    return Figure(
        title,
        Axis.of(first.takes[0], log=low > 0 and high / low > WIDE),
        Axis.of(first.predicts, first.unit or None, log=rises and first.law.residuals == "log"),
        tuple(layers),
        _caption(curves, others),
        max(limits) if 2 * len(limits) >= len(curves) else None,
    )


def _others(curves: Sequence[_Curve]) -> dict[str, float]:
    """Return where the other inputs stand: amid the first range that is known of each."""
    varying = {
        s: next((c.ranges[s] for c in curves if s in c.ranges), quantity(s).typical)
        for s in curves[0].takes[1:]
    }
    return {symbol: _at(span) for symbol, span in varying.items()}


def _caption(curves: Sequence[_Curve], others: Mapping[str, float]) -> str:
    """Return where the other inputs stand, and what thin lines are."""
    words = [f"At {', '.join(f'{s} = {show(v)}' for s, v in others.items())}."] if others else []
    if set(curves[0].takes) <= set(SHARES):
        words = ["The other domains share the rest evenly."]
    if any(curves[0].takes[0] in curve.ranges for curve in curves):
        words.append("Thick within the range that was fitted, thin beyond it.")
    return " ".join(words)


def _at(span: Range, share: float = 0.5) -> float:
    """Return what lies so far along a range, in its log if all of it lies above zero."""
    low, high = span
    return float(low * (high / low) ** share) if low > 0 else low + share * (high - low)
