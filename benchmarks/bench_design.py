"""Which runs to buy: designs against random and cheapest ones, on published runs.

From each study the costliest runs are cut off as the region to forecast; the rest is the pool. A
strategy spends 1, 5 or 10% of the compute of the pool, Chinchilla's law is fitted to what it
bought, and its forecasts are held against the region. Each repeat offers another 80% of the pool.
What it shows so far: choosing for the target beats buying from the cheapest up in about two of
three repeats, and is no better than random buying, which also takes a few large runs. So only the
first is asserted. Every strategy but `random` and `cheapest` starts with runs chosen from the
typical range of the law alone and then chooses again, twice, from the fit to what it has. Rows:
  random      runs in random order, while they can be paid
  cheapest    from the cheapest up
  D-optimal   criterion "parameters"
  V-optimal   criterion "target"
  V, averaged the same over two forms, what they disagree on counting as unknown
"""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from isoflop.errors import CannotFit, RefusedByData
from isoflop.fitting import Fit, fit
from isoflop.plan.design.greedy import Criterion, design
from isoflop.plan.design.uncertainty import Candidates, Target
from isoflop.runs import Runs

SHARES = (0.01, 0.05, 0.10)
REPEATS = 10
REGION = 0.12  # of the runs, the costliest
OFFERED = 0.8  # of the pool, in each repeat
NOISE = 0.005  # of log losses, before a fit has seen them
DRIFT = 0.002  # of the form: 1% at a factor of 10 beyond the runs, 4% at a factor of 100
ROUNDS = 2
OPENING = 0.3  # of the budget, spent before the first fit
FEW = {"alpha": 0.34, "beta": 0.28}  # pinned where fewer runs were bought than the law has numbers
MODELS = ("chinchilla", "generalised")


def rows_of(name: str) -> list[dict[str, float]]:
    path = Path(os.environ.get("ISOFLOP_DATA", "")) / "scalebench" / name
    if not path.is_file():
        pytest.skip(f"needs scalebench/{name}: set ISOFLOP_DATA to the folder that holds it")
    with path.open() as file:
        return [{k: float(v) for k, v in r.items() if k != "group"} for r in csv.DictReader(file)]


def tuned() -> Runs:
    """The best run over learning rates and batches at each size and token count."""
    best: dict[tuple[float, float], float] = {}
    for r in rows_of("lr_bsz_train.csv"):
        key = (r["non_embedding_param_size"], r["data_size"])
        best[key] = min(best.get(key, np.inf), r["lm_loss"])
    N, D = np.array(list(best)).T
    return Runs({"N": N, "D": D, "L": list(best.values())})


def repeated() -> Runs:
    """Runs that saw their data four times at most, which costs next to nothing."""
    rows = rows_of("data_constrained_train.csv")
    rows = [r for r in rows if r["tokens"] <= 4 * r["unique_tokens"]]
    return Runs({s: [r[k] for r in rows] for s, k in
                 (("N", "params"), ("D", "tokens"), ("L", "loss"))})  # fmt: skip


STUDIES: dict[str, Callable[[], Runs]] = {
    "tuned lr, batch": tuned,
    "up to 4 epochs": repeated,
}


def cost(runs: Runs) -> np.ndarray:
    return 6 * runs["N"] * runs["D"]


def fitted(runs: Runs, region: Runs, law: str = "chinchilla") -> Fit | None:
    """Fit what was bought; with too few runs, the law with Chinchilla's own exponents.

    Every strategy's runs weigh as the design holds them to be worth: by how far the form may have
    drifted off between them and the region.
    """
    if not len(runs):
        return None
    far = sum(np.log(runs[s] / np.exp(np.log(region[s]).mean())) ** 2 for s in "ND")
    sigma = np.hypot(NOISE, DRIFT * far)
    weighed = dataclasses.replace(runs, columns={**runs.columns, "sigma": sigma})
    for fix in ({}, FEW if law == "chinchilla" else {}):
        try:
            return fit(
                law, weighed, objective="squared", draws=0, fix=fix, screened=256, polished=6
            )
        except CannotFit:
            continue
    return None


def affordable(order: np.ndarray, runs: Runs, budget: float) -> np.ndarray:
    chosen, spent = [], 0.0
    for i in order:
        if spent + cost(runs)[i] <= budget:
            chosen.append(i)
            spent += cost(runs)[i]
    return np.array(chosen, int)


