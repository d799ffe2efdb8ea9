"""Runs of W&B, asked over its API by the library of W&B, which is an extra.

Histories are scanned whole (`scan_history`); the history that W&B's pages show is a sample of it.
"""

from __future__ import annotations

import netrc
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from isoflop.errors import BadRuns, EnvironmentFailure, IsoflopError, MissingExtra, brief
from isoflop.sources.log_formats import AddressFormat, Watch, one_run, register
from isoflop.sources.training_logs.log import HistoryWriter, Log, Record, Wanted, flat

SERVER = "https://api.wandb.ai"
TIMEOUT = 60  # [s] of one request
PAGE = 1000  # records of one answer
EXAMPLE = "wandb:ENTITY/PROJECT"


def _read(address: str, wanted: Wanted, watch: Watch) -> Iterator[Log]:
    """Yield the runs of a project, or the one run that the address names.

    Raises MissingExtra without the library of W&B, EnvironmentFailure without a login or an
    answer, BadRuns for a project that is not there or is empty.
    """
    parts = [part for part in address.strip("/").split("/") if part]
    if len(parts) not in (2, 3):
        raise BadRuns(f"{brief(address)} is no project of W&B; an address is like {EXAMPLE}")
    api, key = _api()
    try:
        runs = _runs(api, parts)
        for i, run in enumerate(runs, 1):
            yield _log(run, wanted)
            watch(i, len(runs))
    except IsoflopError:
        raise
    except Exception as reason:  # whatever the library makes of the network
        raise EnvironmentFailure(f"W&B does not give {address}: {_why(reason, key)}") from None


def _api() -> tuple[Any, str]:
    """Return the API of W&B with its cache empty, and the key of its login."""
    key = _key()
    try:
        import wandb
    except ImportError:
        raise MissingExtra("asking W&B (folders written offline need nothing)", "wandb") from None
    if not key:
        raise EnvironmentFailure(
            "there is no login of W&B: set WANDB_API_KEY, or log in by `wandb login`; folders "
            "that were written offline, and exported CSV, are read without one"
        )
    return wandb.Api(timeout=TIMEOUT, api_key=key), key


class _ServiceFollower:
    """A run of the service: what was logged beyond the last row that was seen."""

    def __init__(self, address: str, run: str) -> None:
        self.address, self.run, self.began_anew = address, run, False
        self._next, self._key = 0, ""

    def records(self) -> Iterator[Record]:
        """Yield the records since the last call."""
        parts = [part for part in self.address.strip("/").split("/") if part]
        api, key = _api()
        try:
            runs = {str(run.id): run for run in _runs(api, parts)}
            names = {identity: str(run.name or identity) for identity, run in runs.items()}
            self._key = one_run(names, self.run or self._key, f"wandb:{self.address}")
            run = runs[self._key]
            for row in run.scan_history(page_size=PAGE, min_step=self._next):
                self._next = int(row["_step"]) + 1
                yield flat(row)
        except IsoflopError:
            raise
        except Exception as reason:  # whatever the library makes of the network
            raise EnvironmentFailure(
                f"W&B does not give {self.address}: {_why(reason, key)}"
            ) from None


def _runs(api: Any, parts: list[str]) -> list[Any]:
    if len(parts) == 3:
        return [api.run("/".join(parts))]
    runs = list(api.runs("/".join(parts), order="+created_at", per_page=100))
    if not runs:
        raise BadRuns(f"the project {'/'.join(parts)} of W&B is empty; check entity and project")
    return runs


def _log(run: Any, wanted: Wanted) -> Log:
    """Return a run with all of its history."""
    writer = HistoryWriter(wanted)
    for row in run.scan_history(page_size=PAGE):
        writer.add(len(writer) + 1, flat(row).items())
    settings = {**flat(dict(run.summary._json_dict)), **flat(dict(run.config))}
    return Log(
        run=str(run.name or run.id),
        recipe="",
        origin=f"wandb:{'/'.join(run.path)}",
        history=writer.history(),
        settings={k: v for k, v in settings.items() if not k.startswith("_")},
        state=str(run.state or "").lower(),
        key=str(run.id),
        program="W&B",
    )


def _key() -> str:
    """Return the key of the environment, or of the file that `wandb login` writes."""
    if key := os.environ.get("WANDB_API_KEY", "").strip():
        return key
    host = urlsplit(os.environ.get("WANDB_BASE_URL") or SERVER).hostname or ""
    try:
        entry = netrc.netrc().authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return ""
    return entry[2] or "" if entry else ""


def _why(reason: Exception, key: str) -> str:
    text = " ".join(f"{type(reason).__name__}: {reason}".split())
    return brief(text.replace(key, "***"), 300)


register(AddressFormat("wandb", EXAMPLE, _read, _ServiceFollower))
