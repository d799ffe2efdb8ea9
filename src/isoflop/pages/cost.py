"""Hours, energy and money of FLOP on chips, or what hours of chips amount to."""

from __future__ import annotations

from isoflop.errors import UsageError


def work_of(C: float | None, N: float | None, D: float | None) -> float:
    """Return the FLOP that were stated, as C or as N and D."""
    if C is not None and N is None and D is None:
        return C
    if C is None and N is not None and D is not None:
        return 6 * N * D
    raise UsageError("state the work once: --C, or --N and --D of C = 6ND")
