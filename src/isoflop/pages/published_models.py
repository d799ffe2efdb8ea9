"""Published models, with sources, held against a law."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from isoflop.pages import shows
from isoflop.pages.answer import answered, estimate
from isoflop.pages.provenance import described
from isoflop.pages.published_models_figure import sizes_and_tokens
from isoflop.plan.model_verdicts import ModelVerdicts
from isoflop.plan.published_models import VERDICTS, ModelVerdict, named, rule
from isoflop.quantities import show
from isoflop.report import Block, Heading, Paragraph, Remark, Report, Table, note_blocks

FEW = 4  # models that the first sentence names


@shows(ModelVerdicts)
def page_of(result: ModelVerdicts) -> Report:
    """Return published models held against a law, with the sources of every number."""
    verdicts, law = result.verdicts, result.law
    intervals = any(j.low is not None for j in verdicts)
    placed = [j for j in verdicts if j.best is not None]
    blocks: list[Block] = [
        *note_blocks(n for n in law.notes if n.topic == "caution"),
        *_remarks(verdicts),
        Paragraph(rule(result.near, intervals)),
        described(law),
        *_verdicts(verdicts, intervals),
    ]
    if placed:
        blocks.append(
            sizes_and_tokens(
                placed, law, near=result.near, inputs=result.inputs, level=result.level
            )
        )
    blocks += [
        Heading("Numbers and their sources"),
        _numbers(verdicts),
        _sources(verdicts),
        *_notes_of_models(verdicts),
    ]
    data = {"law": named(law), "near": result.near, "models": [_about(j) for j in verdicts]}
    answer = answered(_answer(result), blocks)
    return Report("Published models", tuple(blocks), data, answer=answer)


def _answer(result: ModelVerdicts) -> str:
    """Return the verdicts, of a few models by name."""
    verdicts = result.verdicts
    if len(verdicts) <= FEW:
        words = ", ".join(f"{j.model.name} {j.verdict}{_beside_best(j)}" for j in verdicts)
        return f"By {named(result.law)}: {words}"
    return f"{_totals(verdicts)}, by {named(result.law)}"


def _beside_best(j: ModelVerdict) -> str:
    """Return the tokens per parameter beside the best, with its interval."""
    if j.best is None or j.model.ratio is None:
        return ""
    return f" (D/N {show(j.model.ratio, 3)}, best {estimate(j.best, j.low, j.high)})"


def _totals(verdicts: Sequence[ModelVerdict]) -> str:
    counts = Counter(j.verdict for j in verdicts)
    totals = ", ".join(f"{counts[v]} {v}" for v in VERDICTS if counts[v])
    return f"{len(verdicts)} models: {totals}"


def _remarks(verdicts: Sequence[ModelVerdict]) -> list[Block]:
    blocks: list[Block] = [Remark(_totals(verdicts))]
    far = [j.beyond for j in verdicts if j.beyond is not None and j.beyond > 1]
    if far:
        blocks.append(
            Remark(
                f"{len(far)} of them lie beyond the runs behind the law, by up to "
                f"{show(max(far))} times in N or D: their verdicts are extrapolations",
                "doubt",
            )
        )
    split = sum(bool(j.disputed) for j in verdicts)
    if split:
        blocks.append(
            Remark(f"of {split} of them other constants of the same form give another verdict")
        )
    if any(j.model.active for j in verdicts):
        blocks.append(
            Remark(
                "mixtures are judged by the parameters that a token meets, by a law of dense "
                "models, which was not fitted to mixtures"
            )
        )
    return blocks


def _verdicts(verdicts: Sequence[ModelVerdict], intervals: bool) -> list[Block]:
    columns = (
        "model",
        "D/N",
        "best",
        *(("low", "high") if intervals else ()),
        "verdict",
        "wasted",
        "beyond",
    )
    rows = tuple(
        (
            j.model.name,
            _short(j.model.ratio),
            _short(j.best),
            *((_short(j.low), _short(j.high)) if intervals else ()),
            j.verdict,
            "-" if j.wasted is None else f"{j.wasted:.0%}",
            _short(j.beyond),
        )
        for j in verdicts
    )
    caption = (
        "Tokens per parameter, the law's best at the compute of the model, the share of that "
        "compute which the best split does without at equal loss, and how many times N or D lies "
        "beyond the runs behind the law."
    )
    tables: list[Block] = [Table(columns, rows, caption=caption)]
    other = tuple((j.model.name, verdict, by) for j in verdicts for by, verdict in j.disputed)
    if other:
        caption = "What other constants of the same form say, where they say otherwise."
        tables.append(Table(("model", "verdict", "by"), other, caption=caption))
    return tables


def _numbers(verdicts: Sequence[ModelVerdict]) -> Table:
    mixtures = any(j.model.active for j in verdicts)
    columns = ("model", "year", "N", *(("N met",) if mixtures else ()), "D", "6ND", "C reported")
    rows = tuple(
        (
            m.name,
            f"{m.released}",
            m.N.value,
            *((m.active.value if m.active else None,) if mixtures else ()),
            m.D.value,
            m.flop,
            m.C.value,
        )
        for m in (j.model for j in verdicts)
    )
    caption = "N [params], D [tokens], compute [FLOP]; a dash: not disclosed, or no FLOP reported."
    return Table(columns, rows, caption=caption)


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.3g}")


def _sources(verdicts: Sequence[ModelVerdict]) -> Table:
    """Return who said what; the FLOP that nobody reported are left out."""
    quotes: dict[tuple[str, str, str], list[str]] = {}
    for j in verdicts:
        for symbol, cell in j.model.cells.items():
            if symbol != "C" or cell.value is not None:
                key = (j.model.family, cell.standing, cell.source)
                quotes.setdefault(key, []).append("N met" if symbol == "active" else symbol)
    rows = tuple(
        (family, ", ".join(dict.fromkeys(symbols)), standing, source)
        for (family, standing, source), symbols in quotes.items()
    )
    return Table(
        ("family", "numbers", "said by", "source"),
        rows,
        caption="The year of a model is of the source of its N.",
    )


def _notes_of_models(verdicts: Sequence[ModelVerdict]) -> list[Block]:
    notes: dict[str, list[str]] = {}
    for j in verdicts:
        if j.model.remark:
            notes.setdefault(j.model.remark, []).append(j.model.name)
    if not notes:
        return []
    rows = tuple((", ".join(names), remark) for remark, names in notes.items())
    return [Table(("models", "remark"), rows)]


def _about(j: ModelVerdict) -> dict[str, Any]:
    """Return a judged model as JSON types."""
    m = j.model
    return {
        "name": m.name,
        "family": m.family,
        "developer": m.developer,
        "year": m.released,
        **{
            symbol: {"value": c.value, "source": c.source, "said_by": c.standing}
            for symbol, c in m.cells.items()
        },
        "6ND": m.flop,
        "ratio": m.ratio,
        "verdict": j.verdict,
        "best": {"value": j.best, "low": j.low, "high": j.high},
        "wasted": j.wasted,
        "beyond": j.beyond,
        "otherwise_by": dict(j.disputed),
        "remark": m.remark,
    }
