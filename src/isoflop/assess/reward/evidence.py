"""Where points of gold reward against root KL come from: best-of-n curves, and runs of RL."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.assess.reward.overoptimisation import OveroptimisationCurve
from isoflop.errors import BadRuns, Note
from isoflop.report.display import Displayed
from isoflop.runs import Runs
from isoflop.runs.cells import name_rows
from isoflop.samples.best_of_n_curves import BestOfNCurves
from isoflop.samples.kl import NEGATIVE
from isoflop.samples.score_table import ScoreTable, refuse_huge

FURTHEST = 1e6  # d [sqrt(nats)] beyond which a number is none of a policy
SEVERAL = 5  # runs of one proxy from which on whole runs are drawn, not evaluations


def of_curves(
    curves: BestOfNCurves, *, draws: int = 1000, seed: int = 0, size: float | None = None
) -> OveroptimisationCurve:
    """Return best-of-n as evidence: weights 1 / error^2 over prompts, draws over prompts."""
    error = curves.error
    worst = float(error.max())
    floor = max(1e-3 * worst, 1e-300)  # n = 1 gains nothing, and without any error
    weights = 1 / np.maximum(error, floor) ** 2
    return OveroptimisationCurve(
        curves.proxy,
        curves.d,
        curves.gold,
        weights / weights.mean(),
        curves.drawn(draws, seed),
        size=size,
        units=len(curves.gold_pg),
    )


@dataclass(frozen=True, eq=False)
class RunEvidence(Displayed):
    """Evaluations by proxy, and what was assumed of them."""

    by_proxy: Mapping[str, OveroptimisationCurve]
    notes: tuple[Note, ...]


def of_runs(
    runs: Runs, *, start: float | None = None, least: float = 0.0, draws: int = 1000, seed: int = 0
) -> RunEvidence:
    """Return the evaluations of each proxy (label family) as evidence.

    Runs hold R and d, or KL. The gain is over `start`, else over the evaluations at d = 0 of the
    same run, else over the column `start`. Evaluations below d = `least` are left out. Draws, of a
    smooth bootstrap, weigh evaluations anew, or whole runs where there are five of a proxy.
    Raises BadRuns for a KL below zero, and for a table without d, KL or R.
    """
    d = distances(runs)
    runs.require(("R",), positive=False)
    refuse_huge(runs.origin, "R", runs["R"], runs.rows)
    base, notes = _base(runs, d, start)
    notes += (*_together(runs), *_shared(runs))
    names = runs.labels.get("family", np.full(len(runs), "all runs"))
    usable = (d > 0) & (d >= least)
    if not usable.any():
        beyond = f"d = {least:g} or more" if (d > 0).any() else "a KL above zero"
        raise BadRuns(f"{runs.origin} holds no evaluation at {beyond}")
    sizes = runs.columns.get("N")
    out = {}
    for place, name in enumerate(dict.fromkeys(names[usable].tolist())):
        mine = usable & (names == name)
        order = np.flatnonzero(mine)[np.argsort(d[mine], kind="stable")]
        distinct = None if sizes is None else np.unique(sizes[order])
        size = float(distinct[0]) if distinct is not None and distinct.size == 1 else None
        unit = _units(runs, order)
        units = int(unit.max()) + 1
        draws_su = np.random.default_rng(seed + place).exponential(size=(draws, units))
        out[str(name)] = OveroptimisationCurve(
            name=str(name),
            d=d[order],
            R=(runs["R"] - base)[order],
            weights=np.ones(order.size),
            draws=draws_su[:, unit],
            drawn_weights=True,
            size=size if size is None or np.isfinite(size) else None,
            units=units,
        )
    return RunEvidence(out, notes)


def distances(runs: Runs) -> Numbers:
    """Return d (n,) [sqrt(nats)], from its own column or from KL.

    Raises BadRuns, which names rows where a KL is missing, below zero, or beyond belief.
    """
    if "d" not in runs and "KL" not in runs:
        raise BadRuns(
            f"{runs.origin} holds neither d [sqrt(nats)] nor KL [nats]; name one: --columns KL=NAME"
        )
    symbol = "d" if "d" in runs else "KL"
    values = runs[symbol]
    if np.isnan(values).any():
        rows = name_rows(runs.rows[np.isnan(values)])
        raise BadRuns(f"{runs.origin}: {symbol} is missing in {rows}")
    if (values < 0).any():
        wrong = values < 0
        hint = NEGATIVE if symbol == "KL" else "it is the root of a KL"
        raise BadRuns(
            f"{runs.origin}: {symbol} is {values[wrong].min():g} in {name_rows(runs.rows[wrong])}, "
            f"below zero; {hint}"
        )
    d = values if symbol == "d" else np.sqrt(values)
    if (d > FURTHEST).any():
        far = d > FURTHEST
        raise BadRuns(
            f"{runs.origin}: {symbol} is {values[far].max():g} in {name_rows(runs.rows[far])}; no "
            f"policy comes further than d = {FURTHEST:g} [sqrt(nats)]"
        )
    return d


def _base(runs: Runs, d: Numbers, start: float | None) -> tuple[Numbers, tuple[Note, ...]]:
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
            Note(
                "info",
                "start",
                "no reward of the initial policy is known (no row at d = 0, no column start, no "
                "--start): R is taken to be the gain over it",
            ),
        )
    if np.isnan(base).any():
        raise BadRuns(
            f"{runs.origin}: the reward of the initial policy is known for some runs and not in "
            f"{name_rows(runs.rows[np.isnan(base)])}; say --start, or give each run a row at d = 0"
        )
    return base, ()


def _together(runs: Runs) -> tuple[Note, ...]:
    """Return what to say of runs that share a proxy."""
    none = np.full(len(runs), "")
    family, run = (runs.labels.get(label, none).tolist() for label in ("family", "run"))
    if len(set(zip(family, run, strict=True))) == len(set(family)):
        return ()
    one = "seed == '0'" if "seed" in runs.labels else "run == 'NAME'"
    return (
        Note(
            "info",
            "together",
            "runs of one proxy are fitted together; where they differ by more than noise, fit one: "
            f'--where "{one}"',
        ),
    )


def _shared(runs: Runs) -> tuple[Note, ...]:
    """Return what to say of points that are not independent."""
    if "k" not in runs or not np.isfinite(runs["k"]).any():
        return ()
    return (
        Note(
            "info",
            "dependence",
            "best-of-n at every n is of the same samples: its intervals over evaluations are too "
            "narrow; those over prompts come from the scores",
        ),
    )


def _units(runs: Runs, order: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return what each evaluation (g,) is weighed with: its run where there are several."""
    names = runs.labels.get("run", np.full(len(runs), ""))[order]
    distinct, which = np.unique(names, return_inverse=True)
    return np.asarray(which) if distinct.size >= SEVERAL else np.arange(order.size)


@dataclass(frozen=True, eq=False)
class RewardInput:
    """Evidence by proxy of best-of-n or of RL, and what was assumed of it.

    For best-of-n alone: the `table`, its `curves` by proxy, and the `factors` by which a proxy's
    score comes to gold's scale. `of` says whether R is the gain in gold or in the proxy's score.
    """

    what: str
    evidence: Mapping[str, OveroptimisationCurve]
    notes: tuple[Note, ...]
    table: ScoreTable | None = None
    curves: Mapping[str, BestOfNCurves] = field(default_factory=dict)
    factors: Mapping[str, float] = field(default_factory=dict)
    of: str = "gold"

    @property
    def reward(self) -> str:
        """What R is, as a heading begins."""
        return "Gold reward" if self.of == "gold" else "The proxy's own score"
