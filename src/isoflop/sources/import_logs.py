"""`import_logs`: logs and trackers to a table, of the kind that is asked for or that they are."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from isoflop.errors import Note, UsageError
from isoflop.sources import importers
from isoflop.sources.import_mapping import keep_mapping, kept_mapping
from isoflop.sources.importers import Imported, Watch, silent
from isoflop.sources.log_formats import address_formats, best_format, sample_of
from isoflop.sources.packaged import PREFIX

_OF_RL = re.compile(r"reward|val-core/|critic/|dynamic_filtering|pass@\d", re.IGNORECASE)


def import_logs(
    *logs: str,
    kind: str | None = None,
    columns: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
    study: Path | None = None,
    watch: Watch = silent,
) -> Imported:
    """Return what logs hold as a table: `runs`, `curves`, `rl`, `samples` or `scores`.

    `logs` are files, folders, or addresses as "wandb:ENTITY/PROJECT". `columns` names fields by
    symbol, `settings` say what logs do not. Both are kept in the folder `study`, if it is given,
    and taken from there when the same logs are imported again without them. Without a `kind`, it
    is told by what the logs are, and a note says so.
    Raises UsageError for a kind or a setting that is not known, BadRuns for logs that cannot be
    read or hold nothing of the kind.
    """
    if not logs:
        raise UsageError("name the logs to import: files, folders, or an address of a tracker")
    notes: list[Note] = []
    if kind is None:
        kind = _kind(logs)
        text = f"imported as {kind}; --as curves, --as rl and so on say otherwise"
        notes.append(Note("info", "kind", text))
    importer = importers.kind(kind)
    if study is not None and not columns and not settings:
        columns, settings, remark = kept_mapping(study, kind, logs)
        notes += remark
    imported = importer.read(logs, columns or {}, settings or {}, watch)
    if study is not None and (columns or settings):
        keep_mapping(study, kind, logs, columns or {}, settings or {})
    return dataclasses.replace(imported, notes=(*notes, *imported.notes), kind=kind)


def _kind(logs: Sequence[str]) -> str:
    """Return what logs are taken to be: of RL where they speak of rewards; one text is a curve."""
    path = Path(logs[0].rpartition("=")[2] if not Path(logs[0]).exists() else logs[0])
    if logs[0].rpartition("=")[2].startswith(PREFIX):
        return "rl"
    if not path.is_file() or logs[0].partition(":")[0] in address_formats():
        return "runs"
    sample = sample_of(path)
    entry = best_format(sample)
    if entry is not None and entry.kind == "store":
        return "runs"
    if _OF_RL.search(sample.text):
        return "rl"
    return "curves" if len(logs) == 1 else "runs"
