"""How many responses per problem a budget of reinforcement learning is best spent on.

Per number of responses a sigmoid is put through the record-breaking evaluations; the upper
envelope of these curves says which number is best at each compute, and a sigmoid in logs follows
that. Source: the IsoCompute Playbook, arXiv:2603.12151.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Mask, Numbers
from isoflop.errors import CannotFit, Note
from isoflop.fitting import fit
from isoflop.laws.sigmoid import Sigmoid
from isoflop.quantities import show
from isoflop.report.display import Displayed
from isoflop.runs import Runs

BUCKETS = 50  # of reward, between the worst evaluation and the best
FEWEST = 4  # records that a curve needs
POINTS = 60  # of compute along the envelope
LEAST_RISE = 0.1  # of the logs from the fewest responses to the most, below which none is fitted


@dataclass(frozen=True, eq=False)
class IsoCompute(Displayed):
    """Curves by responses per problem, their envelope, and the best number along it.

    `x` (k,) is compute, `best` (k,) the number whose curve is highest there and `reward` (k,) how
    high. `law` gives the share of the way from the least number tried to the largest, in logs, as
    a sigmoid of compute; None where the best number hardly changes.
    """

    over: str
    curves: Mapping[float, Sigmoid]
    records: Runs
    x: Numbers
    best: Numbers
    reward: Numbers
    law: Sigmoid | None
    notes: tuple[Note, ...]

    def responses(self, x: Numbers) -> Numbers:
        """Return n*, the best number of responses per problem, at compute x (k,)."""
        numbers = sorted(self.curves)
        if self.law is None:
            return np.full(np.shape(x), float(np.median(self.best)))
        return np.asarray(numbers[0] * (numbers[-1] / numbers[0]) ** self.law(np.asarray(x)))


def record_breaking(reward: Numbers, buckets: int = BUCKETS) -> Mask:
    """Return which of rewards (n,), in order of compute, are the first to enter a bucket above all.

    Evaluations scatter; records alone rise, as the frontier does.
    """
    low, high = float(reward.min()), float(reward.max())
    place = np.floor((reward - low) / max(high - low, 1e-300) * buckets)
    best = np.maximum.accumulate(place)
    return np.asarray(np.concatenate([[True], best[1:] > best[:-1]]))


def isocompute(runs: Runs, over: str, start: float | None = None) -> IsoCompute:
    """Return the best number of responses per problem, column `group`, by compute `over`.

    `runs` are evaluations (as `evaluations` gives them) of one recipe at several numbers.
    Raises CannotFit where fewer than two numbers have a curve.
    """
    runs.require(("group", over))
    pins = {} if start is None else {"R_0": start}
    curves: dict[float, Sigmoid] = {}
    rows, notes = [], []
    for number in np.unique(runs["group"]):
        mine = np.flatnonzero(runs["group"] == number)
        mine = mine[np.argsort(runs[over][mine], kind="stable")]
        records = mine[record_breaking(runs["R"][mine])]
        if len(np.unique(runs[over][records])) < FEWEST:
            notes.append(
                Note(
                    "doubt",
                    "few-runs",
                    f"{show(float(number))} responses have {records.size} records: no curve",
                )
            )
            continue
        rows.append(records)
        result = fit(
            Sigmoid, runs.select(records), over=over, fix=pins, objective="squared", draws=0
        )
        curves[float(number)] = result.law
    if len(curves) < 2:
        raise CannotFit(
            f"{len(curves)} number of responses per problem has a curve; at least two are needed"
        )
    furthest = {n: float(runs[over][runs["group"] == n].max()) for n in curves}
    x = np.geomspace(float(runs[over].min()), max(furthest.values()), POINTS)
    # A curve speaks as far as its runs go.
    heights = np.array([np.where(x <= furthest[n] * 1.001, curves[n](x), -np.inf) for n in curves])
    winner = heights.argmax(0)
    best = np.array(list(curves))[winner]
    law = _follow(over, x, best, sorted(curves))
    if law is None:
        notes.append(
            Note(
                "doubt",
                "flat",
                "the best number of responses hardly changes with compute in these runs",
            )
        )
    return IsoCompute(
        over=over,
        curves=curves,
        records=runs.select(np.concatenate(rows)),
        x=x,
        best=best,
        reward=heights.max(0),
        law=law,
        notes=tuple(notes),
    )


def _follow(over: str, x: Numbers, best: Numbers, numbers: list[float]) -> Sigmoid | None:
    share = np.log(best / numbers[0]) / np.log(numbers[-1] / numbers[0])
    if np.ptp(share) < LEAST_RISE:
        return None
    runs = Runs({over: x, "R": share})
    return fit(Sigmoid, runs, over=over, objective="squared", draws=0).law
