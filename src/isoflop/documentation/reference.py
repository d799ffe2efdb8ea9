"""Reference pages: the public names of Python, the symbols and terms, and the chips."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import isoflop
from isoflop import atlas
from isoflop.quantities import QUANTITIES, show
from isoflop.report import Block, Table
from isoflop.runs.conventions import CONVENTIONS

MEANINGS = {
    "total": "every parameter, embeddings and output head included",
    "with-head": "the blocks and the output head, without the tables of embeddings",
    "non-embedding": "without the embeddings of tokens and positions, as Kaplan et al. 2020 count",
    "active": "of a mixture of experts, what one token uses",
    "flops-per-token": "FLOP of a training token, over 6",
    "6ND": "6 FLOP for each parameter and token",
    "6ND-with-head": "the same, N of the blocks and the output head",
    "6ND-non-embedding": "the same, N without embeddings",
    "MD": "FLOP per token from the shape, attention included (DeepSeek LLM 2024), times tokens",
    "detailed": "every matrix product of the shape, embeddings and head included",
}
TERMS = {
    "approach 1, 2, 3": (
        "the three ways of Hoffmann et al. 2022 to find the best size of a budget: the lower "
        "envelope of loss curves, parabolas of runs of equal compute, a law of N and D"
    ),
    "backtest": "fit to the smaller runs, forecast the larger, compare with what they measured",
    "bootstrap sample": "the runs drawn anew with replacement and fitted again: one draw",
    "C_mid": "the compute at which a sigmoid of reinforcement learning has half of its gain",
    "compute-optimal": "the N and D that reach the lowest loss for a budget of FLOP",
    "coverage": "the share of intervals that hold what was measured",
    "doubt": "a reason to distrust an answer; it stands before the numbers",
    "error of the form": (
        "how far a law may miss beyond its runs, though it fits them; learnt by a backtest, "
        "and part of every interval"
    ),
    "held-out error": "log of prediction over measurement, on runs that the fit did not see",
    "interval score": "width of an interval, plus a penalty for what lies outside: lower is better",
    "irreducible loss": "E: the loss that no amount of N and D goes below, by the law",
    "IsoFLOP profile": "losses of runs of equal compute against their size",
    "objective": "what a fit minimises over residuals, such as a Huber loss",
    "over-training": "training on more tokens per parameter than is compute-optimal",
    "pool": "several laws weighed by their backtests; its interval holds their disagreement",
    "register": "a forecast sealed before its run, held against it afterwards",
    "residual": "log of observed over predicted, unless a law says otherwise",
    "status": "ok, doubtful or refused: whether an answer can be trusted",
}


def reference() -> Iterator[str | Block]:
    """Yield the page of what Python can call, in the order of the pipeline."""
    yield "# Python reference"
    yield (
        "What `import isoflop as iso` gives, in the order of the work. Units, shapes, errors and "
        "sources are said by each. [Narrower questions](python.md) have functions of their own."
    )
    for name in isoflop.__all__:
        yield from _entry(f"iso.{name}", getattr(isoflop, name))


def glossary() -> Iterator[str | Block]:
    """Yield the page of symbols, conventions and terms."""
    yield "# Symbols and terms"
    yield "## Symbols"
    yield "A column of a table, an input of a law and an option of a command share these names."
    rows = tuple((q.symbol, q.meaning, q.unit) for q in QUANTITIES.values())
    yield Table(("symbol", "meaning", "unit"), rows)
    yield "## Conventions"
    yield (
        "How N and C are counted; a table says it with `--convention N=total`, and what differs "
        "is never mixed."
    )
    counted = ((symbol, way) for symbol, ways in CONVENTIONS.items() for way in ways)
    yield Table(("of", "convention", "counts"), tuple((s, w, MEANINGS[w]) for s, w in counted))
    yield "## Terms"
    yield Table(("term", "meaning"), tuple(TERMS.items()))


def chips() -> Iterator[str | Block]:
    """Yield the page of accelerators, with sources."""
    yield "# Chips"
    yield (
        "Peaks are of dense matrices. A price is for an hour of one chip and moves: state yours "
        "with `--price`. Any other chip: state its figures, as [planning](planning.md) does."
    )
    columns = ("chip", "bf16 [FLOP/s]", "fp8 [FLOP/s]", "memory [GB]", "power [W]", "price [USD/h]")
    yield Table((*columns, "source"), tuple(_chip(atlas.chip(name)) for name in atlas.chip_names()))


def _chip(chip: atlas.Chip) -> tuple[str | float | None, ...]:
    peaks = (show(chip.peak[p]) if p in chip.peak else None for p in ("bf16", "fp8"))
    price = None
    if chip.price is not None:
        low, high = chip.price.hourly.low, chip.price.hourly.high
        ends = f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"
        price = f"{ends} ({chip.price.date})"
    return (chip.key, *peaks, show(chip.memory / 1e9, 3), chip.power, price, chip.source)


def _entry(title: str, value: Any) -> Iterator[str]:
    yield f"## `{title}`"
    yield from _signature(title, value)
    yield _words(value)
    if inspect.isclass(value):
        for name, member in vars(value).items():
            if not name.startswith(("_", "model_")) and _is_documented(member):
                yield f"**`.{name}{_parameters(member)}`** {_words(member)}"


def _signature(title: str, value: Any) -> Iterator[str]:
    if callable(value) and not inspect.isclass(value):
        yield f"```text\n{title}{_parameters(value)}\n```"


def _parameters(value: Any) -> str:
    if isinstance(value, classmethod | staticmethod):
        value = value.__func__
    if not inspect.isfunction(value):
        return ""
    signature = inspect.signature(value)
    parameters = [
        p.replace(default=_Default(p.default)) if p.default is not p.empty else p
        for p in signature.parameters.values()
        if p.name not in ("self", "cls")
    ]
    text = str(signature.replace(parameters=parameters))

    # Annotations of files with `from __future__ import annotations` are texts.
    return re.sub(r"""(?<=: |> )(['"])(.*?)\1(?=[,)= ]|$)""", r"\2", text)


class _Default:
    """A default as it is written; a function has no address in it."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "..." if callable(self.value) else repr(self.value)


def _is_documented(member: Any) -> bool:
    plain = isinstance(member, property | classmethod | staticmethod) or inspect.isfunction(member)
    return plain and bool(inspect.getdoc(member))


def _words(value: Any) -> str:
    return inspect.getdoc(value) or ""
