"""What a study of over-optimisation shows: curves over replications, laws, falls, forecasts.

Every number is worked out for each replication by itself; intervals are over replications, since
evaluations within one share their prompts, their gold and their proxy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import BadRuns
from isoflop.report.display import Displayed

if TYPE_CHECKING:
    from isoflop.assess.reward.overoptimisation import OveroptimisationCurve
    from isoflop.experiments.reward import Overoptimise, RLTarget, Scorer
    from isoflop.runs import Runs


Kind: TypeAlias = Literal["best-of-n", "RL"]  # how scores were optimised

FORMS = ("bon-reward", "rl-reward")  # two coefficients each, both of which say where gold peaks
HALF = 0.5**0.5  # share of d that is half of KL
FALL = 0.1  # share of the largest gain that must be lost in the end for a fall
LEVEL = 0.9
POINTS = 41  # of the grid in d that replications are averaged on


@dataclass(frozen=True)
class Mean:
    """A mean over replications with its interval at 90%, open where there is only one."""

    value: float
    low: float | None
    high: float | None

    @staticmethod
    def of(values: Sequence[float] | Numbers) -> Mean:
        """Return the mean of values with its interval by Student's t."""
        v = np.asarray(values, float)
        if len(v) < 2 or not np.isfinite(v).all():
            return Mean(float(v.mean()), None, None)
        from scipy.special import stdtrit

        half = float(stdtrit(len(v) - 1, (1 + LEVEL) / 2) * v.std(ddof=1) / np.sqrt(len(v)))
        return Mean(float(v.mean()), float(v.mean()) - half, float(v.mean()) + half)

    def __iter__(self) -> Any:
        return iter((self.value, self.low, self.high))


@dataclass(frozen=True, eq=False)
class Replication:
    """One replication of one arm: d, gain in gold R and in the score, rising in d."""

    seed: int
    evidence: OveroptimisationCurve
    score: Numbers

    def at(self, d: Any) -> Numbers:
        """Return the gain in gold at d, between evaluations by a straight line."""
        e = self.evidence
        return np.asarray(np.interp(d, np.append(0.0, e.d), np.append(0.0, e.R)))

    def score_at(self, d: Any) -> Numbers:
        """Return the gain in the score at d."""
        score = np.interp(d, np.append(0.0, self.evidence.d), np.append(0.0, self.score))
        return np.asarray(score)

    @property
    def furthest(self) -> float:
        """The largest d."""
        return float(self.evidence.d[-1])

    @property
    def end(self) -> float:
        """The gain at the largest d."""
        return float(self.evidence.R[-1])

    @property
    def best(self) -> tuple[float, float]:
        """Where gold was highest: d, and the gain there."""
        at = int(self.evidence.R.argmax())
        return float(self.evidence.d[at]), float(self.evidence.R[at])

    @property
    def fell(self) -> bool:
        """Whether more than a tenth of the largest gain was lost in the end."""
        return self.end < (1 - FALL) * self.best[1]

    def law(self, form: str) -> Any:
        """Return a form fitted to all of it."""
        return self.evidence.law(form)

    def r2(self, form: str) -> float:
        """Return the share of the variance of the gains that a fitted form accounts for."""
        e = self.evidence
        residuals = e.R - self.law(form)(d=e.d)
        return float(1 - (residuals**2).sum() / ((e.R - e.R.mean()) ** 2).sum())

    def forecast(self) -> tuple[str, float] | None:
        """Return the form that half of the KL chooses, and the gain that it expects in the end."""
        from isoflop.assess.reward.overoptimisation import split

        parts = split(self.evidence, HALF)
        if parts is None:
            return None
        form = min(FORMS, key=lambda f: held_out(parts[0], f))
        return form, float(parts[0].law(form)(d=self.furthest))


@dataclass(frozen=True, eq=False)
class ScorerArm:
    """Best-of-n or RL by one scorer, in every replication."""

    name: str
    family: str
    scorer: Scorer
    N: int
    pairs: int
    penalty: float
    runs: tuple[Replication, ...]

    def mean(self, of_run: Callable[[Replication], float]) -> Mean:
        """Return the mean of a number over replications."""
        return Mean.of([of_run(run) for run in self.runs])

    @property
    def grid(self) -> Numbers:
        """Values of d (g,) that every replication reached."""
        return np.linspace(0, min(run.furthest for run in self.runs), POINTS)

    @property
    def simple(self) -> bool:
        """Whether one proxy alone is optimised, without a penalty."""
        return self.scorer.rule == "alone" and not self.penalty

    @property
    def falls(self) -> int:
        """In how many replications gold fell in the end."""
        return sum(run.fell for run in self.runs)


@dataclass(frozen=True, eq=False)
class StudyResult(Displayed):
    """All arms of a study: best-of-n `chosen`, and `by_rl` by RL.

    `folder` holds the study, and `seconds` is how long the last call took.
    """

    chosen: tuple[ScorerArm, ...]
    by_rl: tuple[ScorerArm, ...]
    folder: str = ""
    seconds: float = 0.0

    @property
    def kinds(self) -> tuple[tuple[Kind, tuple[ScorerArm, ...]], ...]:
        """The arms by how they were optimised."""
        return ("best-of-n", self.chosen), ("RL", self.by_rl)

    def held_out_errors(self) -> dict[Kind, dict[str, Mean]]:
        """Return the held-out error of each form by kind of arm, the best form first."""
        return {kind: _held_out_errors(arms) for kind, arms in self.kinds}

    @property
    def plain(self) -> tuple[ScorerArm, ...]:
        """Best-of-n by one proxy alone, the first member of ensembles."""
        return tuple(a for a in self.chosen if a.simple and not a.scorer.proxies[0].member)

    def choice_of(self, scorer: Scorer) -> ScorerArm | None:
        """Return best-of-n by a scorer."""
        return next((a for a in self.chosen if a.scorer == scorer), None)


