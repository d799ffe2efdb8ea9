"""Sample responses in batches, each prompt computed once, with budgets forced where asked."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from isoflop.errors import UsageError
from isoflop.experiments.policy.cache import Decoding, begin
from isoflop.experiments.policy.flop import forward_flop
from isoflop.experiments.policy.model import PolicyModel
from isoflop.experiments.policy.task import Control

# Tensor suffixes: b prompts, n sequences (b times the samples of each), t tokens, v vocabulary.

COMPACT = 0.75  # sequences under way are gathered when fewer than this share still are
GREEDY = 1e-9  # temperatures below this take the likeliest token


@dataclass(frozen=True, slots=True)
class ForcedBudget:
    """How a budget is forced on responses.

    The stop is replaced by `again` the first `extensions` times that it comes. After `limit`
    tokens, a number or one for each sequence (n,), `now` is put in, and the response then goes
    on freely. Tokens that were put in are marked, and are none of the policy's.
    """

    extensions: int = 0
    again: tuple[int, ...] = ()
    limit: int | Tensor | None = None
    now: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could not be put in."""
        if (self.extensions and not self.again) or (self.limit is not None and not self.now):
            raise UsageError("forcing a budget needs the tokens that are to be put in")


@dataclass(frozen=True, eq=False, slots=True)
class PolicyResponses:
    """Responses, those of one prompt in neighbouring rows.

    `tokens` and `logp` [nats] (n, t) are padded on the right, with zeros for `logp`, which is by
    the distribution that was sampled from; `forced` (n, t) marks tokens that were put in.
    `lengths` (n,) counts tokens, the stop included; `stopped` (n,) is False where the response
    was cut. `flop` (n,) is of each response, `prompt_flop` (b,) of each prompt, which its samples
    share.
    """

    tokens: Tensor
    logp: Tensor
    forced: Tensor
    lengths: Tensor
    stopped: Tensor
    flop: Tensor
    prompt_flop: Tensor

    @property
    def mask(self) -> Tensor:
        """Which tokens (n, t) the policy chose: neither padding nor put in."""
        position = torch.arange(self.tokens.shape[1], device=self.tokens.device)
        return (position < self.lengths[:, None]) & ~self.forced

    @property
    def total_flop(self) -> float:
        """What all of it cost [FLOP]."""
        return float(self.flop.sum() + self.prompt_flop.sum())


def sample(
    model: PolicyModel,
    prompts_bt: Tensor,
    control: Control,
    *,
    generator: torch.Generator,
    most: int,
    n: int = 1,
    temperature: float = 1.0,
    forcing: ForcedBudget | None = None,
) -> PolicyResponses:
    """Return `n` responses of `most` tokens at most to each prompt (b, t), padded on the left.

    `generator` is of the CPU, whatever the model's device, so that a seed means the same
    everywhere. At temperature zero the likeliest token is taken and `logp` is the model's own.
    """
    decoding = begin(model, prompts_bt, most)
    before_b = (prompts_bt != control.pad).sum(1)
    rows = torch.arange(len(prompts_bt), device=prompts_bt.device).repeat_interleave(n)
    if n != 1:
        decoding = decoding.take(rows)
    writer = _Writer(control, len(rows), most, forcing or ForcedBudget(), prompts_bt.device)
    for step in range(most):
        chosen = choose(decoding.logits, generator, temperature)
        if not len(live := writer.write(step, decoding.logits, chosen, temperature)):
            break
        if step + 1 < most:
            decoding = _step(decoding, writer, step, live)
    return writer.samples(model, before_b, rows)


def choose(logits_nv: Tensor, generator: torch.Generator, temperature: float) -> Tensor:
    """Return one token (n,) drawn for each row of logits (n, v)."""
    if temperature < GREEDY:
        return logits_nv.argmax(-1)
    # The smallest of exponential times over probabilities is a draw: no sorting, no sums.
    wait = torch.empty(logits_nv.shape).exponential_(generator=generator).to(logits_nv.device)
    return (logits_nv / temperature - wait.log()).argmax(-1)


