"""Statements about other forms, data and compute after pretraining, recomputed."""

from __future__ import annotations

import math

from isoflop.atlas.claims import Claim
from isoflop.atlas.models import MODELS
from isoflop.atlas.text_stock import STOCK
from isoflop.claims.recomputed import Recomputed, against, recomputes
from isoflop.laws.power import Power


def _exponents() -> list[float]:
    """Return the exponents of Henighan's laws of the loss, in N and in C."""
    sets = Power.published
    return [
        float(s.law.values["alpha"])
        for name, s in sets.items()
        if name.startswith("henighan2020") and s.binding.predicts == "L"
    ]


@recomputes(7, 49)
def _domains(claim: Claim) -> Recomputed:
    exponents = _exponents()
    ratio = max(exponents) / min(exponents)
    return against(
        claim,
        {
            "largest over smallest exponent": ratio,
            "least exponent": min(exponents),
            "greatest exponent": max(exponents),
        },
    )


@recomputes(48)
def _largest(claim: Claim) -> Recomputed:
    f = claim.facts
    power = f["slope"] * f["d"] + f["offset"]
    return against(
        claim,
        {
            "N_max at d = 10, log to base 10": 10**power,
            "N_max at d = 10, log to base e": math.exp(power),
        },
    )


@recomputes(50)
def _printed(claim: Claim) -> Recomputed:
    return against(claim, claim.facts)


@recomputes(59)
def _sudden(claim: Claim) -> Recomputed:
    f = claim.facts
    return against(
        claim,
        {
            f"{what}, at {f[when]:g} right a token": value
            for when in ("before", "later")
            for what, value in (
                ("share of exact answers of 30 tokens", f[when] ** f["tokens"]),
                ("tokens wrong of 30", f["tokens"] * (1 - f[when])),
            )
        },
    )


@recomputes(60)
def _stock(claim: Claim) -> Recomputed:
    return against(claim, {**claim.facts, "stock [tokens]": STOCK.value.typical})


@recomputes(61)
def _web(claim: Claim) -> Recomputed:
    tokens = claim.facts["indexed web [tokens]"]
    sets = [m.D.value for m in MODELS.values() if m.released <= claim.facts["until"] and m.D.value]
    values = {"indexed web [tokens]": tokens, "times the largest set": tokens / max(sets)}
    return against(claim, {**values, "largest set until 2024 [tokens]": max(sets)})


@recomputes(12)
def _best_of_n(claim: Claim) -> Recomputed:
    n = 60_000
    return against(claim, {"KL of the best of 60,000 [nats]": math.log(n) - (n - 1) / n})


@recomputes(13)
def _fewer(claim: Claim) -> Recomputed:
    f = claim.facts
    M, share = f["size"], f["samples"] / f["samples of best of n"]
    more = M + 3 * (M - 1) / f["generated over trained"]
    return against(
        claim, {"share of the samples": share, "times the tokens for a 14 times larger model": more}
    )


@recomputes(15)
def _half(claim: Claim) -> Recomputed:
    B, C_mid = claim.facts["B"], claim.facts["C_mid [GPU-hours]"]

    def gain(C: float) -> float:
        return float(1 / (1 + (C_mid / C) ** B))

    return against(
        claim,
        {
            "share of the gain at C_mid": gain(C_mid),
            "share of the gain at 100,000 GPU-hours": gain(1e5),
        },
    )
