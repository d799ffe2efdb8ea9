"""rl isocompute: how many responses per problem a budget is best spent on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.commands.inputs import Columns, Derive, RunsOptions, Source, Where
from isoflop.commands.registry import command
from isoflop.commands.rl.rl_options import Over, Range, RLInput, Start, read
from isoflop.errors import UsageError
from isoflop.pages.rl_isocompute import answer
from isoflop.quantities import quantity
from isoflop.report import Block, Cell, Note, Report, Table

if TYPE_CHECKING:
    from isoflop.assess.reward.isocompute import IsoCompute
    from isoflop.runs import Runs


@command("rl isocompute", example="isoflop rl isocompute sample:rl-responses")
def rl_isocompute(
    runs: Source,
    *,
    over: Over = None,
    start: Start = None,
    range_: Range = None,
    where: Where = None,
    columns: Columns = None,
    derive: Derive = (),
) -> Report:
    """Find the best number of responses per problem for each budget.

    Needs runs that differ in their column group, responses per problem. A sigmoid goes through
    the record-breaking evaluations of each number; n* is the number whose curve is highest.
    """
    from isoflop.assess.reward.isocompute import isocompute

    found = read(runs, RunsOptions(where, columns, derive), over=over, start=start, range_=range_)
    if len(found.by_recipe) > 1:
        names = ", ".join(found.by_recipe)
        raise UsageError(f"there are several recipes ({names}); choose one with --where")
    ((recipe, seen),) = found.by_recipe.items()
    return _report(found, isocompute(seen, found.over, found.starts[recipe]), seen)


def _report(found: RLInput, made: IsoCompute, seen: Runs) -> Report:
    from isoflop.pages.rl_figures import frontier

    unit, numbers = quantity(found.over).unit, made.responses(made.x)
    rows: list[tuple[Cell, ...]] = [
        (float(made.x[i]), float(made.best[i]), float(numbers[i]), float(made.reward[i]))
        for i in range(0, made.x.size, 6)
    ]
    fits: list[tuple[Cell, ...]] = [
        (n, float(law.A), float(law.C_mid), float(law.B)) for n, law in made.curves.items()
    ]
    blocks: list[Block] = [
        Note(answer(made, unit)),
        *found.named,
        *(Note(text, "doubt") for text in made.notes),
        Table(
            (f"compute [{unit}]", "best number", "n* by the law", "R on the envelope"),
            tuple(rows),
            "The best number is of those tried; n* follows it by a sigmoid of logs.",
        ),
        Table(("responses per problem", "A", f"C_mid [{unit}]", "B"), tuple(fits)),
        *frontier(made, seen),
    ]
    curves = {f"{n:g}": {k: float(v) for k, v in c.values.items()} for n, c in made.curves.items()}
    data = {
        "over": found.over,
        "unit": unit,
        "curves": curves,
        "x": made.x.tolist(),
        "best": made.best.tolist(),
        "reward": made.reward.tolist(),
        "responses": numbers.tolist(),
        "notes": list(made.notes),
    }
    return Report(f"Responses per problem, by {found.over}", tuple(blocks), data)
