"""mcp: the commands that only read and compute, as tools of a language model."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.errors import EnvironmentFailure, UsageError
from isoflop.report import Report

SERVER = "isoflop.web.agents"  # a layer beside the command line, which no command may import


@command("mcp", section="Begin here", example="isoflop mcp studies", minutes=True)
def mcp(
    folder: Annotated[str, Option("the folder whose files may be read", "FOLDER")] = ".",
) -> Report:
    """Serve the commands to a language model by the Model Context Protocol.

    Speaks on stdin and stdout, as clients start it, until stdin ends. Each command that only reads
    and computes is a tool; its answer is what --json prints. Files of the folder alone are read,
    no other machine is reached and nothing is written.
    """
    code = subprocess.call([sys.executable, "-m", SERVER, folder])
    if code == UsageError.exit_code:
        raise UsageError("the server did not start; the reason stands above")
    if code:
        raise EnvironmentFailure("the server ended early; the reason stands above")
    raise SystemExit  # stdout belongs to the protocol: no report may follow
