"""A plan as a report, and as the configuration of a trainer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isoflop.errors import Notes, UsageError, texts
from isoflop.forecasting import beyond
from isoflop.law import Published
from isoflop.pages import shows, tabulates
from isoflop.pages.answer import answered, estimated, times_beyond
from isoflop.pages.provenance import counted, described
from isoflop.pages.ranges import plain, ranged
from isoflop.plan import Plan
from isoflop.quantities import show
from isoflop.report import Block, Heading, Paragraph, Points, Report, Table, note_blocks
from isoflop.report.columns import Columns, records
from isoflop.terminal import say

if TYPE_CHECKING:
    from isoflop.assess import Pool
    from isoflop.fitting import Fit
    from isoflop.plan import Estimate
    from isoflop.plan.training.recipe import RunConfig


@shows(Plan)
def page_of(
    plan: Plan,
    *,
    assumed: Notes = (),
    points: tuple[Points, ...] = (),
) -> Report:
    """Return a plan as a report, with what was `assumed` of its prices.

    `points` are points for the figure of costs at equal loss.
    """
    from isoflop.pages.plan_figures import along_budget, at_equal_loss

    model = plan.problem.model
    limits = ", ".join(plan.binding)
    picture = at_equal_loss(plan, points) if plan.reached else along_budget(plan)
    blocks: list[Block] = [
        *note_blocks(plan.notes),
        *note_blocks(assumed),
        Table(
            ("quantity", "value", "low", "high", "unit"),
            _numbers(model, plan),
            caption=plan.question,
        ),
        Paragraph(
            f"That is {plan.D.value / plan.N.value:.3g} tokens per parameter."
            + _epochs(plan)
            + (f" The limits that bind: {limits}." if limits else " No limit binds.")
        ),
        *_bill(plan),
        Table(
            ("N, times the plan", "N", "D", "L", "loss above the plan", "budget that would do"),
            tuple((r.factor, r.N, r.D, r.L, r.excess, r.compute) for r in plan.regret),
            caption="What it costs to train a model of another size for the same budget; the last "
            "column is the share of the budget that reaches the same loss at its own optimum.",
        ),
        *_others(plan),
        described(model),
        picture,
    ]
    answer = answered(_answer(plan), blocks)
    return Report(f"Plan: {plan.question}", tuple(blocks), _data(plan, assumed), answer=answer)


@tabulates(Plan)
def tables_of(plan: Plan) -> dict[str, Columns]:
    """Return the numbers of a plan, its bill, what other sizes cost, and other constants."""
    rows = _numbers(plan.problem.model, plan)
    names = ("quantity", "value", "low", "high", "unit")
    numbers = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    others = {"bill": plan.bill, "regret": plan.regret, "alternatives": plan.alternatives}
    return {"plan": numbers} | {name: records(items) for name, items in others.items() if items}


def _answer(plan: Plan) -> str:
    """Return what to train, and what it gives."""
    predicts = plan.problem.model.binding.predicts
    result = "loss" if predicts == "L" else predicts
    unit = "of training" if plan.priced.unit == "FLOP" else plan.priced.unit
    cost = f"{show(plan.C.value)} FLOP" if unit == "of training" else show(plan.cost.value)
    return (
        f"Train {estimated(plan.N)} parameters on {estimated(plan.D)} tokens, for {cost} {unit}: "
        f"{result} {estimated(plan.L)}{times_beyond(_beyond(plan))}"
    )


def _beyond(plan: Plan) -> float | None:
    """Return how many times a plan lies beyond the runs of its law; None without runs."""
    model = plan.problem.model
    if isinstance(model, Published):
        return None
    at = {"N": plan.N.value, "D": plan.D.value, **plan.problem.all_inputs}
    return beyond(model, {symbol: at[symbol] for symbol in model.binding.takes})


def written(estimate: Estimate) -> dict[str, float | None]:
    """Return an estimate as data."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _numbers(model: Fit[Any] | Pool | Published, plan: Plan) -> tuple[tuple[Any, ...], ...]:
    units = {symbol: counted(model, symbol) for symbol in "NDL"}
    share = "" if plan.priced.active == 1 else f" of {plan.priced.active:.3g} N"
    units["C"] = f"FLOP, {plan.priced.counting.convention}{share}"
    rows = [(s, e.value, e.low, e.high, units[s]) for s in "NDCL" for e in [getattr(plan, s)]]
    if plan.priced.unit != "FLOP" or plan.priced.serving is not None:
        e = plan.cost
        rows.append(("cost", e.value, e.low, e.high, plan.priced.unit))
    return tuple(rows)


def _epochs(plan: Plan) -> str:
    unique = dict(plan.inputs).get("U")
    if unique is None:
        return ""
    return f" The unique tokens are seen {max(1.0, plan.D.value / unique):.3g} times."


