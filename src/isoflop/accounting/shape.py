"""A shape for a wanted size: dense, grouped queries, SwiGLU, in numbers that hardware likes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from isoflop.accounting.architecture import MOST, Architecture
from isoflop.errors import Note, UnknownName, UsageError
from isoflop.quantities import refuse_count, refuse_impossible, show

Whole = npt.NDArray[np.int64]

CONVENTIONS = ("total", "with-head", "non-embedding", "active", "flops-per-token")
LARGEST = 1e15  # [params] or [FLOP/token]; the candidates grow with N
LEAST_ASPECT, MOST_ASPECT = 0.1, 1e4
FINEST = 1500  # numbers of heads, and of layers, of which all are tried
TIED_BELOW = 4e9  # [params] released models share their table up to about here
SMALL = 1e7  # [params] below, a head of 64 channels is too coarse a step of the width
CLOSE = 0.015  # shapes this close to the wanted N are told apart by their proportions
_PROPORTION = 8 / 3  # of SwiGLU's inner width to the width: as many weights as 4 without gate
_ANY_ASPECT = (4.0, 512.0)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A shape near the size that was asked for.

    `realised` is its N by the convention asked, and `error` how far that lies from `wanted`, as
    a share of it. The counts by every convention: `total`, `non_embedding` [params] and
    `flop_per_token` (DeepSeek's M) [FLOP/token]. `notes` say what was assumed.
    """

    architecture: Architecture
    wanted: float
    convention: str
    realised: int
    error: float
    total: int
    non_embedding: int
    flop_per_token: int
    notes: tuple[Note, ...]


class _Tokens(NamedTuple):
    """What a shape is told of its tokens: how many kinds, how many at once, one table or two."""

    vocabulary: int
    context: int
    tied: bool


class _Grid(NamedTuple):
    """Candidates (c,): layers, width, inner width, heads, heads of keys and values."""

    layers: Whole
    width: Whole
    inner: Whole
    heads: Whole
    kv: Whole


def shape_for(
    N: float,
    convention: str = "total",
    *,
    vocabulary: int = 32_000,
    context: int = 2048,
    aspect: tuple[float, float] | None = None,
    tied: bool | None = None,
) -> Proposal:
    """Return the shape nearest to N [params] by `convention`.

    Width over layers stays within `aspect`: unless given 64 to 128, as for language (the loss
    hardly depends on it: Kaplan et al. 2020; images and mathematics like about 10: Henighan et
    al. 2020), and 16 to 64 below 1e7. Heads have 128 channels from 1e9 parameters on, else 64,
    and 32 or fewer below 1e7. Where nothing within the aspect is close, it gives way, and a note
    says so. Tables are tied below 4e9 unless `tied` says.

    Raises UsageError where no shape comes near, with the nearest that can be built.
    """
    if convention not in CONVENTIONS:
        raise UnknownName("convention of N", convention, CONVENTIONS)
    refuse_impossible("N", N)
    if not 1 <= N <= LARGEST:
        raise UsageError(f"N is {N:g}; shapes are searched from 1 to {LARGEST:g}")
    refuse_count("vocabulary", vocabulary, 1, MOST)
    refuse_count("context", context, 1, MOST)
    size = N / 6 if convention == "flops-per-token" else N
    within = aspect or ((64.0, 128.0) if size >= SMALL else (16.0, 64.0))
    if not LEAST_ASPECT <= within[0] <= within[1] <= MOST_ASPECT:
        raise UsageError(
            f"aspect is {within[0]:g} to {within[1]:g}; give the least and the greatest width over "
            f"layers, from {LEAST_ASPECT:g} to {MOST_ASPECT:g}"
        )
    tokens = _Tokens(vocabulary, context, size < TIED_BELOW if tied is None else tied)
    candidates: list[Architecture] = []
    for head, ratio in _stages(size, within):
        candidates.append(_nearest(N, convention, size, head, ratio, tokens))
        if _error(candidates[-1], N, convention) <= CLOSE:
            break
    best = min(candidates, key=lambda a: _error(a, N, convention))
    return _proposal(best, N, convention, within)


def _proposal(a: Architecture, N: float, convention: str, aspect: tuple[float, float]) -> Proposal:
    realised = a.parameters(convention)
    if realised > 1.5 * N or realised < N / 1.5:
        raise UsageError(
            f"no shape of vocabulary {a.vocabulary} has N = {show(N)} ({convention}); the nearest "
            f"holds {show(realised)}: ask for that, for a smaller vocabulary or context, or count "
            "N as non-embedding"
        )
    notes = [
        Note(
            "info",
            "shape",
            f"vocabulary {a.vocabulary}, context {a.context}, tables "
            f"{'tied' if a.tied else 'untied'}",
        )
    ]
    if not aspect[0] <= a.aspect <= aspect[1]:
        notes.append(
            Note(
                "info",
                "shape",
                f"width over layers is {a.aspect:.0f}: no shape within {aspect} is as close",
            )
        )
    return Proposal(
        architecture=a,
        wanted=N,
        convention=convention,
        realised=realised,
        error=realised / N - 1,
        total=a.parameters("total"),
        non_embedding=a.parameters("non-embedding"),
        flop_per_token=a.parameters("flops-per-token"),
        notes=tuple(notes),
    )


