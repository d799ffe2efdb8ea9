"""Statements about published models and their cost, recomputed from the atlas."""

from __future__ import annotations

from isoflop.accounting import utilisation
from isoflop.atlas import chip
from isoflop.atlas.claims import Claim
from isoflop.atlas.models import MODELS
from isoflop.claims.recomputed import Recomputed, against, recomputes
from isoflop.laws import constants
from isoflop.laws.power import PF_DAY
from isoflop.plan import Cost, Serving, serve

_YEAR = 365.25 * 24 * 3600  # [s]


def _flop(name: str) -> float:
    return MODELS[name].flop or 0.0


@recomputes(26, 35, 37)
def _ratios(claim: Claim) -> Recomputed:
    return against(claim, {name: MODELS[name].ratio or 0.0 for name in claim.statements})


@recomputes(39)
def _both(claim: Claim) -> Recomputed:
    return against(claim, {n: MODELS[n].ratio or 0.0 for n in ("Llama 3 70B", "Llama 3 8B")})


@recomputes(36)
def _palm(claim: Claim) -> Recomputed:
    compute = _flop("PaLM 540B") / _flop("Chinchilla 70B")
    return against(
        claim,
        {"D [tokens]": MODELS["PaLM 540B"].D.value or 0.0, "compute over Chinchilla": compute},
    )


@recomputes(40)
def _as_chinchilla(claim: Claim) -> Recomputed:
    return against(
        claim, {"compute over Chinchilla": _flop("Llama 3 8B") / _flop("Chinchilla 70B")}
    )


@recomputes(41)
def _pays(claim: Claim) -> Recomputed:
    law = constants("chinchilla/besiroglu2024").law
    small, large = MODELS["Llama 3 8B"], MODELS["Chinchilla 70B"]
    spared = 2 * ((large.met or 0.0) - (small.met or 0.0))
    tokens = (small.flop or 0.0) - (large.flop or 0.0)
    return against(
        claim,
        {
            "tokens served until it pays": tokens / spared,
            "tokens of a request if there are 5e8": tokens / spared / claim.facts["requests"],
            **{f"loss of {m.name}": float(law(N=m.N.value, D=m.D.value)) for m in (small, large)},
        },
    )


@recomputes(55)
def _pythia(claim: Claim) -> Recomputed:
    f, a100 = claim.facts, chip("A100")
    reached = utilisation(6 * f["N"] * f["D"], a100, f["hours"])
    price = a100.hourly_price() * f["hours"]
    return against(
        claim,
        {
            "% of the peak of an A100, over these hours": 100 * reached,
            "least USD for the hours": price.low,
            "most USD for the hours": price.high,
        },
    )


@recomputes(57)
def _years(claim: Claim) -> Recomputed:
    f = claim.facts
    return against(
        claim,
        {
            "phone [FLOP/s]": f["FLOP"] / (f["phone years"] * _YEAR),
            "Apollo [FLOP/s]": f["FLOP"] / (f["Apollo years"] * _YEAR),
        },
    )


@recomputes(58, 64)
def _printed(claim: Claim) -> Recomputed:
    return against(claim, claim.facts)


@recomputes(63)
def _off(claim: Claim) -> Recomputed:
    f, law = claim.facts, constants("chinchilla/sardana2023")
    requests = f["tokens served"] / (f["prompt tokens"] + f["output tokens"])
    served = Serving(prompt=f["prompt tokens"] * requests, output=f["output tokens"] * requests)
    money = Cost(
        "USD",
        1 / f["utilisation"],
        f["price of serving"] / f["utilisation"],
        f["price of serving"] / f["utilisation of output"],
        serving=served,
    )
    plain = serve(law, N=f["N"], serving=f["tokens served"])
    paid = serve(law, N=f["N"], cost=money)
    return against(
        claim,
        {
            "percent off in compute": 100 * (plain.cost.value / plain.plan.cost.value - 1),
            "percent off in cost": 100 * (paid.cost.value / paid.plan.cost.value - 1),
            "cheapest N in cost": paid.plan.N.value,
        },
    )


@recomputes(67)
def _gpt3(claim: Claim) -> Recomputed:
    C = MODELS["GPT-3 175B"].flop or 0.0
    return against(
        claim,
        {"FLOP": C, "PF-days": C / PF_DAY, "times what is said": C / claim.statements["FLOP"]},
    )
