"""Statements about power laws and about Kaplan et al. 2020."""

from __future__ import annotations

from isoflop.atlas.claims.record import AtLeast, Claim

_TOPIC = "Kaplan"
_PAPER = "Kaplan et al. 2020, arXiv:2001.08361"
_PORIAN = "Porian et al. 2024, arXiv:2406.19146"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        number=1,
        topic=_TOPIC,
        statement="A power law is a straight line on doubly logarithmic axes.",
        standing="confirmed",
        correction="While nothing is left over at infinite scale. With a floor E the loss bends, "
        "and "
        "it is L - E that is straight.",
        source=f"{_PAPER}, section 1",
        statements={"bend without a floor": 0.0},
    ),
    Claim(
        number=2,
        topic=_TOPIC,
        statement="With data enough, L(N) = (8.8e13 / N)^0.076, N without embeddings.",
        standing="confirmed",
        correction="As printed, in nats per token of WebText2.",
        source=f"{_PAPER}, eq. 1.1",
        statements={"exponent": 0.076, "N_c [params]": 8.8e13},
    ),
    Claim(
        number=3,
        topic=_TOPIC,
        statement="With early stopping, L(D) = (5.4e13 / D)^0.095.",
        standing="confirmed",
        correction="As printed, in nats per token of WebText2.",
        source=f"{_PAPER}, eq. 1.2",
        statements={"exponent": 0.095, "D_c [tokens]": 5.4e13},
    ),
    Claim(
        number=4,
        topic=_TOPIC,
        statement="With the best size, L(C_min) = (3.1e8 / C_min)^0.050, C_min in PF-days.",
        standing="confirmed",
        correction="As printed. The unit is a trap: 1 PF-day is 8.64e19 FLOP.",
        source=f"{_PAPER}, eq. 1.3",
        statements={"exponent": 0.050, "C_c [PF-days]": 3.1e8},
    ),
    Claim(
        number=5,
        topic=_TOPIC,
        statement="A larger budget should go to size: N grows as C^0.73 and D as C^0.27.",
        standing="confirmed",
        correction="As printed, for C_min and non-embedding N. Later work finds both near 0.5 "
        "(claim 8).",
        source=f"{_PAPER}, table 6",
        statements={"exponent of N": 0.73, "exponent of D": 0.27},
    ),
    Claim(
        number=6,
        topic=_TOPIC,
        statement="Training takes 6ND FLOP: 2N a token forward, and twice that backward.",
        standing="confirmed",
        correction="A good rule for large models. Attention adds to it, and in small models the "
        "tables of "
        "tokens are a large part of N.",
        source=f"{_PAPER}, section 2.1",
        statements={"FLOP per parameter and token of GPT-3": 6},
    ),
    Claim(
        16,
        _TOPIC,
        "Kaplan et al. found L(N, D) = (N_c / N)^0.076 + (D_c / D)^0.095 + a floor.",
        "confirmed",
        "They did not: their joint law is one bracket to a power, without a floor. The sum of both "
        "terms is far above any loss they saw. A sum with a floor is Rosenfeld's and Hoffmann's "
        "form, with other constants.",
        f"{_PAPER}, eq. 1.5",
    ),
    Claim(
        17,
        _TOPIC,
        "Kaplan's law is L = E + A N^-0.076 + B D^-0.095.",
        "confirmed",
        "Kaplan et al. have no floor E and no sum of terms; and with their exponents no floor "
        "above zero brings the sum down to their joint law.",
        f"{_PAPER}, eq. 1.5",
    ),
    Claim(
        18,
        _TOPIC,
        "Loss is proportional to N^a D^b.",
        "confirmed",
        "The paper has no such law. A product falls to nothing at infinite data or size, and that "
        "of Kaplan's two single laws is far from their joint one.",
        f"{_PAPER}, eq. 1.5",
    ),
    Claim(
        20,
        _TOPIC,
        "As 0.076 is below 0.095, more parameters lower the loss more than more data.",
        "confirmed",
        "For equal factors the larger exponent, that of data, helps more. That Kaplan et al. "
        "prefer size comes from their law of steps and batch, not from these two exponents.",
        f"{_PAPER}, eq. 1.1 and 1.2",
    ),
    Claim(
        number=21,
        topic=_TOPIC,
        statement="Eight times the parameters need only about five times the data.",
        standing="qualified",
        correction="That is how much data keeps overfitting at bay (D ~ N^0.74), not how to split "
        "a budget.",
        source=f"{_PAPER}, section 4.2",
        statements={"times the data": 5},
    ),
    Claim(
        number=22,
        topic=_TOPIC,
        statement="By Kaplan, ten times the compute is 5.5 times the size and 1.8 the data.",
        standing="qualified",
        correction="So Hoffmann et al. quote it; the printed exponents 0.73 and 0.27 give "
        "slightly others.",
        source="Hoffmann et al. 2022, arXiv:2203.15556, section 1",
        statements={"times N": 5.5, "times D": 1.8},
        within=0.04,
    ),
    Claim(
        number=23,
        topic=_TOPIC,
        statement="Ten times the compute: 10^0.73 = 5.32 times N and 10^0.27 = 1.86 times D.",
        standing="confirmed",
        correction="10^0.73 is 5.370.",
        source=f"{_PAPER}, table 6",
        statements={"times N": 5.32, "times D": 1.86},
    ),
    Claim(
        number=24,
        topic=_TOPIC,
        statement="Kaplan's models had 22M to 1.5B parameters.",
        standing="confirmed",
        correction="They had 768 to 1.5B without embeddings; 22M to 23B are the tokens.",
        source=f"{_PAPER}, section 3",
        statements={"smallest N [params]": 22e6, "largest N [params]": 1.5e9},
        facts={"smallest N [params]": 768, "largest N [params]": 1.5e9},
    ),
    Claim(
        number=25,
        topic=_TOPIC,
        statement="Kaplan's trends span more than 7 orders of compute, 6 of size and 2 of data.",
        standing="qualified",
        correction="The abstract says more than seven in all, the text eight in C_min, six in N "
        "and more "
        "than two in D.",
        source=f"{_PAPER}, abstract and section 1",
        statements={"at least orders of N": AtLeast(6), "at least orders of D": AtLeast(2)},
        facts={"least N": 768, "most N": 1.5e9, "least D": 22e6, "most D": 23e9},
    ),
    Claim(
        number=45,
        topic=_TOPIC,
        statement="For Gopher's budget Kaplan's law asks for about 280B and 300B tokens.",
        standing="confirmed",
        correction="It asks for a larger model on less data; 280B and 300B are simply what Gopher "
        "was.",
        source=f"{_PAPER}, table 6, with C_min half of the budget",
        statements={"N [params]": 280e9, "D [tokens]": 300e9},
        facts={"budget FLOP": 5.76e23},
    ),
    Claim(
        number=46,
        topic=_TOPIC,
        statement="Hoffmann's 0.34 against Kaplan's 0.076: loss falls far faster in size.",
        standing="confirmed",
        correction="The two are not comparable: one is of the loss above a floor, the other of "
        "all of it. By "
        "Hoffmann's law the slope of the whole loss is close to Kaplan's.",
        source="Hoffmann et al. 2022, arXiv:2203.15556, eq. 10",
        statements={"slope of the whole loss": 0.34},
        facts={"N": 1e9, "D": 2e10},
    ),
    Claim(
        69,
        _TOPIC,
        "Kaplan's exponent of data came out too low because they had too little data.",
        "contradicted",
        "It came from counting without embeddings and the head, from warmup and from untuned "
        "small models: counted as they did, models on a law whose exponent of N is near 0.5 show "
        "nearly 0.8.",
        f"Pearce & Song 2024, arXiv:2406.12907; {_PORIAN}",
    ),
    Claim(
        9,
        _TOPIC,
        "OpenAI missed the optimum because of a fixed learning-rate schedule.",
        "qualified",
        "That was Hoffmann's conjecture. Matching the schedule moves the exponent of N little; "
        "the head's FLOP, warmup and tuning at each scale move it most.",
        f"{_PORIAN}, figure 1",
        facts={
            "exponent reproduced": 0.835,
            "exponent before matching": 0.602,
            "exponent after matching": 0.571,
            "exponent tuned": 0.497,
        },
    ),
)
