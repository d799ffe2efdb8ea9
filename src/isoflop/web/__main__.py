"""`python -m isoflop.web TARGET HOST PORT`: the process behind `isoflop ui`."""

from __future__ import annotations

import sys

from isoflop.errors import IsoflopError
from isoflop.terminal import say
from isoflop.web.server import serve


def main(arguments: list[str]) -> int:
    """Serve until interrupted; return the exit code. A port of 0 stands for any that is free."""
    target, host, port = arguments
    try:
        serve(target, host, int(port) or None)
    except IsoflopError as reason:
        say(f"isoflop: {reason}")
        return reason.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
