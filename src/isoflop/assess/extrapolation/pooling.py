"""pool(runs) -> Pool, and best(runs) -> Fit: what a backtest of the runs themselves chooses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from isoflop.assess.audit.consistency import doubts
from isoflop.assess.extrapolation.backtest import Candidate, Watch, in_order
from isoflop.assess.extrapolation.candidates import OBJECTIVES, candidates
from isoflop.assess.extrapolation.comparison import Comparison, Recipe, compare, prior
from isoflop.assess.extrapolation.learnt import LEARNT
from isoflop.assess.extrapolation.pool import Member, Pool
from isoflop.assess.extrapolation.splits import direction
from isoflop.errors import CannotFit, Note, RefusedByData, UsageError
from isoflop.fitting import Fit, fit
from isoflop.fitting.trust import FormError, Status
from isoflop.quantities import refuse_draws
from isoflop.runs import Runs, Tabular, as_runs

FAINT = 0.01  # weight under which a form is left out of the pool
MINOR = 0.1  # weight under which what is doubted of a form is no doubt of the pool


def pool(
    runs: Tabular,
    laws: Sequence[str | Candidate] | None = None,
    *,
    comparison: Comparison | None = None,
    objectives: Sequence[str] = OBJECTIVES,
    over: str | None = None,
    axis: str | Sequence[str] | None = None,
    cuts: Sequence[float] | int = 6,
    draws: int = 1000,
    level: float = 0.9,
    seed: int = 0,
    watch: Watch | None = None,
) -> Pool:
    """Return laws that answer together, by weights that a backtest of these runs gave them.

    `laws`, `objectives`, `axis` and `cuts` are those of `compare`; a `comparison` made before
    stands for all of them; `watch` is that of `backtest`. Runs that allow no backtest leave the
    weights as they are before one, and the error of the form at what is usual: the pool is
    doubtful then. A candidate whose fit is refused leaves its weight to the others, and a note.

    Raises CannotFit if no candidate can be fitted to the runs.
    """
    refuse_draws(draws, level)
    runs = as_runs(runs)
    doubtful: list[Note] = list(comparison.doubts if comparison else doubts(runs))
    if comparison is None:
        choices = candidates(runs, laws, objectives, over)
        axis = axis or direction(runs, [s for c in choices for s in c.inputs])
        recipe = Recipe(choices, _names(axis), cuts if isinstance(cuts, int) else tuple(cuts))
    elif laws is not None:
        raise UsageError("a comparison brings its laws; leave out laws")
    else:
        recipe = comparison.recipe
    try:
        ranked = comparison or compare(
            recipe.candidates,
            runs,
            axis=recipe.axes,
            cuts=cuts,
            level=level,
            seed=seed,
            watch=watch,
        )
        weights = [(s.candidate, s.weight) for s in ranked.standings]
        form = FormError(ranked.growth, len(ranked.test.of(ranked.best)))
    except CannotFit as reason:
        weights = list(zip(recipe.candidates, prior(recipe.candidates).tolist(), strict=True))
        form = FormError(LEARNT.usual, reason=str(reason))
        text = "the runs allow no backtest, so that the weights of the laws are those before one"
        doubtful.append(Note("doubt", "backtest", f"{text}: {reason}"))
    members, reasons = _members(runs, weights, draws, level, seed)
    return _whole(members, form, level, seed, (doubtful, reasons), recipe)


def best(
    runs: Tabular,
    laws: Sequence[str | Candidate] | None = None,
    *,
    comparison: Comparison | None = None,
    over: str | None = None,
    draws: int = 1000,
    level: float = 0.9,
    seed: int = 0,
    watch: Watch | None = None,
) -> Fit[Any]:
    """Return the law of the least error on larger runs held out, fitted to all runs.

    It brings the error of its form that the same backtest showed. Where the lead of that law may
    be noise, a note says so: `pool` then weighs the laws, and errs less.

    Raises CannotFit if no candidate can be tested, and what `fit` raises.
    """
    runs = as_runs(runs)
    if comparison is None:
        comparison = compare(
            candidates(runs, laws, over=over),
            runs,
            level=level,
            seed=seed,
            watch=watch,
        )
    ranked = comparison
    first, c = ranked.standings[0], ranked.best
    result = fit(
        c.law,
        in_order(runs),
        objective=c.objective,
        fix=c.fix,
        over=c.over,
        predicts=c.predicts,
        draws=draws,
        level=level,
        seed=seed,
    )
    rivals = sorted({s.candidate.law for s in ranked.standings if s.tied} - {c.law})
    text = f"the lead of {c.name} over {', '.join(rivals)} may be noise: pool them (--law pool)"
    lead = Note("info", "lead", text)
    notes = result.notes if ranked.decisive else (lead, *result.notes)
    form = FormError(first.growth, len(ranked.test.of(c)))
    return replace(result, form=form, notes=notes)


def again(model: Pool, runs: Runs) -> Pool:
    """Return the same candidates, compared and pooled in the same way, on other runs."""
    recipe = model.recipe
    return pool(
        runs,
        recipe.candidates,
        axis=recipe.axes,
        cuts=recipe.cuts,
        draws=0 if model.draws is None else model.draws.members or 0,
        level=model.level,
        seed=model.seed,
    )


def _names(axis: str | Sequence[str]) -> tuple[str, ...]:
    return (axis,) if isinstance(axis, str) else tuple(axis)


def _members(
    runs: Runs, weights: Sequence[tuple[Candidate, float]], draws: int, level: float, seed: int
) -> tuple[list[Member], list[Note]]:
    """Return the candidates that carry weight, fitted to all runs, and why others are left out."""
    ordered = in_order(runs)
    members: list[Member] = []
    refused: list[Member] = []
    reasons: dict[str, list[str]] = {}
    for c, weight in weights:
        if weight < FAINT:
            continue
        try:
            result = fit(
                c.law,
                ordered,
                objective=c.objective,
                fix=c.fix,
                over=c.over,
                predicts=c.predicts,
                draws=max(1, round(draws * weight)) if draws else 0,
                level=level,
                seed=seed,
            )
        except RefusedByData as reason:
            reasons.setdefault(str(reason), []).append(c.name)
            continue
        if result.status == "refused":
            refused.append(Member(c, result, weight))
            reasons.setdefault(str(result.notes[0]), []).append(c.name)
            continue
        members.append(Member(c, result, weight))
    if not members and not refused:
        raise CannotFit(f"no candidate could be fitted to all runs: {next(iter(reasons))}")
    notes = [
        Note("doubt", "left-out", f"left out of the pool: {'; '.join(names)}: {reason}")
        for reason, names in reasons.items()
    ]
    return members or refused, notes


def _whole(
    members: list[Member],
    form: FormError,
    level: float,
    seed: int,
    remarks: tuple[list[Note], list[Note]],
    recipe: Recipe,
) -> Pool:
    """Return the pool of members, with its status and every note once."""
    total = sum(m.weight for m in members)
    shared = tuple(Member(m.candidate, m.fit, m.weight / total) for m in members)
    unsure = sum(m.weight for m in shared if m.fit.status == "doubtful")
    status: Status = "doubtful" if remarks[0] or unsure > 0.5 else "ok"
    if all(m.fit.status == "refused" for m in members):
        status = "refused"
    notes = (*remarks[0], *_once(shared), *remarks[1])
    return Pool(
        members=shared,
        form=form,
        level=level,
        seed=seed,
        status=status,
        notes=tuple(dict.fromkeys(notes)),
        recipe=recipe,
    )


def _once(members: Sequence[Member]) -> list[Note]:
    """Return the notes of members, each once, and of which law it is unless it is of all.

    A doubt of laws that carry little of the weight is no doubt of the pool, but information, and so
    is one of a single parameter: what it may be, the draws hold.
    """
    owners: dict[Note, list[Member]] = {}
    for m in members:
        for note in m.fit.notes:
            owners.setdefault(note, []).append(m)
    notes = []
    for note, those in owners.items():
        of = note
        if len(those) < len(members):
            of = note.of("; ".join(m.candidate.name for m in those))
            if note.symbol or sum(m.weight for m in those) < MINOR:
                of = replace(of, kind="info")
        notes.append(of)
    return notes
