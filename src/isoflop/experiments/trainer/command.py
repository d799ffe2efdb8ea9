"""The command line of a trainer: split into words once, placeholders filled in, and no shell."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from isoflop.errors import EnvironmentFailure, UsageError, brief, suggest

Value: TypeAlias = "str | int | float | bool | list[int]"

PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SHELL = frozenset({"|", "||", "&", "&&", ";", ">", ">>", "<", "2>", "2>&1", "&>"})
LONGEST = 100_000  # characters of a command


def words_of(command: str) -> tuple[str, ...]:
    """Return the words of a command, placeholders and all.

    Raises UsageError for one that is empty, whose quotes do not close, or that needs a shell.
    """
    if not command.strip() or len(command) > LONGEST or "\0" in command:
        raise UsageError(f"the command {brief(command)} is empty, too long, or no text")
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"the command {brief(command)} cannot be split: {error}") from None
    if mark := next((word for word in words if word in SHELL), None):
        raise UsageError(
            f"the command holds {mark!r}, and no shell reads it; put it into a script and name that"
        )
    return words


def placeholders(text: str) -> tuple[str, ...]:
    """Return the names in braces, in order, each once; {{ and }} are plain braces.

    Raises UsageError for braces that hold no name.

    >>> placeholders("train.py --lr {lr} --out {folder}/{{x}}")
    ('lr', 'folder')
    """
    names = []
    for match in PLACEHOLDER.finditer(text):
        if match.group() in ("{{", "}}"):
            continue
        if not NAME.fullmatch(match[1]):
            raise UsageError(
                f"{brief(match.group())} in {brief(text)} is no placeholder; write {{name}}, and "
                "{{ for a plain brace"
            )
        names.append(match[1])
    return tuple(dict.fromkeys(names))


def fill(text: str, values: Mapping[str, Value]) -> str:
    """Return a text with its placeholders filled in.

    Raises UsageError for a placeholder without a value, with the nearest name.

    >>> fill("--tokens {D} --lr {lr}", {"D": 2e6, "lr": 0.003})
    '--tokens 2000000 --lr 0.003'
    """
    if lacking := next((n for n in placeholders(text) if n not in values), None):
        raise UsageError(
            f"the placeholder {{{lacking}}} has no value; {suggest(lacking, sorted(values))}"
        )

    def one(match: re.Match[str]) -> str:
        mark = match.group()
        return mark[0] if mark in ("{{", "}}") else written(values[match[1]])

    return PLACEHOLDER.sub(one, text)


def written(value: Value) -> str:
    """Return a value as a command line holds it: whole numbers without a point.

    >>> written(1e7), written(3e-4), written([100, 200])
    ('10000000', '0.0003', '100,200')
    """
    if isinstance(value, list):
        return ",".join(written(v) for v in value)
    if isinstance(value, float) and value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return f"{value}"


def refuse_missing(words: tuple[str, ...], folder: Path) -> None:
    """Raise for a program, or a script that is its first word, that is not there."""
    program = words[0]
    if placeholders(program):
        raise UsageError(f"the program {program!r} is a placeholder; name the program itself")
    within = str(folder / program) if "/" in program else program
    if shutil.which(within) is None:
        raise EnvironmentFailure(
            f"there is no program {program!r} to run, seen from {folder}; name one that is on the "
            "PATH, or its path"
        )
    script = next((w for w in words[1:] if not w.startswith("-")), "")
    interprets = Path(program).name.startswith(("python", "bash", "sh", "torchrun"))
    is_file = script.endswith((".py", ".sh")) and not placeholders(script)
    if interprets and is_file and not (folder / script).is_file():
        near = sorted(p.name for p in folder.glob(f"*{Path(script).suffix}"))
        raise EnvironmentFailure(f"there is no {script} in {folder}; {suggest(script, near)}")
