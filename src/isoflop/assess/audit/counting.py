"""Checks of how N, D, C and L are counted."""

from __future__ import annotations

import numpy as np

from isoflop.accounting.conversion import ModelFamily
from isoflop.assess.audit.check import AuditedRuns, CheckResult, cannot, check
from isoflop.quantities import show

TOLERANCE = 0.1  # C may differ from 6ND by this share: attention, a last partial batch
LARGE_SHARE, MOST_SHARE = 0.3, 0.5  # of the parameters that may sit in embeddings
ASPECT = 64.0  # width over layers, as GPT-3's smaller models have it
VOCABULARY = 32_000.0  # where no column V says otherwise


@check(
    "numbers",
    why="A run without a number cannot be fitted, and a loss of NaN or infinity is a run that "
    "diverged: left in it stops a fit, left out in silence it flatters the recipe.",
    todo="Look at these runs; leave them out by name (--where 'L < 100') and say so.",
)
def numbers(study: AuditedRuns) -> CheckResult:
    """Find cells that are missing, infinite, zero or negative."""
    runs = study.runs
    if not len(study.sound) < len(runs):
        return CheckResult("pass", f"all {len(runs):,} runs have finite numbers above zero")
    bad = ~np.isin(runs.rows, study.sound.rows)
    rows = tuple(int(r) for r in runs.rows[bad])
    return CheckResult(
        "fail", f"{len(rows)} of {len(runs):,} runs lack a finite number above zero", rows
    )


@check(
    "plausible",
    why="A column in another unit, a training loss, a batch in sequences or a run that crashed "
    "leaves a fit as good as it was, and every answer wrong.",
    todo="Say the unit (--unit N=M,D=B), the column (--columns L=val_loss), or leave rows out "
    "(--where), as each remark says.",
)
def plausible(study: AuditedRuns) -> CheckResult:
    """Ask whether the numbers can be what their columns are called."""
    doubts = study.runs.doubts
    if not doubts:
        return CheckResult("pass", "every column holds what its quantity may be")
    rows = tuple(sorted({row for note in doubts for row in note.rows}))
    return CheckResult("fail", "; ".join(note.text for note in doubts), rows)


@check(
    "conventions",
    why="Total and non-embedding parameters differ by a third and more in small models: the two "
    "counts give different exponents from the same runs (Kaplan's 0.73 against Chinchilla's 0.50).",
    todo="State them: --convention N=total or N=non-embedding, C=6ND; --unit L=bits/byte.",
)
def conventions(study: AuditedRuns) -> CheckResult:
    """Find quantities of which it is not said how they are counted."""
    runs = study.runs
    silent = [s for s in ("N", "C") if s in runs and s not in runs.conventions]
    if "N" not in runs and "C" not in runs:
        return cannot("there is no column N or C")
    stated = ", ".join(f"{s} is {c}" for s, c in runs.conventions.items())
    if silent:
        return CheckResult(
            "warn",
            f"it is not said how {' and '.join(silent)} {'is' if len(silent) == 1 else 'are'} "
            f"counted{f'; {stated}' if stated else ''}",
        )
    if runs.conventions.get("N") == "non-embedding" and runs.conventions.get("C") == "6ND":
        return CheckResult("warn", "N is non-embedding while C = 6ND counts total parameters")
    return CheckResult("pass", stated)


@check(
    "compute",
    needs=("N", "D", "C"),
    why="A plan spends C = 6ND. Where C was counted otherwise (attention, embeddings, repeated "
    "or restarted steps), its best N and D are those of another budget.",
    todo="Say how C is counted, recount it, or derive D or C from the other two.",
)
def compute(study: AuditedRuns) -> CheckResult:
    """Compare C with 6ND, run by run."""
    derived = [n for n in study.runs.notes if n.topic == "derived" and n.symbol in ("D", "C")]
    if derived:
        return cannot(f"one was made from the others: {derived[0]}")
    ratio = study.sound["C"] / (6 * study.sound["N"] * study.sound["D"])
    low, high = show(float(ratio.min())), show(float(ratio.max()))
    text = f"C is {low} to {high} times 6ND"
    off = np.abs(np.log(ratio)) > np.log1p(TOLERANCE)
    if not off.any():
        return CheckResult("pass", text)
    exact = study.runs.conventions.get("C", "6ND") == "6ND"
    return CheckResult(
        "fail" if exact else "warn", f"{text}; {off.sum()} runs are off", study.rows(off)
    )


@check(
    "embeddings",
    needs=("N",),
    why="In a small model most parameters are tables that multiply nothing. Counted in N they "
    "bend the curve at its small end, and the bend is read as an exponent.",
    todo="Give non-embedding N for a fit of small models, or leave out the smallest.",
)
def embeddings(study: AuditedRuns) -> CheckResult:
    """Estimate the share of embeddings in N, by the vocabulary and a usual shape."""
    counted = study.runs.conventions.get("N")
    if counted not in (None, "total"):
        return CheckResult("pass", f"N is {counted}")
    stated = "V" in study.sound and bool(np.isfinite(study.sound["V"]).all())
    V = study.sound["V"] if stated else np.full(len(study.sound), VOCABULARY)
    N = study.sound["N"]
    share = np.array(
        [
            1 - float(ModelFamily(float(v), ASPECT).non_embedding(n)) / n
            for v, n in zip(V, N, strict=True)
        ]
    )
    guess = "" if stated else f", if the vocabulary is {VOCABULARY:,.0f}"
    text = f"embeddings are about {share.max():.0%} of the smallest model{guess}"
    if share.max() <= LARGE_SHARE:
        return CheckResult("pass", text)
    verdict = "fail" if stated and counted and share.max() > MOST_SHARE else "warn"
    return CheckResult(verdict, text, study.rows(share > LARGE_SHARE))  # type: ignore[arg-type]
