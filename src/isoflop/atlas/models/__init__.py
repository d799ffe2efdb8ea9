"""Published language models: parameters, tokens and FLOP, each with its source.

What nobody disclosed is missing, never guessed. Facts only: whether a model was trained on too
little is for a law to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from isoflop.atlas.models import mixtures, since_2023, until_2022
from isoflop.atlas.models.record import Cell, PublishedModel, Standing
from isoflop.errors import UnknownName

__all__ = ["MODELS", "Cell", "PublishedModel", "Standing", "published_models"]

MODELS: Mapping[str, PublishedModel] = MappingProxyType(
    {m.name: m for m in (*until_2022.MODELS, *since_2023.MODELS, *mixtures.MODELS)}
)


def published_models(name: str) -> tuple[PublishedModel, ...]:
    """Return the model called `name`, or every model of the family called so.

    Case, blanks and hyphens do not matter.

    Raises UnknownName, which names the nearest one.

    >>> [m.D.value for m in published_models("chinchilla 70b")]
    [1400000000000.0]
    """
    wanted = _plain(name)
    matches = [m for m in MODELS.values() if _plain(m.name) == wanted]
    matches = matches or [m for m in MODELS.values() if _plain(m.family) == wanted]
    if not matches:
        families = dict.fromkeys(m.family for m in MODELS.values())
        raise UnknownName("published model or family", name, (*families, *MODELS))
    return tuple(matches)


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum() or c == ".")
