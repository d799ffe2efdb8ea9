"""A study on disk: a SQLite catalogue of typed documents, and one folder per trial.

    study.db        the catalogue; one driver at a time writes it, anybody reads it
    study.lock      who drives: process and host
    trials/KEY/     written by that trial alone, ingested into the catalogue when it is finished
    register.jsonl  forecasts sealed before their runs, if there are any

The store knows no type above it: a document is JSON under a kind and a name.
"""

from isoflop.files import write_atomically, writing
from isoflop.store.files import JSON, canonical, code_version, digest, now
from isoflop.store.lock import Lock
from isoflop.store.sealed import Contents, Fault, SealedLine, SealedLog
from isoflop.store.study import Document, Study

__all__ = [
    "JSON",
    "Contents",
    "Document",
    "Fault",
    "Lock",
    "SealedLine",
    "SealedLog",
    "Study",
    "canonical",
    "code_version",
    "digest",
    "now",
    "write_atomically",
    "writing",
]
