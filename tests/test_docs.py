"""Every fenced block of the documentation runs: Python as it stands, `console` as typed commands.

Blocks of one page share their names and a folder, and run in order. `sh` blocks are the make
targets that run these tests, or that take minutes, and are not run here.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

ROOT = Path(__file__).parents[1]
ISOFLOP = str(Path(sys.executable).with_name("isoflop"))
PAGES = sorted(p.relative_to(ROOT) for p in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))


def run_commands(example: Example) -> None:
    """Run each line that begins with "$ isoflop" in the current folder."""
    for line in str(example.parsed).splitlines():
        prompt, command, *arguments = shlex.split(line, comments=True)
        assert (prompt, command) == ("$", "isoflop"), f"not a command: {line}"
        done = subprocess.run([ISOFLOP, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


PARSERS = (PythonCodeBlockParser(), CodeBlockParser("console", run_commands))


WITH_BLOCKS = [
    p for p in PAGES if re.search(r"^```(python|console)$", (ROOT / p).read_text(), re.M)
]


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=str)
def test_every_block_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = Document.parse(str(ROOT / page), *PARSERS)
    for example in document.examples():
        example.evaluate()


def test_every_link_between_pages_leads_somewhere():
    links = {
        (page, link)
        for page in PAGES
        for link in re.findall(r"\]\((?!https?:|#)([^)#]+)", (ROOT / page).read_text())
    }
    assert links
    broken = [
        f"{page}: {to}" for page, to in links if not (ROOT / page).parent.joinpath(to).exists()
    ]
    assert not broken, "\n".join(broken)
