"""How much of the peak large training runs reached, as those who ran them printed it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from isoflop.atlas.range import Range


@dataclass(frozen=True, slots=True)
class ReportedRun:
    """Model FLOP over the peak of the chips (MFU) of one run; recomputation is not counted."""

    model: str
    chip: str
    utilisation: float
    source: str


_PALM = "Chowdhery et al. 2022, arXiv:2204.02311, table 3"
_SELECTIVE = "Korthikanti et al. 2022, arXiv:2205.05198, table 5"

REPORTED: tuple[ReportedRun, ...] = (
    ReportedRun("GPT-3 175B", "V100", 0.213, _PALM),
    ReportedRun("Gopher 280B", "TPU-v3", 0.325, _PALM),
    ReportedRun("Megatron-Turing NLG 530B", "A100", 0.302, _PALM),
    ReportedRun("PaLM 540B", "TPU-v4", 0.462, _PALM),
    ReportedRun("GPT 22B", "A100", 0.415, _SELECTIVE),
    ReportedRun("GPT 175B", "A100", 0.514, _SELECTIVE),
    ReportedRun("GPT 530B", "A100", 0.560, _SELECTIVE),
    ReportedRun("GPT 1T", "A100", 0.563, _SELECTIVE),
    ReportedRun("Llama 3.1 405B, 16k chips", "H100", 0.41, "arXiv:2407.21783, table 4"),
)


def reported_utilisation() -> Range:
    """Return the least, the median and the greatest utilisation of the runs in `REPORTED`.

    Whole runs with their failures and restarts reach less than such measurements: Pythia-12B
    26.6% and DeepSeek-V3 34.6%, from their chip hours.
    """
    values = [run.utilisation for run in REPORTED]
    return Range(min(values), statistics.median(values), max(values))
