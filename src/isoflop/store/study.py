"""The catalogue of a study: typed documents in SQLite, written by one driver, read by anybody."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from isoflop.errors import BadStudy, EnvironmentFailure, UnknownName, UsageError
from isoflop.files import parse_json, sync_folder, writing
from isoflop.store.files import JSON, canonical, code_version, digest, now
from isoflop.store.lock import Lock

DATABASE, LOCK, TRIALS = "study.db", "study.lock", "trials"
APPLICATION = 0x150F10  # marks a SQLite file as a study
SCHEMA = 1  # of the catalogue; every document has its own besides
PATIENCE = 10.0  # [s] that one writer waits for another's transaction

_TABLE = """
CREATE TABLE document (
    kind TEXT NOT NULL, name TEXT NOT NULL, schema INTEGER NOT NULL, created TEXT NOT NULL,
    code TEXT NOT NULL, sha256 TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, name)
)"""
_COLUMNS = "kind, name, body, schema, created, code, sha256"
_INSERT = f"INSERT INTO document ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"

Row: TypeAlias = tuple[str, str, str, int, str, str, str]


@dataclass(frozen=True, slots=True)
class Document:
    """JSON under a kind and a name, with its schema version, birth, code version and hash."""

    kind: str
    name: str
    body: Mapping[str, JSON]
    schema: int
    created: str
    code: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Study:
    """A study folder. Reading needs no lock; hold `driving()` for more than single writes."""

    path: Path
    _lock: Lock = field(repr=False, compare=False)

    @staticmethod
    def create(path: str | os.PathLike[str], meta: Mapping[str, JSON] | None = None) -> Study:
        """Return the study at `path`, made there if there is none; `meta` is kept from its birth.

        Raises UsageError for a folder that holds other things, BadStudy for a damaged study.
        """
        study = Study(Path(path), Lock(Path(path) / LOCK))
        with writing(study.path):
            study.path.mkdir(parents=True, exist_ok=True)
        if not study.database.exists():
            _refuse_strangers(study)
            with study.driving():
                if not study.database.exists():
                    _make(study.database, _row("study", "meta", dict(meta or {}), SCHEMA))
        return Study.open(path)

    @staticmethod
    def open(path: str | os.PathLike[str]) -> Study:
        """Return the study at `path`.

        Raises UsageError where there is none, BadStudy where it is damaged.
        """
        study = Study(Path(path), Lock(Path(path) / LOCK))
        if not study.database.is_file():
            raise UsageError(f"{study.path} is not a study: it holds no {DATABASE}")
        _check(study)
        return study

    @property
    def database(self) -> Path:
        """The catalogue's file."""
        return self.path / DATABASE

    @property
    def trials(self) -> Path:
        """The folder that holds a folder per trial."""
        return self.path / TRIALS

    @property
    def meta(self) -> Mapping[str, JSON]:
        """What was said of the study when it was made."""
        return self.get("study", "meta").body

    @contextlib.contextmanager
    def driving(self) -> Iterator[Study]:
        """Hold the study as its only writer; the lock of a process that died is free.

        Raises EnvironmentFailure, which names the process and the host that hold it.
        """
        with self._lock.exclusive():
            yield self

    def put(self, kind: str, name: str, document: Mapping[str, JSON], *, schema: int = 1) -> bool:
        """Keep a document under `kind` and `name`; return False if the same was there already.

        Another document under that name is replaced, in one transaction.
        Raises EnvironmentFailure if another process drives the study, or the disk fails.
        """
        row = _row(kind, name, document, schema)
        with self._lock.shared(), self._connection() as db, db:
            done = db.execute(
                f"{_INSERT} ON CONFLICT (kind, name) DO UPDATE SET body = excluded.body,"
                " schema = excluded.schema, created = excluded.created, code = excluded.code,"
                " sha256 = excluded.sha256"
                " WHERE (schema, sha256) <> (excluded.schema, excluded.sha256)",
                row,
            )
            return done.rowcount > 0

    def get(self, kind: str, name: str) -> Document:
        """Return the document called `name`.

        Raises UnknownName, which names the nearest one, and BadStudy for a damaged one.
        """
        with self._connection() as db:
            query = f"SELECT {_COLUMNS} FROM document WHERE kind = ?"
            row = db.execute(query + " AND name = ?", (kind, name)).fetchone()
            if row is None:
                rows = db.execute("SELECT name FROM document WHERE kind = ?", (kind,)).fetchall()
                raise UnknownName(f"{kind} in {self.path}", name, sorted(n for (n,) in rows))
        return _document(row, self.path)

    def documents(self, kind: str) -> tuple[Document, ...]:
        """Return every document of a kind, by name."""
        with self._connection() as db:
            query = f"SELECT {_COLUMNS} FROM document WHERE kind = ? ORDER BY name"
            rows = db.execute(query, (kind,)).fetchall()
        return tuple(_document(row, self.path) for row in rows)

    @contextlib.contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """Open the catalogue for one piece of work; errors of SQLite come out as ours."""
        with _explained(self.path):
            db = sqlite3.connect(_uri(self.database), uri=True, timeout=PATIENCE)
            try:
                db.execute("PRAGMA synchronous = FULL")
                yield db
            finally:
                db.close()


