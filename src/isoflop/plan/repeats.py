"""What repeated tokens are worth to a law that does not know of repeats."""

from __future__ import annotations

import dataclasses

from isoflop.assess.extrapolation.mixture import PooledDraws, PooledLaw
from isoflop.errors import Note, UsageError
from isoflop.law import Binding, Law, LossLaw
from isoflop.laws import constants, form
from isoflop.quantities import show

FADES = "muennighoff/muennighoff2023"  # how fast repeated tokens lose their worth
_KEPT = ("fade_D", "fade_N")


def repeating(law: LossLaw, unique: float | None) -> LossLaw:
    """Return a law that takes U where unique tokens are stated; its draws, if it holds draws.

    A Chinchilla law keeps its constants, and repeats fade as they did for Muennighoff et al.

    Raises UsageError for a law of another form that does not take U.
    """
    if unique is None or "U" in law.takes:
        return law
    if isinstance(law, PooledLaw | PooledDraws):
        laws = tuple(_fading(member, unique) for member in law.laws)
        bindings = tuple(
            old if new is member else Binding(type(new))
            for old, new, member in zip(law.bindings, laws, law.laws, strict=True)
        )
        return dataclasses.replace(law, laws=laws, bindings=bindings)
    assert isinstance(law, Law)
    return _fading(law, unique)


def knows_repeats(law: Law) -> bool:
    """Return whether `repeating` can say what repeated tokens are worth to a law."""
    return "U" in law.takes or law.key == "chinchilla"


def _fading(law: Law, unique: float) -> Law:
    """Return a law that takes U, as `repeating` does."""
    if "U" in law.takes:
        return law
    if not knows_repeats(law):
        raise UsageError(
            f"{law.key} does not say what repeated tokens are worth; fit a law that takes U, or "
            f"limit the data: --at-most D={show(4 * unique)} is four epochs"
        )
    fades = constants(FADES).law.values
    return form("muennighoff")(**law.values, **{name: fades[name] for name in _KEPT})


def repeats_note() -> Note:
    """Return what a reader must know where a law was taught to fade."""
    data, size = (float(constants(FADES).law.values[name]) for name in _KEPT)
    return Note(
        "info",
        "repeats",
        f"the law does not know repeats: they fade as by {FADES} (repeats {data:.4g}, excess size "
        f"{size:.4g}), whose data and models were others",
    )
