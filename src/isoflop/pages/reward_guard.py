"""The n and the KL beyond which true reward falls, and what it takes to know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from isoflop.assess.reward.guard import FAR, Guard, Guards, Versus, whole
from isoflop.errors import texts
from isoflop.pages import shows
from isoflop.pages.answer import answered
from isoflop.pages.reward_fit import as_data, doubts, finite
from isoflop.report import Block, Cell, Heading, Remark, Report, Table, note_blocks

FEW = 3  # verifiers that the first sentence speaks of
_KINDS: dict[str, Literal["good", "doubt", "info"]] = {
    "falls": "doubt",
    "rises": "good",
    "unclear": "doubt",
}


@shows(Guards)
def page_of(result: Guards, width: float | None = None) -> Report:
    """Return how far each proxy can be trusted; `width` is the interval wanted of d*."""
    from isoflop.pages.reward_figures import against_n

    alone, together, level = result.alone, result.ensembles, result.level
    blocks: list[Block] = [
        *(Remark(f"{g.proxy}: {g.says}", _KINDS[g.verdict]) for g in alone),
        *doubts({g.proxy: g.fit for g in alone}),
        *note_blocks(result.notes),
        *_limits(alone, level),
        _labels(alone, width),
        *(
            [*_limits(together, level, "Ensembles of these proxies."), _versus(result.against)]
            if together
            else []
        ),
        Heading("Figures"),
        *against_n(alone),
        *against_n(together, "True reward of best-of-n, by ensembles"),
    ]
    data = {
        "level": level,
        "proxies": {g.proxy: _as_data(g, width) for g in alone},
        "ensembles": {g.proxy: _as_data(g, width) for g in together},
        "versus": {
            v.name: {"against": v.against, "gain": list(v.gain), "better": v.better}
            for v in result.against
        },
        "notes": texts(result.notes),
    }
    first = "; ".join(f"{g.proxy}: {g.says}" for g in alone[:FEW])
    answer = answered(first, blocks[len(alone) :])
    return Report("How far each verifier may be trusted", tuple(blocks), data, answer=answer)


def _limits(guards: Sequence[Guard], level: float, caption: str = "") -> tuple[Table, Table]:
    limits: list[tuple[Cell, ...]] = []
    gains: list[tuple[Cell, ...]] = []
    for g in guards:
        kl = [finite(x) if n < FAR else None for n, x in zip(g.n, g.kl, strict=True)]
        limits.append((g.proxy, whole(g.safe), *map(whole, g.n), *kl, g.verdict))
        peak = g.fit.peak.value if g.n.value < FAR else None
        lost = g.drop if any(g.drop) else (None, None, None)
        gains.append((g.proxy, peak, g.most, g.end.value, *lost))
    return (
        Table(
            ("verifier", "safe to", "n*", "low", "high", "KL [nats]", "low", "high", "gold"),
            tuple(limits),
            f"{caption} The n and the KL at which gold peaks, at {level:.0%} over prompts. Safe: "
            "below the low end of every law that forecasts alike.".strip(),
        ),
        Table(
            ("verifier", "gain at n*", "largest n", "gain there", "lost since n*", "low", "high"),
            tuple(gains),
            "Gain in gold by the law at its peak, and as measured at the largest n; lost, as "
            "measured, between the two, if n* lies within.",
        ),
    )


def _labels(guards: Sequence[Guard], width: float | None) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for g in guards:
        at = g.fit.peak_at
        now = finite(at.high - at.low)
        wanted = width if width is not None else None if now is None else now / 2
        need = None if wanted is None else g.labels_for(wanted)
        prompts = len(g.curves.gold_pg)
        more = None if need is None else -(-need * prompts // g.labels)
        rows.append((g.proxy, g.labels, prompts, finite(at.value), now, wanted, need, more))
    return Table(
        (
            "verifier",
            "labels",
            "prompts",
            "d*",
            "width now",
            "wanted",
            "labels needed",
            "prompts needed",
        ),
        tuple(rows),
        "Gold labels, and the prompts that have them; widths are of the interval of d* "
        "[sqrt(nats)]. They shrink with the root of the labels, if more prompts are labelled in "
        "the same way; an interval that is open tells of none."
        + ("" if width is not None else " Without --width, half of what it is."),
    )


def _versus(against: tuple[Versus, ...]) -> Table:
    rows: list[tuple[Cell, ...]] = [(v.name, v.against, *v.gain, v.better) for v in against]
    return Table(
        ("ensemble", "against", "gain", "low", "high", "ahead in"),
        tuple(rows),
        "Gold at the largest n, over the best single proxy there, on the same prompts; and the "
        "share of draws in which the ensemble is ahead.",
    )


def _as_data(g: Guard, width: float | None) -> dict[str, Any]:
    return {
        "verdict": g.verdict,
        "says": g.says,
        "n": [finite(x) for x in g.n],
        "among": [finite(x) for x in g.among],
        "safe": finite(g.safe),
        "kl": [finite(x) for x in g.kl],
        "end": list(g.end),
        "lost": list(g.drop),
        "largest_n": g.most,
        "labels": g.labels,
        "labels_needed": None if width is None else g.labels_for(width),
        "curve": {
            "n": g.curves.n.tolist(),
            "gold": g.curves.gold.tolist(),
            "error": g.curves.error.tolist(),
            "kl": g.curves.kl.tolist(),
        },
        "fit": as_data(g.fit),
    }
