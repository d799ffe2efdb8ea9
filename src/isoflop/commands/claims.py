"""claims: what is widely repeated about scaling laws, and what of it is so."""

from __future__ import annotations

from typing import Annotated, Literal

from isoflop.commands.registry import Option, command
from isoflop.report import Report


@command("claims", section="What is known", example="isoflop claims 23 32 63")
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
    from isoflop.claims import check
    from isoflop.pages.claims import page_of

    return page_of(check(*number, topic=topic, verdict=verdict))
