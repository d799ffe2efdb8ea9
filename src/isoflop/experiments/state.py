"""States that torch wrote, held against the checksums in their archive: torch itself does not."""

from __future__ import annotations

import pickle
import zipfile
import zlib
from pathlib import Path
from typing import Any

from isoflop.errors import BadStudy
from isoflop.files import refuse_strange

_DAMAGE = (
    OSError,
    RuntimeError,
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    NotImplementedError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    zlib.error,
)


def load_state(path: Path, device: str | Any = "cpu") -> Any:
    """Return what `torch.save` wrote at `path`, on a device.

    Raises BadStudy for a file that is missing or damaged.
    """
    import torch

    refuse_strange(path, BadStudy)
    try:
        with zipfile.ZipFile(path) as archive:
            wrong = archive.testzip()
        if wrong is not None:
            raise ValueError(f"the checksum of {wrong} is wrong")
        return torch.load(path, map_location=device, weights_only=True)
    except _DAMAGE as error:
        raise BadStudy(
            f"{path} is damaged ({str(error)[:120]}); delete it, and what it held is made again"
        ) from None
