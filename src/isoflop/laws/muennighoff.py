"""Loss when data repeat: what is seen again, and size beyond what the data fill, count for less."""

from __future__ import annotations

import numpy as np

from isoflop.law import Array, Law, param, published


class Muennighoff(Law):
    r"""L(N, D, U) = E + A / N'^alpha + B / D'^beta, N' and D' what N and D are worth on U tokens.

    D' = U + U fade_D (1 - exp(-R_D / fade_D)) with R_D = D / U - 1 repeats, and N' likewise from
    the size U_N that U tokens are best for. While D <= U it is Chinchilla's law in D. It never
    says that repeating harms, though after many epochs it does.
    """

    key = "muennighoff"
    predicts = "L"
    source = "Muennighoff et al. 2023, arXiv:2305.16264, eq. 5-6 and appendix A"

    E: float = param("nats/token", typical=(0.5, 3), doc="loss left at infinite N and D")
    A: float = param("nats/token * params^alpha", typical=(1e1, 1e4))
    B: float = param("nats/token * tokens^beta", typical=(1e1, 1e5))
    alpha: float = param("1", typical=(0.1, 0.8), bounds=(0, 2))
    beta: float = param("1", typical=(0.1, 0.8), bounds=(0, 2))
    fade_D: float = param("1", typical=(5, 40), doc="R_D*: repeats worth 1 - 1/e of all repeats")
    fade_N: float = param("1", typical=(2, 20), doc="R_N*: the same for parameters in excess")

    def __call__(self, N: Array, D: Array, U: Array) -> Array:
        fresh = np.minimum(D, U)
        G = (self.alpha * self.A / (self.beta * self.B)) ** (1 / (self.alpha + self.beta))
        base = np.minimum(N, (fresh * G) ** (self.beta / self.alpha) * G)
        data = _worth(D, fresh, self.fade_D)
        size = _worth(N, base, self.fade_N)
        return self.E + self.A / size**self.alpha + self.B / data**self.beta


def _worth(total: Array, first: Array, fade: Array) -> Array:
    """Return what `total` is worth where all beyond `first` is excess that fades."""
    return first - first * fade * np.expm1(-(total / first - 1) / fade)


published(
    "muennighoff2023",
    Muennighoff(
        E=float(np.exp(0.6254804)),
        A=float(np.exp(6.255414)),
        B=float(np.exp(7.3049974)),
        alpha=0.3526596,
        beta=0.3526596,
        fade_D=15.387756,
        fade_N=5.309743,
    ),
    source="arXiv:2305.16264 and its code: C4, 7M to 9B parameters, 1 to 500 epochs",
    conventions={"N": "total", "C": "6ND", "L": "nats/token"},
    valid={"N": (7e6, 9e9)},
    caution="runs that diverged or overfitted were left out of the fit: it is too kind to many "
    "epochs, of which about 4 are nearly free and about 40 are worthless",
)
