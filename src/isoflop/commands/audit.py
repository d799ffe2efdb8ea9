"""audit: a checklist with verdicts on a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.commands.inputs import Columns, Convention, Derive, Reading, Source, Unit, Where
from isoflop.commands.registry import command
from isoflop.report import Block, Heading, Note, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.assess.audit import Audit, Finding

SHOWN = 20  # rows that are named in text; --json names them all


@command("audit", example="isoflop audit sample:tiny")
def audit(
    runs: Source,
    *,
    where: Where = None,
    columns: Columns = None,
    derive: Derive = (),
    convention: Convention = None,
    unit: Unit = None,
) -> Report:
    """Check a study for what makes a scaling law go wrong.

    Each check passes, warns, fails or cannot tell; it says what was seen and in which rows, why
    that matters and what to do.
    """
    from isoflop import assess

    found = assess.audit(Reading(where, columns, derive, convention, unit)(runs))
    blocks: list[Block] = [_headline(found), *map(Note, found.runs.notes), _table(found)]
    for finding in (*found.of("fail"), *found.of("warn")):
        blocks += _advice(finding)
    title = f"Audit of {len(found.runs):,} runs of {found.runs.origin}"
    return Report(title, tuple(blocks), _as_data(found))


def _headline(found: Audit) -> Note:
    failed, warned = len(found.of("fail")), len(found.of("warn"))
    silent = len(found.of("cannot tell"))
    said = f"of {len(found.findings)} checks {failed} failed, {warned} warned, {silent} cannot tell"
    return Note(said, "doubt" if failed or warned else "good")


def _table(found: Audit) -> Table:
    rows = tuple((f.verdict, f.check, f.says) for f in found.findings)
    return Table(("verdict", "check", "what was seen"), rows)


def _advice(finding: Finding) -> list[Block]:
    named = ", ".join(map(str, finding.rows[:SHOWN]))
    more = f" and {len(finding.rows) - SHOWN} more" if len(finding.rows) > SHOWN else ""
    rows = [Paragraph(f"Rows: {named}{more}.")] if finding.rows else []
    return [
        Heading(f"{finding.check}: {finding.verdict}"),
        Paragraph(f"{finding.says}."),
        *rows,
        Paragraph(finding.why),
        Paragraph(finding.todo),
    ]


def _as_data(found: Audit) -> dict[str, Any]:
    return {
        "worst": found.worst,
        "notes": list(found.runs.notes),
        "runs": {"n": len(found.runs), "origin": found.runs.origin},
        "findings": [
            {
                "check": f.check,
                "verdict": f.verdict,
                "says": f.says,
                "why": f.why,
                "todo": f.todo,
                "rows": list(f.rows),
            }
            for f in found.findings
        ],
    }
