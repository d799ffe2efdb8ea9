"""Recipes of policy-gradient training as data: the surrogate, its averages, what is left out.

A rollout i of a group has reward r_i and, per token, the ratio rho of the policy's probability to
that of the policy it was sampled from. Where the field's trainers disagree, what is done here is
said at the field concerned.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Literal, get_args, get_type_hints

from isoflop.errors import UnknownName, UsageError

Surrogate = Literal["clip", "sequence-clip", "cispo", "sapo", "reinforce"]
Aggregation = Literal["sample", "prompt", "token", "constant"]
Normalisation = Literal["prompt", "batch", "none"]
Baseline = Literal["prompt", "batch"]


@dataclass(frozen=True, slots=True)
class RLRecipe:
    """How rollouts become a step.

    surrogate: what is maximised per token, with the advantage A:
        "clip": min(rho A, clip(rho, 1 - low, 1 + high) A), as PPO and GRPO have it;
        "sequence-clip": the same with the geometric mean of rho over the response (GSPO);
        "cispo": stop-gradient(clip(rho, 1 - low, 1 + high)) A log p. TRL caps rho at a number,
        5 by default, which is low = 1 and high = 4 here; verl has the two-sided range;
        "sapo": A 4/tau sigmoid(tau (rho - 1)), tau by the sign of A (`tau`);
        "reinforce": A log p, the ratio left alone.
    aggregation: "sample" averages over tokens, then responses; "prompt" over all tokens of a
        group, then groups; "token" over all tokens; "constant" divides by responses times the
        longest response.
    normalisation: A is divided by the standard deviation of the rewards of its group
        ("prompt"), of the advantages of the batch that is learned from ("batch"; TRL takes that
        of the rewards), or by nothing.
    baseline: A is the reward less the mean of its group, or of the batch.
    drop_unvaried: leave out groups whose responses all pass or all fail. They have no gradient,
        but without this they count in averages.
    resample: how often at most a batch is filled up with fresh problems in place of those.
    retire: problems of a fixed set are not drawn again once this share of a group passes.
    overlong: a response loses up to 1 reward, in proportion, over the last so many tokens
        before the limit (DAPO).
    interrupt: thinking is cut at a random length, from this share of the longest solution up to
        it, and the answer asked for; the tokens put in are not learned from.
    kl: weight of the divergence from the start, by the estimator k3, added per token.
    lag: how many steps are taken on rollouts of one policy (off-policy-k, synchronously: with
        updates in flight, as PipelineRL has them, every rollout would be a mixture of policies).
        At 1 the ratio is 1, and the surrogates do not differ.
    """

    name: str
    surrogate: Surrogate = "clip"
    low: float = 0.2
    high: float = 0.2
    tau: tuple[float, float] = (1.0, 1.05)
    aggregation: Aggregation = "sample"
    normalisation: Normalisation = "prompt"
    baseline: Baseline = "prompt"
    drop_unvaried: bool = False
    resample: int = 0
    retire: float | None = None
    overlong: int = 0
    interrupt: float | None = None
    kl: float = 0.0
    lag: int = 1

    def __post_init__(self) -> None:
        """Refuse a recipe that cannot be followed, and take a list for a tuple."""
        object.__setattr__(self, "tau", tuple(self.tau))
        for field, allowed in _CHOICES.items():
            if getattr(self, field) not in allowed:
                raise UnknownName(field, str(getattr(self, field)), allowed)
        numbers = (self.low, self.high, self.kl, self.overlong, self.resample, self.lag - 1)
        if not all(0 <= number <= MOST for number in numbers):
            raise UsageError(f"the recipe {self.name} holds a number that none can have: {self}")
        if self.resample and not self.drop_unvaried:
            raise UsageError(f"{self.name} fills up for groups that it does not drop")
        for share in (self.retire, self.interrupt):
            if share is not None and not 0 < share <= 1:
                raise UsageError(f"{self.name}: {share:g} is no share; give one above 0, up to 1")

    @property
    def gradient(self) -> RLRecipe:
        """The plainest recipe of the same gradient, whatever the rollouts.

        At one step on each batch of rollouts the ratio is 1, so that what is done to it has no
        effect: clipping, a cap, a gate and a mean over the response are plain policy gradient.
        """
        plain = replace(self, name="")
        if self.lag > 1 or (self.surrogate == "sequence-clip" and self.aggregation != "sample"):
            return plain
        return replace(plain, surrogate="reinforce", low=0.2, high=0.2, tau=(1.0, 1.05))


def alike(recipes: Mapping[str, RLRecipe]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of names whose recipes cannot differ: their gradients are the same."""
    groups: dict[RLRecipe, list[str]] = {}
    for name, recipe in recipes.items():
        groups.setdefault(recipe.gradient, []).append(name)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


