"""Draw samples from a model, and keep them in a bank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop import errors
from isoflop.errors import Notes, amount, texts
from isoflop.quantities import show
from isoflop.report import (
    Axis,
    Block,
    Cell,
    Figure,
    Paragraph,
    Points,
    Report,
    Table,
    note_blocks,
)

if TYPE_CHECKING:
    from isoflop.experiments.sampling.collect import (
        CollectionProgress,
        CollectionResult,
        CollectionTarget,
    )
    from isoflop.samples.bank import SampleBank
    from isoflop.samples.sample_table import Counts


def progress_of(p: CollectionProgress) -> str:
    """Return how far a bank is, in a few words."""
    from isoflop.experiments.display import duration

    rate = (p.done - p.had) / p.seconds if p.seconds > 0 else 0.0
    parts = [f"{p.done:,}/{p.total:,} samples"]
    if rate:
        parts.append(f"{show(rate)} a second")
    if rate and p.done < p.total:
        parts.append(f"{duration((p.total - p.done) / rate)} to go")
    if p.left_out:
        parts.append(f"{p.left_out:,} left out")
    return ", ".join(parts)


def page_of(
    bank: SampleBank, target: CollectionTarget, collection_result: CollectionResult, notes: Notes
) -> Report:
    """Return what was sampled into a bank."""
    strategy, lineage = target.kind
    remarks = [*notes, *_remarks(collection_result)]
    blocks: list[Block] = [*note_blocks(remarks)]
    blocks.append(Paragraph(_said(collection_result)))
    data: dict[str, Any] = {
        "bank": str(bank.study.path),
        "strategy": strategy,
        "lineage": lineage,
        "samples": collection_result.total,
        "new": collection_result.new,
        "had": collection_result.had,
        "left_out": dict(collection_result.left_out),
        "unsure": dict(collection_result.unsure),
        "tokens": collection_result.tokens,
        "prompt_tokens": collection_result.prompt_tokens,
        "seconds": collection_result.seconds,
        "notes": texts(remarks),
    }
    if (counts := _counts(bank, strategy, lineage)) is not None:
        k, value = _coverage(counts)
        data["coverage"] = {"k": k.tolist(), "value": value.tolist()}
        blocks += _pictured(k, value, counts, lineage)
    blocks.append(
        Paragraph(
            f"'isoflop testtime curves {bank.study.path}' tells every budget, with intervals."
        )
    )
    title = f"Samples of {lineage}" + f", {strategy}" * (strategy != "parallel")
    return Report(title, tuple(blocks), data)


def _said(f: CollectionResult) -> str:
    from isoflop.experiments.display import duration

    rate = f" ({show(f.new / f.seconds)} a second)" if f.new and f.seconds > 0 else ""
    cost = f", {f.tokens:,} tokens generated" if f.tokens else ""
    return (
        f"The bank holds {f.had + f.new:,} samples of the {f.total:,} asked for; {f.had:,} were "
        f"there before. This call drew {f.new:,} in {duration(f.seconds)}{rate}{cost}."
    )


def _remarks(f: CollectionResult) -> Notes:
    sentences = [
        f"{amount(count, 'sample is', 'samples are')} left out: {why}"
        for why, count in f.left_out.items()
    ]
    sentences += [
        f"{name} gave no verdict on {amount(count, 'sample', 'samples')}"
        for name, count in f.unsure.items()
    ]
    if f.short:
        sentences.append(
            f"{f.short:,} requests were answered by fewer responses than asked for; the rest was "
            "asked for again"
        )
    return tuple(errors.Note("doubt", "samples", text) for text in sentences)


def _counts(bank: SampleBank, strategy: str, lineage: str) -> Counts | None:
    """Return how many samples of each problem are right, None where none was graded."""
    from isoflop.errors import RefusedByData

    try:
        return bank.counts(strategy, lineage)
    except RefusedByData:
        return None


def _coverage(counts: Counts) -> tuple[Any, Any]:
    from isoflop.samples.coverage import coverage

    k = 2 ** np.arange(counts.reach.bit_length())
    return k, coverage(counts, k).mean(0)


def _pictured(k: Any, value: Any, counts: Counts, lineage: str) -> list[Block]:
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (int(a), float(b)) for a, b in zip(k, value, strict=True)
    )
    solved = int((counts.solved > 0).sum())
    caption = (
        f"Over {len(counts.problems):,} problems, {solved:,} of them solved at least once. "
        "pass@k is the share of problems that the best of k samples solves, without bias."
    )
    y = Axis("pass@k: problems solved by at least one of k samples", "share", log=False)
    points = Points(lineage, k.astype(float), value)
    return [
        Table(("k", "pass@k"), rows, caption),
        Figure("Coverage", Axis.of("k"), y, (points,), "Each k is estimated from all samples."),
    ]
