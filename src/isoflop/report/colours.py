"""Which colour a layer has: groups share one, budgets in order are ordered, both for all eyes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from isoflop.errors import UsageError
from isoflop.quantities import parse
from isoflop.report.document import Contours, Figure, Layer, Line, Points

# Every colour stands out at 3:1 or more on white and on the dark page alike (a test measures it),
# and neighbours differ in lightness as well as in hue.
PALETTE = ("#1f77c9", "#009e73", "#c0609b", "#b8860b", "#7a6fd0", "#2f9bb0")
ORDERED = ("#6156d0", "#9a4fc0", "#cb4f93", "#df6450", "#cf8420")
TRUTH = "#d9480f"
NEUTRAL = "#7d8794"
_RESERVED = {"data": NEUTRAL, "dropped": NEUTRAL, "truth": TRUTH, "reference": NEUTRAL}
_NUMBER = re.compile(r"\d[\d.]*(?:e[+-]?\d+)?[kMBT]?\b")


def colours(figure: Figure) -> tuple[str, ...]:
    """Return the colour of every layer, in order."""
    fits = (la.name for la in figure.layers if _kind(la) == "fit" and not _group(la))
    lead = next(fits, "fit")  # bands and intervals without a group belong to the first fit
    owners = [_owner(layer, lead) for layer in figure.layers]
    groups = tuple(dict.fromkeys(filter(None, map(_group, figure.layers))))
    free = tuple(dict.fromkeys(o for o in owners if o and o not in groups))
    chosen = dict(zip(groups, _for_groups(groups), strict=True))
    chosen |= {o: PALETTE[(len(groups) + i) % len(PALETTE)] for i, o in enumerate(free)}
    return tuple(
        chosen.get(owner) or _RESERVED.get(_kind(layer), NEUTRAL)
        for owner, layer in zip(owners, figure.layers, strict=True)
    )


def blend(stops: tuple[str, ...], at: float) -> str:
    """Return the colour at `at` (0 to 1) along evenly spaced stops.

    >>> blend(("#000000", "#ffffff"), 0.5)
    '#808080'
    """
    place = at * (len(stops) - 1)
    index = min(int(place), len(stops) - 2)
    pair = zip(channels(stops[index]), channels(stops[index + 1]), strict=True)
    mixed = (round(a + (b - a) * (place - index)) for a, b in pair)
    return "#" + "".join(f"{c:02x}" for c in mixed)


def channels(colour: str) -> tuple[int, int, int]:
    """Return red, green and blue (0 to 255) of "#rrggbb"."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def clear(colour: str, opacity: float) -> str:
    """Return a colour that lets what is behind it show through."""
    return "rgba({},{},{},{})".format(*channels(colour), opacity)


def _for_groups(groups: tuple[str, ...]) -> Iterable[str]:
    if len(groups) > len(PALETTE) or (len(groups) > 2 and _ordered(groups)):
        return [blend(ORDERED, i / (len(groups) - 1)) for i in range(len(groups))]
    return PALETTE[: len(groups)]


def _ordered(groups: tuple[str, ...]) -> bool:
    """Say whether names hold numbers that only rise or only fall, as budgets do."""
    matches = [_NUMBER.findall(group) for group in groups]
    if not all(matches):
        return False
    try:
        sizes = [parse(numbers[-1]) for numbers in matches]
    except UsageError:
        return False
    return sizes in (sorted(set(sizes)), sorted(set(sizes), reverse=True))


def _group(layer: Layer) -> str:
    return "" if isinstance(layer, Contours) or _kind(layer) == "truth" else layer.group


def _owner(layer: Layer, lead: str) -> str:
    """Return what a colour is chosen for; nothing where the kind of layer has its own colour."""
    if _group(layer) or isinstance(layer, Contours):
        return _group(layer)
    if isinstance(layer, Points | Line):
        return "" if layer.kind in _RESERVED else layer.name
    return lead


def _kind(layer: Layer) -> str:
    return layer.kind if isinstance(layer, Points | Line) else type(layer).__name__.lower()