MOST = 1e6  # of any number of a recipe

_CHOICES = {
    f.name: get_args(get_type_hints(RLRecipe)[f.name])
    for f in fields(RLRecipe)
    if f.name in ("surrogate", "aggregation", "normalisation", "baseline")
}

# What a clipped, capped or gated ratio does shows only where it differs from one, which takes
# several steps on rollouts of one policy: at lag 1 such recipes are plain policy gradient.
STEPS_PER_BATCH = 4
_CISPO = RLRecipe(
    "cispo",
    "cispo",
    low=1.0,
    high=4.0,
    aggregation="prompt",
    normalisation="prompt",
    lag=STEPS_PER_BATCH,
)
_ALL = (
    # Shao et al. 2024, arXiv:2402.03300, without its KL term, which trainers now leave out.
    RLRecipe("grpo", lag=STEPS_PER_BATCH),
    # Yu et al. 2025, arXiv:2503.14476, eq. 8: tokens are averaged within each group. TRL and verl
    # average over the batch, which is aggregation="token" here.
    RLRecipe(
        "dapo",
        high=0.28,
        aggregation="prompt",
        drop_unvaried=True,
        resample=2,
        overlong=2,
        lag=STEPS_PER_BATCH,
    ),
    # Liu et al. 2025, arXiv:2503.20783: no division by the spread, nor by the length.
    RLRecipe("dr-grpo", aggregation="constant", normalisation="none", lag=STEPS_PER_BATCH),
    # Zheng et al. 2025, arXiv:2507.18071; the range that Khatri et al. 2025 found to work.
    RLRecipe("gspo", "sequence-clip", low=4e-3, high=4e-3, lag=STEPS_PER_BATCH),
    # MiniMax 2025, arXiv:2506.13585.
    _CISPO,
    # Soft adaptive policy optimisation, with the temperatures that TRL states.
    RLRecipe("sapo", "sapo", lag=STEPS_PER_BATCH),
    # Williams 1992, with the mean of the batch for a baseline.
    RLRecipe(
        "reinforce", "reinforce", aggregation="constant", normalisation="none", baseline="batch"
    ),
    # Khatri et al. 2025, arXiv:2510.13786.
    replace(
        _CISPO,
        name="scalerl",
        normalisation="batch",
        drop_unvaried=True,
        retire=0.9,
        interrupt=5 / 6,
        lag=8,
    ),
)
RECIPES: Mapping[str, RLRecipe] = MappingProxyType({recipe.name: recipe for recipe in _ALL})


def named(name: str, changes: Mapping[str, Any] | None = None) -> RLRecipe:
    """Return the recipe called `name` with `changes` to its fields, which then name it too.

    Raises UnknownName for a recipe or a field that there is not.

    >>> named("grpo", {"lag": 8}).name
    'grpo lag=8'
    """
    if name not in RECIPES:
        raise UnknownName("recipe", name, RECIPES)
    field_names = [f.name for f in fields(RLRecipe) if f.name != "name"]
    for field in changes or {}:
        if field not in field_names:
            raise UnknownName("field of a recipe", field, field_names)
    if not changes:
        return RECIPES[name]
    label = " ".join(f"{field}={value}" for field, value in changes.items())
    return replace(RECIPES[name], name=f"{name} {label}", **changes)
