"""From a plan to a run: a shape, a batch, a learning rate by a stated rule, steps and hours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from isoflop.accounting import Architecture, shape_for
from isoflop.accounting.cost import MOST_CHIPS
from isoflop.atlas import Range
from isoflop.errors import Note, UnknownName, UsageError
from isoflop.plan.result import Plan
from isoflop.plan.training.learning_rate import RULES, RateQuery, advice
from isoflop.quantities import refuse_count, show
from isoflop.report.display import Displayed

WARMUP = 0.01  # of the steps
FINAL = 0.1  # of the peak learning rate, at the end of a cosine over the whole run
BETAS = (0.9, 0.95)
DECAY, CLIP = 0.1, 1.0
_LOCAL = 8  # sequences on a chip at a time, at the most


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What one rule says of a run: peak learning rate and batch [tokens]; None where it is mute."""

    rule: str
    lr: float | None
    batch: float | None
    source: str
    caution: str


@dataclass(frozen=True)
class RunConfig(Displayed):
    """A run that a trainer can be told: a shape, steps of `sequences` sequences, a learning rate.

    `counted` is N of the shape as the plan counts it, and `tokens` what the steps see. `hours`
    [chip-hours] and `days` are None where no chip is named. `suggestions` are all the rules.
    """

    architecture: Architecture
    counted: float
    planned: Plan
    rule: str
    lr: float
    sequences: int
    local: int
    steps: int
    warmup: int
    chips: int
    chip: str | None
    hours: Range | None
    days: Range | None
    suggestions: tuple[Suggestion, ...]
    notes: tuple[Note, ...]

    @property
    def batch(self) -> int:
        """Tokens of a step."""
        return self.sequences * self.architecture.context

    @property
    def tokens(self) -> int:
        """Tokens that the run sees."""
        return self.steps * self.batch

    @property
    def accumulation(self) -> int:
        """How many times a chip goes over its local batch before a step."""
        return self.sequences // (self.local * self.chips)


def rules() -> tuple[str, ...]:
    """Return the names of the rules that say a learning rate and a batch of any model."""
    return tuple(rule.key for rule in RULES if rule.complete)


def suggestions(
    architecture: Architecture, D: float, L: float | None = None
) -> tuple[Suggestion, ...]:
    """Return what every rule says of a shape trained on D [tokens] to a loss L [nats/token].

    Each rule is asked with N as it counts it; a rule that says nothing without the loss is left
    out where it is unknown.
    """
    query = RateQuery.of(architecture, D, L)
    rows = []
    for rule in RULES:
        row = advice(rule, query)
        lr, batch = (None if e is None else e.value for e in (row.lr, row.batch))
        if lr is not None or batch is not None:
            rows.append(Suggestion(rule.key, lr, batch, rule.source, rule.caution))
    return tuple(rows)


def recipe(
    plan: Plan,
    architecture: Architecture | None = None,
    *,
    rule: str = "step-law2025",
    chips: int = 1,
    chip: str | None = None,
    shape: Mapping[str, Any] | None = None,
) -> RunConfig:
    """Return how to run a plan on so many chips.

    The shape is `architecture`, or one near the planned N as its law counts it, to which `shape`
    says vocabulary, context, aspect and tied (see `shape_for`). The tokens stay planned. Rules
    that take the loss are asked where the law predicts it in nats/token.

    Raises UnknownName for a rule, UsageError for no chips or a mixture of experts.
    """
    if rule not in rules():
        raise UnknownName("rule for a learning rate", rule, rules())
    refuse_count("the number of chips", chips, 1, MOST_CHIPS)
    if plan.priced.active < 1:
        raise UsageError("a shape is made for dense models; give the architecture of the mixture")
    conventions = plan.problem.model.conventions
    convention = conventions.get("N", "total")
    nats = conventions.get("L", "nats/token") == "nats/token"
    notes: list[Note] = []
    if architecture is None:
        sized = shape_for(plan.N.value, convention, **(shape or {}))
        architecture = sized.architecture
        notes += sized.notes
    counted = float(architecture.parameters(convention))
    D = plan.D.value
    every = suggestions(architecture, D, plan.L.value if nats else None)
    lr, batch = next((s.lr or 0.0, s.batch or 0.0) for s in every if s.rule == rule)
    each = max(1, round(batch / architecture.context / chips))
    local = next(k for k in range(min(_LOCAL, each), 0, -1) if each % k == 0)
    sequences = chips * each
    steps = max(1, round(D / (sequences * architecture.context)))
    training = plan.bill[0].hours
    hours = training and training * (counted / plan.N.value)
    notes += _remarks(every, batch, sequences * architecture.context, counted, plan)
    return RunConfig(
        architecture=architecture,
        counted=counted,
        planned=plan,
        rule=rule,
        lr=lr,
        sequences=sequences,
        local=local,
        steps=steps,
        warmup=max(1, math.ceil(WARMUP * steps)),
        chips=int(chips),
        chip=chip,
        hours=hours,
        days=hours and hours / (24.0 * chips),
        suggestions=every,
        notes=tuple(notes),
    )


def _remarks(
    every: tuple[Suggestion, ...], wanted: float, batch: float, counted: float, plan: Plan
) -> list[Note]:
    """Return how far the rules disagree, and where the run is not the plan."""
    rates = [s.lr for s in every if s.lr is not None]
    batches = [s.batch for s in every if s.batch is not None]
    notes = [
        Note(
            "info",
            "disagreement",
            f"rules disagree {max(rates) / min(rates):.1f}-fold on the learning rate and "
            f"{max(batches) / min(batches):.0f}-fold on the batch: begin there, then search",
        ),
        Note(
            "info",
            "recipe",
            f"warm-up of {WARMUP:.0%}, cosine to {FINAL:.0%} of the peak, Adam betas {BETAS}, "
            f"weight "
            f"decay {DECAY}, clipping at {CLIP:g} are usual choices, not answers of the plan",
        ),
    ]
    if abs(math.log(batch / wanted)) > 0.1:
        notes.append(
            Note(
                "info",
                "batch",
                f"the rule asks for {show(wanted)} tokens a step; whole sequences on every chip "
                f"make "
                f"it {show(batch)}",
            )
        )
    if abs(counted / plan.N.value - 1) > 0.02:
        notes.append(
            Note(
                "info",
                "size",
                f"the shape has {show(counted)} parameters where {show(plan.N.value)} were "
                f"planned; "
                "tokens are as planned, so the compute is not",
            )
        )
    return notes
