"""Where points of gold reward against root KL come from: best-of-n curves, and runs of RL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isoflop.assess.overoptimisation import Evidence
from isoflop.errors import BadRuns
from isoflop.runs import Runs
from isoflop.runs.cells import name_rows
from isoflop.samples.best_of_n_curves import Curves

Numbers = npt.NDArray[np.float64]

SEVERAL = 5  # runs of one proxy from which on whole runs are drawn, not evaluations


def of_curves(curves: Curves, *, draws: int = 1000, seed: int = 0, size: float | None = None
              ) -> Evidence:  # fmt: skip
    """Return best-of-n as evidence: weights 1 / error^2 over prompts, draws over prompts."""
    error = curves.error
    worst = float(error.max())
    floor = max(1e-3 * worst, 1e-300)  # n = 1 gains nothing, and without any error
    weights = 1 / np.maximum(error, floor) ** 2
    return Evidence(
        curves.proxy, curves.d, curves.gold, weights / weights.mean(),
        curves.drawn(draws, seed), size=size,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class RunEvidence:
    """Evaluations by proxy, and what was assumed of them."""

    by_proxy: Mapping[str, Evidence]
    notes: tuple[str, ...]


def of_runs(
    runs: Runs, *, start: float | None = None, least: float = 0.0, draws: int = 1000, seed: int = 0
) -> RunEvidence:
    """Return the evaluations of each proxy (label family) as evidence.

    Runs hold R and d, or KL. The gain is over `start`, else over the evaluations at d = 0 of the
    same run, else over the column `start`. Evaluations below d = `least` are left out. Draws weigh
    evaluations anew, or whole runs where there are five of a proxy.
    Raises BadRuns for a KL below zero, and for a table without d, KL or R.
    """
    d = distances(runs)
    runs.require(("R",), positive=False)
    base, notes = _base(runs, d, start)
    names = runs.labels.get("family", np.full(len(runs), "all runs"))
    kept = (d > 0) & (d >= least)
    if not kept.any():
        raise BadRuns(f"{runs.origin} holds no evaluation at a KL above zero")
    sizes = runs.columns.get("N")
    out = {}
    for place, name in enumerate(dict.fromkeys(names[kept].tolist())):
        mine = kept & (names == name)
        order = np.flatnonzero(mine)[np.argsort(d[mine], kind="stable")]
        known = None if sizes is None else np.unique(sizes[order])
        size = float(known[0]) if known is not None and known.size == 1 else None
        out[str(name)] = Evidence(
            str(name), d[order], (runs["R"] - base)[order], np.ones(order.size),
            _weights(runs, order, draws, seed + place), True,
            size if size is None or np.isfinite(size) else None,
        )  # fmt: skip
    return RunEvidence(out, notes)


def distances(runs: Runs) -> Numbers:
    """Return d (n,) [sqrt(nats)], from its own column or from KL.

    Raises BadRuns, which names rows where a KL is below zero or missing.
    """
    if "d" not in runs and "KL" not in runs:
        raise BadRuns(f"{runs.origin} holds neither d [sqrt(nats)] nor KL [nats]; name one: "
                      "--columns KL=NAME")  # fmt: skip
    symbol = "d" if "d" in runs else "KL"
    values = runs[symbol]
    if np.isnan(values).any():
        rows = name_rows(runs.rows[np.isnan(values)])
        raise BadRuns(f"{runs.origin}: {symbol} is missing in {rows}")
    if (values < 0).any():
        wrong = values < 0
        hint = (
            "the plain estimate k1 can fall below zero by chance, k3 cannot: log that, or average "
            "more samples"
            if symbol == "KL"
            else "it is the root of a KL"
        )
        raise BadRuns(
            f"{runs.origin}: {symbol} is {values[wrong].min():g} in {name_rows(runs.rows[wrong])}, "
            f"and cannot be below zero; {hint}"
        )
    return values if symbol == "d" else np.sqrt(values)


def _base(runs: Runs, d: Numbers, start: float | None) -> tuple[Numbers, tuple[str, ...]]:
    """Return the reward of the initial policy for every evaluation (n,)."""
    if start is not None:
        return np.full(len(runs), start), ()
    names = runs.labels.get("run", np.full(len(runs), ""))
    base = np.full(len(runs), np.nan)
    for name in np.unique(names):
        zero = (names == name) & (d == 0)
        if zero.any():
            base[names == name] = runs["R"][zero].mean()
    if "start" in runs:
        base = np.where(np.isnan(base), runs["start"], base)
    if np.isnan(base).all():
        return np.zeros(len(runs)), (
            "no reward of the initial policy is known (no row at d = 0, no column start, no "
            "--start): R is taken to be the gain over it",
        )
    if np.isnan(base).any():
        raise BadRuns(
            f"{runs.origin}: the reward of the initial policy is known for some runs and not in "
            f"{name_rows(runs.rows[np.isnan(base)])}; say --start, or give each run a row at d = 0"
        )
    return base, ()


def _weights(runs: Runs, order: npt.NDArray[np.int64], draws: int, seed: int) -> Numbers:
    """Return smooth bootstrap weights (s, g): of whole runs where there are several."""
    rng = np.random.default_rng(seed)
    names = runs.labels.get("run", np.full(len(runs), ""))[order]
    known, which = np.unique(names, return_inverse=True)
    if known.size >= SEVERAL:
        return np.asarray(rng.exponential(size=(draws, known.size))[:, which])
    return np.asarray(rng.exponential(size=(draws, order.size)))
