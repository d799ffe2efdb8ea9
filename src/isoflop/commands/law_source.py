"""What a command takes as FIT: a saved fit, or constants that somebody published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from isoflop.commands.registry import Option
from isoflop.errors import UsageError

if TYPE_CHECKING:
    from isoflop.assess import Pool
    from isoflop.fitting import Fit
    from isoflop.law import Published

Model: TypeAlias = Annotated[
    str, Option("a fit or a pool saved with --out, or published constants written LAW/SET", "FIT")
]
Level: TypeAlias = Annotated[
    float | None, Option("share of draws that an interval holds; that of the fit unless given")
]

Growth: TypeAlias = Annotated[
    float | None,
    Option(
        "error of the form per factor e beyond the runs, such as 0.01, or 0 to leave it out; "
        "learnt from the runs unless given"
    ),
]


def model(text: str, **widths: float | None) -> Fit[Any] | Pool | Published:
    """Return the saved fit or pool, or the published constants, that `text` names.

    `widths` are options that set the width of intervals, None where they are not stated.
    Raises UsageError for a law without numbers and for a width where there are no draws,
    UnknownName for constants that nobody published, BadStudy for a file that is no fit.
    """
    item = _model(text)
    _refuse_unbanded(item, widths)
    return item


def _model(text: str) -> Fit[Any] | Pool | Published:
    from isoflop.assess import load
    from isoflop.law import Law
    from isoflop.laws import constants

    if Path(text).exists():
        return load(text)
    if text in Law.registry:
        sets = [published.key for published in Law.registry[text].published.values()]
        named = f"name a published set of it ({', '.join(sets[:3])})" if sets else "fit it to runs"
        raise UsageError(f"{text} is a law without numbers; {named}, or a fit saved with --out")
    if published := _named(text):
        return published
    if text.count("/") == 1 and not text.endswith(".json") and not text.startswith((".", "/")):
        return constants(text)
    return load(text)


def _named(text: str) -> Published | None:
    """Return the published set that an author and year name, such as besiroglu2024; None for none.

    Of several sets of one name that law of N and D which predicts the loss is meant, if one is.
    Raises UsageError, with all of them, where that leaves more than one.
    """
    from isoflop.laws import search

    sets = search(text)[1] if "/" not in text and not text.endswith(".json") else ()
    if not sets:
        return None
    of_loss = [s for s in sets if {"N", "D"} == set(s.binding.takes) and s.binding.predicts == "L"]
    if len(of_loss) == 1 or len(sets) == 1:
        return (of_loss or sets)[0]
    keys = ", ".join(s.key for s in sets[:8])
    more = f" and {len(sets) - 8} more ('isoflop laws {text}' lists them)" if len(sets) > 8 else ""
    raise UsageError(f"{text} names {len(sets)} published sets: {keys}{more}; name one of them")


def saved(text: str) -> Fit[Any] | Pool:
    """Return the saved fit, or pool, that `text` names.

    Raises UsageError for published constants, and what `model` raises.
    """
    from isoflop.law import Published

    source = model(text)
    if isinstance(source, Published):
        raise UsageError(
            f"{text} are published constants, which come without runs; give a fit saved with --out"
        )
    return source


def single(text: str) -> Fit[Any]:
    """Return the saved fit of one law that `text` names.

    Raises UsageError for a pool, and what `saved` raises.
    """
    from isoflop.fitting import Fit

    source = saved(text)
    if not isinstance(source, Fit):
        raise UsageError(f"{text} is a pool of several laws; give a fit of one, saved with --out")
    return source


def _refuse_unbanded(
    model: Fit[Any] | Pool | Published, widths: Mapping[str, float | None]
) -> None:
    """Raise UsageError for an option that sets the width of an interval where there is none."""
    if model.draws is not None:
        return
    for name, value in widths.items():
        if value is not None:
            raise UsageError(
                f"--{name} is of intervals, and there are no draws to make one of: published "
                "constants, and fits made with --draws 0, come without"
            )
