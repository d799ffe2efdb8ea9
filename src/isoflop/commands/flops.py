"""flops: an architecture to its parameters and FLOP, by every convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from isoflop.commands.registry import Option, command
from isoflop.report import Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.accounting import Architecture


@command(
    "flops",
    example="isoflop flops --layers 80 --width 8192 --heads 64 --kv-heads 8 --feed-forward 28672 "
    "--vocabulary 128256 --context 8192 --D 15T",
)
def flops(
    *,
    layers: Annotated[int, Option("blocks")],
    width: Annotated[int, Option("channels")],
    heads: Annotated[int, Option("heads of attention")],
    feed_forward: Annotated[int, Option("inner width of the feed-forward layer")],
    vocabulary: Annotated[int, Option("tokens of the vocabulary")],
    context: Annotated[int, Option("tokens of a training sequence")],
    D: Annotated[float | None, Option("training tokens")] = None,
    kv_heads: Annotated[int | None, Option("heads of keys and values, unless all")] = None,
    head_size: Annotated[int | None, Option("channels of a head, unless width over heads")] = None,
    ungated: Annotated[bool, Option("two matrices in the feed-forward layer, not three")] = False,
    tied: Annotated[bool, Option("one table for input and output")] = False,
    biases: Annotated[bool, Option("biases on matrices and normalisations")] = False,
    positions: Annotated[
        Literal["rotary", "learned", "relative"], Option("how positions are told")
    ] = "rotary",
    experts: Annotated[int, Option("routed experts of a layer")] = 0,
    top_k: Annotated[int, Option("routed experts that a token meets", needs=("experts",))] = 0,
    shared_experts: Annotated[
        int, Option("experts that every token meets", needs=("experts",))
    ] = 0,
    expert_feed_forward: Annotated[
        int | None, Option("inner width of an expert, unless as the layer", needs=("experts",))
    ] = None,
    dense_layers: Annotated[int, Option("first layers, without experts", needs=("experts",))] = 0,
) -> Report:
    """Count the parameters and FLOP of a shape by every convention.

    Which count a law takes is stated beside its constants: isoflop laws.
    """
    from isoflop.accounting import Architecture

    optional: dict[str, Any] = {
        "kv_heads": kv_heads, "head_size": head_size, "expert_feed_forward": expert_feed_forward,
    }  # fmt: skip
    built = Architecture(
        layers=layers, width=width, heads=heads, feed_forward=feed_forward, vocabulary=vocabulary,
        context=context, gated=not ungated, tied=tied, biases=biases, positions=positions,
        experts=experts, top_k=top_k, shared_experts=shared_experts, dense_layers=dense_layers,
        **{k: v for k, v in optional.items() if v is not None},
    )  # fmt: skip
    return counts(built, D)


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
    held = (
        ("input table", parts.embedding), ("output table", parts.head),
        ("positions", parts.positions + parts.relative), ("attention", parts.attention),
        ("feed-forward", parts.feed_forward), ("routers", parts.routers),
        ("gains and biases", parts.vectors), ("of these, experts that a token skips", parts.idle),
    )  # fmt: skip
    served = {
        "reading a token of a full context": float(prefill_flop(built, built.context))
        / built.context,
        "generating a token after a full context": float(decode_flop(built, built.context, 1)),
    }
    blocks = (
        Table(("N", "parameters"), tuple(sizes.items()), caption="Parameters, by convention."),
        Table(names, tuple(rows), caption="Training FLOP, by convention."),
        Table(("serving", "FLOP"), tuple(served.items()), caption="Forward FLOP per token."),
        Table(("where", "parameters"), tuple((n, c) for n, c in held if c)),
        Paragraph(
            f"Width over layers is {built.aspect:.3g}. Keys and values of one token take "
            f"{built.layers * built.cached_width} numbers."
        ),
    )
    data = {"N": sizes, "flop_per_token": each, "serving": served, "parts": dict(held), "D": D}
    return Report("Parameters and FLOP", blocks, data)
