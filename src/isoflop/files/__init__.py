"""How files are read and written: measured before they are read, written whole or not at all.

Everything that comes from outside passes here: `read_content` and `read_text` measure a file and
refuse what is none, `parse_json` is the only reader of JSON, `packed` expands archives and tables
up to a limit, and `write_atomically` is the only writer that replaces a file.
"""

from isoflop.files.atomic import sync_folder, write_atomically, writing
from isoflop.files.content import (
    SETTING,
    TooLarge,
    beyond_limit,
    largest,
    read_content,
    read_text,
    refuse_strange,
    shown_size,
)
from isoflop.files.strict_json import BadJSON, decode_at, parse_json
from isoflop.files.system import file_locks, open_flags

__all__ = [
    "SETTING",
    "BadJSON",
    "TooLarge",
    "beyond_limit",
    "decode_at",
    "file_locks",
    "largest",
    "open_flags",
    "parse_json",
    "read_content",
    "read_text",
    "refuse_strange",
    "shown_size",
    "sync_folder",
    "write_atomically",
    "writing",
]
