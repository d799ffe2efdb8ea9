"""The score on a task from capabilities: a sigmoid, its draws, and a hold-out by compute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, UsageError
from isoflop.fitting.objective import Squared
from isoflop.fitting.resample import clustered
from isoflop.fitting.solve import Damping, solve
from isoflop.observational.components import Capabilities, Models, capabilities
from isoflop.quantities import refuse_draws, show
from isoflop.report.display import Displayed

SPARE = 5  # models that a fit must have beyond its numbers
STARTS = 64
NEAREST = 0.02  # of the way up, or to the top: nearer than this, scatter no longer falls


@dataclass(frozen=True, eq=False)
class ScoreSigmoid:
    """score = floor + (ceiling - floor) / (1 + exp(-(x weights + shift))) at inputs x (n, k).

    `weights` (k,) or, of an ensemble, (s, k) with `shift` and `floor` (s,).
    """

    weights: Numbers
    shift: Numbers
    floor: Numbers
    ceiling: float

    def index(self, x: Numbers) -> Numbers:
        """Return the one number (n,), or (s, n), that the score rises with: its log odds."""
        return np.asarray((x @ self.weights.T + self.shift).T)

    def __call__(self, x: Numbers) -> Numbers:
        """Return scores (n,), or (s, n)."""
        return self.score(self.index(x))

    def score(self, index: Numbers) -> Numbers:
        """Return the scores at an index (n,), or (s, n)."""
        floor = self.floor[:, None] if self.floor.ndim else self.floor
        return np.asarray(floor + (self.ceiling - floor) * (1 + np.tanh(index / 2)) / 2)

    def ease(self, score: Numbers) -> Numbers:
        """Return how freely scores move: the sd of a guess that is right with this probability.

        Models that all score nothing agree to a point; half way up they do not.
        """
        low = float(np.min(self.floor))
        share = np.clip((score - low) / (self.ceiling - low), NEAREST, 1 - NEAREST)
        return np.asarray(np.sqrt(share * (1 - share)))


@dataclass(frozen=True, eq=False)
class Observed(Displayed):
    """A task as models on other benchmarks show it.

    `models` are those it was fitted to, `law` the fit, `draws` its refits to resampled families,
    `residuals` (n,) what the fit leaves over as a share of `Sigmoid.ease`, widened for the numbers
    spent.
    """

    task: str
    capabilities: Capabilities
    n_components: int
    models: Models
    law: ScoreSigmoid
    draws: ScoreSigmoid | None
    residuals: Numbers
    level: float
    seed: int

    def predict(self, models: Models) -> Numbers:
        """Return scores (n,) of models from their scores on the other benchmarks."""
        return self.law(self.capabilities.of(models, self.n_components))

    def index(self, models: Models) -> Numbers:
        """Return the log odds (n,) that the law gives models."""
        return self.law.index(self.capabilities.of(models, self.n_components))

    def interval(self, x: Numbers) -> tuple[Numbers, Numbers]:
        """Return the ends (n,) of the interval of a new model with capabilities x (n, kept).

        Raises UsageError if the fit has no draws.
        """
        if self.draws is None:
            raise UsageError("there are no draws behind this fit; ask for some")
        return self.ends(self.draws(x))

    def ends(self, drawn_sn: Numbers) -> tuple[Numbers, Numbers]:
        """Return the ends (n,) of the interval of draws (s, n), with the noise of models."""
        rng = np.random.default_rng(self.seed)
        noise_sn = rng.choice(self.residuals, drawn_sn.shape) * self.law.ease(drawn_sn)
        noisy = np.clip(drawn_sn + noise_sn, 0, 1)
        tail = (1 - self.level) / 2
        low, high = np.quantile(noisy, [tail, 1 - tail], axis=0)
        return low, high


def observe(
    models: Models,
    task: str,
    inputs: Sequence[str],
    *,
    n_components: int = 3,
    floor: float | None = None,
    ceiling: float = 1.0,
    draws: int = 1000,
    level: float = 0.9,
    seed: int = 0,
) -> Observed:
    """Return the sigmoid from the first `n_components` capabilities to the score on `task`.

    Capabilities are those of all the models given; the sigmoid is fitted to those with a score,
    by least squares. `floor` is the score of a guess, fitted if it is not given. Draws resample
    whole families, whose models share their luck.

    Raises CannotFit for too few models, UsageError for numbers that make no sense.
    Source: Ruan et al. 2024, arXiv:2405.10938, eq. 3 and 7.
    """
    if not 1 <= n_components <= len(inputs):
        raise UsageError(f"{n_components} components are asked of {len(inputs)} benchmarks")
    if not (floor is None or 0 <= floor < ceiling) or not 0 < ceiling <= 1:
        raise UsageError(f"a floor of {floor} and a ceiling of {ceiling:g} make no sigmoid")
    refuse_draws(draws, level)
    components = capabilities(models, inputs)
    y = models.of([task])[:, 0]
    mask = np.isfinite(y)
    if mask.any() and (best := y[mask].max()) > ceiling:
        raise UsageError(f"the ceiling is {ceiling:g} and scores on {task} reach {best:.3g}")
    whole = models.select(mask)
    numbers = n_components + 1 + (floor is None)
    if mask.sum() < numbers + SPARE:
        raise CannotFit(
            f"{mask.sum()} models have a score on {task}; {numbers + SPARE} are needed for "
            f"{n_components} components: add models, or keep fewer"
        )
    x = components.of(whole, n_components)
    problem = _SigmoidProblem(x, y[mask], floor, ceiling)
    law, ensemble = problem.fitted(whole.families, draws, seed)
    residuals = (y[mask] - law(x)) / law.ease(law(x))
    residuals = residuals * np.sqrt(residuals.size / (residuals.size - numbers))
    return Observed(
        task=task,
        capabilities=components,
        n_components=n_components,
        models=whole,
        law=law,
        draws=ensemble,
        residuals=residuals,
        level=level,
        seed=seed,
    )


@dataclass(frozen=True, eq=False)
class ObservationalBacktest(Displayed):
    """What an observational law fitted up to `cutoff` [FLOP] said of the models beyond it.

    `predicted`, `low`, `high` and `truth` (k,); `by_compute` (k,) is what a sigmoid of log compute
    alone says of the same models.
    """

    fit: Observed
    cutoff: float
    models: Models
    predicted: Numbers
    low: Numbers | None
    high: Numbers | None
    truth: Numbers
    by_compute: Numbers

    @property
    def rms(self) -> float:
        """The root mean squared error [1]."""
        return float(np.sqrt(((self.predicted - self.truth) ** 2).mean()))

    @property
    def rms_by_compute(self) -> float:
        """The same of compute alone [1]."""
        return float(np.sqrt(((self.by_compute - self.truth) ** 2).mean()))

    @property
    def inside(self) -> float | None:
        """The share of truths inside their intervals; None without draws."""
        if self.low is None or self.high is None:
            return None
        return float(((self.low <= self.truth) & (self.truth <= self.high)).mean())


def held_out(
    models: Models, task: str, inputs: Sequence[str], cutoff: float, **options: Any
) -> ObservationalBacktest:
    """Return an observational law fitted to models up to a compute, held against those beyond.

    Components, imputation and sigmoid see the models up to `cutoff` [FLOP] alone; those beyond
    are predicted from their own scores on `inputs`. A model of unknown compute is on neither side.

    Raises CannotFit if either side is too small.
    """
    mask = np.isfinite(models.C) & np.isfinite(models.of([task])[:, 0])
    beyond = mask & (cutoff < models.C)
    if not beyond.any():
        raise CannotFit(
            f"no model with a score on {task} lies beyond the cutoff of {show(cutoff)} FLOP; the "
            f"largest has {show(float(models.C[mask].max()))}"
            if mask.any()
            else f"no model has both a compute and a score on {task}"
        )
    train = models.select(np.isfinite(models.C) & (cutoff >= models.C))
    fit = observe(train, task, inputs, **options)
    larger = models.select(beyond)
    x = fit.capabilities.of(larger, fit.n_components)
    low, high = (None, None) if fit.draws is None else fit.interval(x)
    return ObservationalBacktest(
        fit=fit,
        cutoff=cutoff,
        models=larger,
        predicted=fit.law(x),
        low=low,
        high=high,
        truth=larger.of([task])[:, 0],
        by_compute=_by_compute(fit, larger, options),
    )


def _by_compute(fit: Observed, larger: Models, options: Any) -> Numbers:
    """Return what a sigmoid of log compute, fitted to the same models, says of larger ones."""
    train = fit.models
    centre = np.log10(train.C).mean()
    problem = _SigmoidProblem(
        (np.log10(train.C) - centre)[:, None],
        train.of([fit.task])[:, 0],
        options.get("floor"),
        fit.law.ceiling,
    )
    law, _ = problem.fitted(train.families, 0, fit.seed)
    return law((np.log10(larger.C) - centre)[:, None])


@dataclass(frozen=True, eq=False)
class _SigmoidProblem:
    """Least squares of a sigmoid at inputs x (n, k) against y (n,), for the batched solver.

    Coordinates of a row: a weight per input over its spread, the shift, and the logit of the
    floor over the ceiling unless it is pinned.
    """

    x: Numbers
    y: Numbers
    floor: float | None
    ceiling: float

    @property
    def scaled(self) -> Numbers:
        """The inputs with a column of ones, (n, k + 1)."""
        return np.column_stack([self.x / self.x.std(0), np.ones(len(self.x))])

    def __call__(self, z_sp: Numbers) -> tuple[Numbers, Numbers]:
        """Return r_sn and J_spn."""
        design = self.scaled
        k = design.shape[1]
        rise_sn = (1 + np.tanh(z_sp[:, :k] @ design.T / 2)) / 2
        floor_s, slope_s = self._floor(z_sp)
        height = (self.ceiling - floor_s)[:, None]
        J_spn = (height * rise_sn * (1 - rise_sn))[:, None, :] * design.T
        if self.floor is None:
            J_spn = np.concatenate([J_spn, (slope_s[:, None] * (1 - rise_sn))[:, None, :]], axis=1)
        return floor_s[:, None] + height * rise_sn - self.y, J_spn

    def _floor(self, z_sp: Numbers) -> tuple[Numbers, Numbers]:
        if self.floor is not None:
            return np.full(len(z_sp), self.floor), np.zeros(len(z_sp))
        share = 1 / (1 + np.exp(-np.clip(z_sp[:, -1], -30, 30)))
        return self.ceiling * share, self.ceiling * share * (1 - share)

    def fitted(
        self, families: npt.NDArray[np.str_], draws: int, seed: int
    ) -> tuple[ScoreSigmoid, ScoreSigmoid | None]:
        """Return the best fit of many starts, and refits to resampled families."""
        rng, n = np.random.default_rng(seed), len(self.y)
        p = self.x.shape[1] + 1 + (self.floor is None)
        start_sp = rng.normal(0, 1.5, (STARTS, p))
        start_sp[:, 0] = np.abs(start_sp[:, 0])  # the first capability rises with scores
        if self.floor is None:
            start_sp[:, -1] -= 2
        ends = solve(self, start_sp, np.ones((1, n)), Squared())
        best_p = ends.z_sp[int(np.argmin(ends.value_s))]
        law = self._law(best_p[None])
        one = ScoreSigmoid(law.weights[0], law.shift[0], law.floor[0], self.ceiling)
        if not draws:
            return one, None
        weights_sn = clustered(rng, families, draws)
        refits = solve(
            self,
            np.repeat(best_p[None], draws, 0),
            weights_sn,
            Squared(),
            damping=Damping(near=True),
        )
        return one, self._law(refits.z_sp)

    def _law(self, z_sp: Numbers) -> ScoreSigmoid:
        k = self.x.shape[1]
        weights = z_sp[:, :k] / self.x.std(0)
        return ScoreSigmoid(weights, z_sp[:, k], self._floor(z_sp)[0], self.ceiling)
