"""Published models, with sources, held against a law."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

from isoflop.errors import UsageError
from isoflop.pages.provenance import described
from isoflop.quantities import show
from isoflop.report import Block, Figure, Heading, Paragraph, Remark, Report, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.assess import Pool
    from isoflop.atlas.models import PublishedModel
    from isoflop.fitting import Fit
    from isoflop.law import Published
    from isoflop.plan.published_models import ModelVerdict


Order = Literal["year", "name", "N", "D", "C", "ratio", "wasted"]


def named_of(names: Sequence[str]) -> list[PublishedModel]:
    """Return the models of these names, all of them if there is none."""
    from isoflop.atlas.models import MODELS, published_models

    if not names:
        return list(MODELS.values())
    return list({m.name: m for name in names for m in published_models(name)}.values())


def filtered(
    published_models: list[PublishedModel],
    developer: str | None,
    since: int | None,
    until: int | None,
) -> list[PublishedModel]:
    """Return the models of a developer and of a span of years."""
    from isoflop.atlas.models import MODELS
    from isoflop.errors import UnknownName

    if developer is not None:
        developers = {m.developer.lower(): m.developer for m in MODELS.values()}
        if developer.lower() not in developers:
            raise UnknownName("developer", developer, sorted(developers.values()))
        published_models = [
            m for m in published_models if m.developer == developers[developer.lower()]
        ]
    first, last = since or 0, until or 9999
    models = [m for m in published_models if first <= m.released <= last]
    if not models:
        raise UsageError("no model is left; ask for other years, or another developer")
    return models


def order(sort: Order) -> Any:
    """Return a key that sorts judged models; what is not known comes last."""

    def key(row: ModelVerdict) -> tuple[bool, Any, str]:
        if sort in ("year", "name"):
            return False, row.model.released if sort == "year" else row.model.name, ""
        m = row.model
        values = {"N": m.N.value, "D": m.D.value, "C": m.flop, "ratio": m.ratio}
        value = values.get(sort, row.wasted)
        return value is None, value or 0.0, m.name

    return key


def report(
    verdicts: list[ModelVerdict],
    model: Fit[Any] | Pool | Published,
    near: float,
    figures: list[Figure],
) -> Report:
    """Return published models held against a law."""
    from isoflop.plan.published_models import named, rule

    intervals = any(j.low is not None for j in verdicts)
    blocks: list[Block] = [
        *note_blocks(n for n in model.notes if n.topic == "caution"),
        *_remarks(verdicts),
        Paragraph(rule(near, intervals)),
        described(model),
        *_verdicts(verdicts, intervals),
    ]
    blocks += [
        *figures,
        Heading("Numbers and their sources"),
        _numbers(verdicts),
        _sources(verdicts),
    ]
    blocks += _notes_of_models(verdicts)
    data = {
        "law": named(model),
        "near": near,
        "models": [_about(j) for j in verdicts],
    }
    return Report("Published models", tuple(blocks), data)


def _remarks(verdicts: list[ModelVerdict]) -> list[Block]:
    from isoflop.plan.published_models import VERDICTS

    counts = Counter(j.verdict for j in verdicts)
    totals = ", ".join(f"{counts[v]} {v}" for v in VERDICTS if counts[v])
    blocks: list[Block] = [Remark(f"{len(verdicts)} models: {totals}")]
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


def _verdicts(verdicts: list[ModelVerdict], intervals: bool) -> list[Block]:
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


def _numbers(verdicts: list[ModelVerdict]) -> Table:
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


def _sources(verdicts: list[ModelVerdict]) -> Table:
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


def _notes_of_models(verdicts: list[ModelVerdict]) -> list[Block]:
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
