"""Runs made by a law whose constants are known: what a fit must give back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

from isoflop.law import Binding, Law
from isoflop.laws import Chinchilla
from isoflop.quantities import quantity
from isoflop.runs import Runs

TRUTH = Chinchilla(E=1.8172, A=482.01, B=2085.43, alpha=0.3478, beta=0.3658)


def within(span: tuple[float, float], rng: np.random.Generator, size: int | None = None):
    """Return numbers spread over a range, in logs if it is positive."""
    low, high = span
    if low > 0:
        return np.exp(rng.uniform(np.log(low), np.log(high), size))
    return rng.uniform(low, high, size)


def some_law(form: type[Law], rng: np.random.Generator, size: int | None = None) -> Law:
    """Return a law, or an ensemble, whose numbers are typical of the field."""
    return form(**{name: within(p.typical, rng, size) for name, p in form.params.items()})


def some_inputs(symbols: tuple[str, ...], rng: np.random.Generator, n: int) -> dict:
    """Return n typical values of every quantity."""
    return {s: within(quantity(s).typical, rng, n) for s in symbols}


def made_by(
    law: Law,
    columns: Mapping[str, np.ndarray],
    *,
    noise: float = 0.0,
    seed: int = 0,
    binding: Binding | None = None,
) -> Runs:
    """Return runs that the law made, its output multiplied by log-normal noise."""
    binding = binding or Binding(type(law))
    truth = law(**binding.arguments(columns))
    luck = np.random.default_rng(seed).standard_normal(truth.shape)
    return Runs(
        {**columns, binding.predicts: truth * np.exp(noise * luck)},
        conventions={"N": "total", "C": "6ND"},
    )


def grid(budgets=(6e18, 2e19, 6e19, 2e20, 6e20, 2e21), sizes=20) -> dict[str, np.ndarray]:
    """Return an IsoFLOP grid: at each budget C, sizes N from a sixth to six times the usual."""
    C = np.repeat(np.asarray(budgets, float), sizes)
    N = np.sqrt(C / 120) * np.tile(np.geomspace(1 / 6, 6, sizes), len(budgets))
    return {"N": N, "D": C / (6 * N), "C": C}


@contextmanager
def registry_as_it_was() -> Iterator[None]:
    """Forget, at the end, every law that was declared inside."""
    before = dict(Law.registry)
    try:
        yield
    finally:
        Law.registry.clear()
        Law.registry.update(before)
