"""Checks of how the runs were trained."""

from __future__ import annotations

import numpy as np

from isoflop.assess.audit.check import OUTPUT, AuditedRuns, CheckResult, cannot, check, same
from isoflop.quantities import show

OFF = 0.05  # by which D may differ from steps times batch: a warm-up of the batch
REPEATED, WORN = 1.01, 4.0  # epochs from which data is repeated, and from which it wears out


@check(
    "schedule",
    needs=("D", "steps", "batch"),
    why="A learning rate that decays to its end only after D tokens gives a loss that is too high "
    "at D: the rate was still up. This made Kaplan's sizes too large.",
    todo="Train each D with a schedule of its own length, or decay from a constant rate at each D.",
)
def schedule(study: AuditedRuns) -> CheckResult:
    """Compare D with steps times batch: the tokens that the schedule was made for."""
    finite = np.isfinite(study.sound["steps"]) & np.isfinite(study.sound["batch"])
    if not finite.any():
        return cannot("no run has both steps and batch")
    planned = study.sound["steps"] * study.sound["batch"]
    off = finite & (np.abs(np.log(study.sound["D"] / planned)) > OFF)
    if off.any():
        worst = show(float((planned / study.sound["D"])[off].max()))
        says = f"in {off.sum()} runs steps times batch is not D, but up to {worst} times D"
        return CheckResult("fail", says, study.rows(off))
    return CheckResult("pass", f"D is steps times batch in {finite.sum()} runs")


@check(
    "checkpoints",
    needs=("D",),
    why="A loss taken in the middle of a cosine is that of a run with the rate still up, and the "
    "points of one run share its luck: they count as one.",
    todo="Keep the last point of each run, unless its rate was constant or decayed at each point; "
    "draw with --cluster run.",
)
def checkpoints(study: AuditedRuns) -> CheckResult:
    """Find runs that give a loss at several D."""
    names = study.sound.labels.get("run")
    if names is None or (names == "").all():
        return cannot("no label says which rows are of one run")
    middle = np.zeros(len(names), bool)
    for name in np.unique(names[names != ""]):
        inside = names == name
        middle |= inside & (study.sound["D"] < study.sound["D"][inside].max())
    if middle.any():
        runs = np.unique(names[middle]).size
        says = f"{runs} runs give losses at several D; {middle.sum()} are before the run's end"
        return CheckResult("warn", says, study.rows(middle))
    return CheckResult("pass", "every run gives one loss")


@check(
    "seeds",
    needs=(OUTPUT,),
    why="Without a run made twice, the noise of a run cannot be told from the error of the law.",
    todo="Train two or three points again with other seeds; cheap ones will do.",
)
def seeds(study: AuditedRuns) -> CheckResult:
    """Find whether any point was trained more than once."""
    spread = [study.loss[m] for m in same(study, study.inputs) if m.sum() > 1]
    if not spread:
        named = study.sound.labels.get("seed")
        one = named is not None and np.unique(named[named != ""]).size == 1
        return CheckResult(
            "warn", "all runs have one seed" if one else "every point was trained once"
        )
    noise = float(np.sqrt(np.mean([np.var(np.log(v), ddof=1) for v in spread])))
    return CheckResult(
        "pass", f"{len(spread)} points were trained again; they scatter by {noise:.2%}"
    )


@check(
    "repeated data",
    needs=("D",),
    why="The second pass over a token teaches less than the first, the fortieth nothing. A law of "
    "N and D holds them equal, and promises what more passes cannot give.",
    todo="Fit a law that takes U, the unique tokens, or leave out runs of several passes.",
)
def repeated_data(study: AuditedRuns) -> CheckResult:
    """Find runs that saw tokens more than once."""
    if "U" not in study.runs and "epochs" not in study.runs:
        return cannot("there is no column U (unique tokens) or epochs")
    passes = study.sound["D"] / study.sound["U"] if "U" in study.runs else study.sound["epochs"]
    repeats = passes > REPEATED
    if not repeats.any():
        return CheckResult("pass", "no run saw more tokens than were unique")
    says = f"{repeats.sum()} runs repeat their data, up to {show(float(np.nanmax(passes)))} times"
    return CheckResult("fail" if np.nanmax(passes) > WORN else "warn", says, study.rows(repeats))
