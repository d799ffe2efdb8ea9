"""flops: an architecture to its parameters and FLOP, by every convention."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from isoflop.commands.registry import Option, command
from isoflop.pages.flops import counts
from isoflop.report import Report

if TYPE_CHECKING:
    pass


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
        "kv_heads": kv_heads,
        "head_size": head_size,
        "expert_feed_forward": expert_feed_forward,
    }
    built = Architecture(
        layers=layers,
        width=width,
        heads=heads,
        feed_forward=feed_forward,
        vocabulary=vocabulary,
        context=context,
        gated=not ungated,
        tied=tied,
        biases=biases,
        positions=positions,
        experts=experts,
        top_k=top_k,
        shared_experts=shared_experts,
        dense_layers=dense_layers,
        **{k: v for k, v in optional.items() if v is not None},
    )
    return counts(built, D)
