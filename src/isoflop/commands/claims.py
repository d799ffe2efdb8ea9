"""claims: what is widely repeated about scaling laws, and what of it is so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.pages.claims import as_data, asked, counted, detail, left_out, overview, picture
from isoflop.report import Block, Paragraph, Remark, Report

if TYPE_CHECKING:
    from isoflop.atlas.claims import Claim
    from isoflop.claims.recomputed import Recomputed, Verdict

    Judged: TypeAlias = tuple[Claim, Recomputed, Verdict]

FEW = 3  # claims that need no table above them


@command("claims", example="isoflop claims 23 32 63")
def claims(
    number: Annotated[
        tuple[str, ...], Option("claims by number; all of them unless given", "NUMBER...")
    ] = (),
    *,
    verdict: Annotated[
        Literal["right", "needs a caveat", "wrong", "no source found"] | None,
        Option("only claims with this verdict"),
    ] = None,
    topic: Annotated[str | None, Option("only claims on this topic, such as Chinchilla")] = None,
) -> Report:
    """Check statements about scaling laws that are widely repeated.

    Each comes with a verdict, a correction and a public source. Numbers are recomputed from the
    laws, the published models and the accounting of isoflop; one that does not hold makes a
    statement wrong.
    """
    rows = [j for j in map(judge, asked(number, topic)) if verdict in (None, j[2])]
    if not rows:
        raise UsageError(f"none of these claims has the verdict {verdict!r}")
    blocks: list[Block] = [Remark(counted(rows))]
    if not number and verdict is None and topic is None:
        blocks.append(Paragraph(left_out()))
    if len(rows) > FEW:
        blocks += [overview(rows), *picture(rows)]
    for one in rows:
        blocks += detail(*one)
    return Report("Claims about scaling laws", tuple(blocks), as_data(rows))


def judge(claim: Claim) -> Judged:
    """Return a claim with what is recomputed for it, and the verdict."""
    from isoflop.claims import chinchilla, kaplan, models, others
    from isoflop.claims.recomputed import REGISTRY, Recomputed, verdict

    # Importing a file registers its recomputations.
    assert all((chinchilla, kaplan, models, others))
    recompute = REGISTRY.get(claim.number)
    recomputed = Recomputed() if recompute is None else recompute(claim)
    return claim, recomputed, verdict(claim, recomputed)
