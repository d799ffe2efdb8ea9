"""Theory and teaching: identities, estimators and simulations, none of them a forecast."""

from __future__ import annotations

from isoflop.theory.dimension import (
    CHECKS,
    Dimension,
    exponent,
    intrinsic_dimension,
    largest_model,
)
from isoflop.theory.emergence import (
    AnswerLossFamily,
    EmergenceScores,
    EmergenceStudy,
    expected,
    first_seen,
    items_to_see,
    simulate,
    study_emergence,
)
from isoflop.theory.entropy import Decomposition, decompose, ranked

__all__ = [
    "CHECKS",
    "AnswerLossFamily",
    "Decomposition",
    "Dimension",
    "EmergenceScores",
    "EmergenceStudy",
    "decompose",
    "expected",
    "exponent",
    "first_seen",
    "intrinsic_dimension",
    "items_to_see",
    "largest_model",
    "ranked",
    "simulate",
    "study_emergence",
]
