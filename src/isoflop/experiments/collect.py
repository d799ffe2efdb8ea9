"""Ingest finished trials into the catalogue of their study, as often as one likes.

A trial becomes one document of kind "observations" under its key: `experiment, version, key,
config, seed, flop, label, conventions, observations, provenance`, as its summary holds them.
`isoflop.sources` turns these documents into Runs.
"""

from __future__ import annotations

from isoflop.experiments.folder import TrialFolder
from isoflop.store import Study

KIND = "observations"


def ingest(study: Study, key: str) -> bool:
    """Take the summary of one trial into the catalogue; return whether it is finished.

    What is there already, by content hash, is left alone.
    """
    summary = TrialFolder(study.trials / key).summary
    if summary is None or summary.get("key") != key:
        return False
    study.put(KIND, key, summary)
    return True


def collect(study: Study) -> tuple[str, ...]:
    """Ingest every finished trial of a study; return their keys."""
    if not study.trials.is_dir():
        return ()
    keys = sorted(folder.name for folder in study.trials.iterdir() if folder.is_dir())
    return tuple(key for key in keys if ingest(study, key))
