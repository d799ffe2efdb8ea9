"""Statements about Chinchilla, recomputed from published sets of its law."""

from __future__ import annotations

import numpy as np

from isoflop.atlas.claims import Claim
from isoflop.atlas.models import MODELS
from isoflop.claims.recomputed import Recomputation, Recomputed, against, recomputes
from isoflop.laws import constants
from isoflop.laws.chinchilla import Chinchilla

_SETS = ("hoffmann2022", "hoffmann2022-tex", "besiroglu2024", "muennighoff2023")


def _law(name: str = "besiroglu2024") -> Chinchilla:
    law = constants(f"chinchilla/{name}").law
    assert isinstance(law, Chinchilla)
    return law


def _ratio(name: str, C: float) -> float:
    best = _law(name).optimum(C)
    return float(best.D / best.N)


def _ratios(C: float) -> dict[str, float]:
    return {f"best tokens per parameter, by {name}": _ratio(name, C) for name in _SETS}


def _exponent(law: Chinchilla) -> float:
    """Return the exponent of the best N in C."""
    return law.beta / (law.alpha + law.beta)


@recomputes(8)
def _equal(claim: Claim) -> Recomputed:
    small, large = MODELS["Chinchilla 70B"], MODELS["Gopher 280B"]
    return against(
        claim,
        {
            "exponent of N": -float(constants("power/hoffmann2022-n-of-c").law.values["alpha"]),
            "compute over Gopher": (small.flop or 0.0) / claim.facts["compute of Gopher FLOP"],
            "N over Gopher": (small.met or 0.0) / (large.met or 1.0),
            "D over Gopher": (small.D.value or 0.0) / (large.D.value or 1.0),
        },
    )


@recomputes(19)
def _shares(claim: Claim) -> Recomputed:
    best, law = _law().optimum(claim.facts["budget FLOP"]), _law()
    up = 1.01

    def elasticity(N: float, D: float) -> float:
        return float(np.log((N * D) / (best.N * best.D)) / np.log(up))

    by_size = law.A / best.N**law.alpha
    reducible = law(N=best.N, D=best.D) - law.E
    return against(
        claim,
        {
            "elasticity of C in N": elasticity(best.N * up, best.D),
            "elasticity of C in D": elasticity(best.N, best.D * up),
            "share of reducible loss due to N": float(by_size / reducible),
        },
    )


@recomputes(27)
def _study(claim: Claim) -> Recomputed:
    valid = constants("chinchilla/hoffmann2022").valid
    (least_N, most_N), (least_D, most_D) = valid["N"], valid["D"]
    values = {"least N [params]": least_N, "most N [params]": most_N}
    return against(claim, {**values, "least D [tokens]": least_D, "most D [tokens]": most_D})


@recomputes(28)
def _rounded(claim: Claim) -> Recomputed:
    values = {k: float(v) for k, v in _law("hoffmann2022").values.items()}
    return against(claim, {**values, **_ratios(claim.facts["budget FLOP"])})


@recomputes(29)
def _average(claim: Claim) -> Recomputed:
    mean = sum(claim.facts.values()) / len(claim.facts)
    exponent = _exponent(_law("hoffmann2022"))
    what = "exponent of N in C: average of the three against the formula's"
    return Recomputed((Recomputation(what, mean, exponent, round(mean, 2) == round(exponent, 2)),))


@recomputes(30)
def _sixth(claim: Claim) -> Recomputed:
    C, law = claim.facts["budget FLOP"], _law()
    G = (law.alpha * law.A / (law.beta * law.B)) ** (1 / (law.alpha + law.beta))
    formula_N, optimum_N = float(G * C ** _exponent(law)), float(law.optimum(C).N)
    what = "best N for 5.76e23 FLOP: G C^a against the optimum"
    return Recomputed(
        (Recomputation(what, formula_N, optimum_N, bool(abs(formula_N / optimum_N - 1) < 0.01)),)
    )


@recomputes(31)
def _proportion(claim: Claim) -> Recomputed:
    a = _exponent(_law())
    return against(claim, {"exponent of D in N": (1 - a) / a, "exponent of N in D": a / (1 - a)})


@recomputes(32)
def _one_to_one(claim: Claim) -> Recomputed:
    C = claim.facts["budget FLOP"]
    N = D = (C / 6) ** 0.5
    r = claim.statements["tokens per parameter"]
    return against(
        claim, {"tokens per parameter": D / N, "N at 20 tokens per parameter": (C / (6 * r)) ** 0.5}
    )


@recomputes(33)
def _twenty(claim: Claim) -> Recomputed:
    C = claim.facts["budget FLOP"]
    D = (C / 0.3) ** 0.5
    return against(claim, {"share of C spent": 6 * (D / 20) * D / C, "N [params]": D / 20})


@recomputes(34)
def _halved(claim: Claim) -> Recomputed:
    law = _law()
    best = law.optimum(claim.facts["budget FLOP"])
    worse = law(N=best.N / 2, D=best.D * 2) - law.E
    return against(
        claim, {"reducible loss added": float(worse / (law(N=best.N, D=best.D) - law.E) - 1)}
    )


@recomputes(44)
def _served(claim: Claim) -> Recomputed:
    sizes = [MODELS[name].met or 1.0 for name in ("Chinchilla 70B", "Gopher 280B")]
    return against(claim, {**claim.facts, "serving over Gopher": sizes[0] / sizes[1]})


@recomputes(70)
def _about_twenty(claim: Claim) -> Recomputed:
    C = claim.facts["budget FLOP"]
    return against(claim, {"tokens per parameter": _ratio("besiroglu2024", C), **_ratios(C)})


@recomputes(71)
def _cheaper(claim: Claim) -> Recomputed:
    """Compare the ways from GPT-3 to the loss of Chinchilla: more data, or a larger model."""
    law, start, aim = _law(), MODELS["GPT-3 175B"], MODELS["Chinchilla 70B"]
    N, D = start.N.value or 1.0, start.D.value or 1.0
    L = float(law(N=aim.N.value, D=aim.D.value))
    floor = float(law.E + law.B / D**law.beta)
    return against(
        claim,
        {
            "times the data from GPT-3 to the loss of Chinchilla": float(law.tokens_for(L, N)) / D,
            "loss of Chinchilla": L,
            "least loss of any size on the data of GPT-3": floor,
        },
    )


@recomputes(72)
def _floor(claim: Claim) -> Recomputed:
    return against(claim, _ratios(claim.facts["budget FLOP"]))
