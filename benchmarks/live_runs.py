"""Make the training logs of small GPTs, healthy and spoilt, that `bench_watch.py` is about.

`python benchmarks/live_runs.py FOLDER` trains them with isoflop's own trainer (minutes on two
cores), one JSON-lines log each: step, lr, loss (of the training batch) and eval_loss (held out).
What is there already is not made again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from isoflop.experiments.pretrain import corpus as text
from isoflop.experiments.pretrain.recipe import TrainingRecipe
from isoflop.experiments.pretrain.shape import Shape
from isoflop.experiments.pretrain.train import ModelTrainer
from isoflop.schedules import recipe as schedule_of

PEAK, BATCH, WARMUP, EVALUATIONS = 6e-3, 1_024, 60, 50
BEGINS = 0.4  # share of a run after which its data or its rate are spoilt
FAULTS = (
    "rate x4", "rate x16", "rate /8", "diverges", "not a number", "spike", "shuffled",
    "corrupt 20%", "corrupt 5%", "repeats",
)  # fmt: skip
FROM_THE_START = ("rate x4", "rate x16", "rate /8")


@dataclass(frozen=True)
class LiveRun:
    """One run: its width, its length [steps], its schedule, its seed, and what spoils it."""

    width: int
    steps: int
    schedule: str
    seed: int = 0
    fault: str = ""

    @property
    def name(self) -> str:
        parts = (f"w{self.width}", f"{self.steps}", self.schedule, f"s{self.seed}")
        return "-".join(
            (*parts, self.fault.replace(" ", "_").replace("/", "over")) if self.fault else parts
        )

    @property
    def rates(self) -> np.ndarray:
        """The rate of every step (steps + 1,) as planned."""
        budget = f"peak={PEAK},steps={self.steps},warmup={WARMUP}"
        specs = {
            "constant": f"constant:{budget}",
            "cosine": f"cosine:{budget},end={PEAK / 10}",
            "wsd": f"wsd:{budget},end={PEAK / 10},decay={self.steps // 5},shape=linear",
        }
        return schedule_of(specs[self.schedule]).schedule().rates


def healthy() -> Iterator[LiveRun]:
    """Yield a ladder of widths under three schedules and two lengths, and more seeds of one."""
    for width in (24, 32, 48, 64):
        for steps in (400, 1_000):
            for schedule in ("constant", "cosine", "wsd"):
                yield LiveRun(width, steps, schedule)
    for seed in (1, 2, 3, 4):
        for schedule in ("cosine", "wsd"):
            yield LiveRun(32, 400, schedule, seed)


def spoilt() -> Iterator[LiveRun]:
    """Yield one run for every fault and two schedules."""
    for fault in FAULTS:
        for schedule in ("cosine", "wsd"):
            yield LiveRun(32, 400, schedule, 9, fault)


def factor(run: LiveRun, step: int) -> float:
    """Return by how much a fault has changed the rate of a step."""
    begins = int(BEGINS * run.steps)
    constant = {"rate x4": 4.0, "rate x16": 16.0, "rate /8": 1 / 8}
    if run.fault in constant:
        return constant[run.fault]
    if run.fault == "spike" and begins <= step < begins + 3:
        return 30.0
    return 300.0 if run.fault == "diverges" and step >= begins else 1.0


def spoil(run: LiveRun, learner: ModelTrainer, rng: np.random.Generator) -> None:
    """Change the data that a run reads from now on."""
    clean = learner.corpus.train
    shares = {"shuffled": 1.0, "corrupt 20%": 0.2, "corrupt 5%": 0.05}
    if run.fault in shares:
        noise = rng.permutation(np.asarray(clean))
        mask = rng.random(len(clean)) < shares[run.fault]
        learner.corpus = replace(learner.corpus, train=np.where(mask, noise, clean))
    if run.fault == "repeats":
        at = learner.tokens // learner.shape.context
        few = learner.order[at : at + 8 * BATCH // learner.shape.context]
        learner.order = np.concatenate([learner.order[:at], np.resize(few, len(learner.order))])


def train(run: LiveRun, corpus: text.Corpus, path: Path) -> None:
    """Train a run, and write its log."""
    shape = Shape(run.width, 2, context=64, head=run.width)
    settings = TrainingRecipe(lr=PEAK, batch=BATCH, largest=BATCH, warmup=BATCH)
    learner = ModelTrainer(shape, settings, corpus, run.seed, "cpu")
    held_out = text.held_out_windows(corpus, shape.context, 16_384)
    losses: list[float] = []
    plain = learner.model.loss

    def recorded(window: object) -> object:
        value = plain(window)
        losses.append(float(value.detach()))
        return value

    rng, rates, rough = np.random.default_rng(run.seed), run.rates, path.with_suffix(".part")
    with rough.open("w") as file:
        for step in range(1, run.steps + 1):
            if step == int(BEGINS * run.steps):
                spoil(run, learner, rng)
            rate = rates[step] * factor(run, step)
            learner.model.loss = recorded
            learner.step(rate / settings.rate(learner.tokens))
            learner.model.loss = plain
            record = {"step": step, "lr": rate, "loss": float(np.mean(losses))}
            losses.clear()
            if run.fault == "not a number" and step >= int(BEGINS * run.steps):
                record["loss"] = float("nan")
            if step % (run.steps // EVALUATIONS) == 0:
                record["eval_loss"] = learner.score(held_out, averaged=False)
                if run.fault == "not a number" and step >= int(BEGINS * run.steps):
                    record["eval_loss"] = float("nan")
            file.write(json.dumps(record) + "\n")
    rough.rename(path)


def main(folder: Path) -> None:
    """Train what is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    corpus = text.load(None)
    for run in (*healthy(), *spoilt()):
        path = folder / f"{run.name}.jsonl"
        if not path.exists():
            train(run, corpus, path)
            print(run.name, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
