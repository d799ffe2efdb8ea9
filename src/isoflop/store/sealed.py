"""A file of JSON lines that is only ever added to, in which each line seals the one before it.

    PATH         one line for each document: its number, the time, the hash of the line before
                 and, last, a hash of all that
    PATH.seal    how many lines there are and the hash of the last: an end cut off, or a line
                 added by hand, is seen
    .PATH.lock   who writes

Who can write both files can make both anew. A seal that was published beforehand holds against
that: `SealedLog.read(seal)` says whether the file still contains it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from isoflop.errors import BadStudy, UsageError, amount, brief
from isoflop.files import BadJSON, parse_json, read_text, sync_folder, write_atomically, writing
from isoflop.store.files import JSON, canonical, code_version, digest, now
from isoflop.store.lock import Lock

FIRST = "0" * 64  # what the first line says of the line before it
FIELDS = frozenset({"number", "previous", "time", "code", "document", "sha256"})
PATIENCE = 30.0  # [s] for another writer, who takes milliseconds
SHORTEST = 8  # characters of a published seal that are enough


@dataclass(frozen=True, slots=True)
class SealedLine:
    """One document, when it was written and by which code, and its place in the chain."""

    number: int
    previous: str
    time: str
    code: str
    document: Mapping[str, Any]
    sha256: str

    @property
    def text(self) -> str:
        """The line as it stands in the file, without its end."""
        return canonical(
            {
                "number": self.number,
                "previous": self.previous,
                "time": self.time,
                "code": self.code,
                "document": self.document,
                "sha256": self.sha256,
            }
        )


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line of the file, counted from 1."""

    line: int
    text: str


@dataclass(frozen=True, slots=True)
class Contents:
    """The lines that can be trusted, what is wrong with others, and the seal of the last.

    `is_vouched` says that a seal, of the file beside or published, covers the end of the file.
    """

    lines: tuple[SealedLine, ...]
    faults: tuple[Fault, ...]
    is_vouched: bool

    @property
    def seal(self) -> str:
        """The hash of the last line, which stands for all before it."""
        return self.lines[-1].sha256 if self.lines else FIRST


