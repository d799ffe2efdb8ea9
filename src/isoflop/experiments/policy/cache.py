"""Decoding with a cache: prompts go through the model once, then each step costs one token."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from isoflop.errors import UsageError
from isoflop.experiments.policy.model import PolicyModel
from isoflop.experiments.pretrain.gpt import Attend

# Tensor suffixes: b sequences, t tokens, h heads, c channels of a head, v vocabulary.


@dataclass
class Decoding:
    """Sequences under way: what a model needs to take each of them one token further.

    `logits` (b, v) are of the next token. Prompts are padded on the left; rotary positions are
    relative, so padding need only be hidden, not moved. `context` (b, room) marks what is a token.
    """

    model: PolicyModel
    keys: list[Tensor]  # of every layer (b, h, room, c)
    values: list[Tensor]
    context: Tensor
    places: Tensor  # of the last token (b,)
    used: int
    logits: Tensor

    @property
    def room(self) -> int:
        """How many tokens a sequence may have, its padding included."""
        return self.context.shape[1]

    def take(self, rows: Tensor) -> Decoding:
        """Return the decoding of some sequences, in the order of `rows`, repeats allowed."""
        return Decoding(
            model=self.model,
            keys=[k.index_select(0, rows) for k in self.keys],
            values=[v.index_select(0, rows) for v in self.values],
            context=self.context.index_select(0, rows),
            places=self.places.index_select(0, rows),
            used=self.used,
            logits=self.logits.index_select(0, rows),
        )

    @torch.no_grad()
    def advance(self, tokens_b: Tensor) -> None:
        """Put one more token of each sequence through the model."""
        places_b = self.model.next_places(tokens_b, self.places)
        seen_b = torch.ones_like(tokens_b, dtype=torch.bool)
        self._put(tokens_b[:, None], places_b[:, None], seen_b[:, None])

    def _put(self, tokens_bt: Tensor, places_bt: Tensor, seen_bt: Tensor) -> None:
        first, last = self.used, self.used + tokens_bt.shape[1]
        if last > self.room:
            raise UsageError(f"there is room for {self.room} tokens and {last} are wanted")
        self.context[:, first:last] = seen_bt
        hidden = self._hidden(first, last)
        attends = [self._attend(i, first, last, hidden) for i in range(len(self.keys))]
        stream = self.model.stream(self.model.embed(tokens_bt, places_bt), first, attends)
        self.places, self.used = places_bt[:, -1], last
        self.logits = self.model.logits(stream[:, -1:])[:, 0]

    def _hidden(self, first: int, last: int) -> Tensor | None:
        """Return what each new token may attend to (b, 1, t, keys), or None where it is all."""
        mask = self.context[:, :last]
        if last - first == 1:
            return None if bool(mask.all()) else mask[:, None, None]
        position = torch.arange(last, device=mask.device)
        query = position[first:, None]
        # A padded token sees itself alone: a row without a key would be no number.
        return ((position <= query) & mask[:, None] | (position == query))[:, None]

    def _attend(self, layer: int, first: int, last: int, mask: Tensor | None) -> Attend:
        keys, values = self.keys[layer], self.values[layer]

        def attend(q_bhtc: Tensor, k_bhtc: Tensor, v_bhtc: Tensor) -> Tensor:
            keys[:, :, first:last] = k_bhtc
            values[:, :, first:last] = v_bhtc
            return F.scaled_dot_product_attention(
                q_bhtc, keys[:, :, :last], values[:, :, :last], attn_mask=mask
            )

        return attend


@torch.no_grad()
def begin(model: PolicyModel, prompts_bt: Tensor, more: int) -> Decoding:
    """Return the decoding of prompts (b, t), padded on the left, with room for `more` tokens.

    Raises UsageError if the model's context is too short for that, or a prompt is empty.
    """
    b, t = prompts_bt.shape
    shape = model.shape
    if t + more > shape.context:
        raise UsageError(
            f"prompts of {t} tokens and {more} more do not fit a context of {shape.context}"
        )
    seen_bt = prompts_bt != model.layout.pad
    if b and not bool(seen_bt[:, -1].all()):
        raise UsageError("every prompt must end in a token; pad on the left")
    weight = model.embedding.weight
    size = (b, shape.width // shape.head, t + more, shape.head)
    decoding = Decoding(
        model=model,
        keys=[weight.new_zeros(size) for _ in range(shape.layers)],
        values=[weight.new_zeros(size) for _ in range(shape.layers)],
        context=seen_bt.new_zeros(b, t + more),
        places=prompts_bt.new_zeros(b),
        used=0,
        logits=weight.new_zeros(b, shape.vocabulary),
    )
    padding_b1 = (~seen_bt).sum(1, keepdim=True)
    decoding._put(prompts_bt, model.places(prompts_bt, padding_b1), seen_bt)
    return decoding
