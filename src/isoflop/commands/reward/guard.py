"""reward guard: the n and the KL beyond which true reward falls, and what it takes to know."""

from __future__ import annotations

from typing import Annotated

from isoflop.commands.inputs import IntervalOptions
from isoflop.commands.registry import Option, command
from isoflop.commands.reward.reward_options import Form, ScoreOptions, Scores
from isoflop.report import Report


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
    from isoflop.assess.reward.guard import guards
    from isoflop.pages.reward_guard import page_of

    result = guards(
        samples.read(scores),
        penalty=penalty,
        form=form,
        draws=interval.draws,
        level=interval.level,
        seed=interval.seed,
    )
    return page_of(result, width)
