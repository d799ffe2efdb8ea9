"""testtime sample: draw samples from a model, and keep them in a bank."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from isoflop.commands.registry import Option, command
from isoflop.commands.testtime import asking as asked
from isoflop.errors import amount
from isoflop.report import Axis, Block, Cell, Figure, Note, Paragraph, Points, Report, Table

if TYPE_CHECKING:
    from isoflop.experiments.backends.filling import Filled, Progress
    from isoflop.experiments.backends.forcing import Forcing
    from isoflop.samples.bank import Bank
    from isoflop.samples.sample_table import Counts


@command(
    "testtime sample", example="isoflop testtime sample --problems 16 --samples 64 drawn"
)  # fmt: skip
def sample(
    bank: Annotated[str, Option("where the samples lie, made or gone on with", "BANK")],
    *,
    task: asked.Task = "chain",
    problems: asked.Problems = None,
    samples: asked.Samples = 64,
    backend: asked.Where = "embedded",
    model: asked.Model = None,
    url: asked.Url = None,
    api: asked.Api = "completions",
    key_from: asked.KeyFrom = "ISOFLOP_API_KEY",
    temperature: asked.Temperature = 1.0,
    max_tokens: asked.MaxTokens = None,
    stop: asked.Stop = (),
    n: asked.Width = None,
    at_once: asked.AtOnce = 8,
    timeout: asked.Timeout = 120.0,
    tries: asked.Tries = 6,
    set_: asked.Extra = None,
    again: asked.Again = 0,
    again_text: asked.AgainText = "Wait",
    limit: asked.Limit = None,
    end: asked.End = "",
    params: asked.Parameters = None,
    check: asked.Check = None,
    time_limit: asked.TimeLimit = 10.0,
    reward: asked.Reward = None,
    columns: asked.Columns = None,
    lineage: asked.Lineage = None,
    seed: Annotated[int, Option("of the problems and of the samples", "SEED")] = 0,
) -> Report:
    """Draw samples of a model, judge them, and keep them in a bank.

    Killed anywhere, the same command goes on: no sample is lost or counted twice. What a server
    answers that is no answer is left out, and counted. --check runs a program of yours on what a
    model wrote: that is no sandbox. --again and --limit force how long a model thinks.
    """
    asking = asked.Asking(
        backend, model, url, api, key_from, temperature, max_tokens, stop, at_once, timeout,
        tries, set_ or {}, params, seed,
    )  # fmt: skip
    exercise, drawn_from = asking.ready(task, problems, columns)
    judge = asked.judge(exercise, check, time_limit, reward or {})
    width = n if n is not None else 64 if backend == "embedded" else 8
    name, forced = lineage or asking.lineage, asked.forcing(asking, again, again_text, limit, end)
    return _filled(bank, name, samples, width, seed, exercise, drawn_from, judge, forced)


def _filled(
    folder: str, lineage: str, samples: int, width: int, seed: int, exercise: Any, backend: Any,
    judge: Any, forcing: Forcing | None,
) -> Report:  # fmt: skip
    from isoflop.experiments.backends.filling import fill
    from isoflop.experiments.backends.forcing import Forced, remember
    from isoflop.experiments.display import shown
    from isoflop.samples.bank import Bank

    bank, strategy = Bank.create(folder), "parallel"
    if forcing is not None:
        remember(bank, lineage, forcing)
        backend, strategy = Forced(backend, forcing), forcing.strategy
    with shown(lineage, _sentence) as watch:
        filled = fill(
            bank, exercise.problems, samples, backend, judge, lineage=lineage, strategy=strategy,
            width=width, seed=seed, watch=watch,
        )  # fmt: skip
    return _report(bank, strategy, lineage, filled, (*exercise.notes, *exercise.remarks()))


def _sentence(p: Progress) -> str:
    """Return how far a bank is, in a few words."""
    from isoflop.experiments.display import duration

    rate = (p.done - p.had) / p.seconds if p.seconds > 0 else 0.0
    parts = [f"{p.done:,}/{p.total:,} samples"]
    if rate:
        parts.append(f"{rate:.3g} a second")
    if rate and p.done < p.total:
        parts.append(f"{duration((p.total - p.done) / rate)} to go")
    if p.left_out:
        parts.append(f"{p.left_out:,} left out")
    return ", ".join(parts)


def _report(
    bank: Bank, strategy: str, lineage: str, filled: Filled, notes: tuple[str, ...]
) -> Report:
    remarks = [*notes, *_remarks(filled)]
    blocks: list[Block] = [Note(text, "doubt") for text in remarks]
    blocks.append(Paragraph(_said(filled)))
    data: dict[str, Any] = {
        "bank": str(bank.study.path), "strategy": strategy, "lineage": lineage,
        "samples": filled.total,
        "new": filled.new, "had": filled.had, "left_out": dict(filled.left_out),
        "unsure": dict(filled.unsure), "tokens": filled.tokens,
        "prompt_tokens": filled.prompt_tokens, "seconds": filled.seconds, "notes": remarks,
    }  # fmt: skip
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


def _said(f: Filled) -> str:
    from isoflop.experiments.display import duration

    rate = f" ({f.new / f.seconds:.3g} a second)" if f.new and f.seconds > 0 else ""
    spent = f", {f.tokens:,} tokens generated" if f.tokens else ""
    return (
        f"The bank holds {f.had + f.new:,} samples of the {f.total:,} asked for; {f.had:,} were "
        f"there before. This call drew {f.new:,} in {duration(f.seconds)}{rate}{spent}."
    )


def _remarks(f: Filled) -> list[str]:
    said = [
        f"{amount(count, 'sample is', 'samples are')} left out: {why}"
        for why, count in f.left_out.items()
    ]
    said += [
        f"{name} gave no verdict on {amount(count, 'sample', 'samples')}"
        for name, count in f.unsure.items()
    ]
    if f.short:
        said.append(
            f"{f.short:,} requests were answered by fewer responses than asked for; the rest was "
            "asked for again"
        )
    return said


def _counts(bank: Bank, strategy: str, lineage: str) -> Counts | None:
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
