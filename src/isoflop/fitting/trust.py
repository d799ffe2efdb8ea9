"""What says how far a fit can be trusted: its status, its starts, and the error of its form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from weakref import WeakKeyDictionary

Status = Literal["ok", "doubtful", "refused"]


class Starts(NamedTuple):
    """How many starting points were screened and polished, and how many of those agree."""

    screened: int
    polished: int
    agree: int


@dataclass(frozen=True, slots=True)
class FormError:
    """How far the form of a law may be off beyond its runs: sd = growth * log(times beyond).

    It is of the log of the prediction. `splits` of a backtest taught it; with none it is what
    forms usually err, and `reason` says why no backtest could say more.
    """

    growth: float
    splits: int = 0
    reason: str = ""


# The errors of the forms of fits that were learnt after they were made.
LEARNT_FORMS: WeakKeyDictionary[Any, FormError] = WeakKeyDictionary()
