"""Start the workbench: one folder, one machine, keys that live as long as the process."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import tempfile
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from isoflop.errors import EnvironmentFailure, MissingExtra, UsageError
from isoflop.terminal import say

if TYPE_CHECKING:
    from isoflop.web.workspace import Workspace

LOCAL = ("127.0.0.1", "localhost")
PORT = 8765
WARM = "sample:tiny"
TRIED = 20  # ports, where the first is taken and none was asked for


def serve(target: str = ".", host: str = "127.0.0.1", port: int | None = None) -> None:
    """Serve the folder `target`, or that of a file or study, until the process is interrupted.

    Prints the link that lets its reader in. `host` other than 127.0.0.1 opens the workbench to
    whoever reaches that address and has the link. `port` is 8765 or the next free one if None.
    Raises UsageError for a target that is not there, MissingExtra without the extra "web",
    EnvironmentFailure where the port cannot be had.
    """
    try:
        import fastapi
        import uvicorn
    except ImportError:
        raise MissingExtra("the workbench", "web") from None
    from isoflop.web.application import build
    from isoflop.web.doors import DoorKeys, link
    from isoflop.web.workspace import Workspace

    assert fastapi
    root, start = place_of(target)
    listener = _listener(host, port)
    number = listener.getsockname()[1]
    os.chdir(root)
    warnings.simplefilter("ignore")  # doubts are notes of a report
    keys = DoorKeys()
    with _scratch() as scratch, listener:
        workspace = Workspace(root, scratch)
        app = build(workspace, keys, {*LOCAL, host}, number, start)
        threading.Thread(target=warm, args=(workspace, start), daemon=True).start()
        _say_where(root, host)
        say(f"  {link(host, number, keys)}")
        settings = uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            ws="none",
            timeout_graceful_shutdown=2,
        )
        uvicorn.Server(settings).run(sockets=[listener])


def warm(workspace: Workspace, start: str) -> None:
    """Make the page that a reader opens first, or that of a sample: libraries are loaded by it."""
    from isoflop.web.answers import Answers
    from isoflop.web.runs_view import runs_page

    source = unquote(start.removeprefix("/s/").removesuffix("/runs")) if start != "/" else WARM
    runs_page(Answers(workspace), source, {})


def place_of(target: str) -> tuple[Path, str]:
    """Return the folder to serve for a target, and the page to begin with.

    Raises UsageError for a target that is neither a folder, nor a file, nor a sample.
    """
    from isoflop.sources import sample_names
    from isoflop.web.pages import address
    from isoflop.web.workspace import CATALOGUE, SAMPLE

    if target.startswith(SAMPLE):
        if target.removeprefix(SAMPLE) not in sample_names():
            raise UsageError(f"there is no {target!r}; there is {', '.join(sample_names())}")
        return Path.cwd().resolve(), address(target, "runs", {})
    path = Path(target).resolve()
    if path.is_dir() and not (path / CATALOGUE).is_file():
        return path, "/"
    if path.exists():
        return path.parent, address(path.name, "runs", {})
    raise UsageError(f"there is no folder or file {target!r} to serve")


def _say_where(root: Path, host: str) -> None:
    say(f"The workbench serves {root}; end it with Ctrl-C. Open this link:")
    if host not in LOCAL:
        say(
            f"  It is open at {host}: whoever reaches this machine there and has the link can read "
            f"the tables in that folder, and what passes on the way is not encrypted."
        )


def _listener(host: str, port: int | None) -> socket.socket:
    """Return a socket that listens at a port; the next free one where none was asked for."""
    ports = range(PORT, PORT + TRIED) if port is None else (port,)
    reason: OSError | None = None
    for number in ports:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, number))
            listener.listen()  # who comes before the server is ready waits
        except OSError as error:
            listener.close()
            reason = error
        else:
            return listener
    why = (reason.strerror or str(reason)).lower() if reason else "no port"
    where = f"{host}:{ports[0]}" if port is not None else f"{host}, ports {PORT} to {ports[-1]}"
    raise EnvironmentFailure(f"cannot listen at {where}: {why}; name another with --port")


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """Yield a folder for fits that are asked for, which goes when the workbench ends."""
    folder = Path(tempfile.mkdtemp(prefix="isoflop-ui-")).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
