"""How far a law can be trusted: held against runs that it was not shown."""

from __future__ import annotations

from isoflop.assess.audit import Audit, Finding, audit
from isoflop.assess.extrapolation.backtest import (
    Backtest,
    Candidate,
    HeldOutErrors,
    Refused,
    backtest,
)
from isoflop.assess.extrapolation.comparison import (
    CandidateScore,
    Comparison,
    compare,
)
from isoflop.assess.extrapolation.form_error import form_error
from isoflop.assess.extrapolation.pool import Member, Pool, load
from isoflop.assess.extrapolation.pooling import again, best, pool
from isoflop.assess.identifiability import Identified, LikelihoodProfile, identify
from isoflop.assess.influence import Influence, Without, influence
from isoflop.assess.speedup import Speedup, speedup

__all__ = [
    "Audit",
    "Backtest",
    "Candidate",
    "CandidateScore",
    "Comparison",
    "Finding",
    "HeldOutErrors",
    "Identified",
    "Influence",
    "LikelihoodProfile",
    "Member",
    "Pool",
    "Refused",
    "Speedup",
    "Without",
    "again",
    "audit",
    "backtest",
    "best",
    "compare",
    "form_error",
    "identify",
    "influence",
    "load",
    "pool",
    "speedup",
]
