"""reward fit: gold against root KL for each proxy, the law chosen by held-out KL, and its peak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from isoflop.assess.reward.evidence import RewardInput
from isoflop.commands.inputs import IntervalOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.reward.reward_options import (
    EvaluationOptions,
    Form,
    ScoreOptions,
    Scores,
    of_runs,
    of_table,
    table,
)
from isoflop.errors import texts
from isoflop.pages.reward_fit import ahead, as_data, choices, doubts, finite, refuse
from isoflop.report import Block, Cell, Heading, Paragraph, Report, Table, note_blocks

if TYPE_CHECKING:
    from isoflop.assess.reward.overoptimisation import Overoptimisation

_MEANT = {"gold": "gold", "proxy": "the proxy's own score, on gold's scale,"}
OF_SIZE = {"bon-reward": "bon-reward-of-size", "rl-reward": "rl-reward-of-size"}


@command("reward fit", example="isoflop reward fit sample:simulated-scores --draws 200")
def reward_fit(
    scores: Scores,
    *,
    samples: ScoreOptions = ScoreOptions(),
    of: Annotated[
        Literal["gold", "proxy"], Option("fit gold, or the proxy's own score on gold's scale")
    ] = "gold",
    form: Form = None,
    evaluations: EvaluationOptions = EvaluationOptions(),
    interval: IntervalOptions = IntervalOptions(),
) -> Report:
    """Fit how gold reward rises and falls as a proxy is optimised.

    TABLE holds scored samples of prompts, whose best-of-n curves are estimated without bias, or
    runs of RL with R and KL (or d). The law is the one that forecasts larger KL best, out of four;
    intervals are over prompts. With three sizes of proxies, one law for all of them is fitted too.
    """
    from isoflop.assess.reward.overoptimisation import overoptimisation
    from isoflop.sources.score_files import is_score_table, refuse_unknown_sample

    refuse_unknown_sample(scores)
    if is_score_table(scores) or "prompt" in (samples.columns or {}):
        refuse(
            "samples",
            where=evaluations.where,
            derive=evaluations.derive,
            start=evaluations.start is not None,
            least=evaluations.least,
        )
        score_table = table(scores, samples)
        read = of_table(score_table, interval.draws, interval.seed, of)
    else:
        refuse("runs", sizes=samples.sizes, recalibrate=samples.recalibrate, of=of == "proxy")
        read = of_runs(scores, evaluations, samples.columns, interval, samples.proxy)
    fits = {
        n: overoptimisation(e, form=form, level=interval.level) for n, e in read.evidence.items()
    }
    return _report(read, fits, interval.level)


def _report(read: RewardInput, fits: dict[str, Overoptimisation], level: float) -> Report:
    from isoflop.pages.reward_figures import against_kl

    joint = {key: _of_size(read, key, level) for key in OF_SIZE.values()}
    blocks: list[Block] = [
        *doubts(fits),
        *note_blocks(read.notes),
        Paragraph(
            f"R is the gain in {_MEANT[read.of]} over the initial policy, d the root of the "
            "KL from it."
        ),
        *_laws(read, fits, level),
        ahead(fits, level),
        choices(fits),
        *(block for fit in joint.values() for block in fit[0]),
        Heading("Figures"),
        *against_kl(read, fits),
    ]
    data = {
        "what": read.what,
        "level": level,
        "notes": texts(read.notes),
        "proxies": {name: as_data(f) for name, f in fits.items()},
        "of_size": {key: fit[1] for key, fit in joint.items() if fit[1]},
    }
    points = sum(len(f.evidence.d) for f in fits.values())
    return Report(
        f"{read.reward} through {points:,} values of KL, {read.what}", tuple(blocks), data
    )


def _laws(
    read: RewardInput, fits: dict[str, Overoptimisation], level: float
) -> tuple[Table, Table]:
    laws: list[tuple[Cell, ...]] = []
    peaks: list[tuple[Cell, ...]] = []
    for name, f in fits.items():
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
            tuple(laws),
            f"Intervals at {level:.0%}, over {over}.",
        ),
        Table(
            ("proxy", "params", "d*", "low", "high", "R*", "low", "high", "largest d"),
            tuple(peaks),
            "d* [sqrt(nats)] is where R peaks, R* its gain there; an empty cell is beyond any "
            "KL. Beyond the largest d that was seen, a peak is extrapolated.",
        ),
    )


def _of_size(read: RewardInput, key: str, level: float) -> tuple[list[Block], dict[str, Any]]:
    """Return one law for all sizes, if this form is meant for what was run; else nothing."""
    from isoflop.assess.reward.overoptimisation import draws_of_sizes, ends, of_sizes

    points = list(read.evidence.values())
    meant = OF_SIZE["rl-reward" if read.table is None else "bon-reward"]
    if key != meant or len({e.size for e in points if e.size is not None}) < 3:
        return [], {}
    positive = [e.part(e.d > 0) for e in points]
    law, draws = of_sizes(positive, key), draws_of_sizes(positive, key)
    rows: list[tuple[Cell, ...]] = []
    data: dict[str, Any] = {}
    for name, p in type(law).params.items():
        low, high = ends(getattr(draws, name), level, points[0].units)
        rows.append((name, float(getattr(law, name)), low, high, p.unit))
        data[name] = [float(getattr(law, name)), low, high]
    residuals = np.concatenate([e.R - law(d=e.d, N=float(e.size)) for e in positive if e.size])
    caption = (
        f"{key}: one law for all sizes of proxy, at N = 1e8; its points lie "
        f"{float(np.sqrt((residuals**2).mean())):.3f} off (root mean square)."
    )
    return [Table(("parameter", "value", "low", "high", "unit"), tuple(rows), caption)], data
