"""The papers that a report names, as BibTeX."""

from __future__ import annotations

import re
from collections.abc import Iterable

from isoflop.report.document import Block, Figure, Heading, Paragraph, Remark, Report, Table

_CITED = re.compile(
    r"(?P<author>[A-Z][\w'’-]+)(?P<more> et al\.?| and [A-Z][\w'’-]+)?,? "
    r"\(?(?P<year>(?:19|20)\d\d)\)?(?: \([^)]{1,40}\))?,? arXiv:(?P<number>\d{4}\.\d{4,5})"
)
_NUMBERED = re.compile(r"arXiv:(\d{4}\.\d{4,5})")


def to_bibtex(report: Report, others: Iterable[str] = ()) -> str:
    """Return an entry for each arXiv paper that a report names, and `others` beside it; "" if none.

    An entry holds what the source line states: first author, year and number, and no title.
    """
    text = "\n".join([*map(_text, report.blocks), *others])
    entries: dict[str, str] = {}
    for match in _CITED.finditer(text):
        entries.setdefault(match["number"], _entry(match))
    for number in _NUMBERED.findall(text):
        entries.setdefault(number, _of_number(number))
    return "\n\n".join(entry for _, entry in sorted(entries.items())) + ("\n" if entries else "")


def _entry(match: re.Match[str]) -> str:
    more = match["more"] or ""
    author = match["author"] + (" and others" if "et al" in more else more)
    key = re.sub(r"\W", "", match["author"].lower()) + match["year"]
    return _written(key, match["number"], {"author": author, "year": match["year"]})


def _of_number(number: str) -> str:
    return _written(f"arxiv{number.replace('.', '')}", number, {"year": f"20{number[:2]}"})


def _written(key: str, number: str, fields: dict[str, str]) -> str:
    whole = {**fields, "eprint": number, "archivePrefix": "arXiv"}
    whole["url"] = f"https://arxiv.org/abs/{number}"
    lines = ",\n".join(f"  {name} = {{{value}}}" for name, value in whole.items())
    return f"@misc{{{key}-{number.replace('.', '')},\n{lines}\n}}"


def _text(block: Block) -> str:
    match block:
        case Heading() | Paragraph() | Remark():
            return block.text
        case Table():
            cells = (cell for row in block.rows for cell in row if isinstance(cell, str))
            return "\n".join((block.caption, *cells))
        case Figure():
            return f"{block.title}\n{block.caption}"
