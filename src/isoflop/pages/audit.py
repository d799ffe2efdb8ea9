"""A checklist with verdicts on a study."""

from __future__ import annotations

from typing import Any

from isoflop.assess.audit import Audit, Finding
from isoflop.errors import texts
from isoflop.pages import shows
from isoflop.pages.answer import clause
from isoflop.report import Block, Heading, Paragraph, Remark, Report, Table, note_blocks

SHOWN = 20  # rows that are named in text; --json names them all


@shows(Audit)
def page_of(audit: Audit) -> Report:
    """Return an audit as a report: the verdicts, then what failed and what to do about it."""
    blocks: list[Block] = [headline(audit), *note_blocks(audit.runs.notes), table(audit)]
    for finding in (*audit.of("fail"), *audit.of("warn")):
        blocks += advice(finding)
    title = f"Audit of {len(audit.runs):,} runs of {audit.runs.origin}"
    return Report(title, tuple(blocks), as_data(audit), answer=_answer(audit))


def _answer(audit: Audit) -> str:
    """Return whether a law may be fitted to these runs, and the gravest finding."""
    verdicts = {
        "fail": "Mend these runs before a law is fitted to them",
        "warn": "A law may be fitted to these runs, with care",
        "cannot tell": "Nothing speaks against these runs, as far as can be told",
        "pass": "Nothing speaks against these runs",
    }
    first = next(iter(audit.of(audit.worst)))
    why = f": {first.check}: {clause(first.says)}" if audit.worst in ("fail", "warn") else ""
    return f"{verdicts[audit.worst]}{why}."


def headline(audit: Audit) -> Remark:
    """Return how many checks failed, warned and could not tell."""
    failed, warned = len(audit.of("fail")), len(audit.of("warn"))
    silent = len(audit.of("cannot tell"))
    text = f"of {len(audit.findings)} checks {failed} failed, {warned} warned, {silent} cannot tell"
    return Remark(text, "doubt" if failed or warned else "good")


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
