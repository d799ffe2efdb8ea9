"""From the runs of a study to trials: checked, costed and hashed before one FLOP is spent."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from isoflop.errors import UsageError, brief, suggest
from isoflop.experiments.design.layouts import PlannedRun
from isoflop.experiments.design.study_file import StudyFile
from isoflop.experiments.experiment import Experiment, Trial
from isoflop.experiments.pretrain.recipe import TrainingRecipe
from isoflop.experiments.pretrain.shape import Shape
from isoflop.experiments.pretrain.sweep import Pretrain, pretrain_trial
from isoflop.experiments.resources import Resources
from isoflop.experiments.trainer.command import Value, refuse_missing, words_of
from isoflop.experiments.trainer.result import ResultMapping
from isoflop.experiments.trainer.trainer import FunctionTrainer, Trainer
from isoflop.quantities import show
from isoflop.runs import SYMBOLS
from isoflop.store import JSON

OWN = ("folder", "name", "key", "device", "checkpoint")  # what every trial has beside its flags
TOKENS = frozenset({"D", "steps", "C", "points", "epochs"})  # any of which says how long to train


def trials_of(study: StudyFile, runs: tuple[PlannedRun, ...] | None = None) -> tuple[Trial, ...]:
    """Return the trials of a study, or of some `runs` of it, without the one that is held out.

    Raises UsageError for a placeholder without a value, for a value that varies and that the
    trainer is not told, and for a budget that is not enough; EnvironmentFailure for a program
    that is not there.
    """
    trials = _trials(study, study.runs() if runs is None else runs)
    _refuse_budget(study, trials)
    return trials


def held_out_trial(study: StudyFile) -> Trial:
    """Return the trial of the run that a study holds out."""
    (trial,) = _trials(study, (study.held_out_run(),))
    return trial


def _trials(study: StudyFile, runs: tuple[PlannedRun, ...]) -> tuple[Trial, ...]:
    if study.trial.model is not None:
        return tuple(_own_trials(study, runs))
    if study.trial.command is not None:
        refuse_missing(words_of(study.trial.command), study.workdir)
    _refuse_untold(study, runs)
    shared = _shared(study)
    return tuple(_foreign_trial(study, run, shared) for run in runs)


@dataclass(frozen=True, slots=True)
class _Shared:
    """What every trial of a user's trainer has alike."""

    kind: type[Experiment]
    config: Mapping[str, JSON]
    setup: Mapping[str, JSON]
    resources: Resources


def _shared(study: StudyFile) -> _Shared:
    table = study.trial
    is_command = table.command is not None
    config: dict[str, JSON] = {"function": table.function}
    if is_command:
        config = {"command": table.command, "environment": table.environment}
    file = table.result.file if is_command else "result.jsonl"
    result = ResultMapping(**{**table.result.model_dump(), "file": file})
    setup: dict[str, JSON] = {
        "workdir": str(study.workdir),
        "result": asdict(result),
        "conventions": _conventions(study, study.sizes.convention or _counted(study)),
    }
    kind = Trainer if is_command else FunctionTrainer
    return _Shared(kind, config, setup, resources_of(study))


def _foreign_trial(study: StudyFile, run: PlannedRun, shared: _Shared) -> Trial:
    """Return the trial of one run for a trainer of the user's."""
    values = values_of(run)
    setup: dict[str, JSON] = {
        **shared.setup,
        "N": run.size.N,
        "points": list(run.points),
        "flop_per_token": run.size.flop_per_token,
        "columns": {k: v for k, v in values.items() if k in SYMBOLS and k not in ("C", "D", "N")},
        "family": run.size.name,
    }
    return Trial(
        experiment=shared.kind.key,
        config={**shared.config, "values": values},
        seed=run.seed,
        flop=run.flop,
        version=shared.kind.version,
        label=label_of(run, study),
        resources=shared.resources,
        setup=setup,
    )


