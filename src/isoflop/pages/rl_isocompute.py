"""How many responses per problem a budget is best spent on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from isoflop.quantities import show

if TYPE_CHECKING:
    from isoflop.assess.reward.isocompute import IsoCompute


def answer(iso_compute: IsoCompute, unit: str) -> str:
    """Return from which compute on which number is best, in a sentence."""
    turns = np.flatnonzero(np.diff(iso_compute.best)) + 1
    first = f"{iso_compute.best[0]:g} responses per problem are best from the start"
    later = (
        f"{iso_compute.best[i]:g} from {show(float(iso_compute.x[i]), 2)} {unit} on" for i in turns
    )
    return ", ".join((first, *later))
