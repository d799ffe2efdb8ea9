"""Commands for programs: `--help --json`, each command's options as a JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from isoflop import commands
from isoflop.commands.registry import Command, Kind, Parameter, explanation

DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXIT_CODES = {
    0: "an answer; a doubtful one says so first",
    1: "refused: the data cannot support the answer",
    2: "a request that cannot be understood, or met as asked",
    3: "something outside is missing or failing: an extra, a disk, a server",
    4: "an alert",
    70: "a bug of isoflop",
    75: "to be run again later",
    130: "interrupted; what was finished is kept",
}
# A number may be written as text too: "70B".
_TYPES: Mapping[Kind, Mapping[str, Any]] = {
    "text": {"type": "string"},
    "number": {"type": ["number", "string"]},
    "whole": {"type": ["integer", "string"]},
    "choice": {"type": "string"},
    "flag": {"type": "boolean"},
    "texts": {"type": "array", "items": {"type": "string"}},
    "names": {"type": "object", "additionalProperties": {"type": "string"}},
    "numbers": {"type": "object", "additionalProperties": {"type": ["number", "string"]}},
}


def help_document(names: Sequence[str], version: str) -> dict[str, Any]:
    """Return what the help of commands says, for a program: options, examples and exit codes."""
    return {
        "version": version,
        "exit_codes": {str(code): meaning for code, meaning in EXIT_CODES.items()},
        "commands": {name: _command(commands.every()[name]) for name in names},
    }


def input_schema(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Return the JSON Schema of an object that holds the values of parameters by their names."""
    by_name = {p.name: p for p in parameters}
    return {
        "$schema": DIALECT,
        "type": "object",
        "properties": {p.name: _property(p, by_name) for p in parameters},
        "required": [p.name for p in parameters if p.required],
        "additionalProperties": False,
    }


def texts_of(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the texts that a command takes for values that `input_schema` admits."""
    texts = {name: _texts(value) for name, value in values.items() if value is not None}
    return {name: each for name, each in texts.items() if each}


def _command(command: Command) -> dict[str, Any]:
    return {
        "summary": commands.summary(command.name),
        "explanation": command.explanation,
        "example": command.example,
        "takes_minutes": command.minutes,
        "options": input_schema(command.parameters),
    }


def _property(parameter: Parameter, parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    schema: dict[str, Any] = {
        **_TYPES[parameter.kind],
        "description": explanation(parameter, parameters),
        "x-option": parameter.shown,  # as it is typed
    }
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    if parameter.kind == "whole":
        schema |= {"minimum": parameter.least, "maximum": parameter.most}
    if parameter.standard:
        schema["default"] = parameter.default
    return schema


def _texts(value: Any) -> list[str]:
    match value:
        case bool():
            return [str(value)] if value else []
        case Mapping():
            return [f"{name}={each}" for name, each in value.items()]
        case list():
            return [str(each) for each in value]
        case _:
            return [str(value)]
