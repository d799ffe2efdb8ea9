"""All laws at a glance: laws of one form in one row, under what they are about."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from isoflop.pages.laws import about, formula
from isoflop.quantities import SHARES
from isoflop.report import Block, Heading, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.law import Law

_BESIDES: Mapping[str, str] = MappingProxyType(  # what a loss takes besides N and D, and the topic
    {
        **dict.fromkeys(("U", *SHARES), "Loss: what data, and how often"),
        **dict.fromkeys(("experts", "sparsity", "granularity"), "Loss: experts and sparse models"),
        **dict.fromkeys(("steps", "lr", "batch"), "Loss: steps, learning rate and batch"),
    }
)
_PREDICTED: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("lr", "batch", "steps", "timescale"), "Learning rate, batch and steps"),
        **dict.fromkeys(("score", "error", "coverage"), "Scores of tasks"),
        **dict.fromkeys(("R", "rl_slope"), "Reward"),
        "y": "One input, any output",
    }
)
_SIZED, _OTHER = "Loss: size and data", "Loss: all else"
TOPICS = tuple(dict.fromkeys((_SIZED, *_BESIDES.values(), _OTHER, *_PREDICTED.values(), "Other")))


@dataclass(frozen=True, slots=True)
class LawGroup:
    """The laws of one form: mostly one, but mixture-2 to mixture-8 differ in a count alone."""

    stem: str
    laws: tuple[type[Law], ...]

    @property
    def name(self) -> str:
        """The key of the law, or the first and the last of several."""
        ends = dict.fromkeys((self.laws[0].key, self.laws[-1].key))
        return " to ".join(ends)

    @property
    def sets(self) -> int:
        """How many sets of constants were published of it."""
        return sum(len(law.published) for law in self.laws)


def stem(key: str) -> str:
    """Return what keys of one family share: all but a count at the end.

    >>> stem("mixture-5"), stem("m3"), stem("power")
    ('mixture', 'm3', 'power')
    """
    return re.sub(r"-\d+$", "", key)


def topic(law: type[Law]) -> str:
    """Return what a law is about, by what it predicts and takes."""
    if law.predicts not in ("L", "dL", "L_u"):
        return _PREDICTED.get(law.predicts, "Other")
    besides = [s for s in law.takes if s not in ("N", "D")]
    return next((_BESIDES[s] for s in besides if s in _BESIDES), _OTHER if besides else _SIZED)


def by_topic(laws: Mapping[str, type[Law]]) -> Iterator[tuple[str, tuple[LawGroup, ...]]]:
    """Return the families of laws by topic, in the order of keys; topics without any are left out.

    Laws are given by key.
    """
    members: dict[str, list[type[Law]]] = {}
    for _, law in sorted(laws.items()):
        members.setdefault(stem(law.key), []).append(law)
    families = [LawGroup(name, tuple(alike)) for name, alike in members.items()]
    for name in TOPICS:
        if matches := tuple(f for f in families if topic(f.laws[0]) == name):
            yield name, matches


def page_of(laws: Mapping[str, type[Law]]) -> Report:
    """Return all laws, by topic."""
    blocks: list[Block] = [
        Paragraph(
            f"{len(laws)} laws. 'isoflop laws NAME' shows one of them: parameters with units, "
            "published constants with their sources, a picture, and fits to public runs."
        )
    ]
    for title, families in by_topic(laws):
        rows = tuple((f.name, formula(f.laws[0]), f.sets) for f in families)
        blocks += [Heading(title), Table(("law", "formula", "sets"), rows)]
    return Report("Laws", tuple(blocks), {"laws": [about(law) for _, law in sorted(laws.items())]})
