"""Laws on public runs: what isoflop's own fits gave, on which data, and how they forecast.

These are measured facts: `make evidence` measures them, a JSON file for each law beside this
module, and a test measures them again. The runs themselves are not here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any

from isoflop.files import parse_json


@dataclass(frozen=True, slots=True)
class ParameterEstimate:
    """A fitted parameter with its interval; `low` and `high` are None where it was pinned."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class HeldOutFit:
    """A fit to the runs with `axis` up to `cut`, held against the others.

    A `cut` of 0 says that runs were held out by turn, as `axis` then says.
    `beyond` is the largest factor by which `axis`, an input, or N times D exceeds the `train`
    runs. `rms` and `bias` are of log(prediction / observation), or in units where the law is
    fitted linearly.
    """

    axis: str
    cut: float
    train: int
    test: int
    beyond: float
    rms: float
    bias: float


@dataclass(frozen=True, slots=True)
class PlottedRuns:
    """A few of the runs, of data whose licence allows it: along x, observed, predicted, unseen."""

    symbol: str
    x: tuple[float, ...]
    observed: tuple[float, ...]
    predicted: tuple[float, ...]
    unseen: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class FitEvidence:
    """One law fitted to one public set of runs.

    `mapping` says how columns were read, in the words of the command line. `rms` is of the runs
    that were fitted. `held_out` goes from the lowest cut up, and is empty where the runs
    allow none, which `notes` then say. `plotted` is None where the data may not be handed on.
    """

    law: str
    name: str
    data: str
    source: str
    licence: str
    mapping: str
    predicts: str
    unit: str
    takes: tuple[str, ...]
    ranges: Mapping[str, tuple[float, float]]
    runs: int
    params: Mapping[str, ParameterEstimate]
    level: float
    residuals: str
    rms: float
    status: str
    notes: tuple[str, ...]
    held_out: tuple[HeldOutFit, ...]
    plotted: PlottedRuns | None

    @property
    def text(self) -> str:
        """The facts as JSON."""
        return json.dumps(asdict(self))


def evidence_of(law: str) -> tuple[FitEvidence, ...]:
    """Return what is known of a law on public runs; nothing for a law that was on none."""
    file = resources.files(__name__).joinpath(f"{law}.json")
    if not file.is_file():
        return ()
    return tuple(_read(entry) for entry in parse_json(file.read_text(encoding="utf-8")))


def _read(entry: dict[str, Any]) -> FitEvidence:
    plot = entry["plotted"]
    columns = ("x", "observed", "predicted", "unseen")
    lists = {"takes": tuple(entry["takes"]), "notes": tuple(entry["notes"])}
    return FitEvidence(
        **{
            **entry,
            **lists,
            "ranges": {symbol: (low, high) for symbol, (low, high) in entry["ranges"].items()},
            "params": {
                name: ParameterEstimate(**values) for name, values in entry["params"].items()
            },
            "held_out": tuple(HeldOutFit(**values) for values in entry["held_out"]),
            "plotted": plot and PlottedRuns(plot["symbol"], *(tuple(plot[k]) for k in columns)),
        }
    )
