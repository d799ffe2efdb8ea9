"""What an answer becomes when some runs are left out: the worst runs, a size, a budget, any one.

All refits are rows of one batched solve; what is left out has weight 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.fitting import Fit, reopen, run_weights, starts
from isoflop.fitting.problem import FitProblem
from isoflop.fitting.resample import jackknife, levels
from isoflop.fitting.solve import Damping, descend, solve
from isoflop.law import Array, Law
from isoflop.quantities import show
from isoflop.report.display import Displayed, number

Answer = Callable[[Law], Array]  # what is asked of an ensemble of s laws: (s,) or (s, 1)

MOST = 20  # highest losses that are left out, one more each time
SCREENED, POLISHED = 512, 8  # starts of a refit that leaves many runs out: its optimum may be far


@dataclass(frozen=True, slots=True)
class Without:
    """The answers of a refit without some runs: `rows` are their rows in the source."""

    left_out: str
    rows: tuple[int, ...]
    answers: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Influence(Displayed):
    """What each answer is with all runs, and without some of them.

    `highest` leaves out the 1, 2, ... highest losses; `sizes` and `budgets` one level each of N
    and C, `families` one family each, where the runs name theirs; `single` one run each, in the
    order of the runs. `error` is the jackknife's standard
    error of the log of an answer (of the answer itself, where it is not positive).
    """

    whole: Mapping[str, float]
    highest: tuple[Without, ...]
    sizes: tuple[Without, ...]
    budgets: tuple[Without, ...]
    single: tuple[Without, ...]
    error: Mapping[str, float]
    fit: Fit[Any]
    families: tuple[Without, ...] = ()

    def _facts(self) -> Iterator[str]:
        yield from (f"{name}={number(value)}" for name, value in self.whole.items())
        for few in self.highest[-1:]:
            changes = ", ".join(f"{name} {self.moved(name, few):+.1%}" for name in self.whole)
            yield f"{few.left_out}: {changes}"

    def moved(self, name: str, without: Without) -> float:
        """Return the change of an answer: 0.1 is a tenth more than with all runs."""
        return without.answers[name] / self.whole[name] - 1


def influence(
    fit: Fit[Any],
    answers: Mapping[str, Answer] | None = None,
    *,
    most: int = MOST,
    seed: int = 0,
) -> Influence:
    """Return how far parameters, and `answers`, hang on the runs that a law was fitted to.

    An answer is a function of a law, such as `lambda law: law.optimum(1e24).N`; it is shown
    ensembles. Up to `most` of the highest losses are left out. Refits that leave too few runs are
    left away.

    Raises UsageError for `most` below 0.
    """
    if most < 0:
        raise UsageError(f"most is {most}; it must be 0 or more")
    questions: dict[str, Answer] = {**(answers or {}), **{k: _parameter(k) for k in fit.free}}
    problem, weights_n = reopen(fit), run_weights(fit.runs)
    z_p = problem.point(fit.law)
    levels_cut = (list(_levels(fit, symbol)) for symbol in ("N", "C"))
    cuts = (list(_highest(fit, most)), *levels_cut, list(_families(fit)))
    able = [[c for c in part if (~c[1]).sum() > z_p.size] for part in cuts]
    masks_sn = np.array([out for part in able for _, out in part], bool).reshape(-1, len(fit.runs))
    far_sp = _refits(fit, problem, weights_n * ~masks_sn, seed)
    one_sn = weights_n * jackknife(np.arange(len(fit.runs)))
    near_sp = solve(
        problem.residuals,
        np.repeat(z_p[None], len(one_sn), 0),
        one_sn,
        fit.objective,
        damping=Damping(near=True, scaled=problem.has_unbounded),
    ).z_sp
    values = _answers(questions, problem.law(np.concatenate([z_p[None], far_sp, near_sp])))
    single = list(zip(_names(fit), one_sn == 0, strict=True))
    refits = iter(_without(fit, [cut for part in (*able, single) for cut in part], values[1:]))
    highest, sizes, budgets, families, alone = (
        tuple(next(refits) for _ in part) for part in (*able, single)
    )
    error = {k: _error(alone, k) for k in questions}
    return Influence(
        whole=values[0],
        highest=highest,
        sizes=sizes,
        budgets=budgets,
        single=alone,
        error=error,
        fit=fit,
        families=families,
    )


def _parameter(name: str) -> Answer:
    return lambda law: getattr(law, name)


def _highest(fit: Fit[Any], most: int) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Yield a name and a mask (n,) of the k runs of the highest output, for k = 1 to `most`."""
    symbol = fit.binding.predicts
    inputs = [fit.runs[s] for s in fit.binding.takes]  # break ties: the order of rows does not
    order = np.lexsort([*inputs, -fit.runs[symbol]])
    for k in range(1, min(most, len(fit.runs)) + 1):
        out = np.zeros(len(fit.runs), bool)
        out[order[:k]] = True
        yield f"the {k} highest {symbol}" if k > 1 else f"the highest {symbol}", out


