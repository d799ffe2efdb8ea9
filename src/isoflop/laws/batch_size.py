"""The batch as powers of size and data: where to start a search, not where to end."""

from __future__ import annotations

from isoflop.law import Array, Law, param, published


class BatchSize(Law):
    r"""batch(N, D) = scale N^by_N D^by_D, in tokens.

    With by_N = 0 it is the critical batch of Zhang et al. 2024, arXiv:2410.21676, which follows
    the data alone; its prefactor could not be read at the source and is not shipped.
    """

    key = "batch-size"
    predicts = "batch"
    source = "the form of Li et al. 2025, arXiv:2503.04715 (Step Law), eq. 1"
    homogeneous = False  # a batch is in tokens, as D is: one cannot be rescaled without the other

    scale: float = param("params^-by_N * tokens^-by_D", typical=(0.1, 10))
    by_N: float = param("1", typical=(-0.2, 0.8), bounds=(-2, 2))
    by_D: float = param("1", typical=(-0.2, 0.8), bounds=(-2, 2))

    def __call__(self, N: Array, D: Array) -> Array:
        return self.scale * N**self.by_N * D**self.by_D


published(
    "step-law2025",
    BatchSize(scale=0.58, by_N=0.0, by_D=0.571),
    source="arXiv:2503.04715: 3,700 models",
    conventions={"N": "non-embedding"},
    valid={"N": (59e6, 1.08e9), "D": (2e9, 1e11)},
    check={"N": 1e9, "D": 1e11, "batch": 1.11e6},
)
published(
    "deepseek2024",
    BatchSize(scale=0.2920, by_N=0.3271, by_D=0.3271),
    source="arXiv:2401.02954, section 3.1: 0.2920 C^0.3271 tokens, with C = M D",
    conventions={"N": "flops-per-token"},
    check={"N": 8.5e22 / 2e12, "D": 2e12, "batch": 9.24e6},
    caution="fitted from 1e17 to 2e19 FLOP, near the best split of each budget",
)
published(
    "porian2024",
    BatchSize(scale=0.7576, by_N=0.703, by_D=0.0),
    source="arXiv:2406.19146, section 3.5",
    conventions={"N": "with-head"},
    valid={"N": (5e6, 901e6)},
    check={"N": 1e8, "D": 1e10, "batch": 156 * 2048},
    caution="of runs at the best split, 5M to 901M parameters; D is not an input of its own",
)
