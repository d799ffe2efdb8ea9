"""Mixtures of experts: all parameters are held, and few of them meet a token."""

from __future__ import annotations

from isoflop.atlas.models.record import EPOCH, ModelRow, PublishedModel, family

MODELS: tuple[PublishedModel, ...] = (
    *family(
        "Mixtral",
        "Mistral AI",
        2023,
        "Jiang et al. 2024, arXiv:2401.04088",
        mixture=True,
        rows={
            "Mixtral 8x7B": ModelRow(46.7e9, active=12.9e9),
            "Mixtral 8x22B": ModelRow(
                141e9,
                active=39e9,
                year=2024,
                statements={
                    symbol: ("announcement, mistral.ai/news/mixtral-8x22b", "developer")
                    for symbol in ("N", "active", "D", "C")
                },
            ),
        },
    ),
    *family(
        "DBRX",
        "Databricks",
        2024,
        "model card, huggingface.co/databricks",
        mixture=True,
        rows={"DBRX": ModelRow(132e9, 12e12, active=36e9)},
    ),
    *family(
        "DeepSeekMoE",
        "DeepSeek",
        2024,
        "Dai et al. 2024, arXiv:2401.06066",
        mixture=True,
        rows={"DeepSeekMoE 16B": ModelRow(16.4e9, 2.0e12, active=2.8e9)},
    ),
    *family(
        "DeepSeek-V2",
        "DeepSeek",
        2024,
        "DeepSeek-AI 2024, arXiv:2405.04434",
        mixture=True,
        rows={
            "DeepSeek-V2-Lite": ModelRow(15.7e9, 5.7e12, active=2.4e9),
            "DeepSeek-V2": ModelRow(236e9, 8.1e12, active=21e9),
        },
    ),
    *family(
        "DeepSeek-V3",
        "DeepSeek",
        2024,
        "DeepSeek-AI 2024, arXiv:2412.19437",
        mixture=True,
        rows={"DeepSeek-V3": ModelRow(671e9, 14.8e12, active=37e9)},
    ),
    *family(
        "Kimi K2",
        "Moonshot AI",
        2025,
        "Kimi Team 2025, arXiv:2507.20534",
        mixture=True,
        rows={"Kimi K2": ModelRow(1.04e12, 15.5e12, active=32e9)},
    ),
    *family(
        "Qwen2 mixture",
        "Alibaba",
        2024,
        "Yang et al. 2024, arXiv:2407.10671",
        mixture=True,
        rows={
            "Qwen2 57B-A14B": ModelRow(
                57e9, 4.5e12, active=14e9, remark="begun from Qwen2 7B, whose tokens are not in D"
            )
        },
    ),
    *family(
        "Qwen3 mixture",
        "Alibaba",
        2025,
        "Yang et al. 2025, arXiv:2505.09388",
        mixture=True,
        rows={
            "Qwen3 30B-A3B": ModelRow(30.5e9, 36e12, active=3.3e9),
            "Qwen3 235B-A22B": ModelRow(235e9, 36e12, active=22e9),
        },
    ),
    *family(
        "OLMoE",
        "AI2",
        2024,
        "Muennighoff et al. 2024, arXiv:2409.02060",
        mixture=True,
        rows={"OLMoE 7B-A1B": ModelRow(6.9e9, 5.1e12, active=1.3e9)},
    ),
    *family(
        "Llama 4",
        "Meta",
        2025,
        "model card, github.com/meta-llama/llama-models",
        mixture=True,
        rows={
            "Llama 4 Scout": ModelRow(109e9, 40e12, active=17e9, remark="text and images"),
            "Llama 4 Maverick": ModelRow(400e9, 22e12, active=17e9, remark="text and images"),
        },
    ),
    *family(
        "GLM-4.5",
        "Zhipu",
        2025,
        "GLM-4.5 Team 2025, arXiv:2508.06471",
        mixture=True,
        rows={"GLM-4.5": ModelRow(355e9, 23e12, active=32e9, statements={"D": EPOCH})},
    ),
)
