"""Strategies that a bank holds beside its samples: their scores, costs and forced budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass
