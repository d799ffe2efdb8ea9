"""testtime score: judge samples that a bank holds already by a further verifier, or a program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from isoflop.commands.registry import Option, command
from isoflop.commands.testtime import sampling_options as asked
from isoflop.commands.testtime.bank_options import Lineage, Strategy
from isoflop.errors import UsageError
from isoflop.pages.testtime_score import judged, page_of, problems_block
from isoflop.report import Report

if TYPE_CHECKING:
    from isoflop.experiments.sampling.rejudge import Ask


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupOptions:
    """Which samples of the bank are judged."""

    strategy: Strategy = None
    lineage: Lineage = None


@command(
    "testtime score",
    example="isoflop testtime score drawn --reward rm=http://127.0.0.1:8000/score",
    minutes=True,
)
def score(
    bank: Annotated[str, Option("a bank of samples that hold their texts", "BANK")],
    *,
    verdicts: asked.VerdictOptions = asked.VerdictOptions(),
    samples: GroupOptions = GroupOptions(),
    task: Annotated[
        str | None,
        Option("where texts of problems come from that the bank does not hold", "FILE"),
    ] = None,
    columns: asked.Columns = None,
    batch: Annotated[int, Option("samples judged at a time")] = 32,
) -> Report:
    """Score samples that a bank holds already by further verifiers.

    --check grades those that nobody graded. What has a verdict keeps it. Verdicts are kept a batch
    at a time: killed anywhere, the same command goes on. What a verifier gives no number for is
    counted, left out of its curves, and asked for again. A scorer over HTTP is sent
    {"prompts": [...], "responses": [...]} and answers {"scores": [...]}. --check runs a program of
    yours on what a model wrote: that is no sandbox.
    """
    from isoflop.samples.bank import SampleBank, chosen_group

    store = SampleBank.open(bank)
    names = chosen_group(store.kinds(), samples.strategy, samples.lineage, bank)
    problems = problems_block(store, names[1], task, columns)
    asks = _asks(verdicts.check, verdicts.time_limit, verdicts.reward or {})
    progress = [judged(store, name, ask, problems, names, batch) for name, ask in asks.items()]
    return page_of(store, names, progress)


def _asks(check: str | None, seconds: float, rewards: Mapping[str, str]) -> dict[str, Ask]:
    """Return who is asked for each column of verdicts.

    Raises UsageError where nobody is.
    """
    from isoflop.experiments.sampling.program_judge import program
    from isoflop.experiments.sampling.rejudge import by_program, by_scorer
    from isoflop.experiments.sampling.reward_model import scorer_of
    from isoflop.samples.sample_table import SCORE

    asks = {SCORE + name: by_scorer(name, scorer_of(text)) for name, text in rewards.items()}
    if check:
        asks["correct"] = by_program(program(check, seconds))
    if not asks:
        raise UsageError("nobody is to judge: say --reward NAME=MODEL, or --check PROGRAM")
    return asks
