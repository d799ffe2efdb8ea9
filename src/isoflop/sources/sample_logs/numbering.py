"""A number for each sample among those of its problem, that no other has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Integers

NONE = -1  # of a sample that says no number, and of one that is left out


@dataclass(frozen=True, eq=False)
class Numbered:
    """The `number` of each sample (n,), -1 where it is there already; `moved` have another."""

    number: Integers
    moved: int


def number_samples(
    problem: npt.NDArray[np.int32],
    number: Integers,
    contents: Callable[[npt.NDArray[np.bool_]], dict[int, bytes]],
) -> Numbered:
    """Return numbers of samples (n,) whose `problem` and own `number` are told, -1 for none.

    One that comes twice, as in a log that was kept in two formats, is left out. Others that share
    a number come from several runs, and are numbered one after another. `contents` tells rows
    apart that share a number: it gives a digest of each by its place.
    """
    order = np.lexsort((number, problem))
    p, n = problem[order], number[order]
    same = (p[1:] == p[:-1]) & (n[1:] == n[:-1]) & (n[1:] != NONE)
    shared = np.zeros(number.size, np.bool_)
    shared[order[1:][same]] = shared[order[:-1][same]] = True
    size = int(problem.max(initial=-1)) + 1
    bare = np.bincount(problem[number == NONE], minlength=size)
    alone = (bare == 0) & (np.bincount(problem[shared], minlength=size) == 0)
    out, moved = number.copy(), 0
    digests = contents(shared) if shared.any() else {}
    rows = np.flatnonzero(~alone[problem])
    rows = rows[np.argsort(problem[rows], kind="stable")]
    for mine in np.split(rows, np.flatnonzero(np.diff(problem[rows])) + 1):
        moved += _number_one(mine, number, digests, out)
    return Numbered(out, moved)


def _number_one(rows: Integers, number: Integers, digests: dict[int, bytes], out: Integers) -> int:
    """Return how many samples of a problem had to be moved, all of them numbered in `out`."""
    if not digests and (number[rows] == NONE).all():
        out[rows] = np.arange(rows.size)
        return 0
    taken: set[int] = set()
    contents: set[bytes] = set()
    last, moved = NONE, 0
    for row, next_number in zip(rows.tolist(), number[rows].tolist(), strict=True):
        digest = digests.get(row)
        if digest is not None:
            if digest in contents:
                out[row] = NONE
                continue
            contents.add(digest)
        if next_number == NONE or next_number in taken:
            moved += next_number != NONE
            next_number = last + 1
        taken.add(next_number)
        last = max(last, next_number)
        out[row] = next_number
    return moved
