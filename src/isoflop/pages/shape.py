"""An architecture for a wanted size."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from isoflop.errors import texts
from isoflop.pages.answer import answered
from isoflop.pages.flops import counts
from isoflop.quantities import show
from isoflop.report import Report, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.accounting.shape import Proposal


def page_of(proposal: Proposal) -> Report:
    """Return the shape that is proposed, and what it counts and costs."""
    a = proposal.architecture
    numbers = {k: v for k, v in dataclasses.asdict(a).items() if v not in (None, 0, False)}
    numbers["gated"] = a.gated
    counted = counts(a, None)
    blocks = (
        *note_blocks(proposal.notes),
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
                (f"N, {proposal.convention}", proposal.realised),
                ("off what was wanted", f"{proposal.error:+.2%}"),
            ),
        ),
        *counted.blocks,
    )
    data = {
        "shape": numbers,
        "wanted": proposal.wanted,
        "realised": proposal.realised,
        "error": proposal.error,
    }
    sentence = (
        f"{a.layers} layers of width {a.width:,}, {a.heads} heads and feed-forward "
        f"{a.feed_forward:,} make N = {show(proposal.realised, 4)} ({proposal.convention}), "
        f"{proposal.error:+.2%} off {show(proposal.wanted, 4)}"
    )
    return Report(
        "A shape",
        blocks,
        {**data, **counted.data, "notes": texts(proposal.notes)},
        answer=answered(sentence, blocks),
    )
