"""The best way to spend samples on problems by their difficulty, and what it saves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import Note, RefusedByData, UnknownName
from isoflop.options import IntervalOptions
from isoflop.plan.sampling.difficulty import Difficulty, DifficultyOptions
from isoflop.plan.sampling.options import SamplingChoice, options
from isoflop.plan.sampling.prices import UNITS, Spending, uncounted
from isoflop.plan.sampling.problem_draws import FIRST, Cases, cases_of, chooser
from isoflop.plan.sampling.router import Router
from isoflop.quantities import refuse_draws, show
from isoflop.report.display import Displayed
from isoflop.samples.curves import problem_weights
from isoflop.samples.sample_table import Samples

INTERVAL = IntervalOptions(draws=500)
BUDGETS = 8  # looked at, unless some are named
FOLDS = 10  # splits of the problems in two, over which cross-fitting is averaged


@dataclass(frozen=True, eq=False)
class AtBudget:
    """The policy at one budget, held against the best that the baseline does within it.

    `score` is of problems that had no say in the choice. `saving` is the price at which the
    baseline reaches that score, over the budget: 4 means a quarter of the compute; infinite where
    the baseline never does. `choices` are by bin, from all problems.
    """

    budget: float
    score: float
    score_ends: tuple[float, float]
    baseline: float
    gain_ends: tuple[float, float]
    saving: float
    saving_ends: tuple[float, float]
    choices: tuple[str, ...]

    @property
    def gain(self) -> float:
        """The score above that of the baseline."""
        return self.score - self.baseline


@dataclass(frozen=True, eq=False)
class SamplingPolicy(Displayed):
    """A policy over budgets, and the router that applies it."""

    difficulty: Difficulty
    unit: str
    estimated_from: int
    price_of_estimate: float
    charged: bool
    baseline: str
    budgets: tuple[AtBudget, ...]
    bins: tuple[tuple[int, float], ...]
    level: float
    router: Router
    notes: tuple[Note, ...]


def policy(
    samples: Samples,
    baseline: str | None = None,
    *,
    sorting: DifficultyOptions = DifficultyOptions(),
    spending: Spending = Spending(),
    others: Sequence[SamplingChoice] = (),
    interval: IntervalOptions = INTERVAL,
) -> SamplingPolicy:
    """Return the best option for each bin of difficulty and each budget, cross-fitted.

    The price of the samples that difficulty comes from is charged to every budget, and they take
    part in every vote and choice; a strategy is run beside them. By the oracle it comes from half
    of the samples, which no score is counted on, and which are not charged: nobody could buy it.
    In each bin, half of the problems choose and the other half is scored, and the reverse. The
    baseline is the best of k by the first verifier, or the majority. `others` are strategies that
    were run, on the same problems in the same order.

    Raises RefusedByData for too few samples or problems, UnknownName for a baseline.
    """
    (answer,) = policies(
        samples,
        (baseline,),
        sorting=sorting,
        spending=spending,
        others=others,
        interval=interval,
    )
    return answer


def policies(
    samples: Samples,
    baselines: Sequence[str | None],
    *,
    sorting: DifficultyOptions = DifficultyOptions(),
    spending: Spending = Spending(),
    others: Sequence[SamplingChoice] = (),
    interval: IntervalOptions = INTERVAL,
) -> tuple[SamplingPolicy, ...]:
    """Return the same policy held against each of several baselines; see `policy`."""
    refuse_draws(interval.draws, interval.level, 1)
    seed = interval.seed
    aside = sorting.samples(samples.counts.reach)
    counted, charged = spending.counted(samples), sorting.by != "oracle"
    price = spending.cost(samples, aside, sorting.by == "score") * charged
    mean_price = float(price.mean())
    ran = [replace(o, cost=o.cost + price) for o in others]
    difficulty, cases = cases_of(samples, sorting, spending, ran, seed)
    plain = (*options(samples, spending, seed=seed), *others)
    folds = _folds(difficulty.bin, seed)
    weights = np.concatenate([*problem_weights(difficulty.ease.size, interval.draws, seed)])
    described = _described(difficulty, samples.split(aside, seed)[1])

    def against(baseline: str | None) -> SamplingPolicy:
        line = _baseline(plain, baseline)
        at = _budgets(line, min(o.price for o in cases.options), spending.budgets)
        rival = _Rival(line, folds, weights, interval.level)
        router = Router(
            of=difficulty.of,
            samples=aside,
            cuts=difficulty.cuts,
            unit=counted,
            budgets=tuple(at),
            choices=tuple(_choices(cases, b) for b in at),
            charged=charged,
        )
        notes = (*_notes(difficulty, router, mean_price), *_left_out(samples, counted))
        return SamplingPolicy(
            difficulty=difficulty,
            unit=counted,
            estimated_from=aside,
            price_of_estimate=mean_price,
            charged=charged,
            baseline=line[0].family,
            budgets=tuple(
                _at(b, cases, rival, choices) for b, choices in zip(at, router.choices, strict=True)
            ),
            bins=described,
            level=interval.level,
            router=router,
            notes=notes,
        )

    return tuple(against(baseline) for baseline in baselines)


def _baseline(sampling_choices: Sequence[SamplingChoice], name: str | None) -> list[SamplingChoice]:
    """Return the options of the baseline, by price."""
    families = list(dict.fromkeys(o.family for o in sampling_choices))
    best = [o.family for o in sampling_choices if o.way is not None and o.way.rule == "best"]
    usual = [*best, *families]
    if name is not None and name not in families:
        raise UnknownName("way to use samples", name, families)
    family = [o for o in sampling_choices if o.family == (name or usual[0])]
    return sorted(family, key=lambda o: o.price)


def _budgets(
    line: list[SamplingChoice], cheapest: float, budgets: Sequence[float] | None
) -> list[float]:
    """Return the budgets, each enough for the cheapest option of the policy and the baseline."""
    least, most = max(line[0].price, cheapest), line[-1].price
    if budgets is not None:
        if too_small := [b for b in budgets if b < least * (1 - 1e-9)]:
            raise RefusedByData(
                f"a budget of {show(too_small[0])} does not pay for the samples that tell "
                f"difficulty and one answer, {show(least)}"
            )
        return sorted(budgets)
    if most <= least:
        raise RefusedByData(
            f"the bank reaches a price of {show(most)} a problem, and the samples that tell "
            f"difficulty cost {show(least)}; estimate from fewer samples"
        )
    return [float(b) for b in np.geomspace(least, most, BUDGETS)]


def _folds(bins: npt.NDArray[np.int64], seed: int) -> list[npt.NDArray[np.bool_]]:
    """Return splits in two (p,), each even within every bin."""
    rng = np.random.default_rng(seed)
    masks = []
    for _ in range(FOLDS):
        side = np.zeros(bins.size, bool)
        for b in np.unique(bins):
            inside = rng.permutation(np.flatnonzero(bins == b))
            side[inside[: inside.size // 2]] = True
        masks.append(side)
    return masks


def _choices(cases: Cases, budget: float) -> tuple[str, ...]:
    choose = chooser(cases, budget)
    return tuple(cases.options[i].name for i in choose(np.ones(cases.bin.size, bool)))


def _crossed(cases: Cases, folds: list[npt.NDArray[np.bool_]], budget: float) -> Numbers:
    """Return the score (p,) of each problem under choices that it had no say in."""
    choose = chooser(cases, budget)
    right = np.stack([o.right for o in cases.options])
    total = np.zeros(cases.bin.size)
    for side in folds:
        sample = np.tile(side, FIRST)
        for half in (sample, ~sample):
            scored = np.flatnonzero(half)
            total[scored] += right[choose(~half)[cases.bin[scored]], scored]
    return np.asarray(total.reshape(FIRST, -1).mean(0) / len(folds))


@dataclass(frozen=True, eq=False)
class _Rival:
    """The options of the baseline by price, and how scores are crossed and drawn.

    `folds` split the problems in two (p,), and `weights` (s, p) are the draws of problems.
    """

    line: list[SamplingChoice]
    folds: list[npt.NDArray[np.bool_]]
    weights: Numbers
    level: float


def _at(budget: float, cases: Cases, rival: _Rival, choices: tuple[str, ...]) -> AtBudget:
    """Return the policy at one budget, held against the baseline."""
    line, weights, level = rival.line, rival.weights, rival.level
    each = _crossed(cases, rival.folds, budget)
    logs = np.log([o.price for o in line])
    right = np.stack([o.right for o in line], axis=1)
    base = _affordable(right, logs, budget)
    tails = [(1 - level) / 2, (1 + level) / 2]
    scores, bases = weights @ each, weights @ base
    savings = [
        _saving(s, row, logs, budget) for s, row in zip(scores, weights @ right, strict=True)
    ]
    ends = np.quantile(np.array(savings), tails, method="inverted_cdf")
    return AtBudget(
        budget=budget,
        score=float(each.mean()),
        score_ends=_pair(np.quantile(scores, tails)),
        baseline=float(base.mean()),
        gain_ends=_pair(np.quantile(scores - bases, tails)),
        saving=_saving(float(each.mean()), right.mean(0), logs, budget),
        saving_ends=_pair(ends),
        choices=choices,
    )


def _affordable(right: Numbers, logs: Numbers, budget: float) -> Numbers:
    """Return the baseline (p,) at the best k that the budget pays for, chosen in hindsight.

    A baseline that falls with k would be no rival; whoever uses it stops in time.
    """
    at = np.array([np.interp(np.log(budget), logs, row) for row in right])
    whole = right[:, np.exp(logs) <= budget * (1 + 1e-9)]
    rows = np.column_stack([whole, at])
    return np.asarray(rows[:, int(np.argmax(rows.mean(0)))])


def _saving(score: float, curve: Numbers, logs: Numbers, budget: float) -> float:
    """Return the least price at which the baseline has that score, over the budget."""
    risen = np.maximum.accumulate(curve)
    if score > risen[-1]:
        return float("inf")
    i = int(np.searchsorted(risen, score))
    if i == 0:
        return float(np.exp(logs[0]) / budget)
    share = (score - risen[i - 1]) / max(risen[i] - risen[i - 1], 1e-12)
    return float(np.exp(logs[i - 1] + share * (logs[i] - logs[i - 1])) / budget)


def _pair(ends: Numbers) -> tuple[float, float]:
    return float(ends[0]), float(ends[1])


def _described(difficulty: Difficulty, rest: Samples) -> tuple[tuple[int, float], ...]:
    """Return the number of problems of each bin, and their pass rate on samples not binned by."""
    rate = rest.counts.solved / rest.counts.attempts
    inside = [difficulty.bin == b for b in range(difficulty.bins)]
    return tuple((int(i.sum()), float(rate[i].mean()) if i.any() else float("nan")) for i in inside)


def _notes(difficulty: Difficulty, router: Router, price: float) -> tuple[Note, ...]:
    notes = [
        Note(
            "info",
            "price",
            f"every budget pays {show(price)} {UNITS[router.unit]} a problem for the "
            f"{router.samples} "
            "samples that tell difficulty; they take part in every vote and choice, and k counts "
            "them"
            if router.charged
            else "the oracle knows right answers: its policy is a bound, and its price is not "
            "charged",
        )
    ]
    least = min(int((difficulty.bin == b).sum()) for b in range(difficulty.bins))
    if least < 10:
        notes.append(
            Note(
                "info",
                "few-problems",
                f"a bin holds {least} problems: its choice is mostly chance; use fewer bins",
            )
        )
    return tuple(notes)


def _left_out(samples: Samples, unit: str) -> tuple[Note, ...]:
    """Return what a policy cannot use or count."""
    partly = [v for v, scores in samples.scores.items() if not np.isfinite(scores).all()]
    notes = [
        Note("info", "left-out", f"{v} gave some samples no score, so no option uses it")
        for v in partly
    ]
    return (*uncounted(samples, unit, len(partly) < len(samples.scores)), *notes)
