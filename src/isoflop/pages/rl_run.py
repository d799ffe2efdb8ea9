"""Train small policies by reinforcement learning, and keep their reward curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from isoflop.errors import UnknownName, UsageError
from isoflop.pages.sweep import MOST_SEEDS
from isoflop.quantities import refuse_count
from isoflop.report import Cell, Table

if TYPE_CHECKING:
    from isoflop.experiments.rl import Reinforce
    from isoflop.runs import Runs


SETTABLE = (
    "width",
    "layers",
    "verifier",
    "prompts",
    "group",
    "steps",
    "lr",
    "pool",
    "problems",
    "samples",
    "every",
)


def said_of(finished: int, reused: int, seconds: float) -> str:
    """Return in a sentence how a sweep ended."""
    from isoflop.experiments.display import duration

    return (
        f"{finished} runs are finished ({reused} were before); this call took {duration(seconds)}."
    )


def ends(runs: Runs) -> Table:
    """Return where every run began and ended."""
    rows: list[tuple[Cell, ...]] = []
    for name in sorted(set(runs.labels["run"].tolist())):
        mine = runs.select(runs.labels["run"] == name)
        last = int(mine["C"].argmax())
        row = (float(mine[s][last]) for s in ("start", "R", "C", "entropy", "unvaried"))
        rows.append((str(name), *row))
    return Table(
        (
            "run",
            "R_0",
            "R",
            "C [FLOP]",
            "entropy",
            "unvaried",
        ),
        tuple(rows),
        "The last look of each run: pass rates on held-out problems, entropy in nats/token, and "
        "the share of groups that taught nothing.",
    )


def designed(
    preset: str,
    recipes: tuple[str, ...],
    change: Mapping[str, str],
    setting: Mapping[str, str],
    seeds: int | None,
    seed: int,
) -> Reinforce:
    """Return the study of a preset, with the recipes, fields and seeds that were asked for.

    Raises UnknownName for a preset, a recipe or a field that there is not, UsageError for a
    value that a field cannot have.
    """
    from isoflop.experiments.rl import PRESETS, RecipeArm, RLConfig, RLRecipe, named

    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    study = PRESETS[preset](seed).sweep
    arms = dict(study.arms)
    if recipes:
        plain = next(iter(arms.values())).setting
        arms = {name: RecipeArm(named(name), plain) for name in recipes}
    fields_ = tuple(f.name for f in fields(RLRecipe) if f.name not in ("name", "tau"))
    changes = _values(change, RLRecipe, fields_, "field of a recipe")
    settings = _values(setting, RLConfig, SETTABLE, "field of a setting")
    suffix = " ".join(f"{k}={v}" for k, v in {**change, **setting}.items())
    values = {}
    for name, arm in arms.items():
        kind, on = replace(arm.recipe, **changes), replace(arm.setting, **settings)
        values[f"{name} {suffix}".strip()] = arm._replace(recipe=kind, setting=on)
    if seeds is not None:
        refuse_count("--seeds", seeds, 1, MOST_SEEDS)
    chosen = study.seeds if seeds is None else tuple(range(seed, seed + seeds))
    return replace(study, arms=values, seeds=chosen)


def _values(
    texts: Mapping[str, str], kind: type[Any], names: tuple[str, ...], what: str
) -> dict[str, Any]:
    """Return texts as values of the fields of a dataclass."""
    types = {f.name: str(f.type) for f in fields(kind)}
    out = {}
    for name, text in texts.items():
        if name not in names:
            raise UnknownName(what, name, names)
        try:
            out[name] = _value(text, types[name])
        except (ValueError, KeyError):
            raise UsageError(f"{name} cannot be {text!r}; it is {types[name]}") from None
    return out


def _value(text: str, kind: str) -> Any:
    if "None" in kind and text.lower() == "none":
        return None
    if kind == "bool":
        return {"true": True, "false": False}[text.lower()]
    if kind.startswith("int"):
        return int(text)
    if kind.startswith("float") and not math.isfinite(float(text)):
        raise ValueError(text)
    return float(text) if kind.startswith("float") else text
