"""rl isocompute: how many responses per problem a budget is best spent on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.commands.inputs import Source, TableOptions
from isoflop.commands.registry import command
from isoflop.commands.rl.rl_options import RewardOptions, RLInput, read
from isoflop.errors import UsageError, texts
from isoflop.pages.rl_isocompute import answer
from isoflop.quantities import quantity
from isoflop.report import Block, Cell, Remark, Report, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.assess.reward.isocompute import IsoCompute
    from isoflop.runs import Runs


@command("rl isocompute", example="isoflop rl isocompute sample:rl-responses")
def rl_isocompute(
    runs: Source,
    *,
    rewards: RewardOptions = RewardOptions(),
    table_options: TableOptions = TableOptions(),
) -> Report:
    """Find the best number of responses per problem for each budget.

    Needs runs that differ in their column group, responses per problem. A sigmoid goes through
    the record-breaking evaluations of each number; n* is the number whose curve is highest.
    """
    from isoflop.assess.reward.isocompute import isocompute

    logs = read(runs, table_options, rewards)
    if len(logs.by_recipe) > 1:
        names = ", ".join(logs.by_recipe)
        raise UsageError(f"there are several recipes ({names}); choose one with --where")
    ((recipe, evaluated),) = logs.by_recipe.items()
    return _report(logs, isocompute(evaluated, logs.over, logs.starts[recipe]), evaluated)


def _report(logs: RLInput, iso_compute: IsoCompute, runs: Runs) -> Report:
    from isoflop.pages.rl_figures import frontier

    unit, numbers = quantity(logs.over).unit, iso_compute.responses(iso_compute.x)
    rows: list[tuple[Cell, ...]] = [
        (
            float(iso_compute.x[i]),
            float(iso_compute.best[i]),
            float(numbers[i]),
            float(iso_compute.reward[i]),
        )
        for i in range(0, iso_compute.x.size, 6)
    ]
    fits: list[tuple[Cell, ...]] = [
        (n, float(law.A), float(law.C_mid), float(law.B)) for n, law in iso_compute.curves.items()
    ]
    blocks: list[Block] = [
        Remark(answer(iso_compute, unit)),
        *logs.named,
        *note_blocks(iso_compute.notes),
        Table(
            (f"compute [{unit}]", "best number", "n* by the law", "R on the envelope"),
            tuple(rows),
            "The best number is of those tried; n* follows it by a sigmoid of logs.",
        ),
        Table(("responses per problem", "A", f"C_mid [{unit}]", "B"), tuple(fits)),
        *frontier(iso_compute, runs),
    ]
    curves = {
        f"{n:g}": {k: float(v) for k, v in c.values.items()} for n, c in iso_compute.curves.items()
    }
    data = {
        "over": logs.over,
        "unit": unit,
        "curves": curves,
        "x": iso_compute.x.tolist(),
        "best": iso_compute.best.tolist(),
        "reward": iso_compute.reward.tolist(),
        "responses": numbers.tolist(),
        "notes": texts(iso_compute.notes),
    }
    return Report(f"Responses per problem, by {logs.over}", tuple(blocks), data)
