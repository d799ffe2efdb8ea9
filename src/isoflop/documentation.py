"""The pages that are made from the code: `python -m isoflop.documentation` writes them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from isoflop import commands, laws
from isoflop.commands.laws import described, formula, parameter_table, published_tables
from isoflop.commands.registry import Command, Parameter, say
from isoflop.law import Law
from isoflop.report import Block, Cell, Paragraph, Table

HOME = Path(__file__).parents[2] / "docs"
MADE = "<!-- Made from the code by `make docs`; changes here are lost. -->"


def pages() -> dict[str, str]:
    """Return every generated page by its name."""
    return {"laws.md": _joined(_laws()), "commands.md": _joined(_commands())}


def main(folder: Path = HOME) -> None:
    """Write the pages into a folder."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
        say(f"wrote {folder / name}")


def _laws() -> Iterator[str]:
    yield "# Laws"
    yield (
        "Every law, with its formula as the source writes it, its parameters, and the constants "
        "that were published. Sets that contradict each other are all kept. A parameter without "
        "a finite upper bound lies above the lower one; a search starts within what is typical."
    )
    shipped = {key: law for key, law in sorted(Law.registry.items()) if _ships(law)}
    yield "\n".join(f"- [{key}](#{key}): `{formula(law)}`" for key, law in shipped.items())
    for key, law in shipped.items():
        yield f"## {key}"
        yield f"`{formula(law)}`"
        yield from (_markdown(block) for block in described(law)[1:])
        yield _markdown(parameter_table(law))
        if law.published:
            yield from (_markdown(table) for table in published_tables(law))


def _ships(law: type[Law]) -> bool:
    """Say whether a law comes with the package; a user's own has no place in its docs."""
    return law.__module__.startswith(f"{laws.__name__}.")


def _commands() -> Iterator[str]:
    yield "# Commands"
    yield (
        "Every command takes `--json` (the answer as one JSON document on stdout, nothing else), "
        "`--html FILE` (the answer as a page of its own, figures included) and `--help`. Numbers "
        "may be written like 70B, 1.4T or 5.76e23. The answer is on stdout, all talk on stderr."
    )
    codes = (
        ("0", "an answer; a doubtful one says so first"),
        ("1", "refused: the data cannot support the answer"),
        ("2", "a request that cannot be understood, or met as asked"),
        ("3", "something outside is missing or failing: an extra, a disk, a server"),
        ("4", "an alert"),
        ("70", "a bug of isoflop"),
        ("75", "to be run again later"),
        ("130", "interrupted; what was finished is kept"),
    )
    yield _markdown(Table(("exit code", "means"), codes))
    for command in commands.every().values():
        yield from _command(command)


def _command(command: Command) -> Iterator[str]:
    yield f"## isoflop {command.name}"
    yield command.explanation
    yield f"```{'sh' if command.minutes else 'console'}\n{_prompt(command)}{command.example}\n```"
    own = [p for p in command.parameters if not p.open]
    rows = tuple((f"`{_usage(p)}`", p.help, p.standard) for p in own)
    if rows:
        yield _markdown(Table(("", "", "unless given"), rows))
    if len(own) < len(command.parameters):
        symbols = ", ".join(f"`{p.shown}`" for p in command.parameters if p.open)
        yield f"And one option for each quantity that the law takes: {symbols}."


def _prompt(command: Command) -> str:
    """Return what stands before an example: blocks with a prompt are run by the tests."""
    return "" if command.minutes else "$ "


def _usage(parameter: Parameter) -> str:
    value = "|".join(parameter.choices) or parameter.metavar
    if parameter.positional:
        return value if parameter.required else f"[{value}]"
    return f"{parameter.shown} {value}".strip()


def _markdown(block: Block) -> str:
    match block:
        case Paragraph():
            return block.text
        case Table():
            lines = [block.columns, ("---",) * len(block.columns), *block.rows]
            return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)
        case _:
            raise TypeError(f"a page holds no {type(block).__name__}")


def _cell(cell: Cell) -> str:
    return "" if cell is None else str(cell).replace("|", "\\|")


def _joined(parts: Iterator[str]) -> str:
    title, *rest = parts
    return "\n\n".join((title, MADE, *rest)) + "\n"


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
