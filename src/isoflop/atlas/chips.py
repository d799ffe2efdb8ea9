"""Accelerators: peak by precision, memory, bandwidth, power and price, each with its source.

Peaks are dense. Makers print many of them with 2:4 sparsity, which doubles them; those are
halved here. Left out: whatever the maker does not print and no source at hand settles.
"""

from __future__ import annotations

from isoflop.atlas.range import Range
from isoflop.atlas.record import Chip, Price
from isoflop.errors import UnknownName

_T, _GB, _GIB = 1e12, 1e9, 2.0**30

_SURVEY = (
    "on-demand prices of clouds from long-tail to hyperscaler, mercatus-ai.com/blog/cloud-gpu-"
    "pricing"
)
_TPU_LIST = "cloud.google.com/tpu/pricing, on demand, United States"


def _survey(low: float, high: float) -> Price:
    return Price(Range.of((low, high)), "2026-05", _SURVEY, "secondary")


def _listed(hourly: float, date: str, source: str) -> Price:
    return Price(Range.of(hourly), date, source, "vendor")


_CHIPS = (
    Chip(
        "V100",
        "NVIDIA V100 SXM2 32GB",
        {"fp16": 125 * _T, "fp32": 15.7 * _T},
        memory=32 * _GB,
        bandwidth=900 * _GB,
        power=300,
        source="NVIDIA V100 datasheet",
        price=_listed(3.06, "2024", "Amazon EC2 p3.2xlarge (16 GB), on demand, us-east-1"),
    ),
    Chip(
        "A100",
        "NVIDIA A100 SXM4 80GB",
        {"bf16": 312 * _T, "fp16": 312 * _T, "tf32": 156 * _T, "fp32": 19.5 * _T, "int8": 624 * _T},
        memory=80 * _GB,
        bandwidth=2039 * _GB,
        power=400,
        source="NVIDIA A100 datasheet",
        price=_survey(0.80, 3.00),
    ),
    Chip(
        "A100-40GB",
        "NVIDIA A100 SXM4 40GB",
        {"bf16": 312 * _T, "fp16": 312 * _T, "tf32": 156 * _T, "fp32": 19.5 * _T, "int8": 624 * _T},
        memory=40 * _GB,
        bandwidth=1555 * _GB,
        power=400,
        source="NVIDIA A100 datasheet",
        price=_listed(1.844, "2024-12", "Amazon EC2 capacity block, p4d.24xlarge, an eighth"),
    ),
    Chip(
        "H100",
        "NVIDIA H100 SXM5 80GB",
        {
            "fp8": 1979 * _T,
            "int8": 1979 * _T,
            "bf16": 989.5 * _T,
            "fp16": 989.5 * _T,
            "tf32": 494.5 * _T,
            "fp32": 67 * _T,
        },
        memory=80 * _GB,
        bandwidth=3350 * _GB,
        power=700,
        source="NVIDIA H100 datasheet, halved for dense matrices",
        price=_survey(1.99, 5.00),
    ),
    Chip(
        "H100-PCIe",
        "NVIDIA H100 PCIe 80GB",
        {"fp8": 1513 * _T, "int8": 1513 * _T, "bf16": 756.5 * _T, "fp16": 756.5 * _T},
        memory=80 * _GB,
        bandwidth=2000 * _GB,
        power=350,
        source="NVIDIA H100 datasheet, halved for dense matrices",
    ),
    Chip(
        "H800",
        "NVIDIA H800 SXM5 80GB",
        {"fp8": 1979 * _T, "bf16": 989.5 * _T, "fp16": 989.5 * _T},
        memory=80 * _GB,
        bandwidth=3350 * _GB,
        power=700,
        source="as the H100 SXM5, with slower links between chips",
        confidence="secondary",
        price=Price(
            Range.of(2.0), "2024-12", "DeepSeek-V3, arXiv:2412.19437: assumed rent", "report"
        ),
    ),
    Chip(
        "H200",
        "NVIDIA H200 SXM 141GB",
        {
            "fp8": 1979 * _T,
            "int8": 1979 * _T,
            "bf16": 989.5 * _T,
            "fp16": 989.5 * _T,
            "tf32": 494.5 * _T,
            "fp32": 67 * _T,
        },
        memory=141 * _GB,
        bandwidth=4800 * _GB,
        power=700,
        source="NVIDIA H200 datasheet, halved for dense matrices",
        price=_survey(2.50, 7.00),
    ),
    Chip(
        "B200",
        "NVIDIA B200 SXM 180GB",
        {"fp4": 9000 * _T, "fp8": 4500 * _T, "bf16": 2250 * _T, "fp16": 2250 * _T},
        memory=180 * _GB,
        bandwidth=8000 * _GB,
        power=1000,
        source="NVIDIA HGX B200 and DGX B200 datasheets, an eighth, halved for dense matrices",
        confidence="secondary",
    ),
    Chip(
        "L4",
        "NVIDIA L4 24GB",
        {
            "fp8": 242.5 * _T,
            "int8": 242.5 * _T,
            "bf16": 121 * _T,
            "fp16": 121 * _T,
            "fp32": 30.3 * _T,
        },
        memory=24 * _GB,
        bandwidth=300 * _GB,
        power=72,
        source="NVIDIA L4 datasheet, halved for dense matrices",
    ),
    Chip(
        "L40S",
        "NVIDIA L40S 48GB",
        {"fp8": 733 * _T, "bf16": 362.05 * _T, "fp16": 362.05 * _T},
        memory=48 * _GB,
        bandwidth=864 * _GB,
        power=350,
        source="NVIDIA L40S datasheet",
        price=Price(
            Range.of((0.86, 3.50)),
            "2025-08",
            "on-demand prices of eight providers, modal.com/blog/nvidia-l40s-price-article",
            "secondary",
        ),
    ),
    Chip(
        "RTX-4090",
        "NVIDIA GeForce RTX 4090 24GB",
        {"fp8": 330.3 * _T, "bf16": 165.2 * _T, "fp16": 165.2 * _T, "fp32": 82.6 * _T},
        memory=24 * _GB,
        bandwidth=1008 * _GB,
        power=450,
        source="NVIDIA Ada architecture whitepaper, with 32-bit accumulation",
    ),
    Chip(
        "MI250X",
        "AMD Instinct MI250X 128GB",
        {"bf16": 383 * _T, "fp16": 383 * _T, "int8": 383 * _T},
        memory=128 * _GB,
        bandwidth=3276.8 * _GB,
        power=560,
        source="AMD Instinct MI250X datasheet, peak power",
    ),
    Chip(
        "MI300X",
        "AMD Instinct MI300X 192GB",
        {
            "fp8": 2614.9 * _T,
            "int8": 2614.9 * _T,
            "bf16": 1307.4 * _T,
            "fp16": 1307.4 * _T,
            "tf32": 653.7 * _T,
            "fp32": 163.4 * _T,
        },
        memory=192 * _GB,
        bandwidth=5300 * _GB,
        power=750,
        source="AMD Instinct MI300X datasheet",
        price=Price(
            Range(1.50, 1.99, 6.00),
            "2026-05",
            "on demand: least, median, greatest; cliffcenter.com/research/amd-inference-economics",
            "secondary",
        ),
    ),
    Chip(
        "TPU-v4",
        "Google TPU v4",
        {"bf16": 275 * _T, "int8": 275 * _T},
        memory=32 * _GIB,
        bandwidth=1228 * _GB,
        power=192,
        source="Google Cloud TPU v4 documentation; power is the greatest measured",
        price=_listed(3.22, "2024", _TPU_LIST),
    ),
    Chip(
        "TPU-v5e",
        "Google TPU v5e",
        {"bf16": 197 * _T, "int8": 393 * _T},
        memory=16 * _GB,
        bandwidth=819 * _GB,
        power=None,
        source="Google Cloud TPU v5e documentation",
        price=_listed(1.20, "2024", _TPU_LIST),
    ),
    Chip(
        "TPU-v5p",
        "Google TPU v5p",
        {"bf16": 459 * _T, "int8": 918 * _T},
        memory=95 * _GB,
        bandwidth=2765 * _GB,
        power=None,
        source="Google Cloud TPU v5p documentation",
        price=_listed(4.20, "2024", _TPU_LIST),
    ),
    Chip(
        "TPU-v6e",
        "Google TPU v6e (Trillium)",
        {"bf16": 918 * _T, "int8": 1836 * _T},
        memory=32 * _GB,
        bandwidth=1640 * _GB,
        power=None,
        source="Google Cloud TPU v6e documentation",
        price=_listed(2.70, "2024-12", "Google's announcement of general availability, on demand"),
    ),
)

_BY_KEY = {c.key: c for c in _CHIPS}


def chip_names() -> tuple[str, ...]:
    """Return the names that `chip` takes."""
    return tuple(_BY_KEY)


def chip(name: str) -> Chip:
    """Return the accelerator called `name`, in any case, with or without hyphens.

    Raises UnknownName, which names the nearest one.

    >>> chip("h100").flop_per_second("bf16")
    989500000000000.0
    """
    plain = {_plain(key): c for key, c in _BY_KEY.items()}
    try:
        return plain[_plain(name)]
    except KeyError:
        raise UnknownName("chip", name, _BY_KEY) from None


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())
