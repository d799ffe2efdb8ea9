"""rl run: train small policies by reinforcement learning, and keep their reward curves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Annotated, Any

from isoflop.commands.registry import Option, command
from isoflop.commands.sweep import MOST_SEEDS, carry_out
from isoflop.errors import UnknownName, UsageError
from isoflop.quantities import refuse_count
from isoflop.report import Cell, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.experiments.rl import Reinforce
    from isoflop.runs import Runs

SETTABLE = (
    "width", "layers", "verifier", "prompts", "group", "steps", "lr", "pool", "problems", "samples",
    "every",
)  # fmt: skip
MADE = "isoflop rl run"


@command("rl run", example="isoflop rl run rl-study --preset tiny", minutes=True)
def rl_run(
    folder: Annotated[str, Option("the study, made or resumed there", "FOLDER")],
    *,
    preset: Annotated[str, Option("tiny, study (two recipes and a ceiling), isocompute")] = "study",
    recipe: Annotated[
        tuple[str, ...], Option("train these in place of the preset's: grpo, cispo, ...", "NAME")
    ] = (),
    change: Annotated[
        Mapping[str, str] | None, Option("fields of the recipes, such as lag=4,low=0.2")
    ] = None,
    setting: Annotated[
        Mapping[str, str] | None, Option("what they are tried on, such as group=8,pool=256")
    ] = None,
    seeds: Annotated[
        int | None, Option("runs of each; as many as the preset has unless given")
    ] = None,
    seed: Annotated[int, Option("of the first run of each", "SEED")] = 0,
    workers: Annotated[
        int | None, Option("runs at once; as many as there are cores unless given")
    ] = None,
    device: Annotated[str, Option("where a run trains: cpu, cuda:0, mps")] = "cpu",
) -> Report:
    """Train small policies by reinforcement learning, and keep their curves.

    Recipes are data: GRPO, DAPO, Dr. GRPO, GSPO, CISPO, SAPO, REINFORCE and ScaleRL, or one of
    them with fields changed. Killed anywhere, the same command resumes. The study is RUNS for
    every other command: 'isoflop rl fit FOLDER'.
    """
    from isoflop.experiments.engine import LocalEngine, cores
    from isoflop.sources import read

    study = designed(preset, recipe, change or {}, setting or {}, seeds, seed)
    engine = LocalEngine(cores() if workers is None else workers, device)
    ended = carry_out(folder, f"rl-{preset}-{seed}", study.trials(), engine, MADE)
    data = {
        "folder": folder, "finished": len(ended.finished), "reused": ended.reused,
        "flop": sum(t.flop for t in ended.finished), "seconds": ended.seconds,
    }  # fmt: skip
    runs = read(folder)
    hint = f"'isoflop rl fit {folder}' fits their curves, 'isoflop rl compare {folder}' compares."
    said = _said(len(ended.finished), ended.reused, ended.seconds)
    blocks = (Paragraph(said), ends(runs), Paragraph(hint))
    return Report(f"Reinforcement learning in {folder}", blocks, data)


def _said(finished: int, reused: int, seconds: float) -> str:
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
            "run", "R_0", "R", "C [FLOP]", "entropy", "unvaried",
        ),
        tuple(rows),
        "The last look of each run: pass rates on held-out problems, entropy in nats/token, and "
        "the share of groups that taught nothing.",
    )  # fmt: skip


def designed(
    preset: str, recipes: tuple[str, ...], change: Mapping[str, str], setting: Mapping[str, str],
    seeds: int | None, seed: int,
) -> Reinforce:  # fmt: skip
    """Return the study of a preset, with the recipes, fields and seeds that were asked for.

    Raises UnknownName for a preset, a recipe or a field that there is not, UsageError for a
    value that a field cannot have.
    """
    from isoflop.experiments.rl import PRESETS, Arm, Recipe, Setting, named

    if preset not in PRESETS:
        raise UnknownName("preset", preset, PRESETS)
    study = PRESETS[preset](seed).sweep
    arms = dict(study.arms)
    if recipes:
        plain = next(iter(arms.values())).setting
        arms = {name: Arm(named(name), plain) for name in recipes}
    known = tuple(f.name for f in fields(Recipe) if f.name not in ("name", "tau"))
    changes = _values(change, Recipe, known, "field of a recipe")
    settings = _values(setting, Setting, SETTABLE, "field of a setting")
    suffix = " ".join(f"{k}={v}" for k, v in {**change, **setting}.items())
    made = {}
    for name, arm in arms.items():
        kind, on = replace(arm.recipe, **changes), replace(arm.setting, **settings)
        made[f"{name} {suffix}".strip()] = arm._replace(recipe=kind, setting=on)
    if seeds is not None:
        refuse_count("--seeds", seeds, 1, MOST_SEEDS)
    chosen = study.seeds if seeds is None else tuple(range(seed, seed + seeds))
    return replace(study, arms=made, seeds=chosen)


def _values(
    given: Mapping[str, str], kind: type[Any], known: tuple[str, ...], what: str
) -> dict[str, Any]:
    """Return texts as values of the fields of a dataclass."""
    types = {f.name: str(f.type) for f in fields(kind)}
    out = {}
    for name, text in given.items():
        if name not in known:
            raise UnknownName(what, name, known)
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
