"""Statements that are widely repeated, recomputed."""

from __future__ import annotations

from isoflop.claims.check import CheckedClaim, CheckedClaims, check

__all__ = ["CheckedClaim", "CheckedClaims", "check"]
