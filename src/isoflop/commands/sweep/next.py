"""sweep next: the runs that narrow a study's forecast most for their compute."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from isoflop.commands.pricing import SpendOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.sweep.run import study_file
from isoflop.errors import UsageError
from isoflop.pages import sweep_next
from isoflop.report import Report

if TYPE_CHECKING:
    from isoflop.plan.design.uncertainty import Target


@command("sweep next", example="isoflop sweep next study.toml --count 3")
def next_sweep(
    study: Annotated[str, Option("a study's file", "STUDY")],
    *,
    at: Annotated[
        Mapping[str, float] | None,
        Option(
            "what is to be known, unless the run held out: N=7e9,D=1e12 or C=1e22", "NAME=NUMBER"
        ),
    ] = None,
    count: Annotated[int | None, Option("how many runs to choose", least=1, most=100)] = None,
    spending: SpendOptions = SpendOptions(),
    add: Annotated[bool, Option("add them to the study's file, for the next sweep run")] = False,
) -> Report:
    """Choose the runs that narrow the target's forecast most per FLOP.

    Candidates are the study's own sizes; the runs that it has are taken into account. Run the
    study, ask again, and go on until the answer is narrow enough.
    """
    from isoflop.plan.next_runs import next_runs

    file = study_file(study)
    C, cost, assumed = spending.spending()
    chosen = next_runs(file, count=count, budget=C, target=_target(at))
    if add:
        with Path(study).open("a", encoding="utf-8") as text:
            text.write(chosen.toml)
    return sweep_next.page(file, chosen, study if add else None, assumed, cost)


def _target(at: Mapping[str, float] | None) -> Target | None:
    from isoflop.plan.design.uncertainty import Target

    if at is None:
        return None
    if unknown := sorted(set(at) - {"N", "D", "C"}):
        raise UsageError(f"--at speaks of {unknown[0]}; give N and D, or C")
    return Target(**at)
