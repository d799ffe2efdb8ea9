"""`trial`: a function of the user's that trains one run and returns its loss."""

from __future__ import annotations

import importlib.util
import inspect
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from isoflop.errors import UsageError, suggest
from isoflop.experiments.folder import TrialFolder

MARK = "__isoflop_trial__"
Function = TypeVar("Function", bound=Callable[..., Any])
OFFERED = ("folder", "device", "checkpoint")  # what a function may ask for beside its flags


def trial(function: Function) -> Function:
    """Mark a function as one that trains a run, to be named in a study as "train.py:train".

    It is called with what its parameters name of the study's values (N, D, lr, seed, width ...),
    and `folder` (a path of the trial's own, lasting over attempts) and `device` if it wants them.
    It returns the loss [nats/token], or a mapping with L and whatever else it measured, or a list
    of such mappings, each with its D.
    Raises UsageError for a function whose parameters cannot be given by name.
    """
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            raise UsageError(
                f"{function.__name__} takes {parameter.name!r} by position; a trial gives values "
                "by name"
            )
    setattr(function, MARK, True)
    return function


def function_of(text: str, workdir: Path) -> Callable[..., Any]:
    """Return the function that "file.py:name" means, seen from `workdir`.

    Raises UsageError for a file, or a marked function in it, that is not there.
    """
    file, sign, name = text.partition(":")
    path = workdir / file
    if not (sign and name and file.endswith(".py")):
        raise UsageError(f"function is {text!r}; write it like train.py:train")
    if not path.is_file():
        near = sorted(p.name for p in workdir.glob("*.py"))
        raise UsageError(f"there is no {file} in {workdir}; {suggest(file, near)}")
    module = _module(path)
    marked = [k for k, v in vars(module).items() if callable(v) and getattr(v, MARK, False)]
    if name not in marked:
        raise UsageError(
            f"{file} marks no function {name!r} with @isoflop.trial; {suggest(name, marked)}"
        )
    function: Callable[..., Any] = getattr(module, name)
    return function


def _module(path: Path) -> Any:
    """Return a file as a module, under a name of its own, so that its main part stays idle."""
    name = f"isoflop_trial_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def parameters_of(function: Callable[..., Any]) -> tuple[tuple[str, ...], tuple[str, ...], bool]:
    """Return the names that a function needs, those that it may have, and whether it takes all."""
    needed, able, takes_all = [], [], False
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            takes_all = True
        elif parameter.default is parameter.empty:
            needed.append(parameter.name)
        else:
            able.append(parameter.name)
    return tuple(needed), tuple(able), takes_all


def call(function: Callable[..., Any], values: Mapping[str, Any], folder: TrialFolder) -> str:
    """Return what a function measured, as JSON lines.

    Raises UsageError for a parameter without a value, and for what is no measurement.
    """
    needed, able, takes_all = parameters_of(function)
    offers = {**values, "checkpoint": folder.checkpoint}
    if lacking := next((name for name in needed if name not in offers), None):
        raise UsageError(
            f"{function.__name__} needs {lacking!r}, which the study does not vary or set; "
            f"{suggest(lacking, sorted(offers))}"
        )
    names = offers if takes_all else (*needed, *able)
    outcome = function(**{name: offers[name] for name in names if name in offers})
    return "".join(f"{json.dumps(row)}\n" for row in _rows(outcome, function.__name__))


def _rows(outcome: Any, name: str) -> list[dict[str, float | str]]:
    if isinstance(outcome, Mapping):
        return [{str(k): _plain(v) for k, v in outcome.items()}]
    if isinstance(outcome, Sequence) and not isinstance(outcome, str) and outcome:
        return [row for entry in outcome for row in _rows(entry, name)]
    try:
        return [{"L": float(outcome)}]
    except (TypeError, ValueError):
        raise UsageError(
            f"{name} returned {type(outcome).__name__}; return the loss, or a mapping with L"
        ) from None


def _plain(value: Any) -> float | str:
    """Return a number as Python's own, also where a library wraps it."""
    if isinstance(value, str):
        return value
    number = float(value)
    return int(number) if math.isfinite(number) and number == int(number) else number
