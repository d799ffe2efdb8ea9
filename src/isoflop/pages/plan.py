"""A plan as a report, and as the configuration of a trainer."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isoflop.errors import UsageError
from isoflop.pages.provenance import counted, described, noted, unit_of
from isoflop.pages.ranges import plain, ranged
from isoflop.report import Block, Heading, Note, Paragraph, Points, Report, Table
from isoflop.terminal import say

if TYPE_CHECKING:
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.plan import Estimate, Plan
    from isoflop.plan.training.recipe import RunConfig


def planned(
    found: Fit[Any] | Published,
    made: Plan,
    *,
    assumed: tuple[str, ...] = (),
    reached: bool = False,
    beside: tuple[Points, ...] = (),
) -> Report:
    """Return a plan as a report; `reached` says that it starts from a loss, not from a budget.

    `beside` are points for the figure of costs at equal loss.
    """
    from isoflop.pages.plan_figures import along_budget, at_equal_loss

    held = ", ".join(made.binding)
    picture = at_equal_loss(found, made, beside) if reached else along_budget(found, made)
    blocks: list[Block] = [
        *noted(found, made.notes),
        *(Note(text) for text in assumed),
        Table(
            ("quantity", "value", "low", "high", "unit"),
            _numbers(found, made),
            caption=made.question,
        ),
        Paragraph(
            f"That is {made.D.value / made.N.value:.3g} tokens per parameter."
            + _epochs(made)
            + (f" The limits that bind: {held}." if held else " No limit binds.")
        ),
        *_bill(made),
        Table(
            ("N, times the plan", "N", "D", "L", "loss above the plan", "budget that would do"),
            tuple((r.factor, r.N, r.D, r.L, r.excess, r.compute) for r in made.regret),
            caption="What it costs to train a model of another size for the same budget; the last "
            "column is the share of the budget that reaches the same loss at its own optimum.",
        ),
        *_others(made),
        described(found),
        picture,
    ]
    return Report(f"Plan: {made.question}", tuple(blocks), _data(made, assumed))


def written(estimate: Estimate) -> dict[str, float | None]:
    """Return an estimate as data."""
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _numbers(found: Fit[Any] | Published, made: Plan) -> tuple[tuple[Any, ...], ...]:
    units = {symbol: counted(found, symbol) for symbol in "NDL"}
    share = "" if made.priced.active == 1 else f" of {made.priced.active:.3g} N"
    units["C"] = f"FLOP, {made.priced.counting.convention}{share}"
    rows = [(s, e.value, e.low, e.high, units[s]) for s in "NDCL" for e in [getattr(made, s)]]
    if made.priced.unit != "FLOP" or made.priced.serving is not None:
        e = made.cost
        rows.append(("cost", e.value, e.low, e.high, made.priced.unit))
    return tuple(rows)


def _epochs(made: Plan) -> str:
    unique = dict(made.given).get("U")
    if unique is None:
        return ""
    return f" The unique tokens are seen {max(1.0, made.D.value / unique):.3g} times."


def _bill(made: Plan) -> list[Block]:
    """Return what each phase takes, where there is more to say than C."""
    if made.priced.serving is None and made.priced.per_flop is None:
        return []
    total = sum(item.cost for item in made.bill)
    rows = tuple(
        (
            item.phase,
            item.FLOP,
            100 * item.cost / total,
            ranged(item.hours),
            ranged(item.energy),
            ranged(item.money),
        )
        for item in made.bill
    )
    names = ("phase", "FLOP", f"% of the {made.priced.unit}", "chip-hours", "kWh", "USD")
    kept = [i for i in range(len(names)) if any(row[i] is not None for row in rows)]
    return [
        Table(
            tuple(names[i] for i in kept),
            tuple(tuple(row[i] for i in kept) for row in rows),
            caption="What each phase takes; ranges are those of utilisation and price.",
        )
    ]


def _others(made: Plan) -> list[Block]:
    if not made.alternatives:
        return []
    return [
        Table(
            ("constants", "N", "D", "tokens per parameter", "L"),
            tuple((a.name, a.N, a.D, a.ratio, a.L) for a in made.alternatives),
            caption="What other published constants of this form answer to the same question.",
        )
    ]


def _data(made: Plan, assumed: tuple[str, ...]) -> dict[str, Any]:
    phases = [
        {
            "phase": item.phase,
            "FLOP": item.FLOP,
            "cost": item.cost,
            "hours": plain(item.hours),
            "energy": plain(item.energy),
            "money": plain(item.money),
        }
        for item in made.bill
    ]
    return {
        "question": made.question,
        **{s: written(getattr(made, s)) for s in "NDCL"},
        "cost": written(made.cost) | {"unit": made.priced.unit},
        "given": dict(made.given),
        "level": made.level,
        "binding": list(made.binding),
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
            for r in made.regret
        ],
        "alternatives": [dataclasses.asdict(a) for a in made.alternatives],
        "notes": [*made.notes, *assumed],
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

    def written(self, found: Fit[Any] | Published, made: Plan, report: Report) -> Report:
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
        what = self._recipe(found, made, self.emit)
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

    def _recipe(self, found: Fit[Any] | Published, made: Plan, to: str) -> RunConfig:
        from isoflop.plan.training.configs import nanochat_shape
        from isoflop.plan.training.recipe import recipe

        convention = found.conventions.get("N", "total")
        said = self.shapes or {}
        shape: dict[str, Any] = {
            name: int(said[name]) for name in ("vocabulary", "context") if name in said
        }
        if to == "torchtitan":
            shape["tied"] = False  # as its llama3 is
        own = None
        if to == "nanochat":
            own = nanochat_shape(made, convention, int(said.get("context", 2048)))
        return recipe(
            made,
            own,
            convention=convention,
            rule=self.rule,
            chips=self.chips,
            chip=self.chip,
            shape=shape,
            nats=unit_of(found, "L") == "nats/token",
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
        *(Note(text) for text in what.notes),
        Table(("what", "value"), tuple(row for row in rows if row[1] is not None)),
        Table(
            ("rule", "learning rate", "batch [tokens]", "caution"),
            tuple((s.rule, s.lr, s.batch, s.caution) for s in what.suggestions),
            caption=f"What each rule says of this shape and these tokens; written: {what.rule}.",
        ),
    ]
