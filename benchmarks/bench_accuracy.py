"""How far forecasts of larger runs miss, and whether their intervals hold, on public studies.

    python benchmarks/bench_accuracy.py             the table, study by study
    python benchmarks/bench_accuracy.py --learn     the constants of pools, whole sources left out
    --only TEXT                                     studies whose name holds it
    --keep FOLDER                                   fits and backtests are kept there between calls

From each study the runs above a cut are held out, and each of these sees only the others:
  quick   what the README shows first: Chinchilla's law by the default of `fit`
  pool    the default: every law that the table calls for, by `compare` and `pool`
  single  the one law and objective that errs least over all studies, known in hindsight alone
By study and by how far beyond the runs a point lies: median error, the share that 90% intervals
hold, their median width, and their interval score (Gneiting & Raftery 2007: the width, and twenty
times what a miss lies outside), all in per cent of the loss. Median error is over points; every
source counts alike in the means. ISOFLOP_DATA: see `public_studies`.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import pickle
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from public_studies import Case, cases, study

from isoflop.assess import Backtest, Candidate, Member, Pool, backtest
from isoflop.assess.extrapolation.backtest import in_order
from isoflop.assess.extrapolation.candidates import candidates
from isoflop.assess.extrapolation.comparison import Recipe, prior, rank
from isoflop.assess.extrapolation.learnt import LEARNT, PoolConstants
from isoflop.assess.extrapolation.pooling import FAINT
from isoflop.errors import IsoflopError, RefusedByData
from isoflop.fitting import Fit, fit
from isoflop.fitting.trust import FormError
from isoflop.forecasting import sound
from isoflop.intervals import Model, fits_of, predictive_at, times_beyond

LEVEL, DRAWS = 0.9, 200
ENOUGH = 0.9, 0.87, 0.75  # of all runs, at each distance, of every study
BANDS = {"to 3x": (1, 3), "3x to 10x": (3, 10), "beyond 10x": (10, np.inf)}
# What was tried for each constant, besides what stands.
TRIALS: Mapping[str, tuple[Any, ...]] = {
    "trust": ({}, {"chinchilla": 2 / 3}, {"chinchilla": 1 / 3, "generalised": 1 / 3},
              {"generalised": 2 / 3}, {"chinchilla": 1 / 6, "generalised": 1 / 3}),
    "alike": (5.0, 10.0, 20.0),
    "growth": (0.0025, 0.005, 0.0075, 0.01),
    "splits": (2.0, 4.0, 8.0, 16.0),
    "evidence": (0.25, 0.5, 1.0),
    "disagreement": (0.0, 0.25, 0.5, 1.0),
    "largest": (1 / 3, 1 / 2, 1.0),
}  # fmt: skip
AT_FIRST = PoolConstants(  # before they were learnt
    trust={"chinchilla": 2 / 3}, alike=10.0, usual=0.01, growth=0.01, splits=2.0, evidence=1.0,
    disagreement=1.0, largest=1.0,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Measured:
    """One case: its candidates fitted to the runs that are seen, and their backtest there."""

    case: Case
    fits: Mapping[str, tuple[Candidate, Fit[Any]]]
    test: Backtest | None
    quick: Fit[Any] | None

    def pool(self, constants: PoolConstants) -> Pool:
        """Return what `pool` makes of these fits and of this backtest."""
        chosen = tuple(c for c, _ in self.fits.values())
        if self.test is None:
            weights = dict(zip([c.name for c in chosen], prior(chosen), strict=True))
            form = FormError(constants.usual)
        else:
            ranked = rank(self.test, (), Recipe(chosen), constants=constants)
            weights = {s.candidate.name: s.weight for s in ranked.standings}
            form = FormError(ranked.growth, 1)
        able = {
            name: weights[name]
            for name, (_, item) in self.fits.items()
            if weights.get(name, 0) >= FAINT and item.status != "refused"
        }
        total = sum(able.values())
        members = tuple(Member(*self.fits[name], w / total) for name, w in able.items())
        return Pool(members, form, LEVEL, 0, "ok", (), Recipe(chosen))


@dataclass(frozen=True, eq=False)
class Score:
    """Of each held-out run (k,) that is not refused: log error, whether its interval holds it."""

    error: np.ndarray
    inside: np.ndarray
    width: np.ndarray
    score: np.ndarray
    beyond: np.ndarray
    refused: int


def measure(case: Case) -> Measured:
    """Fit and backtest every candidate on the runs that a forecast may see."""
    seen, item = in_order(case.seen), case.study
    chosen = item.laws or candidates(seen)
    try:
        test = backtest(chosen, seen, axis=item.axis, cuts=6)
    except IsoflopError as reason:
        print(f"{case.name}: no backtest, {reason}")
        test = None
    fits = {}
    for c in chosen:
        try:
            fits[c.name] = (c, fit(c.law, seen, objective=c.objective, fix=c.fix, over=c.over,
                                   draws=DRAWS))  # fmt: skip
        except IsoflopError:
            continue
    quick = None
    if {"N", "D"} <= set(seen.columns):
        quick = fits["chinchilla"][1] if "chinchilla" in fits else fit("chinchilla", seen)
    return Measured(case, fits, test, quick)


def score(model: Model, case: Case, constants: PoolConstants = LEARNT) -> Score:
    """Hold a model against the runs that are held out."""
    at = {s: case.at[s] for s in model.binding.takes}
    truth, tail = np.log(case.truth), (1 - LEVEL) / 2
    value, low, high = np.full((3, truth.size), np.nan)
    for answer, k in answering(model, at):
        some = {s: v[k] for s, v in at.items()}
        draws = predictive_at(answer, some, constants=constants)
        value[k] = np.log(answer.predict(**some))
        low[k], high[k] = np.log(np.nanquantile(draws, [tail, 1 - tail], axis=0))
    missed = np.maximum(low - truth, 0) + np.maximum(truth - high, 0)
    fits = model.fits if isinstance(model, Pool) else (model,)
    says = np.isfinite(value)
    return Score(
        error=(value - truth)[says],
        inside=(missed == 0)[says],
        width=(high - low)[says],
        score=(high - low + missed / tail)[says],
        beyond=np.max([times_beyond(f, at) for f in fits], 0)[says],
        refused=int((~says).sum()),
    )


def answering(model: Model, at: Mapping[str, np.ndarray]) -> Iterator[tuple[Model, np.ndarray]]:
    """Yield what answers at points, as `forecast` would, and at which; refused ones are left out.

    Of a pool these are the members that can say something there.
    """
    groups: dict[tuple[int, ...], tuple[Model, list[int]]] = {}
    for i in range(len(next(iter(at.values())))):
        try:
            rest = sound(model, {s: float(v[i]) for s, v in at.items()})
        except RefusedByData:
            continue
        groups.setdefault(tuple(map(id, fits_of(rest))), (rest, []))[1].append(i)
    for answer, points in groups.values():
        yield answer, np.array(points)


def measured(keep: Path | None = None, only: str = "") -> Iterator[Measured]:
    """Yield every case whose name holds a text, from the folder if it is there."""
    for case in cases():
        if only not in case.name:
            continue
        path = keep and keep / f"{hashlib.sha256(case.name.encode()).hexdigest()[:12]}.pickle"
        if path and path.exists():
            yield pickle.loads(path.read_bytes())
            continue
        item = measure(case)
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(pickle.dumps(item))
        yield item


def singles(items: Sequence[Measured]) -> dict[str, list[np.ndarray]]:
    """Return the log errors of each law and objective that could be fitted to every case of N, D.

    A study that calls for other laws has none of them.
    """
    of_plane = [m for m in items if m.quick is not None and "chinchilla" in m.fits]
    shared = set.intersection(*(set(m.fits) for m in of_plane))
    return {
        name: [
            np.log(m.fits[name][1].predict(**{s: m.case.at[s] for s in "ND"}))
            - np.log(m.case.truth)
            for m in of_plane
        ]
        for name in sorted(shared)
    }


def by_source(items: Sequence[Measured], values: Sequence[float]) -> dict[str, float]:
    """Return the mean over the cases of each source."""
    sources = [m.case.study.source for m in items]
    return {
        s: float(np.mean([v for v, of in zip(values, sources, strict=True) if of == s]))
        for s in dict.fromkeys(sources)
    }


def line(name: str, scores: Sequence[Score], mask: Callable[[Score], np.ndarray]) -> str:
    """Return a row of the table: of all points that a mask leaves."""
    parts = [np.concatenate([getattr(s, k)[mask(s)] for s in scores])
             for k in ("error", "inside", "width", "score")]  # fmt: skip
    error, inside, width, points = parts
    refused = sum(s.refused for s in scores if mask is everything)
    after = f"{refused:8d}" if mask is everything else ""
    if not error.size:
        return f"{name:40s}{0:6d}{'':32s}{after}"
    return (
        f"{name:40s}{error.size:6d}{100 * np.median(np.abs(error)):8.2f}{inside.mean():8.2f}"
        f"{100 * np.median(width):8.1f}{100 * points.mean():8.1f}{after}"
    )


def everything(s: Score) -> np.ndarray:
    return np.ones(s.error.size, bool)


def within(band: tuple[float, float]) -> Callable[[Score], np.ndarray]:
    return lambda s: (s.beyond >= band[0]) & (s.beyond < band[1])


def overall(items: Sequence[Measured], scores: Sequence[Score]) -> dict[str, float]:
    """Return the figures by which a rule is judged; all but coverage are in per cent.

    Cases of which every run is refused have no part.
    """
    pairs = [(m, s) for m, s in zip(items, scores, strict=True) if s.error.size]
    items, scores = [m for m, _ in pairs], [s for _, s in pairs]
    inside, beyond = (np.concatenate([getattr(s, k) for s in scores]) for k in ("inside", "beyond"))
    means = by_source(items, [float(s.score.mean()) for s in scores])
    errors = [float(np.abs(s.error).mean()) for s in scores]
    studies: dict[str, list[np.ndarray]] = {}
    for m, s in zip(items, scores, strict=True):
        studies.setdefault(m.case.name.split(" (cut")[0], []).append(s.inside)
    out = {
        "error": 100 * float(np.median(errors)),
        "mean error": 100 * float(np.mean(list(by_source(items, errors).values()))),
        "coverage": float(inside.mean()),
        **{
            name: float(inside[(beyond >= a) & (beyond < b)].mean())
            for name, (a, b) in BANDS.items()
        },
        "worst study": min(float(np.concatenate(v).mean()) for v in studies.values()),
        "width": 100 * float(np.median([np.median(s.width) for s in scores])),
        "score": 100 * float(np.mean(list(means.values()))),
    }
    return out


def written(figures: Mapping[str, float]) -> str:
    return "  ".join(f"{k} {v:.2f}" for k, v in figures.items())


def table(items: Sequence[Measured]) -> None:
    """Print the table by study and by distance, and what the constants changed."""
    print(
        f"\n{'':40s}{'runs':>6s}{'error':>8s}{'held':>8s}{'width':>8s}{'score':>8s} refused   [%]"
    )
    pools = [score(m.pool(LEARNT), m.case) for m in items]
    quick = {i: score(m.quick, m.case) for i, m in enumerate(items) if m.quick is not None}
    for i, m in enumerate(items):
        print(line(f"{m.case.name}: pool", [pools[i]], everything))
        if i in quick:
            print(line(f"{m.case.name}: quick", [quick[i]], everything))
    for name, band in BANDS.items():
        print(line(f"{name}: pool", pools, within(band)))
        if quick:
            print(line(f"{name}: quick", list(quick.values()), within(band)))
    before = [score(m.pool(AT_FIRST), m.case, AT_FIRST) for m in items]
    print("\nconstants at first:", written(overall(items, before)))
    print("constants as learnt:", written(overall(items, pools)))
    if not quick:
        return
    those = [items[i] for i in quick]
    print("quick path:         ", written(overall(those, list(quick.values()))))
    one_of = singles(items)
    medians = {k: 100 * np.median([np.abs(e).mean() for e in v]) for k, v in one_of.items()}
    plane = [p for p, m in zip(pools, items, strict=True) if "chinchilla" in m.fits]
    pooled = 100 * np.median([np.abs(p.error).mean() for p in plane if p.error.size])
    print(f"\nmedian error over {len(plane)} cases of N and D: pool {pooled:.2f}")
    for name, value in sorted(medians.items(), key=lambda item: item[1]):
        print(f"  {name:28s}{value:8.2f}")


@dataclass(frozen=True, eq=False)
class Learning:
    """The choice of constants by the interval score of every source but one."""

    items: Sequence[Measured]
    known: dict[str, tuple[Score, ...]] = field(default_factory=dict)

    def scores(self, constants: PoolConstants) -> tuple[Score, ...]:
        """Return the scores of every case."""
        key = repr(constants)
        if key not in self.known:
            self.known[key] = tuple(score(m.pool(constants), m.case, constants) for m in self.items)
        return self.known[key]

    def loss(self, constants: PoolConstants, left_out: str | None) -> tuple[bool, float]:
        """Return whether too few runs are held, and then how few, else the interval score.

        `ENOUGH` of all runs of the sources but one, at each distance and of every study, are.
        """
        pairs = [(m, s) for m, s in zip(self.items, self.scores(constants), strict=True)
                 if m.case.study.source != left_out]  # fmt: skip
        items, scores = zip(*pairs, strict=True)
        figures = overall(items, scores)
        bands = min(figures[name] for name in BANDS)
        all_of, by_band, of_study = ENOUGH
        holds = figures["coverage"] >= all_of and bands >= by_band
        if holds and figures["worst study"] >= of_study:
            return False, figures["score"]
        return True, -figures["coverage"]

    def choose(self, left_out: str | None) -> PoolConstants:
        """Return the constants that all sources but one choose, one constant at a time."""
        best = AT_FIRST
        for name, values in [*TRIALS.items(), *TRIALS.items()]:
            tries = [replace(best, **{name: v}) for v in values]
            best = min([best, *tries], key=lambda c: self.loss(c, left_out))
        return best


def learn(items: Sequence[Measured]) -> None:
    """Print, for each source left out, the constants that the others choose, and what they do."""
    trials = Learning(items)
    for name, values in TRIALS.items():
        for value in values:
            scores = trials.scores(replace(AT_FIRST, **{name: value}))
            print(f"{name} {value}: {written(overall(items, scores))}")
    sources = [m.case.study.source for m in items]
    chosen = {source: trials.choose(source) for source in dict.fromkeys(sources)}
    for source, constants in chosen.items():
        print(f"without {source}: {constants}")
    left_out = [trials.scores(chosen[source])[i] for i, source in enumerate(sources)]
    print("left out:", written(overall(items, left_out)))
    final = trials.choose(None)
    print("of all:", final, written(overall(items, trials.scores(final))))


@functools.cache
def everywhere() -> tuple[Measured, ...]:
    items = tuple(measured())
    if not items:
        pytest.skip("no study is here: set ISOFLOP_DATA")
    return items


def test_intervals_hold_by_default_and_are_narrower_than_they_were():
    items = everywhere()
    pools = [score(m.pool(LEARNT), m.case) for m in items]
    now = overall(items, pools)
    first = overall(items, [score(m.pool(AT_FIRST), m.case, AT_FIRST) for m in items])
    table(items)
    assert 0.85 <= now["coverage"] <= 0.97
    assert now["width"] < first["width"]
    assert now["score"] < first["score"]
    assert now["error"] <= 1.02 * first["error"]


def test_a_large_backtest_takes_a_cpu_minute():
    """Six laws, four objectives, six splits and 200 draws on 240 runs."""
    runs = study("figure 4").runs
    laws = ("chinchilla", "kaplan-joint", "generalised", "multiplicative", "log-quadratic",
            "farseer")  # fmt: skip
    objectives = ("huber", "squared", "asymmetric", "student-t")
    began = time.process_time()
    test = backtest(candidates(runs, laws, objectives), runs, cuts=6, draws=200)
    spent = time.process_time() - began
    print(f"\n{len(test.results)} fits and {200 * len(test.results):,} refits in {spent:.1f} CPU-s")
    assert len(test.results) == 6 * 4 * 6
    assert spent <= 60


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--learn", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    chosen = tuple(measured(options.keep, options.only))
    (learn if options.learn else table)(chosen)
