"""Statements about Chinchilla, its constants and tokens per parameter."""

from __future__ import annotations

from isoflop.atlas.claims.record import Claim

_TOPIC = "Chinchilla"
_PAPER = "Hoffmann et al. 2022, arXiv:2203.15556"
_REFIT = "Besiroglu et al. 2024, arXiv:2404.10102"
_GOPHER = {"budget FLOP": 5.76e23}

CLAIMS: tuple[Claim, ...] = (
    Claim(
        number=8,
        topic=_TOPIC,
        statement="N and D should both grow as C^0.5: for Gopher's compute, 70B in place of 280B.",
        standing="confirmed",
        correction="On 4.67 times the tokens.",
        source=f"{_PAPER}, abstract and table 1",
        statements={"exponent of N": 0.5, "compute over Gopher": 1.0, "N over Gopher": 0.25},
        facts={"compute of Gopher FLOP": 5.76e23},
    ),
    Claim(
        number=19,
        topic=_TOPIC,
        statement="Chinchilla: half of the compute for the model, half for the data.",
        standing="confirmed",
        correction="One half are the exponents of N and D in C, not shares: C = 6ND is a product, "
        "all of "
        "which scales with either. At the optimum about half of the reducible loss is due to N.",
        source=f"{_PAPER}, eq. 4",
        statements={"elasticity of C in N": 0.5, "elasticity of C in D": 0.5},
        facts=_GOPHER,
    ),
    Claim(
        number=27,
        topic=_TOPIC,
        statement="Chinchilla's study: 70M to 16B parameters on 5B to 500B tokens.",
        standing="confirmed",
        correction="As its abstract says; the points of its figure 4 reach down to 0.25B tokens.",
        source=f"{_PAPER}, abstract",
        statements={
            "least N [params]": 70e6,
            "most N [params]": 16e9,
            "least D [tokens]": 5e9,
            "most D [tokens]": 500e9,
        },
    ),
    Claim(
        number=28,
        topic=_TOPIC,
        statement="L = 1.69 + 406.4 / N^0.34 + 410.7 / D^0.28.",
        standing="qualified",
        correction="As printed, but rounded: no plan should use these constants, as two digits of "
        "an exponent "
        "move the best split by factors.",
        source=f"{_PAPER}, eq. 10; {_REFIT}",
        statements={"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28},
        facts=_GOPHER,
    ),
    Claim(
        29,
        _TOPIC,
        "The formula with 0.34 and 0.28 is the average of three methods.",
        "confirmed",
        "It is the third method alone; the three give other exponents of N in C.",
        f"{_PAPER}, table 2",
        facts={"approach 1": 0.50, "approach 2": 0.49, "approach 3": 0.46},
    ),
    Claim(
        30,
        _TOPIC,
        "The best size is N = G C^a with G of Hoffmann's eq. 4.",
        "confirmed",
        "It is N = G (C/6)^a and D = (C/6)^b / G.",
        f"{_PAPER}, eq. 4",
        facts=_GOPHER,
    ),
    Claim(
        number=31,
        topic=_TOPIC,
        statement="At the optimum N grows as D^0.5, and D as N^0.5.",
        standing="confirmed",
        correction="Both at once is impossible. N and D grow together, nearly in proportion; 0.5 "
        "are their "
        "exponents in C.",
        source=f"{_PAPER}, table 2",
        statements={"exponent of D in N": 0.5, "exponent of N in D": 0.5},
    ),
    Claim(
        number=32,
        topic=_TOPIC,
        statement="The best N and D are both (C/6)^0.5, at 20 tokens per parameter.",
        standing="confirmed",
        correction="Equal N and D are one token per parameter. At r tokens per parameter N = "
        "sqrt(C / 6r) "
        "and D = sqrt(rC / 6).",
        source=f"{_PAPER}, table 3",
        statements={"tokens per parameter": 20},
        facts=_GOPHER,
    ),
    Claim(
        number=33,
        topic=_TOPIC,
        statement="At 20 tokens per parameter D = sqrt(C / 0.3) and N = D / 20.",
        standing="confirmed",
        correction="It spends exactly C.",
        source=f"{_PAPER}, table 3",
        statements={"share of C spent": 1.0},
        facts=_GOPHER,
    ),
    Claim(
        number=34,
        topic=_TOPIC,
        statement="To serve many tokens, halve the best N at the same training compute.",
        standing="confirmed",
        correction="That changes the quality, and minimises nothing. Hold the loss and minimise "
        "training and "
        "serving together: isoflop serve.",
        source="Sardana et al. 2023, arXiv:2401.00448, section 2",
        statements={"reducible loss added": 0.0},
        facts=_GOPHER,
    ),
    Claim(
        number=44,
        topic=_TOPIC,
        statement="Chinchilla scores 67.5 on MMLU and serves at a quarter of Gopher's cost.",
        standing="confirmed",
        correction="The abstract prints 67.5, table 6 prints 67.6; Gopher has 60.0.",
        source=f"{_PAPER}, abstract and table 6",
        statements={"MMLU": 67.5, "serving over Gopher": 0.25},
        facts={"MMLU": 67.5},
    ),
    Claim(
        number=70,
        topic=_TOPIC,
        statement="Train on about 20 tokens per parameter.",
        standing="confirmed",
        correction="Near the mark for training compute alone, at Gopher's budget and on such "
        "data; it moves "
        "with the budget, the data and the constants.",
        source=f"{_PAPER}, table 3; {_REFIT}",
        statements={"tokens per parameter": 20},
        facts=_GOPHER,
        within=0.1,
    ),
    Claim(
        71,
        _TOPIC,
        "An undertrained model is fixed more cheaply by data than by size.",
        "qualified",
        "So it is below the best tokens per parameter, and where serving is paid for; at "
        "the optimum both help alike.",
        f"{_PAPER}, section 4; Sardana et al. 2023, arXiv:2401.00448",
    ),
    Claim(
        72,
        _TOPIC,
        "Use at least 20 tokens per parameter.",
        "qualified",
        "A floor only for training compute, and only as good as the law behind it; serving argues "
        "for more, scarce data for less.",
        f"{_PAPER}, table 3; Muennighoff et al. 2023, arXiv:2305.16264",
        facts=_GOPHER,
    ),
)
