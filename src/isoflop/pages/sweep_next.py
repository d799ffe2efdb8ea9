"""Which runs a study should make next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isoflop.pages.answer import answered
from isoflop.pages.design import hours_and_money, priced_in
from isoflop.quantities import show
from isoflop.report import Block, Paragraph, Remark, Report, Table

if TYPE_CHECKING:
    from isoflop.errors import Notes
    from isoflop.experiments.design import StudyFile
    from isoflop.plan.cost import Cost
    from isoflop.plan.next_runs import NextRuns


def page(
    study: StudyFile,
    chosen: NextRuns,
    added_to: str | None,
    assumed: Notes = (),
    cost: Cost | None = None,
) -> Report:
    """Return the runs, what each brings and takes, where they were written, what was assumed."""
    design = chosen.design
    rows = tuple(
        (name, D, step.cost, *hours_and_money(step.cost, cost), f"± {100 * step.half_width:.3g}%")
        for (_, name, D), step in zip(chosen.rows, design.choices, strict=True)
    )
    basis = f"{chosen.runs} runs are there" if chosen.runs else "no run is there yet"
    blocks: list[Block] = [
        *(Remark(note.text, note.kind) for note in (*assumed, *design.notes)),
        Table(("size", "D [tokens]", "cost [FLOP]", *priced_in(cost), "then known to"), rows),
        Paragraph(
            f"They stand in {added_to} now; 'isoflop sweep run {added_to}' makes them."
            if added_to
            else "--add writes them into the study's file."
        ),
    ]
    sentence = (
        f"{len(rows)} more runs for {show(design.spent)} FLOP bring {design.target.words} from "
        f"± {100 * design.start:.3g}% to ± {100 * design.half_width:.3g}% ({design.level:.0%}); "
        f"{basis}"
    )
    data = {
        "study": study.name,
        "runs": chosen.runs,
        "start": design.start,
        "half_width": design.half_width,
        "spent": design.spent,
        "level": design.level,
        "choices": [
            {"size": i, "name": name, "D": D, "cost": step.cost, "half_width": step.half_width}
            for (i, name, D), step in zip(chosen.rows, design.choices, strict=True)
        ],
        "added": added_to is not None,
    }
    title = f"Runs to make next in {study.name}"
    return Report(title, tuple(blocks), data, answer=answered(sentence, blocks))
