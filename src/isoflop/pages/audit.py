"""A checklist with verdicts on a study."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isoflop.errors import texts
from isoflop.report import Block, Heading, Note, Paragraph, Table

if TYPE_CHECKING:
    from isoflop.assess.audit import Audit, Finding


SHOWN = 20  # rows that are named in text; --json names them all


def headline(audit: Audit) -> Note:
    """Return how many checks failed, warned and could not tell."""
    failed, warned = len(audit.of("fail")), len(audit.of("warn"))
    silent = len(audit.of("cannot tell"))
    text = f"of {len(audit.findings)} checks {failed} failed, {warned} warned, {silent} cannot tell"
    return Note(text, "doubt" if failed or warned else "good")


def table(audit: Audit) -> Table:
    """Return every check with its verdict and what was seen."""
    rows = tuple((f.verdict, f.check, f.says) for f in audit.findings)
    return Table(("verdict", "check", "what was seen"), rows)


def advice(finding: Finding) -> list[Block]:
    """Return why a finding matters, the rows it is about, and what to do."""
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


def as_data(audit: Audit) -> dict[str, Any]:
    """Return an audit as JSON types."""
    return {
        "worst": audit.worst,
        "notes": texts(audit.runs.notes),
        "runs": {"n": len(audit.runs), "origin": audit.runs.origin},
        "findings": [
            {
                "check": f.check,
                "verdict": f.verdict,
                "says": f.says,
                "why": f.why,
                "todo": f.todo,
                "rows": list(f.rows),
            }
            for f in audit.findings
        ],
    }
