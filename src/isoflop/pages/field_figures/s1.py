"""Muennighoff et al. 2025 (s1): thinking that is cut short, and thinking that is told to wait."""

from __future__ import annotations

import numpy as np

from isoflop.pages.field_figures import draws
from isoflop.report import Axis, Figure, Layer, Line, Paragraph, Points, Report, Table
from isoflop.samples.budgets import scaling
from isoflop.sources.open_samples import PACKAGED, SampleSource, opened

PAPER = "Muennighoff et al. 2025 (s1), arXiv:2501.19393"
CUT = tuple(f"budget/tokens={n}" for n in (2, 4, 6, 8))
FREE = "budget"
AGAIN = tuple(f"budget/again={n}" for n in (1, 2, 3, 4))


@draws("s1")
def s1() -> Report:
    """S1 2025: accuracy by thinking tokens, forced to stop early and forced to go on."""
    source = opened(PACKAGED)
    points = {name: _point(source, name) for name in (*CUT, FREE, *AGAIN)}
    cut, again = ([points[n] for n in names] for names in ((*CUT, FREE), (FREE, *AGAIN)))
    slopes = [1000 * scaling(*np.array(part).T) for part in (cut, again)]
    blocks = (
        Paragraph(
            "Thinking that is cut at a budget scores lower the shorter it is; being told to wait "
            "and think again buys little once the model has finished. In s1's units the slopes are "
            f"{slopes[0]:+.1f} and {slopes[1]:+.1f} of share per thousand tokens. The runs are "
            f"isoflop's own small policy ({PACKAGED}), not the paper's."
        ),
        _figure(cut, again),
        Table(
            ("strategy", "tokens", "share solved"),
            tuple((name, *point) for name, point in points.items()),
        ),
    )
    data = {name: {"tokens": t, "solved": y} for name, (t, y) in points.items()}
    return Report(f"Figures of {PAPER}, on isoflop's own policy", blocks, {"strategies": data})


def _point(source: SampleSource, strategy: str) -> tuple[float, float]:
    """Return the mean tokens of a response, and the share of problems solved."""
    assert source.bank is not None
    lineage = source.kinds()[0][1]
    counts = source.bank.load(strategy, lineage).counts
    tokens = np.concatenate([*source.lengths(strategy, lineage)])
    return float(tokens.mean()), float(np.mean(counts.solved / counts.attempts))


def _figure(cut: list[tuple[float, float]], again: list[tuple[float, float]]) -> Figure:
    layers: list[Layer] = []
    for name, part in (("cut at a budget", cut), ('told to "wait" and go on', again)):
        x, y = np.array(part).T
        layers += [Line(name, x, y, group=name), Points(f"{name}, runs", x, y, group=name)]
    return Figure(
        "Budget forcing",
        Axis.of("thinking"),
        Axis("share of problems solved", "1", log=False),
        tuple(layers),
    )
