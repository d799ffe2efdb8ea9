"""sweep plan: what a study costs and what it will be able to tell, before one FLOP is spent."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.pricing import BudgetText
from isoflop.commands.registry import Option, command
from isoflop.commands.sweep.run import study_file
from isoflop.pages import sweep_plan
from isoflop.report import Report


@command("sweep plan", example="isoflop sweep plan study.toml --noise 0.01")
def plan_sweep(
    study: Annotated[str, Option("a study's file", "STUDY")],
    *,
    noise: Annotated[
        float | None, Option("scatter of losses, as a share, in place of the file's")
    ] = None,
    budget: BudgetText = None,
) -> Report:
    """Say what a study costs and what it can tell, before a FLOP is spent.

    Trials, FLOP, hours, money and memory; whether its runs, placed as they are, can pin the law;
    and how well the run that is held out will be known once they are there.
    """
    from isoflop.plan.outlook import outlook

    return sweep_plan.page(outlook(study_file(study), noise=noise, budget=budget))
