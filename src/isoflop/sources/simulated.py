"""Reward curves whose truth is known: a law, noise of a stated size, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.law import Law
from isoflop.runs import Runs


def reward_curves(
    recipes: Mapping[str, Law],
    x: Numbers,
    *,
    over: str = "hours",
    noise: float = 0.006,
    wander: float = 0.0,
    seeds: Sequence[int] = (0,),
) -> Runs:
    """Return the evaluations of one run per recipe and seed at compute x (n,) of quantity `over`.

    The reward of a recipe is its law of x, such as a published sigmoid. `noise` is the standard
    deviation of one evaluation, .006 for 1,000 problems of 16 responses; `wander` that of slow
    drift about the curve, which falls to half within about seven evaluations and that no single
    run can tell from its curve. Runs carry the labels run, family and seed, and the column
    `start` of laws that have an R_0.
    """
    if not recipes or not len(seeds):
        raise UsageError("a simulation needs at least one recipe and one seed")
    columns: dict[str, list[Numbers]] = {over: [], "R": [], "start": []}
    labels: dict[str, list[str]] = {"run": [], "family": [], "seed": []}
    for place, (name, law) in enumerate(recipes.items()):
        for seed in seeds:
            rng = np.random.default_rng((place, seed))
            drift = _drift(rng, x.size, wander)
            columns[over].append(x)
            columns["R"].append(law(x) + drift + noise * rng.standard_normal(x.size))
            columns["start"].append(np.full(x.size, law.values.get("R_0", np.nan)))
            for label, text in (("run", f"{name}-{seed}"), ("family", name), ("seed", f"{seed}")):
                labels[label] += [text] * x.size
    return Runs(
        {k: np.concatenate(v) for k, v in columns.items() if np.isfinite(np.concatenate(v)).all()},
        {k: np.array(v) for k, v in labels.items()},
        origin="a simulation",
    )


def _drift(rng: np.random.Generator, count: int, size: float, memory: float = 0.9) -> Numbers:
    """Return a stationary walk (count,) of standard deviation `size`."""
    steps = size * np.sqrt(1 - memory**2) * rng.standard_normal(count)
    walk = np.empty(count)
    last = size * rng.standard_normal()
    for i, step in enumerate(steps):
        walk[i] = last = memory * last + step
    return walk


def sample_rl() -> Runs:
    """Return the packaged `sample:rl`: two recipes of ScaleRL's table 1, three simulated runs each.

    The published run, and the one of a context of 32k tokens, which learns later and ends higher,
    evaluated every 500 GPU-hours up to 16k and 25k with a noise of .006.
    """
    from isoflop.laws import constants

    parts = [
        reward_curves(
            {name: constants(f"sigmoid/khatri2025-{which}").law},
            np.arange(500.0, end + 1, 500.0),
            seeds=seeds,
        )
        for name, which, end, seeds in (
            ("short-context", "scalerl", 16_000, (0, 1, 2)),
            ("long-context", "32k", 25_000, (3, 4, 5)),
        )
    ]
    whole = parts[0] + parts[1]
    # Four digits, as a log would have.
    rounded = {**whole.columns, "R": np.round(whole["R"], 4)}
    return Runs(rounded, whole.labels, origin="sample:rl", rows=np.arange(2, len(whole) + 2))


def sample_responses() -> Runs:
    """Return the packaged `sample:rl-responses`: runs of 8 to 512 responses per problem.

    More responses raise the ceiling and put off the middle, as the IsoCompute Playbook
    (arXiv:2603.12151) found; the numbers are made up.
    """
    from isoflop.laws.sigmoid import Sigmoid

    x = np.geomspace(100.0, 30_000.0, 40)
    parts = []
    for place, n in enumerate((8, 32, 128, 512)):
        law = Sigmoid(R_0=0.3, A=0.48 + 0.05 * place, C_mid=700.0 * 2.6**place, B=1.6)
        one = reward_curves({f"{n} responses": law}, x, seeds=(place,))
        columns = {**one.columns, "R": np.round(one["R"], 4), "hours": np.round(x, 1)}
        columns["group"] = np.full(x.size, float(n))
        parts.append(Runs(columns, {"run": one.labels["run"]}, origin=one.origin))
    whole = parts[0] + parts[1] + parts[2] + parts[3]
    rows = np.arange(2, len(whole) + 2)
    return Runs(whole.columns, whole.labels, origin="sample:rl-responses", rows=rows)


def sample_log() -> list[dict[str, float]]:
    """Return the packaged `sample:rl-log`: what TRL would log of a simulated run, restarted once.

    Evaluations come every 50 steps, training rewards every 10; at step 700 the run went back to
    its checkpoint of step 600.
    """
    from isoflop.laws.sigmoid import Sigmoid

    law, rng = Sigmoid(R_0=0.22, A=0.68, C_mid=420.0, B=1.8), np.random.default_rng(0)
    records: list[dict[str, float]] = [{"step": 0, "eval_reward": 0.2197}]
    for step in (*range(10, 701, 10), *range(610, 1501, 10)):
        reward = float(law(float(step)))
        noisy = np.round(reward + rng.normal(0, [0.03, 0.008]), 4).tolist()
        records.append(
            {
                "step": step,
                "reward": noisy[0],
                "entropy": round(0.9 * step**-0.2, 4),
                "completions/clipped_ratio": round(0.01 + 0.02 * step / 1500, 4),
                "frac_reward_zero_std": round(0.2 + 0.3 * reward, 4),
            }
        )
        if step % 50 == 0:
            records.append({"step": step, "eval_reward": noisy[1]})
    return records
