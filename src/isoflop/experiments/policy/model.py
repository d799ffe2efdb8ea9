"""The policy: the GPT of the pretraining sweeps, which also knows at what step of what it is."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from isoflop.experiments.policy.task import Layout
from isoflop.experiments.pretrain.gpt import GPT
from isoflop.experiments.pretrain.shape import Shape

# Tensor suffixes: b sequences, t tokens, w width, v vocabulary.

NEVER = -1e9  # a logit; minus infinity would make no number of its share in the entropy


class PolicyModel(GPT):
    """A GPT with an embedding of the place of each token, by the layout of its task.

    Rotary positions alone say how far apart two tokens are. Step j of a response needs step j of
    the prompt, at a distance that is different for every j and every prompt, and a small model
    was not seen to learn that within 500 steps; from places it does in a hundred.
    """

    def __init__(self, shape: Shape, layout: Layout, seed: int = 0) -> None:
        super().__init__(shape, seed)
        self.layout = layout
        count = layout.prompt + layout.attempt
        self.place = nn.Embedding(count, shape.width)
        with torch.no_grad():
            draw = torch.Generator().manual_seed(seed)
            self.place.weight.copy_(torch.randn(count, shape.width, generator=draw))
            self.place.weight.div_(shape.width**0.5)
        self.marks: Tensor
        self.register_buffer("marks", torch.tensor(layout.marks).long(), persistent=False)

    def embed(self, tokens_bt: Tensor, places_bt: Tensor | None = None) -> Tensor:
        """Return the stream (b, t, w) before the first block; places as in a sequence from 0."""
        if places_bt is None:
            places_bt = self.places(tokens_bt)
        x_btw = self.embedding(tokens_bt) + self.place(places_bt)
        return F.rms_norm(x_btw, (self.shape.width,))

    def logits(self, x_btw: Tensor) -> Tensor:
        """Return the logits (b, t, v) of the next token, which is never padding."""
        pad = torch.tensor(self.layout.pad, device=x_btw.device)
        return super().logits(x_btw).float().index_fill(-1, pad, NEVER)

    def places(self, tokens_bt: Tensor, padding_b1: Tensor | int = 0) -> Tensor:
        """Return the place (b, t) of each token, after so much padding on the left."""
        position = torch.arange(tokens_bt.shape[1], device=tokens_bt.device).expand_as(tokens_bt)
        marked = torch.where(torch.isin(tokens_bt, self.marks), position, -1).cummax(1).values
        before = (position - padding_b1).clamp(0, self.layout.prompt - 1)
        after = (position - marked).clamp(max=self.layout.attempt - 1) + self.layout.prompt
        return torch.where(marked < 0, before, after)

    def next_places(self, tokens_b: Tensor, places_b: Tensor) -> Tensor:
        """Return the place (b,) of one more token of each sequence, after one at `places_b`."""
        last = self.layout.prompt - 1 + self.layout.attempt * (places_b >= self.layout.prompt)
        onward = torch.minimum(places_b + 1, last)
        return torch.where(torch.isin(tokens_b, self.marks), self.layout.prompt, onward)
