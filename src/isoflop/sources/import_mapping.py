"""What a user said of logs, kept in the folder of a study, so that it need not be said again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from isoflop.errors import BadRuns, Note
from isoflop.files import BadJSON, parse_json, read_text, write_atomically

FILE = "import.json"
_LIMIT = 10_000_000  # [bytes]
Texts = Mapping[str, str]


def keep_mapping(
    folder: Path, kind: str, logs: Sequence[str], columns: Texts, settings: Texts
) -> None:
    """Write down which fields of logs are what, beside what was said of other logs.

    Raises EnvironmentFailure if the disk fails.
    """
    entries = _entries(folder)
    entries[_name(kind, logs)] = {"columns": dict(columns), "settings": dict(settings)}
    content = json.dumps(entries, indent=1, sort_keys=True) + "\n"
    write_atomically(folder / FILE, lambda file: file.write(content.encode()))


def kept_mapping(
    folder: Path, kind: str, logs: Sequence[str]
) -> tuple[dict[str, str], dict[str, str], list[Note]]:
    """Return the columns and settings that were given for these logs before, and a note of it."""
    entry = _entries(folder).get(_name(kind, logs), {})
    columns, settings = (_texts(entry.get(part)) for part in ("columns", "settings"))
    if not columns and not settings:
        return {}, {}, []
    parts = [f"--columns {k}={v}" for k, v in columns.items()]
    parts += [f"--set {k}={v}" for k, v in settings.items()]
    text = f"{' '.join(parts)} as said before, kept in {folder / FILE}; say others to replace them"
    return columns, settings, [Note("info", "mapping", text)]


def _name(kind: str, logs: Sequence[str]) -> str:
    """Return what logs are known by: their addresses, and the full paths of what is here."""
    places = (str(Path(log).resolve()) if Path(log).exists() else log for log in logs)
    return " ".join((kind, *sorted(places)))


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {k: v for k, v in value.items() if isinstance(k, str) and isinstance(v, str)}


def _entries(folder: Path) -> dict[str, dict[str, object]]:
    path = folder / FILE
    if not path.is_file():
        return {}
    try:
        entries = parse_json(read_text(path, limit=_LIMIT))
    except BadJSON:
        raise BadRuns(f"{path} is damaged; remove it, and say --columns again") from None
    if not isinstance(entries, dict):
        raise BadRuns(f"{path} is not what isoflop writes; remove it, and say --columns again")
    return {k: v for k, v in entries.items() if isinstance(v, dict)}
