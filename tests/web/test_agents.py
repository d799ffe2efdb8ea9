"""Commands as tools of a language model: what is offered, answered and refused."""

from __future__ import annotations

import asyncio
import json
import os
import sys

import pytest

from isoflop import commands
from isoflop.commands.schema import texts_of
from isoflop.web.agents import Tools
from isoflop.web.answers import ANSWERED, Answers
from isoflop.web.workspace import Workspace

SHAPE = {"layers": 32, "width": 4096, "heads": 32, "feed_forward": 11008, "vocabulary": 32000}
SHAPE |= {"context": 2048, "D": "1.4T"}


@pytest.fixture
def tools(tmp_path, monkeypatch) -> Tools:
    (tmp_path / "study").mkdir()
    (tmp_path / "scratch").mkdir()
    monkeypatch.chdir(tmp_path / "study")
    return Tools(Answers(Workspace(tmp_path / "study", tmp_path / "scratch")))


def test_a_tool_for_each_command_that_only_reads(tools):
    assert set(tools.names.values()) == ANSWERED & set(commands.every())
    for tool in tools.names:
        schema = tools.schema(tool)
        assert schema["type"] == "object"
        assert set(schema["required"]) <= set(schema["properties"])
        assert not {"out", "html"} & set(schema["properties"])  # nothing is written


def test_arguments_are_what_a_terminal_would_give():
    values = {"N": 7e10, "C": "1e24", "fix": {"E": 1.5}, "laws": ["a", "b"], "x": True, "y": False}
    assert texts_of(values) == {
        "N": ["70000000000.0"],
        "C": ["1e24"],
        "fix": ["E=1.5"],
        "laws": ["a", "b"],
        "x": ["True"],
    }


def test_an_answer_is_the_document_of_the_command(tools, capsys):
    from isoflop.cli import main

    answered, text = tools.call("flops", SHAPE)
    assert answered
    words = [w for k, v in SHAPE.items() for w in (f"--{k.replace('_', '-')}", str(v))]
    assert main(["flops", *words, "--json"]) == 0
    assert json.loads(text)["answer"] == json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("tool", "arguments", "reason"),
    [
        ("demo", {}, "no tool"),
        ("fit", {"runs": "../secret.csv"}, "outside"),
        ("fit", {"runs": "wandb:team/project"}, "another place"),
        ("fit", {"runs": "sample:tiny", "out": "fit.json"}, "out"),
        ("flops", {"layers": 3}, "needs --width"),
        ("plan", {"fit": "chinchilla/besiroglu2024", "budget": "2000"}, "unit"),
    ],
)
def test_what_is_refused_is_said(tools, tool, arguments, reason):
    answered, text = tools.call(tool, arguments)
    assert not answered
    assert reason in text


def test_a_client_of_the_protocol_lists_and_calls(tmp_path):
    mcp = pytest.importorskip("mcp")
    from mcp.client.stdio import stdio_client

    server = mcp.StdioServerParameters(
        command=sys.executable, args=["-m", "isoflop", "mcp", str(tmp_path)], env=dict(os.environ)
    )

    async def session():
        async with (
            stdio_client(server) as (incoming, outgoing),
            mcp.ClientSession(incoming, outgoing) as client,
        ):
            await client.initialize()
            listed = await client.list_tools()
            answer = await client.call_tool("flops", SHAPE)
            refusal = await client.call_tool("fit", {"runs": "/etc/passwd"})
            return [t.name for t in listed.tools], answer, refusal

    names, answer, refusal = asyncio.run(session())
    assert {"fit", "plan", "forecast", "runs_show"} <= set(names)
    assert json.loads(answer.content[0].text)["answer"]["N"]
    assert refusal.is_error
    assert "outside" in refusal.content[0].text
