"""Arrays that carry their derivatives, so that a law is written once, in plain NumPy.

A `Dual` is a value and, for each parameter that it depends on, the slope of that value. NumPy
hands every ufunc applied to a Dual to `__array_ufunc__`, which looks the partial derivatives up
in `RULES`; a new ufunc costs one line there. Parameters that a term does not hold cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

Partial = Callable[..., Any] | None  # None is the constant 1

# ufunc -> for each argument, its partial derivative from (value, *arguments)
RULES: Mapping[np.ufunc, tuple[Partial, ...]] = {
    np.add: (None, None),
    np.subtract: (None, lambda v, x, y: -1.0),
    np.multiply: (lambda v, x, y: y, lambda v, x, y: x),
    np.true_divide: (lambda v, x, y: 1 / y, lambda v, x, y: -v / y),
    np.power: (lambda v, x, y: y * v / x, lambda v, x, y: v * np.log(x)),
    np.negative: (lambda v, x: -1.0,),
    np.positive: (None,),
    np.absolute: (lambda v, x: np.sign(x),),
    np.square: (lambda v, x: 2 * x,),
    np.sqrt: (lambda v, x: 0.5 / v,),
    np.exp: (lambda v, x: v,),
    np.expm1: (lambda v, x: v + 1,),
    np.log: (lambda v, x: 1 / x,),
    np.log2: (lambda v, x: 1 / (x * np.log(2)),),
    np.log10: (lambda v, x: 1 / (x * np.log(10)),),
    np.log1p: (lambda v, x: 1 / (1 + x),),
    np.tanh: (lambda v, x: 1 - v * v,),
    np.reciprocal: (lambda v, x: -v * v,),
    np.logaddexp: (lambda v, x, y: np.exp(x - v), lambda v, x, y: np.exp(y - v)),
    np.minimum: (lambda v, x, y: 1.0 * (x <= y), lambda v, x, y: 1.0 * (x > y)),
    np.maximum: (lambda v, x, y: 1.0 * (x >= y), lambda v, x, y: 1.0 * (x < y)),
}
COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal}


class Dual(NDArrayOperatorsMixin):
    """A value, and its slope along each parameter it depends on (a mapping by parameter)."""

    __slots__ = ("slopes", "value")

    def __init__(self, value: Any, slopes: Mapping[int, Any]) -> None:
        self.value, self.slopes = value, slopes

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        """Apply `ufunc` and the chain rule; NumPy raises TypeError where there is no rule."""
        plain = [a.value if isinstance(a, Dual) else a for a in args]
        if method == "__call__" and not kwargs and ufunc in COMPARISONS:
            return ufunc(*plain)
        if method != "__call__" or kwargs or ufunc not in RULES:
            return NotImplemented
        value = ufunc(*plain)
        slopes: dict[int, Any] = {}
        for argument, partial in zip(args, RULES[ufunc], strict=True):
            if not isinstance(argument, Dual):
                continue
            factor = None if partial is None else partial(value, *plain)
            for k, slope in argument.slopes.items():
                term = slope if factor is None else factor * slope
                slopes[k] = slopes[k] + term if k in slopes else term
        return Dual(value, slopes)
