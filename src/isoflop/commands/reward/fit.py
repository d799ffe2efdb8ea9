"""reward fit: gold against root KL for each proxy, the law chosen by held-out KL, and its peak."""

from __future__ import annotations

from typing import Annotated, Literal

from isoflop.commands.inputs import IntervalOptions, TableOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.reward.reward_options import (
    EvaluationOptions,
    Form,
    ScoreOptions,
    Scores,
)
from isoflop.errors import UsageError
from isoflop.report import Report


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
    from isoflop.assess.reward.reward_fits import fit_rewards
    from isoflop.assess.reward.reward_input import of_evaluations, of_scores
    from isoflop.pages.reward_fit import page_of
    from isoflop.sources.score_files import is_score_table, refuse_unknown_sample

    refuse_unknown_sample(scores)
    where, derive = evaluations.where, evaluations.derive
    start, least = evaluations.start, evaluations.least
    if is_score_table(scores) or "prompt" in (samples.columns or {}):
        _refuse("samples", where=where, derive=derive, start=start is not None, least=least)
        read = of_scores(samples.read(scores), of=of, draws=interval.draws, seed=interval.seed)
    else:
        _refuse("runs", sizes=samples.sizes, recalibrate=samples.recalibrate, of=of == "proxy")
        read = of_evaluations(
            TableOptions(where=where, columns=samples.columns, derive=derive).read(scores),
            samples.proxy,
            start=start,
            least=least,
            draws=interval.draws,
            seed=interval.seed,
        )
    return page_of(fit_rewards(read, form=form, level=interval.level))


def _refuse(what: str, **options: object) -> None:
    """Refuse an option that says nothing about what the table holds."""
    if names := [name for name, value in options.items() if value]:
        other = "runs of RL" if what == "samples" else "scored samples"
        raise UsageError(f"--{names[0]} is for {other}, and the table holds {what}; leave it out")
