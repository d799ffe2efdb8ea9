"""What laws of over-optimisation are fitted to: scored samples, or evaluations of RL."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias

from isoflop.assess.reward.evidence import RewardInput, of_curves, of_runs
from isoflop.errors import CannotFit, Note, UnknownName, UsageError
from isoflop.quantities import refuse_draws
from isoflop.runs import Runs
from isoflop.samples.best_of_n_curves import BestOfNCurves, best_of_n_curves
from isoflop.samples.recalibrate import gold_scale, proxy_scale
from isoflop.samples.score_table import ScoreTable
from isoflop.sources.score_files import read_scores

Of: TypeAlias = Literal["gold", "proxy"]

FEWEST_DRAWS = 20


def read_score_table(
    text: str,
    proxies: Sequence[str] = (),
    *,
    columns: Mapping[str, str] | None = None,
    sizes: Mapping[str, str] | None = None,
    recalibrate: bool = False,
) -> ScoreTable:
    """Return a score table of some of its proxies, its gold in the unit that is wanted.

    `recalibrate` counts gold in its standard deviations under the initial policy.

    Raises UsageError for a folder, and what `read_scores` raises.
    """
    if Path(text).is_dir():
        paths = sorted(Path(text).glob("trials/*/scores.parquet"))
        raise UsageError(
            f"{text} is a folder; name a table of scores"
            + (f", such as {paths[0]}, one of {len(paths)} in it" if paths else "")
        )
    scores = read_scores(text, columns, sizes)
    if proxies:
        scores = scores.with_proxies({name: scores.score(name) for name in proxies})
    if recalibrate:
        scores = dataclasses.replace(scores, gold=gold_scale(scores)(scores.gold))
    return scores


def of_scores(
    score_table: ScoreTable, *, of: Of = "gold", draws: int = 1000, seed: int = 0
) -> RewardInput:
    """Return best-of-n by every proxy of a score table as evidence, of gold or of the proxy.

    Raises UsageError for too few draws, CannotFit for a proxy whose score has no scale.
    """
    refuse_few_draws(draws)
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


def of_evaluations(
    runs: Runs,
    proxies: Sequence[str] = (),
    *,
    start: float | None = None,
    least: float = 0.0,
    draws: int = 1000,
    seed: int = 0,
) -> RewardInput:
    """Return evaluations of RL as evidence, by proxy, all of them or those named.

    Raises UsageError for too few draws, UnknownName for a proxy that is not there.
    """
    refuse_few_draws(draws)
    evidence = of_runs(runs, start=start, least=least, draws=draws, seed=seed)
    for name in proxies:
        if name not in evidence.by_proxy:
            raise UnknownName("proxy", name, evidence.by_proxy)
    chosen = {k: v for k, v in evidence.by_proxy.items() if not proxies or k in proxies}
    return RewardInput(_means(chosen), chosen, (*runs.doubts, *runs.notes, *evidence.notes))


def _means(names: Iterable[str]) -> str:
    """Return by what proxies were pleased: studies say it before a name, all else is RL."""
    words = {"best-of-n": "best-of-n", "rl": "RL"}
    return " and ".join(dict.fromkeys(words.get(n.split(": ")[0], "RL") for n in sorted(names)))


def refuse_few_draws(draws: int) -> None:
    """Raise UsageError for too few draws to make an interval of."""
    refuse_draws(draws)
    if draws < FEWEST_DRAWS:
        raise UsageError(
            f"draws is {draws}; an interval needs {FEWEST_DRAWS} at least, and 1000 to be steady"
        )
