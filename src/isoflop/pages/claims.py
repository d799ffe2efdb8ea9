"""What is widely repeated about scaling laws, and what of it is so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from isoflop.errors import UnknownName, UsageError
from isoflop.report import Block, Heading, Paragraph, Table

if TYPE_CHECKING:
    from isoflop.atlas.claims import Claim
    from isoflop.claims.recomputed import Recomputed, Verdict

    Judged: TypeAlias = tuple[Claim, Recomputed, Verdict]


def asked(numbers: Sequence[str], topic: str | None) -> list[Claim]:
    """Return the claims with these numbers, or all of them, of one topic if it is named."""
    from isoflop.atlas.claims import CLAIMS

    claims = [_numbered(text) for text in numbers] or list(CLAIMS.values())
    if topic is None:
        return claims
    topics = {c.topic.lower(): c.topic for c in CLAIMS.values()}
    if topic.lower() not in topics:
        raise UnknownName("topic of claims", topic, sorted(topics.values()))
    chosen = [c for c in claims if c.topic == topics[topic.lower()]]
    if not chosen:
        raise UsageError(f"none of these claims is on the topic {topics[topic.lower()]!r}")
    return chosen


def _numbered(text: str) -> Claim:
    from isoflop.atlas.claims import CLAIMS, LEFT_OUT

    plain = text.strip().lstrip("#")
    if plain.isdecimal() and int(plain) in CLAIMS:
        return CLAIMS[int(plain)]
    if plain.isdecimal() and int(plain) in LEFT_OUT:
        raise UsageError(f"claim {plain} is left out: it is of benchmark scores, not of a law")
    raise UsageError(f"no claim {text!r}; they are numbered from {min(CLAIMS)} to {max(CLAIMS)}")


def counted(judgeds: list[Judged]) -> str:
    """Return how many claims have each verdict, and how many were recomputed."""
    from isoflop.claims.recomputed import VERDICTS

    counts = Counter(verdict for _, _, verdict in judgeds)
    words = ", ".join(f"{counts[v]} {v}" for v in VERDICTS if counts[v])
    computed = sum(recomputed.computed for _, recomputed, _ in judgeds)
    return f"{len(judgeds)} claims: {words}; of {computed} the numbers are recomputed here"


def left_out() -> str:
    """Return which claims are not listed, and why."""
    from isoflop.atlas.claims import LEFT_OUT

    named = ", ".join(map(str, LEFT_OUT))
    return (
        f"Left out: {len(LEFT_OUT)} ({named}), of benchmark scores that no law speaks of. A number "
        "holds if what is recomputed rounds to it; where a claim says 'about', within a share."
    )


def overview(judgeds: list[Judged]) -> Table:
    """Return the claims, one a row, with their verdicts."""
    rows = tuple((f"{c.number}", verdict, c.statement) for c, _, verdict in judgeds)
    return Table(("claim", "verdict", "what is said"), rows)


def picture(judgeds: list[Judged]) -> list[Block]:
    """Return how far numbers that are said lie from those found; nothing where none can be drawn.

    Where a claim says several, the worst is drawn.
    """
    import numpy as np

    from isoflop.claims.recomputed import AT_LEAST
    from isoflop.report import Axis, Figure, Line, Points

    points: dict[str, list[tuple[int, float, str]]] = {}
    for claim, recomputed, verdict in judgeds:
        pairs = [
            c
            for c in recomputed.compared
            if c.stated > 0 and c.recomputed > 0 and not c.what.startswith(AT_LEAST)
        ]
        if pairs:
            worst = max(pairs, key=lambda c: abs(np.log(c.stated / c.recomputed)))
            points.setdefault(verdict, []).append(
                (
                    claim.number,
                    worst.stated / worst.recomputed,
                    f"claim {claim.number}: {worst.what}",
                )
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


def detail(claim: Claim, recomputed: Recomputed, verdict: str) -> list[Block]:
    """Return one claim: what is said, what the sources say, and what was recomputed."""
    blocks: list[Block] = [
        Heading(f"{claim.number}: {verdict}"),
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


def as_data(judgeds: list[Judged]) -> dict[str, Any]:
    """Return claims as JSON types."""
    from isoflop.atlas.claims import LEFT_OUT

    return {
        "claims": [
            {
                "number": c.number,
                "topic": c.topic,
                "statement": c.statement,
                "verdict": verdict,
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
                    for k in recomputed.compared
                ],
                "also": dict(recomputed.also),
            }
            for c, recomputed, verdict in judgeds
        ],
        "left_out": list(LEFT_OUT),
    }
