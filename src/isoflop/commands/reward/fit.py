"""reward fit: gold against root KL for each proxy, the law chosen by held-out KL, and its peak."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from isoflop.commands.inputs import Derive, Reading, Where
from isoflop.commands.registry import Option, command
from isoflop.commands.reward.reading import (
    Columns,
    Draws,
    Form,
    Level,
    Proxy,
    Read,
    Recalibrate,
    Scores,
    Seed,
    Sizes,
    of_runs,
    of_table,
    table,
)
from isoflop.errors import UsageError
from isoflop.report import Block, Cell, Heading, Note, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.assess.overoptimisation import Overoptimisation

_MEANT = {"gold": "gold", "proxy": "the proxy's own score, on gold's scale,"}
FEW = 3  # proxies that have a doubt each; of more it is said once
OF_SIZE = {"bon-reward": "bon-reward-of-size", "rl-reward": "rl-reward-of-size"}


@command("reward fit", example="isoflop reward fit sample:simulated-scores --draws 200")
def reward_fit(
    scores: Scores,
    *,
    proxy: Proxy = (),
    of: Annotated[
        Literal["gold", "proxy"], Option("fit gold, or the proxy's own score on gold's scale")
    ] = "gold",
    form: Form = None,
    columns: Columns = None,
    sizes: Sizes = None,
    recalibrate: Recalibrate = False,
    start: Annotated[
        float | None, Option("of runs: the reward of the initial policy, if no row tells")
    ] = None,
    least: Annotated[float, Option("of runs: leave out evaluations below this d")] = 0.0,
    where: Where = None,
    derive: Derive = (),
    draws: Draws = 1000,
    level: Level = 0.9,
    seed: Seed = 0,
) -> Report:
    """Fit how gold reward rises and falls as a proxy is optimised.

    TABLE holds scored samples of prompts, whose best-of-n curves are estimated without bias, or
    runs of RL with R and KL (or d). The law is the one that forecasts larger KL best, out of four;
    intervals are over prompts. With three sizes of proxies, one law for all of them is fitted too.
    """
    from isoflop.assess.overoptimisation import overoptimisation
    from isoflop.sources.score_files import is_score_table, refuse_unknown_sample

    refuse_unknown_sample(scores)
    if is_score_table(scores) or "prompt" in (columns or {}):
        _refuse("samples", where=where, derive=derive, start=start is not None, least=least)
        made = table(scores, columns, sizes, recalibrate, proxy)
        read = of_table(made, draws, seed, of)
    else:
        _refuse("runs", sizes=sizes, recalibrate=recalibrate, of=of == "proxy")
        read = of_runs(scores, Reading(where, columns, derive), start, least, draws, seed, proxy)
    found = {n: overoptimisation(e, form=form, level=level) for n, e in read.evidence.items()}
    return _report(read, found, level)


def _refuse(what: str, **given: object) -> None:
    """Refuse an option that says nothing about what the table holds."""
    if said := [name for name, value in given.items() if value]:
        other = "runs of RL" if what == "samples" else "scored samples"
        raise UsageError(f"--{said[0]} is for {other}, and the table holds {what}; leave it out")


def _report(read: Read, found: dict[str, Overoptimisation], level: float) -> Report:
    from isoflop.commands.reward.pictures import against_kl

    joint = {key: _of_size(read, key, level) for key in OF_SIZE.values()}
    blocks: list[Block] = [
        *doubts(found),
        *(Note(text) for text in read.notes),
        Paragraph(
            f"R is the gain in {_MEANT[read.of]} over the initial policy, d the root of the "
            "KL from it."
        ),
        *_laws(read, found, level),
        _ahead(found, level),
        _choices(found),
        *(block for made in joint.values() for block in made[0]),
        Heading("Figures"),
        *against_kl(read, found),
    ]
    data = {
        "what": read.what, "level": level, "notes": list(read.notes),
        "proxies": {name: as_data(f) for name, f in found.items()},
        "of_size": {key: made[1] for key, made in joint.items() if made[1]},
    }  # fmt: skip
    points = sum(len(f.evidence.d) for f in found.values())
    return Report(
        f"{read.reward} through {points:,} values of KL, {read.what}", tuple(blocks), data
    )


def _laws(read: Read, found: dict[str, Overoptimisation], level: float) -> tuple[Table, Table]:
    laws: list[tuple[Cell, ...]] = []
    peaks: list[tuple[Cell, ...]] = []
    for name, f in found.items():
        alpha, beta = (f.spread(lambda law, p=p: getattr(law, p)) for p in ("alpha_R", "beta_R"))
        gamma = f.law.values.get("gamma")
        laws.append((name, f.form, *alpha, *beta, None if gamma is None else float(gamma), f.r2))
        peaks.append(
            (name, f.evidence.size, *map(finite, f.peak_at), *map(finite, f.peak), f.furthest)
        )
    over = "prompts" if read.table else "evaluations"
    return (
        Table(
            ("proxy", "law", "alpha", "low", "high", "beta", "low", "high", "gamma", "R²"),
            tuple(laws), f"Intervals at {level:.0%}, over {over}.",
        ),
        Table(
            ("proxy", "params", "d*", "low", "high", "R*", "low", "high", "largest d"),
            tuple(peaks),
            "d* [sqrt(nats)] is where R peaks, R* its gain there; an empty cell is beyond any "
            "KL. Beyond the largest d that was seen, a peak is extrapolated.",
        ),
    )  # fmt: skip


def _ahead(found: dict[str, Overoptimisation], level: float) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, f in found.items():
        half = (None, None, None) if f.half is None else tuple(f.half)
        held = f.half is not None and f.half.low <= f.actual <= f.half.high
        within = None if f.half is None else "yes" if held else "no"
        rows.append((name, f.furthest, *half, f.actual, within))
    return Table(
        ("proxy", "at d", "forecast", "low", "high", "came", "within"), tuple(rows),
        f"Gain at the largest KL as forecast by the law from the lower half of d, {level:.0%} "
        "intervals of its parameters alone, and what came. An empty row has too few points there.",
    )  # fmt: skip


def _choices(found: dict[str, Overoptimisation]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for name, f in found.items():
        for i, s in enumerate(f.standings):
            verdict = "best" if i == 0 else "tied with it" if s.tied else "worse"
            peak = finite(float(f.evidence.law(s.form).peak_at()))
            rows.append((name, s.form, s.rms, s.bias, peak, verdict))
    return Table(
        ("proxy", "law", "rms error", "bias", "its d*", "is"), tuple(rows),
        "Fitted to the lower 40-80% of d and held against the rest [reward]. Bias above zero "
        "promised too much. Tied: better in more than 5% of draws.",
    )  # fmt: skip


def _of_size(read: Read, key: str, level: float) -> tuple[list[Block], dict[str, Any]]:
    """Return one law for all sizes, if this form is meant for what was run; else nothing."""
    from isoflop.assess.overoptimisation import draws_of_sizes, ends, of_sizes

    points = list(read.evidence.values())
    meant = OF_SIZE["rl-reward" if read.table is None else "bon-reward"]
    if key != meant or len({e.size for e in points if e.size is not None}) < 3:
        return [], {}
    seen = [e.part(e.d > 0) for e in points]
    law, drawn = of_sizes(seen, key), draws_of_sizes(seen, key)
    rows: list[tuple[Cell, ...]] = []
    data: dict[str, Any] = {}
    for name, p in type(law).params.items():
        low, high = ends(getattr(drawn, name), level, points[0].units)
        rows.append((name, float(getattr(law, name)), low, high, p.unit))
        data[name] = [float(getattr(law, name)), low, high]
    left = np.concatenate([e.R - law(d=e.d, N=float(e.size)) for e in seen if e.size])
    caption = (
        f"{key}: one law for all sizes of proxy, at N = 1e8; its points lie "
        f"{float(np.sqrt((left**2).mean())):.3f} off (root mean square)."
    )
    return [Table(("parameter", "value", "low", "high", "unit"), tuple(rows), caption)], data


def doubts(found: Mapping[str, Overoptimisation]) -> list[Note]:
    """Return what speaks against the law of each proxy; what speaks against many, once."""
    notes = [Note(f"{name}: {text}", "doubt") for name, f in found.items() for text in f.notes]
    astray = {name: f for name, f in found.items() if not f.follows}
    if len(astray) > FEW:
        r2 = [f.r2 for f in astray.values()]
        said = (
            f"laws of {len(astray)} of {len(found)} proxies do not follow their points (R^2 "
            f"{min(r2):.2f} to {max(r2):.2f}): those peaks are rough ones"
        )
        return [*notes, Note(said, "doubt")]
    return notes + [
        Note(
            f"{name}: {f.form} does not follow the points (R^2 {f.r2:.2f}): its peak is a rough "
            "one",
            "doubt",
        )
        for name, f in astray.items()
    ]


def as_data(f: Overoptimisation) -> dict[str, Any]:
    """Return a fitted law as JSON types."""
    return {
        "form": f.form, "parameters": {k: float(v) for k, v in f.law.values.items()},
        "intervals": {
            k: [finite(x) for x in f.spread(lambda law, k=k: getattr(law, k))]
            for k in f.law.values
        },
        "peak_at": [finite(x) for x in f.peak_at], "peak": [finite(x) for x in f.peak],
        "r2": f.r2, "follows": f.follows, "size": f.evidence.size, "furthest": f.furthest,
        "half_range": None if f.half is None else [finite(x) for x in f.half],
        "actual": f.actual,
        "forms": [
            {"form": s.form, "rms": s.rms, "bias": s.bias, "better": s.better, "tied": s.tied}
            for s in f.standings
        ],
        "points": {"d": f.evidence.d.tolist(), "R": f.evidence.R.tolist()},
        "notes": list(f.notes),
    }  # fmt: skip


def finite(value: float) -> float | None:
    """Return a number that JSON can hold, None for one that is infinite."""
    return float(value) if np.isfinite(value) else None
