"""The peak learning rate as powers of size and data: where to start a search, not where to end."""

from __future__ import annotations

from isoflop.law import Array, Law, param, published


class LearningRate(Law):
    r"""lr(N, D) = scale N^by_N D^by_D."""

    key = "learning-rate"
    predicts = "lr"
    source = "the form of Li et al. 2025, arXiv:2503.04715 (Step Law), eq. 1"

    scale: float = param("params^-by_N * tokens^-by_D", typical=(0.1, 10))
    by_N: float = param("1", typical=(-0.8, -0.1), bounds=(-2, 2))
    by_D: float = param("1", typical=(-0.2, 0.4), bounds=(-2, 2))

    def __call__(self, N: Array, D: Array) -> Array:
        return self.scale * N**self.by_N * D**self.by_D


published(
    "step-law2025",
    LearningRate(scale=1.79, by_N=-0.713, by_D=0.307),
    source="arXiv:2503.04715: 3,700 models; N without the tables of tokens",
    conventions={"N": "non-embedding"},
    valid={"N": (59e6, 1.08e9), "D": (2e9, 1e11)},
    check={"N": 1e9, "D": 1e11, "lr": 1.63e-3},
)
published(
    "deepseek2024",
    LearningRate(scale=0.3118, by_N=-0.1250, by_D=-0.1250),
    source="arXiv:2401.02954, section 3.1: 0.3118 C^-0.1250, with C = M D",
    conventions={"N": "flops-per-token"},
    check={"N": 8.5e22 / 2e12, "D": 2e12, "lr": 4.24e-4},
    caution="fitted from 1e17 to 2e19 FLOP, near the best split of each budget",
)
published(
    "porian2024",
    LearningRate(scale=3.7, by_N=-0.36, by_D=0.0),
    source="arXiv:2406.19146, section 3.5",
    conventions={"N": "with-head"},
    valid={"N": (5e6, 901e6)},
    caution="of runs at the best split, 5M to 901M parameters; D is not an input of its own",
)
