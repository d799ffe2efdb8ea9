"""How many responses per problem a budget is best spent on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.quantities import show

if TYPE_CHECKING:
    from isoflop.assess.reward.isocompute import IsoCompute


def answer(made: IsoCompute, unit: str) -> str:
    """Return from which compute on which number is best, in a sentence."""
    turns = np.flatnonzero(np.diff(made.best)) + 1
    first = f"{made.best[0]:g} responses per problem are best from the start"
    later = (f"{made.best[i]:g} from {show(float(made.x[i]), 2)} {unit} on" for i in turns)
    return ", ".join((first, *later))
