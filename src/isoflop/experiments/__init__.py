"""Experiments: the sources of runs that isoflop makes itself. Only a trial imports torch."""

from __future__ import annotations

import importlib
import pkgutil

from isoflop.errors import UnknownName
from isoflop.experiments.experiment import Experiment


def named(key: str) -> type[Experiment]:
    """Return the experiment called `key`, such as "pretrain".

    Raises UnknownName, which names the nearest one.
    """
    experiments = every()
    if key not in experiments:
        raise UnknownName("experiment", key, sorted(experiments))
    return experiments[key]


def every() -> dict[str, type[Experiment]]:
    """Return every experiment by its key: those of the subpackages, and those registered."""
    for module in pkgutil.iter_modules(__path__):
        if module.ispkg:
            importlib.import_module(f"{__name__}.{module.name}")
    return dict(Experiment.registry)
