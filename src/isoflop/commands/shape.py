"""shape: an architecture for a wanted size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.pages.shape import page_of
from isoflop.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenTables:
    """The tables of tokens."""

    vocabulary: Annotated[int, Option("tokens of the vocabulary")] = 32_000
    tied: Annotated[bool, Option("one table for input and output; usual below 4B")] = False
    untied: Annotated[bool, Option("a table each")] = False


@command("shape", section="Plans", example="isoflop shape --N 3e9")
def shape(
    *,
    N: Annotated[float, Option("parameters wanted")],
    convention: Annotated[
        Literal["total", "with-head", "non-embedding", "flops-per-token"],
        Option("how N is counted"),
    ] = "total",
    tables: TokenTables = TokenTables(),
    context: Annotated[int, Option("tokens of a training sequence")] = 2048,
    aspect: Annotated[float | None, Option("width over layers, unless as is usual")] = None,
) -> Report:
    """Find a shape for a wanted number of parameters.

    Dense, with grouped queries and a gated feed-forward layer, in numbers that hardware likes.
    """
    from isoflop.accounting import shape_for

    if tables.tied and tables.untied:
        raise UsageError("--tied and --untied contradict each other; give one")
    proposal = shape_for(
        N,
        convention,
        vocabulary=tables.vocabulary,
        context=context,
        aspect=None if aspect is None else (aspect / 1.25, aspect * 1.25),
        tied=True if tables.tied else False if tables.untied else None,
    )
    return page_of(proposal)
