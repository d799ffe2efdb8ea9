"""What stands in a study's file: numbers as people write them, and errors that say where."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError, WithJsonSchema

from isoflop.errors import UsageError, brief, suggest
from isoflop.quantities import parse_as

_SECONDS = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_BYTES = {"B": 1.0, "kB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "MiB": 2.0**20, "GiB": 2.0**30}
_WITH_UNIT = re.compile(r"\s*([0-9.eE+]+)\s*([A-Za-z]+)\s*", re.ASCII)


class StudyTable(BaseModel):
    """A table of a study's file: frozen, and without a key that nobody reads."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


def _number(value: Any, symbol: str = "") -> Any:
    if isinstance(value, bool):
        raise ValueError('a number is needed, such as 1e18 or "10M"')
    if isinstance(value, int | float):
        value = f"{value}"
    try:
        return parse_as(symbol, value, "number") if isinstance(value, str) else value
    except UsageError as error:
        raise ValueError(str(error)) from None


def _measure(units: Mapping[str, float], example: str) -> Any:
    def read(value: Any) -> Any:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return float(value)
        match = _WITH_UNIT.fullmatch(value) if isinstance(value, str) else None
        try:
            return float(match[1]) * units[match[2]] if match else float("nan") / 0
        except (ValueError, KeyError, ZeroDivisionError):
            raise ValueError(f"write it like {example}; units are {', '.join(units)}") from None

    return read


def _several(value: Any) -> Any:
    return (value,) if isinstance(value, int | float | str) else value


# A number above zero, "10M" and 1e18 alike; a time [s]; a memory [bytes].
Number = Annotated[float, BeforeValidator(_number), WithJsonSchema({"type": ["number", "string"]})]
Duration = Annotated[
    float,
    BeforeValidator(_measure(_SECONDS, '"90 min"')),
    WithJsonSchema({"type": ["number", "string"]}),
]
Memory = Annotated[
    float,
    BeforeValidator(_measure(_BYTES, '"16 GB"')),
    WithJsonSchema({"type": ["number", "string"]}),
]
# Compute [FLOP], whose unit may be said: 1e18, "5 ZFLOP", "100 PF-days".
Compute = Annotated[
    float,
    BeforeValidator(lambda value: _number(value, "C")),
    WithJsonSchema({"type": ["number", "string"]}),
]
Computes = Annotated[tuple[Compute, ...], BeforeValidator(_several)]
Numbers = Annotated[tuple[Number, ...], BeforeValidator(_several)]
Wholes = Annotated[tuple[int, ...], BeforeValidator(_several)]
Flags = Annotated[tuple[bool | int | float | str, ...], BeforeValidator(_several)]


def in_words(failure: ValidationError, model: type[BaseModel], where: str) -> UsageError:
    """Return what is wrong with a study's file: the key, the value seen, and what to do."""
    lines = []
    for error in failure.errors()[:8]:
        path = tuple(p for p in error["loc"] if not _is_tag(p, error["loc"], failure))
        key = ".".join(str(p) for p in path) or "the file"
        lines.append(f"{key}: {_problem(error, model, path)}")
    more = f" (and {len(failure.errors()) - 8} more)" if len(failure.errors()) > 8 else ""
    return UsageError(f"{where}: {'; '.join(lines)}{more}")


def _is_tag(part: Any, loc: Sequence[Any], failure: ValidationError) -> bool:
    """Return whether a part of a place is the kind of a design, which is no key of the file."""
    return len(loc) > 1 and loc[0] == "design" and part == loc[1]


def _problem(error: Any, model: type[BaseModel], path: tuple[Any, ...]) -> str:
    kind, value = error["type"], error["input"]
    if kind == "extra_forbidden":
        names = _keys(model, path[:-1])
        return f"no such key; {suggest(str(path[-1]), names)}"
    if kind == "missing":
        return "is missing"
    message = error["msg"].removeprefix("Value error, ")
    return f"is {brief(value)}; {message[0].lower()}{message[1:]}"


def _keys(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """Return the keys of the table at a path, as far as the model tells."""
    schema = model.model_json_schema()
    node = schema
    for part in path:
        node = _resolved(node.get("properties", {}).get(str(part), {}), schema)
    options = [_resolved(o, schema) for o in node.get("oneOf", node.get("anyOf", [])) or [node]]
    return sorted({name for option in options for name in option.get("properties", {})})


def _resolved(node: Any, schema: Any) -> Any:
    if "$ref" in node:
        return schema["$defs"][node["$ref"].rpartition("/")[2]]
    refs = [o for o in node.get("anyOf", ()) if "$ref" in o]
    return _resolved(refs[0], schema) if refs else node
