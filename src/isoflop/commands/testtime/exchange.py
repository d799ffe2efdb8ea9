"""testtime exchange: a larger model, or more samples of the small one, by difficulty."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.pages.testtime_exchange import measured, multipliers, pretraining_of
from isoflop.quantities import parse
from isoflop.report import Report

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
    from isoflop.plan.sampling.exchange import multiplier

    ratios = [parse(text, "--ratio") for text in ratio]
    afford = [float(multiplier(times, R)) for R in ratios]
    if (small is None) != (large is None):
        raise UsageError("name samples of both models, the small one first, or of neither")
    blocks = multipliers(times, ratios, afford)
    each = [{"R": R, "samples": m} for R, m in zip(ratios, afford, strict=True)]
    answer: dict[str, Any] = {"times": times, "multipliers": each}
    if pretraining.law is not None:
        blocks += pretraining_of(
            pretraining.law, times, pretraining.size, pretraining.data, ratios, answer
        )
    if small is not None and large is not None:
        rest = (choice.choose, choice.bins, choice.columns, choice.level, choice.seed, answer)
        blocks += measured(small, large, ratios, afford, *rest)
    return Report(f"{times:g} times the parameters, or more samples", tuple(blocks), answer)
