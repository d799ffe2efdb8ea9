"""`python -m isoflop.documentation`: write the generated pages, or measure the evidence."""

from __future__ import annotations

import sys
from pathlib import Path

from isoflop.documentation import main

if sys.argv[1:2] == ["evidence"]:
    from isoflop.documentation.entries import measure_all

    measure_all(sys.argv[2:])
else:
    main(*map(Path, sys.argv[1:]))
