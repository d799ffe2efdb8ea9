"""A report for the terminal: doubts first, then headings, tables, small plots and prose."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.text import Text

from isoflop.report.document import Block, Figure, Heading, Paragraph, Remark, Report, Table
from isoflop.report.layout import settings
from isoflop.report.number_format import LABELS, columns, in_reading_order
from isoflop.report.plot import draw
from isoflop.report.scales import undrawable
from isoflop.terminal import printable

MEASURE = 100  # characters of a line of prose, at most: longer ones are hard to follow
_STYLES = {"info": "blue", "good": "green", "doubt": "yellow", "refused": "red"}


@dataclass(frozen=True, slots=True)
class _Page:
    """Where a report is printed, and whether it must keep to ASCII."""

    console: Console
    plain: bool

    def text(self, text: str, style: str = "") -> Text:
        """Return text as it is, whatever markup or control characters it holds."""
        return Text(printable(text, self.plain), style=style)

    def say(self, text: str, style: str = "") -> None:
        """Print prose."""
        self.print(self.text(text, style))

    def print(self, text: Text) -> None:
        """Print prose whose parts have styles of their own."""
        self.console.print(text, width=min(self.console.width, MEASURE))

    def lines(self, lines: Iterable[str | Text], style: str = "") -> None:
        """Print lines that are set already, which are never cut."""
        for line in lines:
            text = Text(line, style) if isinstance(line, str) else line
            self.console.print(text, no_wrap=True, crop=False, overflow="ignore")


def printed(report: Report) -> str:
    """Return the report for the terminal that there is, or as a page where there is none."""
    terminal = "COLUMNS" in os.environ or any(map(os.isatty, (0, 1, 2)))
    console = Console(width=None if terminal else MEASURE)
    with console.capture() as written:  # rich ends the process itself where a pipe is closed
        write(report, console)
    return written.get()


def write(report: Report, console: Console) -> None:
    """Print the report; nothing is ever cut, not even where the terminal is too narrow."""
    page = _Page(console, console.options.ascii_only or console.is_dumb_terminal)
    warns, rest = in_reading_order(report)
    page.say(report.title, "bold")
    if report.answer:
        page.say(report.answer)
    for note in warns:
        _note(note, page)
    for block in rest:
        console.print()
        _block(block, page)


def _block(block: Block, page: _Page) -> None:
    match block:
        case Heading():
            page.say(block.text, "bold underline")
        case Paragraph():
            page.say(block.text)
        case Remark():
            _note(block, page)
        case Table():
            _table(block, page)
        case Figure():
            _figure(block, page)


def _note(note: Remark, page: _Page) -> None:
    label = page.text(f"{LABELS[note.kind]}: ", f"bold {_STYLES[note.kind]}")
    page.print(label + page.text(note.text, "not bold default"))


def _table(table: Table, page: _Page) -> None:
    if table.caption:
        page.say(table.caption, "italic")
    table_columns = [column.printable(page.plain) for column in columns(table)]
    for i, part in enumerate(settings(table_columns, page.console.width)):
        if i:
            page.lines([""])
        page.lines(part.header(), "bold")
        page.lines([("-" if page.plain else "─") * part.width])
        page.lines(part.rows())


def _figure(figure: Figure, page: _Page) -> None:
    page.say(figure.title, "bold")
    page.lines(draw(figure, width=page.console.width, plain=page.plain))
    if lost := undrawable(figure):
        page.say(f"Without a place on these axes, and not drawn: {lost} of the points.")
    if figure.caption:
        page.say(figure.caption, "italic")
