"""What to spend: the best run for a budget, the cheapest run to a loss, what a miss costs."""

from __future__ import annotations

from isoflop.plan.afford import held_to_budget
from isoflop.plan.approaches import Approach, approaches
from isoflop.plan.budget import Budget, parse_budget, training_flop
from isoflop.plan.cost import Cost, Serving, ServingLoad, priced
from isoflop.plan.design.greedy import Design, design
from isoflop.plan.experts import ExpertAnswer, ExpertChoice, choose_experts
from isoflop.plan.mix import Mixture, mix
from isoflop.plan.optimum import best, cheapest, optimum
from isoflop.plan.precision import against_full, best_bits
from isoflop.plan.problem import PlanningProblem
from isoflop.plan.result import Alternative, Estimate, Plan, Regret
from isoflop.plan.rules import RuleAnswer, RuleComparison, compare_rules
from isoflop.plan.serve import Served, serve
from isoflop.plan.shrink import Shrunk, shrink
from isoflop.plan.spend import reach, spend
from isoflop.plan.wall import TextDemand, TextSupply, Wall, wall

__all__ = [
    "Alternative",
    "Approach",
    "Budget",
    "Cost",
    "Design",
    "Estimate",
    "ExpertAnswer",
    "ExpertChoice",
    "Mixture",
    "Plan",
    "PlanningProblem",
    "Regret",
    "RuleAnswer",
    "RuleComparison",
    "Served",
    "Serving",
    "ServingLoad",
    "Shrunk",
    "TextDemand",
    "TextSupply",
    "Wall",
    "against_full",
    "approaches",
    "best",
    "best_bits",
    "cheapest",
    "choose_experts",
    "compare_rules",
    "design",
    "held_to_budget",
    "mix",
    "optimum",
    "parse_budget",
    "priced",
    "reach",
    "serve",
    "shrink",
    "spend",
    "training_flop",
    "wall",
]
