"""flops: an architecture to its parameters and FLOP, by every convention."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from isoflop.commands.registry import Option, command
from isoflop.pages.flops import counts
from isoflop.report import Report


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapeOptions:
    """The architecture of a transformer."""

    layers: Annotated[int, Option("blocks")]
    width: Annotated[int, Option("channels")]
    heads: Annotated[int, Option("heads of attention")]
    feed_forward: Annotated[int, Option("inner width of the feed-forward layer")]
    vocabulary: Annotated[int, Option("tokens of the vocabulary")]
    context: Annotated[int, Option("tokens of a training sequence")]
    kv_heads: Annotated[int | None, Option("heads of keys and values, unless all")] = None
    head_size: Annotated[int | None, Option("channels of a head, unless width over heads")] = None
    ungated: Annotated[bool, Option("two matrices in the feed-forward layer, not three")] = False
    tied: Annotated[bool, Option("one table for input and output")] = False
    biases: Annotated[bool, Option("biases on matrices and normalisations")] = False
    positions: Annotated[
        Literal["rotary", "learned", "relative"], Option("how positions are told")
    ] = "rotary"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertOptions:
    """The experts of a mixture."""

    experts: Annotated[int, Option("routed experts of a layer")] = 0
    top_k: Annotated[int, Option("routed experts that a token meets", needs=("experts",))] = 0
    shared_experts: Annotated[int, Option("experts that every token meets", needs=("experts",))] = 0
    expert_feed_forward: Annotated[
        int | None, Option("inner width of an expert, unless as the layer", needs=("experts",))
    ] = None
    dense_layers: Annotated[int, Option("first layers, without experts", needs=("experts",))] = 0


@command(
    "flops",
    section="Plans",
    example="isoflop flops --layers 80 --width 8192 --heads 64 --kv-heads 8 --feed-forward 28672 "
    "--vocabulary 128256 --context 8192 --D 15T",
)
def flops(
    *,
    shape: ShapeOptions,
    D: Annotated[float | None, Option("training tokens")] = None,
    mixture: ExpertOptions = ExpertOptions(),
) -> Report:
    """Count the parameters and FLOP of a shape by every convention.

    Which count a law takes is stated beside its constants: isoflop laws.
    """
    from isoflop.accounting import Architecture

    optional: dict[str, Any] = {
        "kv_heads": shape.kv_heads,
        "head_size": shape.head_size,
        "expert_feed_forward": mixture.expert_feed_forward,
    }
    built = Architecture(
        layers=shape.layers,
        width=shape.width,
        heads=shape.heads,
        feed_forward=shape.feed_forward,
        vocabulary=shape.vocabulary,
        context=shape.context,
        gated=not shape.ungated,
        tied=shape.tied,
        biases=shape.biases,
        positions=shape.positions,
        experts=mixture.experts,
        top_k=mixture.top_k,
        shared_experts=mixture.shared_experts,
        dense_layers=mixture.dense_layers,
        **{k: v for k, v in optional.items() if v is not None},
    )
    return counts(built, D)
