"""One input, one power, with or without a floor: the law under every straight line in logs."""

from __future__ import annotations

from isoflop.law import Array, Law, closed_form, param, published

PF_DAY = 8.64e19  # FLOP; Kaplan et al. 2020, section 1.3


class Power(Law):
    r"""y(x) = E + A / x^alpha.

    With E = 0 this is y = (x_0 / x)^alpha, where A = x_0^alpha; a negative alpha rises.
    """

    key = "power"
    predicts = "y"
    source = "Kaplan et al. 2020, arXiv:2001.08361, eq. 1.1-1.4; Henighan et al. 2020, eq. 1.1"

    E: float = param("y", typical=(0.1, 3), doc="what is left at infinite x; 0 for a pure power")
    A: float = param("y * x^alpha", typical=(1, 1e4), doc="x_0^alpha, where x_0 gives y - E = 1")
    alpha: float = param("1", typical=(0.02, 1), bounds=(-3, 3))

    def __call__(self, x: Array) -> Array:
        return self.E + self.A / x**self.alpha

    @closed_form("x")
    def input_for(self, y: Array) -> Array:
        """Return the x at which the law gives y."""
        return (self.A / (y - self.E)) ** (1 / self.alpha)


def _through(x0: float, alpha: float, E: float = 0.0) -> Power:
    """Return y = E + (x0 / x)^alpha."""
    return Power(E=E, A=x0**alpha, alpha=alpha)


_KAPLAN = {"N": "non-embedding", "L": "nats/token"}
for _name, _over, _law in (
    ("kaplan2020-n", "N", _through(8.8e13, 0.076)),
    ("kaplan2020-d", "D", _through(5.4e13, 0.095)),
    ("kaplan2020-c", "C", _through(1.6e7 * PF_DAY, 0.057)),
    ("kaplan2020-cmin", "C", _through(3.1e8 * PF_DAY, 0.050)),
):
    published(
        _name,
        _law,
        over=_over,
        predicts="L",
        source="arXiv:2001.08361, eq. 1.1-1.4 and table 4 (WebText2)",
        conventions={**_KAPLAN, "C": "6ND-non-embedding"},
        caution="no floor, and embeddings not counted: the exponents are not those of L - E",
    )
published(
    "kaplan2020-n-of-c",
    Power(E=0.0, A=1.3e9 * PF_DAY**-0.73, alpha=-0.73),
    over="C",
    predicts="N",
    source="arXiv:2001.08361, table 6: N = 1.3e9 C_min^0.73, C_min in PF-days",
    conventions={"N": "non-embedding", "C": "6ND-non-embedding"},
    caution="of C_min, the compute at a batch far below critical; a training budget C is 2 C_min",
)
published(
    "hoffmann2022-n-of-c",
    Power(E=0.0, A=0.099159, alpha=-0.4981),
    over="C",
    predicts="N",
    source="the power law through the nine rows of arXiv:2203.15556, table 3 (approach 1)",
    conventions={"N": "total", "C": "6ND"},
)

_HENIGHAN = (  # domain: L(N) as (E, N_0, alpha), L(C) as (E, C_0 [PF-days], alpha)
    ("language", (0, 1.47e14, 0.070), (0, 3.47e8, 0.048)),
    ("image-8x8", (3.12, 8.0e1, 0.24), (3.13, 1.8e-8, 0.19)),
    ("image-16x16", (2.64, 2.8e2, 0.22), (2.64, 1.6e-8, 0.16)),
    ("image-32x32", (2.20, 6.3e1, 0.13), (2.21, 3.6e-9, 0.10)),
    ("image-vq-16x16", (3.99, 2.7e4, 0.13), (4.09, 6.1e-7, 0.11)),
    ("image-vq-32x32", (3.07, 1.9e4, 0.14), (3.17, 2.6e-6, 0.12)),
    ("text-to-image", (2.0, 5.1e3, 0.16), (1.93, 1.5e-6, 0.15)),
    ("image-to-text", (2.0, 5.5e3, 0.15), (1.97, 1.5e-6, 0.16)),
    ("video-vq", (1.01, 3.7e4, 0.24), (0.95, 2.2e-5, 0.14)),
    ("math", (0.28, 1.1e4, 0.16), (0.14, 1.4e-5, 0.17)),
)
for _domain, (_E, _N0, _a), (_F, _C0, _b) in _HENIGHAN:
    for _over, _law in (("N", _through(_N0, _a, _E)), ("C", _through(_C0 * PF_DAY, _b, _F))):
        published(
            f"henighan2020-{_domain}-{_over.lower()}",
            _law,
            over=_over,
            predicts="L",
            source="arXiv:2010.14701, table 1",
            conventions={**_KAPLAN, "C": "6ND-non-embedding"},
            caution="two digits, and loss of image tokens for the two mixed domains",
        )
