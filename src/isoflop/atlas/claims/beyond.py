"""Statements about other data, other forms, benchmarks, and compute spent after pretraining."""

from __future__ import annotations

from isoflop.atlas.claims.record import Claim

_FORMS, _DATA, _AFTER = "forms", "data", "after pretraining"
_HENIGHAN = "Henighan et al. 2020, arXiv:2010.14701"
_STOCK = "Villalobos et al. 2024, arXiv:2211.04325v2"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        7, _FORMS, "Images, video and mathematics follow power laws, too.", "confirmed",
        "Most of them above a floor.", f"{_HENIGHAN}, table 1",
    ),
    Claim(
        number=49, topic=_FORMS, statement="Exponents are the same for text, images and "
                                           "sound.", standing="confirmed",
        correction="Those of the loss differ by factors; only that of the best size in compute "
                   "was alike, "
        "0.64 to 0.75, by a method that later work corrected.",
        source=f"{_HENIGHAN}, table 1", statements={"largest over smallest exponent": 1},
    ),
    Claim(
        47, _FORMS,
        "Cross-entropy is Error-Entropy, the entropy of the true distribution, plus Self-Alignment "
        "minus a normaliser.",
        "contradicted",
        "The identity is exact, but of ranks: of how many tokens were scored above the true one. "
        "Error-Entropy is the entropy of these ranks, and Confidence is not a constant.",
        "Yan et al. 2025, arXiv:2510.04067",
    ),
    Claim(
        48, _FORMS, "The largest useful size follows log N_max = 0.45 d + 0.69.", "confirmed",
        "Of cross-entropy, in their setting of teacher and student; log is to base 10.",
        "Sharma & Kaplan 2020, arXiv:2004.10802", facts={"slope": 0.45, "offset": 0.69, "d": 10},
    ),
    Claim(
        number=50, topic=_FORMS,
        statement="Mixtures of 8 experts: N grows as C^0.59 and D as C^0.41, and data go 16% "
                  "further.",
        standing="confirmed", correction="As printed: exponents of the best split, not of the "
                                         "loss.",
        source="Wang et al. 2024, arXiv:2410.05661",
        statements={"exponent of N": 0.59, "exponent of D": 0.41, "percent of data": 16},
        facts={"exponent of N": 0.590, "exponent of D": 0.410, "percent of data": 16.37},
    ),
    Claim(
        51, _FORMS, "Mixtures of experts have exponents 0.34 and 0.28, models of code higher ones.",
        "nowhere", "These are Chinchilla's; no source gives them for mixtures.",
    ),
    Claim(
        52, _FORMS,
        "About 80 public models fall on laws of a few capabilities, each linear in log C.",
        "confirmed", "The line is one for each family of models, with its own slope.",
        "Ruan et al. 2024, arXiv:2405.10938",
    ),
    Claim(
        53, _FORMS, "Models trained on more data lose more when they are quantised afterwards.",
        "confirmed", "", "Kumar et al. 2024, arXiv:2411.04330",
    ),
    Claim(
        59, _FORMS, "Sudden abilities are made by the choice of the metric.", "confirmed",
        "Many are: a rate per token that rises smoothly jumps when a whole answer must be exact.",
        "Schaeffer et al. 2023, arXiv:2304.15004",
        facts={"tokens": 30, "before": 0.90, "later": 0.99},
    ),
    Claim(
        68, _FORMS, "A benchmark is a sigmoid of the loss, a capability linear in log C.",
        "confirmed", "As families of forms; chance and a best score bound the sigmoid.",
        "Bhagia et al. 2024, arXiv:2412.04403; Ruan et al. 2024, arXiv:2405.10938",
    ),
    Claim(
        number=60, topic=_DATA, statement="Good text runs out in 2024.", standing="confirmed",
        correction="The forecast is 2026 to 2032 for a stock of about 300T tokens; an earlier one "
                   "said "
        "before 2026.",
        source=_STOCK, statements={"year": 2024}, facts={"least year": 2026, "year": 2028, "most "
                                                                                     "year": 2032},
    ),
    Claim(
        number=61, topic=_DATA, statement="The indexed web holds about 500T tokens, 30 times the "
                                          "largest training set.",
        standing="qualified",
        correction="The estimate is 510T, and 130T to 2100T are possible; of tokens spoken in a "
                   "year there "
        "is no source.",
        source=_STOCK, statements={"indexed web [tokens]": 500e12, "times the largest set": 30},
        facts={"indexed web [tokens]": 510e12, "until": 2024}, within=0.1,
    ),
    Claim(
        62, _DATA, "Orion and a Gemini fell short of what scaling laws had promised.", "nowhere",
        "Reported by the press; nothing that can be checked was published.",
    ),
    Claim(
        66, _DATA,
        "FlashAttention makes training 2.8 times faster, speculative decoding 2 to 3 times, and "
        "better prompts add 50%.",
        "nowhere", "No source gives these numbers together, or for which models.",
    ),
    Claim(
        54, _AFTER, "GPT-4o solves 13% and o1 83% of the problems of the IMO.", "contradicted",
        "Of a qualifying exam for it (AIME), not of the olympiad.",
        "OpenAI 2024, openai.com/index/learning-to-reason-with-llms",
    ),
    Claim(
        number=12, topic=_AFTER,
        statement="Gold reward is d(a - b d) for best-of-n and d(a - b log d) for RL, d = "
                  "sqrt(KL); larger "
        "reward models raise a and lower b.",
        standing="qualified",
        correction="For best-of-n both move; for RL a can be held constant across sizes, and only "
                   "b moves.",
        source="Gao et al. 2022, arXiv:2210.10760",
        statements={"KL of the best of 60,000 [nats]": 10},
    ),
    Claim(
        number=13, topic=_AFTER,
        statement="Compute spent by difficulty does as well as best-of-n with a quarter of the "
                  "samples.",
        standing="confirmed",
        correction="The cost of telling the difficulty is not counted. It replaces pretraining "
                   "only while "
        "few tokens are generated, and not on the hardest problems.",
        source="Snell et al. 2024, arXiv:2408.03314", statements={"share of the samples": 0.25},
        facts={"samples": 16, "samples of best of n": 64, "size": 14, "generated over "
                                                                      "trained": 0.16},
    ),
    Claim(
        14, _AFTER,
        "A thousand questions and a budget of thinking tokens made s1 from Qwen2.5-32B-Instruct.",
        "confirmed", "Longer thinking helps up to about six extensions, then no more.",
        "Muennighoff et al. 2025, arXiv:2501.19393",
    ),
    Claim(
        number=15, topic=_AFTER,
        statement="Reward in RL is a sigmoid of compute, half of the gain at C_mid; foretold to "
                  "100,000 "
        "GPU-hours.",
        standing="confirmed", correction="The ceiling is not to be told before a run has passed "
                                         "about C_mid.",
        source="Khatri et al. 2025, arXiv:2510.13786",
        statements={"share of the gain at C_mid": 0.5},
        facts={"B": 1.92, "C_mid [GPU-hours]": 2542},
    ),
    Claim(
        42, _AFTER,
        "Accuracy grows with the logarithm, or as a power, of the tokens a model thinks.",
        "qualified",
        "The two contradict each other, and neither can last: accuracy is bounded, levels off, "
        "and falls again on easy problems.",
        "OpenAI 2024, openai.com/index/learning-to-reason-with-llms; "
        "Snell et al. 2024, arXiv:2408.03314",
    ),
)  # fmt: skip