def designed(
    runs: Runs, region: Runs, budget: float, criterion: Criterion, laws: tuple[str, ...]
) -> np.ndarray:
    """Buy in rounds: first from typical ranges, then from fits to what was bought."""
    target = Target(N=region["N"], D=region["D"])
    bought = np.zeros(0, int)
    for round_ in range(ROUNDS + 1):
        spent = float(cost(runs)[bought].sum())
        share = OPENING + (1 - OPENING) * round_ / ROUNDS
        rest = np.setdiff1d(np.arange(len(runs)), bought)
        offer = runs.select(rest)
        models = [m for law in laws if (m := fitted(runs.select(bought), region, law)) is not None]
        try:
            made = design(
                models or ["chinchilla"], target, Candidates(offer["N"], offer["D"], cost(offer)),
                criterion=criterion, budget=share * budget - spent, noise=NOISE, drift=DRIFT,
            )  # fmt: skip
        except RefusedByData:
            continue
        bought = np.concatenate([bought, rest[[c.index for c in made.choices]]])
    return bought


def strategies(rng: np.random.Generator) -> dict[str, Callable[..., np.ndarray]]:
    return {
        "random": lambda r, t, b: affordable(rng.permutation(len(r)), r, b),
        "cheapest": lambda r, t, b: affordable(np.argsort(cost(r)), r, b),
        "D-optimal": lambda r, t, b: designed(r, t, b, "parameters", MODELS[:1]),
        "V-optimal": lambda r, t, b: designed(r, t, b, "target", MODELS[:1]),
        "V, averaged": lambda r, t, b: designed(r, t, b, "target", MODELS),
    }


def error(runs: Runs, region: Runs) -> float:
    """Return the mean absolute error [%] of forecasts of the region by what was bought."""
    made = fitted(runs, region)
    if made is None:
        return np.nan
    said = made.predict(N=region["N"], D=region["D"])
    return float(100 * np.abs(said / region["L"] - 1).mean())


def errors_of(strategy: str, pool: Runs, region: Runs, share: float) -> tuple[list[float], float]:
    """Return the error of each repeat, NaN where no law could be fitted, and the runs bought."""
    errors, counts = [], []
    for repeat in range(REPEATS):
        order = np.random.default_rng(repeat).permutation(len(pool))  # the same for all strategies
        offer = pool.select(order[: int(OFFERED * len(pool))])
        buy = strategies(np.random.default_rng(1000 + repeat))[strategy]
        chosen = buy(offer, region, share * float(cost(pool).sum()))
        errors.append(error(offer.select(chosen), region))
        counts.append(chosen.size)
    return errors, float(np.mean(counts))


def test_designs_beside_random_and_cheapest_runs():
    table: dict[str, list[list[float]]] = {s: [] for s in strategies(np.random.default_rng(0))}
    for name, make in STUDIES.items():
        runs = make()
        dear = cost(runs) > np.quantile(cost(runs), 1 - REGION)
        region, pool = runs.select(dear), runs.select(~dear)
        print(f"\n{name}: {len(pool)} runs in the pool, {len(region)} to forecast; error [%] with "
              f"the whole pool {error(pool, region):.2f}")  # fmt: skip
        print(f"{'':12s}" + "".join(f"{share:>29.0%}" for share in SHARES))
        for strategy, kept in table.items():
            cells = []
            for share in SHARES:
                errors, count = errors_of(strategy, pool, region, share)
                kept.append(errors)
                missed = int(np.isnan(errors).sum())
                said = f"{np.nanmean(errors):.2f} ± {np.nanstd(errors):.2f} ({count:.0f} runs)"
                cells.append(said + (f" {missed} lost" if missed else ""))
            print(f"{strategy:12s}" + "".join(f"{c:>29s}" for c in cells))
    # Paired: the same offer to both. A repeat in which no law could be fitted is lost.
    score = {s: np.nan_to_num(np.array(rows), nan=np.inf) for s, rows in table.items()}
    wins = {s: {} for s in score}
    for strategy, mine in score.items():
        for rival in ("random", "cheapest"):
            even = (mine == score[rival]).mean()
            wins[strategy][rival] = float((mine < score[rival]).mean() + even / 2)
    print("\nshare of repeats won against random and against cheapest:")
    for strategy, against in wins.items():
        print(f"{strategy:12s}" + "".join(f"{against[r]:>10.0%}" for r in ("random", "cheapest")))
    assert wins["V, averaged"]["cheapest"] > 0.5
