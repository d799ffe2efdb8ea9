"""Several laws as one: their weighted mean, and their draws one after the other.

Planning asks a law for its prediction, its inputs and its closed forms; these answer as a law does.
Suffixes: s draws, k inputs.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import numpy as np

from isoflop.arrays import Numbers
from isoflop.law import Array, Binding, Law


@dataclass(frozen=True, slots=True)
class PooledBinding:
    """The quantities that the laws of a pool take, and the one that all of them predict."""

    takes: tuple[str, ...]
    predicts: str

    def arguments(self, inputs: Mapping[str, Array]) -> dict[str, Array]:
        """Return the inputs that the laws take, by quantity."""
        return {s: inputs[s] for s in self.takes}


@dataclass(frozen=True, eq=False)
class PooledLaw:
    """The weighted mean of laws: geometric, or arithmetic where they are fitted in linear terms."""

    laws: tuple[Law, ...]
    bindings: tuple[Binding, ...]
    weights: tuple[float, ...]
    kind: Literal["log", "linear"] = "log"

    key: ClassVar[str] = "the pool"
    members: ClassVar[None] = None
    closed_forms: ClassVar[Mapping[str, Callable[..., Any]]] = MappingProxyType({})

    @property
    def takes(self) -> tuple[str, ...]:
        """Every quantity that one of the laws takes."""
        return tuple(dict.fromkeys(s for b in self.bindings for s in b.takes))

    def __call__(self, *args: Any, **inputs: Array) -> Numbers:
        """Return the mean prediction at quantities by name."""
        each = [
            np.asarray(law(**b.arguments(inputs)))
            for law, b in zip(self.laws, self.bindings, strict=True)
        ]
        values = np.stack(np.broadcast_arrays(*each))
        if self.kind == "linear":
            return np.asarray(np.average(values, 0, self.weights))
        return np.asarray(np.exp(np.average(np.log(values), 0, self.weights)))


@dataclass(frozen=True, eq=False)
class PooledDraws:
    """The draws of several laws, in turn, as many of each as its weight says."""

    laws: tuple[Law, ...]
    bindings: tuple[Binding, ...]

    key: ClassVar[str] = "the pool"

    @property
    def takes(self) -> tuple[str, ...]:
        """Every quantity that one of the laws takes."""
        return tuple(dict.fromkeys(s for b in self.bindings for s in b.takes))

    @property
    def counts(self) -> tuple[int, ...]:
        """How many draws there are of each law."""
        return tuple(law.members or 1 for law in self.laws)

    @property
    def members(self) -> int:
        """How many draws there are."""
        return sum(self.counts)

    @property
    def closed_forms(self) -> Mapping[str, Callable[..., Any]]:
        """The exact answers that every one of the laws has."""
        shared = set.intersection(*(set(law.closed_forms) for law in self.laws))
        return MappingProxyType({name: _each(name) for name in shared})

    def __call__(self, *args: Any, **inputs: Array) -> Numbers:
        """Return the predictions (s, k) at inputs (k,), or at those (s, k) of every draw."""
        parts = [
            np.asarray(law(**b.arguments(part)))
            for law, b, part in zip(self.laws, self.bindings, self.split(inputs), strict=True)
        ]
        return np.concatenate(_alike(parts))

    def split(self, inputs: Mapping[str, Array]) -> list[dict[str, Array]]:
        """Return the inputs of each law: its rows of those (s, k), and all of others."""
        ends = np.cumsum((0, *self.counts))
        return [
            {name: _rows(v, a, b, self.members) for name, v in inputs.items()}
            for a, b in itertools.pairwise(ends)
        ]


def draws_of(laws: Sequence[Law], weights: Sequence[float]) -> tuple[Law, ...]:
    """Return ensembles cut, or repeated, to as many draws as their weights ask for."""
    total = sum(law.members or 1 for law in laws)
    counts = [max(1, round(total * w)) for w in weights]
    return tuple(
        law[np.arange(n) % (law.members or 1)] for law, n in zip(laws, counts, strict=True)
    )


def _rows(value: Array, start: int, end: int, total: int) -> Array:
    """Return the rows of a value that are of one law; the value if it is of no draw."""
    return value[start:end] if np.ndim(value) == 2 and np.shape(value)[0] == total else value


def _alike(parts: Sequence[Numbers]) -> list[Numbers]:
    """Return arrays (s, k) of one k."""
    width = max(p.shape[-1] for p in parts)
    return [np.broadcast_to(p, (p.shape[0], width)) for p in parts]


def _each(name: str) -> Callable[..., Any]:
    """Return a closed form that asks every law for its own, and puts the answers together."""

    def answer(draws: PooledDraws, *args: Array, **inputs: Array) -> Any:
        positional = draws.split({str(i): v for i, v in enumerate(args)})
        parts = [
            law.closed_forms[name](law, *plain.values(), **named)
            for law, plain, named in zip(draws.laws, positional, draws.split(inputs), strict=True)
        ]
        if isinstance(parts[0], tuple):
            columns = (
                np.concatenate(_alike(list(map(np.asarray, c)))) for c in zip(*parts, strict=True)
            )
            return type(parts[0])(*columns)
        return np.concatenate(_alike([np.asarray(p) for p in parts]))

    return answer
