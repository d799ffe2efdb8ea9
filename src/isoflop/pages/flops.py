"""An architecture to its parameters and FLOP, by every convention."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from isoflop.quantities import show
from isoflop.report import Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.accounting import Architecture


def counts(built: Architecture, D: float | None) -> Report:
    """Return every count of an architecture, and of D tokens of training where they are given."""
    from isoflop.accounting import FLOP_CONVENTIONS, decode_flop, prefill_flop, training_flop

    sizes = {c: built.parameters(c) for c in ("total", "non-embedding", "active")}
    each = {name: float(training_flop(built, 1, name)) for name in FLOP_CONVENTIONS}
    plain = each["6ND"]
    names: tuple[str, ...] = ("convention", "FLOP per token", "over 6ND")
    rows: list[tuple[Any, ...]] = [(name, flop, flop / plain) for name, flop in each.items()]
    if D is not None:
        names = (*names, "FLOP of the run")
        rows = [(*row, each[row[0]] * D) for row in rows]
    parts = built.parts
    conventions = (
        ("input table", parts.embedding),
        ("output table", parts.head),
        ("positions", parts.positions + parts.relative),
        ("attention", parts.attention),
        ("feed-forward", parts.feed_forward),
        ("routers", parts.routers),
        ("gains and biases", parts.vectors),
        ("of these, experts that a token skips", parts.idle),
    )
    served = {
        "reading a token of a full context": float(prefill_flop(built, built.context))
        / built.context,
        "generating a token after a full context": float(decode_flop(built, built.context, 1)),
    }
    blocks = (
        Table(("N", "parameters"), tuple(sizes.items()), caption="Parameters, by convention."),
        Table(names, tuple(rows), caption="Training FLOP, by convention."),
        Table(("serving", "FLOP"), tuple(served.items()), caption="Forward FLOP per token."),
        Table(("where", "parameters"), tuple((n, c) for n, c in conventions if c)),
        Paragraph(
            f"Width over layers is {built.aspect:.3g}. Keys and values of one token take "
            f"{built.layers * built.cached_width} numbers."
        ),
    )
    data = {
        "N": sizes,
        "flop_per_token": each,
        "serving": served,
        "parts": dict(conventions),
        "D": D,
    }
    return Report("Parameters and FLOP", blocks, data, answer=_sentence(sizes, plain, D))


def _sentence(sizes: Mapping[str, int], flop_per_token: float, D: float | None) -> str:
    """Return the parameters, and the training FLOP at C = 6ND."""
    idle = sizes["active"] < sizes["total"]
    active = f", {show(sizes['active'], 4)} of them active" if idle else ""
    work = f"{show(flop_per_token, 4)} FLOP per training token"
    if D is not None:
        work = f"{show(flop_per_token * D)} FLOP to train on {show(D)} tokens"
    return (
        f"{show(sizes['total'], 4)} parameters{active}, {show(sizes['non-embedding'], 4)} without "
        f"embeddings; {work} by 6ND."
    )
