"""Snell et al. 2024: what more samples buy by difficulty, searches, sequential and parallel."""

from __future__ import annotations

import numpy as np

from isoflop.arrays import Numbers
from isoflop.pages.field_figures import draws
from isoflop.plan.sampling.difficulty import Difficulty, difficulty
from isoflop.report import Axis, Cell, Figure, Layer, Line, Paragraph, Points, Report, Table
from isoflop.samples.curves import SampleCurve, curves
from isoflop.samples.sample_table import Samples
from isoflop.sources.open_samples import PACKAGED, SampleSource, opened

PAPER = "Snell et al. 2024, arXiv:2408.03314"
BINS = 5
BUDGET = 16
SEARCHES = ("beam/n=16", "dvts/n=16", "rebase/n=16", "mcts/n=16")
REVISIONS = {"revision/n=16,chain=2": 2, "revision/n=16,chain=4": 4}  # and their steps in a row
_SHARE = Axis("share of problems solved", "1", log=False)


@draws("snell")
def snell() -> Report:
    """Snell 2024: votes and searches by difficulty; sequential against parallel samples."""
    source = opened(PACKAGED)
    samples = source.samples()
    bins = difficulty(samples, "oracle", BINS)
    parallel = {c.name: c for c in curves(samples, draws=100)}
    strategies = _strategies(source)
    at = {name: _at(c, BUDGET) for name, c in parallel.items()}
    blocks = (
        Paragraph(
            "Easy problems gain from more samples and a vote, hard ones from a search that a "
            "verifier guides, the hardest from neither; whether revisions in a row beat samples "
            "side by side is measured, not assumed. The runs are isoflop's own small policy on "
            f"arithmetic in steps ({PACKAGED}), not the paper's."
        ),
        _by_bin(parallel["majority"], bins, "A vote among k samples, by difficulty"),
        _searches(at, strategies, bins),
        _sequential(at["majority"], strategies),
        _table(at, strategies, bins),
    )
    means = {name: float(np.mean(each)) for name, each in {**at, **strategies}.items()}
    return Report(f"Figures of {PAPER}, on isoflop's own policy", blocks, {"solved": means})


def _strategies(source: SampleSource) -> dict[str, Numbers]:
    """Return the share solved (p,) of every strategy that was run beside plain samples."""
    assert source.bank is not None
    lineage = source.kinds()[0][1]
    loaded = {n: source.bank.load(n, lineage) for n in (*SEARCHES, *REVISIONS)}
    return {name: _rate(samples) for name, samples in loaded.items()}


def _rate(samples: Samples) -> Numbers:
    return np.asarray(samples.counts.solved / samples.counts.attempts)


def _at(curve: SampleCurve, k: int) -> Numbers:
    """Return the share solved (p,) at the largest k of a curve up to `k`."""
    return np.asarray(curve.each[:, np.searchsorted(curve.k, k, side="right") - 1])


def _in_bins(each: Numbers, bins: Difficulty) -> Numbers:
    """Return the mean over the problems of each bin, from easy to hard."""
    return np.array([each[bins.bin == b].mean() for b in range(bins.bins)][::-1])


def _by_bin(curve: SampleCurve, bins: Difficulty, title: str) -> Figure:
    layers: list[Layer] = [
        Line(_name(b, bins), curve.k, curve.each[bins.bin == b].mean(0))
        for b in reversed(range(bins.bins))
    ]
    return Figure(title, Axis.of("k"), _SHARE, tuple(layers))


def _name(b: int, bins: Difficulty) -> str:
    place = bins.bins - b
    return {1: "easiest", bins.bins: "hardest"}.get(place, f"bin {place}")


def _searches(at: dict[str, Numbers], strategies: dict[str, Numbers], bins: Difficulty) -> Figure:
    x = np.arange(1.0, bins.bins + 1)
    curves = {"majority of 16": at["majority"], **{n: strategies[n] for n in SEARCHES}}
    return Figure(
        f"Searches at {BUDGET} samples, by difficulty",
        Axis("bin of problems, from easy to hard", "1", log=False),
        _SHARE,
        tuple(Line(name, x, _in_bins(each, bins)) for name, each in curves.items()),
    )


def _sequential(majority: Numbers, strategies: dict[str, Numbers]) -> Figure:
    in_a_row = np.array([1.0, *REVISIONS.values()])
    y = np.array([majority.mean(), *(strategies[name].mean() for name in REVISIONS)])
    error = float(majority.std() / np.sqrt(majority.size))
    return Figure(
        f"Sequential against parallel, {BUDGET} samples in all",
        Axis("samples in a row, the rest side by side", "samples"),
        _SHARE,
        (Line("share solved", in_a_row, y, group="r"), Points("run", in_a_row, y, group="r")),
        f"{majority.size} problems: the standard error of a point is {error:.2f}.",
    )


def _table(at: dict[str, Numbers], strategies: dict[str, Numbers], bins: Difficulty) -> Table:
    curves = {f"{name}, k = {BUDGET}": each for name, each in at.items()} | strategies
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (name, float(each.mean()), *map(float, _in_bins(each, bins)))
        for name, each in curves.items()
    )
    return Table(("strategy", "all", *(_name(b, bins) for b in reversed(range(bins.bins)))), rows)
