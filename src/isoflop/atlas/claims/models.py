"""Statements about published models: their tokens, their compute and what they cost."""

from __future__ import annotations

from isoflop.atlas.claims.record import Claim

_TOPIC = "models"
_CHINCHILLA = "Hoffmann et al. 2022, arXiv:2203.15556"
_GPT4 = "OpenAI 2023, arXiv:2303.08774"
_LLAMA3 = "model card, github.com/meta-llama/llama3"

CLAIMS: tuple[Claim, ...] = (
    Claim(
        10, _TOPIC,
        "GPT-4's loss was foretold by aC^b + c from models of a ten-thousandth of its compute.",
        "confirmed",
        "The exponent b is below zero: the larger it is in size, the faster the loss falls. The "
        "constants were never published.",
        f"{_GPT4}, section 3.1",
    ),
    Claim(
        11, _TOPIC, "GPT-4 was predicted from a thousandth of its compute.", "confirmed",
        "Its pass rate on a part of HumanEval was; its loss was foretold from a ten-thousandth. "
        "They are two forecasts.",
        f"{_GPT4}, section 3.2",
    ),
    Claim(
        number=26, topic=_TOPIC, statement="GPT-3 saw 300B tokens, 1.7 for each "
                                           "parameter.", standing="confirmed",
        correction="", source="Brown et al. 2020, arXiv:2005.14165, table D.1",
        statements={"GPT-3 175B": 1.7},
    ),
    Claim(
        number=35, topic=_TOPIC,
        statement="Tokens per parameter: Gopher 1.07, GPT-3 1.71, Jurassic-1 1.69, MT-NLG 0.51, "
        "Chinchilla 20, LaMDA 1.23.",
        standing="confirmed",
        correction="As Hoffmann et al. list them. The FLOP that LaMDA reports imply 432B tokens, "
                   "not 168B.",
        source=f"{_CHINCHILLA}, table 1",
        statements={
            "Gopher 280B": 1.07, "GPT-3 175B": 1.71, "Jurassic-1 178B": 1.69, "MT-NLG 530B": 0.51,
            "Chinchilla 70B": 20, "LaMDA 137B": 1.23,
        },
        within=0.01,
    ),
    Claim(
        number=36, topic=_TOPIC, statement="PaLM saw 768B tokens and took five times the compute "
                                           "of Chinchilla.",
        standing="confirmed", correction="It saw 780B and took 4.3 times; 768B is a figure of an "
                                         "encyclopaedia.",
        source="Chowdhery et al. 2022, arXiv:2204.02311",
        statements={"D [tokens]": 768e9, "compute over Chinchilla": 5},
    ),
    Claim(
        number=37, topic=_TOPIC,
        statement="Tokens per parameter: LLaMA 7B 143 and 65B 21.5, Llama 2 7B 286 and 70B 28.6, "
                  "Llama 3 8B "
        "1875 and 70B 214.",
        standing="confirmed", correction="These are of nominal sizes; LLaMA 7B holds 6.7B, which "
                                         "makes 149.",
        source=f"Touvron et al. 2023, arXiv:2302.13971 and 2307.09288; {_LLAMA3}",
        statements={
            "LLaMA 7B": 143, "LLaMA 65B": 21.5, "Llama 2 7B": 286, "Llama 2 70B": 28.6,
            "Llama 3 8B": 1875, "Llama 3 70B": 214,
        },
        within=0.05,
    ),
    Claim(
        38, _TOPIC, "Mistral 7B saw 8T tokens and more, over 1100 for each parameter.", "nowhere",
        "Its developer never said.",
    ),
    Claim(
        number=39, topic=_TOPIC, statement="Llama 3 was trained on 200 tokens per "
                                           "parameter.", standing="qualified",
        correction="The 70B was; the 8B saw as many tokens, nearly 1900 for each "
                   "parameter.", source=_LLAMA3,
        statements={"Llama 3 70B": 200}, within=0.1,
    ),
    Claim(
        number=40, topic=_TOPIC, statement="Training Llama 3 8B took about the compute of "
                                           "Chinchilla 70B.", standing="confirmed",
        correction="A fifth more.", source=f"{_LLAMA3}; {_CHINCHILLA}, table 1",
        statements={"compute over Chinchilla": 1},
    ),
    Claim(
        41, _TOPIC,
        "In place of a Chinchilla 70B, an 8B on 15T tokens pays after some hundred million "
        "requests.",
        "qualified",
        "Only if a request takes thousands of tokens; and the two are not equally good.",
        f"{_LLAMA3}; {_CHINCHILLA}; Besiroglu et al. 2024, arXiv:2404.10102",
        facts={"requests": 5e8},
    ),
    Claim(
        43, _TOPIC, "Laws are fitted at a thousandth of the scale they are used at.", "qualified",
        "Published successes reach from 300 times (Gadre) and 1,000 (GPT-4's HumanEval, DeepSeek) "
        "to 10,000 (GPT-4's loss); others failed at less.",
        f"Gadre et al. 2024, arXiv:2403.08540; {_GPT4}; DeepSeek-AI 2024, arXiv:2401.02954",
    ),
    Claim(
        55, _TOPIC, "Training a 12B model cost 72,300 dollars.", "contradicted",
        "72,300 are hours of an A100, for Pythia-12B. Sums for GPT-2, PaLM or MT-NLG are "
        "estimates of third parties.",
        "Biderman et al. 2023, arXiv:2304.01373", facts={
            "hours": 72_300, "N": 12e9, "D": 300e9,
        },
    ),
    Claim(
        56, _TOPIC, "Inference gets 86% cheaper every year.", "nowhere",
        "No source says how this was measured, and of which quality.",
    ),
    Claim(
        number=57, topic=_TOPIC,
        statement="1e26 FLOP are 634,000 years of a smartphone and 79 trillion years of Apollo's "
                  "computer.",
        standing="confirmed", correction="It takes the phone as 5e12 FLOP/s and the other "
                                         "computer as 4e4 FLOP/s.",
        source="E. Mollick 2024, Scaling: the state of play in AI, oneusefulthing.org",
        statements={"phone [FLOP/s]": 5e12, "Apollo [FLOP/s]": 4e4},
        facts={"FLOP": 1e26, "phone years": 634_000, "Apollo years": 79e12},
    ),
    Claim(
        number=58, topic=_TOPIC, statement="The compute of the largest training runs grows "
                                           "fourfold a year.", standing="confirmed",
        correction="Four to five times, from 2010 to 2024.",
        source="Epoch AI 2024, Training compute of frontier AI models grows by 4-5x per year, "
               "epoch.ai",
        statements={"times a year": 4}, facts={"times a year": 4.5}, within=0.15,
    ),
    Claim(
        number=63, topic=_TOPIC,
        statement="With 2T tokens served, a Chinchilla-style 70B is 1% off in compute and 36% off "
                  "in cost.",
        standing="confirmed",
        correction="So it is by the constants and the prices of that paper; other constants give "
                   "0.5 to 6.7% "
        "in compute.",
        source="Sardana et al. 2023, arXiv:2401.00448",
        statements={"percent off in compute": 1, "percent off in cost": 36},
        facts={
            "N": 70e9, "tokens served": 2e12, "prompt tokens": 70, "output tokens": 215,
            "utilisation": 0.5, "utilisation of output": 0.01, "price of serving": 0.33,
        },
    ),
    Claim(
        number=64, topic=_TOPIC, statement="GPT-3.5 scores about 60% on MMLU, GPT-4 about "
                                           "86%.", standing="confirmed",
        correction="GPT-3.5 scores 70.0%, GPT-4 86.4%.", source=f"{_GPT4}, table 2",
        statements={"MMLU of GPT-3.5": 60, "MMLU of GPT-4": 86},
        facts={"MMLU of GPT-3.5": 70.0, "MMLU of GPT-4": 86.4}, within=0.02,
    ),
    Claim(
        number=67, topic=_TOPIC, statement="GPT-3 took about 1e22 FLOP.", standing="confirmed",
        correction="It took 31 times as much: 3.14e23, or 3640 PF-days.",
        source="Brown et al. 2020, arXiv:2005.14165, table D.1", statements={"FLOP": 1e22},
    ),
)  # fmt: skip
