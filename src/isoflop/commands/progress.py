"""How far long work is, on stderr, once it has taken more than two seconds."""

from __future__ import annotations
