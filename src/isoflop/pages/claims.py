"""What is widely repeated about scaling laws, and what of it is so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from isoflop.atlas.claims import LEFT_OUT, AtLeast
from isoflop.claims.check import CheckedClaim, CheckedClaims
from isoflop.claims.recomputed import VERDICTS
from isoflop.pages import shows
from isoflop.report import (
    Axis,
    Block,
    Figure,
    Heading,
    Line,
    Paragraph,
    Points,
    Remark,
    Report,
    Table,
)

FEW = 3  # claims that need no table above them


@shows(CheckedClaims)
def page_of(result: CheckedClaims) -> Report:
    """Return claims with their verdicts: how many hold, how far off, and each by itself."""
    sentence = counted(result)
    blocks: list[Block] = [Remark(sentence)]
    if result.all:
        blocks.append(Paragraph(left_out()))
    if len(result.claims) > FEW:
        blocks += [overview(result.claims), *picture(result.claims)]
    for one in result.claims:
        blocks += detail(one)
    data = as_data(result.claims)
    return Report("Claims about scaling laws", tuple(blocks), data, answer=f"{sentence}.")


@shows(CheckedClaim)
def page_of_one(result: CheckedClaim) -> Report:
    """Return one claim: what is said, what the sources say, and what was recomputed."""
    return page_of(CheckedClaims((result,), all=False))


def counted(result: CheckedClaims) -> str:
    """Return how many claims have each verdict, and how many were recomputed."""
    words = ", ".join(f"{result.count(v)} {v}" for v in VERDICTS if result.count(v))
    return (
        f"{len(result.claims)} claims: {words}; of {result.computed} the numbers are recomputed "
        "here"
    )


def left_out() -> str:
    """Return which claims are not listed, and why."""
    named = ", ".join(map(str, LEFT_OUT))
    return (
        f"Left out: {len(LEFT_OUT)} ({named}), of benchmark scores that no law speaks of. A number "
        "holds if what is recomputed rounds to it; where a claim says 'about', within a share."
    )


def overview(claims: Sequence[CheckedClaim]) -> Table:
    """Return the claims, one a row, with their verdicts."""
    rows = tuple((f"{c.claim.number}", c.verdict, c.claim.statement) for c in claims)
    return Table(("claim", "verdict", "what is said"), rows)


def picture(claims: Sequence[CheckedClaim]) -> list[Block]:
    """Return how far numbers that are said lie from those found; nothing where none can be drawn.

    Where a claim says several, the worst is drawn.
    """
    points: dict[str, list[tuple[int, float, str]]] = {}
    for one in claims:
        number = one.claim.number
        pairs = [
            c
            for c in one.recomputed.compared
            if c.stated > 0 and c.recomputed > 0 and not isinstance(c.stated, AtLeast)
        ]
        if pairs:
            worst = max(pairs, key=lambda c: abs(np.log(c.stated / c.recomputed)))
            points.setdefault(one.verdict, []).append(
                (number, worst.stated / worst.recomputed, f"claim {number}: {worst.what}")
            )
    if not points:
        return []
    everyone = [n for rows in points.values() for n, _, _ in rows]
    ends = np.array([min(everyone), max(everyone)], float)
    clouds = [
        Points(
            verdict,
            np.array([r[0] for r in rows], float),
            np.array([r[1] for r in rows]),
            hover=tuple(r[2] for r in rows),
            group=verdict,
            labels=tuple(f"{n}" if max(q, 1 / q) > 1.1 else "" for n, q, _ in rows),
        )
        for verdict, rows in points.items()
    ]
    return [
        Figure(
            "What is said over what is found",
            Axis("claim", "", log=False),
            Axis("number said over number found", "1"),
            (Line("they agree", ends, np.ones(2), "reference"), *clouds),
            "Of a claim of several numbers the worst is drawn; each is named by its claim.",
        )
    ]


def detail(one: CheckedClaim) -> list[Block]:
    """Return one claim: what is said, what the sources say, and what was recomputed."""
    claim, recomputed = one.claim, one.recomputed
    blocks: list[Block] = [
        Heading(f"{claim.number}: {one.verdict}"),
        Paragraph(f"Said: {claim.statement}"),
    ]
    if claim.correction:
        blocks.append(Paragraph(claim.correction))
    rows: list[tuple[str, float | None, float, str, str]] = [
        (
            c.what,
            float(c.stated),
            c.recomputed,
            "source" if c.printed else "recomputed",
            _yes(c.holds),
        )
        for c in recomputed.compared
    ]
    rows += [(what, None, value, "recomputed", "") for what, value in recomputed.also.items()]
    if rows:
        blocks.append(Table(("number", "said", "found", "by", "holds"), tuple(rows)))
    blocks.append(Paragraph(f"Source: {claim.source}." if claim.source else "No source found."))
    return blocks


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def as_data(claims: Sequence[CheckedClaim]) -> dict[str, Any]:
    """Return claims as JSON types."""
    return {
        "claims": [_claim_data(one) for one in claims],
        "left_out": list(LEFT_OUT),
    }


def _claim_data(one: CheckedClaim) -> dict[str, Any]:
    c = one.claim
    return {
        "number": c.number,
        "topic": c.topic,
        "statement": c.statement,
        "verdict": one.verdict,
        "correction": c.correction,
        "source": c.source or None,
        "sources_say": c.standing,
        "compared": [
            {
                "what": k.what,
                "said": k.stated,
                "found": k.recomputed,
                "by": "source" if k.printed else "recomputed",
                "holds": k.holds,
            }
            for k in one.recomputed.compared
        ],
        "also": dict(one.recomputed.also),
    }
