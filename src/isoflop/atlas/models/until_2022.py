"""Models until 2022: from GPT-2 to the first that were trained on what Chinchilla taught."""

from __future__ import annotations

from isoflop.atlas.models.record import EPOCH, HOFFMANN, RUAN, ModelRow, PublishedModel, family

_OPT_REMARK = (
    "the corpus holds 180B tokens, which is often quoted as D; the schedule runs over 300B"
)

MODELS: tuple[PublishedModel, ...] = (
    *family(
        "GPT-2", "OpenAI", 2019, "model card, github.com/openai/gpt-2 (WebText, epochs not stated)",
        {
            "GPT-2 124M": ModelRow(124e6),
            "GPT-2 355M": ModelRow(355e6),
            "GPT-2 774M": ModelRow(774e6),
            "GPT-2 1.5B": ModelRow(1.558e9),
        },
    ),
    *family(
        "GPT-3", "OpenAI", 2020, "Brown et al. 2020, arXiv:2005.14165, table D.1",
        {
            "GPT-3 125M": ModelRow(125e6, 300e9, 2.25e20),
            "GPT-3 350M": ModelRow(356e6, 300e9, 6.41e20),
            "GPT-3 760M": ModelRow(760e6, 300e9, 1.37e21),
            "GPT-3 1.3B": ModelRow(1.32e9, 300e9, 2.38e21),
            "GPT-3 2.7B": ModelRow(2.65e9, 300e9, 4.77e21),
            "GPT-3 6.7B": ModelRow(6.66e9, 300e9, 1.20e22),
            "GPT-3 13B": ModelRow(12.85e9, 300e9, 2.31e22),
            "GPT-3 175B": ModelRow(174.6e9, 300e9, 3.14e23),
        },
    ),
    *family(
        "GPT-Neo", "EleutherAI", 2021, "model cards, huggingface.co/EleutherAI",
        {
            "GPT-Neo 125M": ModelRow(125e6, 300e9),
            "GPT-Neo 1.3B": ModelRow(1.3e9, 380e9),
            "GPT-Neo 2.7B": ModelRow(2.7e9, 420e9),
            "GPT-J 6B": ModelRow(6.05e9, 402e9, 1.5e22),
            "GPT-NeoX 20B": ModelRow(
                20.6e9, 472e9, year=2022, statements={
                    "N": ("Black et al. 2022, arXiv:2204.06745", "developer"),
                    "D": RUAN,
                },
            ),
        },
    ),
    *family(
        "Gopher", "DeepMind", 2021, "Rae et al. 2021, arXiv:2112.11446",
        {
            "Gopher 44M": ModelRow(44e6, 300e9),
            "Gopher 117M": ModelRow(117e6, 300e9),
            "Gopher 417M": ModelRow(417e6, 300e9),
            "Gopher 1.4B": ModelRow(1.4e9, 300e9),
            "Gopher 7.1B": ModelRow(7.1e9, 300e9),
            "Gopher 280B": ModelRow(
                280e9, 300e9, 5.76e23,
                statements={
                    "C": ("Hoffmann et al. 2022, arXiv:2203.15556, section 3", "developer")
                },
                remark="the FLOP reported count attention and the head; Rae et al. print 6.31e23",
            ),
        },
    ),
    *family(
        "Jurassic-1", "AI21 Labs", 2021, "Lieber et al. 2021, Jurassic-1 white paper",
        {"Jurassic-1 178B": ModelRow(178e9, 300e9, statements={"D": HOFFMANN})},
    ),
    *family(
        "MT-NLG", "Microsoft and NVIDIA", 2021, "Smith et al. 2022, arXiv:2201.11990",
        {"MT-NLG 530B": ModelRow(530e9, 270e9)},
    ),
    *family(
        "LaMDA", "Google", 2022, "Thoppilan et al. 2022, arXiv:2201.08239, section 10",
        {
            "LaMDA 137B": ModelRow(
                137e9, 168e9, 3.55e23, statements={"D": HOFFMANN},
                remark="the FLOP that the developer reports imply 432B tokens, not 168B",
            )
        },
    ),
    *family(
        "PaLM", "Google", 2022, "Chowdhery et al. 2022, arXiv:2204.02311",
        {"PaLM 540B": ModelRow(540e9, 780e9, 2.53e24, statements={"C": EPOCH})},
    ),
    *family(
        "Chinchilla", "DeepMind", 2022, "Hoffmann et al. 2022, arXiv:2203.15556, table 1",
        {"Chinchilla 70B": ModelRow(70e9, 1.4e12, 5.76e23)},
    ),
    *family(
        "OPT", "Meta", 2022, "Zhang et al. 2022, arXiv:2205.01068, section 2",
        {
            f"OPT {name}": ModelRow(N, 300e9, remark=_OPT_REMARK)
            for name, N in {
                "125M": 125e6, "350M": 350e6, "1.3B": 1.3e9, "2.7B": 2.7e9, "6.7B": 6.7e9,
                "13B": 13e9, "30B": 30e9, "66B": 66e9, "175B": 175e9,
            }.items()
        },
    ),
    *family(
        "BLOOM", "BigScience", 2022, "BigScience 2022, arXiv:2211.05100, and model cards",
        {
            "BLOOM 560M": ModelRow(559e6, 341e9),
            "BLOOM 1.1B": ModelRow(1.07e9, 341e9),
            "BLOOM 3B": ModelRow(3.0e9, 341e9),
            "BLOOM 7.1B": ModelRow(7.07e9, 341e9),
            "BLOOM 176B": ModelRow(176e9, 366e9),
        },
    ),
)  # fmt: skip
