"""Results that show themselves: short in a console, whole in a notebook, and as tables.

A result is a frozen dataclass that inherits from `Displayed`; how its page looks is said in
`isoflop.pages`, which is loaded when a page or a table is first asked for.
"""

from __future__ import annotations

import dataclasses
import importlib
import textwrap
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from isoflop.errors import EnvironmentFailure, Note, UnknownName, UsageError, brief
from isoflop.quantities import show

if TYPE_CHECKING:
    from plotly.graph_objects import Figure as PlotlyFigure

    from isoflop.report.document import Report

Backend = Literal["pyarrow", "pandas", "polars"]

BACKENDS = ("pyarrow", "pandas", "polars")
LONGEST = 300  # characters of a repr
WIDE = 98  # characters of one of its lines
LINES = 3
FEW = 4  # items of a sequence that are written out
DIGITS = 4


class Displayed:
    """A result that shows itself in a console, in a notebook and as a data frame."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Keep this repr: `dataclass` writes one of every field into a class that has none."""
        super().__init_subclass__()
        if "__repr__" not in vars(cls):
            cls.__repr__ = Displayed.__repr__  # type: ignore[method-assign]

    def __repr__(self) -> str:
        """Return one to three lines with the numbers that matter, never draws or arrays."""
        return laid_out(type(self).__name__, list(self._facts()))

    def _facts(self) -> Iterator[str]:
        """Yield what a reader of one line wants to know, the most important first."""
        return facts(self)

    def page(self) -> Report:
        """Return the report of this result: the answer, its doubts, tables and figures."""
        report: Report = _pages().page(self)
        return report

    def summary(self) -> str:
        """Return the page as text, as the command line prints it."""
        from isoflop.report.text import printed

        return printed(self.page())

    def plot(self, figure: int = 0) -> PlotlyFigure:
        """Return a figure of the page for Plotly, the first unless another is asked for.

        Raises UsageError for a figure that the page does not have.
        """
        from isoflop.report.document import Figure
        from isoflop.report.figures import to_plotly

        figures = [block for block in self.page().blocks if isinstance(block, Figure)]
        if not 0 <= figure < len(figures):
            raise UsageError(
                f"there is no figure {figure} on the page of a {type(self).__name__}; "
                + (f"they are 0 to {len(figures) - 1}" if figures else "it has none")
            )
        from plotly.graph_objects import Figure as PlotlyFigure

        return PlotlyFigure(to_plotly(figures[figure]))

    def to_frame(self, table: str | None = None, backend: Backend = "pyarrow") -> Any:
        """Return a table of this result as a data frame, the first unless one is named.

        Raises UnknownName for a table that it does not have, which names those that it has, and
        EnvironmentFailure where the library of the data frame is not installed.
        """
        tables = _pages().tables(self)
        if table is not None and table not in tables:
            raise UnknownName(f"table of a {type(self).__name__}", table, tables)
        name = table if table is not None else next(iter(tables))
        return as_frame(tables[name], backend)

    def _repr_html_(self) -> str:
        """Return the page for a notebook, which calls this by name; nothing is loaded before."""
        from isoflop.report.notebook import frame

        return frame(self.page())


def as_frame(columns: Mapping[str, Any], backend: Backend) -> Any:
    """Return columns (n,) by name as a data frame of `backend`.

    Raises UnknownName for another library, EnvironmentFailure for one that is not installed.
    """
    import narwhals as nw

    if backend not in BACKENDS:
        raise UnknownName("backend of data frames", str(backend), BACKENDS)
    try:
        lists = {name: _listed(values) for name, values in columns.items()}
        return nw.from_dict(lists, backend=backend).to_native()
    except ModuleNotFoundError:
        raise EnvironmentFailure(
            f"{backend} is not installed; pip install {backend}, or ask for another backend"
        ) from None


