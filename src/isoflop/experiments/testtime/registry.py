"""Names of strategies: what was asked for, in the name, as in "beam/n=16,m=2"."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, Protocol

from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.policy import Problems

if TYPE_CHECKING:
    import torch

    from isoflop.experiments.testtime.outcome import StrategyAnswers
    from isoflop.experiments.testtime.sampler import Bench


class Strategy(Protocol):
    """A way to spend compute on problems; a frozen dataclass of numbers."""

    @property
    def responses(self) -> int:
        """How many whole responses it costs at most."""

    def __call__(
        self, bench: Bench, problems: Problems, random: torch.Generator
    ) -> StrategyAnswers:
        """Return one answer to each problem, and what it cost."""


STRATEGIES: dict[str, type[Any]] = {}


def strategy(kind: str) -> Callable[[type[Any]], type[Any]]:
    """Register a class of strategies under its kind, the first word of its names."""

    def register(declared: type[Any]) -> type[Any]:
        STRATEGIES[kind] = declared
        return declared

    return register


def name_of(chosen: Strategy) -> str:
    """Return the name of a strategy: its kind, and its settings but those left at the default.

    >>> from isoflop.experiments.testtime import Beam
    >>> name_of(Beam(n=16, m=2))
    'beam/n=16,m=2'
    """
    kind = next(k for k, declared in STRATEGIES.items() if declared is type(chosen))
    settings = [
        f"{f.name}={getattr(chosen, f.name)}"
        for f in fields(chosen)  # type: ignore[arg-type]
        if f.default is MISSING or getattr(chosen, f.name) != f.default
    ]
    return "/".join([kind, *([",".join(settings)] if settings else [])])


def named(text: str) -> Strategy:
    """Return the strategy of a name.

    Raises UnknownName for a kind or a setting that there is not, UsageError for a bad value.
    """
    kind, _, rest = text.partition("/")
    if kind not in STRATEGIES:
        raise UnknownName("strategy", kind, STRATEGIES)
    types = {f.name: str(f.type) for f in fields(STRATEGIES[kind])}
    settings: dict[str, Any] = {}
    for part in filter(None, rest.split(",")):
        name, _, value = part.partition("=")
        if name not in types:
            raise UnknownName(f"setting of {kind}", name, types)
        settings[name] = _value(text, name, value, types[name])
    try:
        strategy: Strategy = STRATEGIES[kind](**settings)
    except TypeError:
        wanted = ", ".join(types)
        raise UsageError(f"{text!r} leaves something out; {kind} takes {wanted}") from None
    return strategy


def attempts(chosen: Strategy) -> int:
    """Return how many attempts a strategy makes after one another, in one context."""
    return int(getattr(chosen, "chain", 1 + getattr(chosen, "again", 0)))


def _value(text: str, name: str, value: str, kind: str) -> Any:
    if kind == "str":
        return value
    try:
        return float(value) if kind == "float" else int(value)
    except ValueError:
        raise UsageError(f"{name} of {text!r} is {value!r}, which is no number") from None
