"""Statements about Kaplan's laws, recomputed from the laws themselves."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from isoflop.accounting import HOFFMANN_FAMILY, Architecture, nonembedding_frontier, training_flop
from isoflop.atlas.claims import Claim
from isoflop.claims.recomputed import Recomputation, Recomputed, against, recomputes
from isoflop.laws import constants
from isoflop.laws.power import PF_DAY, Power


def _gpt3(layers: int, width: int, heads: int) -> Architecture:
    """Return a model of Brown et al. 2020, table 2.1."""
    return Architecture(
        layers=layers,
        width=width,
        heads=heads,
        feed_forward=4 * width,
        vocabulary=50_257,
        context=2048,
        gated=False,
        tied=True,
        biases=True,
        positions="learned",
    )


def _power(name: str) -> Power:
    law = constants(f"power/kaplan2020-{name}").law
    assert isinstance(law, Power)
    return law


@recomputes(1)
def _straight(claim: Claim) -> Recomputed:
    def bend(E: float) -> float:
        law = Power(E=E, A=_power("n").A, alpha=_power("n").alpha)
        first, middle, last = np.log(law(np.array([1e8, 1e10, 1e12])))
        return round(float(abs((last - middle) - (middle - first))), 12)

    return against(
        claim, {"bend without a floor": bend(0.0), "bend with a floor of 1.69": bend(1.69)}
    )


@recomputes(2, 3, 4)
def _single(claim: Claim) -> Recomputed:
    law = _power({2: "n", 3: "d", 4: "cmin"}[claim.number])
    scale = law.A ** (1 / law.alpha)
    named = {2: ("N_c [params]", 1.0), 3: ("D_c [tokens]", 1.0), 4: ("C_c [PF-days]", PF_DAY)}
    name, unit = named[claim.number]
    return against(claim, {"exponent": law.alpha, name: scale / unit})


@recomputes(5)
def _split(claim: Claim) -> Recomputed:
    a = -_power("n-of-c").alpha
    return against(claim, {"exponent of N": a, "exponent of D": 1 - a})


@recomputes(6)
def _six(claim: Claim) -> Recomputed:
    def each(model: Architecture) -> float:
        return float(training_flop(model, 1, "detailed") / model.parameters("total"))

    return against(
        claim,
        {
            "FLOP per parameter and token of GPT-3": each(_gpt3(96, 12_288, 96)),
            "FLOP per parameter and token of GPT-3 125M": each(_gpt3(12, 768, 12)),
        },
    )


@recomputes(16, 17)
def _sum(claim: Claim) -> Recomputed:
    return _beside_joint(lambda by_size, by_data: by_size + by_data, "sum of the two terms")


@recomputes(18)
def _product(claim: Claim) -> Recomputed:
    return _beside_joint(lambda by_size, by_data: by_size * by_data, "product of the two laws")


def _beside_joint(join: Callable[[float, float], float], what: str) -> Recomputed:
    """Return Kaplan's joint law beside what a statement makes of the single ones."""
    N, D = 1.5e9, 22e9
    joint = float(constants("kaplan-joint/kaplan2020").law(N=N, D=D))
    combination = float(join(_power("n")(N), _power("d")(D)))
    named = f"loss at 1.5B and 22B tokens: {what} against the joint law"
    return Recomputed(
        (Recomputation(named, combination, joint, bool(abs(combination / joint - 1) < 0.05)),)
    )


@recomputes(20)
def _gain(claim: Claim) -> Recomputed:
    by_N = 1 - float(_power("n")(10.0) / _power("n")(1.0))
    by_D = 1 - float(_power("d")(10.0) / _power("d")(1.0))
    what = "gain of ten times N over gain of ten times D, said to be above 1"
    return Recomputed(
        (Recomputation(what, 1.0, by_N / by_D, by_N > by_D),),
        {
            "percent off the loss by ten times N": 100 * by_N,
            "percent off the loss by ten times D": 100 * by_D,
        },
    )


@recomputes(21)
def _overfitting(claim: Claim) -> Recomputed:
    joint = constants("kaplan-joint/kaplan2020").law.values
    return against(claim, {"times the data": float(8 ** (joint["alpha_N"] / joint["alpha_D"]))})


@recomputes(22, 23)
def _tenfold(claim: Claim) -> Recomputed:
    N = float(_power("n-of-c")(1e22) / _power("n-of-c")(1e21))
    return against(claim, {"times N": N, "times D": 10 / N})


@recomputes(24)
def _sizes(claim: Claim) -> Recomputed:
    return against(claim, claim.facts)


@recomputes(25)
def _orders(claim: Claim) -> Recomputed:
    facts = claim.facts
    return against(
        claim,
        {
            f"at least orders of {s}": float(np.log10(facts[f"most {s}"] / facts[f"least {s}"]))
            for s in "ND"
        },
    )


@recomputes(45)
def _gopher(claim: Claim) -> Recomputed:
    C = claim.facts["budget FLOP"]
    N = float(_power("n-of-c")(C / 2))
    return against(claim, {"N [params]": N, "D [tokens]": C / 6 / N})


@recomputes(46)
def _slope(claim: Claim) -> Recomputed:
    law, N, D = constants("chinchilla/hoffmann2022").law, claim.facts["N"], claim.facts["D"]
    slope = -float(np.log(law(N=N * 1.01, D=D) / law(N=N, D=D)) / np.log(1.01))
    return against(claim, {"slope of the whole loss": slope})


@recomputes(69)
def _counted_without_tables(claim: Claim) -> Recomputed:
    law = constants("chinchilla/besiroglu2024").law.values
    best = nonembedding_frontier(
        np.geomspace(768, 1.5e9, 20),
        HOFFMANN_FAMILY,
        **{k: float(law[k]) for k in ("A", "B", "alpha", "beta")},
    )
    slope = float(np.polyfit(np.log(best.C), np.log(best.N), 1)[0])
    true = float(law["beta"] / (law["alpha"] + law["beta"]))
    return against(
        claim,
        {
            "exponent of N in C, counted as Kaplan did": slope,
            "exponent of N in C of the same law": true,
        },
    )


@recomputes(9)
def _schedule(claim: Claim) -> Recomputed:
    f = claim.facts
    matched = f["exponent before matching"] - f["exponent after matching"]
    whole = f["exponent reproduced"] - f["exponent tuned"]
    return against(claim, {"% of the way due to the schedule": 100 * matched / whole})
