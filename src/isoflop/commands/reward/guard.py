"""reward guard: the n and the KL beyond which true reward falls, and what it takes to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from isoflop.commands.registry import Option, command
from isoflop.commands.reward.fit import as_data, doubts, finite
from isoflop.commands.reward.reading import (
    Columns,
    Draws,
    Form,
    Level,
    Proxy,
    Recalibrate,
    Scores,
    Seed,
    Sizes,
    check_draws,
    kl_note,
    table,
)
from isoflop.report import Block, Cell, Heading, Note, Report, Table

if TYPE_CHECKING:
    from isoflop.plan.guard import Guard, Versus

_KINDS: dict[str, Literal["good", "doubt", "info"]] = {
    "falls": "doubt", "rises": "good", "unclear": "doubt",
}  # fmt: skip


@command("reward guard", example="isoflop reward guard sample:simulated-scores --draws 200")
def reward_guard(
    scores: Scores,
    *,
    proxy: Proxy = (),
    width: Annotated[
        float | None, Option("wanted width of the interval of d*: how many gold labels it takes")
    ] = None,
    penalty: Annotated[float, Option("of an ensemble: mean less so many variances")] = 0.5,
    form: Form = None,
    columns: Columns = None,
    sizes: Sizes = None,
    recalibrate: Recalibrate = False,
    draws: Draws = 1000,
    level: Level = 0.9,
    seed: Seed = 0,
) -> Report:
    """Say how far best-of-n may go before true reward falls, by verifier.

    A part of the samples with gold scores is enough, if it was chosen at random. Gives n* and the
    KL budget with intervals over prompts, how many labels a narrower one takes, and whether an
    ensemble of the proxies (mean, worst case, mean less variance) goes further.
    """
    from isoflop.plan.guard import guard, versus
    from isoflop.samples.proxy_ensembles import ensembles

    check_draws(draws)
    made = table(scores, columns, sizes, recalibrate, proxy)
    options: dict[str, Any] = {"form": form, "draws": draws, "level": level, "seed": seed}
    alone = [guard(made, name, **options) for name in made.proxies]
    against: tuple[Versus, ...] = ()
    together: list[Guard] = []
    if len(alone) > 1:
        joined = ensembles(made, penalty=penalty)
        together = [
            guard(joined, name, **options) for name in joined.proxies if name not in made.proxies
        ]
        against = versus(together, alone, level)
    said = dict.fromkeys(text for g in alone for text in g.curves.notes)
    notes = (*said, kl_note(made, alone[0].curves))
    return _report(alone, together, against, notes, width, level)


def _report(
    alone: list[Guard], together: list[Guard], against: tuple[Versus, ...],
    notes: tuple[str, ...], width: float | None, level: float,
) -> Report:  # fmt: skip
    from isoflop.commands.reward.pictures import against_n

    blocks: list[Block] = [
        *(Note(f"{g.proxy}: {g.says}", _KINDS[g.verdict]) for g in alone),
        *doubts({g.proxy: g.found for g in alone}),
        *(Note(text) for text in notes),
        *_limits(alone, level),
        _labels(alone, width),
        *([*_limits(together, level, "Ensembles of these proxies."), _versus(against)]
          if together else []),
        Heading("Figures"),
        *against_n(alone),
        *against_n(together, "True reward of best-of-n, by ensembles"),
    ]  # fmt: skip
    data = {
        "level": level,
        "proxies": {g.proxy: _as_data(g, width) for g in alone},
        "ensembles": {g.proxy: _as_data(g, width) for g in together},
        "versus": {
            v.name: {"against": v.against, "gain": list(v.gain), "better": v.better}
            for v in against
        },
        "notes": list(notes),
    }  # fmt: skip
    return Report("How far each verifier may be trusted", tuple(blocks), data)


def _limits(guards: list[Guard], level: float, caption: str = "") -> tuple[Table, Table]:
    from isoflop.plan.guard import FAR, whole

    limits: list[tuple[Cell, ...]] = []
    gains: list[tuple[Cell, ...]] = []
    for g in guards:
        kl = [finite(x) if n < FAR else None for n, x in zip(g.n, g.kl, strict=True)]
        limits.append((g.proxy, whole(g.safe), *map(whole, g.n), *kl, g.verdict))
        peak = g.found.peak.value if g.n.value < FAR else None
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
    )  # fmt: skip


def _labels(guards: list[Guard], width: float | None) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for g in guards:
        at = g.found.peak_at
        now = finite(at.high - at.low)
        wanted = width if width is not None else None if now is None else now / 2
        need = None if wanted is None else g.labels_for(wanted)
        prompts = len(g.curves.gold_pg)
        more = None if need is None else -(-need * prompts // g.labels)
        rows.append((g.proxy, g.labels, prompts, finite(at.value), now, wanted, need, more))
    return Table(
        ("verifier", "labels", "prompts", "d*", "width now", "wanted", "labels needed",
         "prompts needed"),
        tuple(rows),
        "Gold labels, and the prompts that have them; widths are of the interval of d* "
        "[sqrt(nats)]. They shrink with the root of the labels, if more prompts are labelled in "
        "the same way; an interval that is open tells of none."
        + ("" if width is not None else " Without --width, half of what it is."),
    )  # fmt: skip


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
        "verdict": g.verdict, "says": g.says, "n": [finite(x) for x in g.n],
        "among": [finite(x) for x in g.among], "safe": finite(g.safe),
        "kl": [finite(x) for x in g.kl], "end": list(g.end), "lost": list(g.drop),
        "largest_n": g.most, "labels": g.labels,
        "labels_needed": None if width is None else g.labels_for(width),
        "curve": {"n": g.curves.n.tolist(), "gold": g.curves.gold.tolist(),
                  "error": g.curves.error.tolist(), "kl": g.curves.kl.tolist()},
        "fit": as_data(g.found),
    }  # fmt: skip
