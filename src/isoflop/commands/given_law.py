"""What a command takes as FIT: a saved fit, or constants that somebody published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from isoflop.commands.registry import Option
from isoflop.errors import UsageError
from isoflop.quantities import quantity
from isoflop.report import Note, Paragraph
from isoflop.report.document import Block

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.runs import Runs

Model: TypeAlias = Annotated[
    str, Option("a fit saved with --out, or published constants written LAW/SET", "FIT")
]
Level: TypeAlias = Annotated[
    float | None, Option("share of draws that an interval holds; that of the fit unless given")
]


def model(text: str, **widths: float | None) -> Fit[Any] | Published:
    """Return the saved fit, or the published constants, that `text` names.

    `widths` are options that set the width of intervals, None where they are not stated.
    Raises UsageError for a law without numbers and for a width where there are no draws,
    UnknownName for constants that nobody published, BadStudy for a file that is no fit.
    """
    found = _model(text)
    _refuse_unbanded(found, widths)
    return found


def _model(text: str) -> Fit[Any] | Published:
    from isoflop.fitting import Fit
    from isoflop.law import Law
    from isoflop.laws import constants

    if Path(text).exists():
        return Fit.load(text)
    if text in Law.registry:
        sets = [found.key for found in Law.registry[text].published.values()]
        named = f"name a published set of it ({', '.join(sets[:3])})" if sets else "fit it to runs"
        raise UsageError(f"{text} is a law without numbers; {named}, or a fit saved with --out")
    if text.count("/") == 1 and not text.endswith(".json") and not text.startswith((".", "/")):
        return constants(text)
    return Fit.load(text)


def saved(text: str) -> Fit[Any]:
    """Return the saved fit that `text` names.

    Raises UsageError for published constants, and what `model` raises.
    """
    from isoflop.law import Published

    found = model(text)
    if isinstance(found, Published):
        raise UsageError(
            f"{text} are published constants, which come without runs; give a fit saved with --out"
        )
    return found


def _refuse_unbanded(found: Fit[Any] | Published, widths: Mapping[str, float | None]) -> None:
    """Raise UsageError for an option that sets the width of an interval where there is none."""
    if found.draws is not None:
        return
    for name, value in widths.items():
        if value is not None:
            raise UsageError(
                f"--{name} is of intervals, and there are no draws to make one of: published "
                "constants, and fits made with --draws 0, come without"
            )


def described(found: Fit[Any] | Published) -> Paragraph:
    """Return in a sentence what stands behind an answer."""
    from isoflop.law import Published

    if isinstance(found, Published):
        return Paragraph(f"From {found.key}: {found.source}.")
    runs = found.runs
    return Paragraph(f"From {found.law.key}, fitted to {len(runs):,} runs of {runs.origin}.")


def unit_of(source: Fit[Any] | Published | Runs, symbol: str) -> str:
    """Return the unit of a quantity; that of the loss is as its source states."""
    own = quantity(symbol).unit
    return source.conventions.get("L", own) if symbol == "L" else own


def counted(source: Fit[Any] | Published | Runs, symbol: str) -> str:
    """Return the unit of a quantity and, where it is stated, how it is counted."""
    unit, said = unit_of(source, symbol), source.conventions.get(symbol)
    return unit if said in (None, unit) else f"{unit}, {said}"


def noted(found: Fit[Any] | Published, notes: Sequence[str]) -> list[Block]:
    """Return notes as blocks; those that bear on trust come before any number."""
    from isoflop.law import EXTRAPOLATION, Published

    if isinstance(found, Published):
        heavy = [t for t in notes if t == found.caution or t.startswith(EXTRAPOLATION)]
        return [Note(text, "doubt" if text in heavy else "info") for text in notes]
    worst: Literal["refused", "doubt"] = "refused" if found.status == "refused" else "doubt"
    grave = doubts(found)
    return [
        Note(text, worst if text in grave[:1] else "doubt" if text in grave else "info")
        for text in notes
    ]


def doubts(fit: Fit[Any]) -> tuple[str, ...]:
    """Return the notes of a fit that bear on trust, worst first; its other notes are remarks."""
    if fit.status == "ok":
        return ()
    remarks = ("the convention by which ", *fit.runs.notes)
    return tuple(n for n in fit.notes if not n.startswith(remarks))