def _counted(study: StudyFile) -> str | None:
    """Return how N is counted where the study does not say: blocks alone by the plain formula."""
    return "non-embedding" if study.sizes.N is None else None


def _conventions(study: StudyFile, convention: str | None) -> dict[str, JSON]:
    conventions: dict[str, JSON] = {} if convention is None else {"N": convention}
    if study.sizes.flop_per_token is None and convention in ("total", "non-embedding"):
        conventions["C"] = "6ND" if convention == "total" else "6ND-non-embedding"
    return conventions


def resources_of(study: StudyFile) -> Resources:
    """Return what each trial of a study needs."""
    table = study.trial
    return Resources(table.cpus, table.gpus, table.memory, table.time_limit, table.grace)


def values_of(run: PlannedRun) -> dict[str, Value]:
    """Return what the placeholders of a run stand for."""
    values: dict[str, Value] = {**run.size.flags, **run.flags, "N": round(run.size.N)}
    values |= {"D": round(run.D), "C": run.flop, "seed": run.seed}
    if len(run.points) > 1:
        values["points"] = [round(D) for D in run.points]
    if run.decay:
        values["decay"] = run.decay
    if run.lr is not None:
        values["lr"] = run.lr
    if run.batch is not None:
        values |= {"batch": round(run.batch), "steps": math.ceil(run.D / run.batch)}
    return values


def label_of(run: PlannedRun, study: StudyFile) -> str:
    """Return what a reader calls a run: its size, and what else the study varies."""
    parts = [run.size.name]
    if len(run.points) == 1:
        parts.append(f"D={show(run.D)}")
    varied = (("lr", run.lr, study.vary.lr), ("batch", run.batch, study.vary.batch))
    parts += [f"{k}={show(v)}" for k, v, _ in varied if v is not None]
    parts += [f"{k}={show(v) if isinstance(v, float) else v}" for k, v in run.flags.items()]
    return " ".join((*parts, f"seed={run.seed}"))


def _refuse_untold(study: StudyFile, runs: tuple[PlannedRun, ...]) -> None:
    """Raise UsageError for a placeholder without a value, or a variation that no trainer sees."""
    wanted = study.wanted
    names = {name for run in runs[:1] for name in values_of(run)} | set(OWN)
    lacking = sorted(wanted - names)
    if lacking and study.trial.function is None:
        raise UsageError(
            f"the placeholder {{{lacking[0]}}} has no value; {suggest(lacking[0], sorted(names))}: "
            "name it under [sizes.flags] or [vary.flags], or vary it"
        )
    if len(runs[0].points) > 1 and "points" not in wanted:
        raise UsageError(
            "a ladder trains one trunk a size and measures a loss at several D, so the trainer "
            "needs {points}; take the design 'tokens' for a run of its own at each D"
        )
    for name, values, wording in _variations(runs):
        if len(values) > 1 and not wanted & wording:
            raise UsageError(
                f"{name} varies ({', '.join(brief(v) for v in list(values)[:3])}, ...) and the "
                f"trainer is not told: put {{{name}}} into its command, or do not vary it"
            )


def _variations(
    runs: tuple[PlannedRun, ...],
) -> Iterator[tuple[str, dict[Any, None], frozenset[str]]]:
    """Yield each setting, the values that it takes, and the placeholders that tell it."""
    sizes = dict.fromkeys(run.size.name for run in runs)
    size_flags = frozenset(name for run in runs for name in run.size.flags)
    yield "N", sizes, frozenset({"N", *size_flags})
    yield "D", dict.fromkeys(run.points for run in runs), TOKENS
    yield "lr", dict.fromkeys(run.lr for run in runs), frozenset({"lr"})
    yield "batch", dict.fromkeys(run.batch for run in runs), frozenset({"batch", "steps"})
    yield "seed", dict.fromkeys(run.seed for run in runs), frozenset({"seed"})
    for name in dict.fromkeys(name for run in runs for name in run.flags):
        yield name, dict.fromkeys(run.flags.get(name) for run in runs), frozenset({name})


