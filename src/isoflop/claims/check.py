"""Statements about scaling laws that are widely repeated, checked."""

from __future__ import annotations

from dataclasses import dataclass

from isoflop.atlas.claims import CLAIMS, LEFT_OUT, Claim
from isoflop.claims import chinchilla, kaplan, models, others
from isoflop.claims.recomputed import REGISTRY, VERDICTS, Recomputed, Verdict, verdict
from isoflop.errors import UnknownName, UsageError
from isoflop.report.display import Displayed

REGISTERED = (chinchilla, kaplan, models, others)  # importing a file registers what is in it


@dataclass(frozen=True)
class CheckedClaim(Displayed):
    """A statement, what is recomputed for it, and the verdict that follows."""

    claim: Claim
    recomputed: Recomputed
    verdict: Verdict


@dataclass(frozen=True)
class CheckedClaims(Displayed):
    """Statements with their verdicts; `all` says that none was left out by a choice."""

    claims: tuple[CheckedClaim, ...]
    all: bool

    def count(self, verdict: Verdict) -> int:
        """Return how many statements have a verdict."""
        return sum(c.verdict == verdict for c in self.claims)

    @property
    def computed(self) -> int:
        """How many statements had numbers recomputed."""
        return sum(c.recomputed.computed for c in self.claims)


def check(
    *numbers: int | str, topic: str | None = None, verdict: Verdict | None = None
) -> CheckedClaims:
    """Return widely repeated statements, by number or all of them, with their verdicts.

    Numbers are recomputed from the laws, the published models and the accounting of isoflop; one
    that does not hold makes a statement wrong.

    Raises UsageError for a number that is none, and where no statement is of the topic or has the
    verdict; UnknownName for another topic or verdict.
    """
    if verdict is not None and verdict not in VERDICTS:
        raise UnknownName("verdict", verdict, VERDICTS)
    chosen = [c for c in map(judge, _chosen(numbers, topic)) if verdict in (None, c.verdict)]
    if not chosen:
        raise UsageError(f"none of these claims has the verdict {verdict!r}")
    return CheckedClaims(tuple(chosen), not numbers and topic is None and verdict is None)


def judge(claim: Claim) -> CheckedClaim:
    """Return a statement with what is recomputed for it, and the verdict."""
    recompute = REGISTRY.get(claim.number)
    recomputed = Recomputed() if recompute is None else recompute(claim)
    return CheckedClaim(claim, recomputed, verdict(claim, recomputed))


def _chosen(numbers: tuple[int | str, ...], topic: str | None) -> list[Claim]:
    """Return the claims with these numbers, or all of them, of one topic if it is named."""
    claims = [_numbered(number) for number in numbers] or list(CLAIMS.values())
    if topic is None:
        return claims
    topics = {c.topic.lower(): c.topic for c in CLAIMS.values()}
    if topic.lower() not in topics:
        raise UnknownName("topic of claims", topic, sorted(topics.values()))
    chosen = [c for c in claims if c.topic == topics[topic.lower()]]
    if not chosen:
        raise UsageError(f"none of these claims is on the topic {topics[topic.lower()]!r}")
    return chosen


def _numbered(number: int | str) -> Claim:
    text = f"{number}"
    plain = text.strip().lstrip("#")
    if plain.isdecimal() and int(plain) in CLAIMS:
        return CLAIMS[int(plain)]
    if plain.isdecimal() and int(plain) in LEFT_OUT:
        raise UsageError(f"claim {plain} is left out: it is of benchmark scores, not of a law")
    raise UsageError(f"no claim {text!r}; they are numbered from {min(CLAIMS)} to {max(CLAIMS)}")
