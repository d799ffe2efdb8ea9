"""How many experts: the same budget planned at several counts, memory and serving in the price."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Unpack

from isoflop.errors import Note, RefusedByData, UsageError
from isoflop.law import Law
from isoflop.plan.cost import Cost
from isoflop.plan.problem import Model, PlanningOptions
from isoflop.plan.result import Plan
from isoflop.plan.spend import spend
from isoflop.quantities import refuse_count
from isoflop.report.display import Displayed

COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256)  # that are tried where none is said
MOST = 4096
# A feed-forward layer of four widths has twice the parameters of attention (Kaplan et al. 2020,
# table 1: 4 and 8 width^2), and a mixture repeats it once for each expert.
EXPERT_TO_ATTENTION = 2.0
TAKERS = ("experts", "sparsity")


@dataclass(frozen=True)
class ExpertAnswer:
    """A plan with so many experts, and the `active` share of N that a token meets.

    `memory` [bytes] is that of all weights at the precision of serving.
    """

    experts: int
    active: float
    plan: Plan
    memory: float


@dataclass(frozen=True, eq=False)
class ExpertChoice(Displayed):
    """The answers of every count of experts that can be had, and the one of least loss."""

    answers: tuple[ExpertAnswer, ...]
    best: ExpertAnswer
    top_k: int
    notes: tuple[Note, ...]


def active_share(experts: int, top_k: int) -> float:
    """Return the share of N that a token meets, with `top_k` of experts as wide as a dense layer.

    >>> round(active_share(8, 2), 3)  # Mixtral 8x7B: 12.9B of 46.7B, 0.276, with wider layers
    0.294
    """
    refuse_count("experts", experts, 1, MOST)
    refuse_count("top-k", top_k, 1, experts)
    return (1 + EXPERT_TO_ATTENTION * top_k) / (1 + EXPERT_TO_ATTENTION * experts)


def choose_experts(
    model: Model,
    C: float | None = None,
    *,
    experts: int | Literal["auto"] = "auto",
    top_k: int = 1,
    budget: float | str | None = None,
    **options: Unpack[PlanningOptions],
) -> ExpertChoice:
    """Return plans of a budget with `experts`, or with each of 1 to 256, and that of least loss.

    The law takes `experts`, or `sparsity`, which is 1 - top_k / experts. Where N counts all
    experts, training and serving take the active share of it, and memory all; where N is what a
    token meets, memory takes more. The share is `active_share`, unless the cost states another
    (active below 1). The other options are those of `spend`, such as at_most={"memory": 640e9}.

    Raises UsageError for a law that takes no experts, with those that do; RefusedByData where no
    count can be had within the limits; and what `spend` raises.
    """
    taker = _taker(model)
    if taker in (options.get("inputs") or {}):
        raise UsageError(f"{taker} is stated, and experts too, which says it; leave out one")
    counts = [count for count in COUNTS if count >= top_k] if experts == "auto" else [experts]
    answers, refusals = [], []
    for count in counts:
        at = _Mixture(count, top_k, taker)
        try:
            answers.append(at.plan(model, C, budget, options))
        except RefusedByData as reason:
            refusals.append(f"{count} experts: {reason}")
    if not answers:
        raise RefusedByData(f"no count of experts can be had; {refusals[0]}")
    best = min(answers, key=lambda answer: answer.plan.L.value)
    notes = [Note("info", "left-out", text) for text in refusals]
    if experts == "auto" and best is answers[-1]:
        text = (
            f"the most experts that were tried, {best.experts}, are best, as nothing bounds them: "
            "say what memory there is (--at-most memory=640e9)"
        )
        notes.insert(0, Note("doubt", "experts", text))
    return ExpertChoice(tuple(answers), best, top_k, (*notes, _share_note(options)))


def _taker(model: Model) -> str:
    """Return the input by which a law takes experts; raises UsageError for a law without one."""
    takes = model.binding.takes
    taker = next((name for name in TAKERS if name in takes), None)
    if taker is not None:
        return taker
    laws = [law for law in Law.registry.values() if {"N", "D"} <= set(law.takes)]
    laws = [law for law in laws if set(law.takes) & set(TAKERS)]
    names = sorted(item.key for law in laws for item in law.published.values())
    raise UsageError(
        f"{model.law.key} does not take experts: it takes {', '.join(takes)}; published constants "
        f"that do: {', '.join(names)}; or fit {', '.join(sorted(law.key for law in laws))} to "
        "runs of your own"
    )


@dataclass(frozen=True, slots=True)
class _Mixture:
    """A count of experts, of which a token meets `top_k`, and the input that says so to a law."""

    experts: int
    top_k: int
    taker: str

    def plan(
        self, model: Model, C: float | None, budget: float | str | None, options: PlanningOptions
    ) -> ExpertAnswer:
        """Return the plan of a budget with these experts."""
        cost = options.get("cost") or Cost()
        share = cost.active if cost.active < 1 else active_share(self.experts, self.top_k)
        is_active = model.conventions.get("N") == "active"
        inputs = {**(options.get("inputs") or {}), self.taker: self._value}
        fields: PlanningOptions = {**options, "inputs": inputs}
        fields["cost"] = replace(cost, active=1.0 if is_active else share)
        if is_active:  # memory holds all experts, and N counts those that a token meets
            most = dict(options.get("at_most") or {})
            fields["at_most"] = {k: v * share if k == "memory" else v for k, v in most.items()}
        plan = spend(model, C, budget=budget, **fields)
        total = plan.N.value / share if is_active else plan.N.value
        return ExpertAnswer(self.experts, share, plan, total * cost.bits / 8)

    @property
    def _value(self) -> float:
        return float(self.experts) if self.taker == "experts" else 1 - self.top_k / self.experts


def _share_note(options: PlanningOptions) -> Note:
    """Return how the share of N that a token meets was counted."""
    cost = options.get("cost")
    if cost is not None and cost.active < 1:
        return Note("info", "active", f"a token meets {cost.active:.3g} of N, as stated")
    text = (
        "a token meets (1 + 2 top-k) / (1 + 2 experts) of N: experts as wide as a dense "
        "feed-forward layer of four widths, router and embeddings aside; --active states another"
    )
    return Note("info", "active", text)
