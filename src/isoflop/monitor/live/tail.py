"""A log that is being written: each of its records once, whatever happens to the file.

Lines of JSON are followed from where the last look ended. Other logs are read anew at each look,
and what was seen is known by its place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from isoflop.errors import BadRuns, RefusedByData
from isoflop.files import BadJSON, open_flags, parse_json
from isoflop.sources.packaged import PREFIX
from isoflop.sources.training_logs import read_logs
from isoflop.sources.training_logs.json_lines import OPEN
from isoflop.sources.training_logs.log import flat
from isoflop.sources.training_logs.read_logs import sample_path

CHUNK = 1 << 20  # bytes that are read at once
HEAD = 64  # bytes by which a file is known again
LONGEST = 1 << 20  # bytes of a line; a longer one is passed over
LINES = (".jsonl", ".ndjson")


class Tail:
    """The records of a log that came since the last look.

    `began_anew` says that the file was cut, or another took its place, so that its records come
    from the first on.
    """

    def __init__(self, source: str | os.PathLike[str]) -> None:
        self.source = str(source)
        text = self.source
        self.path = sample_path(text) if text.startswith(PREFIX) else Path(text)
        self.began_anew = False
        self.unread = 0  # lines that were no record
        self._offset = 0
        self._head = b""
        self._seen = 0

    def records(self) -> Iterator[Mapping[str, Any]]:
        """Yield the records since the last call; a line that is half written waits.

        Raises BadRuns for what is not there or is no log.
        """
        self.began_anew = False
        if self.path.suffix.lower() in LINES and self.path.is_file():
            yield from self._lines()
        else:
            yield from self._anew()

    @property
    def changed(self) -> float | None:
        """When the file was last written [s since 1970]; None for a folder."""
        try:
            return self.path.stat().st_mtime if self.path.is_file() else None
        except OSError:
            return None

    def _lines(self) -> Iterator[Mapping[str, Any]]:
        try:
            handle = os.open(self.path, open_flags("RDONLY", "CLOEXEC", "NONBLOCK"))
        except OSError as error:
            raise BadRuns(f"cannot read {self.path}: {(error.strerror or '').lower()}") from None
        with os.fdopen(handle, "rb") as file:
            self._place(file.read(HEAD), os.fstat(handle).st_size)
            file.seek(self._offset)
            rest = b""
            while data := file.read(CHUNK):
                lines = (rest + data).split(b"\n")
                rest = lines.pop()
                for line in lines:
                    self._offset += len(line) + 1
                    if (record := self._record(line)) is not None:
                        yield record
                if len(rest) > LONGEST:
                    self._offset += len(rest)
                    self.unread, rest = self.unread + 1, b""

    def _place(self, head: bytes, size: int) -> None:
        """Go back to the start of a file that is another, or was cut."""
        moved = self._head and not head.startswith(self._head[: len(head)])
        if size < self._offset or moved:
            self._offset, self.began_anew = 0, True
            self._head = b""
        if len(head) > len(self._head):
            self._head = head

    def _record(self, line: bytes) -> Mapping[str, Any] | None:
        if not line.strip():
            return None
        try:
            record = parse_json(line)
        except BadJSON:
            self.unread += 1
            return None
        return flat(record, OPEN) if isinstance(record, dict) and "isoflop" not in record else None

    def _anew(self) -> Iterator[Mapping[str, Any]]:
        """Yield the records beyond those seen of a log that is read as a whole."""
        logs = [log for log in read_logs(self.source) if log.records]
        if len(logs) > 1:
            names = ", ".join(log.run for log in logs[:8])
            raise RefusedByData(
                f"{self.source} holds {len(logs)} runs ({names}); watch one of them"
            )
        records = logs[0].records
        if len(records) < self._seen:
            self._seen, self.began_anew = 0, True
        new, self._seen = records[self._seen :], len(records)
        yield from new