class SealedLog:
    """A file of sealed lines; writers on one machine wait for each other."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.seal_path = self.path.with_name(f"{self.path.name}.seal")
        self._lock = Lock(self.path.with_name(f".{self.path.name}.lock"), PATIENCE)

    def append(self, document: Mapping[str, JSON]) -> SealedLine:
        """Add a document at the end, and return its line.

        Raises BadStudy for a file that was tampered with, which is left as it is,
        EnvironmentFailure for one that cannot be written.
        """
        with self._lock.exclusive():
            self._complete()
            contents = self.read() if self.path.exists() else Contents((), (), True)
            if contents.faults:
                first = contents.faults[0]
                raise BadStudy(
                    f"{self.path}: {first.text}; nothing is added to a register that was changed: "
                    "restore it, or begin another"
                )
            line = sealed(len(contents.lines) + 1, contents.seal, document)
            self._write_seal(contents, line)
            self._add(f"{line.text}\n".encode())
            self._write_seal(Contents((*contents.lines, line), (), True), None)
            return line

    def read(self, seal: str | None = None) -> Contents:
        """Return the lines, and every fault; `seal` was published and must be among the lines.

        Raises BadStudy for a file that is not there or cannot be read.
        """
        texts = read_text(self.path, BadStudy).split("\n")
        lines, faults = _chain(texts[:-1] if texts[-1] == "" else texts)
        state, pending = self._seal()
        ended, vouched = _end(lines, state, pending)
        if seal is not None:
            ended += _published(lines, seal)
            vouched = vouched or not ended
        whole = tuple(line for line in lines if line is not None)
        return Contents(whole, (*faults, *ended), vouched)

    def _seal(self) -> tuple[Mapping[str, Any] | None, str]:
        """Return what the file beside says, None without one, and the line about to be written."""
        if not self.seal_path.exists():
            return None, ""
        try:
            seal = parse_json(read_text(self.seal_path, BadStudy))
            count, sha256, pending = int(seal["lines"]), str(seal["sha256"]), seal["next"]
            size = int(seal["size"])
        except (BadJSON, KeyError, TypeError, ValueError) as error:
            raise BadStudy(f"{self.seal_path} is not the seal of a register: {error!r}") from None
        return {"lines": count, "sha256": sha256, "size": size}, str(pending or "")

    def _write_seal(self, contents: Contents, line: SealedLine | None) -> None:
        """Write the seal of some lines, and the line that is about to follow them."""
        text = canonical(
            {
                "lines": len(contents.lines),
                "sha256": contents.seal,
                "size": self.path.stat().st_size if self.path.exists() else 0,
                "next": None if line is None else line.text,
            }
        )
        write_atomically(self.seal_path, lambda file: file.write(f"{text}\n".encode()))

    def _complete(self) -> None:
        """Finish a line whose writer was killed in the middle of it."""
        seal, pending = self._seal()
        if seal is None or not pending:
            return
        whole = f"{pending}\n".encode()
        tail = b""
        if self.path.exists():
            with self.path.open("rb") as register:
                register.seek(seal["size"])
                tail = register.read()
        if whole.startswith(tail):
            self._add(whole[len(tail) :])
            self._write_seal(self.read(), None)

    def _add(self, data: bytes) -> None:
        """Write at the end, and make it last."""
        with writing(self.path):
            handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            try:
                while data:
                    data = data[os.write(handle, data) :]
                os.fsync(handle)
            finally:
                os.close(handle)
            sync_folder(self.path.resolve().parent)


def sealed(number: int, previous: str, document: Mapping[str, JSON]) -> SealedLine:
    """Return a document as the line that follows the one whose hash is `previous`."""
    line = SealedLine(number, previous, now(), code_version(), document, "")
    plain = parse_json(line.text)
    plain.pop("sha256")
    return SealedLine(**{**plain, "sha256": digest(canonical(plain))})


def _chain(texts: list[str]) -> tuple[list[SealedLine | None], list[Fault]]:
    """Return the line that each text is, None for one that is none, and what is wrong."""
    lines: list[SealedLine | None] = []
    faults: list[Fault] = []
    for place, text in enumerate(texts, 1):
        line, why = _line(text)
        if line is None:
            faults.append(Fault(place, f"line {place} {why}"))
        lines.append(line)
    by_hash = {line.sha256: place for place, line in enumerate(lines, 1) if line is not None}
    before = FIRST
    for place, line in enumerate(lines, 1):
        if line is None:
            before = ""  # what follows a changed line was sealed on what that was
            continue
        if before and line.previous != before:
            faults.append(Fault(place, _out_of_order(place, line, by_hash)))
        elif line.number != place:
            faults.append(Fault(place, f"line {place} is numbered {line.number}: it was forged"))
        before = line.sha256
    return lines, sorted(faults, key=lambda fault: fault.line)


def _line(text: str) -> tuple[SealedLine | None, str]:
    """Return the sealed line that a text is, or None and what is wrong with it."""
    try:
        values = parse_json(text)
    except BadJSON:
        return None, "is not JSON: it was changed, cut or written by hand"
    if not isinstance(values, dict) or set(values) != FIELDS:
        return None, "is not a sealed line: it was written by hand"
    kinds = {"number": int, "document": dict} | dict.fromkeys(("previous", "time", "code"), str)
    if wrong := [name for name, kind in kinds.items() if not isinstance(values[name], kind)]:
        return None, f"holds no {wrong[0]}: it was written by hand"
    claimed = values.pop("sha256")
    line = SealedLine(**values, sha256=claimed)
    if digest(canonical(values)) != claimed or line.text != text:
        document = values["document"]
        name = f" ({brief(document['name'])})" if isinstance(document.get("name"), str) else ""
        return None, f"{name.strip()} does not match its hash: it was changed".strip()
    return line, ""


def _out_of_order(place: int, line: SealedLine, by_hash: Mapping[str, int]) -> str:
    if line.previous in by_hash:
        return (
            f"line {place} was sealed after what is now line {by_hash[line.previous]}: lines were "
            "reordered or doubled"
        )
    gone = "the lines" if line.number - place > 1 else "a line"
    return f"line {place} was sealed as number {line.number}: {gone} before it was taken out"


def _end(
    lines: list[SealedLine | None], seal: Mapping[str, Any] | None, pending: str
) -> tuple[list[Fault], bool]:
    """Return what the seal beside says against the end of the file, and whether there is one."""
    if seal is None:
        return [], False
    count, sha256 = seal["lines"], seal["sha256"]
    if len(lines) < count:
        missing = amount(count - len(lines), "line was", "lines were")
        return [Fault(len(lines) + 1, f"{missing} cut off after line {len(lines)}")], True
    last = lines[count - 1] if count else None
    if count and last is not None and last.sha256 != sha256:
        return [Fault(count, f"line {count} is not the one that was sealed there")], True
    extra = [line for line in lines[count:] if line is None or line.text != pending]
    if extra:
        place = count + 1
        return [
            Fault(place, f"from line {place} on, lines were added by hand: no seal covers them")
        ], True
    return [], True


def _published(lines: list[SealedLine | None], seal: str) -> list[Fault]:
    """Return a fault if no line has the seal that was published."""
    if len(seal) < SHORTEST:
        raise UsageError(f"a seal is given by {SHORTEST} characters or more, not {brief(seal)}")
    if any(line is not None and line.sha256.startswith(seal.lower()) for line in lines):
        return []
    return [Fault(0, f"the published seal {brief(seal)} is not of this register: it was made anew")]
