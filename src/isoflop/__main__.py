"""`python -m isoflop` is the program `isoflop`."""

from __future__ import annotations

import sys

from isoflop.cli import main

if __name__ == "__main__":
    sys.exit(main())
