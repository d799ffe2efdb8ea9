"""Studies by name: the one that is shown, a trial of it, and a grid of responses per problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType

from isoflop.experiments.experiment import Preset
from isoflop.experiments.policy import ChainTask, Warmup
from isoflop.experiments.rl.config import RLConfig
from isoflop.experiments.rl.recipe import RECIPES, RLRecipe
from isoflop.experiments.rl.study import RecipeArm, Reinforce

# GRPO as its paper has it, one step on each batch of rollouts, beside ScaleRL's recipe.
PAIR = {"grpo": replace(RECIPES["grpo"], lag=1), "scalerl": RECIPES["scalerl"]}
GROUPS = (4, 8, 16, 32)


def tiny(seed: int = 0) -> Preset[Reinforce]:
    """Return a study of seconds, to see that everything works."""
    setting = RLConfig(
        ChainTask(modulus=3, most=2),
        32,
        1,
        Warmup(steps=80, batch=32, lr=1e-2),
        prompts=16,
        group=8,
        steps=160,
        lr=1e-3,
        problems=128,
        samples=2,
        every=8,
    )
    return Preset(
        Reinforce({name: RecipeArm(recipe, setting) for name, recipe in PAIR.items()}, (seed,))
    )


STUDY = RLConfig(
    width=32, warmup=Warmup(steps=1_500, skill=0.25), steps=240, lr=1.5e-3, samples=2, every=8
)


def study(seed: int = 0) -> Preset[Reinforce]:
    """Return the embedded study: two recipes on fresh problems, and one on 256 that come again.

    Three seeds each, from one start. Fresh problems can be learnt in full by a policy that is
    large enough; a fixed set is learnt by heart, which leaves a ceiling below one.
    """
    arms = {name: RecipeArm(recipe, STUDY) for name, recipe in PAIR.items()}
    arms["grpo, 256 problems"] = RecipeArm(PAIR["grpo"], replace(STUDY, pool=256))
    return Preset(Reinforce(arms, tuple(range(seed, seed + 3))))


def isocompute(seed: int = 0) -> Preset[Reinforce]:
    """Return GRPO at several responses per problem, each with the compute of the study's runs.

    A step has 32 problems whatever their responses, so that fewer responses mean smaller and
    more steps.
    """
    arms = {}
    for group in GROUPS:
        times = STUDY.group / group  # steps for each of the study's
        steps, every = round(STUDY.steps * times), round(STUDY.every * times)
        setting = replace(STUDY, group=group, steps=steps, every=every)
        arms[f"grpo n={group}"] = RecipeArm(PAIR["grpo"], setting, "grpo")
    return Preset(Reinforce(arms, (seed,)))


def losses(seed: int = 0) -> Preset[Reinforce]:
    """Return GRPO with one thing changed at a time: its loss, its lag, its normalisation.

    Four seeds each, from one start, four steps on each batch of rollouts unless said otherwise.
    """
    base = replace(RECIPES["grpo"], name="clip")
    kinds: dict[str, RLRecipe] = {
        "clip": base,
        "sequence-clip": replace(base, surrogate="sequence-clip", low=4e-3, high=4e-3),
        "cispo": replace(base, surrogate="cispo", low=1.0, high=4.0),
        "sapo": replace(base, surrogate="sapo"),
        "no ratio": replace(base, surrogate="reinforce"),
        "clip, lag 1": replace(base, lag=1),
        "clip, lag 8": replace(base, lag=8),
        "clip, spread of the batch": replace(base, normalisation="batch"),
        "clip, no spread": replace(base, normalisation="none"),
    }
    arms = {name: RecipeArm(replace(kind, name=name), STUDY) for name, kind in kinds.items()}
    return Preset(Reinforce(arms, tuple(range(seed, seed + 4))))


PRESETS: Mapping[str, Callable[[int], Preset[Reinforce]]] = MappingProxyType(
    {"tiny": tiny, "study": study, "isocompute": isocompute, "losses": losses}
)
