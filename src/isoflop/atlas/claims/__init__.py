"""Widely repeated statements about scaling laws: what is said, what sources say, and which.

Facts only. Whether the numbers of a statement hold is recomputed where it is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from isoflop.atlas.claims import beyond, chinchilla, kaplan, models
from isoflop.atlas.claims.record import AtLeast, Claim, Standing

__all__ = ["CLAIMS", "LEFT_OUT", "AtLeast", "Claim", "Standing"]

CLAIMS: Mapping[int, Claim] = MappingProxyType(
    {
        claim.number: claim
        for claim in sorted(
            (*kaplan.CLAIMS, *chinchilla.CLAIMS, *models.CLAIMS, *beyond.CLAIMS),
            key=lambda claim: claim.number,
        )
    }
)

# Scores of one model on benchmarks, which no law speaks of.
LEFT_OUT = (65,)
