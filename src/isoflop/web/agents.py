"""`python -m isoflop.web.agents FOLDER`: commands as tools of the Model Context Protocol."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from isoflop import commands
from isoflop.commands.schema import input_schema, texts_of
from isoflop.errors import EnvironmentFailure, IsoflopError, UsageError, brief
from isoflop.report.html import version
from isoflop.report.number_format import as_json
from isoflop.terminal import printable, say
from isoflop.web.answers import ANSWERED, Answers, askable
from isoflop.web.workspace import Workspace

if TYPE_CHECKING:
    from mcp.server import Server

INSTRUCTIONS = (
    "isoflop answers questions about neural scaling laws: fit runs, forecast a larger run, plan a "
    "budget. Read the doubts of an answer before its numbers, and pass both on. Sources of runs "
    "are files of the folder, or samples that ship, such as sample:tiny."
)


class Tools:
    """The commands that only read and compute, asked of the files of one folder."""

    def __init__(self, answers: Answers) -> None:
        """Take the answers of a workspace."""
        self.answers = answers
        self.names = {n.replace(" ", "_"): n for n in commands.every() if n in ANSWERED}

    def schema(self, tool: str) -> dict[str, Any] | None:
        """Return the JSON Schema of a tool's arguments; None where there is no such tool."""
        name = self.names.get(tool)
        return None if name is None else input_schema(askable(commands.every()[name]))

    def describe(self, tool: str) -> str:
        """Return what a tool does, and how it is asked at a terminal."""
        command = commands.every()[self.names[tool]]
        return f"{command.explanation}\n\nAt a terminal: {command.example}"

    def call(self, tool: str, arguments: Mapping[str, Any]) -> tuple[bool, str]:
        """Return whether a call was answered, and the JSON document or the reason."""
        if tool not in self.names:
            return False, f"there is no tool {brief(tool)}; there are {', '.join(self.names)}"
        try:
            answer = self.answers.ask(self.names[tool], texts_of(arguments))
        except IsoflopError as reason:
            return False, printable(str(reason))
        return not answer.report.refused, as_json(
            {"command": answer.shell, "data_sha256": answer.digest, "answer": answer.report.data}
        )


def server(tools: Tools) -> Server[Any]:
    """Return a server of tools. Raises EnvironmentFailure where the extra is missing."""
    try:
        from mcp import types
        from mcp.server import Server
    except ImportError as missing:
        raise EnvironmentFailure(
            f"'isoflop mcp' needs the extra: pip install 'isoflop[mcp]' ({missing})"
        ) from missing

    async def listed(context: Any, request: Any) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[
                types.Tool(
                    name=tool,
                    description=tools.describe(tool),
                    input_schema=tools.schema(tool) or {},
                )
                for tool in tools.names
            ]
        )

    async def called(context: Any, request: types.CallToolRequestParams) -> types.CallToolResult:
        arguments = request.arguments or {}
        answered, text = await asyncio.to_thread(tools.call, request.name, arguments)
        content = types.TextContent(type="text", text=text)
        return types.CallToolResult(content=[content], is_error=not answered)

    return Server(
        "isoflop",
        version=version(),
        instructions=INSTRUCTIONS,
        on_list_tools=listed,
        on_call_tool=called,
    )


async def _serve(tools: Tools) -> None:
    from mcp.server.stdio import stdio_server

    program = server(tools)
    async with stdio_server() as (incoming, outgoing):
        await program.run(incoming, outgoing, program.create_initialization_options())


def main(arguments: list[str]) -> int:
    """Serve a folder until stdin ends; return the exit code."""
    root = Path(arguments[0]).resolve()
    try:
        if not root.is_dir():
            raise UsageError(f"{brief(str(root))} is no folder; give the one that holds your runs")
        os.chdir(root)
        with tempfile.TemporaryDirectory(prefix="isoflop-mcp-") as scratch:
            asyncio.run(_serve(Tools(Answers(Workspace(root, Path(scratch))))))
    except IsoflopError as reason:
        say(f"isoflop: {reason}")
        return reason.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
