"""The models of a study: N, the flags that a trainer is given, and FLOP per token."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from isoflop.errors import UsageError, amount
from isoflop.experiments.design.tables import HeldOutTable, SizesTable
from isoflop.experiments.trainer.command import Value
from isoflop.expressions import parse_assignment
from isoflop.quantities import refuse_impossible, show

PLAIN = "12*depth*width**2"  # weights of the blocks' matrices; Kaplan et al. 2020, table 1


@dataclass(frozen=True, slots=True)
class TrialSize:
    """A model: N [params], its flags, what a reader calls it, and its cost [FLOP/token]."""

    N: float
    flags: Mapping[str, Value]
    name: str
    flop_per_token: float


def sizes_of(table: SizesTable, wanted: frozenset[str]) -> tuple[TrialSize, ...]:
    """Return the models of a study; `wanted` are the placeholders that its command uses.

    A command that wants width or depth where N alone is stated gets the shape nearest to N.
    Raises UsageError for lists of different lengths, or sizes that are not stated at all.
    """
    return tuple(_size(table, row, wanted) for row in _rows(table))


def held_out_size(table: SizesTable, run: HeldOutTable, wanted: frozenset[str]) -> TrialSize:
    """Return the model that is held out."""
    row: dict[str, Any] = {
        k: v for k in ("N", "width", "depth") if (v := getattr(run, k)) is not None
    }
    return _size(table, {**row, **run.flags}, wanted)


def _rows(table: SizesTable) -> list[dict[str, Any]]:
    """Return N, width, depth and flags of each model, as they are listed."""
    lists: dict[str, tuple[Any, ...]] = dict(table.flags)
    for name in ("width", "depth"):
        if (values := getattr(table, name)) is not None:
            lists[name] = values
    if isinstance(table.N, tuple):
        lists["N"] = table.N
    if not lists:
        raise UsageError("sizes are empty: give N, width and depth, or flags")
    if table.cross:
        return [dict(zip(lists, row, strict=True)) for row in itertools.product(*lists.values())]
    longest = max(map(len, lists.values()))
    if uneven := next((k for k, v in lists.items() if len(v) not in (1, longest)), None):
        raise UsageError(
            f"sizes: {uneven} has {amount(len(lists[uneven]), 'value', 'values')} and another list "
            f"{longest}; give as many of each, one for all, or cross = true"
        )
    columns = [v * longest if len(v) == 1 else v for v in lists.values()]
    return [dict(zip(lists, row, strict=True)) for row in zip(*columns, strict=True)]


def _size(table: SizesTable, row: Mapping[str, Any], wanted: frozenset[str]) -> TrialSize:
    flags = {k: v for k, v in row.items() if k != "N"}
    N = float(row["N"]) if "N" in row else _formula("N", _size_formula(table, row), row)
    refuse_impossible("N", N)
    if "N" in row and not flags and wanted & {"width", "depth", "heads", "feed_forward"}:
        flags = _shape(N, table)
    each = 6.0 * N
    if table.flop_per_token is not None:
        each = _formula("C", table.flop_per_token, {**row, **flags, "N": N})
    words = [f"{k}={v}" for k, v in flags.items() if k not in ("width", "depth")]
    shape = f"{flags['width']}x{flags['depth']}" if {"width", "depth"} <= set(flags) else ""
    name = " ".join(filter(None, [shape or f"N={show(N)}", *words]))
    return TrialSize(N, flags, name, each)


def _size_formula(table: SizesTable, row: Mapping[str, Any]) -> str:
    if isinstance(table.N, str):
        return table.N
    if {"width", "depth"} <= set(row) and table.convention in (None, "non-embedding"):
        return PLAIN
    raise UsageError(
        "sizes: N is not stated; list it, or give a formula of the flags, such as "
        'N = "12*depth*width**2 + 50257*width"'
    )


def _formula(symbol: str, text: str, row: Mapping[str, Any]) -> float:
    """Return the value of a formula of the flags of one model."""
    numbers = {k: np.array([float(v)]) for k, v in row.items() if isinstance(v, int | float)}
    value = float(parse_assignment(f"{symbol}={text}").values(numbers, {}, 1)[0])
    if not (np.isfinite(value) and value > 0):
        raise UsageError(f"sizes: {text} is {value:g} for {dict(row)}; it must be above zero")
    return value


def _shape(N: float, table: SizesTable) -> dict[str, Value]:
    """Return width, depth and the rest of the shape nearest to N."""
    from isoflop.accounting import shape_for

    best = shape_for(
        N, table.convention or "total", vocabulary=table.vocabulary, context=table.context
    ).architecture
    return {
        "width": best.width,
        "depth": best.layers,
        "heads": best.heads or 1,
        "feed_forward": best.feed_forward or 4 * best.width,
    }
