"""mix: the shares of domains in training that leave the least loss on those that matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import Note, RefusedByData, UsageError
from isoflop.fitting import Fit
from isoflop.fitting.dual import Dual
from isoflop.law import Law
from isoflop.plan.result import Estimate
from isoflop.quantities import SHARES
from isoflop.report.display import Displayed

ROUNDS, STEPS = 60, 50
DONE = 1e-7  # of the loss, by which no other mixture can be better: then the search ends


@dataclass(frozen=True)
class Mixture(Displayed):
    """The best shares of domains, the weighted loss there, and the loss that each law says.

    `even` is the weighted loss of equal shares, and `tokens` the least of it over the mixtures that
    were run, where the runs of all laws are of the same mixtures.
    """

    shares: tuple[Estimate, ...]
    L: Estimate
    losses: tuple[Estimate, ...]
    even: float
    tokens: float | None
    level: float
    notes: tuple[Note, ...]


def mix(
    fits: Sequence[Fit[Any]], weights: Sequence[float] | None = None, *, level: float | None = None
) -> Mixture:
    """Return the shares that minimise the weighted sum of what several laws of shares predict.

    One fit of a mixture law for each loss that matters, with its weight; all alike unless given.
    A sum of such laws is convex in the shares, so what is found is the best.

    Raises UsageError for laws of other inputs or weights that make no sum, RefusedByData for a
    fit that was refused.
    Source: Ye et al. 2024, arXiv:2403.16952, section 4.
    """
    takes, share = _checked(fits, weights)
    level = level or fits[0].level
    even = np.full((1, len(takes)), 1 / len(takes))
    best = _descend([f.law for f in fits], share, even)
    draws = [f.draws for f in fits]
    rows, many = min((d.members or 0) for d in draws if d) if all(draws) else 0, None
    ensembles = [d[:rows] for d in draws if d is not None] if rows else []
    if ensembles:
        many = _descend(ensembles, share, np.repeat(best, rows, 0))
    loss, each = _losses([f.law for f in fits], best), None
    if many is not None:
        each = _losses(ensembles, many)
    return Mixture(
        shares=tuple(
            Estimate.of(best[0, i], None if many is None else many[:, i], level)
            for i in range(len(takes))
        ),
        L=Estimate.of(share @ loss, None if each is None else share @ each, level),
        losses=tuple(
            Estimate.of(loss[i], None if each is None else each[i], level) for i in range(len(fits))
        ),
        even=float((share @ _losses([f.law for f in fits], even))[0]),
        tokens=_seen(fits, takes, share),
        level=level,
        notes=tuple(_notes(fits, takes, best[0])),
    )


def _checked(
    fits: Sequence[Fit[Any]], weights: Sequence[float] | None
) -> tuple[tuple[str, ...], Numbers]:
    """Return the shares that the laws take, and the weights as shares of their sum."""
    if not fits:
        raise UsageError("no law to mix by: fit one to the loss on each domain that matters")
    takes = fits[0].binding.takes
    for fitted in fits:
        if fitted.binding.takes != takes or not set(takes) <= set(SHARES):
            raise UsageError(
                f"{fitted.law.key} takes {', '.join(fitted.binding.takes)}; a mixture needs laws "
                f"of the same shares, such as {', '.join(SHARES[:3])}"
            )
        if fitted.status == "refused":
            raise RefusedByData(f"a fit was refused, and so is its mixture: {fitted.notes[0]}")
    w = np.ones(len(fits)) if weights is None else np.asarray(weights, float)
    if w.shape != (len(fits),) or not (np.isfinite(w) & (w >= 0)).all():
        raise UsageError(f"weights are {list(w)}; give one for each law, none below zero")
    if not w.sum() > 0:
        raise UsageError("all weights are zero; give one above it")
    return takes, w / w.sum()


def _losses(laws: Sequence[Law], w_sq: Numbers) -> Numbers:
    """Return what each law says (m, s) of mixtures."""
    columns = [w_sq[:, i, None] for i in range(w_sq.shape[1])]
    return np.stack([np.asarray(law(*columns)).reshape(-1) for law in laws])


def _slopes(laws: Sequence[Law], share: Numbers, w_sq: Numbers) -> tuple[Numbers, Numbers]:
    """Return the weighted loss (s,) of mixtures (s, q), and its slopes (s, q) along the shares."""
    columns = [Dual(w_sq[:, i, None], {i: 1.0}) for i in range(w_sq.shape[1])]
    total, slopes = np.zeros(len(w_sq)), np.zeros_like(w_sq)
    for law, weight in zip(laws, share, strict=True):
        out = law(*columns)
        total += weight * np.asarray(out.value).reshape(-1)
        for i in range(w_sq.shape[1]):
            slopes[:, i] += weight * np.reshape(out.slopes[i] * np.ones((len(w_sq), 1)), -1)
    return total, slopes


def _descend(laws: Sequence[Law], share: Numbers, w_sq: Numbers) -> Numbers:
    """Return the best mixtures (s, q), by multiplicative steps that keep shares above zero.

    The loss is convex, so no mixture is better than this one by more than the slopes say: by
    sum w g - min g.
    """
    w = np.maximum(w_sq, 1e-6)
    w, active = w / w.sum(1, keepdims=True), np.arange(len(w_sq))
    for _ in range(ROUNDS):
        active_laws = [law if law.members is None else law[active] for law in laws]
        w[active], gap = _steps(active_laws, share, w[active])
        active = active[gap > DONE]
        if not active.size:
            break
    return np.asarray(w)


def _steps(laws: Sequence[Law], share: Numbers, w: Numbers) -> tuple[Numbers, Numbers]:
    """Return mixtures (s, q) some steps further down, and by what share better ones could be."""
    loss, g = _slopes(laws, share, w)
    rate = 1 / np.maximum(np.ptp(g, axis=1, keepdims=True), 1e-12)
    for _ in range(STEPS):
        step = w * np.exp(-rate * (g - g.min(1, keepdims=True)))
        candidate = step / step.sum(1, keepdims=True)
        new, slopes = _slopes(laws, share, candidate)
        better = (new < loss)[:, None]
        w, g = np.where(better, candidate, w), np.where(better, slopes, g)
        loss = np.minimum(new, loss)
        rate = np.where(better, 1.3 * rate, 0.5 * rate)
    return w, ((w * g).sum(1) - g.min(1)) / np.abs(loss)


def _seen(fits: Sequence[Fit[Any]], takes: tuple[str, ...], share: Numbers) -> float | None:
    """Return the least weighted loss of the mixtures that were run; None if they are not alike."""
    tables = [np.stack([f.runs[s] for s in takes]) for f in fits]
    if any(t.shape != tables[0].shape or (t != tables[0]).any() for t in tables):
        return None
    return float((share @ np.stack([f.runs[f.binding.predicts] for f in fits])).min())


def _notes(fits: Sequence[Fit[Any]], takes: tuple[str, ...], best: Numbers) -> list[Note]:
    """Return doubts of the fits, and which shares lie beyond those that were run."""
    notes = [f.notes[0].of(f.law.key) for f in fits if f.status != "ok" and f.notes]
    for i, symbol in enumerate(takes):
        most = max(float(f.runs[symbol].max()) for f in fits)
        if best[i] > 1.05 * most:
            notes.append(
                Note(
                    "doubt",
                    "distance",
                    f"{symbol} = {best[i]:.3g} lies beyond the shares that were run, up to "
                    f"{most:.3g}: "
                    "run mixtures there",
                    symbol=symbol,
                )
            )
    return list(dict.fromkeys(notes))
