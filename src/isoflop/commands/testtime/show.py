"""testtime show: a sample as it was written."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.commands.testtime.bank_options import BankOptions, BankSource
from isoflop.errors import UsageError
from isoflop.pages.testtime_show import page_of
from isoflop.report import Report


@command("testtime show", example="isoflop testtime show sample:chain-bank")
def testtime_show(
    bank: BankSource,
    *,
    problem: Annotated[
        str | None, Option("the problem, the first unless it is named", "NAME")
    ] = None,
    sample: Annotated[int, Option("which of its samples", most=10**9)] = 0,
    which: BankOptions = BankOptions(),
) -> Report:
    """Show one sample as it was written, with its verdicts.

    The problem, the response with all that was put into it, the answer, and every score.
    """
    from isoflop.samples.transcript import transcript

    source = which.read(bank)
    if source.bank is None:
        raise UsageError("counts hold no responses; give the samples")
    return page_of(
        transcript(source.bank, problem, sample, strategy=source.strategy, lineage=source.lineage)
    )
