"""A study before it is run: trials, cost, and what they will be able to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.pages.answer import answered
from isoflop.quantities import show
from isoflop.report import Axis, Block, Figure, Paragraph, Points, Remark, Report, Table

if TYPE_CHECKING:
    from isoflop.plan.outlook import Outlook
    from isoflop.store import JSON

MOST_ROWS = 40  # trials that a table lists; the data hold all


def page(outlook: Outlook) -> Report:
    """Return the outlook of a study: doubts first, then cost, what it tells, and its trials."""
    blocks: list[Block] = [
        *(Remark(note.text, note.kind) for note in outlook.notes),
        Paragraph(_cost(outlook)),
        *(Paragraph(text) for text in _forecast(outlook)),
        _trials(outlook),
        _places(outlook),
    ]
    answer = answered(_sentence(outlook), blocks)
    return Report(f"Study {outlook.study.name}", tuple(blocks), data(outlook), answer=answer)


def _sentence(outlook: Outlook) -> str:
    """Return how many trials there are, their cost, and how well the target will be known."""
    text = f"{len(outlook.trials)} trials for {show(outlook.flop)} FLOP"
    if outlook.width is None or outlook.target is None:
        return text
    precision = f"± {100 * outlook.width.after:.3g}% ({outlook.width.level:.0%})"
    return f"{text} bring {outlook.target.words} to {precision}, if the form is right"


def _cost(outlook: Outlook) -> str:
    count, losses = len(outlook.trials), outlook.losses
    text = f"{count} trials measure {losses} losses for {show(outlook.flop)} FLOP"
    if outlook.held_out_flop is not None:
        text += f", and the run that is held out takes {show(outlook.held_out_flop)} more"
    if outlook.hours is not None:
        text += f": {show(outlook.hours)} hours"
        text += " of one chip" if outlook.cost else " of one trial after the other"
    if outlook.cost is not None and outlook.cost.money is not None:
        money = outlook.cost.money
        text += f", USD {show(money.low)} to {show(money.high)}"
    memory = show(outlook.memory / 1e9)
    return (
        f"{text}. The largest model keeps {memory} GB between steps (Adam in mixed precision), "
        f"activations aside; each trial is given {outlook.trials[0].resources.words}."
    )


def _forecast(outlook: Outlook) -> list[str]:
    width, target = outlook.width, outlook.target
    if width is None or target is None:
        return []
    return [
        f"By {outlook.study.law}, {target.words} is known to ± {100 * width.before:.3g}% before "
        f"any run and to ± {100 * width.after:.3g}% after all of them ({width.level:.0%}), if "
        f"losses scatter by {outlook.noise:.2%} and the form is right."
    ]


def _trials(outlook: Outlook) -> Table:
    order = sorted(outlook.trials, key=lambda trial: -trial.flop)
    rows = tuple((trial.name, trial.flop, trial.key) for trial in order[:MOST_ROWS])
    hidden = len(order) - len(rows)
    caption = f"and {hidden:,} smaller ones; --json lists all" if hidden else ""
    return Table(("trial, largest first", "cost [FLOP]", "key"), rows, caption)


def _places(outlook: Outlook) -> Figure:
    from isoflop.plan.outlook import pool_of_runs

    pool = pool_of_runs(outlook.runs)
    layers = [Points("losses to be measured", pool.N, pool.D)]
    if outlook.study.held_out is not None:
        import numpy as np

        run = outlook.study.held_out_run()
        layers.append(Points("held out", np.array([run.size.N]), np.array([run.D]), kind="truth"))
    return Figure("Where the runs lie", Axis.of("N"), Axis.of("D"), tuple(layers))


def data(outlook: Outlook) -> dict[str, JSON]:
    """Return the outlook as JSON."""
    width, cost = outlook.width, outlook.cost
    return {
        "study": outlook.study.name,
        "folder": str(outlook.study.folder),
        "trials": [{"key": t.key, "name": t.name, "flop": t.flop} for t in outlook.trials],
        "losses": outlook.losses,
        "flop": outlook.flop,
        "held_out_flop": outlook.held_out_flop,
        "hours": outlook.hours,
        "money": None if cost is None or cost.money is None else cost.money.typical,
        "memory": outlook.memory,
        "before": None if width is None else width.before,
        "after": None if width is None else width.after,
        "level": None if width is None else width.level,
        "notes": [{"kind": n.kind, "topic": n.topic, "text": n.text} for n in outlook.notes],
    }
