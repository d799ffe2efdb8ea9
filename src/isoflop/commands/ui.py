"""ui: the workbench, for whoever would rather look than type."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

from isoflop.commands.registry import Option, command
from isoflop.errors import EnvironmentFailure, UsageError
from isoflop.report import Paragraph, Report

SERVER = "isoflop.web"  # a layer beside the command line, which no command may import


@command("ui", section="Begin here", example="isoflop ui sample:tiny", minutes=True)
def ui(
    target: Annotated[
        str, Option("a folder, a study, a file of runs, or sample:NAME", "STUDY|FOLDER")
    ] = ".",
    *,
    host: Annotated[
        str, Option("the address to serve at; another than 127.0.0.1 opens it to others", "HOST")
    ] = "127.0.0.1",
    port: Annotated[
        int | None,
        Option("the port; the next free one from 8765 unless given", "PORT", least=1, most=65535),
    ] = None,
) -> Report:
    """Serve the workbench: every command as a page in a browser.

    Prints a link that lets its reader in, and serves the files of one folder to this machine
    until it is interrupted. Nothing is written there but the tables that are dropped on the page.
    """
    call = [sys.executable, "-m", SERVER, target, host, str(port or 0)]
    with subprocess.Popen(call) as server:
        try:
            code = server.wait()
        except KeyboardInterrupt:
            server.terminate()  # Ctrl-C reaches it by itself; a request to terminate does not
            server.wait()
            raise
    if code == UsageError.exit_code:
        raise UsageError("the workbench did not start; the reason stands above")
    if code:
        raise EnvironmentFailure("the workbench ended early; the reason stands above")
    return Report("The workbench has ended", (Paragraph("Nothing is served any more."),), {})
