"""A small GPT: pre-norm blocks of causal attention and SwiGLU, rotary positions, tied head."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isoflop.experiments.pretrain.passes import (
    CrossEntropy,
    Normalisation,
    Projection,
    Remainder,
    turns,
)
from isoflop.experiments.pretrain.shape import Shape

# Tensor suffixes: b sequences, t tokens, w width, h heads, c channels of a head, v vocabulary,
# p pairs of channels that rotate.

BASE_WIDTH = 64  # the width at which the learning rate is given

Attend: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]  # q, k, v to y, each (b, h, t, c)


def causal(q_bhtc: Tensor, k_bhtc: Tensor, v_bhtc: Tensor) -> Tensor:
    """Return attention of each token to itself and those before it, (b, h, t, c)."""
    return F.scaled_dot_product_attention(q_bhtc, k_bhtc, v_bhtc, is_causal=True)


class RMSNorm(nn.Module):
    """Divide by the root mean square of the channels, then scale each by a learned gain."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x_btw: Tensor) -> Tensor:
        """Return the normalised x (b, t, w)."""
        return Normalisation.apply(x_btw, self.gain)  # type: ignore[no-any-return, no-untyped-call]


class Block(nn.Module):
    """Attention, then SwiGLU, each added to the stream that it reads."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.head = shape.head
        self.norm_attention = RMSNorm(shape.width)
        self.qkv = nn.Linear(shape.width, 3 * shape.width, bias=False)
        self.mix = nn.Linear(shape.width, shape.width, bias=False)
        self.norm_mlp = RMSNorm(shape.width)
        self.up = nn.Linear(shape.width, 2 * shape.hidden, bias=False)
        self.down = nn.Linear(shape.hidden, shape.width, bias=False)

    def forward(self, x_btw: Tensor, turn_tp: Tensor, attend: Attend = causal) -> Tensor:
        """Return the stream (b, t, w) after this block; `turn_tp` is of its positions."""
        q_bhtc, k_bhtc, v_bhtc = Projection.apply(  # type: ignore[no-untyped-call]
            x_btw, self.norm_attention.gain, self.qkv.weight, turn_tp, self.head
        )
        y_btw = attend(q_bhtc, k_bhtc, v_bhtc).transpose(1, 2).flatten(2)
        return Remainder.apply(  # type: ignore[no-any-return, no-untyped-call]
            x_btw, y_btw, self.mix.weight, self.norm_mlp.gain, self.up.weight, self.down.weight
        )


class GPT(nn.Module):
    """The model of a `Shape`, its weights drawn from `seed`.

    Rows of every matrix start at unit gain, those that write to the stream shrunk by the square
    root of twice the depth, so that the stream's size does not depend on the shape.
    """

    def __init__(self, shape: Shape, seed: int = 0) -> None:
        super().__init__()
        self.shape = shape
        self.embedding = nn.Embedding(shape.vocabulary, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = RMSNorm(shape.width)
        self.turn: Tensor
        turn = turns(shape.width, shape.head, shape.context)
        self.register_buffer("turn", turn, persistent=False)
        self._draw(torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def _draw(self, generator: torch.Generator) -> None:
        depth = math.sqrt(2 * self.shape.layers)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                shrink = depth if name.endswith(("mix.weight", "down.weight")) else 1.0
                std = 1 / math.sqrt(weight.shape[1]) / shrink
                weight.copy_(torch.randn(weight.shape, generator=generator) * std)

    def forward(self, tokens_bt: Tensor) -> Tensor:
        """Return the logits (b, t, v) of the token that follows each of `tokens_bt` (b, t)."""
        return self.logits(self.stream(self.embed(tokens_bt)))

    def embed(self, tokens_bt: Tensor) -> Tensor:
        """Return the stream (b, t, w) before the first block.

        The rows are normalised before they are looked up: a vocabulary of bytes has fewer of them
        than a batch has tokens, and a larger one is dear in the head, not here.
        """
        return F.embedding(tokens_bt, F.rms_norm(self.embedding.weight, (self.shape.width,)))

    def stream(self, x_btw: Tensor, first: int = 0, attends: Sequence[Attend] = ()) -> Tensor:
        """Return the stream (b, t, w) after the last block.

        The tokens stand at positions `first` and on; `attends` says how each block attends
        where that is not to these tokens alone.
        """
        turn_tp = self.turn[first : first + x_btw.shape[1]]
        for block, attend in zip(self.blocks, attends or [causal] * len(self.blocks), strict=True):
            x_btw = block(x_btw, turn_tp, attend)
        return x_btw

    def logits(self, x_btw: Tensor) -> Tensor:
        """Return the logits (b, t, v) that follow from the stream after the last block."""
        return F.linear(self.norm(x_btw), self.embedding.weight)

    def loss(self, window_bt: Tensor) -> Tensor:
        """Return the mean cross-entropy [nats/token] of `window_bt` (b, t + 1)."""
        logits_btv = self(window_bt[:, :-1])
        return CrossEntropy.apply(  # type: ignore[no-any-return, no-untyped-call]
            logits_btv.flatten(0, 1).float(), window_bt[:, 1:].flatten()
        )

    def rates(self) -> list[dict[str, object]]:
        """Return the parameters in groups, each with its `scale` of the learning rate.

        Matrices of the blocks learn at 1 / width, as maximal-update scaling has it for Adam, so
        that one rate serves every width; the embedding and the gains learn at the rate itself.
        """
        matrices = [p for b in self.blocks for p in b.parameters() if p.ndim == 2]
        inside = {id(p) for p in matrices}
        others = [p for p in self.parameters() if id(p) not in inside]
        return [
            {"params": matrices, "scale": BASE_WIDTH / self.shape.width},
            {"params": others, "scale": 1.0},
        ]