def facts(result: Any) -> Iterator[str]:
    """Yield the fields of a dataclass as short texts; those that cannot be short are left out."""
    fields = {f.name: getattr(result, f.name) for f in dataclasses.fields(result) if f.repr}
    ends = {"value", "low", "high"} <= fields.keys()
    for name, value in fields.items():
        if ends and name in ("low", "high"):
            continue
        text = interval(result) if ends and name == "value" else written(value)
        if text:
            yield f"{name}={text}" if not isinstance(value, bool) else name


def written(value: Any) -> str:
    """Return a value in a few characters; "" for what has no short form or says nothing."""
    match value:
        case bool() | None:
            return "yes" if value else ""
        case int() | float():
            return number(value)
        case str():
            return brief(value)[1:-1]
        case Displayed():
            return f"{type(value).__name__}({next(value._facts(), '')})"
        case Mapping():
            return _pairs(value)
        case tuple() | list():
            return _several(value)
    return _unnamed(value)


def _unnamed(value: Any) -> str:
    """Return an estimate, numbers of NumPy, or the name of a thing; "" for all else."""
    if all(hasattr(value, end) for end in ("value", "low", "high")):
        return interval(value)
    if getattr(getattr(value, "dtype", None), "kind", "O") in "iuf":
        return _ends(value)
    name = getattr(value, "name", None)
    return name if isinstance(name, str) else ""


def _ends(values: Any) -> str:
    """Return a number of NumPy, or how many there are of an array (n,) and between which ends."""
    if values.ndim == 0:
        return number(values.item())
    if values.ndim > 1 or not values.size:
        return ""
    return f"{values.size} from {number(values.min().item())} to {number(values.max().item())}"


def number(value: float) -> str:
    """Return a number in a few characters: "70B", "0.3478", "1,000"."""
    if isinstance(value, int) and abs(value) < 10**7:
        return f"{value:,}"
    return show(float(value), DIGITS)


def interval(estimate: Any) -> str:
    """Return an estimate with the ends of its interval, such as "1.97 [1.95, 2]"."""
    value, low, high = estimate.value, estimate.low, estimate.high
    if not isinstance(value, int | float):
        return ""
    return number(value) + ("" if low is None else f" [{number(low)}, {number(high)}]")


def laid_out(name: str, parts: list[str]) -> str:
    """Return `name(part, part, ...)` in at most three lines; parts without room are left out."""
    while True:
        text = f"{name}({', '.join(parts)})"
        lines = textwrap.wrap(
            text, WIDE, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
        )
        whole = "\n".join(lines)
        if len(parts) <= 1 or (len(lines) <= LINES and len(whole) <= LONGEST):
            return whole[:LONGEST]
        parts = [*parts[:-2], "..."] if parts[-1] == "..." else [*parts[:-1], "..."]


def _pairs(values: Mapping[Any, Any]) -> str:
    """Return a mapping of numbers and short texts; of others, only how many it has."""
    texts = {str(key): written(value) for key, value in values.items()}
    if len(texts) <= FEW and all(texts.values()):
        return "{" + ", ".join(f"{key}: {text}" for key, text in texts.items()) + "}"
    return f"{len(texts)} items"


def _several(values: tuple[Any, ...] | list[Any]) -> str:
    """Return a sequence of numbers and short texts; of others, only how many it has."""
    if not values:
        return ""
    plain = all(isinstance(value, int | float | str) for value in values)
    texts = [written(value) for value in values]
    if plain and len(texts) <= FEW and sum(map(len, texts)) <= WIDE // 2:
        return "[" + ", ".join(texts) + "]"
    if isinstance(values[0], Note):
        doubts = sum(value.kind != "info" for value in values)
        return f"{len(texts)}, {doubts} of them doubts" if doubts else f"{len(texts)}"
    return f"{len(texts)} items"


def _listed(values: Any) -> Any:
    """Return a column as narwhals takes it: an array of numbers, or a list."""
    if getattr(getattr(values, "dtype", None), "kind", "O") in "iufb":
        return values
    return values.tolist() if hasattr(values, "tolist") else list(values)


def _pages() -> Any:
    # The one door upwards: a result knows that pages are, the pages know what results are. No
    # import is written here, so that the layers below can be loaded and read without the pages.
    return importlib.import_module("isoflop.pages")
