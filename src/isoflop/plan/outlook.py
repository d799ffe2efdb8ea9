"""What a study will cost and what it will be able to tell, before one FLOP is spent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.accounting import Accelerators, TrainingCost, training_cost, training_memory
from isoflop.atlas import chip
from isoflop.errors import IsoflopError, Note, RefusedByData, UsageError
from isoflop.experiments.design import PlannedRun, StudyFile, held_out_trial, trials_of
from isoflop.experiments.experiment import Trial
from isoflop.law import Binding
from isoflop.laws import form
from isoflop.plan.budget import Budget, parse_budget
from isoflop.plan.design.expected import ExpectedWidth, design_gaps, expected_width
from isoflop.plan.design.uncertainty import Candidates, Target
from isoflop.quantities import show

NARROW = 1.5  # a factor in D/N within which all runs are called one ratio
FAR = 100.0  # times the largest run's compute, beyond which a forecast is doubted
WIDE = 0.1  # a half-width beyond which a forecast decides little


@dataclass(frozen=True, eq=False)
class Outlook:
    """A study before it is run: its trials, their cost, and what they will tell.

    `flop` is of all trials, `held_out_flop` of the run that is held out; `memory` [bytes] what the
    largest model keeps between steps, activations aside. `cost` is None where the study names no
    chip, `hours` [h] where it names no speed either; `width` is None without a run held out.
    """

    study: StudyFile
    runs: tuple[PlannedRun, ...]
    trials: tuple[Trial, ...]
    flop: float
    held_out_flop: float | None
    memory: float
    cost: TrainingCost | None
    hours: float | None
    target: Target | None
    width: ExpectedWidth | None
    noise: float
    notes: tuple[Note, ...]

    @property
    def losses(self) -> int:
        """How many losses the trials will measure."""
        return sum(len(run.points) for run in self.runs)


def outlook(study: StudyFile, *, noise: float | None = None, budget: str | None = None) -> Outlook:
    """Return what a study will cost and tell, if losses scatter by `noise`, or as it says.

    `budget`, in words ("$50k", "3 weeks on 64 H100"), stands in place of the study's own.
    Raises UsageError for a budget without a unit or of another chip than the study's, and for a
    study that cannot be run as it stands, EnvironmentFailure for a trainer that is not there.
    """
    scatter = study.noise if noise is None else noise
    if not 0 < scatter < 1:
        raise UsageError(f"noise is {scatter:g}; it is a share, such as 0.005")
    study = study if budget is None else within(study, parse_budget(budget))
    runs = study.runs()
    trials = trials_of(study, runs)
    flop = sum(trial.flop for trial in trials)
    held_out = None if study.held_out is None else study.held_out_run()
    beyond = None if held_out is None else held_out_trial(study).flop
    cost, hours = _cost(study, flop + (beyond or 0.0))
    target = None if held_out is None else Target(N=held_out.size.N, D=held_out.D)
    width, width_notes = _width(study, runs, target, scatter)
    notes = (
        *_left_out(study, runs),
        *_placing(study, runs),
        *_distance(runs, held_out),
        *width_notes,
        *_counting(study),
        *_paying(study, cost, hours),
    )
    return Outlook(
        study=study,
        runs=runs,
        trials=trials,
        flop=flop,
        held_out_flop=beyond,
        memory=training_memory(max(run.size.N for run in runs)).total,
        cost=cost,
        hours=hours,
        target=target,
        width=width,
        noise=scatter,
        notes=tuple(sorted(notes, key=lambda note: note.kind == "info")),
    )


def within(study: StudyFile, budget: Budget) -> StudyFile:
    """Return the study with a budget in place of its own, on the chip that the budget names.

    Raises UsageError where the study names another chip.
    """
    names = {"FLOP": "flop", "USD": "money", "chip-hours": "hours", "kWh": "energy"}
    hardware = study.hardware
    if budget.chip is not None and hardware.chip is None:
        hardware = hardware.model_copy(update={"chip": budget.chip})
    elif budget.chip is not None and chip(hardware.chip or "").key != budget.chip:
        raise UsageError(f"the budget is {budget}, and the study's chip is {hardware.chip}")
    table = type(study.budget).model_validate({names[budget.unit]: budget.amount})
    return study.model_copy(update={"budget": table, "hardware": hardware})


def pool_of_runs(runs: tuple[PlannedRun, ...]) -> Candidates:
    """Return the losses that runs will measure, at the cost of training each on its own."""
    rows = [(r.size.N, D, r.size.flop_per_token * D) for r in runs for D in r.points]
    N, D, cost = np.array(rows, float).T
    return Candidates(N, D, cost)


def _cost(study: StudyFile, flop: float) -> tuple[TrainingCost | None, float | None]:
    """Return cost and hours of so many FLOP on the study's hardware, as far as it is stated."""
    hardware = study.hardware
    if hardware.chip is not None and hardware.mfu is not None:
        cost = training_cost(
            flop, Accelerators(hardware.chip, precision=hardware.precision), hardware.mfu
        )
        return cost, cost.hours.typical
    return None, None if hardware.speed is None else flop / hardware.speed / 3600


