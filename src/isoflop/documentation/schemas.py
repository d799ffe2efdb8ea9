"""JSON Schemas of the documents that `--json` prints: `python -m isoflop.documentation schemas`.

A schema is drawn from the document of the command's example. Its top-level names are what a
program may rely on: all of them are there in every answer of that kind. Further in, types are given
for what the example holds; other names may stand beside it, such as the parameters of another law.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from isoflop import commands
from isoflop.commands.registry import Command
from isoflop.commands.schema import DIALECT
from isoflop.errors import IsoflopError
from isoflop.files import parse_json
from isoflop.store import JSON
from isoflop.terminal import say

FOLDER = "schemas"


def drawn_from(document: Mapping[str, JSON], name: str) -> dict[str, Any]:
    """Return the JSON Schema of the documents of a command, drawn from one of them."""
    return {
        "$schema": DIALECT,
        "title": f"isoflop {name} --json",
        "description": commands.every()[name].summary,
        **_schema(document),
        "type": "object",
        "required": sorted(document),
    }


def write(folder: Path) -> None:
    """Write the schema of every command whose example takes no minutes into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    schemas = {f"{name.replace(' ', '-')}.json": drawn_from(d, name) for name, d in documents()}
    for file, schema in schemas.items():
        text = json.dumps(schema, indent=1, ensure_ascii=False)
        (folder / file).write_text(text + "\n", encoding="utf-8")
    for old in set(folder.iterdir()) - {folder / file for file in schemas}:
        old.unlink()
    say(f"wrote {len(schemas)} schemas into {folder}")


def documents() -> Iterator[tuple[str, Mapping[str, JSON]]]:
    """Yield commands and the documents of their examples, run one after the other in a folder."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        for name, command in commands.every().items():
            if not command.minutes:
                _make_ready(command)
                yield name, parse_json(_printed(f"{command.example} --json"))


def _make_ready(command: Command) -> None:
    """Run the examples that write what this one reads, and those that these read."""
    words = shlex.split(command.example)
    for earlier in commands.every().values():
        written = shlex.split(earlier.example)[-1]
        if written in words[:-1] and not earlier.minutes and not Path(written).exists():
            _make_ready(earlier)
            _printed(earlier.example)


def _printed(line: str) -> str:
    """Return what a command prints; raises IsoflopError where it gives no answer."""
    program = [sys.executable, "-m", *shlex.split(line)]
    done = subprocess.run(program, capture_output=True, text=True, check=False)
    if done.returncode:
        raise IsoflopError(f"{line} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def _schema(value: JSON) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {"type": ["object", "null"], "properties": {k: _schema(v) for k, v in value.items()}}
    if isinstance(value, list):
        items = [_schema(item) for item in value]
        return {"type": ["array", "null"], **({"items": _merged(items)} if items else {})}
    if isinstance(value, bool):
        return {"type": ["boolean", "null"]}
    if isinstance(value, int | float):
        return {"type": ["number", "null"]}
    return {"type": ["string", "null"]} if isinstance(value, str) else {}


def _merged(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of the items of an array; {} where they are of several kinds."""
    typed = [schema for schema in schemas if schema]
    kinds = {json.dumps(schema["type"]) for schema in typed}
    if len(kinds) != 1:
        return {}
    merged: dict[str, Any] = {"type": typed[0]["type"]}
    names = dict.fromkeys(k for schema in typed for k in schema.get("properties", ()))
    if names:
        merged["properties"] = {
            k: _merged([s["properties"][k] for s in typed if k in s.get("properties", ())])
            for k in names
        }
    if "array" in merged["type"]:
        merged["items"] = _merged([s["items"] for s in typed if "items" in s])
    return merged
