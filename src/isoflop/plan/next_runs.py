"""The runs that would narrow a study's forecast most for their compute, given those that it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.errors import BadRuns, RefusedByData, UsageError
from isoflop.experiments.design import StudyFile
from isoflop.experiments.design.sizes import TrialSize
from isoflop.fitting import Fit, fit
from isoflop.plan.design.greedy import Design, design
from isoflop.plan.design.uncertainty import Candidates, Target
from isoflop.quantities import show
from isoflop.runs import Runs
from isoflop.sources import read

STEPS = 16  # token counts that are tried for each size
DRAWS = 200


@dataclass(frozen=True, eq=False)
class NextRuns:
    """Runs to make next, in order, each of a size that the study can train.

    `rows` holds the place of the size in the study, its name, and D [tokens].
    """

    design: Design
    runs: int
    rows: tuple[tuple[int, str, float], ...]

    @property
    def toml(self) -> str:
        """The runs as the blocks that a study's file takes."""
        blocks = [f"\n[[extra]]  # {name}\nsize = {i}\nD = {D:.6g}\n" for i, name, D in self.rows]
        return "".join(blocks)


def next_runs(
    study: StudyFile,
    *,
    count: int | None = None,
    budget: float | str | None = None,
    target: Target | None = None,
) -> NextRuns:
    """Return the runs that narrow the study's target most per FLOP: `count`, or within `budget`.

    The target is the run that is held out unless another is given. Candidates are the study's own
    sizes at token counts up to its largest, none as costly as the target.
    Raises UsageError without a target or an end, RefusedByData where no run helps.
    """
    if target is None:
        run = study.held_out_run()
        target = Target(N=run.size.N, D=run.D)
    sizes = study.all_sizes()
    pool, places = _candidates(study, sizes)
    runs = _runs(study)
    model: Fit[Any] | str = study.law
    if runs is not None:
        try:
            model = fit(study.law, runs, draws=DRAWS)
        except RefusedByData:
            runs = None
    feasible = 0 if runs is None else len(runs)
    noise = study.noise if isinstance(model, str) else None
    chosen = design([model], target, pool, count=count, budget=budget, noise=noise)
    rows = tuple((places[c.index], sizes[places[c.index]].name, c.D) for c in chosen.choices)
    return NextRuns(chosen, feasible, rows)


def _runs(study: StudyFile) -> Runs | None:
    """Return the runs that a study has, or None before the first."""
    try:
        return read(study.folder)
    except BadRuns:
        return None


def _candidates(study: StudyFile, sizes: tuple[TrialSize, ...]) -> tuple[Candidates, list[int]]:
    """Return runs that could be made, and the place of the size of each."""
    planned = study.runs()
    counts = [D for run in planned for D in run.points]
    most = max(run.flop for run in planned)
    if study.held_out is not None:
        most = study.held_out_run().flop * (1 - 1e-9)
    low, high = min(counts) / 2, 4 * max(counts)
    places, N, D, cost = [], [], [], []
    for place, size in enumerate(sizes):
        for tokens in np.geomspace(low, high, STEPS):
            tokens = float(f"{tokens:.2g}")  # a number that a person would write
            if size.flop_per_token * tokens <= most:
                places.append(place)
                N.append(size.N)
                D.append(tokens)
                cost.append(size.flop_per_token * tokens)
    if not places:
        raise UsageError(
            f"no run of the study's sizes costs less than {show(most)} FLOP, which the target does"
        )
    return Candidates(np.array(N), np.array(D), np.array(cost)), places
