"""identify: which numbers the runs can give, and which they cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.commands.given_law import noted
from isoflop.commands.influence import (
    Fixed,
    Objectives,
    Output,
    Over,
    Seed,
    ToFit,
    answers,
    numbers,
)
from isoflop.commands.inputs import Columns, Convention, Derive, Reading, Source, Unit, Where
from isoflop.commands.registry import command
from isoflop.report import Axis, Block, Cell, Figure, Heading, Line, Note, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.assess.identify import Identified, Profile
    from isoflop.fitting import Fit

FAR = 4.0  # rises beyond this many times the end of an interval are not drawn


@command("identify", example="isoflop identify sample:tiny --law chinchilla --C 1e20")
def identify(
    runs: Source,
    *,
    law: ToFit,
    objective: Objectives = "huber",
    fix: Fixed = None,
    over: Over = None,
    predicts: Output = None,
    seed: Seed = 0,
    where: Where = None,
    columns: Columns = None,
    derive: Derive = (),
    convention: Convention = None,
    unit: Unit = None,
    **at: float,
) -> Report:
    """Show which numbers the runs can give, and which they cannot.

    Holds each parameter at other values and fits the rest again. Give C for the best N and D of
    that budget, or what the law takes (N and D) for a forecast.
    """
    from isoflop import assess, fitting
    from isoflop.laws import form

    table = Reading(where, columns, derive, convention, unit)(runs)
    made = fitting.fit(
        form(law), table, objective=objective, fix=fix, over=over, predicts=predicts, seed=seed
    )
    found = assess.identify(made, answers(made, at))
    fresh = [n for n in found.notes if n not in made.notes]
    good = [] if found.unknown else [Note("the runs give every number that was asked for", "good")]
    blocks: list[Block] = [
        *noted(made, made.notes),
        *(Note(text, "doubt") for text in fresh),
        *(Note(f"not known: {name}; {why}", "doubt") for name, why in found.unknown.items()),
        *good,
        _parameters(made, found),
        *_answers(found),
        *_correlations(found),
        Heading("Profiles"),
        Paragraph(
            "Each curve holds one parameter at other values and fits the rest again. Where it "
            "crosses 1, a value fits worse than chance explains: there the interval ends."
        ),
        *(_figure(made, p) for p in found.profiles),
    ]
    title = f"What {len(table):,} runs of {table.origin} say of {law}"
    refused = made.status == "refused"
    return Report(title, tuple(blocks), _as_data(made, found), refused=refused)


def _parameters(made: Fit[Any], found: Identified) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for p in found.profiles:
        ends = [v if np.isfinite(v) else None for v in (*p.interval, *made.interval(p.name))]
        sides = [word for word, is_open in zip(("low", "high"), p.is_open, strict=True) if is_open]
        value = getattr(made.law, p.name)
        rows.append((p.name, value, *ends, " and ".join(sides) or "none"))
    columns = ("parameter", "value", "low", "high", "draws low", "draws high", "open end")
    mixed = ", ".join(f"{k} {w:.2f}" for k, w in found.weakest.items())
    caption = (
        f"low and high are of the profile, at {made.level:.0%}; an open end is not set by the "
        f"runs. Conditioning {found.conditioning:.1e}; what the runs see least is made of {mixed}."
    )
    return Table(columns, tuple(rows), caption)


def _answers(found: Identified) -> list[Block]:
    if not found.answers:
        return []
    rows: list[tuple[Cell, ...]] = [
        (name, *numbers(dict(zip("vlh", ends, strict=True))).values(),
         "not known" if name in found.unknown else "known")
        for name, ends in found.answers.items()
    ]  # fmt: skip
    caption = "low and high are over all laws of the profiles that fit nearly as well"
    return [Heading("Answers"), Table(("answer", "value", "low", "high", ""), tuple(rows), caption)]


def _correlations(found: Identified) -> list[Block]:
    rows: list[tuple[Cell, ...]] = [
        (name, *(float(round(v, 3)) for v in row))
        for name, row in zip(found.names, found.correlations, strict=True)
    ]
    caption = "1 or -1: the runs give the two together only; N and D are measured from their means"
    return [Heading("Correlations"), Table(("", *found.names), tuple(rows), caption)]


def _figure(made: Fit[Any], profile: Profile) -> Figure:
    parameter = made.law.params[profile.name]
    order = np.argsort(profile.values)
    values, rise = profile.values[order], profile.rise[order]
    near = rise <= max(FAR, rise.min())
    log = bool(values.min() > 0 and "^" in parameter.unit)
    ends = np.array([values[near].min(), values[near].max()])
    return Figure(
        f"Profile of {profile.name}",
        Axis(f"{profile.name}: {parameter.doc}" if parameter.doc else profile.name,
             parameter.unit, log=log),
        Axis("rise of the objective", "1 is chance", log=False),
        (
            Line("all others fitted again", values[near], rise[near]),
            Line("end of the interval", ends, np.ones(2), "reference"),
        ),
    )  # fmt: skip


def _as_data(made: Fit[Any], found: Identified) -> dict[str, Any]:
    return {
        "law": made.law.key,
        "status": made.status,
        "notes": list(dict.fromkeys((*made.notes, *found.notes))),
        "conditioning": found.conditioning if np.isfinite(found.conditioning) else None,
        "correlations": {
            name: dict(zip(found.names, map(float, row), strict=True))
            for name, row in zip(found.names, found.correlations, strict=True)
        },
        "weakest": dict(found.weakest),
        "profiles": {
            p.name: {
                **numbers({"low": p.interval.low, "high": p.interval.high}),
                "open": list(p.is_open),
                "values": p.values.tolist(),
                "rise": p.rise.tolist(),
            }
            for p in found.profiles
        },
        "answers": {
            name: numbers(dict(zip(("value", "low", "high"), ends, strict=True)))
            for name, ends in found.answers.items()
        },
        "unknown": dict(found.unknown),
    }
