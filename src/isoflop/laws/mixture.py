"""The loss on one domain by what the training mixture holds: one law for each count of domains."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np

from isoflop.law import Array, Law, param
from isoflop.quantities import SHARES

_DOC = r"""L({inputs}) = E + K1^w1 {factors}.

The loss on one domain of a model trained on {count} domains in shares w that sum to 1: fit one law
to each domain that is to be good. Ki is what training on domain i alone leaves above E; between,
logs of what is left add up. It is E + k exp(sum of t_i w_i) of the source with ln Ki = ln k + t_i,
since shares that sum to 1 cannot tell k from a constant in every t. Size and tokens are the same
in all runs.
"""


def _mixture(count: int) -> type[Law]:
    """Declare the law of so many domains, whose shares are w1, w2, ..."""
    shares = SHARES[:count]
    amplitudes = tuple(f"K{i}" for i in range(1, count + 1))
    body = {
        "__module__": __name__,
        "__doc__": _DOC.format(
            inputs=", ".join(shares),
            count=count,
            factors=" ".join(f"{k}^{w}" for k, w in zip(amplitudes[1:], shares[1:], strict=True)),
        ),
        "key": f"mixture-{count}",
        "predicts": "L",
        "source": "Ye et al. 2024, arXiv:2403.16952, eq. 7 (data mixing laws)",
        "E": param("nats/token", typical=(0.5, 3), doc="loss that no mixture takes away"),
        **{
            k: param("nats/token", typical=(0.3, 3), doc=f"left above E by domain {k[1:]} alone")
            for k in amplitudes
        },
        "__annotations__": dict.fromkeys(("E", *amplitudes), "float"),
        "__call__": _formula(shares, amplitudes),
    }
    return type(f"Mixture{count}", (Law,), body)


def _formula(shares: tuple[str, ...], amplitudes: tuple[str, ...]) -> Any:
    """Return the formula as a method that takes exactly these shares, by place or by name."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(s, kind) for s in ("self", *shares)])

    def formula(self: Any, *values: Array, **named: Array) -> Array:
        arguments = signature.bind(self, *values, **named).arguments
        pairs = zip(shares, amplitudes, strict=True)
        return self.E + np.exp(sum(arguments[s] * np.log(getattr(self, k)) for s, k in pairs))

    formula.__signature__ = signature  # type: ignore[attr-defined]  # what a law takes is read here
    return formula


for _count in range(2, len(SHARES) + 1):
    _mixture(_count)
