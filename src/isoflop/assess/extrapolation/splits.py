"""Which runs a fit may see and which it is held against, and how far beyond them a run lies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Mask, Numbers
from isoflop.errors import CannotFit
from isoflop.fitting.whole_runs import whole_runs
from isoflop.quantities import refuse_count, show
from isoflop.runs import Runs

SAME_RUN = 1e-6  # levels that differ by less are one, rounded
SAME_LEVEL = 0.1  # budgets of a grid scatter by a step or so; a gap of 10% parts them
LEAST_SEEN, LEAST_HELD = 0.2, 0.05  # of all runs: with fewer, a split tells of itself alone
MOST_CUTS = 100  # splits by one quantity
SIZES = ("C", "D", "N")  # one of which the largest runs have most of, tried in this order
FEWEST_LEVELS = 3  # of each input: with two, no law shows its bend


@dataclass(frozen=True, eq=False)
class Split:
    """The runs (n,) that a fit may see: those up to `cut` of `axis`. The others are held out."""

    axis: str
    cut: float
    train: Mask

    @property
    def name(self) -> str:
        """The split in words: "C up to 6e19"."""
        return f"{self.axis} up to {show(self.cut)}"


def splits(
    runs: Runs, axes: Sequence[str], cuts: Sequence[float] | int, takes: Sequence[str], needed: int
) -> tuple[Split, ...]:
    """Return the splits of runs by each quantity of `axes`, lowest cut first.

    `cuts` are values, or how many to place for each quantity, evenly in its log from the lowest
    that leaves `needed` runs, at three values of each input of `takes`, to the highest that
    leaves out the top level. Rows that are points of one run are seen, or held out, together,
    unless every run goes as far.

    Raises CannotFit if no quantity allows a split.
    """
    splits: list[Split] = []
    for symbol in axes:
        values = _end(runs, symbol)
        able = [s for s in _possible(symbol, values, cuts) if _enough(runs, s, takes, needed)]
        splits += _spread_out(able, values, cuts) if isinstance(cuts, int) else able
    if not splits:
        raise CannotFit(_why_none(runs, axes, takes, needed))
    return tuple(splits)


def direction(runs: Runs, inputs: Sequence[str]) -> str:
    """Return the quantity by which the largest runs are held out: compute, or what size there is.

    `inputs` are those of the laws.
    """
    if "C" in runs or ("N" in runs and "D" in runs):
        return "C"
    return next((s for s in (*SIZES, *inputs) if s in inputs and s in runs), "C")


def level(runs: Runs, symbol: str) -> Numbers:
    """Return a column (n,), or 6ND for a compute that the table does not hold."""
    if symbol == "C" and "C" not in runs and "N" in runs and "D" in runs:
        runs.require(("N", "D"))
        return np.asarray(6 * runs["N"] * runs["D"])
    runs.require((symbol,))
    return runs[symbol]


def _end(runs: Runs, symbol: str) -> Numbers:
    """Return the level of each row (n,), that of its run's end where several rows are one run.

    Where every run goes as far, as branches off one trunk do, each row counts by its own level.
    """
    values, whole = level(runs, symbol), whole_runs(runs)
    ends = values if whole is None else whole.ends(values)
    return values if np.ptp(np.log(ends)) <= SAME_LEVEL else ends


def reach(train: Mapping[str, Numbers], at: Mapping[str, Numbers]) -> Numbers:
    """Return the largest factor (k,) by which an input, or N times D, exceeds all seen; >= 1.

    >>> reach({"N": np.array([1.0, 2.0])}, {"N": np.array([1.0, 6.0])})
    array([1., 3.])
    """
    factors = [_factor(train[s], at[s]) for s in train]
    if {"N", "D"} <= set(train):
        with np.errstate(over="ignore", invalid="ignore"):  # N or D near the end of what is
            factors.append(at["N"] * at["D"] / (train["N"] * train["D"]).max())
    return np.asarray(np.maximum(1.0, np.max(np.broadcast_arrays(*factors), 0)))


def _factor(train: Numbers, at: Numbers) -> Numbers:
    """Return by which factor values exceed all seen; by how many of their spans past zero."""
    if train.min() > 0:
        return np.asarray(at / train.max())
    past = np.maximum(at - train.max(), train.min() - at)
    return np.asarray(1 + past / max(float(np.ptp(train)), 1e-300))


def _possible(symbol: str, values: Numbers, cuts: Sequence[float] | int) -> list[Split]:
    """Return the splits between levels, or at the cuts that were given."""
    levels = np.unique(values)
    if np.ptp(np.log(levels)) <= SAME_LEVEL:
        return []
    if isinstance(cuts, int):
        refuse_count("cuts", cuts, 1, MOST_CUTS)
        apart = np.flatnonzero(np.diff(np.log(levels)) > SAME_RUN)
        counts = np.array([(values > c).sum() for c in levels[apart]])
        ends = levels[apart][counts >= LEAST_HELD * values.size]
    else:
        ends = np.array([c for c in sorted(cuts) if levels[0] <= c < levels[-1]])
    # A cut lies clear of rounding: a unit that is changed back and forth moves no run across it.
    return [Split(symbol, float(c), values <= c * (1 + SAME_RUN / 2)) for c in ends]


def _enough(runs: Runs, split: Split, takes: Sequence[str], needed: int) -> bool:
    """Return whether a split leaves enough runs, at enough values of each input."""
    if split.train.sum() < max(needed, LEAST_SEEN * len(runs)):
        return False
    return all(np.unique(runs[s][split.train]).size >= FEWEST_LEVELS for s in takes)


def _spread_out(able: list[Split], values: Numbers, count: int) -> list[Split]:
    """Return `count` of these: as evenly as they come in the log of the cut, at the widest gaps."""
    if len(able) <= count:
        return able
    logs = np.log([s.cut for s in able])
    gaps = np.log([values[~s.train].min() for s in able]) - logs
    step = (logs[-1] - logs[0]) / max(count - 1, 1)
    picked = set()
    for wanted in np.linspace(logs[0], logs[-1], count):
        near = np.abs(logs - wanted)
        picked.add(int(np.where(near <= max(step / 3, near.min()), gaps, -np.inf).argmax()))
    return [able[i] for i in sorted(picked)]


def _why_none(runs: Runs, axes: Sequence[str], takes: Sequence[str], needed: int) -> str:
    for symbol in axes:
        values = np.unique(_end(runs, symbol))
        if np.ptp(np.log(values)) <= SAME_LEVEL:
            return (
                f"all {len(runs)} runs have one {symbol}, {show(float(values[-1]))}; nothing "
                f"larger can be held out: add runs at other {symbol}"
            )
    few = [s for s in takes if np.unique(runs[s]).size <= FEWEST_LEVELS]
    if few:
        return (
            f"the {len(runs)} runs have {np.unique(runs[few[0]]).size} values of {few[0]}; a "
            f"backtest needs {FEWEST_LEVELS} below a cut and one above: add runs at other {few[0]}"
        )
    return (
        f"no split of the {len(runs)} runs leaves {needed} below and one above; "
        "a backtest needs more runs, at more budgets"
    )
