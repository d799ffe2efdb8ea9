"""The constants of a pool and of its intervals, in one place, and how they were learnt.

By leaving whole sources out, as `benchmarks/bench_accuracy.py --learn` does: on 40 cuts of public
studies from eleven sources, of the settings that hold 90% of all held-out runs of the other
sources, 87% at each distance and three quarters of each study, the one of least interval score was
taken; nine sources choose what stands. The trust and `alike` are as they were: no other choice
errs less on sources left out. docs/trust.md has the figures, and what was refuted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class PoolConstants:
    """What is believed of laws before their backtest, and what an interval takes of each part.

    `trust` is the share of a law before the backtest, all its objectives together, however many
    laws there are beside it; the others share the rest. `alike` is how many held-out runs speak as
    one, since they share the error of the form. `usual` is what a form errs per factor e beyond
    runs that allow no backtest. Beside a backtest it is held to err `growth`, worth `splits` of
    them, and of what the backtest shows the share `evidence` counts, as a variance.
    `disagreement` is the share of the variance between laws that an interval holds. Beyond the
    `largest` of the runs, a share of them by size, the noise is that of those alone: small models
    scatter more.
    """

    trust: Mapping[str, float]
    alike: float
    usual: float
    growth: float
    splits: float
    evidence: float
    disagreement: float
    largest: float


LEARNT = PoolConstants(
    trust=MappingProxyType({"chinchilla": 2 / 3}),
    alike=10.0,
    usual=0.01,
    growth=0.005,
    splits=2.0,
    evidence=1.0,
    disagreement=1.0,
    largest=1 / 3,
)
