"""How far a law can be trusted: held against runs that it was not shown."""

from __future__ import annotations

from isoflop.assess.audit import Audit, Finding, audit
from isoflop.assess.backtest import Backtest, Candidate, Held, Refused, backtest
from isoflop.assess.compare import Comparison, Member, Pooled, Standing, compare, pool
from isoflop.assess.identify import Identified, Profile, identify
from isoflop.assess.influence import Influence, Without, influence
from isoflop.assess.speedup import Speedup, speedup

__all__ = [
    "Audit",
    "Backtest",
    "Candidate",
    "Comparison",
    "Finding",
    "Held",
    "Identified",
    "Influence",
    "Member",
    "Pooled",
    "Profile",
    "Refused",
    "Speedup",
    "Standing",
    "Without",
    "audit",
    "backtest",
    "compare",
    "identify",
    "influence",
    "pool",
    "speedup",
]
