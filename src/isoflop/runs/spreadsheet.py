"""Texts in CSV and TSV, which spreadsheets open, and which must stay texts there.

A cell that begins with = + - @, a tab or the end of a line is run as a formula. A single quote
before it says that it is text, and the reader takes it off again.
Source: OWASP, CSV Injection.
"""

from __future__ import annotations

import re

_RUNS = "[=+\\-@\t\r\n＝＋－＠]"
_FORMULA = re.compile(f"'*{_RUNS}")
_QUOTED = re.compile(f"'+{_RUNS}")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def quoted(text: str) -> str:
    """Return a text as a cell that no spreadsheet runs; a number stays as it is.

    >>> quoted("=1+1"), quoted("-5"), quoted("run 3"), quoted("'=1")
    ("'=1+1", '-5', 'run 3', "''=1")
    """
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def unquoted(cell: str) -> str:
    """Return the text of a cell that `quoted` wrote, or whoever follows the same rule.

    >>> [unquoted(quoted(text)) for text in ("=1+1", "-5", "run 3", "'=1", "'t")]
    ['=1+1', '-5', 'run 3', "'=1", "'t"]
    """
    return cell[1:] if _QUOTED.match(cell) else cell
