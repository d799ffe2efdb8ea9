"""Verdicts that came later than their samples, and how they fill what samples left open."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from isoflop.samples.tallies import coded, codes_of, numbers

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, eq=False)
class Verdicts:
    """The `values` (n,) of one column, by `keys` (n,) in order: a problem's code and a sample.

    A key is the code of the problem times `width`, and the number of the sample.
    """

    problems: dict[str, int]
    width: int
    keys: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]

    @staticmethod
    def of(tables: Iterable[pa.Table], column: str) -> Verdicts:
        """Return the verdicts that tables of problem, sample and `column` hold."""
        problems: dict[str, int] = {}
        codes: list[npt.NDArray[Any]] = [np.zeros(0, np.int32)]
        samples: list[npt.NDArray[Any]] = [np.zeros(0, np.int64)]
        values: list[npt.NDArray[Any]] = [np.zeros(0)]
        for table in tables:
            codes.append(codes_of(table["problem"], problems))
            samples.append(np.asarray(table["sample"], np.int64))
            values.append(numbers(table[column]))
        sample = np.concatenate(samples)
        width = int(sample.max(initial=-1)) + 1
        keys = np.concatenate(codes) * np.int64(width) + sample
        order = np.argsort(keys, kind="stable")
        return Verdicts(problems, width, keys[order], np.concatenate(values)[order])

    def fill(self, table: pa.Table, column: str) -> pa.Table:
        """Return samples, in their order, whose column is filled where it is empty."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not self.keys.size:
            return table
        sample = np.asarray(table["sample"], np.int64)
        codes = coded(table["problem"], lambda ws: [self.problems.get(w, -1) for w in ws], np.int64)
        keys = codes * self.width + sample
        at = np.minimum(np.searchsorted(self.keys, keys), self.keys.size - 1)
        has = (codes >= 0) & (sample < self.width) & (self.keys[at] == keys)
        verdict = pa.array(self.values[at], mask=~has, from_pandas=True)
        full = pc.coalesce(table[column], verdict.cast(table[column].type))
        return table.set_column(table.column_names.index(column), column, full)
