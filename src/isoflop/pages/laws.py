"""What each law says, what its numbers mean, and the constants that were published."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from isoflop.errors import UsageError
from isoflop.law import Law, Param, Published
from isoflop.laws.power import PF_DAY
from isoflop.pages import shows, tabulates
from isoflop.pages.answer import answered, estimate
from isoflop.quantities import quantity, show
from isoflop.report import Block, Heading, Paragraph, Remark, Report, Table
from isoflop.report.columns import Columns

NUMBERS = 8  # columns of plain numbers that a terminal of 80 columns holds


def law_of(law: type[Law]) -> Report:
    """Return the page of a law: formula, parameters, published sets, evidence."""
    from isoflop.atlas import evidence_of
    from isoflop.pages.law_evidence import as_data

    sets = [_about_set(s) for s in law.published.values()]
    data = {**about(law), "sets": sets, "evidence": as_data(evidence_of(law.key))}
    return Report(law.key, page(law), data)


def page(law: type[Law]) -> tuple[Block, ...]:
    """Return all that is known of a law: form, parameters, sets, a picture, and public runs."""
    from isoflop.atlas import evidence_of
    from isoflop.pages.law_evidence import on_public_runs
    from isoflop.pages.law_figures import curves

    measured = evidence_of(law.key)
    blocks: list[Block] = [*described(law), parameter_table(law)]
    if law.published:
        blocks += [Heading("Published constants"), *published_sets(law)]
    return (*blocks, *curves(law, measured), *on_public_runs(law, measured))


def matches_of(text: str, laws: Sequence[type[Law]], sets: Sequence[Published]) -> Report:
    """Return the page of the laws and the published sets that a search has found."""
    blocks: list[Block] = []
    if sets:
        rows = tuple((s.key, _inputs(s), s.source) for s in sets)
        blocks.append(Table(("set", "predicts", "source"), rows))
    if laws:
        lines = tuple((law.key, formula(law), law.source) for law in laws)
        blocks.append(Table(("law", "formula", "source"), lines))
    data = {"sets": [s.key for s in sets], "laws": [law.key for law in laws]}
    answer = (
        f"{len(sets)} published sets and {len(laws)} laws speak of {text}; 'isoflop laws NAME' "
        "shows one of them."
    )
    return Report(f"What speaks of {text}", tuple(blocks), data, answer=answer)


def as_printed(constants: Published) -> Paragraph | None:
    """Return the constants of a power as papers write them, (N_c / N)^alpha; None for other forms.

    A scale of compute is in PF-days, too, and what a power of compute comes to at one PF-day.
    """
    law, takes = constants.law, constants.binding.takes
    if law.key != "power" or len(takes) != 1:
        return None
    A, alpha = float(law.values["A"]), float(law.values["alpha"])
    symbol, predicts = takes[0], constants.binding.predicts
    if alpha > 0:
        scale = A ** (1 / alpha)
        days = f", {scale / PF_DAY:.3g} PF-days" if symbol == "C" else ""
        unit = quantity(symbol).unit
        text = f"({symbol}_c / {symbol})^alpha with {symbol}_c = {scale:.3g} {unit}{days}"
        return Paragraph(f"As papers write it: {text}, which is A^(1/alpha).")
    at = f" {A * PF_DAY**-alpha:.3g} at one PF-day, and" if symbol == "C" else ""
    return Paragraph(f"As papers write it: {predicts} is{at} A {symbol}^{-alpha:g}.")


@shows(Published)
def set_of(constants: Published) -> Report:
    """Return the page of a published set of constants."""
    from isoflop.pages.law_figures import of_set

    blocks: list[Block] = [Remark(constants.caution, "doubt")] if constants.caution else []
    law = type(constants.law)
    rows = tuple(
        (name, exactly(value), law.params[name].unit, law.params[name].doc)
        for name, value in constants.law.values.items()
    )
    blocks += [
        Paragraph(f"{formula(law)}, with {_inputs(constants)}. Source: {constants.source}."),
        Table(("parameter", "value", "unit", "meaning"), rows),
        *([printed] if (printed := as_printed(constants)) else []),
        Paragraph(f"Conventions: {in_words(constants.conventions)}."),
        Paragraph(f"Fitted on: {ranges(constants)}."),
    ]
    if constants.check:
        blocks.append(Paragraph(f"The source prints: {written(constants.check)}."))
    blocks.append(of_set(constants))
    values = ", ".join(f"{name} = {exactly(v)}" for name, v in constants.law.values.items())
    answer = answered(f"{constants.key} is {formula(law)} with {values}", blocks)
    return Report(constants.key, tuple(blocks), _about_set(constants), answer=answer)


def changed(constants: Published, values: Mapping[str, float]) -> Report:
    """Return a published set beside the same law with some of its constants changed.

    Raises UsageError for a constant that the law does not have, or that it may not take.
    """
    from isoflop.fitting.problem import refuse_outside
    from isoflop.pages.law_figures import of_sets

    law = type(constants.law)
    if unknown := [name for name in values if name not in law.params]:
        raise UsageError(f"{law.key} has no constant {unknown[0]}; it has {', '.join(law.params)}")
    for name, value in values.items():
        refuse_outside(law, name, value, "stands at")
    numbers = {name: float(value) for name, value in constants.law.values.items()}
    other = dataclasses.replace(constants, name="changed", law=law(**{**numbers, **values}))
    rows = tuple(
        (name, exactly(value), exactly(values.get(name, value)), law.params[name].unit)
        for name, value in numbers.items()
    )
    pairs = ", ".join(f"{name} = {exactly(value)}" for name, value in values.items())
    title = f"{constants.key} with {pairs}"
    blocks: list[Block] = [
        of_sets((constants, other)),
        Paragraph(f"{formula(law)}. Source of {constants.name}: {constants.source}."),
        Table(("constant", constants.name, "changed", "unit"), rows),
    ]
    data = {**_about_set(constants), "changed": {**numbers, **values}}
    return Report(title, tuple(blocks), data, answer=f"{title}.")


@tabulates(Published)
def tables_of_set(constants: Published) -> dict[str, Columns]:
    """Return the constants of a set with their units and meaning."""
    return tables_of(constants.law)


@shows(Law)
def values_of(law: Law) -> Report:
    """Return the page of a law with numbers: its formula, its parameters, and a curve of it."""
    from isoflop.pages.law_figures import of_law

    table = tables_of(law)["parameters"]
    names = [name for name in table if any(cell not in (None, "") for cell in table[name])]
    rows = tuple(zip(*(table[name] for name in names), strict=True))
    members = law.members
    many = "" if members is None else f"{members:,} members: medians, low and high hold 90%"
    blocks: list[Block] = [*described(type(law)), Table(tuple(names), rows, many), of_law(law)]
    pairs = zip(table["parameter"], table["value"], table["low"], table["high"], strict=True)
    values = ", ".join(f"{name} = {estimate(*numbers)}" for name, *numbers in pairs)
    numbers = {name: list(table[name]) for name in ("parameter", "value", "low", "high")}
    data = {**about(type(law)), "members": members, "values": numbers}
    return Report(law.key, tuple(blocks), data, answer=f"{formula(type(law))} with {values}.")


@tabulates(Law)
def tables_of(law: Law) -> dict[str, Columns]:
    """Return the parameters of a law; of an ensemble, medians and its members, too."""
    values = law.values.values()
    ends = [_span(value) for value in values]
    parameters: dict[str, Columns] = {
        "parameters": {
            "parameter": list(law.params),
            "value": [middle for _, middle, _ in ends],
            "low": [low for low, _, _ in ends],
            "high": [high for _, _, high in ends],
            "unit": [p.unit for p in law.params.values()],
            "meaning": [p.doc for p in law.params.values()],
        }
    }
    if (count := law.members) is None:
        return parameters
    return parameters | {"members": {k: np.broadcast_to(v, count) for k, v in law.values.items()}}


def _span(value: Any) -> tuple[float | None, float, float | None]:
    """Return the median and the central 90 % of the numbers of an ensemble; a number alone."""
    if np.ndim(value) == 0:
        return None, float(value), None
    low, middle, high = np.nanquantile(value, [0.05, 0.5, 0.95])
    return float(low), float(middle), float(high)


def formula(law: type[Law]) -> str:
    """Return the formula of a law, which is the first line of its docstring.

    >>> from isoflop.laws import form
    >>> formula(form("chinchilla"))
    'L(N, D) = E + A / N^alpha + B / D^beta'
    """
    return (law.__doc__ or law.key).partition("\n")[0].rstrip(".")


def described(law: type[Law]) -> tuple[Block, ...]:
    """Return the formula of a law, remarks, where it comes from, and what it answers exactly."""
    remarks = " ".join((law.__doc__ or "").partition("\n")[2].split())
    exact = ", ".join(law.closed_forms) or "none; all are found by search"
    parts = [formula(law), remarks, f"Source: {law.source}.", f"Closed forms: {exact}."]
    return tuple(Paragraph(part) for part in parts if part)


def parameter_table(law: type[Law]) -> Table:
    """Return the parameters of a law: unit, bounds, where a search starts, and meaning."""
    rows = tuple(
        (name, p.unit, _range(p.bounds), _range(p.typical), p.doc) for name, p in law.params.items()
    )
    return Table(("parameter", "unit", "bounds", "typical", "meaning"), rows)


def published_sets(law: type[Law]) -> tuple[Block, ...]:
    """Return the numbers of every published set, and where they come from and what to beware of.

    Sets of which the same is said share a paragraph.
    """
    from isoflop.pages.law_evidence import either_way

    sets = law.published.values()
    rows = {s.name: (_inputs(s), *(exactly(v) for v in s.law.values.values())) for s in sets}
    notes: dict[str, list[str]] = {}
    for s in sets:
        notes.setdefault(_said(s), []).append(s.name)
    paragraphs = (Paragraph(f"{', '.join(names)}: {words}") for words, names in notes.items())
    return (either_way(("set", "predicts", *law.params), rows, NUMBERS), *paragraphs)


def _said(constants: Published) -> str:
    """Return source, conventions, range and caution of a set in words."""
    caution = f" Beware: {constants.caution}." if constants.caution else ""
    return (
        f"{constants.source}. Conventions: {written(constants.conventions)}. "
        f"Fitted on: {ranges(constants)}.{caution}"
    )


def written(values: Mapping[str, Any]) -> str:
    """Return named values in words: "N total, C 6ND"."""
    return ", ".join(f"{k} {v}" for k, v in values.items()) or "none stated"


_IN_WORDS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("N", "total"): "N counts all parameters, embeddings too",
        ("N", "non-embedding"): "N leaves out the embeddings of tokens and positions",
        ("N", "active"): "N counts what a token meets of a mixture",
        ("N", "with-head"): "N counts the blocks and the output head, without input embeddings",
        ("N", "flops-per-token"): "N is the training FLOP of one token",
        ("C", "6ND"): "C is 6ND [FLOP]",
        ("C", "6ND-non-embedding"): "C is 6ND [FLOP] of the parameters outside the embeddings",
        ("C", "MD"): "C is tokens times the FLOP of one, attention counted",
    }
)


def in_words(conventions: Mapping[str, str]) -> str:
    """Return conventions in words: how N and C are counted, and the unit of the loss."""
    parts = (_IN_WORDS.get((k, v), f"{k} in {v}") for k, v in conventions.items())
    return "; ".join(parts) or "none stated"


def ranges(constants: Published) -> str:
    """Return the range that a set was fitted on in words, as far as its source states it."""
    parts = (f"{s} {show(low)} to {show(high)}" for s, (low, high) in constants.valid.items())
    return ", ".join(parts) or "not stated"


def exactly(value: float) -> str:
    """Return a constant with all digits that a source may have printed.

    >>> exactly(2085.43), exactly(6.4e13)
    ('2085.43', '6.4e+13')
    """
    return f"{value:.8g}"


def _inputs(constants: Published) -> str:
    return f"{constants.binding.predicts} of {', '.join(constants.binding.takes)}"


def _range(ends: tuple[float, float]) -> str:
    low, high = ends
    if math.isfinite(high):
        return f"{low:g} to {high:g}"
    return f"above {low:g}" if math.isfinite(low) else "any"


def about(law: type[Law]) -> dict[str, Any]:
    """Return a law as JSON types."""
    return {
        "key": law.key,
        "formula": formula(law),
        "predicts": law.predicts,
        "takes": list(law.takes),
        "source": law.source,
        "residuals": law.residuals,
        "closed_forms": list(law.closed_forms),
        "params": {name: _about_param(p) for name, p in law.params.items()},
        "published": [s.key for s in law.published.values()],
    }


def _about_param(parameter: Param) -> dict[str, Any]:
    bounds = [end if math.isfinite(end) else None for end in parameter.bounds]
    return {
        "unit": parameter.unit,
        "bounds": bounds,
        "typical": list(parameter.typical),
        "doc": parameter.doc,
    }


def _about_set(constants: Published) -> dict[str, Any]:
    """Return a published set as JSON types."""
    return {
        "key": constants.key,
        "predicts": constants.binding.predicts,
        "takes": list(constants.binding.takes),
        "params": {name: float(value) for name, value in constants.law.values.items()},
        "source": constants.source,
        "conventions": dict(constants.conventions),
        "check": None if constants.check is None else dict(constants.check),
        "valid": {symbol: list(ends) for symbol, ends in constants.valid.items()},
        "caution": constants.caution,
    }