def _width(
    study: StudyFile, runs: tuple[PlannedRun, ...], target: Target | None, noise: float
) -> tuple[ExpectedWidth | None, list[Note]]:
    if target is None:
        text = "no run is held out, so that nothing will show whether the law holds further out"
        return None, [Note("doubt", "held out", f"{text}; add [held_out]")]
    if set(Binding(form(study.law)).takes) != {"N", "D"}:
        text = f"{study.law} is no law of N and D, so that the width of its forecast is not known"
        return None, [Note("info", "width", text)]
    try:
        width = expected_width(study.law, target, pool_of_runs(runs), noise)
    except RefusedByData as error:
        return None, [Note("doubt", "width", f"the width of the forecast is not known: {error}")]
    if width.after <= WIDE:
        return width, []
    text = (
        f"the forecast will be known to ± {width.after:.1%} at best, which decides little: add "
        "runs ('isoflop sweep next' names them) or hold out a nearer one"
    )
    return width, [Note("doubt", "width", text)]


def _placing(study: StudyFile, runs: tuple[PlannedRun, ...]) -> list[Note]:
    """Return doubts about where the runs lie."""
    pool = pool_of_runs(runs)
    ratio = pool.D / pool.N
    notes = []
    if float(ratio.max() / ratio.min()) < NARROW and len(np.unique(pool.N)) > 1:
        text = (
            f"all runs have about {show(float(np.median(ratio)))} tokens per parameter: they "
            "cannot tell what more parameters buy from what more tokens buy; add runs at "
            "a quarter and at four times as many"
        )
        notes.append(Note("doubt", "one ratio", text))
    try:
        takes = Binding(form(study.law)).takes
        inputs = {"N": pool.N, "D": pool.D, "C": pool.cost}
        if set(takes) <= set(inputs):
            gaps = design_gaps(study.law, {s: inputs[s] for s in takes})
            notes += [Note("doubt", "identifiability", gap.says) for gap in gaps]
    except IsoflopError as error:
        notes.append(Note("doubt", "identifiability", str(error)))
    return notes


def _left_out(study: StudyFile, runs: tuple[PlannedRun, ...]) -> list[Note]:
    """Return a doubt where an IsoFLOP grid lost runs to its limits."""
    design = study.design
    if design.kind != "isoflop":
        return []
    sizes = study.all_sizes()
    present = {run.size.name for run in runs}
    count = len({(run.size.name, run.points) for run in runs})
    lost = len(sizes) * len(design.budgets) - count
    if lost <= 0:
        return []
    low, high = design.tokens_per_parameter
    text = (
        f"{lost} of {lost + count} cells of the grid are left out, outside of {show(low)} to "
        f"{show(high)} tokens per parameter"
    )
    gone = [size.name for size in sizes if size.name not in present]
    text += f"; nothing is left of {', '.join(gone)}" if gone else ""
    return [Note("doubt" if gone else "info", "left out", text)]


def _distance(runs: tuple[PlannedRun, ...], held_out: PlannedRun | None) -> list[Note]:
    if held_out is None:
        return []
    times = held_out.size.flop_per_token * held_out.D / float(pool_of_runs(runs).cost.max())
    if times <= 1:
        text = "the run that is held out costs no more than the largest of the study: it tests no"
        return [Note("doubt", "distance", f"{text} extrapolation")]
    if times > FAR:
        text = f"the run that is held out lies {show(times)} times beyond the largest in compute"
        return [Note("doubt", "distance", f"{text}; forecasts are seldom held so far out")]
    return []


def _counting(study: StudyFile) -> list[Note]:
    sizes = study.sizes
    if study.trial.model is not None or sizes.convention is not None:
        return []
    if sizes.N is None:
        return [Note("info", "convention", "N is 12 depth width^2: the blocks' matrices alone")]
    text = "how N is counted is not stated; set convention under [sizes], so that laws can be mixed"
    return [Note("doubt", "convention", text)]


def _paying(study: StudyFile, cost: TrainingCost | None, hours: float | None) -> list[Note]:
    """Return what is not known of hours and money, and what lies beyond the budget."""
    budget, notes = study.budget, []
    if hours is None:
        text = "hours and money are not known: name chip and mfu, or a speed, under [hardware]"
        notes.append(Note("info", "hours", text))
    elif cost is None:
        notes.append(Note("info", "money", "money is not known: name chip and mfu"))
    if budget.hours is not None and hours is not None and hours > budget.hours:
        text = f"{show(hours)} hours are needed and the budget is {show(budget.hours)}"
        notes.append(Note("doubt", "budget", text))
    for unit, ceiling, amount in (
        ("USD", budget.money, None if cost is None else cost.money),
        ("kWh", budget.energy, None if cost is None else cost.energy),
    ):
        if ceiling is not None and amount is not None and amount.typical > ceiling:
            text = f"{unit} {show(amount.typical)} are needed and the budget is {show(ceiling)}"
            notes.append(Note("doubt", "budget", text))
    unknown = ((budget.money or budget.energy) and cost is None) or (budget.hours and hours is None)
    if unknown:
        notes.append(Note("doubt", "budget", "the budget cannot be checked without [hardware]"))
    return notes
