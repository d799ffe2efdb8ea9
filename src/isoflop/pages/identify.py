"""Which numbers the runs can give, and which they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.assess.identifiability import Identified, LikelihoodProfile
from isoflop.errors import texts
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimate
from isoflop.pages.influence import numbers
from isoflop.report import (
    Axis,
    Block,
    Cell,
    Figure,
    Heading,
    Line,
    Paragraph,
    Remark,
    Report,
    Table,
    note_blocks,
)

if TYPE_CHECKING:
    from isoflop.fitting import Fit


FAR = 4.0  # rises beyond this many times the end of an interval are not drawn


@shows(Identified)
def page_of(result: Identified) -> Report:
    """Return what the runs can give as a report: what they cannot first, then the profiles."""
    fit, runs = result.fit, result.fit.runs
    fresh = [n for n in result.notes if n not in fit.notes]
    good = (
        [] if result.unknown else [Remark("the runs give every number that was asked for", "good")]
    )
    blocks: list[Block] = [
        *note_blocks(fit.notes),
        *note_blocks(fresh),
        *(Remark(f"not known: {name}; {why}", "doubt") for name, why in result.unknown.items()),
        *good,
        parameters(fit, result),
        *answers_of(result),
        *correlations(result),
        Heading("Profiles"),
        Paragraph(
            "Each curve holds one parameter at other values and fits the rest again. Where it "
            "crosses 1, a value fits worse than chance explains: there the interval ends."
        ),
        *(figure(fit, p) for p in result.profiles),
    ]
    title = f"What {len(runs):,} runs of {runs.origin} say of {fit.law.key}"
    refused = fit.status == "refused"
    return Report(title, tuple(blocks), as_data(fit, result), refused, _answer(result, blocks))


def _answer(result: Identified, blocks: list[Block]) -> str:
    """Return what can be told from the runs, with its interval, and what cannot."""
    profiles = (
        f"{p.name} = {estimate(getattr(result.fit.law, p.name), *p.interval)}"
        for p in result.profiles
        if p.name not in result.unknown
    )
    answers = (
        f"{name} = {estimate(*ends)}"
        for name, ends in result.answers.items()
        if name not in result.unknown
    )
    names = ", ".join([*answers] or [*profiles])
    if not result.unknown:
        return answered(f"These runs give {names}", blocks)
    return answered(f"These runs give {names or 'none of what was asked'}", blocks)


def parameters(fit: Fit[Any], identified_law: Identified) -> Table:
    """Return how well each parameter is determined."""
    rows: list[tuple[Cell, ...]] = []
    for p in identified_law.profiles:
        ends = [v if np.isfinite(v) else None for v in (*p.interval, *fit.interval(p.name))]
        sides = [word for word, is_open in zip(("low", "high"), p.is_open, strict=True) if is_open]
        value = getattr(fit.law, p.name)
        rows.append((p.name, value, *ends, " and ".join(sides) or "none"))
    columns = ("parameter", "value", "low", "high", "draws low", "draws high", "open end")
    mixed = ", ".join(f"{k} {w:.2f}" for k, w in identified_law.weakest.items())
    caption = (
        f"low and high are of the profile, at {fit.level:.0%}; an open end is not set by the "
        f"runs. Conditioning {identified_law.conditioning:.1e}; what the runs see least is made "
        f"of {mixed}."
    )
    return Table(columns, tuple(rows), caption)


def answers_of(identified_law: Identified) -> list[Block]:
    """Return how far the answers move over laws that fit nearly as well."""
    if not identified_law.answers:
        return []
    rows: list[tuple[Cell, ...]] = [
        (
            name,
            *numbers(dict(zip("vlh", ends, strict=True))).values(),
            "not known" if name in identified_law.unknown else "known",
        )
        for name, ends in identified_law.answers.items()
    ]
    caption = "low and high are over all laws of the profiles that fit nearly as well"
    return [Heading("Answers"), Table(("answer", "value", "low", "high", ""), tuple(rows), caption)]


def correlations(identified_law: Identified) -> list[Block]:
    """Return which parameters move together."""
    rows: list[tuple[Cell, ...]] = [
        (name, *(float(round(v, 3)) for v in row))
        for name, row in zip(identified_law.names, identified_law.correlations, strict=True)
    ]
    caption = "1 or -1: the runs give the two together only; N and D are measured from their means"
    return [Heading("Correlations"), Table(("", *identified_law.names), tuple(rows), caption)]


def figure(fit: Fit[Any], profile: LikelihoodProfile) -> Figure:
    """Return the rise of the objective along one parameter, the others fitted again."""
    parameter = fit.law.params[profile.name]
    order = np.argsort(profile.values)
    values, rise = profile.values[order], profile.rise[order]
    near = rise <= max(FAR, rise.min())
    log = bool(values.min() > 0 and "^" in parameter.unit)
    ends = np.array([values[near].min(), values[near].max()])
    return Figure(
        f"Profile of {profile.name}",
        Axis(
            f"{profile.name}: {parameter.doc}" if parameter.doc else profile.name,
            parameter.unit,
            log=log,
        ),
        Axis("rise of the objective", "1 is chance", log=False),
        (
            Line("all others fitted again", values[near], rise[near]),
            Line("end of the interval", ends, np.ones(2), "reference"),
        ),
    )


def as_data(fit: Fit[Any], identified_law: Identified) -> dict[str, Any]:
    """Return identifiability as JSON types."""
    return {
        "law": fit.law.key,
        "status": fit.status,
        "notes": texts(dict.fromkeys((*fit.notes, *identified_law.notes))),
        "conditioning": identified_law.conditioning
        if np.isfinite(identified_law.conditioning)
        else None,
        "correlations": {
            name: dict(zip(identified_law.names, map(float, row), strict=True))
            for name, row in zip(identified_law.names, identified_law.correlations, strict=True)
        },
        "weakest": dict(identified_law.weakest),
        "profiles": {
            p.name: {
                **numbers({"low": p.interval.low, "high": p.interval.high}),
                "open": list(p.is_open),
                "values": p.values.tolist(),
                "rise": p.rise.tolist(),
            }
            for p in identified_law.profiles
        },
        "answers": {
            name: numbers(dict(zip(("value", "low", "high"), ends, strict=True)))
            for name, ends in identified_law.answers.items()
        },
        "unknown": dict(identified_law.unknown),
    }
