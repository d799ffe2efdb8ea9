"""wall: when the largest runs ask for more text than there is, as quantiles over years."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

from isoflop.commands.given_law import Model, described, model, noted
from isoflop.commands.pricing import plain, spread
from isoflop.commands.registry import Option, command
from isoflop.report import Note, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.atlas import Range
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.plan.wall import Wall

_RANGE = "a number, or low,high, or low,typical,high, as 5 and 95% points"


@command("wall", example="isoflop wall chinchilla/besiroglu2024 --overtraining 1,5")
def wall(
    fit: Model,
    *,
    C: Annotated[
        str | None, Option(f"FLOP of the largest run in --year: {_RANGE}", "RANGE")
    ] = None,
    year: Annotated[int | None, Option("the year of that run")] = None,
    growth: Annotated[str | None, Option(f"growth of C a year: {_RANGE}", "RANGE")] = None,
    stock: Annotated[str | None, Option(f"tokens of text there are: {_RANGE}", "RANGE")] = None,
    quality: Annotated[str, Option(f"share of it fit for use: {_RANGE}", "RANGE")] = "1",
    epochs: Annotated[str, Option(f"times that it is worth: {_RANGE}", "RANGE")] = "1",
    overtraining: Annotated[
        str, Option(f"tokens per parameter over the best: {_RANGE}", "RANGE")
    ] = "1",
    draws: Annotated[int, Option("draws of everything that is not certain")] = 10_000,
    seed: Annotated[int, Option("of the draws", "SEED")] = 0,
) -> Report:
    """Find when the largest runs will ask for more text than there is.

    The answer is a distribution over years, from those of the stock, of today's compute and of
    its growth, and the best D by the law. It is never a date: each of them is uncertain.
    """
    from isoflop.plan.stock import STOCK
    from isoflop.plan.wall import GROWTH, LARGEST, LARGEST_YEAR
    from isoflop.plan.wall import wall as against

    found = model(fit)
    facts, taken = [], {}
    for name, text, fact in (
        ("C", C, LARGEST),
        ("growth", growth, GROWTH),
        ("stock", stock, STOCK),
    ):
        taken[name] = fact.value if text is None else spread(text, f"--{name}")
        said = f"{fact.meaning}; {fact.source}" if text is None else "as stated"
        facts.append((name, taken[name], said))
    for name, text in (("quality", quality), ("epochs", epochs), ("overtraining", overtraining)):
        taken[name] = spread(text, f"--{name}")
        facts.append((name, taken[name], "as stated"))
    made = against(
        found, **taken, year=LARGEST_YEAR if year is None else float(year), draws=draws, seed=seed
    )
    return _report(found, made, tuple(facts))


def _report(
    found: Fit[Any] | Published, made: Wall, facts: tuple[tuple[str, Range, str], ...]
) -> Report:
    from isoflop.commands.plan_pictures import data_wall, used_up

    shown = tuple((f"{q:.0%}", _year(y)) for q, y in zip(made.quantiles, made.years, strict=True))
    blocks = (
        *noted(found, made.notes),
        Note(
            "compute is carried on as it grew, whatever it costs, and no data are made by models: "
            "both move the wall, neither is in these intervals"
        ),
        Table(("of the draws", "have used the stock up by"), shown, caption="When, by quantiles."),
        Paragraph(
            f"In {made.unmet:.0%} of the draws the stock outlasts {made.at[-1]:.0f}."
            if made.unmet
            else "Every draw uses its stock up in the years that were carried on."
        ),
        Table(
            ("assumed", "low", "typical", "high", "from"),
            tuple((name, r.low, r.typical, r.high, said) for name, r, said in facts),
            caption="What goes in; low and high are 5 and 95% points.",
        ),
        described(found),
        data_wall(made),
        used_up(made),
    )
    data = {
        "years": {f"{q:g}": y for q, y in zip(made.quantiles, made.years, strict=True)},
        "unmet": made.unmet,
        "assumed": {name: plain(r) for name, r, _ in facts},
        "notes": list(made.notes),
    }
    return Report("Text in stock, and what the largest runs ask for", blocks, data)


def _year(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "not within the years carried on"
