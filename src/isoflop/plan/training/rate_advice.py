"""Learning rate and batch of one model: by published rules, a proxy, and a surface of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from isoflop.accounting import ModelFamily
from isoflop.errors import UnknownName, UsageError
from isoflop.fitting import Fit
from isoflop.plan.training.learning_rate import (
    RULES,
    RateQuery,
    RuleAdvice,
    advice,
    mup,
    surface_advice,
)
from isoflop.report.display import Displayed

TIED_BELOW = 4e9  # parameters, below which models share one table of tokens
WITHIN = 0.0025  # the share of the loss that counts as the best


@dataclass(frozen=True, slots=True)
class NarrowProxy:
    """A narrow proxy whose best rate is known, under muP, and the width of the model."""

    lr: float
    proxy_width: float
    width: float


@dataclass(frozen=True)
class RateAdvice(Displayed):
    """What each rule says of a model; `of_surface` is the row of `surface`, where there is one.

    `shapes` are those that were stated; within `within` of the loss a rate counts as the best.
    """

    query: RateQuery
    rows: tuple[RuleAdvice, ...]
    surface: Fit[Any] | None = field(repr=False)
    of_surface: RuleAdvice | None
    shapes: Mapping[str, float] | None
    within: float


def rate_query(
    N: float,
    *,
    D: float | None = None,
    C: float | None = None,
    L: float | None = None,
    convention: str = "total",
    shapes: Mapping[str, float] | None = None,
) -> RateQuery:
    """Return the model that a rate is wanted for: N [params], and D [tokens] or C [FLOP].

    Raises UsageError for neither or both of D and C, UnknownName for another number of a shape.
    """
    return RateQuery(N, _tokens(N, D, C, convention), convention, _family(shapes, N), L)


def learning_rates(
    query: RateQuery,
    *,
    surface: Fit[Any] | None = None,
    within: float = WITHIN,
    proxy: NarrowProxy | None = None,
    shapes: Mapping[str, float] | None = None,
) -> RateAdvice:
    """Return learning rate and batch by every rule, by a fitted surface and by a proxy.

    Raises UsageError for a share of the loss that does not lie between 0 and 1, and for a fit
    that is no surface of rate and batch.
    """
    rows = tuple(advice(rule, query) for rule in RULES)
    if not 0 < within < 1:
        raise UsageError(f"--within is {within:g}; it is a share of the loss, such as 0.0025")
    of_surface = None if surface is None else surface_advice(surface, query, within)
    if of_surface is not None:
        rows += (of_surface,)
    if proxy is not None:
        rows += (mup(proxy.lr, proxy.proxy_width, proxy.width),)
    return RateAdvice(query, rows, surface, of_surface, shapes, within)


def _tokens(N: float, D: float | None, C: float | None, convention: str) -> float:
    """Return the training tokens, stated or from the compute."""
    if (D is None) == (C is None):
        raise UsageError("give either --D, the training tokens, or --C, the training FLOP")
    if D is not None:
        return D
    return float(C or 0.0) / N / (1 if convention == "flops-per-token" else 6)


def _family(shapes: Mapping[str, float] | None, N: float) -> ModelFamily:
    """Return the shapes by which to convert: as stated, else those of usual language models."""
    allowed = ("vocabulary", "aspect", "context")
    stated = dict(shapes or {})
    if unknown := sorted(set(stated) - set(allowed)):
        raise UnknownName("number of a shape", unknown[0], allowed)
    usual = {"vocabulary": 32_000.0, "aspect": 96.0, "context": 2048.0, **stated}
    return ModelFamily(**usual, tied=N < TIED_BELOW)
