"""By which conventions a plan counts: those of its law, and a refusal where they differ."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from isoflop.accounting import HOFFMANN_FAMILY, ModelFamily, convert_compute, convert_parameters
from isoflop.assess.extrapolation.pool import Pool
from isoflop.errors import ConventionMismatch, UnknownName, UsageError
from isoflop.fitting import Fit
from isoflop.law import Published
from isoflop.plan.cost import Counting
from isoflop.quantities import show

EXACT = {"6ND", "6ND-with-head", "6ND-non-embedding"}  # conventions for which C = 6ND is exact
_OWN = {
    "total": "6ND",
    "with-head": "6ND-with-head",
    "non-embedding": "6ND-non-embedding",
    "flops-per-token": "MD",
}


def counting(
    model: Fit[Any] | Pool | Published,
    convention: Mapping[str, str] | None,
    family: ModelFamily | None,
) -> Counting:
    """Return how FLOP follow from the N of a law, as whoever asks counts them.

    `convention` says how the C and N of the question are counted, unless as in the law; `family`
    says by which shapes to convert C. Runs that count C otherwise than 6ND are asked what a token
    took.

    Raises ConventionMismatch where conventions differ and no family says how to convert.
    """
    if unknown := sorted(set(convention or {}) - {"N", "C"}):
        raise UnknownName("count of a question", unknown[0], ("N", "C"))
    law_N = model.conventions.get("N")
    asked_N = (convention or {}).get("N", law_N)
    if law_N is not None and asked_N != law_N:
        raise ConventionMismatch(_sizes_differ(str(asked_N), law_N, family))
    law_C = model.conventions.get("C") or _OWN.get(law_N or "")
    asked_C = (convention or {}).get("C", law_C)
    if family is not None and (law_N is None or asked_C is None):
        raise UsageError(
            f"shapes convert counts, and the law does not say how its {'C' if law_N else 'N'} is "
            "counted; leave out the shapes (--shapes, family=)"
        )
    if family is not None and law_N is not None and asked_C is not None:
        return Counting(asked_C, law_N, family)
    if asked_C == law_C and (asked_C in EXACT or asked_C is None):
        return Counting(asked_C or "6ND", law_N or "total")
    if asked_C == law_C and not isinstance(model, Published) and "C" in model.runs:
        return _of_runs(model, str(asked_C))
    raise ConventionMismatch(_compute_differs(str(asked_C), str(law_C), law_N))


def _of_runs(model: Fit[Any] | Pool, convention: str) -> Counting:
    """Return the FLOP per token that the runs took, at each of their sizes."""
    N, C, D = (model.runs[s] for s in "NCD")
    finite = np.isfinite(C)
    sizes = np.unique(N[finite])
    each = np.array([np.median((C / D)[finite & (size == N)]) for size in sizes])
    return Counting(convention, model.conventions.get("N", "total"), None, sizes, each)


def _sizes_differ(convention: str, law: str, family: ModelFamily | None) -> str:
    shapes = family or HOFFMANN_FAMILY
    text = f"N is {convention} in the question and {law} in the law"
    try:
        same = float(convert_parameters(1e9, convention, law, shapes))
    except UsageError:  # active parameters are counted from a shape, never converted
        return f"{text}; count the N of your shape as the law does: isoflop flops does"
    return (
        f"{text}; convert it: for models of {shapes.vocabulary:g} tokens and width/layers "
        f"{shapes.aspect:g}, 1B {convention} are {show(same)} {law} "
        "(isoflop.accounting.convert_parameters)"
    )


def _compute_differs(convention: str, law: str, law_N: str | None) -> str:
    text = f"C is {convention} in the question and {law} in the law"
    if convention == law:
        text = f"C is counted as {law}, which is not 6ND, and the runs hold no C to learn it from"
    way = (
        "state the shapes that convert it: --shapes vocabulary=...,aspect=...,context=... (family=)"
    )
    try:
        C = 1e21
        same = convert_compute(C, 1e9, convention, law, HOFFMANN_FAMILY, counted=law_N or "total")
    except UsageError:
        return f"{text}; {way}"
    return f"{text}; {way}; for 1B of Hoffmann's shapes {show(C)} FLOP are {show(float(same))}"