def _refuse_strangers(study: Study) -> None:
    """Keep a study out of a folder that is something else, or that lost its catalogue."""
    names = {entry.name for entry in study.path.iterdir()}
    if study.database.exists():  # made by another process a moment ago
        return
    if f"{DATABASE}-wal" in names:
        raise BadStudy(
            f"{study.path} holds {DATABASE}-wal without its {DATABASE}; "
            "restore both, or move it away"
        )
    strange = sorted(n for n in names - {LOCK, TRIALS} if not n.startswith(f".{DATABASE}."))
    if strange:
        raise UsageError(f"{study.path} is not a study and holds {strange[0]!r}; name a new folder")


def _make(database: Path, meta: Row) -> None:
    """Create a catalogue beside its place and move it there, whole or not at all."""
    with writing(database), _explained(database.parent):
        for path in database.parent.glob(f".{database.name}.*"):  # by makers that were killed
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        folder = tempfile.mkdtemp(prefix=f".{database.name}.", dir=database.parent)
        rough = Path(folder) / database.name
        with contextlib.closing(sqlite3.connect(rough)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            with db:
                db.execute(_TABLE)
                db.execute(_INSERT, meta)
                db.execute(f"PRAGMA application_id = {APPLICATION}")
                db.execute(f"PRAGMA user_version = {SCHEMA}")
        rough.replace(database)
        rough.parent.rmdir()
        sync_folder(database.parent)


def _row(kind: str, name: str, document: Mapping[str, JSON], schema: int) -> Row:
    """Return a document as the catalogue keeps it."""
    body = canonical(document)
    return kind, name, body, schema, now(), code_version(), digest(body)


def _uri(database: Path) -> str:
    """Return how to open the catalogue: a folder that cannot be written is read as it stands."""
    uri = f"{database.resolve().as_uri()}?mode=rw"
    if os.access(database.parent, os.W_OK) and os.access(database, os.W_OK):
        return uri
    # Without write access SQLite can make no shared-memory file for a journal in WAL mode.
    journal = database.with_name(f"{database.name}-wal")
    idle = not journal.exists() or journal.stat().st_size == 0
    return uri.replace("mode=rw", "mode=ro&immutable=1" if idle else "mode=ro")


def _check(study: Study) -> None:
    """Refuse a catalogue that is not ours, of another schema, half-written or corrupt."""
    with study.database.open("rb") as file:
        begins = file.read(16)
    if begins != b"SQLite format 3\0":
        raise BadStudy(_damaged(study.path, "it is empty or not a catalogue"))
    with study._connection() as db:
        (application,) = db.execute("PRAGMA application_id").fetchone()
        (schema,) = db.execute("PRAGMA user_version").fetchone()
        if application != APPLICATION:
            raise BadStudy(f"{study.database} is a database, but not one of a study")
        if schema != SCHEMA:
            raise BadStudy(
                f"{study.path} has schema {schema} and this isoflop reads {SCHEMA}; "
                "use the version that made it, or make a new study"
            )
        (verdict,) = db.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise BadStudy(_damaged(study.path, verdict))


def _document(row: Row, where: Path) -> Document:
    """Return a row of the catalogue as a document, held against its hash."""
    kind, name, body, schema, created, code, sha256 = row
    if digest(body) != sha256:
        raise BadStudy(_damaged(where, f"the {kind} called {name!r} does not match its hash"))
    return Document(
        kind=kind,
        name=name,
        body=MappingProxyType(parse_json(body)),
        schema=schema,
        created=created,
        code=code,
        sha256=sha256,
    )


@contextlib.contextmanager
def _explained(where: Path) -> Iterator[None]:
    """Turn errors of SQLite into BadStudy or EnvironmentFailure, in a sentence."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        name = getattr(error, "sqlite_errorname", "")
        if "FULL" in name or "IOERR" in name:
            reason = "the disk is full or failing; free some space and run this again"
        elif "BUSY" in name:
            reason = f"other processes kept it busy for {PATIENCE:g} s; run this again"
        elif "READONLY" in name or "CANTOPEN" in name:
            reason = f"it is read-only here ({error})"
        else:
            raise BadStudy(_damaged(where, str(error))) from error
        message = f"cannot use the study {where}: {reason}; what was there is kept"
        raise EnvironmentFailure(message) from error


def _damaged(where: Path, why: str) -> str:
    """Return the sentence about a damaged catalogue, and the way out."""
    return (
        f"the catalogue {where / DATABASE} is damaged: {why}. Restore it from a copy, or move it "
        f"away and run the sweep again: finished trials in {where / TRIALS} are kept and collected"
    )
