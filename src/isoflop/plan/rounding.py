"""What rounding does to a plan: constants of two or three digits move it by factors."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from isoflop.errors import Note
from isoflop.law import Law, Published
from isoflop.plan.cost import Cost
from isoflop.plan.limits import Limits, hold_budget
from isoflop.plan.repeats import repeating
from isoflop.plan.result import Alternative
from isoflop.quantities import show

ENOUGH = 4  # significant digits of an exponent; Besiroglu et al. 2024, section 3.3


@dataclass(frozen=True)
class Question:
    """What is asked of constants: a budget of some cost, within limits."""

    cost: Cost
    budget: float
    within: Limits
    inputs: tuple[tuple[str, float], ...] = ()

    def answer(self, law: Law) -> tuple[float, float]:
        """Return the N [params] and D [tokens] that a law gives."""
        inputs = dict(self.inputs)
        split = hold_budget(
            repeating(law, inputs.get("U")), self.cost, self.budget, self.within, inputs
        )
        return float(split.N[0]), float(split.D[0])


def digits(value: float) -> int:
    """Return the significant digits that a number was written with.

    >>> digits(0.34), digits(0.3478), digits(0.0)
    (2, 4, 0)
    """
    mantissa = f"{abs(value):.15e}".partition("e")[0].replace(".", "")
    plain = repr(float(abs(value))).partition("e")[0].replace(".", "").strip("0")
    return min(len(plain), len(mantissa))


def rounded(law: Law) -> dict[str, int]:
    """Return the exponents of a law that have too few digits to plan with, and their digits."""
    exponents = {k: float(v) for k, v in law.values.items() if law.params[k].unit == "1"}
    return {k: digits(v) for k, v in exponents.items() if 0 < digits(v) < ENOUGH}


def coarse(model: object) -> tuple[Note, ...]:
    """Return a note where published exponents have too few digits; else nothing."""
    short = rounded(model.law) if isinstance(model, Published) else {}
    if not short:
        return ()
    words = " and ".join(f"{k} to {d}" for k, d in short.items())
    return (
        Note(
            "info",
            "rounding",
            f"exponents are rounded ({words} digits), which moves a best split by factors: "
            "isoflop plan shows by which",
        ),
    )


def alternatives(model: Published, question: Question) -> tuple[Alternative, ...]:
    """Return what every published set of the same form and conventions answers, its own first.

    Nothing where the exponents have digits enough.
    """
    if not rounded(model.law):
        return ()
    sets = [model, *(p for p in type(model.law).published.values() if p is not model)]
    rows = []
    for other in sets:
        if all(other.conventions.get(s) == model.conventions.get(s) for s in "NL"):
            N, D = question.answer(other.law)
            law = repeating(other.law, dict(question.inputs).get("U"))
            L = float(law(N=N, D=D, **dict(question.inputs)))
            rows.append(Alternative(other.key, N, D, D / N, L))
    return tuple(rows)


def rounding_notes(
    model: Published, question: Question, others: tuple[Alternative, ...]
) -> tuple[Note, ...]:
    """Return what rounding alone does to tokens per parameter, and what other sets say."""
    short = rounded(model.law)
    if not short:
        return ()
    ratios = []
    for signs in itertools.product((-1, 1), repeat=len(short)):
        moved = {
            k: float(getattr(model.law, k)) + s * _half_unit(float(getattr(model.law, k)), d)
            for s, (k, d) in zip(signs, short.items(), strict=True)
        }
        N, D = question.answer(type(model.law)(**{**model.law.values, **moved}))
        ratios.append(D / N)
    listing = ", ".join(f"{a.ratio:.1f} by {a.name.partition('/')[2]}" for a in others)
    words = " and ".join(f"{k} to {d}" for k, d in short.items())
    # At the corners the best split may leave the world.
    ends = [r for r in ratios if np.isfinite(r)]
    span = f"{show(min(ends))} to {show(max(ends))}" if ends else "anything"
    return (
        Note(
            "info",
            "rounding",
            f"exponents are rounded ({words} digits): numbers that round to them ask for {span} "
            f"tokens "
            f"per parameter here; tokens per parameter by each set of constants: {listing}",
        ),
    )


def _half_unit(value: float, count: int) -> float:
    return float(0.5 * 10.0 ** (math.floor(math.log10(abs(value))) + 1 - count))
