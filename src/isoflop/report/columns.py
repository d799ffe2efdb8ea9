"""A result as tables: records by row, arrays side by side, and single values in one row."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from isoflop.report.display import Displayed

Columns: TypeAlias = Mapping[str, Any]  # one list or array (n,) per name, all of one length


def columns_of(result: Any) -> dict[str, Columns]:
    """Return the tables of a dataclass by the names of its fields, and "values" for the rest.

    A sequence of records is a table, and so are arrays (n,) of one length, named by the first of
    them; numbers, texts and estimates make one row. Fields of other kinds are in no table.
    """
    fields = {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}
    tables: dict[str, Columns] = {
        name: records(value) for name, value in fields.items() if _is_records(value)
    }
    tables |= _arrays(fields)
    values = flat(result)
    if values:
        tables["values"] = {name: [value] for name, value in values.items()}
    return tables


def records(items: Iterable[Any]) -> Columns:
    """Return the columns of records of one kind; what one of them lacks is None there."""
    rows = [flat(item) for item in items]
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def flat(record: Any) -> dict[str, Any]:
    """Return the numbers and texts of a record by name; parts of parts are named "part.name"."""
    row: dict[str, Any] = {}
    for name, value in _parts(record).items():
        if value is None or isinstance(value, str | int | float | np.number):
            row[name] = value.item() if isinstance(value, np.number) else value
        elif _is_record(value) or isinstance(value, Mapping):
            inner = flat(value)
            row |= {name if part == "value" else f"{name}.{part}": inner[part] for part in inner}
    return row


def _parts(record: Any) -> Mapping[str, Any]:
    if isinstance(record, Mapping):
        return {str(key): value for key, value in record.items()}
    if hasattr(record, "_asdict"):
        named: Mapping[str, Any] = record._asdict()
        return named
    return {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}


def _is_record(value: Any) -> bool:
    """Return whether a value is a small record, and no result with tables of its own."""
    if isinstance(value, Displayed | type):
        return False
    return hasattr(value, "_asdict") or dataclasses.is_dataclass(value)


def _is_records(value: Any) -> bool:
    return (
        isinstance(value, tuple | list)
        and not hasattr(value, "_asdict")
        and bool(value)
        and all(dataclasses.is_dataclass(item) or hasattr(item, "_asdict") for item in value)
    )


def _arrays(fields: Mapping[str, Any]) -> dict[str, Columns]:
    """Return the arrays (n,) of fields, those of one length in one table."""
    lengths: dict[int, dict[str, Any]] = {}
    for name, value in fields.items():
        if isinstance(value, np.ndarray) and value.ndim == 1 and value.size:
            lengths.setdefault(value.size, {})[name] = value
    return {next(iter(group)): group for group in lengths.values()}
