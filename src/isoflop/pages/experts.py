"""A budget at several counts of experts, and the plan of the best."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from isoflop.errors import Notes, texts
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimated
from isoflop.pages.plan import page_of as page_of_plan
from isoflop.plan.experts import ExpertAnswer, ExpertChoice
from isoflop.quantities import show
from isoflop.report import Axis, Figure, Line, Points, Report, Table, note_blocks


@shows(ExpertChoice)
def page_of(choice: ExpertChoice, assumed: Notes = ()) -> Report:
    """Return the plan of the best count as a report, with all counts beside it."""
    best = choice.best
    report = page_of_plan(best.plan, assumed=assumed)
    unit = best.plan.priced.unit
    rows = tuple(
        (
            a.experts,
            a.plan.N.value,
            a.plan.N.value * _met(a),
            a.plan.D.value,
            a.plan.L.value,
            a.plan.cost.value,
            a.memory / 1e9,
        )
        for a in choice.answers
    )
    names = ("experts", "N", "N a token meets", "D", "L", f"cost [{unit}]", "weights [GB]")
    table = Table(
        names, rows, f"The same budget by experts, of which a token meets {choice.top_k}."
    )
    blocks = (*note_blocks(choice.notes), table, _figure(choice), *report.blocks)
    sentence = (
        f"{best.experts} experts, {choice.top_k} of them a token: train "
        f"{estimated(best.plan.N)} parameters on {estimated(best.plan.D)} tokens: loss "
        f"{estimated(best.plan.L)}, {show(best.memory / 1e9)} GB of weights"
    )
    data = {
        **report.data,
        "experts": best.experts,
        "active": best.active,
        "memory": best.memory,
        "by_experts": [_as_data(answer) for answer in choice.answers],
        "expert_notes": texts(choice.notes),
    }
    return replace(report, blocks=blocks, data=data, answer=answered(sentence, blocks))


def _met(answer: ExpertAnswer) -> float:
    """Return the share of the N of a plan that a token meets: all, where N counts that alone."""
    return answer.plan.priced.active


def _as_data(answer: ExpertAnswer) -> dict[str, float]:
    plan = answer.plan
    return {
        "experts": answer.experts,
        "active": answer.active,
        "N": plan.N.value,
        "D": plan.D.value,
        "C": plan.C.value,
        "L": plan.L.value,
        "cost": plan.cost.value,
        "memory": answer.memory,
    }


def _figure(choice: ExpertChoice) -> Figure:
    """Return the loss of every count against the memory of its weights."""
    memory = np.array([a.memory / 1e9 for a in choice.answers])
    losses = np.array([a.plan.L.value for a in choice.answers])
    names = tuple(f"{a.experts} experts" for a in choice.answers)
    at = choice.best.memory / 1e9, choice.best.plan.L.value
    layers = (
        Line("by experts", memory, losses, group="law"),
        Points("counts", memory, losses, hover=names, group="law"),
        Points("the plan", np.array([at[0]]), np.array([at[1]]), "best"),
    )
    return Figure("Loss against memory", Axis("weights", "GB"), Axis.of("L"), layers)
