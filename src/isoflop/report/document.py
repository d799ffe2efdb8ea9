"""What a command answers: a Report is data, and so is a Figure. No pixels and no markup here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from isoflop import errors
from isoflop.arrays import Numbers
from isoflop.errors import brief
from isoflop.quantities import quantity

Cell: TypeAlias = str | float | int | None


@dataclass(frozen=True, slots=True)
class Heading:
    """The title of a part of a report."""

    text: str


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Plain prose."""

    text: str


@dataclass(frozen=True, slots=True)
class Remark:
    """A remark that bears on trust; doubts and refusals are shown before the numbers."""

    text: str
    kind: Literal["info", "good", "doubt", "refused"] = "info"


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of cells under named columns; numbers are formatted by the renderer."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis: what it measures, in which unit, and whether it is logarithmic."""

    label: str
    unit: str
    log: bool = True

    @staticmethod
    def of(symbol: str, unit: str | None = None, log: bool = True) -> Axis:
        """Return the axis of a quantity of the vocabulary, in `unit` if that is stated."""
        q = quantity(symbol)
        return Axis(f"{symbol}: {q.meaning}", unit or q.unit, log)


@dataclass(frozen=True, slots=True)
class Points:
    """Observations; `truth` marks a run that was held out and then measured.

    `labels` name points in the picture, an empty one none; those without room are left out.
    """

    name: str
    x: Numbers
    y: Numbers
    kind: Literal["data", "dropped", "truth", "best"] = "data"
    hover: tuple[str, ...] = ()
    group: str = ""  # points and lines of one group share a colour
    labels: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()  # of the source, by which a page knows what was clicked


@dataclass(frozen=True, slots=True)
class Line:
    """A curve, such as a fit; `rival` is drawn thin, for forms that were not chosen."""

    name: str
    x: Numbers
    y: Numbers
    kind: Literal["fit", "rival", "frontier", "reference"] = "fit"
    group: str = ""


@dataclass(frozen=True, slots=True)
class Band:
    """An interval around a curve."""

    name: str
    x: Numbers
    low: Numbers
    high: Numbers
    group: str = ""


@dataclass(frozen=True, slots=True)
class ErrorBar:
    """One forecast with its interval, drawn as an error bar."""

    name: str
    x: float
    value: float
    low: float
    high: float
    group: str = ""


@dataclass(frozen=True, slots=True)
class Contours:
    """Lines of equal z over a grid: x (a,), y (b,), z (b, a), in the unit that is named."""

    name: str
    x: Numbers
    y: Numbers
    z: Numbers
    unit: str


Layer: TypeAlias = Points | Line | Band | ErrorBar | Contours


@dataclass(frozen=True, slots=True)
class Figure:
    """Axes that are quantities, layers that are data, and where extrapolation begins."""

    title: str
    x: Axis
    y: Axis
    layers: tuple[Layer, ...]
    caption: str = ""
    extrapolates_from: float | None = None


def note_blocks(notes: Iterable[errors.Note]) -> list[Remark]:
    """Return notes of results as blocks of a page."""
    return [Remark(note.text, note.kind) for note in notes]


Block: TypeAlias = Heading | Paragraph | Remark | Table | Figure


@dataclass(frozen=True, slots=True, repr=False)
class Report:
    """The answer of a command: blocks for a reader, and the same answer as data for a program.

    `answer` is one sentence that answers what was asked, with its interval and its worst doubt.
    `data` is what `--json` prints: JSON types only. `refused` says that the data could not
    support the answer, `alarmed` that a run under way needs somebody; the command line turns
    either into its exit code.
    """

    title: str
    blocks: tuple[Block, ...]
    data: Mapping[str, Any] = field(default_factory=dict)
    refused: bool = False
    answer: str = ""
    alarmed: bool = False

    def __repr__(self) -> str:
        kinds = [type(block).__name__ for block in self.blocks]
        parts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
        return f"Report({brief(self.title, 200)}: {parts})"
