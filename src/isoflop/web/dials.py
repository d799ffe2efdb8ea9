"""Constants of a published law to be dragged: a box and a slider for each, kept in the address."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from isoflop.errors import IsoflopError
from isoflop.law import Published
from isoflop.quantities import show

TURN = 4.0  # times its published value that a constant can be dragged, up and down
# The published sets behind the figures of a paper, which can be dragged.
OF_FIGURES: Mapping[str, tuple[str, ...]] = {
    "scalerl": ("sigmoid/khatri2025-scalerl", "sigmoid/khatri2025-8gen"),
    "chinchilla": ("chinchilla/hoffmann2022", "chinchilla/besiroglu2024"),
    "kaplan": (
        *("power/kaplan2020-n", "power/kaplan2020-d", "power/kaplan2020-cmin"),
        "learning-curve/kaplan2020",
    ),
    "henighan": ("power/henighan2020-language-c", "power/henighan2020-image-32x32-c"),
    "gpt4": ("chinchilla/besiroglu2024",),
}


@dataclass(frozen=True, slots=True)
class Dial:
    """A constant: what stands in its box, and the ends of its slider."""

    name: str
    value: str
    published: str
    low: float
    high: float
    log: bool
    meaning: str
    unit: str


def dials(query: Mapping[str, Sequence[str]]) -> tuple[Dial, ...]:
    """Return the constants of the published set that an address names; none for another page."""
    constants = published(query)
    if constants is None:
        return ()
    values = constants.law.values
    return tuple(
        _dial(constants, name, float(value), _first(query, name)) for name, value in values.items()
    )


def texts_with(
    texts: Mapping[str, Sequence[str]], query: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return the texts of the command `laws`, with the constants that an address changes."""
    changed = [f"{d.name}={d.value}" for d in dials(query) if d.value != d.published]
    rest = {name: list(several) for name, several in texts.items()}
    return {**rest, "with_": [",".join(changed)]} if changed else rest


def published(query: Mapping[str, Sequence[str]]) -> Published | None:
    """Return the published set that an address names, or None."""
    from isoflop.laws import constants

    name = _first(query, "name")
    try:
        return constants(name) if name.count("/") == 1 else None
    except IsoflopError:
        return None


def _dial(constants: Published, name: str, value: float, text: str) -> Dial:
    parameter = type(constants.law).params[name]
    written = show(value, 4)
    log = value > 0
    low, high = (value / TURN, value * TURN) if log else (value - 1, value + 1)
    least, most = parameter.bounds
    return Dial(
        name=name,
        value=text or written,
        published=written,
        low=max(low, least) if math.isfinite(least) else low,
        high=min(high, most) if math.isfinite(most) else high,
        log=log,
        meaning=parameter.doc,
        unit=parameter.unit,
    )


def _first(query: Mapping[str, Sequence[str]], name: str) -> str:
    return next((text.strip() for text in query.get(name, ()) if text.strip()), "")
