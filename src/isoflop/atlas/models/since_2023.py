"""Dense models from 2023: most are trained far beyond what is best for training alone."""

from __future__ import annotations

from isoflop.atlas.models.record import EPOCH, RUAN, ModelRow, PublishedModel, family

_UP_TO = "the developer says 'up to' or 'over' so many tokens, for all sizes together"
_DISTILLED = "trained on the logits of larger models, which no law of N and D speaks of"
_SYNTHETIC = "much of the data is synthetic or rewritten, and seen more than once"
_ANNEALED = "a second stage of another 50B to 300B tokens is in the FLOP reported, not in D"
_WHOLE = "the FLOP reported count attention and the head, a large share of a small model"

MODELS: tuple[PublishedModel, ...] = (
    *family(
        "Pythia", "EleutherAI", 2023, "Biderman et al. 2023, arXiv:2304.01373, and model cards",
        {
            "Pythia 70M": ModelRow(70.4e6, 300e9),
            "Pythia 160M": ModelRow(162e6, 300e9),
            "Pythia 410M": ModelRow(405e6, 300e9),
            "Pythia 1B": ModelRow(1.01e9, 300e9),
            "Pythia 1.4B": ModelRow(1.41e9, 300e9),
            "Pythia 2.8B": ModelRow(2.78e9, 300e9),
            "Pythia 6.9B": ModelRow(6.86e9, 300e9),
            "Pythia 12B": ModelRow(11.8e9, 300e9),
        },
    ),
    *family(
        "Cerebras-GPT", "Cerebras", 2023, "Dey et al. 2023, arXiv:2304.03208, and model cards",
        {
            "Cerebras-GPT 111M": ModelRow(111e6, 2.22e9, 2.6e18, remark=_WHOLE),
            "Cerebras-GPT 256M": ModelRow(256e6, 5.12e9, 1.3e19, remark=_WHOLE),
            "Cerebras-GPT 590M": ModelRow(590e6, 11.8e9, 6.1e19, remark=_WHOLE),
            "Cerebras-GPT 1.3B": ModelRow(1.3e9, 26.3e9, 2.8e20, remark=_WHOLE),
            "Cerebras-GPT 2.7B": ModelRow(2.7e9, 53.0e9, 1.1e21, remark=_WHOLE),
            "Cerebras-GPT 6.7B": ModelRow(6.7e9, 133e9, 6.3e21, remark=_WHOLE),
            "Cerebras-GPT 13B": ModelRow(13e9, 257e9, 2.3e22, remark=_WHOLE),
        },
    ),
    *family(
        "LLaMA", "Meta", 2023, "Touvron et al. 2023, arXiv:2302.13971, table 2",
        {
            "LLaMA 7B": ModelRow(6.7e9, 1.0e12),
            "LLaMA 13B": ModelRow(13.0e9, 1.0e12),
            "LLaMA 33B": ModelRow(32.5e9, 1.4e12),
            "LLaMA 65B": ModelRow(65.2e9, 1.4e12),
        },
    ),
    *family(
        "Llama 2", "Meta", 2023, "Touvron et al. 2023, arXiv:2307.09288, table 1",
        {
            "Llama 2 7B": ModelRow(7e9, 2.0e12),
            "Llama 2 13B": ModelRow(13e9, 2.0e12),
            "Llama 2 70B": ModelRow(70e9, 2.0e12),
        },
    ),
    *family(
        "Llama 3", "Meta", 2024, "model card, github.com/meta-llama/llama3",
        {
            "Llama 3 8B": ModelRow(8e9, 15e12, remark=_UP_TO),
            "Llama 3 70B": ModelRow(70e9, 15e12, remark=_UP_TO),
        },
    ),
    *family(
        "Llama 3.1", "Meta", 2024, "Grattafiori et al. 2024, arXiv:2407.21783, and model card",
        {
            "Llama 3.1 8B": ModelRow(8e9, 15e12, remark=_UP_TO),
            "Llama 3.1 70B": ModelRow(70e9, 15e12, remark=_UP_TO),
            "Llama 3.1 405B": ModelRow(405e9, 15.6e12, 3.8e25),
        },
    ),
    *family(
        "Llama 3.2", "Meta", 2024, "model card, github.com/meta-llama/llama-models",
        {
            "Llama 3.2 1B": ModelRow(1.23e9, 9e12, remark=_DISTILLED),
            "Llama 3.2 3B": ModelRow(3.21e9, 9e12, remark=_DISTILLED),
        },
    ),
    *family(
        "Falcon", "TII", 2023, "Almazrouei et al. 2023, arXiv:2311.16867, table 1",
        {
            "Falcon 7B": ModelRow(7e9, 1.5e12, 6.31e22),
            "Falcon 40B": ModelRow(40e9, 1.0e12, 2.42e23),
            "Falcon 180B": ModelRow(180e9, 3.5e12, 3.76e24),
        },
    ),
    *family(
        "MPT", "MosaicML", 2023, "model cards, huggingface.co/mosaicml",
        {"MPT 7B": ModelRow(6.7e9, 1.0e12), "MPT 30B": ModelRow(30e9, 1.0e12)},
    ),
    *family(
        "StarCoder", "BigCode", 2023, "Li et al. 2023, arXiv:2305.06161",
        {"StarCoderBase 15.5B": ModelRow(15.5e9, 1.0e12, remark="code, about four epochs")},
    ),
    *family(
        "StarCoder2", "BigCode", 2024, "Lozhkov et al. 2024, arXiv:2402.19173",
        {
            "StarCoder2 3B": ModelRow(3e9, 3.3e12, statements={"D": RUAN}),
            "StarCoder2 7B": ModelRow(7e9, 3.7e12, statements={"D": RUAN}),
            "StarCoder2 15B": ModelRow(15e9, 4.3e12, statements={"D": RUAN}),
        },
    ),
    *family(
        "Mistral", "Mistral AI", 2023, "Jiang et al. 2023, arXiv:2310.06825",
        {
            "Mistral 7B": ModelRow(7.3e9),
            "Mistral Nemo 12B": ModelRow(
                12e9, year=2024,
                statements={
                    "N": ("announcement, mistral.ai/news/mistral-nemo", "developer"),
                    "D": ("announcement, mistral.ai/news/mistral-nemo", "undisclosed"),
                },
            ),
        },
    ),
    *family(
        "PaLM 2", "Google", 2023, "Anil et al. 2023, arXiv:2305.10403",
        {
            "PaLM 2 L": ModelRow(
                340e9, 3.6e12, remark="from documents seen by the press, not from the developer",
                statements={
                    "N": ("CNBC, 16 May 2023", "third party"),
                    "D": ("CNBC, 16 May 2023", "third party"),
                },
            )
        },
    ),
    *family(
        "GPT-4", "OpenAI", 2023, "OpenAI 2023, arXiv:2303.08774",
        {"GPT-4": ModelRow(None, None, 2.1e25, statements={"C": EPOCH})},
    ),
    *family(
        "Qwen", "Alibaba", 2023, "Bai et al. 2023, arXiv:2309.16609, and model cards",
        {
            "Qwen 7B": ModelRow(7e9, 2.4e12),
            "Qwen 14B": ModelRow(14e9, 3.0e12),
            "Qwen 72B": ModelRow(72e9, 3.0e12),
        },
    ),
    *family(
        "Qwen1.5", "Alibaba", 2024, "model cards; D: github.com/QwenLM/Qwen2/issues/97",
        {
            "Qwen1.5 0.5B": ModelRow(0.5e9, 2.4e12),
            "Qwen1.5 1.8B": ModelRow(1.8e9, 2.4e12),
            "Qwen1.5 4B": ModelRow(4e9, 2.4e12),
            "Qwen1.5 7B": ModelRow(7e9, 4.0e12),
            "Qwen1.5 14B": ModelRow(14e9, 4.0e12),
            "Qwen1.5 32B": ModelRow(32e9, 4.0e12, statements={"D": RUAN}),
            "Qwen1.5 72B": ModelRow(72e9, 3.0e12),
            "Qwen1.5 110B": ModelRow(110e9),
        },
    ),
    *family(
        "Qwen2", "Alibaba", 2024, "Yang et al. 2024, arXiv:2407.10671, table 1",
        {
            "Qwen2 0.5B": ModelRow(0.5e9, 12e12),
            "Qwen2 1.5B": ModelRow(1.5e9, 7e12),
            "Qwen2 7B": ModelRow(7e9, 7e12),
            "Qwen2 72B": ModelRow(72e9, 7e12),
        },
    ),
    *family(
        "Qwen2.5", "Alibaba", 2024, "Yang et al. 2024, arXiv:2412.15115",
        {
            f"Qwen2.5 {size:g}B": ModelRow(size * 1e9, 18e12, remark=_UP_TO)
            for size in (0.5, 1.5, 3, 7, 14, 32, 72)
        },
    ),
    *family(
        "Qwen3", "Alibaba", 2025, "Yang et al. 2025, arXiv:2505.09388, and model cards",
        {
            f"Qwen3 {size:g}B": ModelRow(size * 1e9, 36e12, remark=_UP_TO)
            for size in (0.6, 1.7, 4, 8, 14, 32)
        },
    ),
    *family(
        "Gemma", "Google", 2024, "Gemma Team 2024, arXiv:2403.08295",
        {"Gemma 2B": ModelRow(2.5e9, 3e12), "Gemma 7B": ModelRow(8.5e9, 6e12)},
    ),
    *family(
        "Gemma 2", "Google", 2024, "Gemma Team 2024, arXiv:2408.00118, and model card",
        {
            "Gemma 2 2B": ModelRow(2.6e9, 2e12, remark=_DISTILLED),
            "Gemma 2 9B": ModelRow(9.2e9, 8e12, remark=_DISTILLED),
            "Gemma 2 27B": ModelRow(27e9, 13e12),
        },
    ),
    *family(
        "Gemma 3", "Google", 2025, "Gemma Team 2025, arXiv:2503.19786, and model card",
        {
            "Gemma 3 270M": ModelRow(270e6, 6e12, remark=_DISTILLED),
            "Gemma 3 1B": ModelRow(1e9, 2e12, remark=_DISTILLED),
            "Gemma 3 4B": ModelRow(4e9, 4e12, remark=_DISTILLED),
            "Gemma 3 12B": ModelRow(12e9, 12e12, remark=_DISTILLED),
            "Gemma 3 27B": ModelRow(27e9, 14e12, remark=_DISTILLED),
        },
    ),
    *family(
        "Phi", "Microsoft", 2023, "Li et al. 2023, arXiv:2309.05463, and model cards",
        {
            "Phi-1.5 1.3B": ModelRow(1.3e9, 150e9, remark=_SYNTHETIC),
            "Phi-2 2.7B": ModelRow(2.7e9, 1.4e12, remark=_SYNTHETIC),
            "Phi-3-mini 3.8B": ModelRow(3.8e9, 3.3e12, year=2024, remark=_SYNTHETIC),
            "Phi-3-small 7B": ModelRow(7e9, 4.8e12, year=2024, remark=_SYNTHETIC),
            "Phi-3-medium 14B": ModelRow(14e9, 4.8e12, year=2024, remark=_SYNTHETIC),
            "Phi-4 14B": ModelRow(14e9, 9.8e12, year=2024, remark=_SYNTHETIC),
        },
    ),
    *family(
        "DeepSeek LLM", "DeepSeek", 2024, "DeepSeek-AI 2024, arXiv:2401.02954",
        {"DeepSeek LLM 7B": ModelRow(7e9, 2.0e12), "DeepSeek LLM 67B": ModelRow(67e9, 2.0e12)},
    ),
    *family(
        "Yi", "01.AI", 2023, "model cards, huggingface.co/01-ai",
        {"Yi 6B": ModelRow(6e9, 3.0e12), "Yi 34B": ModelRow(34e9, 3.0e12)},
    ),
    *family(
        "OLMo", "AI2", 2024, "Groeneveld et al. 2024, arXiv:2402.00838, and model cards",
        {"OLMo 1B": ModelRow(1.18e9, 3.0e12), "OLMo 7B": ModelRow(6.89e9, 2.5e12)},
    ),
    *family(
        "OLMo 2", "AI2", 2024, "OLMo Team 2024, arXiv:2501.00656, and model cards",
        {
            "OLMo 2 7B": ModelRow(7.3e9, 4e12, 1.8e23, remark=_ANNEALED),
            "OLMo 2 13B": ModelRow(13.7e9, 5e12, 4.6e23, remark=_ANNEALED),
            "OLMo 2 32B": ModelRow(32.2e9, 6e12, year=2025, remark=_ANNEALED),
        },
    ),
    *family(
        "TinyLlama", "TinyLlama", 2023, "Zhang et al. 2024, arXiv:2401.02385",
        {"TinyLlama 1.1B": ModelRow(1.1e9, 3.0e12, remark="about three epochs")},
    ),
    *family(
        "SmolLM2", "Hugging Face", 2024, "Ben Allal et al. 2025, arXiv:2502.02737",
        {
            "SmolLM2 135M": ModelRow(135e6, 2e12, remark=_SYNTHETIC),
            "SmolLM2 360M": ModelRow(360e6, 4e12, remark=_SYNTHETIC),
            "SmolLM2 1.7B": ModelRow(1.7e9, 11e12, remark=_SYNTHETIC),
        },
    ),
    *family(
        "SmolLM3", "Hugging Face", 2025, "model card, huggingface.co/HuggingFaceTB/SmolLM3-3B",
        {"SmolLM3 3B": ModelRow(3e9, 11.2e12, remark=_SYNTHETIC)},
    ),
    *family(
        "Nemotron-4", "NVIDIA", 2024, "Parmar et al. 2024, arXiv:2402.16819, and model cards",
        {
            "Nemotron-4 15B": ModelRow(15e9, 8e12),
            "Nemotron-4 340B": ModelRow(
                340e9, 9e12,
                statements={s: ("NVIDIA 2024, arXiv:2406.11704", "developer") for s in "ND"},
            ),
        },
    ),
    *family(
        "MiniCPM", "OpenBMB", 2024, "Hu et al. 2024, arXiv:2404.06395, table 2, and model card",
        {"MiniCPM 2.4B": ModelRow(2.72e9, 1.1e12, remark="2.44B of N lie outside the tied table")},
    ),
    *family(
        "DCLM", "Apple", 2024, "model card, huggingface.co/apple/DCLM-7B",
        {"DCLM 7B": ModelRow(7e9, 2.5e12)},
    ),
    *family(
        "Granite 3.0", "IBM", 2024, "model cards, huggingface.co/ibm-granite",
        {"Granite 3.0 8B": ModelRow(8.1e9, 12e12)},
    ),
    *family(
        "Apertus", "Swiss AI", 2025, "model cards, huggingface.co/swiss-ai",
        {"Apertus 8B": ModelRow(8e9, 15e12), "Apertus 70B": ModelRow(70e9, 15e12)},
    ),
)  # fmt: skip
