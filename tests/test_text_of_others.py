"""What others write is text: it commands no terminal, marks nothing up and is run by nobody."""

from __future__ import annotations

import csv
import io
import json
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isoflop.cli import main
from isoflop.errors import BadRuns, UnknownName
from isoflop.experiments import display
from isoflop.report import Remark, Report, Table
from isoflop.report.number_format import as_json
from isoflop.report.text import printed
from isoflop.runs import Runs
from isoflop.runs.spreadsheet import quoted, unquoted
from isoflop.sources import read
from isoflop.sources.cells import source
from isoflop.sources.files import read_file
from isoflop.sources.scoring import save_with
from isoflop.terminal import escaped, printable, without_users

EVIL = [
    "\x1b[31mRED", "\x1b]0;pwned\x07", "\x9b2J", "\x7f\x08\x08", "\u202egnp.exe", "\u2066x\u2069",
    "a\rb", "\x00", "\ud800", "\u2028line", "[link=http://x]y[/link]", "[bold red]z[/]",
]  # fmt: skip
FORMULAS = [
    '=HYPERLINK("http://x")', "+1+1", "-cmd|'/C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "＝1+1",
    "'=1", "''=1", "'", "-", "=", "- a run", "+",
]  # fmt: skip
PLAIN = ["-5", "+3.5e-4", "run 3", "it's", "a=b", "5-3", ".5", "'t Hooft"]


def harmless(text: str) -> bool:
    """Return whether a text may be printed."""
    return all(c.isprintable() or c in "\n\u00a0" for c in text)


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_whatever_is_printed_commands_no_terminal(text):
    assert harmless(printable(text))
    assert printable(printable(text)) == printable(text)
    assert printable(text, plain=True).isascii()
    assert harmless(str(BadRuns(f"column {text} is none")))


@given(st.recursive(st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=5))
@settings(max_examples=100, deadline=None)
def test_json_says_the_same_and_commands_no_terminal(data):
    text = as_json(data)
    assert harmless(text)
    assert json.loads(text) == data
    assert json.loads(escaped(json.dumps("\U000e0001\x9b", ensure_ascii=False))) == "\U000e0001\x9b"


@pytest.mark.parametrize("evil", EVIL)
def test_names_of_others_are_text_in_reports_and_in_errors(evil):
    report = Report(
        evil, (Remark(evil, "doubt"), Table((evil, "x"), ((evil, 1.0),), evil)), {}
    )  # fmt: skip
    assert harmless(printed(report))
    assert harmless(str(UnknownName("law", evil, [evil])))


COMMANDS = [
    ["runs", "{file}"], ["fit", "{file}", "--law", "chinchilla"], ["fit", "{file}", "--law", "x"],
    ["fit", "{file}", "--law", "kaplan-joint", "--where", "\x1b[31mRED=0"],
    ["compare", "{file}", "--laws", "chinchilla,\x1b[31mRED"],
    ["audit", "{file}", "--columns", "N=\x1b[31mRED"], ["\x1b[31mRED"],
    ["fit", "{file}", "--\x1b[31mRED"], ["fit", "\x1b]0;owned\x07.csv", "--law", "chinchilla"],
    ["reward", "fit", "{file}"], ["rl", "fit", "{file}"], ["testtime", "curves", "{file}"],
]  # fmt: skip


@pytest.mark.parametrize("json_too", [False, True])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_passes_an_escape_on(tmp_path, capfd, words, json_too):
    file = tmp_path / "evil\x1b[31m.csv"
    names = ["N", "D", "L", *(name for name in EVIL if "\ud800" not in name and "\0" not in name)]
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(names)
        for i in range(12):
            n, d = 1e7 * 3 ** (i % 4), 1e9 * 4 ** (i // 4)
            loss = 1.8 + 480 / n**0.35 + 2000 / d**0.37
            rows.writerow([n, d, loss, *(f"\x1b[3{i}m" for _ in names[3:])])
    line = [word.format(file=file) for word in words]
    assert main([*line, *(["--json"] if json_too else [])]) in (0, 1, 2, 3)
    said = capfd.readouterr()
    assert harmless(said.out)
    assert harmless(said.err)
    assert said.out + said.err


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal, io.StringIO])
@pytest.mark.parametrize("evil", EVIL)
def test_progress_shows_names_as_they_are_and_no_markup(monkeypatch, stream, evil):
    monkeypatch.setattr(sys, "stderr", stream())
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "200")

    class Half:
        done, total = 1, 2

    with display.shown(evil, lambda progress: f"half {evil}") as watch:
        watch(Half())
    text = sys.stderr.getvalue()
    bare = printable(evil)
    assert text.count(bare) >= 2
    assert evil == bare or evil not in text


@pytest.mark.parametrize("extension", ["csv", "tsv"])
def test_no_cell_of_a_table_is_a_formula_and_names_come_back(tmp_path, extension):
    labels = [*FORMULAS, *PLAIN]
    path = tmp_path / f"runs.{extension}"
    columns = {"N": np.geomspace(1e6, 1e9, len(labels)), "L": np.linspace(4.0, 2.0, len(labels))}
    Runs(columns, {"run": labels}).save(path)
    with path.open(newline="", encoding="utf-8") as file:
        text = "".join(line for line in file if not line.startswith("#"))
    delimiter = {"csv": ",", "tsv": "\t"}[extension]
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    cells = [cell for row in rows for cell in row]
    for cell in cells:
        assert cell[:1] not in "=@\t\r＝" or not cell
        assert cell[:1] not in "+-" or float(cell) == float(cell)
    assert {"-5", "+3.5e-4", "5-3"} <= set(cells)  # numbers, and what is no formula, stay
    assert list(read(path).labels["run"]) == labels


def test_names_of_columns_are_no_formulas_and_come_back(tmp_path):
    names = [name.strip() or name for name in FORMULAS if name.strip() == name]
    table = source("t", {name: [1.0, -2.0] for name in names})
    save_with(table, "proxy_r", np.array([-0.5, 1e-9]), tmp_path / "s.csv")
    head = next(csv.reader((tmp_path / "s.csv").read_text().splitlines()))
    assert not [name for name in head if name[:1] in "=+-@＝"]
    back = read_file(tmp_path / "s.csv")
    assert list(back.columns) == [*names, "proxy_r"]
    assert "-0.5" in (tmp_path / "s.csv").read_text()  # a number stays one


@given(st.text(max_size=8).map(lambda text: f"{'=' if len(text) % 2 else ''}{text}"))
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_quoted_comes_back(text):
    assert unquoted(quoted(text)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at http://me:pw@host/v1", "at http://***@host/v1"),
        ("no file 'http:/me:pw@host'", "no file 'http:/***@host'"),
        ("https://host/@cf/model", "https://host/@cf/model"),
        ("me@example.org", "me@example.org"),
    ],
)
def test_addresses_tell_no_user(text, shown):
    assert without_users(text) == shown
