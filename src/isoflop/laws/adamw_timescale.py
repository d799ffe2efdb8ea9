"""How long AdamW averages over, as a share of the run: what sets the weight decay."""

from __future__ import annotations

from isoflop.law import Array, Law, closed_form, param


class AdamwTimescale(Law):
    r"""timescale(N, D) = scale (D / N)^power.

    AdamW's weights are a moving average of its updates over 1 / (lr weight_decay) steps; timescale
    is that over the steps of the run, batch / (lr weight_decay D). With power = 0 it is one number
    for every run, as Wang and Aitchison 2024 have it; Bergsma et al. 2025 find a power of the
    tokens per parameter, about -0.5. Without published constants: fit your own sweep.
    """

    key = "adamw-timescale"
    predicts = "timescale"
    source = "Bergsma et al. 2025, arXiv:2505.13738; Wang and Aitchison 2024, arXiv:2405.13698"

    scale: float = param("params^power * tokens^-power", typical=(0.3, 3))
    power: float = param("1", typical=(-0.8, -0.2), bounds=(-2, 2))

    def __call__(self, N: Array, D: Array) -> Array:
        return self.scale * (D / N) ** self.power

    @closed_form("D")
    def tokens_for(self, timescale: Array, N: Array) -> Array:
        """Return the D [tokens] at which a timescale is best for N [params]."""
        return N * (timescale / self.scale) ** (1 / self.power)

    def weight_decay(self, N: Array, D: Array, batch: Array, lr: Array) -> Array:
        """Return the weight decay that gives the timescale at a batch [tokens] and a rate."""
        return batch / (lr * D * self(N=N, D=D))
