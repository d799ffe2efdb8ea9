"""How many responses per problem a budget is best spent on."""

from __future__ import annotations

from typing import Any

import numpy as np

from isoflop.assess.reward.isocompute import IsoCompute
from isoflop.assess.reward.logs import RewardLogs
from isoflop.errors import texts
from isoflop.pages import shows
from isoflop.pages.answer import answered
from isoflop.pages.rl_fit import start_blocks
from isoflop.quantities import quantity, show
from isoflop.report import Block, Cell, Remark, Report, Table, note_blocks

EVERY = 6  # points of the envelope, one of which is a row


@shows(IsoCompute)
def page_of(result: IsoCompute, logs: RewardLogs | None = None) -> Report:
    """Return the best number of responses along compute; `logs` adds the evaluations behind it."""
    from isoflop.pages.rl_figures import frontier

    unit = quantity(result.over).unit
    runs = result.records if logs is None else next(iter(logs.by_recipe.values()))
    sentence = best_numbers(result, unit)
    blocks: list[Block] = [
        Remark(sentence),
        *(start_blocks(logs) if logs is not None else ()),
        *note_blocks(result.notes),
        _envelope(result, unit),
        _curves(result, unit),
        *frontier(result, runs),
    ]
    title = f"Responses per problem, by {result.over}"
    answer = answered(f"{sentence[0].upper()}{sentence[1:]}", blocks)
    return Report(title, tuple(blocks), data(result), answer=answer)


def best_numbers(result: IsoCompute, unit: str) -> str:
    """Return from which compute on which number is best, in a sentence."""
    turns = np.flatnonzero(np.diff(result.best)) + 1
    first = f"{result.best[0]:g} responses per problem are best from the start"
    later = (f"{result.best[i]:g} from {show(float(result.x[i]), 2)} {unit} on" for i in turns)
    return ", ".join((first, *later))


def _envelope(result: IsoCompute, unit: str) -> Table:
    numbers = result.responses(result.x)
    columns = (result.x, result.best, numbers, result.reward)
    rows: list[tuple[Cell, ...]] = [
        tuple(float(values[i]) for values in columns) for i in range(0, result.x.size, EVERY)
    ]
    return Table(
        (f"compute [{unit}]", "best number", "n* by the law", "R on the envelope"),
        tuple(rows),
        "The best number is of those tried; n* follows it by a sigmoid of logs.",
    )


def _curves(result: IsoCompute, unit: str) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (n, float(law.A), float(law.C_mid), float(law.B)) for n, law in result.curves.items()
    ]
    return Table(("responses per problem", "A", f"C_mid [{unit}]", "B"), tuple(rows))


def data(result: IsoCompute) -> dict[str, Any]:
    """Return the envelope and its curves as JSON types."""
    return {
        "over": result.over,
        "unit": quantity(result.over).unit,
        "curves": {
            f"{n:g}": {k: float(v) for k, v in c.values.items()} for n, c in result.curves.items()
        },
        "x": result.x.tolist(),
        "best": result.best.tolist(),
        "reward": result.reward.tolist(),
        "responses": result.responses(result.x).tolist(),
        "notes": texts(result.notes),
    }
