"""What the commands on over-optimisation take, and how their tables are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from isoflop.assess.reward.evidence import RewardInput
from isoflop.commands.inputs import IntervalOptions, TableOptions
from isoflop.commands.registry import Option
from isoflop.errors import Note, UsageError
from isoflop.quantities import refuse_draws

if TYPE_CHECKING:
    from isoflop.samples.best_of_n_curves import BestOfNCurves
    from isoflop.samples.score_table import ScoreTable

Scores: TypeAlias = Annotated[
    str, Option("scored samples: .csv, .tsv, .jsonl, .parquet, or sample:NAME", "TABLE")
]
Proxy: TypeAlias = Annotated[tuple[str, ...], Option("only these proxies; all of them", "NAME")]
Columns: TypeAlias = Annotated[
    Mapping[str, str] | None,
    Option("which column is prompt, sample, gold, logprob, proxy_NAME", "PART=COLUMN"),
]
Sizes: TypeAlias = Annotated[
    Mapping[str, str] | None, Option("parameters of proxies, such as small=1.3k", "NAME=PARAMS")
]
Form: TypeAlias = Annotated[
    Literal["bon-reward", "rl-reward", "log1p-reward", "power-decay-reward"] | None,
    Option("take this law; else the one that forecasts larger KL best"),
]
Recalibrate: TypeAlias = Annotated[
    bool, Option("count gold in its standard deviations under the initial policy")
]
Draws: TypeAlias = Annotated[int, Option("refits to resampled prompts, for intervals")]
Level: TypeAlias = Annotated[float, Option("share that an interval holds")]
Seed: TypeAlias = Annotated[int, Option("of the draws", "SEED")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreOptions:
    """Which scores of a table are read, and on which scale."""

    proxy: Proxy = ()
    columns: Columns = None
    sizes: Sizes = None
    recalibrate: Recalibrate = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationOptions:
    """Which evaluations of runs are taken."""

    start: Annotated[
        float | None, Option("of runs: the reward of the initial policy, if no row tells")
    ] = None
    least: Annotated[float, Option("of runs: leave out evaluations below this d")] = 0.0
    where: Annotated[
        str | None, Option("keep the runs that meet this, such as 'C < 1e21'", "CONDITION")
    ] = None
    derive: Annotated[
        tuple[str, ...], Option("make a column from others, such as D=C/6N", "NAME=FORMULA")
    ] = ()


def table(text: str, options: ScoreOptions) -> ScoreTable:
    """Return a score table, of some of its proxies, its gold on the scale that is wanted."""
    from isoflop.sources.score_files import read_scores

    if Path(text).is_dir():
        paths = sorted(Path(text).glob("trials/*/scores.parquet"))
        raise UsageError(
            f"{text} is a folder; name a table of scores"
            + (f", such as {paths[0]}, one of {len(paths)} in it" if paths else "")
        )
    scores = read_scores(text, options.columns, options.sizes)
    if options.proxy:
        scores = scores.with_proxies({name: scores.score(name) for name in options.proxy})
    if options.recalibrate:
        from isoflop.samples.recalibrate import gold_scale

        scores = dataclasses.replace(scores, gold=gold_scale(scores)(scores.gold))
    return scores


def of_table(score_table: ScoreTable, draws: int, seed: int, of: str = "gold") -> RewardInput:
    """Return best-of-n by every proxy of a score table as evidence, of gold or of the proxy."""
    check_draws(draws)
    from isoflop.assess.reward.evidence import of_curves
    from isoflop.errors import CannotFit
    from isoflop.samples.best_of_n_curves import best_of_n_curves
    from isoflop.samples.recalibrate import gold_scale, proxy_scale

    curves_by_name = {name: best_of_n_curves(score_table, name) for name in score_table.proxies}
    notes = list(dict.fromkeys(text for c in curves_by_name.values() for text in c.notes))
    factors = {}
    for name in score_table.proxies:
        try:
            factors[name] = proxy_scale(score_table, name).factor / gold_scale(score_table).factor
        except CannotFit as reason:
            if of == "proxy":
                raise
            text = f"{name} is drawn without its own score: {reason}"
            notes.append(Note("info", "score", text))
    if of == "proxy":
        curves_by_name = {name: c.of_score(factors[name]) for name, c in curves_by_name.items()}
        factors = {}
    evidence = {
        name: of_curves(c, draws=draws, seed=seed, size=score_table.sizes.get(name))
        for name, c in curves_by_name.items()
    }
    notes.append(kl_note(score_table, next(iter(curves_by_name.values()))))
    return RewardInput(
        what="best-of-n",
        evidence=evidence,
        notes=tuple(notes),
        table=score_table,
        curves=curves_by_name,
        factors=factors,
        of=of,
    )


def kl_note(score_table: ScoreTable, curves: BestOfNCurves) -> Note:
    """Return how the KL of best-of-n was come by, and how far that may be off."""
    if score_table.log_mass is None:
        text = (
            "no log-probabilities are known: KL is its upper bound log n - (n - 1)/n, too large "
            "where the same response is drawn often"
        )
        return Note("info", "kl", text)
    text = (
        f"KL is Beirami's estimate from log-probabilities: at n = {curves.n[-1]:,} by "
        f"{curves.proxy} "
        f"{curves.kl[-1]:.2f} nats, where the bound says {curves.bound[-1]:.2f}"
    )
    return Note("info", "kl", text)


def of_runs(
    text: str,
    evaluations: EvaluationOptions,
    columns: Mapping[str, str] | None,
    interval: IntervalOptions,
    proxy: Sequence[str],
) -> RewardInput:
    """Return evaluations of RL as evidence, by proxy."""
    from isoflop.assess.reward.evidence import of_runs as evidence_of
    from isoflop.errors import UnknownName

    check_draws(interval.draws)
    where, derive = evaluations.where, evaluations.derive
    runs = TableOptions(where=where, columns=columns, derive=derive).read(text)
    evidence = evidence_of(
        runs,
        start=evaluations.start,
        least=evaluations.least,
        draws=interval.draws,
        seed=interval.seed,
    )
    for name in proxy:
        if name not in evidence.by_proxy:
            raise UnknownName("proxy", name, evidence.by_proxy)
    chosen = {k: v for k, v in evidence.by_proxy.items() if not proxy or k in proxy}
    return RewardInput(_means(chosen), chosen, (*runs.doubts, *runs.notes, *evidence.notes))


def _means(names: Iterable[str]) -> str:
    """Return by what proxies were pleased: studies say it before a name, all else is RL."""
    words = {"best-of-n": "best-of-n", "rl": "RL"}
    return " and ".join(dict.fromkeys(words.get(n.split(": ")[0], "RL") for n in sorted(names)))


def check_draws(draws: int) -> None:
    """Raise UsageError for too few draws to make an interval of."""
    refuse_draws(draws)
    if draws < 20:
        raise UsageError(f"draws is {draws}; an interval needs 20 at least, and 1000 to be steady")
