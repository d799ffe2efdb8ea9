"""Checks of the losses themselves."""

from __future__ import annotations

import numpy as np

from isoflop import fitting, laws
from isoflop.assess.audit.check import OUTPUT, AuditedRuns, CheckResult, cannot, check, same
from isoflop.errors import IsoflopError
from isoflop.runs.consistency import APART, above_smaller, no_better

COARSE, COARSEST = 1e-3, 1e-2  # a step between losses, as a share of them, that a fit feels
FAR = 5.0  # residuals beyond this many robust standard deviations
LEAST_FAR = 0.01  # and beyond this share: a fit is not so exact that less would be a fault


@check(
    "duplicates",
    needs=(OUTPUT,),
    why="Two losses for one point are a seed, or a mistake in the table: one of them may belong "
    "to another run. A row that is there twice counts twice.",
    todo="Label seeds (a column seed); delete the rows that are copies.",
)
def duplicates(study: AuditedRuns) -> CheckResult:
    """Find points that are there more than once without a seed to tell them apart."""
    names = [study.sound.labels[k] for k in ("seed", "run") if k in study.sound.labels]
    copies, apart = np.zeros(len(study.sound), bool), np.zeros(len(study.sound), bool)
    for inside in same(study, study.inputs):
        if inside.sum() < 2 or any(np.unique(n[inside]).size == inside.sum() for n in names):
            continue
        loss = study.loss[inside]
        (copies if np.unique(loss).size == 1 else apart)[inside] = True
    if not (copies | apart).any():
        return CheckResult(
            "pass", "no point is there twice, unless a seed or a run tells them apart"
        )
    wide = any(
        np.ptp(np.log(study.loss[m & apart])) > APART
        for m in same(study, study.inputs)
        if (m & apart).sum() > 1
    )
    parts = [
        f"{n.sum()} rows share a point and {what}"
        for n, what in ((copies, "its loss"), (apart, "differ in their loss"))
        if n.any()
    ]
    return CheckResult("fail" if wide else "warn", "; ".join(parts), study.rows(copies | apart))


@check(
    "rounding",
    needs=(OUTPUT,),
    why="Losses rounded to two decimals differ by steps of 0.5%, about what a fit leaves over: "
    "exponents then hang on the rounding.",
    todo="Take the losses from the logs, with all their digits.",
)
def rounding(study: AuditedRuns) -> CheckResult:
    """Find the coarsest step of which all losses are multiples."""
    decimals = next(
        (d for d in range(9) if np.allclose(study.loss, np.round(study.loss, d), 0, 1e-12)), None
    )
    if decimals is None:
        return CheckResult("pass", "losses have nine decimals or more")
    share = 10.0**-decimals / float(np.median(study.loss))
    says = f"losses have {decimals} decimals: steps of {100 * share:.1g}%"
    return CheckResult("fail" if share > COARSEST else "warn" if share > COARSE else "pass", says)


@check(
    "outliers",
    needs=("N", "D", "L"),
    why="A few runs that went wrong can decide an answer: the five highest of 245 losses move "
    "Chinchilla's tokens per parameter from 7 to 18.",
    todo="See 'isoflop influence'; look at these runs, and say why any is left out.",
)
def outliers(study: AuditedRuns) -> CheckResult:
    """Find runs that a law fitted to all of them leaves far off."""
    residuals, reason = np.zeros(len(study.sound)), ""
    for family in same(study, ()):
        try:
            law = laws.form("chinchilla")
            residuals[family] = fitting.fit(law, study.sound[family], draws=0).residuals
        except IsoflopError as failure:
            reason = str(failure)
    if not residuals.any() and reason:
        return cannot(f"no law could be fitted: {reason}")
    spread = 1.4826 * float(np.median(np.abs(residuals - np.median(residuals))))
    off = np.abs(residuals) > max(FAR * spread, LEAST_FAR)
    says = f"{off.sum()} runs lie more than {FAR:g} robust standard deviations ({spread:.2%}) off"
    if not off.any():
        return CheckResult(
            "pass", f"no run lies far off a law fitted to all; they scatter by {spread:.2%}"
        )
    return CheckResult("warn", f"{says}, up to {np.abs(residuals).max():.0%}", study.rows(off))


@check(
    "loss falls with scale",
    needs=("N", "D", "L"),
    why="A loss that rises with N or D is a run that diverged, was tuned for another size, or "
    "repeats its data. No law of this kind can follow it.",
    todo="Look at these runs: learning rate, restarts, data; leave out those that went wrong.",
)
def falls(study: AuditedRuns) -> CheckResult:
    """Find runs whose loss is above that of a smaller run, all else equal."""
    scale, N, D = study.sound["N"] * study.sound["D"], study.sound["N"], study.sound["D"]
    if scale.size > 3 and (rising := no_better(np.log(scale), study.loss)).any():
        says = "larger runs have no lower losses than smaller ones"
        return CheckResult("fail", says, study.rows(rising))
    above = np.zeros(scale.size, bool)
    for inside in same(study, [s for s in ("U", "lr", "batch") if s in study.sound]):
        above[inside] = above_smaller(N[inside], D[inside], study.loss[inside])
    if above.any():
        says = f"{above.sum()} runs have a higher loss than one of no more N and D, and half the "
        return CheckResult("warn", f"{says}compute or less", study.rows(above))
    return CheckResult("pass", "losses fall as N grows and as D grows")
