"""Which keys are written: for each text part of a key, its numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isoflop.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa

MOST = 100_000_000  # the number of a key lies below


CLOSE = 16  # bits for each number that is written, above which numbers are kept as they are


class _Numbers:
    """Whole numbers: a bit for each as long as they lie close, and those far out in order."""

    def __init__(self) -> None:
        self.bits = np.zeros(0, np.bool_)
        self.far = np.zeros(0, np.int64)
        self.count = 0

    def have(self, numbers: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return which numbers (n,) are among these."""
        mask = np.isin(numbers, self.far) if self.far.size else np.zeros(numbers.size, np.bool_)
        inside = numbers < self.bits.size
        mask[inside] |= self.bits[numbers[inside]]
        return mask

    def add(self, numbers: npt.NDArray[np.int64]) -> None:
        """Take numbers (n,) in."""
        self.count += numbers.size
        close = numbers < max(CLOSE * self.count, self.bits.size)
        if not close.all():
            self.far = np.union1d(self.far, numbers[~close])
        numbers = numbers[close]
        if (size := int(numbers.max(initial=-1)) + 1) > self.bits.size:
            grown = np.zeros(max(size, 2 * self.bits.size), np.bool_)
            grown[: self.bits.size] = self.bits
            self.bits = grown
        self.bits[numbers] = True


class Keys:
    """The keys that are written, of parts `names`."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        self.numbers: dict[tuple[str, ...], _Numbers] = {}

    def has(self, key: Sequence[Any]) -> bool:
        """Return whether a key is written."""
        numbers = self.numbers.get(tuple(key[:-1]))
        return numbers is not None and key[-1] >= 0 and bool(numbers.have(np.array([key[-1]]))[0])

    def new(self, table: pa.Table) -> npt.NDArray[np.int64]:
        """Return the rows whose key is neither written nor that of an earlier row, in order."""
        parts = []
        for name, rows, numbers in self._groups(table):
            first = np.sort(np.unique(numbers, return_index=True)[1])
            mask = self.numbers.get(name, _Numbers()).have(numbers[first])
            parts.append(rows[first[~mask]])
        return np.sort(np.concatenate(parts)) if parts else np.zeros(0, np.int64)

    def add(self, table: pa.Table) -> None:
        """Take the keys of rows as written."""
        for name, _, numbers in self._groups(table):
            self.numbers.setdefault(name, _Numbers()).add(numbers)

    def _groups(
        self, table: pa.Table
    ) -> Iterator[tuple[tuple[str, ...], npt.NDArray[np.int64], npt.NDArray[np.int64]]]:
        """Yield the rows, and the numbers, of each text part of a key."""
        import pyarrow as pa
        import pyarrow.compute as pc

        numbers = np.asarray(table[self.names[-1]])
        if numbers.size == 0:
            return
        if numbers.dtype.kind not in "iu" or numbers.min() < 0 or numbers.max() >= MOST:
            raise UsageError(
                f"{self.names[-1]} must be whole numbers from 0 to {MOST - 1:,}; "
                f"it runs from {numbers.min()} to {numbers.max()}"
            )
        codes, texts = np.zeros(numbers.size, np.int64), []
        for name in self.names[:-1]:
            cells = pc.dictionary_encode(table[name])
            cells = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
            if cells.null_count:
                raise UsageError(f"row {int(np.argmax(cells.is_null()))} has no {name}")
            codes = codes * len(cells.dictionary) + cells.indices.to_numpy()
            texts.append((cells.dictionary.to_pylist(), cells.indices.to_numpy()))
        order = np.argsort(codes, kind="stable")
        cuts = np.flatnonzero(np.diff(codes[order])) + 1
        for rows in np.split(order, cuts):
            name_of = tuple(words[which[rows[0]]] for words, which in texts)
            yield name_of, rows, numbers[rows].astype(np.int64)
