"""Whether a law still behaves like one at a point: more size or data must not raise the loss."""

from __future__ import annotations

import numpy as np

from isoflop.law import Law

STEP = 1.01  # a factor that every input is raised by


def rising(law: Law, **inputs: float) -> tuple[str, ...]:
    """Return the inputs along which a single law rises at a point: there it means nothing.

    Flexible forms (a response surface, Farseer) do so beyond the runs that they were fitted to.
    """
    here = float(np.asarray(law(**inputs)))
    return tuple(
        symbol
        for symbol in ("N", "D", "C", "x")
        if symbol in inputs and law(**{**inputs, symbol: STEP * inputs[symbol]}) > here
    )
