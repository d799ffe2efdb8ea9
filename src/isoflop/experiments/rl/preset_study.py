"""A study of a preset, with the recipes, fields and seeds that are asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.presets import MOST_SEEDS
from isoflop.experiments.rl.config import RLConfig
from isoflop.experiments.rl.presets import PRESETS
from isoflop.experiments.rl.recipe import RLRecipe, named
from isoflop.experiments.rl.study import RecipeArm, Reinforce
from isoflop.quantities import refuse_count

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


def preset_study(
    preset: str,
    recipes: tuple[str, ...] = (),
    *,
    change: Mapping[str, str] | None = None,
    setting: Mapping[str, str] | None = None,
    seeds: int | None = None,
    seed: int = 0,
) -> Reinforce:
    """Return the study of a preset, with the recipes, fields and seeds that were asked for.

    Raises UnknownName for a preset, a recipe or a field that there is not, UsageError for a
    value that a field cannot have.
    """
    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    study = PRESETS[preset](seed).sweep
    arms = dict(study.arms)
    if recipes:
        plain = next(iter(arms.values())).setting
        arms = {name: RecipeArm(named(name), plain) for name in recipes}
    fields_ = tuple(f.name for f in fields(RLRecipe) if f.name not in ("name", "tau"))
    changes = _values(change or {}, RLRecipe, fields_, "field of a recipe")
    settings = _values(setting or {}, RLConfig, SETTABLE, "field of a setting")
    suffix = " ".join(f"{k}={v}" for k, v in {**(change or {}), **(setting or {})}.items())
    changed = {}
    for name, arm in arms.items():
        kind, on = replace(arm.recipe, **changes), replace(arm.setting, **settings)
        changed[f"{name} {suffix}".strip()] = arm._replace(recipe=kind, setting=on)
    if seeds is not None:
        refuse_count("--seeds", seeds, 1, MOST_SEEDS)
    chosen = study.seeds if seeds is None else tuple(range(seed, seed + seeds))
    return replace(study, arms=changed, seeds=chosen)


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
