"""A policy as a file: which option to take for a problem of some ease, at some budget."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from isoflop.errors import BadStudy, UsageError
from isoflop.files import parse_json, read_content, write_atomically

SCHEMA = 1


@dataclass(frozen=True)
class Router:
    """The best option of each bin, hard to easy, at each budget.

    Ease is `of` the first `samples` samples of a problem; `cuts` part the bins. If `charged`, a
    budget holds the price of those samples, and the k of an option counts them.
    """

    of: str
    samples: int
    cuts: tuple[float, ...]
    unit: str
    budgets: tuple[float, ...]
    choices: tuple[tuple[str, ...], ...]
    charged: bool

    def choose(self, ease: float, budget: float) -> str:
        """Return the option for a problem of that ease: that of the largest budget within yours.

        Raises UsageError for an ease that is NaN, or a budget below the smallest.
        """
        if np.isnan(ease):
            raise UsageError(f"the ease is {ease}; it is the {self.of} of {self.samples} samples")
        within = [i for i, b in enumerate(self.budgets) if b <= budget * (1 + 1e-9)]
        if not within:
            raise UsageError(
                f"a budget of {budget:.4g} {self.unit} is below the smallest that the policy "
                f"knows, {self.budgets[0]:.4g}"
            )
        return self.choices[within[-1]][int(np.searchsorted(self.cuts, ease, side="right"))]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the router as JSON, whole or not at all."""
        text = json.dumps({"schema": SCHEMA, "kind": "router", **asdict(self)}, indent=1) + "\n"
        write_atomically(Path(path), lambda file: file.write(text.encode()))

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Router:
        """Read a router that `save` wrote.

        Raises BadStudy for a file that is none.
        """
        try:
            document = parse_json(read_content(Path(path), BadStudy))
            if document.pop("kind") != "router" or document.pop("schema") != SCHEMA:
                raise ValueError("it is of another kind or schema")
            choices = tuple(tuple(map(str, row)) for row in document.pop("choices"))
            router = Router(
                of=str(document["of"]),
                samples=int(document["samples"]),
                unit=str(document["unit"]),
                cuts=tuple(map(float, document["cuts"])),
                charged=bool(document["charged"]),
                budgets=tuple(map(float, document["budgets"])),
                choices=choices,
            )
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            raise BadStudy(f"{path} is no router that isoflop wrote: {error}") from None
        wide = {len(row) for row in router.choices}
        if len(router.choices) != len(router.budgets) or wide != {len(router.cuts) + 1}:
            raise BadStudy(f"{path} is damaged: its choices do not fit its budgets and bins")
        return router
