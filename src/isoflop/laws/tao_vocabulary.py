"""The vocabulary as a third thing to scale, beside what is no vocabulary, and text."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from isoflop.law import Array, Law, closed_form, param, published

STEPS = 80  # of bisection, over e^60 in N_V


class TaoVocabulary(Law):
    r"""L_u(N, N_V, chars) = A / N^alpha + A_V / N_V^alpha_V + B / chars^alpha - E.

    N leaves the vocabulary out, and N_V = V times width is one table of it. A symbol of a larger
    vocabulary holds more text and is harder to tell, so the loss is held against that of unigrams
    of the same symbols, below which it lies, and text is counted in characters. The exponents of
    size and of text are one, as in the source: its runs cannot tell them apart.
    """

    key = "tao-vocabulary"
    predicts = "L_u"
    source = "Tao et al. 2024, arXiv:2407.13623, eq. 7"
    residuals: ClassVar[Literal["log", "linear"]] = "linear"  # the loss is negative

    E: float = param("nats/token", typical=(4, 8), doc="what unigrams lose to the best model")
    A: float = param("nats/token * params^alpha", typical=(1e2, 1e4))
    alpha: float = param("1", typical=(0.2, 0.7), bounds=(0, 2), doc="of N and of text")
    A_V: float = param("nats/token * params^alpha_V", typical=(1e2, 1e4))
    alpha_V: float = param("1", typical=(0.3, 0.9), bounds=(0, 2))
    B: float = param("nats/token * characters^alpha", typical=(1e3, 1e5))

    def __call__(self, N: Array, N_V: Array, chars: Array) -> Array:
        vocabulary = self.A_V / N_V**self.alpha_V
        return self.A / N**self.alpha + vocabulary + self.B / chars**self.alpha - self.E

    @closed_form("chars")
    def characters_for(self, L_u: Array, N: Array, N_V: Array) -> Array:
        """Return the text [characters] at which the loss is L_u [nats/token]."""
        excess = L_u + self.E - self.A / N**self.alpha - self.A_V / N_V**self.alpha_V
        return (self.B / excess) ** (1 / self.alpha)

    def best_vocabulary(self, N: Array, C: Array, width: Array | None = None) -> Array:
        """Return the N_V [params] of least L_u at N and C = 6 (N + N_V) D [FLOP].

        With the width of the model D is chars times `tokens_per_character` of V = N_V / width.
        Without it D is put in the place of chars, as the code of the source does.
        """
        low, high = np.log(N) - 50.0, np.log(N) + 10.0
        for _ in range(STEPS):
            middle = (low + high) / 2
            N_V = np.exp(middle)
            density, slope = (1.0, 0.0) if width is None else _density(N_V / width)
            chars = C / (6 * (N + N_V) * density)
            gained = self.alpha_V * self.A_V / N_V**self.alpha_V
            more = gained > self.alpha * self.B / chars**self.alpha * (N_V / (N + N_V) + slope)
            low, high = np.where(more, middle, low), np.where(more, high, middle)
        return np.exp((low + high) / 2)


def tokens_per_character(V: Array) -> Array:
    """Return the tokens that a character of English web text makes with V symbols.

    Held at V = 200,000 beyond it. Source: Tao et al. 2024, appendix A.5, BPE.
    """
    return _density(V)[0]


def _density(V: Array) -> tuple[Array, Array]:
    """Return the tokens per character, and the slope of their log in log V."""
    v = np.log(np.minimum(V, 2e5))
    density = 0.00639222 * v**2 - 0.15811069 * v + 1.20470122
    return density, np.where(V < 2e5, (2 * 0.00639222 * v - 0.15811069) / density, 0.0)


published(
    "tao2024",
    TaoVocabulary(
        E=5.5327846803337435,
        A=1.8313851559554126 * 1e6**0.44660634152009615, alpha=0.44660634152009615,
        A_V=0.19584238398665638 * 1e6**0.6707374679896795, alpha_V=0.6707374679896795,
        B=2.1241123120064955 * 1e9**0.44660634152009615,
    ),
    source="arXiv:2407.13623, approach 3 and its code, with N and N_V in 1e6 and text in 1e9 there",
    conventions={"N": "non-embedding"},
    valid={"N": (3.3e7, 1.13e9)},
    caution="V from 4k to 64k, so that larger models are far beyond it. "
    "The constants describe the released runs by characters; for its best vocabularies the code "
    "puts tokens in their place",
)  # fmt: skip