def _bill(plan: Plan) -> list[Block]:
    """Return what each phase takes, where there is more to say than C."""
    if plan.priced.serving is None and plan.priced.per_flop is None:
        return []
    total = sum(item.cost for item in plan.bill)
    rows = tuple(
        (
            item.phase,
            item.FLOP,
            100 * item.cost / total,
            ranged(item.hours),
            ranged(item.energy),
            ranged(item.money),
        )
        for item in plan.bill
    )
    names = ("phase", "FLOP", f"% of the {plan.priced.unit}", "chip-hours", "kWh", "USD")
    used = [i for i in range(len(names)) if any(row[i] is not None for row in rows)]
    return [
        Table(
            tuple(names[i] for i in used),
            tuple(tuple(row[i] for i in used) for row in rows),
            caption="What each phase takes; ranges are those of utilisation and price.",
        )
    ]


def _others(plan: Plan) -> list[Block]:
    if not plan.alternatives:
        return []
    return [
        Table(
            ("constants", "N", "D", "tokens per parameter", "L"),
            tuple((a.name, a.N, a.D, a.ratio, a.L) for a in plan.alternatives),
            caption="What other published constants of this form answer to the same question.",
        )
    ]


def _data(plan: Plan, assumed: Notes) -> dict[str, Any]:
    phases = [
        {
            "phase": item.phase,
            "FLOP": item.FLOP,
            "cost": item.cost,
            "hours": plain(item.hours),
            "energy": plain(item.energy),
            "money": plain(item.money),
        }
        for item in plan.bill
    ]
    return {
        "question": plan.question,
        **{s: written(getattr(plan, s)) for s in "NDCL"},
        "cost": written(plan.cost) | {"unit": plan.priced.unit},
        "given": dict(plan.inputs),
        "level": plan.level,
        "binding": list(plan.binding),
        "bill": phases,
        "regret": [
            {
                "factor": r.factor,
                "N": r.N,
                "D": r.D,
                "L": r.L,
                "excess": r.excess,
                "compute": r.compute,
            }
            for r in plan.regret
        ],
        "alternatives": [dataclasses.asdict(a) for a in plan.alternatives],
        "notes": texts((*plan.notes, *assumed)),
    }


# Where a configuration goes unless --out says otherwise.
USUAL = {
    "nanochat": "nanochat.sh",
    "torchtitan": "torchtitan.toml",
    "hf": "config.json",
    "json": "run.json",
}


@dataclass(frozen=True, slots=True)
class TrainingOutput:
    """The options of a plan that say which configuration to write, and where."""

    emit: str | None
    out: str | None
    rule: str
    chips: int
    chip: str | None
    shapes: Mapping[str, float] | None

    def written(self, model: Fit[Any] | Pool | Published, plan: Plan, report: Report) -> Report:
        """Write the configuration, if one was asked for; return the report with what it says.

        Without --out it goes to a file of a usual name, which must not be there yet.
        Raises UsageError for --out without --emit, and for a file that is there.
        """
        from isoflop.plan.training.configs import emit, facts
        from isoflop.store import write_atomically

        if self.emit is None:
            if self.out is not None:
                raise UsageError("--out says where --emit writes; say --emit, too")
            return report
        what = self._recipe(model, plan, self.emit)
        text = emit(what, self.emit)
        target = Path(self.out or USUAL.get(self.emit, f"{self.emit}.txt"))
        if self.out is None and target.exists():
            raise UsageError(f"{target} is there already; say with --out where to write")
        write_atomically(target, lambda file: file.write(text.encode()))
        say(f"wrote {target}")
        *blocks, described_as, picture = report.blocks
        whole = (*blocks, *_run(what, self.emit), described_as, picture)
        run = facts(what) | {"written": str(target)}
        return dataclasses.replace(report, blocks=whole, data={**report.data, "run": run})

    def _recipe(self, model: Fit[Any] | Pool | Published, plan: Plan, to: str) -> RunConfig:
        from isoflop.plan.training.configs import nanochat_shape
        from isoflop.plan.training.recipe import recipe

        convention = model.conventions.get("N", "total")
        shapes = self.shapes or {}
        shape: dict[str, Any] = {
            name: int(shapes[name]) for name in ("vocabulary", "context") if name in shapes
        }
        if to == "torchtitan":
            shape["tied"] = False  # as its llama3 is
        architecture = None
        if to == "nanochat":
            architecture = nanochat_shape(plan, convention, int(shapes.get("context", 2048)))
        return recipe(
            plan,
            architecture,
            rule=self.rule,
            chips=self.chips,
            chip=self.chip,
            shape=shape,
        )


def _run(what: RunConfig, to: str) -> list[Block]:
    a = what.architecture
    rows: list[tuple[Any, ...]] = [
        ("layers x width", f"{a.layers} x {a.width}"),
        ("heads, of keys and values", f"{a.heads}, {a.kv_heads}"),
        ("feed-forward", a.feed_forward),
        ("parameters", what.counted),
        ("steps", what.steps),
        ("tokens a step", what.batch),
        ("peak learning rate", what.lr),
        ("chips", what.chips),
        ("chip-hours", ranged(what.hours)),
        ("days", ranged(what.days)),
    ]
    return [
        Heading(f"The run for {to}"),
        *note_blocks(what.notes),
        Table(("what", "value"), tuple(row for row in rows if row[1] is not None)),
        Table(
            ("rule", "learning rate", "batch [tokens]", "caution"),
            tuple((s.rule, s.lr, s.batch, s.caution) for s in what.suggestions),
            caption=f"What each rule says of this shape and these tokens; written: {what.rule}.",
        ),
    ]
