"""The pages that are made from the code: `python -m isoflop.documentation` writes them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from isoflop import atlas, commands, laws
from isoflop.commands.registry import Command, Parameter, explanation
from isoflop.commands.schema import EXIT_CODES
from isoflop.documentation.reference import chips, glossary, reference
from isoflop.law import Law
from isoflop.pages.law_list import LawGroup, by_topic
from isoflop.pages.laws import formula, page
from isoflop.report import Block, Cell, Figure, Heading, Paragraph, Remark, Table
from isoflop.report.number_format import LABELS
from isoflop.report.svg import to_svg
from isoflop.terminal import say

LAWS = "laws"  # the folder of the pages of laws
HOME = Path(__file__).parents[3] / "docs"
REFERENCES = {"reference.md": reference, "glossary.md": glossary, "chips.md": chips}
MADE = "<!-- Made from the code by `make docs`; changes here are lost. -->"


@functools.cache
def pages() -> Mapping[str, str]:
    """Return every generated page and picture by its name."""
    topics = dict(by_topic({key: law for key, law in Law.registry.items() if _ships(law)}))
    contents = {"laws.md": _joined(_index(topics)), "commands.md": _joined(_commands())}
    for name, parts in REFERENCES.items():
        contents[name] = _joined(p if isinstance(p, str) else _markdown(p) for p in parts())
    for families in topics.values():
        for family in families:
            contents |= _family(family)
    return MappingProxyType(contents)


def main(folder: Path = HOME) -> None:
    """Write the pages into a folder, and take away those of laws that are no more."""
    (folder / LAWS).mkdir(exist_ok=True)
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")
    for old in (folder / LAWS).iterdir():
        if f"{LAWS}/{old.name}" not in pages():
            old.unlink()
    say(f"wrote {len(pages())} pages and pictures into {folder}")


def _index(topics: Mapping[str, tuple[LawGroup, ...]]) -> Iterator[str]:
    yield "# Laws"
    yield (
        f"{sum(len(f.laws) for families in topics.values() for f in families)} laws; each page "
        "holds the formula as the source writes it, the parameters, the constants that were "
        "published, a picture, and what isoflop's own fits to public runs gave. Sets that "
        "contradict each other are all kept. A new law is one new file: [how](adding_a_law.md)."
    )
    for topic, families in topics.items():
        rows = tuple(
            (
                f"[{f.name}]({LAWS}/{f.stem}.md)",
                f"`{formula(f.laws[0])}`",
                f.sets,
                "; ".join(e.name for law in f.laws for e in atlas.evidence_of(law.key)),
            )
            for f in families
        )
        yield f"## {topic}"
        yield _markdown(Table(("law", "formula", "sets", "fitted here to"), rows))


def _family(family: LawGroup) -> dict[str, str]:
    """Return the page of a family, which shows one law of it, and its pictures, by name."""
    example = max(family.laws, key=lambda law: len(atlas.evidence_of(law.key)))
    pictures = dict[str, str]()
    parts = [f"# {family.name}", MADE]
    if len(family.laws) > 1:
        alike = ", ".join(law.key for law in family.laws if law is not example)
        parts.append(f"Here is {example.key}; {alike} are alike.")
    parts.append(f"`{formula(example)}`")
    for block in page(example)[1:]:
        if isinstance(block, Figure):
            name = f"{family.stem}-{len(pictures) + 1}.svg"
            pictures[f"{LAWS}/{name}"] = to_svg(block)
            parts += [f"![{block.title}]({name})", *filter(None, [block.caption])]
        else:
            parts.append(_markdown(block))
    parts.append("[All laws](../laws.md)")
    return {f"{LAWS}/{family.stem}.md": "\n\n".join(parts) + "\n", **pictures}


def _ships(law: type[Law]) -> bool:
    """Say whether a law comes with the package; a user's own has no place in its docs."""
    return law.__module__.startswith(f"{laws.__name__}.")


def _commands() -> Iterator[str]:
    yield "# Commands"
    yield (
        "Every command takes `--json` (the answer as one JSON document on stdout, nothing else), "
        "`--html FILE` (the answer as a page of its own, figures included) and `--help`, which "
        "with `--json` is a JSON Schema of its options. Numbers may be written like 70B, 1.4T or "
        "5.76e23. The answer is on stdout, all talk on stderr."
    )
    codes = tuple((str(code), meaning) for code, meaning in EXIT_CODES.items())
    yield _markdown(Table(("exit code", "means"), codes))
    for command in commands.every().values():
        yield from _command(command)


def _command(command: Command) -> Iterator[str]:
    yield f"## isoflop {command.name}"
    yield command.explanation
    yield f"```{'sh' if command.minutes else 'console'}\n{_prompt(command)}{command.example}\n```"
    options = [p for p in command.parameters if not p.open]
    parameters = {p.name: p for p in command.parameters}
    rows = tuple((f"`{_usage(p)}`", explanation(p, parameters), p.standard) for p in options)
    if rows:
        yield _markdown(Table(("", "", "unless given"), rows))
    if len(options) < len(command.parameters):
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
        case Heading():
            return f"## {block.text}"
        case Remark():
            return f"> **{LABELS[block.kind]}:** {block.text}"
        case Table():
            lines = [block.columns, ("---",) * len(block.columns), *block.rows]
            table = "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)
            return f"{block.caption}\n\n{table}" if block.caption else table
        case _:
            raise TypeError(f"a page holds no {type(block).__name__}")


def _cell(cell: Cell) -> str:
    return "" if cell is None else str(cell).replace("|", "\\|")


def _joined(parts: Iterator[str]) -> str:
    title, *rest = parts
    return "\n\n".join((title, MADE, *rest)) + "\n"
