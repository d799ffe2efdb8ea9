"""What to spend: the best run for a budget, the cheapest run to a loss, what a miss costs."""

from __future__ import annotations

from isoflop.plan.optimum import optimum
from isoflop.plan.result import Estimate, Plan, Regret
from isoflop.plan.spend import reach, spend

__all__ = ["Estimate", "Plan", "Regret", "optimum", "reach", "spend"]