def _stages(size: float, aspect: tuple[float, float]) -> list[tuple[int, tuple[float, float]]]:
    """Return what to try in turn: head sizes and aspect ratios, the usual ones first."""
    heads = [128, 64] if size >= 1e9 else [64] if size >= SMALL else [32, 16, 8]
    return [(head, aspect) for head in heads] + [(head, _ANY_ASPECT) for head in heads]


def _nearest(
    N: float,
    convention: str,
    size: float,
    head: int,
    aspect: tuple[float, float],
    tokens: _Tokens,
) -> Architecture:
    """Return the candidate nearest to N; of those within CLOSE, the one of usual proportions."""
    grid = _grid(size, head, aspect)
    error = np.abs(np.log(_count(grid, convention, head, tokens) / N))
    odd = np.abs(np.log(grid.width / grid.layers / np.sqrt(aspect[0] * aspect[1])))
    odd += np.abs(np.log(grid.inner / grid.width / _PROPORTION))
    odd += _of_each(grid.heads, _awkward)
    i = np.lexsort((odd, np.maximum(error, CLOSE)))[0]
    return Architecture(
        layers=int(grid.layers[i]),
        width=int(grid.width[i]),
        heads=int(grid.heads[i]),
        kv_heads=int(grid.kv[i]),
        feed_forward=int(grid.inner[i]),
        vocabulary=tokens.vocabulary,
        context=tokens.context,
        tied=tokens.tied,
    )


def _grid(size: float, head: int, aspect: tuple[float, float]) -> _Grid:
    """Return every candidate whose blocks alone could hold `size` parameters or fewer."""
    most_heads = int(1.5 * np.cbrt(size * aspect[1] / 12) / head) + 2
    most_layers = int(1.5 * np.cbrt(size / (12 * aspect[0] ** 2))) + 2
    heads, layers = (x.ravel() for x in np.meshgrid(_up_to(most_heads), _up_to(most_layers)))
    ratio = heads * head / layers
    fits = (ratio >= aspect[0]) & (ratio <= aspect[1])
    fits &= 12.0 * layers * (heads * head) ** 2 <= 2 * size
    if not fits.any():
        heads, layers, fits = np.array([1]), np.array([1]), np.array([True])
    heads, layers = heads[fits], layers[fits]
    multiple = min(128, head)
    nearest = np.round(_PROPORTION * heads * head / multiple)
    inner = multiple * np.maximum(nearest[:, None] + np.arange(-2, 3), 1)
    keep = (inner >= 2 * heads[:, None] * head) & (inner <= 4 * heads[:, None] * head)
    row, column = np.nonzero(keep)
    return _Grid(
        layers=layers[row].astype(np.int64),
        width=(heads[row] * head).astype(np.int64),
        inner=inner[row, column].astype(np.int64),
        heads=heads[row].astype(np.int64),
        kv=_of_each(heads[row], _kv_heads).astype(np.int64),
    )


def _up_to(most: int) -> Whole:
    """Return the numbers from 1 to `most`, thinned out in steps that grow where there are many."""
    if most <= FINEST:
        return np.arange(1, most + 1)
    return np.unique(np.geomspace(1, most, FINEST).round().astype(np.int64))


def _of_each(values: Whole, of: Callable[[int], float]) -> npt.NDArray[np.float64]:
    """Return a function of each value, which is asked once for each that differs."""
    unique, place = np.unique(values, return_inverse=True)
    return np.array([of(int(value)) for value in unique], float)[place.ravel()]


def _count(grid: _Grid, convention: str, head: int, tokens: _Tokens) -> npt.NDArray[np.float64]:
    """Return N of every candidate by a convention, as `Architecture.parameters` counts it."""
    d = grid.width.astype(float)
    matrices = grid.layers * (2 * d * (d + grid.kv * head) + 3 * d * grid.inner)
    if convention == "flops-per-token":
        return np.asarray(6 * matrices + 12 * grid.layers * d * tokens.context)
    blocks = matrices + (2 * grid.layers + 1) * d
    one = tokens.tied or convention == "with-head"
    tables = 0 if convention == "non-embedding" else (1 if one else 2)
    return np.asarray(blocks + tables * tokens.vocabulary * d)


def _kv_heads(heads: int) -> int:
    """Return how many heads of keys and values to share: 8 or 4, or 5 to 7, else all."""
    return next((g for g in (8, 4, 6, 5, 7) if heads % g == 0), heads)


def _awkward(heads: int) -> float:
    """Return how far heads are from splitting over chips and sharing keys; 0 for multiples of 8."""
    if heads > 8 and _kv_heads(heads) == heads:
        return 1.0
    return next(cost for d, cost in ((8, 0.0), (4, 0.1), (2, 0.2), (1, 0.4)) if heads % d == 0)


def _error(a: Architecture, N: float, convention: str) -> float:
    return abs(float(np.log(a.parameters(convention) / N)))