def log_softmax(logits: Tensor, temperature: float) -> Tensor:
    """Return log-probabilities [nats] (..., v) by the distribution that is sampled from."""
    scale = 1.0 if temperature < GREEDY else temperature
    return (logits / scale).log_softmax(-1)


def _step(decoding: Decoding, writer: _Writer, step: int, live: Tensor) -> Decoding:
    """Take the sequences under way one token further, without most of those that ended."""
    if len(live) < COMPACT * len(writer.rows):
        decoding = decoding.take(live)
        writer.rows = writer.rows[live]
    decoding.advance(writer.tokens[writer.rows, step])
    return decoding


class _Writer:
    """Responses as they are written, and the tokens that are still to be put in."""

    def __init__(
        self, control: Control, n: int, most: int, forcing: ForcedBudget, device: torch.device
    ) -> None:
        self.control, self.forcing = control, forcing
        self.rows = torch.arange(n, device=device)  # which response each sequence writes
        self.tokens = torch.full((n, most), control.pad, device=device)
        self.logp = torch.zeros(n, most, device=device)
        self.forced = torch.zeros(n, most, dtype=torch.bool, device=device)
        self.open = torch.ones(n, dtype=torch.bool, device=device)
        limit = most + 1 if forcing.limit is None else forcing.limit
        self.limit = torch.as_tensor(limit, device=device).expand(n)
        self.extended = torch.zeros(n, dtype=torch.long, device=device)
        phrases = [forcing.again or (control.stop,), forcing.now or (control.stop,)]
        width = max(map(len, phrases))
        self.phrases = torch.tensor(
            [[*p, *[-1] * (width + 1 - len(p))] for p in phrases], device=device
        )
        self.phrase = torch.zeros(n, dtype=torch.long, device=device)  # which is being put in
        self.spoken = torch.full((n,), width, device=device)  # how much of it has been

    def write(self, step: int, logits_nv: Tensor, chosen: Tensor, temperature: float) -> Tensor:
        """Write a token of every open response, and return which sequences go on."""
        rows, open_ = self.rows, self.open[self.rows]
        token, forced = self._force(step, chosen)
        logp = log_softmax(logits_nv, temperature).gather(1, token[:, None])[:, 0]
        self.tokens[rows, step] = torch.where(open_, token, self.control.pad)
        self.logp[rows, step] = torch.where(open_, logp, 0.0)
        self.forced[rows, step] = forced & open_
        self.open[rows] = open_ & (token != self.control.stop)
        return self.open[rows].nonzero()[:, 0]

    def _force(self, step: int, chosen: Tensor) -> tuple[Tensor, Tensor]:
        """Return the tokens after forcing, and which of them were put in."""
        rows, forcing = self.rows, self.forcing
        if forcing.limit is None and not forcing.extensions:
            return chosen, torch.zeros_like(chosen, dtype=torch.bool)
        cut = self.limit[rows] == step
        waiting = self.phrases[self.phrase[rows], self.spoken[rows]] >= 0
        again = (chosen == self.control.stop) & (self.extended[rows] < forcing.extensions)
        again &= ~cut & ~waiting & (step < self.limit[rows])
        self.extended[rows] += again
        self.phrase[rows] = torch.where(cut, 1, torch.where(again, 0, self.phrase[rows]))
        self.spoken[rows] = torch.where(cut | again, 0, self.spoken[rows])
        put = self.phrases[self.phrase[rows], self.spoken[rows]]
        forced = put >= 0
        self.spoken[rows] += forced
        return torch.where(forced, put, chosen), forced

    def samples(self, model: PolicyModel, before_b: Tensor, rows: Tensor) -> PolicyResponses:
        """Return what was written."""
        lengths = (self.tokens != self.control.pad).sum(1)
        later = (lengths - 1).clamp(min=0)  # the last token need not go through the model
        return PolicyResponses(
            tokens=self.tokens,
            logp=self.logp,
            forced=self.forced,
            lengths=lengths,
            stopped=~self.open,
            flop=forward_flop(model.shape, later, before_b[rows]),
            prompt_flop=forward_flop(model.shape, before_b),
        )
