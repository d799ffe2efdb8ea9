"""Checks of runs that have names: against the size in the name, and against published facts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from isoflop.assess.audit.check import AuditedRuns, CheckResult, cannot, check
from isoflop.quantities import show

if TYPE_CHECKING:
    from isoflop.atlas.models import PublishedModel

MOST_SAID = 3
MOST_TOKENS = 5.0  # times the tokens of any published model
OFF = 1.5  # times: 6.7B is called 7B, and 2.5B with its embeddings 2B
_SIZE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s?([bm])(?![a-z\d])", re.IGNORECASE)


@check(
    "names",
    needs=("N",),
    why="A row copied from its neighbour keeps the neighbour's size: such a cell moves a slope, "
    "and nothing else in the table gives it away.",
    todo="Look the model up and correct the cell, or leave the row out.",
)
def names(study: AuditedRuns) -> CheckResult:
    """Compare N with the size that a run's name states."""
    if "run" not in study.sound.labels:
        return cannot("runs have no names")
    sizes = [_size(name) for name in study.sound.labels["run"].tolist()]
    stated = np.array([np.nan if s is None else s for s in sizes])
    off = np.abs(np.log(study.sound["N"] / stated)) > np.log(OFF)
    if not off.any():
        return CheckResult("pass", f"{np.isfinite(stated).sum()} names state a size, and N agrees")
    first = int(np.flatnonzero(off)[0])
    return CheckResult(
        "warn",
        f"{study.sound.labels['run'][first]} has N = {show(float(study.sound['N'][first]))}, which "
        f"is not the size in its name ({off.sum()} such runs)",
        study.rows(off),
    )


@check(
    "published models",
    why="Tables of public models copy each other's mistakes; a wrong count of tokens is a wrong "
    "compute, and moves whatever is fitted over it.",
    todo="Compare the source of the cell with that of the atlas (isoflop models NAME).",
)
def published(study: AuditedRuns) -> CheckResult:
    """Compare N and D with what developers said of models of the same name."""
    from isoflop.atlas.models import MODELS

    if "run" not in study.sound.labels:
        return cannot("runs have no names")
    by_name = {_plain(name): model for name, model in MODELS.items()}
    bare = [_plain(name.rpartition("/")[2]) for name in study.sound.labels["run"].tolist()]
    differences = {
        **_too_many_tokens(study, MOST_TOKENS * max(m.D.value or 0.0 for m in MODELS.values())),
        **{i: _differs(study, i, by_name[name]) for i, name in enumerate(bare) if name in by_name},
    }
    off = np.isin(np.arange(len(bare)), [i for i, text in differences.items() if text])
    if not off.any():
        return CheckResult(
            "pass", f"{len(differences)} runs have names of published models; none disagrees"
        )
    first = [text for text in differences.values() if text][:MOST_SAID]
    more = f" and {off.sum() - len(first)} more" if off.sum() > len(first) else ""
    return CheckResult("warn", f"{'; '.join(first)}{more}", study.rows(off))


def _too_many_tokens(study: AuditedRuns, most: float) -> dict[int, str]:
    """Return what to say, by their place, of runs that saw more tokens than any model has."""
    if "D" not in study.sound:
        return {}
    names, D = study.sound.labels["run"], study.sound["D"]
    return {
        int(i): f"{names[i]} has D = {show(float(D[i]))}, far beyond any published model"
        for i in np.flatnonzero(most < D)
    }


def _differs(study: AuditedRuns, i: int, model: PublishedModel) -> str:
    """Return how a run differs from what the developers of the model said; empty if it does not."""
    for symbol in ("N", "D"):
        if symbol not in study.sound:
            continue
        here = float(study.sound[symbol][i])
        facts = [
            model.cells[c]
            for c in (symbol, *(["active"] if symbol == "N" else []))
            if c in model.cells
        ]
        facts_stated = [f.value for f in facts if f.value is not None and f.disclosed]
        if facts_stated and all(abs(np.log(here / value)) > np.log(OFF) for value in facts_stated):
            return (
                f"{model.name} has {symbol} = {show(here)}, and {show(facts_stated[0])} in its "
                f"own paper"
            )
    return ""


def _size(name: str) -> float | None:
    """Return the parameters that a name states, None if none or more than one does."""
    plain = re.sub(r"(?<=\d)_(?=\d)", ".", name.rpartition("/")[2])
    matches = _SIZE.findall(re.sub("[-_]", " ", plain))
    if len(matches) != 1:
        return None
    digits, unit = matches[0]
    return float(digits) * (1e9 if unit in "bB" else 1e6)


def _plain(name: str) -> str:
    name = re.sub(r"[-_ ](hf|base|pt)$", "", name.lower())
    return "".join(c for c in name if c.isalnum() or c == ".")
