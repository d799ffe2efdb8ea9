"""One sample as it was written."""

from __future__ import annotations

import dataclasses

from isoflop.pages import shows
from isoflop.report import Block, Heading, Paragraph, Remark, Report, Table
from isoflop.samples.transcript import Transcript


@shows(Transcript)
def page_of(sample: Transcript) -> Report:
    """Return the problem, the response and its verdicts as a report."""
    verdict = {True: "right", False: "wrong", None: "not graded"}[sample.correct]
    rows = [("answer", sample.answer or "none"), ("graded", verdict)]
    rows += [("right answer", sample.right)] if sample.right is not None else []
    rows += [("tokens", f"{sample.tokens:,}")] if sample.tokens is not None else []
    rows += [(f"score by {name}", f"{score:.4g}") for name, score in sample.scores.items()]
    blocks: list[Block] = []
    if sample.left_out:
        blocks.append(Remark(f"this sample counts in no estimate: {sample.left_out}", "doubt"))
    blocks.append(Table(("what", "value"), tuple(rows)))
    for title, text in (("Problem", sample.prompt), ("Response", sample.response)):
        blocks.append(Heading(title))
        blocks += [Paragraph(line) for line in _lines(text, title)]
    title = f"Sample {sample.sample} of {sample.problem}, {sample.strategy} of {sample.lineage}"
    data = {**dataclasses.asdict(sample), "scores": dict(sample.scores)}
    answer = f"Sample {sample.sample} of {sample.problem} is {verdict}: {sample.answer or 'none'}."
    return Report(title, tuple(blocks), data, answer=answer)


def _lines(text: str | None, title: str) -> list[str]:
    """Return the lines of a text that somebody else wrote, or that there is none."""
    if text is None:
        return [f"The {title.lower()} was not kept with the sample."]
    return [line for line in text.splitlines() if line.strip()] or ["(empty)"]
