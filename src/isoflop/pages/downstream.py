"""Scores of tasks at a scale that has not been run, in two steps through the loss."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from isoflop import errors
from isoflop.downstream import TaskForecast, TaskForecasts, nearest, rms
from isoflop.downstream.task import RISEN, RULES
from isoflop.pages import shows
from isoflop.pages.answer import answered, estimated
from isoflop.quantities import show
from isoflop.report import Block, Cell, Heading, Paragraph, Remark, Report, Table, note_blocks

FEW = 4  # tasks that the first sentence speaks of


@shows(TaskForecasts)
def page_of(result: TaskForecasts) -> Report:
    """Return the forecasts of tasks: their classes, scores, methods and figures."""
    from isoflop.pages.downstream_figures import of_task

    tasks, at = result.tasks, result.at
    blocks: list[Block] = [*notes_of(tasks), grades(tasks)]
    if at:
        blocks.append(forecasts(tasks, at))
    blocks += [ways(tasks), rules()]
    for task in tasks:
        blocks += [Heading(task.name), *of_task(task, whole=len(tasks) == 1)]
    answer = answered(_answer(result), blocks)
    return Report(title(at), tuple(blocks), as_data(tasks), result.is_refused, answer)


def _answer(result: TaskForecasts) -> str:
    """Return the score and the class of each task."""
    where = ", ".join(f"{s} = {show(v)}" for s, v in result.at.items())
    parts = [
        f"{t.name} {estimated(t.forecast)} ({t.grade})" if t.forecast else f"{t.name} {t.grade}"
        for t in result.tasks[:FEW]
    ]
    more = len(result.tasks) - FEW
    rest = f", and {more} more" if more > 0 else ""
    return f"{f'At {where}: ' if where else ''}{', '.join(parts)}{rest}"


def title(at: Mapping[str, float]) -> str:
    """Return the title, with the run that is forecast."""
    where = ", ".join(f"{s} = {show(v)}" for s, v in at.items())
    return f"Scores at {where}" if at else "Scores of tasks, and how far they can be forecast"


def notes_of(answers: Sequence[TaskForecast]) -> list[Remark]:
    """Return which tasks cannot be forecast, and why."""
    notes: list[Remark] = []
    for a in answers:
        if a.reason:
            notes.append(Remark(f"{a.name}: {a.reason}", "doubt" if a.chain else "refused"))
        if a.grade == "unreliable":
            notes.append(Remark(f"{a.name} is unreliable: do not plan by its forecast", "doubt"))
        if a.chance is None:
            notes.append(
                Remark(
                    f"{a.name}: the score of a guess was not given (--chance {a.name}=0.25), so "
                    "its floor is fitted and its rise is taken from the worst third of runs",
                    "doubt",
                )
            )
    remarks: dict[errors.Note, list[str]] = {}  # what holds of several tasks is said once
    for a in answers:
        for note in a.forecast.notes if a.forecast else a.chain.notes if a.chain else ():
            remarks.setdefault(note, []).append(a.name)
    return [*notes, *note_blocks(note.of(", ".join(names)) for note, names in remarks.items())]


def grades(answers: Sequence[TaskForecast]) -> Table:
    """Return the tasks with their grades and the errors behind these."""
    rows: list[tuple[Cell, ...]] = [
        (
            a.name,
            a.grade,
            _percent(a.missed_by),
            _beyond(a),
            a.signal.ratio,
            a.signal.monotone,
            100 * a.signal.noise,
        )
        for a in answers
    ]
    columns = (
        "task",
        "class",
        "backtest [points]",
        "beyond",
        "signal [sd]",
        "order",
        "noise [points]",
    )
    return Table(
        columns,
        tuple(rows),
        "Backtest: rms error on the largest runs, from all others, and how many times beyond them "
        "these lie. Signal: the rise in sd of noise. Order: rank correlation of score and falling "
        "loss. Noise: sd of one score, " + _noise_from(answers),
    )


def _noise_from(answers: Sequence[TaskForecast]) -> str:
    if all(a.signal.seeds for a in answers):
        return "from runs that share N and D."
    return "from runs that follow each other in loss, as few share N and D."


def forecasts(answers: Sequence[TaskForecast], at: Mapping[str, float]) -> Table:
    """Return the forecast score of every task with its interval."""
    rows: list[tuple[Cell, ...]] = []
    for a in answers:
        if a.forecast is None or a.chain is None:
            rows.append((a.name, None, None, None, None, None, a.grade))
            continue
        L = float(a.chain.loss.predict(**at))
        rows.append(
            (
                a.name,
                a.forecast.value,
                a.forecast.low,
                a.forecast.high,
                L,
                a.forecast.beyond,
                a.grade,
            )
        )
    unit = answers[0].runs.conventions.get("L", "nats/token")
    return Table(
        ("task", "score", "low", "high", f"loss [{unit}]", "beyond the runs [times]", "class"),
        tuple(rows),
        f"At {', '.join(f'{s} = {show(v)}' for s, v in at.items())}.",
    )


def ways(answers: Sequence[TaskForecast]) -> Table:
    """Return the methods that were compared, by task."""
    rows = tuple(
        (
            a.name,
            way.name,
            way.law,
            _percent(rms(nearest(a.missed, way), way)),
            _percent(rms(a.missed, way)),
        )
        for a in answers
        for way in a.methods
        if a.missed
    )
    return Table(
        ("task", "way", "law", "largest runs [points]", "all cuts [points]"),
        rows,
        "Rms error of held-out scores: of the way that was chosen, and of its baselines.",
    )


def rules() -> Paragraph:
    """Return what the grades mean."""
    parts = [
        f"{name}: backtest within {100 * most:g} points, signal at least {ratio:g} sd of noise, "
        f"order {order:g} or more"
        for name, most, ratio, order in RULES
    ]
    parts.append(f"at chance: no more than {RISEN:g} sd above a guess; unreliable: anything worse")
    return Paragraph(f"Classes. {'; '.join(parts)}; untested: too few runs for a backtest.")


def _percent(share: float) -> float | None:
    return 100 * share if np.isfinite(share) else None


def _beyond(answer: TaskForecast) -> float | None:
    from isoflop.downstream import nearest

    last = nearest(answer.missed, answer.methods[0])
    return float(last[0].ratio.max()) if last else None


def as_data(answers: Sequence[TaskForecast]) -> dict[str, Any]:
    """Return the tasks as JSON types."""
    return {"tasks": [_task_data(a) for a in answers]}


def _task_data(a: TaskForecast) -> dict[str, Any]:
    error, forecast = a.missed_by, a.forecast
    values = (
        None
        if a.chain is None
        else {
            step: {k: float(v) for k, v in fit.law.values.items()}
            for step, fit in (("loss", a.chain.loss), ("score", a.chain.score))
        }
    )
    return {
        "task": a.name,
        "class": a.grade,
        "chance": a.chance,
        "backtest": error if np.isfinite(error) else None,
        "ways": {w.name: rms(a.missed, w) for w in a.methods if np.isfinite(rms(a.missed, w))},
        "best": a.signal.best,
        "rise": a.signal.rise,
        "noise": a.signal.noise,
        "noise_from": "seeds" if a.signal.seeds else "neighbours",
        "order": a.signal.monotone,
        "forecast": None
        if forecast is None
        else {
            "at": dict(forecast.at),
            "score": forecast.value,
            "low": forecast.low,
            "high": forecast.high,
            "level": forecast.level,
            "beyond": forecast.beyond,
            "parts": list(forecast.parts),
        },
        "constants": values,
        "reason": a.reason,
    }
