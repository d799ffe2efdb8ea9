"""shape: an architecture for a wanted size."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Literal

from isoflop.commands.registry import Option, command
from isoflop.errors import texts
from isoflop.pages.flops import counts
from isoflop.quantities import show
from isoflop.report import Report, Table, note_blocks


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
    from isoflop.errors import UsageError

    if tables.tied and tables.untied:
        raise UsageError("--tied and --untied contradict each other; give one")
    architecture = shape_for(
        N,
        convention,
        vocabulary=tables.vocabulary,
        context=context,
        aspect=None if aspect is None else (aspect / 1.25, aspect * 1.25),
        tied=True if tables.tied else False if tables.untied else None,
    )
    a = architecture.architecture
    numbers = {k: v for k, v in dataclasses.asdict(a).items() if v not in (None, 0, False)}
    numbers["gated"] = a.gated
    counted = counts(a, None)
    blocks = (
        *note_blocks(architecture.notes),
        Table(
            ("what", "value"),
            (
                ("layers", a.layers),
                ("width", a.width),
                ("heads", a.heads),
                ("heads of keys and values", a.kv_heads),
                ("feed-forward", a.feed_forward),
                ("vocabulary", a.vocabulary),
                ("context", a.context),
                ("tables", "tied" if a.tied else "untied"),
                (f"N, {convention}", architecture.realised),
                ("off what was wanted", f"{architecture.error:+.2%}"),
            ),
            caption=f"A shape near N = {show(N, 4)}.",
        ),
        *counted.blocks,
    )
    data = {
        "shape": numbers,
        "wanted": N,
        "realised": architecture.realised,
        "error": architecture.error,
    }
    return Report("A shape", blocks, {**data, **counted.data, "notes": texts(architecture.notes)})