def _levels(fit: Fit[Any], symbol: str) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Yield a name and a mask (n,) of the runs of each level of N, or of C (6ND if not given)."""
    runs = fit.runs
    if symbol == "C" and "C" not in runs and {"N", "D"} <= set(runs.columns):
        values = 6 * runs["N"] * runs["D"]
    elif symbol in runs and np.isfinite(runs[symbol]).all() and (runs[symbol] > 0).all():
        values = runs[symbol]
    else:
        return
    level = levels(values)
    for k in np.unique(level):
        inside = values[level == k]
        low, high = show(float(inside.min())), show(float(inside.max()))
        yield f"{symbol} = {low}" if low == high else f"{symbol} = {low} to {high}", level == k


def _families(fit: Fit[Any]) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    """Yield a name and a mask (n,) of the runs of each family that the runs name, if several."""
    names = fit.runs.labels.get("family")
    families = [] if names is None else sorted({str(name) for name in names if str(name)})
    for name in families if len(families) > 1 else ():
        yield f"family {name}", np.asarray(names) == name


def _names(fit: Fit[Any]) -> list[str]:
    """Return what each run is called: by its label, where it has one of its own, and its row."""
    labels = fit.runs.labels.get("run")
    if labels is None:
        return [f"row {row}" for row in fit.runs.rows]
    pairs = zip(labels, fit.runs.rows, strict=True)
    return [f"{label}, row {row}" if str(label) else f"row {row}" for label, row in pairs]


def _refits(fit: Fit[Any], problem: FitProblem, weights_sn: Numbers, seed: int) -> Numbers:
    """Return where refits end (s, p), each the lowest of several starts: it may move far."""
    z_p, rows = problem.point(fit.law), len(weights_sn)
    spread = starts.spread(problem, np.random.default_rng(seed), SCREENED)
    with np.errstate(over="ignore", invalid="ignore"):  # far starts may overflow: never best
        loss_tn = fit.objective.loss(problem.values(spread))
    loss_tn[~np.isfinite(loss_tn).all(1)] = 1e300 / len(fit.runs)
    best_sk = np.argsort(weights_sn @ loss_tn.T, axis=1)[:, :POLISHED]
    start = np.concatenate([np.repeat(z_p[None, None], rows, 0), spread[best_sk]], axis=1)
    each = start.shape[1]
    optimum = descend(
        problem.residuals,
        start.reshape(rows * each, -1),
        np.repeat(weights_sn, each, 0),
        fit.objective,
        both=problem.has_unbounded,
    )
    z_skp = optimum.z_sp.reshape(rows, each, -1)
    return np.asarray(z_skp[np.arange(rows), optimum.value_s.reshape(rows, each).argmin(1)])


def _answers(questions: Mapping[str, Answer], laws: Law) -> list[dict[str, float]]:
    """Return what each law of an ensemble answers."""
    with np.errstate(all="ignore"):
        columns = {k: np.asarray(ask(laws), float).reshape(-1) for k, ask in questions.items()}
    return [{k: float(v[i]) for k, v in columns.items()} for i in range(laws.members or 0)]


def _without(
    fit: Fit[Any], cuts: list[tuple[str, npt.NDArray[np.bool_]]], values: list[dict[str, float]]
) -> Iterator[Without]:
    for (name, out), answers in zip(cuts, values, strict=True):
        yield Without(name, tuple(int(row) for row in fit.runs.rows[out]), answers)


def _error(single: tuple[Without, ...], name: str) -> float:
    """Return the jackknife's standard error of an answer, of its log where it is positive."""
    values = np.array([w.answers[name] for w in single])
    values = np.log(values) if (values > 0).all() else values
    return float(np.sqrt((values.size - 1) * values.var()))
