"""Parts that several trials of a study need: made once, and read from the user's cache after."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from typing import Any

from isoflop.errors import BadStudy
from isoflop.experiments.pretrain.corpus import default_cache
from isoflop.experiments.state import load_state
from isoflop.store import JSON, canonical, write_atomically

VERSION = 2  # raised when the same settings would give other parts


def kept(part: str, identity: JSON, make: Callable[[], Any]) -> Any:
    """Return what `make` returns, tensors and plain values, from the cache if it is there.

    `identity` is everything that the part follows from. A cache that cannot be written, or was
    damaged, is done without.
    """
    import torch

    key = hashlib.sha256(canonical([VERSION, part, identity]).encode()).hexdigest()[:16]
    path = default_cache() / f"reward-{part}-{key}.pt"
    with contextlib.suppress(BadStudy):
        return load_state(path)
    result = make()
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lambda file: torch.save(result, file))
    return result
