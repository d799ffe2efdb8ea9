"""testtime exchange: a larger model, or more samples of the small one, by difficulty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.options import IntervalOptions
from isoflop.pages.testtime_exchange import page_of
from isoflop.quantities import parse
from isoflop.report import Report
from isoflop.sources.open_samples import opened

if TYPE_CHECKING:
    from isoflop.plan.sampling.exchange import PretrainedPair

BANKS = ("small",)  # what only samples of models use
Bank = Annotated[str | None, Option("samples of this model", "BANK")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceOptions:
    """How the samples of both models are compared."""

    choose: Annotated[
        Literal["majority", "best", "weighted", "coverage"],
        Option("how the small model's samples become an answer", needs=BANKS),
    ] = "majority"
    bins: Annotated[int, Option("bins of difficulty", least=1, most=100, needs=BANKS)] = 5
    columns: Annotated[
        Mapping[str, str] | None,
        Option(
            "which field of a log is what, such as correct=exact_match", "NAME=FIELD", needs=BANKS
        ),
    ] = None
    level: Annotated[float, Option("what the intervals hold", needs=BANKS)] = 0.9
    seed: Annotated[int, Option("of all that is drawn by chance", needs=BANKS)] = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PretrainingOptions:
    """What the size of the large model buys in loss."""

    law: Annotated[str | None, Option("pretraining law, as LAW/SET", "LAW/SET")] = None
    size: Annotated[float | None, Option("parameters of the small model", needs=("law",))] = None
    data: Annotated[float | None, Option("tokens that both are trained on", needs=("law",))] = None

    def pair(self, times: float) -> PretrainedPair | None:
        """Return what the law says of both models; None where no law is named."""
        from isoflop.plan.sampling.exchange import pretrained_pair

        if self.law is None:
            return None
        if self.size is None or self.data is None:
            raise UsageError(
                "--law needs --size and --data: parameters of the small model, and tokens"
            )
        return pretrained_pair(self.law, times, N=self.size, D=self.data)


@command(
    "testtime exchange",
    example="isoflop testtime exchange sample:bank sample:bank-large --times 14 --ratio 0.16 "
    "--ratio 0.79 --ratio 22",
)
def testtime_exchange(
    small: Bank = None,
    large: Bank = None,
    *,
    times: Annotated[float, Option("the large model has so many times the parameters")],
    ratio: Annotated[
        tuple[str, ...], Option("tokens inferred over tokens trained on, over a life", "R")
    ] = ("0.16", "0.79", "22"),
    choice: ChoiceOptions = ChoiceOptions(),
    pretraining: PretrainingOptions = PretrainingOptions(),
) -> Report:
    """Compare a larger model with more samples of a small one.

    Training takes 6ND FLOP and inference 2ND: for the price of the large model the small one may
    draw M + 3 (M - 1) / R samples where the large one draws one. With samples of both, says by
    difficulty which solves more; with a pretraining law, what the size buys in loss.
    """
    from isoflop.plan.sampling.exchange import exchange

    ratios = [parse(text, "--ratio") for text in ratio]
    if (small is None) != (large is None):
        raise UsageError("name samples of both models, the small one first, or of neither")
    measured = None
    if small is not None and large is not None:
        measured = exchange(
            opened(small, columns=choice.columns).samples(),
            opened(large, columns=choice.columns).samples(),
            times,
            ratios,
            choose=choice.choose,
            bins=choice.bins,
            interval=IntervalOptions(draws=500, level=choice.level, seed=choice.seed),
        )
    return page_of(times, ratios, pretraining.pair(times), measured)
