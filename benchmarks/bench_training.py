"""Training beside a plain loop: tokens a second of the same model, batch and context, in one run.

The peer is what a competent reader of nanoGPT writes, in eager float32: RMSNorm, SwiGLU, rotary
positions, a tied head, the whole batch at once, `F.cross_entropy`, clipping, AdamW by one fused
call. It averages no weights, which ours does. Both take one step in turns, so that a busy machine
slows both; a ratio is of medians of process time. Run it as a trial runs: one thread, and the
variables of `isoflop.experiments.engines.ENVIRONMENT`, which this file sets for its own process.
Other processors: ATEN_CPU_CAPABILITY=avx2 MKL_ENABLE_INSTRUCTIONS=AVX2 ONEDNN_MAX_CPU_ISA=AVX2,
or ATEN_CPU_CAPABILITY=default.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from statistics import median

import numpy as np
import pytest

from isoflop.experiments.engines import ENVIRONMENT

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402
from torch import nn  # noqa: E402

from isoflop.experiments.pretrain.corpus import Corpus  # noqa: E402
from isoflop.experiments.pretrain.recipe import TrainingRecipe  # noqa: E402
from isoflop.experiments.pretrain.shape import Shape  # noqa: E402
from isoflop.experiments.pretrain.train import ModelTrainer  # noqa: E402

SHAPES = {"32x2": (32, 2), "64x4": (64, 4), "128x4": (128, 4), "256x6": (256, 6), "512x4": (512, 4)}
BATCH = 1_024  # [tokens], that of the demo
SECONDS = 8.0  # both sides of a shape together
FEWEST = 5  # steps of each side
FLOOR = 0.9  # a busy machine's ratios scatter by a tenth; on a quiet one all are above 1


class Attention(nn.Module):
    def __init__(self, width: int, head: int) -> None:
        super().__init__()
        self.head = head
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)

    def forward(self, x, cosine, sine):
        b, t, w = x.shape
        q, k, v = (
            y.view(b, t, w // self.head, self.head).transpose(1, 2) for y in self.qkv(x).split(w, 2)
        )
        q, k = (y * cosine + self.half_turned(y) * sine for y in (q, k))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out(y.transpose(1, 2).reshape(b, t, w))

    @staticmethod
    def half_turned(x):
        left, right = x.chunk(2, -1)
        return torch.cat((-right, left), -1)


class SwiGLU(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, hidden, bias=False)
        self.up = nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


class PlainGPT(nn.Module):
    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        nn.init.normal_(self.embedding.weight, std=0.02)
        self.parts = nn.ModuleList(
            nn.ModuleList(
                (
                    nn.RMSNorm(shape.width),
                    Attention(shape.width, shape.head),
                    nn.RMSNorm(shape.width),
                    SwiGLU(shape.width, shape.hidden),
                )
            )
            for _ in range(shape.layers)
        )
        self.norm = nn.RMSNorm(shape.width)
        speed = 10_000.0 ** (-torch.arange(0, shape.head, 2) / shape.head)
        angle = (torch.arange(shape.context)[:, None] * speed).repeat(1, 2)
        self.register_buffer("cosine", angle.cos())
        self.register_buffer("sine", angle.sin())

    def forward(self, tokens, targets):
        x = self.embedding(tokens)
        for first, attention, second, swiglu in self.parts:
            x = x + attention(first(x), self.cosine, self.sine)
            x = x + swiglu(second(x))
        logits = F.linear(self.norm(x), self.embedding.weight)
        return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


class PlainLoop:
    def __init__(self, shape: Shape, corpus: Corpus) -> None:
        torch.manual_seed(0)
        self.model = PlainGPT(shape)
        self.optimiser = torch.optim.AdamW(
            self.model.parameters(), lr=1e-3, betas=(0.9, 0.95), weight_decay=0.0, fused=True
        )
        self.shard, self.context = corpus.train, shape.context
        self.draw = np.random.default_rng(0)

    def step(self) -> None:
        starts = self.draw.integers(0, len(self.shard) - self.context - 1, BATCH // self.context)
        rows = [self.shard[i : i + self.context + 1].astype(np.int64) for i in starts]
        window = torch.from_numpy(np.stack(rows))
        self.optimiser.zero_grad(set_to_none=True)
        self.model(window[:, :-1], window[:, 1:]).backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()


def measure(width: int, layers: int) -> dict[str, object]:
    """Return tokens a second of both sides [tokens / CPU s], and the format of ours."""
    text = np.random.default_rng(0).integers(0, 256, 4_000_000).astype(np.uint8)
    corpus = Corpus("noise", 256, text, text[:10_000], 1.0, "noise")
    shape = Shape(width, layers)
    learner = ModelTrainer(shape, TrainingRecipe(batch=BATCH, largest=BATCH), corpus, 0, "cpu")
    sides = {"own": learner, "plain": PlainLoop(shape, corpus)}
    assert sum(p.numel() for p in sides["plain"].model.parameters()) == shape.parameters()
    took: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side.step()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end or len(took["own"]) < FEWEST:
        for name, side in sides.items():
            began = time.process_time()
            side.step()
            took[name].append(time.process_time() - began)
    speeds = {name: BATCH / median(times) for name, times in took.items()}
    return {**speeds, "steps": len(took["own"]), "precision": learner.precision}


def test_training_is_no_slower_than_a_plain_loop():
    print(f"\n\nTraining, batch of {BATCH:,} tokens, {torch.backends.cpu.get_cpu_capability()}")
    print(f"{'shape':<8}{'own':>10}{'plain':>10}{'ratio':>8}  steps, format")
    ratios = {}
    for name, (width, layers) in SHAPES.items():
        command = [sys.executable, __file__, str(width), str(layers)]
        answer = subprocess.run(
            command, env={**os.environ, **ENVIRONMENT}, check=True, capture_output=True, text=True
        )
        seen = json.loads(answer.stdout)
        ratios[name] = seen["own"] / seen["plain"]
        print(
            f"{name:<8}{seen['own']:>10,.0f}{seen['plain']:>10,.0f}{ratios[name]:>8.2f}"
            f"  {seen['steps']}, {seen['precision']}"
        )
    assert min(ratios.values()) > FLOOR, ratios


if __name__ == "__main__":
    torch.set_num_threads(1)
    print(json.dumps(measure(*map(int, sys.argv[1:]))))