def held_out(evidence: OveroptimisationCurve, form: str) -> float:
    """Return the mean over cuts of the error [reward] of a form beyond the d that it saw.

    Infinite where no cut leaves points enough.
    """
    from isoflop.assess.reward.overoptimisation import CUTS, split

    errors = []
    for share in CUTS:
        if (parts := split(evidence, share)) is not None:
            residuals = parts[1].R - parts[0].law(form)(d=parts[1].d)
            errors.append(float(np.sqrt((residuals**2).mean())))
    return float(np.mean(errors)) if errors else float("inf")


def _held_out_errors(arms: Sequence[ScorerArm]) -> dict[str, Mean]:
    """Return the held-out error of each form, the mean over arms in each replication."""
    errors = {form: _mean_held_out(arms, form) for form in FORMS}
    return dict(sorted(errors.items(), key=lambda item: item[1].value))


def _mean_held_out(arms: Sequence[ScorerArm], form: str) -> Mean:
    """Return the held-out error of a form over the arms that have points enough to judge it."""
    each = [[held_out(run.evidence, form) for run in arm.runs] for arm in arms]
    finite = np.array([errors for errors in each if np.isfinite(errors).all()])
    return Mean.of(finite.mean(0)) if finite.size else Mean(float("inf"), None, None)


def overoptimise(
    folder: str = "reward-demo",
    *,
    preset: str = "study",
    seeds: int | None = None,
    seed: int = 0,
) -> StudyResult:
    """Over-optimise the reward models of a preset for real, and return what was seen.

    Killed anywhere, the same call resumes. Raises UnknownName for a preset that there is not,
    UsageError for a folder with the study of another, EnvironmentFailure if a trial fails twice.
    """
    from isoflop.experiments.reward.preset_study import run_preset
    from isoflop.sources import read

    study, ended = run_preset(folder, preset, seeds=seeds, seed=seed)
    return replace(outcome(study, read(folder)), folder=folder, seconds=ended.seconds)


def outcome(study: Overoptimise, runs: Runs) -> StudyResult:
    """Return what a study found, arm by arm.

    Raises BadRuns if a replication of an arm is missing.
    """
    chosen = [_arm(study, s, s, 0.0, runs) for s in study.scorers]
    arms = [_arm(study, p, p.scorer, p.penalty, runs) for p in study.targets]
    return StudyResult(tuple(chosen), tuple(arms))


def _arm(
    study: Overoptimise, what: Scorer | RLTarget, scorer: Scorer, penalty: float, runs: Runs
) -> ScorerArm:
    world, family = study.setting.world, study.family_of(what)
    mine = runs.select(runs.labels["family"] == family)
    reward_runs = tuple(_run(mine, seed, family) for seed in study.seeds)
    name = study.name_of(what)
    return ScorerArm(
        name=name,
        family=family,
        scorer=scorer,
        N=scorer.params(world),
        pairs=scorer.pairs,
        penalty=penalty,
        runs=reward_runs,
    )


def _run(runs: Runs, seed: int, family: str) -> Replication:
    from isoflop.assess.reward.evidence import of_runs

    mine = runs.select(runs.labels["seed"] == str(seed))
    if not len(mine):
        raise BadRuns(f"the study holds no {family} of seed {seed}; run it again, which resumes")
    evidence = of_runs(mine, draws=20).by_proxy[family]
    away = mine.select(mine["d"] > 0)
    return Replication(seed, evidence, away["R_proxy"][np.argsort(away["d"], kind="stable")])


@dataclass(frozen=True)
class GoldGap:
    """The mean difference in gold at equal d, over the d that all reached."""

    upto: float
    gap: Mean


def gap(plain: Sequence[ScorerArm], arm: ScorerArm) -> GoldGap:
    """Return by how much an arm gains more gold than others do on average, at equal d."""
    d = np.linspace(0, min(a.grid[-1] for a in (*plain, arm)), POINTS)[1:]
    each = [
        float((run.at(d) - np.mean([a.runs[i].at(d) for a in plain], axis=0)).mean())
        for i, run in enumerate(arm.runs)
    ]
    return GoldGap(float(d[-1]), Mean.of(each))


def rank_correlation(x: Sequence[float], y: Sequence[float]) -> float:
    """Return Spearman's rank correlation of two lists without ties."""
    a, b = (np.argsort(np.argsort(v)).astype(float) for v in (x, y))
    return float(np.corrcoef(a, b)[0, 1])


def trend(arms: Sequence[ScorerArm], by: str, form: str, parameter: str) -> Mean | None:
    """Return the rank correlation of a fitted parameter with "N" or "pairs"; None for few arms."""
    if len({getattr(a, by) for a in arms}) < 3:
        return None
    each = [
        rank_correlation(
            [getattr(a, by) for a in arms],
            [float(getattr(a.runs[i].law(form), parameter)) for a in arms],
        )
        for i in range(len(arms[0].runs))
    ]
    mean = Mean.of(each)
    if mean.low is None or mean.high is None:
        return mean
    return Mean(mean.value, max(mean.low, -1.0), min(mean.high, 1.0))
