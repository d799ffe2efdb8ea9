"""Runs that contradict each other, or the law: named by row, since no fit can mend them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import Note
from isoflop.law import Binding
from isoflop.quantities import show
from isoflop.runs import Runs
from isoflop.runs.cells import name_rows
from isoflop.runs.consistency import APART, apart, no_better

DECADES = 20.0  # from the median, beyond which a number is none that was measured with the others
# What a run is given, as against what comes of it: a law that leaves one out may err for that.
GIVEN = ("N", "D", "U", "C", "experts", "granularity", "sparsity", "V", "bits", "batch", "lr")
VARIES = 2.0  # times between the ends of an input, under which nothing is said of it
FOLLOWED = 0.25  # share of what a fit leaves over that such an input must explain to be named
FEWEST = 7  # runs beyond a parabola, from which a share means something
SURE = 10.0  # F of that share: by chance once in some ten thousand tables
PLAIN = 0.005  # what a fit leaves over, as a share of the output, under which it is good enough
NOISES = 8.0  # or by this many robust standard deviations of what a fit leaves over


def contradictions(runs: Runs, binding: Binding, left_n: Numbers) -> tuple[Note, ...]:
    """Return a doubt for losses that differ at one point, and for losses that rise with scale.

    `left_n` are the residuals, in logs, of a law fitted to the runs.
    """
    differing, rising = _apart(runs, binding, left_n), _rising(runs, binding)
    doubts = []
    if differing.any():
        symbols = ", ".join(binding.takes)
        doubts.append(
            Note(
                "doubt",
                "contradiction",
                f"runs at the same {symbols} differ in {binding.predicts} by more than "
                f"noise explains: {name_rows(runs.rows[differing])}; look at them, or say "
                "what else tells them apart (a column family, and one fit for each)",
                rows=tuple(runs.rows[differing].tolist()),
            )
        )
    if rising.any():
        doubts.append(
            Note(
                "doubt",
                "rising",
                f"{binding.predicts} does not fall with scale: half of the runs, the larger ones, "
                f"have "
                f"no lower median than the others, such as in {name_rows(runs.rows[rising])}; such "
                "runs went wrong, or the columns are not what they are called",
                rows=tuple(runs.rows[rising].tolist()),
            )
        )
    return tuple(doubts)


def missing_inputs(runs: Runs, binding: Binding, left_n: Numbers) -> tuple[Note, ...]:
    """Return a doubt for each input of the runs that a law lacks and its residuals follow.

    `left_n` are residuals as shares of the output. They follow an input where a parabola in its
    log explains more of them than chance does.
    """
    names = {*binding.takes, binding.predicts}
    if {"N", "D"} <= names:
        names.add("C")  # which says nothing that they do not
    rms = float(np.sqrt((left_n**2).mean()))
    doubts = []
    for symbol in (s for s in GIVEN if s in runs and s not in names):
        values = runs[symbol]
        if not (np.isfinite(values) & (values > 0)).all() or rms < PLAIN:
            continue
        span = float(values.max() / values.min())
        if span < VARIES or not _follows(np.log(values), left_n):
            continue
        text = (
            f"{symbol} varies {show(span)}-fold and is not in the law, whose residuals "
            f"({rms:.1%}) follow it; fit a law that takes {symbol}, or runs of one {symbol}"
        )
        doubts.append(Note("doubt", "missing-input", text, symbol=symbol))
    return tuple(doubts)


def _follows(x_n: Numbers, left_n: Numbers) -> bool:
    """Return whether a parabola in x explains more of the residuals than chance would."""
    values, spare = np.unique(x_n).size, left_n.size - 3
    degree = min(2, values - 1)
    if spare < FEWEST or degree < 1:
        return False
    design = np.vander(x_n - x_n.mean(), degree + 1)
    rest = left_n - design @ np.linalg.lstsq(design, left_n, rcond=None)[0]
    total = float(((left_n - left_n.mean()) ** 2).sum())
    share = 1 - float((rest**2).sum()) / max(total, 1e-300)
    return share > FOLLOWED and share / degree * spare > SURE * (1 - share)


def stragglers(runs: Runs, binding: Binding) -> tuple[Note, ...]:
    """Return a doubt for each number above zero that no run can share with the others."""
    doubts = []
    for symbol in (*binding.takes, binding.predicts):
        values = runs[symbol]
        if not (values > 0).all():
            continue
        decades = np.log10(values)
        away = np.abs(decades - np.median(decades))
        if away.max() > DECADES:
            far = away > DECADES
            doubts.append(
                Note(
                    "doubt",
                    "outlier",
                    f"{symbol} = {show(float(values[np.argmax(away)]))} in "
                    f"{name_rows(runs.rows[far])} "
                    f"lies {away.max():.0f} decades from the middle of the runs; correct it, or "
                    f"leave "
                    "it out with --where",
                    rows=tuple(runs.rows[far].tolist()),
                    symbol=symbol,
                )
            )
    return tuple(doubts)


def _apart(runs: Runs, binding: Binding, left_n: Numbers) -> npt.NDArray[np.bool_]:
    """Return which runs share all inputs with others, from which they differ too much."""
    noise = 1.4826 * float(np.median(np.abs(left_n - np.median(left_n))))
    inputs = np.stack([runs[s] for s in binding.takes])
    groups = apart(inputs, runs[binding.predicts], max(APART, NOISES * noise))
    return np.asarray(np.any([np.zeros(len(runs), bool), *groups], axis=0))


def _rising(runs: Runs, binding: Binding) -> npt.NDArray[np.bool_]:
    """Return which of the larger runs stand above the smaller ones, if the larger half does."""
    if binding.predicts != "L" or not set(binding.takes) <= {"N", "D", "C"}:
        return np.zeros(len(runs), bool)
    return no_better(np.sum([np.log(runs[s]) for s in binding.takes], axis=0), runs["L"])
