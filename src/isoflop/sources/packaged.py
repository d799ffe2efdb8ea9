"""Sample runs that come with the package: `sample:NAME`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from isoflop.errors import UnknownName
from isoflop.sources.cells import CellTable
from isoflop.sources.files import read_file

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

PREFIX = "sample:"


def sample_names() -> tuple[str, ...]:
    """Return the names of the sample runs that come with the package."""
    folder = _folder()
    if not folder.is_dir():
        return ()
    return tuple(sorted(f.name[:-4] for f in folder.iterdir() if f.name.endswith(".csv")))


def from_sample(name: str) -> CellTable:
    """Return the sample runs called `name`.

    Raises UnknownName, which lists the names that there are.
    """
    if name not in sample_names():
        raise UnknownName("sample", name, sample_names())
    from importlib import resources

    with resources.as_file(_folder() / f"{name}.csv") as path:
        return read_file(Path(path))


def _folder() -> Traversable:
    from importlib import resources

    return resources.files("isoflop.sources") / "samples"
