"""What to spend: the best run for a budget, the cheapest run to a loss, what a miss costs."""

from __future__ import annotations

from isoflop.plan.cost import Cost, Serving, priced
from isoflop.plan.optimum import best, cheapest, optimum
from isoflop.plan.result import Alternative, Estimate, Plan, Regret
from isoflop.plan.spend import reach, spend

__all__ = [
    "Alternative",
    "Cost",
    "Estimate",
    "Plan",
    "Regret",
    "Serving",
    "best",
    "cheapest",
    "optimum",
    "priced",
    "reach",
    "spend",
]
