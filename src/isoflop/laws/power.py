"""One input, one power, with or without a floor: the law under every straight line in logs."""

from __future__ import annotations

import math

from isoflop.law import Array, Law, closed_form, param, published

PF_DAY = 8.64e19  # FLOP; Kaplan et al. 2020, section 1.3


class Power(Law):
    r"""y(x) = E + A / x^alpha.

    With E = 0 this is y = (x_0 / x)^alpha, where A = x_0^alpha; a negative alpha rises.
    GPT-4's L(C), arXiv:2303.08774, is this form; its constants were never printed.
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


_KAPLAN = {"N": "non-embedding", "C": "6ND-non-embedding", "L": "nats/token"}
_FLOORLESS = "no floor, and embeddings not counted: the exponents are not those of L - E"
_OF_C_MIN = "of C_min, at a batch far below critical; a budget C at the critical batch is 2 C_min"

for _name, _law, _over, _valid in (
    ("n", _through(8.8e13, 0.076), "N", {"N": (768, 1.5e9)}),
    ("d", _through(5.4e13, 0.095), "D", {"D": (22e6, 23e9)}),
    ("c", _through(1.6e7 * PF_DAY, 0.057), "C", None),
    ("cmin", _through(3.1e8 * PF_DAY, 0.050), "C", None),
):
    published(
        f"kaplan2020-{_name}",
        _law,
        over=_over,
        predicts="L",
        source="arXiv:2001.08361, eq. 1.1-1.4 and table 4 (WebText2)",
        conventions=_KAPLAN,
        valid=_valid,
        caution=_FLOORLESS,
    )
for _name, _at_one, _power, _predicts, _printed in (  # value at one PF-day, power of C_min
    ("n", 1.3e9, 0.73, "N", "N = 1.3e9 C_min^0.73"),
    ("batch", 2.0e6, 0.24, "batch", "a batch far below 2.0e6 C_min^0.24 tokens"),
    ("steps", 5.4e3, 0.03, "steps", "S_min = 5.4e3 C_min^0.03"),
    ("d", 2.0e10, 0.27, "D", "D = 2e10 C_min^0.27"),
):
    published(
        f"kaplan2020-{_name}-of-c",
        Power(E=0.0, A=_at_one * PF_DAY**-_power, alpha=-_power),
        over="C",
        predicts=_predicts,
        source=f"arXiv:2001.08361, table 6: {_printed}, C_min in PF-days",
        conventions=_KAPLAN,
        caution=_OF_C_MIN,
    )
published(
    "hoffmann2022-n-of-c",
    Power(E=0.0, A=0.099159, alpha=-0.4981),
    over="C",
    predicts="N",
    source="the power law through the nine rows of arXiv:2203.15556, table 3 (approach 1)",
    conventions={"N": "total", "C": "6ND"},
)
published(
    "llama3-2024-d-of-c",
    Power(E=0.0, A=0.299, alpha=-0.537),
    over="C",
    predicts="D",
    source="arXiv:2407.21783, label of figure 3: D = 0.299 C^0.537",
    conventions={"C": "6ND"},
    valid={"C": (6e18, 1e22)},
    check={"C": 3.8e25, "D": 1.63e13},
    caution="the text rounds to 0.29 and 0.53, which ask for 10.5T tokens at 3.8e25 FLOP where "
    "its own extrapolation is 16.55T",
)
published(
    "deepseek2024-m-of-c",
    Power(E=0.0, A=0.1715, alpha=-0.5243),
    over="C",
    predicts="N",
    source="arXiv:2401.02954, section 3.2: M = 0.1715 C^0.5243, FLOP per token",
    conventions={"N": "flops-per-token", "C": "MD"},
    valid={"C": (1e17, 3e20)},
    check={"C": 4.5e23, "N": 4.3e11},
    caution="the exponent follows the quality of the data: 0.450 on its early data, 0.578 on "
    "OpenWebText2",
)
published(
    "deepseek2024-d-of-c",
    Power(E=0.0, A=5.8316, alpha=-0.4757),
    over="C",
    predicts="D",
    source="arXiv:2401.02954, section 3.2: D = 5.8316 C^0.4757 tokens",
    conventions={"C": "MD"},
    valid={"C": (1e17, 3e20)},
    check={"C": 4.5e23, "D": 1.04e12},
    caution="the exponent follows the quality of the data: 0.550 on its early data, 0.422 on "
    "OpenWebText2",
)

# Domain; L(N) as (E, N_0, alpha); L(C) as (E, C_0, alpha); best N as (C_0, power); C in PF-days.
_HENIGHAN = (
    ("language", (0, 1.47e14, 0.070), (0, 3.47e8, 0.048), (3.3e-13, 0.73)),
    ("image-8x8", (3.12, 8.0e1, 0.24), (3.13, 1.8e-8, 0.19), (5.3e-14, 0.64)),
    ("image-16x16", (2.64, 2.8e2, 0.22), (2.64, 1.6e-8, 0.16), (4.8e-12, 0.75)),
    ("image-32x32", (2.20, 6.3e1, 0.13), (2.21, 3.6e-9, 0.10), (1.6e-13, 0.65)),
    ("image-vq-16x16", (3.99, 2.7e4, 0.13), (4.09, 6.1e-7, 0.11), (6.2e-14, 0.64)),
    ("image-vq-32x32", (3.07, 1.9e4, 0.14), (3.17, 2.6e-6, 0.12), (9.4e-13, 0.70)),
    ("text-to-image", (2.0, 5.1e3, 0.16), (1.93, 1.5e-6, 0.15), (9.4e-13, 0.70)),
    ("image-to-text", (2.0, 5.5e3, 0.15), (1.97, 1.5e-6, 0.16), (3.3e-12, 0.72)),
    ("video-vq", (1.01, 3.7e4, 0.24), (0.95, 2.2e-5, 0.14), (1.13e-12, 0.71)),
    ("math", (0.28, 1.1e4, 0.16), (0.14, 1.4e-5, 0.17), (2.3e-12, 0.69)),
)
_PER_IMAGE = (  # kind; nats per image that stay, C_0 [PF-days] and power of the rest
    ("8x8", 602, 1.9e3, 0.19), ("16x16", 2026, 1.7e10, 0.16), ("32x32", 6806, 2.7e26, 0.10),
    ("vq-16x16", 1047, 4.7e15, 0.11), ("vq-32x32", 3246, 3.1e19, 0.12),
)  # fmt: skip
_DIGITS = "two digits, from runs of one batch and schedule; of image tokens where domains mix"
_TWICE = "; its best N is printed alike for text-to-image and image-vq-32x32: perhaps a slip"


def _henighan(name: str, law: Power, over: str, predicts: str = "L", unit: str = "token") -> None:
    slip = _TWICE if predicts == "N" and name.startswith(("text-to-", "image-vq-32")) else ""
    table = "3" if unit == "image" else "1"
    published(
        f"henighan2020-{name}",
        law,
        over=over,
        predicts=predicts,
        caution=_DIGITS + slip,
        source=f"arXiv:2010.14701, table {table}",
        conventions={**_KAPLAN, "L": f"nats/{unit}"},
    )


for _domain, (_E, _N0, _a), (_F, _C0, _b), (_K0, _c) in _HENIGHAN:
    _henighan(f"{_domain}-n", _through(_N0, _a, _E), "N")
    _henighan(f"{_domain}-c", _through(_C0 * PF_DAY, _b, _F), "C")
    _henighan(f"{_domain}-n-of-c", _through(_K0 * PF_DAY, -_c), "C", "N")
for _kind, _E, _C0, _a in _PER_IMAGE:
    _henighan(f"image-{_kind}-per-image-c", _through(_C0 * PF_DAY, _a, _E), "C", unit="image")
for _domain, _N0, _a in (("text-to-image", 5.6e8, 0.037), ("image-to-text", 7.0e8, 0.039)):
    published(
        f"henighan2020-{_domain}-text-n",
        _through(_N0, _a),
        over="N",
        predicts="L",
        source="arXiv:2010.14701, table 1",
        conventions=_KAPLAN,
        caution="of the text tokens alone; two digits, from runs of one batch and schedule",
    )
for _name, _over, _predicts, _A, _power, _approach in (
    ("n-of-c", "C", "N", math.exp(-2.48465), 0.5, 1),
    ("v-of-c", "C", "N_V", math.exp(-1.589031), 0.4163623, 1),
    ("v-of-n", "N", "N_V", 3145728 * 33e6**-0.8353974, 0.8353974, 2),
):
    published(
        f"tao2024-{_name}",
        Power(E=0.0, A=_A, alpha=-_power),
        over=_over,
        predicts=_predicts,
        source=f"arXiv:2407.13623 and its code, approach {_approach}",
        conventions={"N": "non-embedding", "C": "6ND"},
        caution="vocabularies from 4k to 64k and models of 33M to 1.1B: beyond, a guess",
    )
