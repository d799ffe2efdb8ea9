"""What is computed is within reach: of a command, or of a line in the documentation."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "isoflop"
ROOMS = ("plan", "accounting", "samples", "theory")


def public_functions() -> list[tuple[str, str]]:
    """Return the file and the name of every public function of the rooms."""
    found = []
    for room in ROOMS:
        for path in sorted((SOURCE / room).rglob("*.py")):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    found.append((str(path.relative_to(SOURCE)), node.name))
    return found


@pytest.fixture(scope="module")
def texts() -> dict[str, set[str]]:
    """Return the words of every source file, and of everything that a reader is shown."""
    files = [*SOURCE.rglob("*.py"), *ROOT.glob("docs/*.md"), ROOT / "README.md"]
    files += ROOT.glob("examples/*")
    return {
        str(f): set(re.findall(r"\w+", f.read_text(errors="ignore"))) for f in files if f.is_file()
    }


def test_every_function_is_used_by_another_file_or_shown(texts):
    exports = {str(SOURCE / room / "__init__.py") for room in ROOMS}
    alone = [
        f"{file}: {name}"
        for file, name in public_functions()
        if not any(
            name in words for f, words in texts.items() if f not in exports | {str(SOURCE / file)}
        )
        and not used_within(SOURCE / file, name)
    ]
    assert not alone, "nobody reaches " + ", ".join(alone)


def used_within(path: Path, name: str) -> bool:
    """Return whether the file itself calls the function, as a part of one that is reached."""
    tree = ast.parse(path.read_text())
    return any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(tree))
