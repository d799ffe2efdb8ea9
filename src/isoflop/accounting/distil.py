"""FLOP of distilling a student: its own training, the teacher's logits, the teacher's training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from isoflop.errors import UsageError


@dataclass(frozen=True, slots=True)
class Distilled:
    """FLOP of a distilled student, by what they are for; `total` counts all of them."""

    student: Any
    logits: Any
    teacher: Any

    @property
    def total(self) -> Any:
        """The sum [FLOP]."""
        return self.student + self.logits + self.teacher


def distillation_flop(
    student: Any, D_student: Any, teacher: Any, D_teacher: Any = 0.0, *, logits: bool = True
) -> Distilled:
    """Return the FLOP of training a student on D_student [tokens] with a teacher beside it.

    `student` and `teacher` are forward FLOP per token, 2N where nothing better is known; training
    takes three times that. `logits=False` is for logits that lie on disk already, and D_teacher = 0
    for a teacher that was to be trained anyway: which of the two is left out decides whether
    distilling pays at all.

    Raises UsageError for a count below zero.
    Source: Busbridge et al. 2025, arXiv:2502.08606, eq. 9.
    """
    counts = {
        "student": student,
        "D_student": D_student,
        "teacher": teacher,
        "D_teacher": D_teacher,
    }
    for name, value in counts.items():
        if not bool((value >= 0).all() if hasattr(value, "all") else value >= 0):
            raise UsageError(f"{name} is {value}; it cannot lie below zero")
    return Distilled(
        3.0 * student * D_student,
        teacher * D_student * (1.0 if logits else 0.0),
        3.0 * teacher * D_teacher,
    )
