"""Checks of where the runs were placed."""

from __future__ import annotations

import numpy as np

from isoflop.assess.audit.check import AuditedRuns, CheckResult, cannot, check, same, spans
from isoflop.fitting.resample import levels
from isoflop.fitting.support import LINE, across
from isoflop.quantities import show

FEW_SIZES, SOME_SIZES = 3, 5
FEW_BUDGETS, SHORT, LONG = 2, 3.0, 10.0  # compute should span a decade, and must span a half
NARROW, WIDE = 2.0, 8.0  # tokens per parameter: largest over smallest
CURVE = 3  # sizes that make an IsoFLOP curve


@check(
    "sizes",
    needs=("N", "D"),
    why="A floor, an amplitude and an exponent run through any three sizes: what E is, and what "
    "a larger model gives, is then the form's opinion and not the data's.",
    todo="Train more sizes, a factor 2 apart; five are a beginning.",
)
def sizes(study: AuditedRuns) -> CheckResult:
    """Count the levels of N, and of D."""
    counts = {s: int(levels(study.sound[s]).max()) + 1 for s in ("N", "D")}
    says = " and ".join(f"{counts[s]} levels of {s}" for s in counts)
    least = min(counts.values())
    verdict = "fail" if least <= FEW_SIZES else "warn" if least < SOME_SIZES else "pass"
    return CheckResult(verdict, says)  # type: ignore[arg-type]


@check(
    "budgets",
    needs=("N", "D"),
    why="A forecast goes ten or a hundred times beyond the runs. What happens over a factor 3 "
    "of compute says little of that, and no backtest can be made of one budget.",
    todo="Add small runs below and one or two above: a decade of compute or more.",
)
def budgets(study: AuditedRuns) -> CheckResult:
    """Count budgets, and see how much compute they span."""
    count, span = int(levels(study.compute).max()) + 1, spans(study.compute)
    says = f"{count} budgets over a factor {show(span)} of compute"
    bad, poor = count <= FEW_BUDGETS or span < SHORT, span < LONG
    return CheckResult("fail" if bad else "warn" if poor else "pass", says)


@check(
    "off the frontier",
    needs=("N", "D"),
    why="On a line such as the compute-optimal frontier N and D grow together: the runs cannot "
    "say which of them lowered the loss, so alpha, beta, N* and D* are not known.",
    todo="Add runs at half and twice N for the same compute.",
)
def off_the_frontier(study: AuditedRuns) -> CheckResult:
    """See whether all runs lie on one line of log N and log D."""
    if len(study.sound) < CURVE:
        return cannot("there are fewer than three runs")
    _, width = across(np.log(np.stack([study.sound["N"], study.sound["D"]])))
    says = (
        f"runs lie off the nearest line of N and D by up to a factor {show(float(np.exp(width)))}"
    )
    return CheckResult("fail" if width <= np.log(LINE) else "pass", says, ())


@check(
    "tokens per parameter",
    needs=("N", "D"),
    why="Where all runs have about the same D/N, what another D/N gives is extrapolated, even at "
    "a compute that was trained.",
    todo="Spread D/N over a factor 10 or more around what you mean to train.",
)
def ratios(study: AuditedRuns) -> CheckResult:
    """See over which D/N the runs are spread."""
    ratio = study.sound["D"] / study.sound["N"]
    says = f"D/N from {show(float(ratio.min()))} to {show(float(ratio.max()))}"
    span = spans(ratio)
    return CheckResult("fail" if span < NARROW else "warn" if span < WIDE else "pass", says)


@check(
    "minima inside",
    needs=("N", "D", "L"),
    why="Where the lowest loss of a budget is at its smallest or largest size, the minimum lies "
    "beyond: a parabola then extrapolates, and its N* is a guess.",
    todo="Add a size beyond that edge to each of these budgets.",
)
def minima_inside(study: AuditedRuns) -> CheckResult:
    """Find budgets whose lowest loss is at the edge of their sizes."""
    edge, curves = [], 0
    level = levels(study.compute)
    budgets = [family & (level == k) for family in same(study, ()) for k in np.unique(level)]
    for index in map(np.flatnonzero, budgets):
        if np.unique(study.sound["N"][index]).size < CURVE:
            continue
        curves += 1
        index = index[np.argsort(study.sound["N"][index])]
        best = index[np.argmin(study.loss[index])]
        ends = study.sound["N"][index[[0, -1]]]
        edge += [best] if study.sound["N"][best] in ends else []
    if not curves:
        return cannot(f"no budget has {CURVE} sizes")
    mask = np.isin(np.arange(len(study.sound)), edge)
    says = f"{len(edge)} of {curves} budgets have their lowest loss at an edge"
    verdict = "pass" if not edge else "fail" if 2 * len(edge) > curves else "warn"
    return CheckResult(verdict, says, study.rows(mask))  # type: ignore[arg-type]
