"""Problems after each draw of the samples that tell how hard they are; choosing for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from isoflop.plan.sampling.difficulty import Difficulty, DifficultyOptions, difficulty
from isoflop.plan.sampling.options import SamplingChoice, options, options_after
from isoflop.plan.sampling.prices import Spending
from isoflop.samples.sample_table import Samples
from isoflop.samples.votes import ENOUGH

NEAR = 0.5  # bins: what is seen in a bin counts for one so far away by a factor 1 / e
FIRST = 4  # draws of the samples that tell difficulty, over which scores are averaged


@dataclass(frozen=True, eq=False)
class Cases:
    """Problems as they look after each draw of the samples that tell difficulty.

    Case s P + i is problem i after draw s: its bin of `count` is `bin` (s P,), and options hold
    how often they are right there (s P,).
    """

    bin: npt.NDArray[np.int64]
    count: int
    options: tuple[SamplingChoice, ...]


def cases_of(
    samples: Samples,
    sorting: DifficultyOptions,
    spending: Spending,
    ran: Sequence[SamplingChoice],
    seed: int,
) -> tuple[Difficulty, Cases]:
    """Return the difficulty by the first draw, and the cases of all of them in its bins."""
    by, aside = sorting.by, sorting.samples(samples.counts.reach)
    difficulties: list[Difficulty] = []
    per_draw: list[dict[str, SamplingChoice]] = []
    for draw in range(FIRST):
        first, rest = samples.split(aside, seed + draw)
        difficulties.append(difficulty(first, by, sorting.bins))
        if by == "oracle":
            choices = options(rest, spending, seed=seed)
        else:
            choices = options_after(
                first,
                rest,
                spending,
                verifier=by == "score",
                seed=seed + draw,
                enough=ENOUGH // FIRST,
            )
        per_draw.append({o.name: o for o in (*choices, *ran)})
    names = [name for name in per_draw[0] if all(name in case for case in per_draw)]
    pooled = tuple(_pooled([case[name] for case in per_draw]) for name in names)
    binned = [replace(case, cuts=difficulties[0].cuts).bin for case in difficulties]
    return difficulties[0], Cases(np.concatenate(binned), difficulties[0].bins, pooled)


def _pooled(cases: list[SamplingChoice]) -> SamplingChoice:
    """Return one choice over the problems of several draws."""
    right, cost = (
        np.concatenate([getattr(case, what) for case in cases]) for what in ("right", "cost")
    )
    return replace(cases[0], right=right, cost=cost)


def chooser(
    cases: Cases, budget: float
) -> Callable[[npt.NDArray[np.bool_]], npt.NDArray[np.int64]]:
    """Return what chooses, from the cases that it is shown, an option for each bin (count,).

    It is the option of the highest mean at a mean price within the budget, the cheapest of
    options that are right alike. Means of a bin borrow from bins nearby: a few problems in a bin
    and dozens of options would crown the luckiest. Prices are means over all problems: hard ones
    take longer whatever is chosen.
    """
    choices = cases.options
    able = [i for i, o in enumerate(choices) if o.price <= budget * (1 + 1e-9)]
    able = able or [int(np.argmin([o.price for o in choices]))]
    able.sort(key=lambda i: choices[i].price)
    right = np.stack([choices[i].right for i in able], axis=1)
    apart = np.abs(np.subtract.outer(np.arange(cases.count), np.arange(cases.count)))

    def choose(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        weight = np.exp(-apart / NEAR)[:, cases.bin] * mask
        mean = weight @ right / weight.sum(1, keepdims=True)
        return np.array([able[i] for i in np.round(mean, 9).argmax(1)])

    return choose