def _refuse_budget(study: StudyFile, trials: tuple[Trial, ...]) -> None:
    """Raise UsageError for a budget below what the trials cost."""
    budget = study.budget.flop
    total, least = sum(t.flop for t in trials), min(t.flop for t in trials)
    if budget is None or total <= budget * (1 + 1e-9):
        return
    if least > budget:
        raise UsageError(
            f"the budget is {show(budget)} FLOP and the cheapest trial costs {show(least)}; raise "
            "budget.flop, or train smaller models on fewer tokens"
        )
    order = itertools.accumulate(sorted(t.flop for t in trials))
    count = sum(cost <= budget for cost in order)
    raise UsageError(
        f"the {len(trials)} trials cost {show(total)} FLOP and the budget is {show(budget)}, "
        f"enough for the {count} cheapest; raise budget.flop, or leave out the largest"
    )


def _own_trials(study: StudyFile, runs: tuple[PlannedRun, ...]) -> Iterator[Trial]:
    """Yield the trials of isoflop's own model: one gives the loss at every D of its settings."""
    table = study.trial
    for name in ("flags", "N"):
        if getattr(study.sizes, name):
            raise UsageError(f"sizes: {name} has no effect on the own model; give width and depth")
    for (size, lr, batch, seed), group in _grouped(runs):
        shape = Shape(
            width=int(str(size.flags["width"])),
            layers=int(str(size.flags["depth"])),
            vocabulary=table.vocabulary,
            context=table.context,
            head=table.head,
        )
        _refuse_flags(group)
        recipe = _recipe(study, lr, batch)
        tokens = sorted({D for run in group for D in run.points})
        points = tuple(sorted({recipe.reach(D, shape.context)[0] for D in tokens}))
        sweep = Pretrain(
            shapes=(shape,),
            budgets=(float(shape.flop_per_token() * points[-1]),),
            seeds=(seed,),
            recipe=recipe,
            text=study.place.joinpath(table.text).as_posix() if table.text else None,
            evaluation=table.evaluation,
            least_steps=1,
        )
        trial = pretrain_trial(sweep, shape, seed, points)
        yield Trial(
            experiment=trial.experiment,
            config=trial.config,
            seed=trial.seed,
            flop=trial.flop,
            version=trial.version,
            label=trial.label,
            resources=resources_of(study),
        )


def _grouped(runs: Iterable[PlannedRun]) -> Iterator[tuple[Any, list[PlannedRun]]]:
    """Yield the runs that differ in D alone, with what they share."""
    groups: dict[Any, tuple[Any, list[PlannedRun]]] = {}
    for run in runs:
        key = (run.size.name, run.lr, run.batch, run.seed)
        groups.setdefault(key, ((run.size, run.lr, run.batch, run.seed), []))[1].append(run)
    yield from groups.values()


def _refuse_flags(group: list[PlannedRun]) -> None:
    if flags := next((run.flags for run in group if run.flags), None):
        raise UsageError(
            f"the own model is not told {', '.join(flags)}: its data are one text, seen once; take "
            "a trainer of your own, or another design"
        )


def _recipe(study: StudyFile, lr: float | None, batch: float | None) -> TrainingRecipe:
    """Return how the own model is trained; a ladder decays, everything else is averaged."""
    table, plain = study.trial.recipe, TrainingRecipe()
    is_ladder = study.design.kind == "ladder"
    smallest = round(batch) if batch is not None else plain.batch
    settings: Mapping[str, Any] = {
        "lr": lr if lr is not None else plain.lr,
        "batch": smallest,
        "ramp": table.ramp,
        "largest": max(table.largest or (smallest if batch else plain.largest), smallest),
        "warmup": table.warmup,
        "schedule": "wsd" if is_ladder else "constant-average",
        "window": table.window,
        "decay": getattr(study.design, "decay", table.decay),
    }
    return TrainingRecipe(**settings)
