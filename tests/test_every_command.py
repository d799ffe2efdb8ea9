"""Every command that is registered keeps the contract: help, an example that runs, and its data."""

from __future__ import annotations

import inspect
import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import jsonschema
import pytest

from isoflop import cli, commands
from isoflop.commands.registry import REGISTRY, Command, Option, command
from isoflop.errors import UsageError
from isoflop.report import Report
from isoflop.sources import sample_names

COMMANDS = dict(commands.every())
SCHEMAS = Path(__file__).parents[1] / "docs/schemas"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder in which examples run one after the other, as a reader would type them."""
    return tmp_path_factory.mktemp("examples")


def type_in(capsys, line: str) -> tuple[int, str, str]:
    """Return the exit code, stdout and stderr of a line typed at a prompt."""
    program, *arguments = shlex.split(line)
    assert program == "isoflop"
    code = cli.main(arguments)
    return code, *capsys.readouterr()


@pytest.mark.parametrize("name", COMMANDS)
def test_it_has_a_help_page_with_its_example(capsys, name):
    code, out, err = type_in(capsys, f"isoflop {name} --help")
    assert (code, err) == (0, "")
    words = " ".join(out.split())
    assert " ".join(COMMANDS[name].explanation.split()) in words
    assert " ".join(COMMANDS[name].example.split()) in words
    for parameter in COMMANDS[name].parameters:
        assert parameter.shown in words
        assert " ".join(parameter.help.split())[:30] in words


@pytest.mark.parametrize("name", COMMANDS)
def test_it_is_typed_and_explains_every_parameter(name):
    found = COMMANDS[name]
    assert found.example.startswith(f"isoflop {name}")
    assert found.summary.endswith(".")
    assert len(found.summary) <= 72
    returned = inspect.signature(found.function).return_annotation
    assert returned in (Report, "Report")
    assert all(p.help for p in found.parameters), "a parameter without Annotated[..., Option(...)]"


def make_ready(capsys, example: str) -> None:
    """Run the examples that write what this one reads, and those that these read."""
    words = shlex.split(example)
    for earlier in COMMANDS.values():
        made = shlex.split(earlier.example)[-1]
        if made in words[:-1] and not earlier.minutes and not Path(made).exists():
            make_ready(capsys, earlier.example)
            assert type_in(capsys, earlier.example)[0] == 0


@pytest.mark.parametrize("name", [n for n, c in COMMANDS.items() if not c.minutes])
def test_its_example_runs_as_text_as_json_and_as_a_page(capsys, folder, monkeypatch, name):
    monkeypatch.chdir(folder)
    example = COMMANDS[name].example
    if "sample:tiny" in example and "tiny" not in sample_names():
        pytest.skip("needs sample:tiny, which this checkout does not hold")
    make_ready(capsys, example)
    code, out, err = type_in(capsys, example)
    assert code == 0, err
    assert out.strip()
    code, out, err = type_in(capsys, f"{example} --json --html page.html")
    assert code == 0, err
    schema = json.loads((SCHEMAS / f"{name.replace(' ', '-')}.json").read_text())
    document = json.loads(out)
    jsonschema.validate(document, schema)
    stale = "run 'make schemas': the document has other names than its schema"
    assert set(document) == set(schema["properties"]) == set(schema["required"]), stale
    assert "</html>" in Path("page.html").read_text()


def test_there_is_a_command_for_each_step_of_the_main_job():
    promised = {"fit", "forecast", "plan", "reach", "laws", "runs show", "runs convert", "update"}
    assert promised | {"sweep run", "sweep status", "demo"} <= set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_its_summary_is_known_before_it_is_imported(monkeypatch, name):
    monkeypatch.setattr("isoflop.commands.registry.REGISTRY", {})
    assert name in list(commands.every())
    assert commands.summary(name) == COMMANDS[name].summary


def test_every_command_has_its_place_in_the_help_and_every_group_a_sentence(capsys):
    names = list(dict.fromkeys(name.split()[0] for name in COMMANDS))
    listed = dict(commands.sections(names))
    assert "Others" not in listed, f"name a section of: {listed['Others']}"
    assert sorted(name for section in listed.values() for name in section) == sorted(names)
    assert {name.split()[0] for name in COMMANDS if " " in name} == set(commands.groups())
    assert all(
        COMMANDS[n].section == s for s, several in listed.items() for n in several if n in COMMANDS
    )
    contents = " ".join(type_in(capsys, "isoflop --help")[1].split())
    for group, sentence in commands.groups().items():
        assert f"{group} {sentence}" in contents
        assert sentence in " ".join(type_in(capsys, f"isoflop {group} --help")[1].split())


@pytest.fixture
def added(monkeypatch):
    """Return a command that one function adds, as a new file in the package would."""
    monkeypatch.setattr("isoflop.commands.registry.REGISTRY", dict(REGISTRY))

    def double(
        what: str,
        *,
        times: Annotated[float, Option("how often")] = 2.0,
        loud: bool = False,
        **at: float,
    ) -> Report:
        """Double a word."""
        return Report("Doubled", (), {"what": what * int(times), "loud": loud, "at": at})

    command("double", example="isoflop double ab")(double)
    return "double"


def test_one_function_is_a_command(capsys, added):
    code, out, _ = type_in(capsys, f"isoflop {added} ab --times 3 --loud --N 70B --json")
    assert code == 0
    assert json.loads(out) == {"what": "ababab", "loud": True, "at": {"N": 7e10}}
    assert "Double a word." in type_in(capsys, "isoflop --help")[1]


def test_an_option_reads_what_a_person_writes():
    fix = next(p for p in COMMANDS["fit"].parameters if p.name == "fix")
    assert fix.read(["E=0,alpha=-0.5", "A=1.5k"]) == {"E": 0.0, "alpha": -0.5, "A": 1500.0}
    columns = next(p for p in COMMANDS["fit"].parameters if p.name == "columns")
    read = columns.read(["N=Model Size, total,L=loss"])
    assert read == {"N": "Model Size, total", "L": "loss"}
    for bad in ("E", "=1", "E=", "E=nan", "E=inf", "E=--1x"):
        with pytest.raises(UsageError, match="--fix"):
            fix.read([bad])


@dataclass(frozen=True, kw_only=True)
class Volume:
    """How loud a word is said."""

    times: Annotated[float, Option("how often")] = 2.0
    echo: Annotated[int, Option("how often again", needs=("times!=2.0",))] = 0


@dataclass(frozen=True, kw_only=True)
class NamedVolume(Volume):
    """The same, of somebody."""

    who: Annotated[str, Option("who says it", "NAME")]


def test_a_parameter_that_is_a_dataclass_stands_for_its_fields():
    def shout(what: str, *, volume: Volume = Volume(times=3.0)) -> Report:
        """Shout a word."""
        return Report("Shouted", (), {"what": what * int(volume.times), "echo": volume.echo})

    found = Command("shout", shout, "isoflop shout ab", minutes=False)
    by_name = {p.name: p for p in found.parameters}
    assert list(by_name) == ["what", "times", "echo"]
    assert (by_name["times"].default, by_name["times"].group) == (3.0, "volume")
    assert not by_name["times"].positional
    assert found({"what": ["ab"]}).data == {"what": "ababab", "echo": 0}
    assert found({"what": ["ab"], "echo": ["4"]}).data == {"what": "ababab", "echo": 4}
    with pytest.raises(UsageError, match="has no effect here; it goes with --times"):
        found({"what": ["ab"], "times": ["2"], "echo": ["4"]})


def test_a_field_without_a_default_is_an_option_that_must_be_given():
    def shout(*, volume: NamedVolume) -> Report:
        """Shout a name."""
        return Report("Shouted", (), {"what": volume.who * int(volume.times)})

    found = Command("shout", shout, "isoflop shout", minutes=False)
    assert {p.name: p.required for p in found.parameters} == {
        "times": False,
        "echo": False,
        "who": True,
    }
    assert found({"who": ["me"]}).data == {"what": "meme"}
