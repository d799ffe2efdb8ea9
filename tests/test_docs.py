"""Every fenced block of the documentation runs, and what is made from the code is fresh.

Blocks of one page share their names and a folder, and run in order. `sh` blocks are the make
targets that run these tests, or that take minutes, and are not run here.
"""

from __future__ import annotations

import io
import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
from sybil import Document, Example
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser
from synthetic import registry_as_it_was

import isoflop
from isoflop import cli, commands, documentation
from isoflop.law import Law
from isoflop.pages.law_list import stem

ROOT = Path(__file__).parents[1]
PAGES = sorted(p.relative_to(ROOT) for p in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))


def run_commands(example: Example) -> None:
    """Run each line that begins with "$ isoflop" in the current folder."""
    for line in str(example.parsed).splitlines():
        prompt, command, *arguments = shlex.split(line, comments=True)
        assert (prompt, command) == ("$", "isoflop"), f"not a command: {line}"
        with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
            code = cli.main(arguments)
        assert code == 0, f"{line}\n{out.getvalue()}{err.getvalue()}"
        example.namespace["printed"].append(out.getvalue())


PARSERS = (PythonCodeBlockParser(), CodeBlockParser("console", run_commands))


ELSEWHERE = Path("docs/commands.md")  # its blocks are the examples that test_every_command runs
WITH_BLOCKS = [
    p
    for p in PAGES
    if p != ELSEWHERE and re.search(r"^```(python|console)$", (ROOT / p).read_text(), re.M)
]


@pytest.mark.parametrize("page", WITH_BLOCKS, ids=str)
def test_every_block_of_a_page_runs(page, tmp_path, monkeypatch):
    """And what a page quotes of the answers, in lines that begin with ">", stands in them."""
    monkeypatch.chdir(tmp_path)
    document = Document.parse(str(ROOT / page), *PARSERS)
    document.namespace["printed"] = []
    with registry_as_it_was():
        for example in document.examples():
            example.evaluate()
    printed = " ".join(" ".join(document.namespace["printed"]).split())
    for quote in re.findall(r"^> (.+)$", (ROOT / page).read_text(), re.M):
        assert quote in printed, f"{page} quotes what no answer says: {quote}"


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


@pytest.mark.parametrize("name", documentation.pages())
def test_a_page_made_from_the_code_is_fresh(name):
    made = documentation.pages()[name]
    assert (ROOT / "docs" / name).exists(), f"there is no docs/{name}; run `make docs`"
    kept = (ROOT / "docs" / name).read_text()
    assert kept == made, f"docs/{name} is not what the code makes; run `make docs`, and commit it"


def test_every_law_and_every_command_has_its_place_in_the_docs():
    pages = documentation.pages()
    shipped = {k: v for k, v in Law.registry.items() if v.__module__.startswith("isoflop.laws.")}
    for key, law in shipped.items():
        name = stem(key)
        assert f"(laws/{name}.md)" in pages["laws.md"]
        own = pages[f"laws/{name}.md"]
        assert key in own
        assert all(found.name in own for found in law.published.values())
        assert f"]({name}-1.svg)" in own, "a law has a picture"
        assert f"laws/{name}-1.svg" in pages
    for name, command in commands.every().items():
        assert f"\n## isoflop {name}\n" in pages["commands.md"]
        assert command.example in pages["commands.md"]


def test_public_names_load_when_used_and_come_in_the_order_of_the_pipeline():
    assert list(isoflop.__all__) == list(isoflop._HOMES)
    for name in isoflop.__all__:
        assert getattr(isoflop, name).__doc__
    assert set(isoflop.__all__) <= set(dir(isoflop))
    assert isoflop.laws.Chinchilla is isoflop.form("chinchilla")
    assert "Chinchilla" in dir(isoflop.laws)
    with pytest.raises(AttributeError, match="Chinchilla"):
        _ = isoflop.laws.Chinchila
    with pytest.raises(AttributeError, match="fti"):
        _ = isoflop.fti
