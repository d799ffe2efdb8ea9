"""update: a fit held against runs that it had not seen, and what they change."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.inputs import RunsOptions, Source
from isoflop.commands.law_source import Growth, Model, saved
from isoflop.commands.registry import Option, command
from isoflop.report import Report
from isoflop.terminal import say


@command(
    "update",
    section="Laws, and how far they hold",
    example="isoflop update fit.json sample:tiny --out newer.json",
)
def update(
    fit: Model,
    newruns: Source,
    *,
    growth: Growth = None,
    table_options: RunsOptions = RunsOptions(),
    out: Annotated[str | None, Option("write the new fit here", "FILE")] = None,
) -> Report:
    """Hold a saved fit against new runs, then fit all of them together.

    For each new run: the forecast, its interval, the truth. Then what the new runs change in
    each parameter and in the best size. Runs that the fit has already are left out.
    """
    from isoflop.monitor.update import update as hold_against
    from isoflop.pages.update import page_of

    result = hold_against(saved(fit), table_options.read(newruns), growth=growth)
    if out is not None:
        result.after.save(out)
        say(f"wrote {out}")
    return page_of(result)
