"""What quantising a trained model costs: more, the more tokens went into each parameter."""

from __future__ import annotations

import numpy as np

from isoflop.law import Array, Law, closed_form, param, published


class KumarPtq(Law):
    r"""dL(N, D, bits_post) = scale D^by_D / N^by_N exp(-bits_post / fade).

    Every method of quantising (round to nearest, GPTQ, AWQ) has constants of its own: fit one
    law to each.
    """

    key = "kumar-ptq"
    predicts = "dL"
    source = "Kumar et al. 2024, arXiv:2411.04330, eq. 2"

    scale: float = param("nats/token * params^by_N * tokens^-by_D", typical=(1e-3, 1))
    by_D: float = param("1", typical=(0.2, 0.8), bounds=(0, 2))
    by_N: float = param("1", typical=(0.1, 0.6), bounds=(0, 2))
    fade: float = param("bits", typical=(0.3, 1.5), doc="bits by which the loss falls by e")

    def __call__(self, N: Array, D: Array, bits_post: Array) -> Array:
        return self._at_none(N, D) * np.exp(-bits_post / self.fade)

    def _at_none(self, N: Array, D: Array) -> Array:
        return self.scale * D**self.by_D / N**self.by_N

    @closed_form("bits_post")
    def bits_for(self, dL: Array, N: Array, D: Array) -> Array:
        """Return the bits per weight at which quantising adds dL [nats/token]."""
        return self.fade * np.log(self._at_none(N, D) / dL)

    @closed_form("D")
    def tokens_for(self, dL: Array, N: Array, bits_post: Array) -> Array:
        """Return the D [tokens] up to which quantising adds no more than dL [nats/token]."""
        worth = dL * np.exp(bits_post / self.fade) * N**self.by_N
        return (worth / self.scale) ** (1 / self.by_D)

    @closed_form("N")
    def params_for(self, dL: Array, D: Array, bits_post: Array) -> Array:
        """Return the N [params] from which quantising adds no more than dL [nats/token]."""
        scaled_loss = dL * np.exp(bits_post / self.fade)
        return (self.scale * D**self.by_D / scaled_loss) ** (1 / self.by_N)


published(
    "kumar2024",
    KumarPtq(scale=0.0598, by_D=0.5068, by_N=0.3439, fade=0.5907),
    source="arXiv:2411.04330, table 2: GPTQ, of models trained in 16 bits; the bias b of the "
    "table, whose place in the formula the paper leaves open, is left out",
    conventions={"N": "non-embedding"},
    valid={"N": (3e7, 1.7e9), "D": (1.5e9, 2.6e10)},
    caution="its authors hold the constants unlikely to be useful elsewhere: take the shape and "
    "fit your own",
)
