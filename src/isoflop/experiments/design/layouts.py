"""Designs: from sizes to the runs that are trained, one function for each kind."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from isoflop.errors import UsageError
from isoflop.experiments.design.sizes import TrialSize
from isoflop.experiments.design.tables import RuleTable, VaryTable
from isoflop.experiments.trainer.command import Value
from isoflop.quantities import show


@dataclass(frozen=True, slots=True)
class PlannedRun:
    """A run to be trained: its model, the token counts D at which its loss is due, its settings.

    `share` is the part of its largest D that is trained once more for each decay (of a ladder).
    """

    size: TrialSize
    points: tuple[float, ...]
    lr: float | None = None
    batch: float | None = None
    seed: int = 0
    flags: Mapping[str, Value] = field(default_factory=dict)
    decay: float = 0.0

    @property
    def D(self) -> float:  # noqa: N802
        """The most tokens that it sees in a row."""
        return max(self.points)

    @property
    def tokens(self) -> float:
        """The tokens trained on, branches included."""
        if len(self.points) == 1:
            return self.points[0]
        return self.D * (1 - self.decay) + sum(self.decay * D for D in self.points)

    @property
    def flop(self) -> float:
        """What it costs [FLOP]."""
        return self.size.flop_per_token * self.tokens


Layout = Callable[[Any, tuple[TrialSize, ...]], Iterator[PlannedRun]]


def _isoflop(design: Any, sizes: tuple[TrialSize, ...]) -> Iterator[PlannedRun]:
    low, high = design.tokens_per_parameter
    for size, budget in itertools.product(sizes, design.budgets):
        D = budget / size.flop_per_token
        if low <= D / size.N <= high:
            yield PlannedRun(size, (D,))


def _tokens(design: Any, size: TrialSize) -> tuple[float, ...]:
    """Return the token counts of one size, rising."""
    counts = design.tokens or ()
    ratios = design.tokens_per_parameter or ()
    if bool(counts) == bool(ratios):
        raise UsageError(f"the design {design.kind} needs either tokens or tokens_per_parameter")
    return tuple(sorted(counts or (m * size.N for m in ratios)))


def _ladder(design: Any, sizes: tuple[TrialSize, ...]) -> Iterator[PlannedRun]:
    for size in sizes:
        yield PlannedRun(size, _tokens(design, size), decay=design.decay)


def _each_token_count(design: Any, sizes: tuple[TrialSize, ...]) -> Iterator[PlannedRun]:
    for size in sizes:
        yield from (PlannedRun(size, (D,)) for D in _tokens(design, size))


def _l_shaped(design: Any, sizes: tuple[TrialSize, ...]) -> Iterator[PlannedRun]:
    fewest, smallest = min(design.tokens), min(sizes, key=lambda s: s.N)
    yield from (PlannedRun(size, (fewest,)) for size in sizes)
    yield from (PlannedRun(smallest, (D,)) for D in sorted(design.tokens) if fewest != D)


def _repeated(design: Any, sizes: tuple[TrialSize, ...]) -> Iterator[PlannedRun]:
    for size, U, epochs in itertools.product(sizes, design.unique, design.epochs):
        yield PlannedRun(size, (U * epochs,), flags={"U": U, "epochs": epochs})


def _rates(design: Any, sizes: tuple[TrialSize, ...]) -> Iterator[PlannedRun]:
    grid = itertools.product(sizes, design.tokens_per_parameter, design.lr, design.batch)
    for size, ratio, lr, batch in grid:
        yield PlannedRun(size, (ratio * size.N,), lr=lr, batch=batch)


def _mixture(design: Any, sizes: tuple[TrialSize, ...]) -> Iterator[PlannedRun]:
    for size, row, ratio in itertools.product(sizes, design.shares, design.tokens_per_parameter):
        shares = {f"w{i}": share for i, share in enumerate(row, 1)}
        yield PlannedRun(size, (ratio * size.N,), flags=shares)


def _listed(design: Any, sizes: tuple[TrialSize, ...]) -> Iterator[PlannedRun]:
    for run in design.runs:
        if run.size >= len(sizes):
            raise UsageError(
                f"a listed run is of size {run.size}; there are {len(sizes)}, counted from 0"
            )
        yield PlannedRun(sizes[run.size], (run.D,), run.lr, run.batch, run.seed or 0, run.flags)


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        "isoflop": _isoflop,
        "ladder": _ladder,
        "tokens": _each_token_count,
        "l-shaped": _l_shaped,
        "repeated": _repeated,
        "rates": _rates,
        "mixture": _mixture,
        "list": _listed,
    }
)


def lay_out(design: Any, sizes: tuple[TrialSize, ...], vary: VaryTable) -> tuple[PlannedRun, ...]:
    """Return every run of a design, each once, with every value that varies.

    Raises UsageError for a design that is left without a run.
    """
    runs = tuple(LAYOUTS[design.kind](design, sizes))
    if not runs:
        raise UsageError(_why_empty(design, sizes))
    varied = (run for planned in runs for run in with_variations(planned, vary))
    return tuple({_identity(run): run for run in varied}.values())


def _why_empty(design: Any, sizes: tuple[TrialSize, ...]) -> str:
    low, high = design.tokens_per_parameter
    ratios = [b / s.flop_per_token / s.N for s in sizes for b in design.budgets]
    return (
        f"no run of the design has {show(low)} to {show(high)} tokens per parameter: its budgets "
        f"give {show(min(ratios))} to {show(max(ratios))}; change the budgets or the sizes, or "
        "widen tokens_per_parameter"
    )


def _identity(run: PlannedRun) -> tuple[Any, ...]:
    return run.size.name, run.points, run.lr, run.batch, run.seed, tuple(run.flags.items())


def with_variations(run: PlannedRun, vary: VaryTable) -> Iterator[PlannedRun]:
    """Yield a run with every learning rate, batch, seed and flag that varies."""
    rates = (run.lr,) if run.lr is not None else _values(vary.lr, run)
    batches = (run.batch,) if run.batch is not None else _values(vary.batch, run)
    names, lists = tuple(vary.flags), tuple(vary.flags.values())
    for lr, batch, seed, values in itertools.product(
        rates, batches, vary.seed, tuple(itertools.product(*lists))
    ):
        flags = {**dict(zip(names, values, strict=True)), **run.flags}
        yield replace(run, lr=lr, batch=batch, seed=seed, flags=flags)


def _values(table: tuple[float, ...] | RuleTable | None, run: PlannedRun) -> tuple[Any, ...]:
    """Return the values of a setting for one run: those listed, or that of its rule."""
    if table is None:
        return (None,)
    if not isinstance(table, RuleTable):
        return table
    sizes: dict[str, Any] = {"N": run.size.N, "D": run.D, "width": run.size.flags.get("width")}
    over = sizes[table.over]
    if over is None:
        raise UsageError(f"a rule goes by {table.over}, which the sizes do not state")
    return (float(f"{table.value * (float(over) / table.at) ** table.power:.6g}"),)
