"""Between conventions: total and non-embedding parameters, and the compute that goes with them.

What lies between two counts is the shape of the models, so a conversion states a `ModelFamily`:
one vocabulary and one aspect ratio. Source: Pearce & Song 2024, arXiv:2406.12907.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from isoflop.accounting.architecture import Architecture
from isoflop.arrays import Numbers
from isoflop.errors import UnknownName, UsageError

N_CONVENTIONS = ("total", "with-head", "non-embedding", "flops-per-token")
C_CONVENTIONS = ("6ND", "6ND-with-head", "6ND-non-embedding", "MD", "detailed")


@dataclass(frozen=True, slots=True)
class ModelFamily:
    """Models of one `vocabulary` [tokens] and one `aspect` ratio, width over layers.

    Their blocks hold 12 l d^2 non-embedding parameters. `tied` models hold one table of tokens,
    others two. `context` [tokens] is needed only where attention is counted.
    """

    vocabulary: float
    aspect: float
    context: float | None = None
    tied: bool = True

    def __post_init__(self) -> None:
        """Refuse a family that no model belongs to."""
        for name in ("vocabulary", "aspect", "context"):
            value = getattr(self, name)
            if value is not None and not 0 < value < np.inf:
                raise UsageError(f"{name} is {value}; it must be finite and above zero")

    @classmethod
    def of(cls, architecture: Architecture) -> ModelFamily:
        """Return the family of one architecture."""
        a = architecture
        return cls(a.vocabulary, a.aspect, a.context, a.tied)

    @property
    def omega(self) -> float:
        """The w of N_T = N_E + w N_E^(1/3) [params^(2/3)]: tables times the width at N_E = 1."""
        tables = self.vocabulary * (1 if self.tied else 2)
        return float(tables * np.cbrt(self.aspect / 12))

    @property
    def headed(self) -> ModelFamily:
        """The same blocks with one table, the head: its totals are the counts "with-head"."""
        return replace(self, tied=True)

    def width(self, non_embedding: Any) -> Numbers:
        """Return the width at N_E non-embedding parameters: N_E = 12 l d^2 with l = d / aspect."""
        return np.cbrt(np.asarray(non_embedding, float) * self.aspect / 12)

    def total(self, non_embedding: Any) -> Numbers:
        """Return total parameters N_T from non-embedding N_E [params], of the same shape."""
        N = _positive(non_embedding, "N")
        return N + self.omega * np.cbrt(N)

    def non_embedding(self, total: Any) -> Numbers:
        """Return non-embedding parameters N_E from total N_T [params], of the same shape.

        The real root x of x^3 + w x = N_T, which is single as w > 0; N_E = x^3.
        """
        N, w = _positive(total, "N"), self.omega
        scale = np.sqrt(w / 3)
        root = 2 * scale * np.sinh(np.arcsinh(N / (2 * scale**3)) / 3)
        return np.asarray(root**3)

    def flop_per_token(self, non_embedding: Any, convention: str = "6ND") -> Numbers:
        """Return training FLOP per token at N_E [params] by a convention of C.

        Raises UnknownName for a convention that is not converted, UsageError where attention
        is counted and the family states no context.
        """
        N = _positive(non_embedding, "N")
        if convention == "6ND-non-embedding":
            return 6 * N
        if convention in ("6ND", "6ND-with-head"):
            return 6 * (self if convention == "6ND" else self.headed).total(N)
        if convention == "MD":
            return 6 * N + self._attention(N)
        if convention == "detailed":  # head, and attention over the causal half
            return 6 * (N + self.vocabulary * self.width(N)) + self._attention(N) / 2
        raise UnknownName("convention of C to convert", convention, C_CONVENTIONS)

    def _attention(self, N: Numbers) -> Numbers:
        """Training FLOP per token of full attention, 12 l d s."""
        if self.context is None:
            raise UsageError(
                "attention is counted by its context, which the family does not state; "
                "give context, such as 2048"
            )
        return np.asarray(12 * self.context * self.width(N) ** 2 / self.aspect)

    def _from_flop(self, M: Numbers) -> Numbers:
        """Return N_E from M = 6 N_E + 12 l d s, by Newton's method on x = N_E^(1/3).

        M is convex in x and the start lies above the root, so every step descends to it.
        """
        k = self._attention(np.ones(1))[0]
        x = np.cbrt(M / 6)
        for _ in range(200):
            step = (6 * x**3 + k * x**2 - M) / (18 * x**2 + 2 * k * x)
            x = x - step
            if np.all(np.abs(step) <= 1e-15 * x):
                break
        return np.asarray(x**3)


# Vocabulary 32,000 and width / layers 39.2 give the paper's w = 47,491 for Hoffmann's models.
HOFFMANN_FAMILY = ModelFamily(vocabulary=32_000, aspect=39.225, context=2048)


@dataclass(frozen=True, slots=True)
class ComputeFrontier:
    """The compute-optimal runs in non-embedding units: N [params], D [tokens], C = 6ND [FLOP]."""

    N: Numbers
    D: Numbers
    C: Numbers


def convert_parameters(N: Any, source: str, to: str, family: ModelFamily) -> Numbers:
    """Return N [params] counted by `to`, from N counted by `source`, for models of one family.

    "flops-per-token" is in [FLOP/token]. What a law or runs call "active" needs the mixture's
    architecture and is counted, not converted.

    Raises UnknownName for other conventions, UsageError for an N that is not above zero.
    """
    for name in (source, to):
        if name == "active":
            raise UsageError(
                "active parameters depend on the experts; count them with Architecture.parameters"
            )
        if name not in N_CONVENTIONS:
            raise UnknownName("convention of N to convert", name, N_CONVENTIONS)
    counted = _positive(N, "N")
    if source == to:
        return counted
    inner = _non_embedding(counted, source, family)
    if to == "non-embedding":
        return inner
    if to == "flops-per-token":
        return family.flop_per_token(inner, "MD")
    return (family if to == "total" else family.headed).total(inner)


def convert_compute(
    C: Any, N: Any, source: str, to: str, family: ModelFamily, *, counted: str = "total"
) -> Numbers:
    """Return C [FLOP] counted by `to`, from C counted by `source`; N is `counted` as it says.

    C and N broadcast. The tokens stay what they are: only the FLOP per token changes.

    Raises UnknownName and UsageError as `convert_parameters` does.
    """
    C = _positive(C, "C")
    inner = convert_parameters(N, counted, "non-embedding", family)
    before, after = (family.flop_per_token(inner, name) for name in (source, to))
    return np.asarray(C * after / before)


def nonembedding_frontier(
    N: Any, family: ModelFamily, *, A: float, B: float, alpha: float, beta: float
) -> ComputeFrontier:
    """Return what D and C = 6ND make non-embedding N [params] best, under a law of total N.

    The law is L = E + A / N_T^alpha + B / D^beta in total parameters; here N and C leave the
    tables out, as Kaplan et al. did, which bends the frontier: N* ~ C^0.7 to 0.8 for small
    models, C^0.5 for large ones. Shapes follow N.

    Source: Pearce & Song 2024, arXiv:2406.12907, section 3; exact.
    """
    N = _positive(N, "N")
    for name, value in (("A", A), ("B", B), ("alpha", alpha), ("beta", beta)):
        _positive(value, name)
    total = family.total(N)
    slope = N + family.omega / 3 * np.cbrt(N)  # N_E dN_T / dN_E
    log_D = np.log(beta * B / (alpha * A)) + (1 + alpha) * np.log(total) - np.log(slope)
    D = np.exp(log_D / beta)
    return ComputeFrontier(N=N, D=D, C=6 * N * D)


def _non_embedding(N: Numbers, source: str, family: ModelFamily) -> Numbers:
    if source in ("total", "with-head"):
        return (family if source == "total" else family.headed).non_embedding(N)
    return N if source == "non-embedding" else family._from_flop(N)


def _positive(values: Any, what: str) -> Numbers:
    """Return values as an array of numbers.

    Raises UsageError unless all are finite and above zero, with where the first is not.
    """
    numbers = np.asarray(values, float)
    wrong = ~(np.isfinite(numbers) & (numbers > 0))
    if wrong.any():
        where = np.flatnonzero(wrong)
        at = f" at position {', '.join(map(str, where[:5]))}" if numbers.ndim else ""
        value = numbers.reshape(-1)[where[0]]
        raise UsageError(f"{what} is {value:g}{at}; it must be finite and above zero")
    return numbers
