"""What the commands on learning-rate schedules take, and how curves and schedules are read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

from isoflop.commands.registry import Option
from isoflop.errors import UnknownName, UsageError
from isoflop.quantities import refuse_draws
from isoflop.report import Remark, note_blocks

if TYPE_CHECKING:
    from isoflop.schedules import LossCurve, Schedule, ScheduleFit, ScheduleSpec

Curves: TypeAlias = Annotated[
    tuple[str, ...],
    Option(
        "tables of step, lr and loss, one a run or with a column curve; or sample:schedules",
        "CURVES...",
    ),
]
Laws: TypeAlias = Annotated[
    tuple[str, ...],
    Option("annealing, multi-power, multi-power-free or power; may be repeated", "LAW"),
]
Warmup: TypeAlias = Annotated[
    int | None, Option("steps of linear warm-up, where tables leave it out", "STEPS")
]
Columns: TypeAlias = Annotated[
    Mapping[str, str] | None, Option("which column is step, lr, loss, curve", "PART=COLUMN")
]
Draws: TypeAlias = Annotated[
    int, Option("refits to resampled residuals, for intervals; 0 for none")
]
Level: TypeAlias = Annotated[
    float, Option("share of draws that an interval holds", needs=("draws!=0",))
]
Seed: TypeAlias = Annotated[int, Option("of the draws", "SEED")]

FEWEST_DRAWS = 20


def read(
    texts: Sequence[str],
    warmup: int | None,
    columns: Mapping[str, str] | None,
    paths: Sequence[str] = (),
) -> tuple[LossCurve, ...]:
    """Return the curves of files, or of sample:schedules, that one law may be fitted to.

    `paths` are the schedules to predict, which may be tables, too.
    """
    from isoflop.schedules import read_curves, sample_curves, together
    from isoflop.schedules.simulated import SAMPLE
    from isoflop.sources.packaged import PREFIX

    if not texts:
        raise UsageError(
            "give one loss curve or more: isoflop schedule fit constant.csv cosine.csv"
        )
    if columns and all(text.startswith(PREFIX) for text in texts):
        raise UsageError("--columns names the columns of tables, and none is given")
    tables = [text for text in texts if not text.startswith(PREFIX)]
    if warmup is not None and not (tables or any(map(is_table, paths))):
        raise UsageError("--warmup is of tables that leave it out, and none is given")
    curves: list[LossCurve] = []
    for text in texts:
        if text == PREFIX + SAMPLE:
            curves += sample_curves()
        elif text.startswith(PREFIX):
            raise UnknownName("sample of loss curves", text.removeprefix(PREFIX), (SAMPLE,))
        else:
            curves += read_curves(text, warmup=warmup, columns=columns)
    return together(curves)


def apart(
    curves: Sequence[LossCurve], names: Sequence[str]
) -> tuple[tuple[LossCurve, ...], tuple[LossCurve, ...]]:
    """Return the curves to fit, and those that are held out by name."""
    names_there = [c.name for c in curves]
    for name in names:
        if name not in names_there:
            raise UnknownName("curve", name, names_there)
    held_out = tuple(c for c in curves if c.name in names)
    return tuple(c for c in curves if c.name not in names), held_out


def check(draws: int, level: float) -> None:
    """Refuse draws too few for an interval, and a level that is none."""
    if 0 < draws < FEWEST_DRAWS:
        raise UsageError(f"--draws is {draws}; an interval needs {FEWEST_DRAWS}, or 0 for none")
    refuse_draws(draws, level)


def is_table(text: str) -> bool:
    """Return whether text names a table of step and lr, and does not say a schedule in words."""
    from isoflop.schedules.rates import KINDS

    return Path(text).is_file() or bool(text and ":" not in text and text not in KINDS)


def wanted(text: str, warmup: int | None) -> Schedule | ScheduleSpec:
    """Return the schedule of a table of step and lr, or what a line of text says."""
    from isoflop.schedules import recipe
    from isoflop.schedules.curves import read_rates

    if is_table(text):
        return read_rates(text, warmup=warmup)
    return recipe(text)


def doubts(fits: Sequence[ScheduleFit]) -> tuple[Remark, ...]:
    """Return what fits doubt, each remark once with the laws that it is about."""
    notes = dict.fromkeys(note for f in fits for note in f.notes)
    about = {n: ", ".join(f.choice.key for f in fits if n in f.notes) for n in notes}
    return tuple(note_blocks(note.of(keys) for note, keys in about.items()))
