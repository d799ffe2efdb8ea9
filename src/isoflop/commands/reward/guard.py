"""reward guard: the n and the KL beyond which true reward falls, and what it takes to know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from isoflop.commands.inputs import IntervalOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.reward.reward_options import (
    Form,
    ScoreOptions,
    Scores,
    check_draws,
    kl_note,
    table,
)
from isoflop.pages.reward_guard import report
from isoflop.report import Report

if TYPE_CHECKING:
    from isoflop.assess.reward.guard import Guard, Versus


@command("reward guard", example="isoflop reward guard sample:simulated-scores --draws 200")
def reward_guard(
    scores: Scores,
    *,
    samples: ScoreOptions = ScoreOptions(),
    width: Annotated[
        float | None, Option("wanted width of the interval of d*: how many gold labels it takes")
    ] = None,
    penalty: Annotated[float, Option("of an ensemble: mean less so many variances")] = 0.5,
    form: Form = None,
    interval: IntervalOptions = IntervalOptions(),
) -> Report:
    """Say how far best-of-n may go before true reward falls, by verifier.

    A part of the samples with gold scores is enough, if it was chosen at random. Gives n* and the
    KL budget with intervals over prompts, how many labels a narrower one takes, and whether an
    ensemble of the proxies (mean, worst case, mean less variance) goes further.
    """
    from isoflop.assess.reward.guard import guard, versus
    from isoflop.samples.proxy_ensembles import ensembles

    check_draws(interval.draws)
    score_table = table(scores, samples)
    options: dict[str, Any] = {
        "form": form,
        "draws": interval.draws,
        "level": interval.level,
        "seed": interval.seed,
    }
    alone = [guard(score_table, name, **options) for name in score_table.proxies]
    against: tuple[Versus, ...] = ()
    together: list[Guard] = []
    if len(alone) > 1:
        joined = ensembles(score_table, penalty=penalty)
        together = [
            guard(joined, name, **options)
            for name in joined.proxies
            if name not in score_table.proxies
        ]
        against = versus(together, alone, interval.level)
    messages = dict.fromkeys(text for g in alone for text in g.curves.notes)
    notes = (*messages, kl_note(score_table, alone[0].curves))
    return report(alone, together, against, notes, width, interval.level)
