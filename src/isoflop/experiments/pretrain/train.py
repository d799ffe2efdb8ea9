"""Train one model and measure its held-out loss at several token counts; resumable to the bit."""

from __future__ import annotations

import copy
import math
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from isoflop.errors import UsageError
from isoflop.experiments.folder import CURVE, TrialFolder
from isoflop.experiments.pretrain import corpus as text
from isoflop.experiments.pretrain.corpus import Corpus
from isoflop.experiments.pretrain.gpt import GPT
from isoflop.experiments.pretrain.precision import Precision, precision, products
from isoflop.experiments.pretrain.recipe import TrainingRecipe
from isoflop.experiments.pretrain.shape import Shape
from isoflop.experiments.state import load_state

MICRO = 1_024  # [tokens] taken at once on a CPU, however wide the model
ACTIVATIONS = 1 << 21  # [tokens * width * layers] taken at once if that is more: about 170 MB
CURVE_POINTS = 200  # losses of training that a whole run writes
EVALUATION = 2_048  # [tokens] scored at once on a CPU


@dataclass(frozen=True, slots=True)
class Point:
    """The held-out loss [nats/token] after `tokens` tokens and `steps` steps."""

    tokens: int
    steps: int
    loss: float


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The losses that a run gave, the time it took over all its attempts [s], its number format."""

    points: tuple[Point, ...]
    seconds: float
    cpu_seconds: float
    precision: Precision


class ModelTrainer:
    """A model in training: weights, optimiser, averaged weights, and the tokens seen."""

    def __init__(
        self, shape: Shape, recipe: TrainingRecipe, corpus: Corpus, seed: int, device: str
    ) -> None:
        self.shape, self.recipe, self.corpus, self.device = shape, recipe, corpus, device
        self.model = GPT(shape, seed).to(device)
        self.average = [p.detach().clone() for p in self.model.parameters()]
        self.optimiser = torch.optim.AdamW(
            self.model.rates(),
            lr=recipe.lr,
            betas=(0.9, 0.95),
            weight_decay=0.0,
            fused=device != "mps",
        )
        self.order = text.windows(corpus, shape.context, seed)
        self.tokens = self.steps = 0
        self.loss = torch.tensor(math.nan)  # of the last step's batch
        self.precision: Precision = precision(shape.width, device)
        self.micro = sequences_at_once(shape, device)

    def step(self, fade: float = 1.0) -> None:
        """Take one step at the recipe's rate times `fade`, and move the average."""
        recipe, before = self.recipe, self.tokens
        count = recipe.sequences(before, self.shape.context)
        first = before // self.shape.context
        starts = self.order[first : first + count]
        window_bt = torch.from_numpy(text.gather(self.corpus.train, starts, self.shape.context))
        window_bt = window_bt.to(self.device)
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.rate(before) * group["scale"] * fade
        self.optimiser.zero_grad(set_to_none=True)
        self.loss = torch.zeros((), device=self.device)
        for part_bt in torch.split(window_bt, self.micro):
            with products(self.precision, self.device):
                loss = self.model.loss(part_bt)
            weighted = loss * (len(part_bt) / count)
            weighted.backward()  # type: ignore[no-untyped-call]
            self.loss += weighted.detach()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.tokens = before + count * self.shape.context
        self.steps += 1
        with torch.no_grad():
            weights = [p.detach() for p in self.model.parameters()]
            torch._foreach_lerp_(self.average, weights, recipe.share(before, self.tokens))

    def score(self, windows: NDArray[np.int64], averaged: bool) -> float:
        """Return the mean loss [nats/token] of `windows` (n, t), by the averaged weights or not."""
        live = [p.detach().clone() for p in self.model.parameters()]
        if averaged:
            self._put(self.average)
        chunk = max(1, EVALUATION // self.shape.context) * (1 if self.device == "cpu" else 64)
        total = 0.0
        with torch.inference_mode(), products(self.precision, self.device):
            for part_bt in torch.split(torch.from_numpy(windows), chunk):
                total += self.model.loss(part_bt.to(self.device)).item() * len(part_bt)
        self._put(live)
        return total / len(windows)

    @torch.no_grad()
    def _put(self, weights: list[Tensor]) -> None:
        for parameter, value in zip(self.model.parameters(), weights, strict=True):
            parameter.copy_(value)

    def state(self) -> dict[str, Any]:
        """Return everything that the next step depends on; it changes as training goes on."""
        return {
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "average": self.average,
            "seen": (self.tokens, self.steps),
            "precision": self.precision,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a copy of `state`."""
        state = copy.deepcopy(state)
        self.model.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.average = state["average"]
        self.tokens, self.steps = state["seen"]
        self.precision = state["precision"]  # of the run, also where another machine goes on


@dataclass
class TrainingState:
    """How far a run has come along its legs, and what it found; resumed from `folder`."""

    learner: ModelTrainer
    folder: TrialFolder
    total: int  # tokens to train on, branches included
    keep_every: float  # [s]
    leg: int = 0
    trained: int = 0  # tokens trained on, branches included
    trunk: dict[str, Any] | None = None  # where to go back to after a branch
    points: list[Point] = field(default_factory=list)
    clocks: tuple[float, float] = field(default_factory=lambda: _clocks())
    kept_at: float = field(default_factory=time.monotonic)
    points_logged: int = 0  # points of the curve that were written

    def resume(self) -> None:
        """Take up the last state that was kept, if there is one."""
        if (path := self.folder.checkpoint) is None:
            return
        state = load_state(path, self.learner.device)
        self.learner.restore(state["learner"])
        self.leg, self.trained, self.trunk = state["leg"], state["trained"], state["trunk"]
        self.points = [Point(**p) for p in state["points"]]
        wall, cpu = _clocks()
        self.clocks = (wall - state["spent"][0], cpu - state["spent"][1])

    def advance(self, fade: float) -> None:
        """Take one step, say how far it is, and keep the state if it is time."""
        learner, before = self.learner, self.learner.tokens
        learner.step(fade)
        self.trained += learner.tokens - before
        if self.trained * CURVE_POINTS // self.total > self.points_logged:
            self.points_logged = self.trained * CURVE_POINTS // self.total
            rate = learner.recipe.rate(before) * fade
            record = {"step": learner.steps, "lr": rate, "loss": float(learner.loss)}
            self.folder.append(record, CURVE)
        self.folder.progress(self.trained / self.total)
        if time.monotonic() - self.kept_at >= self.keep_every:
            self.keep()

    def spent(self) -> tuple[float, float]:
        """Return the time that the run has taken, over all its attempts: wall and CPU [s]."""
        wall, cpu = _clocks()
        return wall - self.clocks[0], cpu - self.clocks[1]

    def keep(self) -> None:
        """Keep the state to resume from, in place of the last."""
        state = {
            "learner": self.learner.state(),
            "leg": self.leg,
            "trained": self.trained,
            "trunk": self.trunk,
            "points": [asdict(p) for p in self.points],
            "spent": self.spent(),
        }
        self.folder.save_checkpoint(lambda file: torch.save(state, file))
        self.kept_at = time.monotonic()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainerOptions:
    """How a model is trained and scored.

    `evaluation` [tokens] of held-out text are scored; the state is kept every `keep_every`
    seconds.
    """

    seed: int = 0
    device: str = "cpu"
    evaluation: int = 65_536
    keep_every: float = 10.0


def train(
    shape: Shape,
    recipe: TrainingRecipe,
    points: tuple[int, ...],
    corpus: Corpus,
    folder: TrialFolder,
    options: TrainerOptions = TrainerOptions(),
) -> TrainingResult:
    """Return the held-out loss at each of `points` [tokens], from one run.

    The state is kept in `folder`; the same seed gives the same bits on the same kind of machine,
    whether or not the run was interrupted.
    Raises UsageError if the corpus would have to be repeated.
    """
    points = tuple(sorted(set(points)))
    _refuse_repeats(shape, recipe, points, corpus)
    held_out = text.held_out_windows(corpus, shape.context, options.evaluation)
    learner = ModelTrainer(shape, recipe, corpus, options.seed, options.device)
    journey = TrainingState(learner, folder, recipe.tokens(points), options.keep_every)
    journey.resume()
    legs = recipe.legs(points)
    while journey.leg < len(legs):
        leg = legs[journey.leg]
        if leg.decays and journey.trunk is None:
            journey.trunk = copy.deepcopy(learner.state())
        start = journey.trunk["seen"][0] if journey.trunk else 0
        while learner.tokens < leg.until:
            fraction = (leg.until - learner.tokens) / (leg.until - start)
            journey.advance(fraction if leg.decays else 1.0)
        if leg.scored:
            loss = learner.score(held_out, averaged=recipe.schedule == "constant-average")
            journey.points.append(Point(learner.tokens, learner.steps, loss))
            folder.append({"step": learner.steps, "D": learner.tokens, "L": loss})
            folder.append({"step": learner.steps, "eval_loss": loss}, CURVE)
        if journey.trunk is not None:
            learner.restore(journey.trunk)
            journey.trunk = None
        journey.leg += 1
    return TrainingResult(tuple(journey.points), *journey.spent(), learner.precision)


def sequences_at_once(shape: Shape, device: str) -> int:
    """Return how many sequences go through a model together; a GPU takes the whole batch.

    On a CPU a small model takes many, since each pass costs the same few milliseconds of dispatch,
    a large one few, since activations of more fall out of its cache.
    """
    if device != "cpu":
        return 1 << 30
    tokens = max(MICRO, ACTIVATIONS // (shape.width * shape.layers))
    return max(1, tokens // shape.context)


def _clocks() -> tuple[float, float]:
    return time.monotonic(), time.process_time()


def _refuse_repeats(
    shape: Shape, recipe: TrainingRecipe, points: tuple[int, ...], corpus: Corpus
) -> None:
    if shape.vocabulary != corpus.vocabulary:
        raise UsageError(
            f"the model has {shape.vocabulary} symbols, the corpus {corpus.vocabulary}"
        )
    if not points or points[0] < 1:
        raise UsageError(f"points are {points}; give at least one token count above zero")
    spare = recipe.sequences(points[-1], shape.context) * shape.context
    if points[-1] + spare > (len(corpus) - 1) // shape.context * shape.context:
        raise UsageError(
            f"{points[-1]:,} tokens were asked for; {corpus.origin} holds {len(corpus):,} without "
            "a repeat: give a larger text, or smaller budgets"
        )
