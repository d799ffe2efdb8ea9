"""emergence: one simulated family, scored by a metric that jumps and by one that does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from isoflop.commands.registry import Option, command
from isoflop.pages.emergence import exact_of, says, wrong_of
from isoflop.quantities import show
from isoflop.report import Block, Paragraph, Remark, Report, Table

STEPS = 80
SIZES = 13  # models that are scored


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyOptions:
    """The simulated family of models."""

    alpha: Annotated[float, Option("how fast the loss per token falls with N")] = 0.4
    scale: Annotated[float, Option("the N at which it is 1 nat")] = 1e9
    smallest: Annotated[float, Option("the smallest model [params]")] = 1e7
    largest: Annotated[float, Option("the largest model [params]")] = 1e12


@command("emergence", section="Forecasts", example="isoflop emergence --tokens 5 --items 200")
def emergence(
    *,
    tokens: Annotated[int, Option("tokens of an answer, all of which must be right")] = 5,
    items: Annotated[int, Option("items of the test")] = 200,
    sizes: FamilyOptions = FamilyOptions(),
    seed: Annotated[int, Option("of the simulated answers", "SEED")] = 0,
) -> Report:
    """Show how a metric makes a smooth law look sudden (simulated).

    The loss per token of one family falls as a power of its size. Scored by exact match, nothing
    happens for decades and then everything; scored by wrong tokens, the same answers improve all
    along. More items move the "emergence" to smaller models.
    """
    from isoflop.errors import UsageError
    from isoflop.theory import AnswerLossFamily, expected, first_seen, items_to_see, simulate

    if not sizes.smallest < sizes.largest:
        raise UsageError(
            f"--smallest {show(sizes.smallest)} is not below --largest {show(sizes.largest)}"
        )
    family = AnswerLossFamily(sizes.scale, sizes.alpha)
    N = np.geomspace(sizes.smallest, sizes.largest, SIZES)
    got = simulate(family, N, tokens, items, seed)
    smooth = expected(family, np.geomspace(sizes.smallest, sizes.largest, STEPS), tokens)
    first = first_seen(family, tokens, items)
    needed = items_to_see(family.right(N), tokens)
    columns = ("N", "loss per token", "exact match", "wrong tokens", "Brier", "items to see one")
    values = (N, family.loss(N), got.exact, got.wrong, got.brier, needed)
    rows = tuple(tuple(float(v[i]) for v in values) for i in range(SIZES))
    blocks: list[Block] = [
        Remark("simulated: a lesson about metrics, no forecast of any model"),
        Paragraph(says(family, got, first)),
        Table(columns, rows, "The last column: items that show one exact match with 95%."),
        exact_of(got, smooth, first),
        wrong_of(got, smooth),
    ]
    data = {
        "simulated": True,
        "tokens": tokens,
        "items": items,
        "first_seen": first,
        "models": [dict(zip(columns, row, strict=True)) for row in rows],
    }
    return Report("One family, two metrics (simulated)", tuple(blocks), data)
