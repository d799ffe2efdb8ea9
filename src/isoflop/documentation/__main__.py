"""`python -m isoflop.documentation`: write generated pages, schemas, or measure the evidence."""

from __future__ import annotations

import sys
from pathlib import Path

from isoflop.documentation import main

if sys.argv[1:2] == ["evidence"]:
    from isoflop.documentation.entries import measure_all

    measure_all(sys.argv[2:])
elif sys.argv[1:2] == ["schemas"]:
    from isoflop.documentation import HOME
    from isoflop.documentation.schemas import FOLDER, write

    write(HOME / FOLDER)
else:
    main(*map(Path, sys.argv[1:]))
