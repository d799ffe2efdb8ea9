"""What the placing of runs cannot say, however small their noise is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import Note
from isoflop.fitting.problem import FitProblem
from isoflop.fitting.resample import levels
from isoflop.quantities import FROM_ZERO, QUANTITIES, quantity, show

LINE = 1.5  # runs that leave a line by a smaller factor say nothing of what lies off it
MIXED = 1e4  # conditioning from which a law is not told apart along a line; a grid has 1e3
CURVE = 7  # evaluations in close order whose bend shows, however few budgets they would make
FEW = 3  # levels that a floor, an amplitude and an exponent run through whatever they are
REACH = 1.5  # how far beyond so few levels the form alone may be trusted
SIZED = ("N", "D", "C", "x")  # quantities that the loss falls in, down to the floor


@dataclass(frozen=True, slots=True)
class MissingSupport:
    """Something that runs cannot say: why, which parameters are not known, and where it matters.

    `reason` is short, `says` adds what follows from it and what to do. `holds` says whether a run
    lies in the gap, `split` whether the best N and D do.
    """

    reason: str
    says: str
    parameters: tuple[str, ...]
    holds: Callable[[Mapping[str, float]], bool]
    split: bool

    @property
    def note(self) -> Note:
        """The gap as a doubt about the law."""
        return Note("doubt", "support", self.says)


def gaps(
    problem: FitProblem, symbols: tuple[str, ...], conditioning: float
) -> tuple[MissingSupport, ...]:
    """Return what the runs behind a fit, placed as they are, leave open of its law.

    `symbols` are the quantities that the law takes, as they are bound.
    """
    scales = [problem.scales.get(QUANTITIES[s].unit, 1.0) for s in problem.form.takes]
    inputs = {s: v * scale for s, v, scale in zip(symbols, problem.inputs, scales, strict=True)}
    results = [*_line(problem, inputs, conditioning), *_few_levels(problem, inputs)]
    return tuple(results)


def _line(
    problem: FitProblem, inputs: Mapping[str, Numbers], conditioning: float
) -> list[MissingSupport]:
    """Return the gap beside runs on one line, such as a frontier, if the law needs more.

    Beside the line a law says what its form says, however well it is conditioned along it; where
    parameters are pinned the user says the rest, and conditioning alone decides.
    """
    inputs = {s: v for s, v in inputs.items() if _has_logs(s, v)}
    pinned = len(problem.free) < len(problem.form.params)
    if len(inputs) < 2 or (pinned and conditioning < MIXED):
        return []
    logs = np.log(np.stack(list(inputs.values())))
    centre = logs.mean(1)
    direction, width = across(logs)
    if width > np.log(LINE):
        return []
    mixed = [s for s, w in zip(inputs, direction, strict=True) if abs(w) > 0.2]
    names, floors = " and ".join(mixed), _floors(problem)
    unknown = tuple(k for k in problem.free if k not in floors)
    reason = f"all runs lie within a factor {show(float(np.exp(width)))} of one line in {names}"
    budget = direction.prod() > 0  # the line runs along C = 6ND, not across budgets
    add = "at other budgets" if budget else f"at half and twice {mixed[0]} for the same compute"
    says = (
        f"{reason}, {'a single budget' if budget else 'such as a compute-optimal frontier'}: they "
        f"cannot tell what more {mixed[0]} buys from what more {mixed[-1]} buys, so "
        f"{', '.join(unknown)} and the best {names} are not known, nor any forecast off that "
        f"line; add runs {add}, or fit a law of compute alone (--over C)"
    )

    def off_line(at: Mapping[str, float]) -> bool:
        place = np.log([at[s] for s in inputs])
        return bool(abs(direction @ (place - centre)) > np.log(LINE))

    return [MissingSupport(reason, says, unknown, off_line, {"N", "D"} <= set(mixed))]


def _has_logs(symbol: str, values: Numbers) -> bool:
    """Return whether values (n,) are sizes: shares, and what may fall below zero, are not."""
    return symbol not in FROM_ZERO and bool((values > 0).all())


def across(logs: Numbers) -> tuple[Numbers, float]:
    """Return the direction (q,) along which logs of inputs (q, n) spread least, and how far.

    The input that moves most along it moves by 1; the spread is from end to end.
    """
    centred = logs - logs.mean(1, keepdims=True)
    directions, _, _ = np.linalg.svd(centred, full_matrices=False)
    direction = directions[:, -1] / np.abs(directions[:, -1]).max()
    return direction, float(np.ptp(direction @ centred))


def _few_levels(problem: FitProblem, inputs: Mapping[str, Numbers]) -> list[MissingSupport]:
    """Return a gap for each input of too few levels to show where its curve flattens out."""
    floors, results = _floors(problem), []
    if not floors:
        return []
    for symbol, form_symbol in zip(inputs, problem.form.takes, strict=True):
        if not _has_logs(symbol, inputs[symbol]):
            continue
        count = int(levels(inputs[symbol]).max()) + 1
        if form_symbol in SIZED and count <= FEW and not _is_curve(inputs[symbol]):
            results.append(_beyond(symbol, float(inputs[symbol].max()), count, floors[0]))
    return results


def _is_curve(values: Numbers) -> bool:
    """Return whether values (n,) follow each other closely, as the evaluations of one run do."""
    steps = np.diff(np.log(np.unique(values)))
    return steps.size > CURVE and bool(steps.max() < np.log(LINE))


def _floors(problem: FitProblem) -> list[str]:
    """Return the free parameters in the unit of the output: what is left far out."""
    unit = quantity(problem.form.predicts).unit
    return [k for k in problem.free if problem.form.params[k].unit == unit]


def _beyond(symbol: str, largest: float, count: int, floor: str) -> MissingSupport:
    reason = f"{count} levels of {symbol} cannot pin {floor}"
    furthest = show(REACH * largest)
    says = (
        f"{reason}: a floor, an amplitude and an exponent run through any {FEW}, so {floor} and "
        f"every forecast beyond {symbol} = {furthest} rest on the form alone; add runs at another "
        f"{symbol}, or pin it with --fix {floor}=VALUE"
    )
    return MissingSupport(reason, says, (floor,), lambda at: at[symbol] > REACH * largest, False)
