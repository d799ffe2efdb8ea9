"""emergence: one simulated family, scored by a metric that jumps and by one that does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.pages.emergence import page_of
from isoflop.quantities import show
from isoflop.report import Report

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
    from isoflop.theory import AnswerLossFamily, study_emergence

    if not sizes.smallest < sizes.largest:
        raise UsageError(
            f"--smallest {show(sizes.smallest)} is not below --largest {show(sizes.largest)}"
        )
    family = AnswerLossFamily(sizes.scale, sizes.alpha)
    N = np.geomspace(sizes.smallest, sizes.largest, SIZES)
    return page_of(study_emergence(family, N, tokens, items, seed))
