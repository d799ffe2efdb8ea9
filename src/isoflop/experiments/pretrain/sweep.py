"""Sweeps of small models: sizes times budgets, one trial for each size and seed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

from isoflop.errors import UsageError
from isoflop.experiments.experiment import Experiment, Trial, TrialFolder
from isoflop.experiments.pretrain.recipe import TrainingRecipe
from isoflop.experiments.pretrain.shape import Shape
from isoflop.store import JSON


class PointSize(NamedTuple):
    """What a run will have seen when its loss is measured: known before it is trained."""

    N: int
    D: int
    C: int


@dataclass(frozen=True)
class Pretrain(Experiment):
    """IsoFLOP grids: every shape, measured at every budget [FLOP], for every seed.

    A budget that a shape reaches in fewer than `least_steps` steps is left out: so short a run
    says how fast the optimiser is, not how good the model. `text` is a file or a folder, or
    None for Python's standard library; `evaluation` is how many held-out tokens are scored.
    """

    key: ClassVar[str] = "pretrain"
    version: ClassVar[int] = 3  # the text at hand is the library of Python alone
    fills: ClassVar[tuple[str, ...]] = ("N", "D", "C", "L", "steps")
    conventions: ClassVar[Mapping[str, str]] = MappingProxyType(
        {"N": "total", "C": "detailed", "L": "nats/byte"}
    )

    shapes: tuple[Shape, ...]
    budgets: tuple[float, ...]
    seeds: tuple[int, ...] = (0,)
    recipe: TrainingRecipe = field(default_factory=TrainingRecipe)
    text: str | None = None
    evaluation: int = 32_768
    least_steps: int = 150

    def __post_init__(self) -> None:
        """Refuse a sweep without a run, or with a size that no budget is enough for."""
        if not (self.shapes and self.budgets and self.seeds):
            raise UsageError("a sweep needs at least one shape, one budget and one seed")
        if min(self.budgets) <= 0:
            raise UsageError(f"a budget is {min(self.budgets):g} FLOP; it must be above zero")
        for shape in self.shapes:
            self.points(shape)

    def points(self, shape: Shape) -> tuple[int, ...]:
        """Return the token counts at which `shape` is measured, rising.

        Each is a whole number of steps, the first to reach its budget.
        Raises UsageError if the budgets are too small for the shape.
        """
        each = shape.flop_per_token("detailed")
        reached = [self.recipe.reach(b / each, shape.context) for b in sorted(self.budgets)]
        points = tuple(sorted({tokens for tokens, steps in reached if steps >= self.least_steps}))
        if not points:
            raise UsageError(
                f"{max(self.budgets):g} FLOP gives {shape} {reached[-1][1]} steps, fewer than "
                f"{self.least_steps}; give larger budgets or smaller shapes"
            )
        return points

    def sizes(self, shape: Shape) -> tuple[PointSize, ...]:
        """Return N [params], D [tokens] and C [FLOP] of every loss that `shape` will give."""
        count, each = shape.parameters("total"), shape.flop_per_token("detailed")
        return tuple(PointSize(count, tokens, each * tokens) for tokens in self.points(shape))

    def trials(self) -> tuple[Trial, ...]:
        """Return one trial for each shape and seed, which gives a loss at every budget."""
        return tuple(self._trial(shape, seed) for seed in self.seeds for shape in self.shapes)

    def _trial(self, shape: Shape, seed: int) -> Trial:
        return pretrain_trial(self, shape, seed, self.points(shape))

    @staticmethod
    def run(trial: Trial, folder: TrialFolder, device: str) -> Mapping[str, JSON]:
        """Train one shape and return its losses [nats/byte], one observation for each budget."""
        import torch

        from isoflop.experiments.pretrain import corpus
        from isoflop.experiments.pretrain.train import TrainerOptions, train

        config: Mapping[str, Any] = trial.config
        shape, recipe = Shape(**config["shape"]), TrainingRecipe(**config["recipe"])
        text = corpus.load(config["text"], vocabulary=shape.vocabulary)
        outcome = train(
            shape,
            recipe,
            tuple(config["points"]),
            text,
            folder,
            TrainerOptions(seed=trial.seed, device=device, evaluation=config["evaluation"]),
        )
        provenance: dict[str, JSON] = {
            "seconds": outcome.seconds,
            "cpu_seconds": outcome.cpu_seconds,
            "data": text.digest,
            "text": text.origin,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "precision": outcome.precision,
            "non_embedding": shape.parameters("non-embedding"),
        }
        observations = [
            _observation(shape, trial.seed, p.tokens, p.loss / text.bytes_per_token, p.steps)
            for p in outcome.points
        ]
        return {"observations": observations, "provenance": provenance}


def pretrain_trial(sweep: Pretrain, shape: Shape, seed: int, points: tuple[int, ...]) -> Trial:
    """Return the trial of one shape, which gives a loss at each of `points` [tokens]."""
    config: dict[str, JSON] = {
        "shape": asdict(shape),
        "recipe": asdict(sweep.recipe),
        "points": list(points),
        "text": sweep.text,
        "evaluation": sweep.evaluation,
    }
    flop = float(shape.flop_per_token() * sweep.recipe.tokens(points))
    label = f"{shape.width}x{shape.layers} seed {seed}"
    return sweep.trial(config, seed=seed, flop=flop, label=label)


def _observation(shape: Shape, seed: int, tokens: int, loss: float, steps: int) -> dict[str, JSON]:
    name = f"{shape.width}x{shape.layers}"
    return {
        "run": f"{name}-{seed}",
        "family": name,
        "seed": seed,
        "N": shape.parameters("total"),
        "D": tokens,
        "C": shape.flop_per_token("detailed") * tokens,
        "L": loss,
        "steps": steps,
    }


def budgets(lowest: float, highest: float, per_decade: int = 8) -> tuple[float, ...]:
    """Return budgets [FLOP] from `lowest` to `highest`, evenly spaced in their logarithm."""
    count = max(1, round(math.log10(highest / lowest) * per_decade))
    return tuple(lowest * (highest / lowest) ** (i / count) for i in range(count + 1))


@dataclass(frozen=True)
class PretrainPreset:
    """A sweep, and the run that is forecast from it before it is trained."""

    sweep: Pretrain
    held_out: Pretrain


def tiny(seed: int = 0) -> PretrainPreset:
    """Return a sweep of seconds, to see that everything works; its forecast is rough."""
    recipe = TrainingRecipe(batch=512, warmup=8_192)
    sizes = tuple(Shape(width, 1, context=64, head=width) for width in (8, 12, 16, 24))
    sweep = Pretrain(sizes, budgets(1e9, 8e9), (seed,), recipe, evaluation=8_192, least_steps=40)
    return _with_held_out(sweep, Shape(32, 1, context=64, head=32))


def demo(seed: int = 0) -> PretrainPreset:
    """Return the sweep of the main job: two cores train it and its held-out run in minutes.

    One batch and one warm-up for all, large enough that seeds agree within half a per cent.
    """
    recipe = TrainingRecipe(lr=6e-3, batch=1_024, largest=1_024, warmup=61_440)
    widths_and_depths = (
        (16, 2),
        (16, 3),
        (32, 1),
        (32, 2),
        (32, 3),
        (48, 2),
        (48, 3),
        (64, 2),
    )
    sizes = tuple(Shape(width, depth) for width, depth in widths_and_depths)
    sweep = Pretrain(
        sizes, budgets(3e10, 3e11), (seed,), recipe, evaluation=65_536, least_steps=120
    )
    return _with_held_out(sweep, Shape(64, 3))


def _with_held_out(sweep: Pretrain, shape: Shape) -> PretrainPreset:
    """Return the preset that holds out `shape` at ten times the largest budget of `sweep`."""
    largest = max(size.C for each in sweep.shapes for size in sweep.sizes(each))
    return PretrainPreset(sweep, replace(sweep, shapes=(shape,), budgets=(10.0 * largest,)))


PRESETS: Mapping[str, Callable[[int], PretrainPreset]] = MappingProxyType(
    {"tiny": tiny, "demo": demo}
)
