"""Arrays that carry their derivatives, so that a law is written once, in plain NumPy.

A `Dual` is a value and, for each parameter that it depends on, the slope of that value. NumPy
hands every ufunc applied to a Dual to `__array_ufunc__`, which looks the partial derivatives up
in `derivatives`; a new ufunc costs one line there. Functions that pick, sum or arrange numbers go
through `__array_function__`. Parameters that a term does not hold cost nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from isoflop.errors import BadLaw
from isoflop.fitting.derivatives import COMPARISONS, PREDICATES, Partial, rule

_SHAPED = (
    np.shape,
    np.ndim,
    np.size,
    np.zeros_like,
    np.ones_like,
    np.full_like,
    np.isclose,
    np.iscomplexobj,
    np.isrealobj,
    np.broadcast_shapes,
    np.any,
    np.all,
)
# Functions in which numbers are added and arranged: the slope of what they return is what they
# return of slopes.
_LINEAR = (
    np.sum,
    np.mean,
    np.cumsum,
    np.stack,
    np.concatenate,
    np.broadcast_to,
    np.reshape,
    np.squeeze,
    np.expand_dims,
    np.moveaxis,
    np.swapaxes,
    np.transpose,
    np.flip,
    np.ravel,
    np.atleast_1d,
    np.atleast_2d,
    np.real,
    np.nan_to_num,
    np.diff,
)


class Dual(NDArrayOperatorsMixin):
    """A value, and its slope along each parameter it depends on (a mapping by parameter)."""

    __slots__ = ("slopes", "value")

    def __init__(self, value: Any, slopes: Mapping[int, Any]) -> None:
        self.value, self.slopes = value, slopes

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return np.shape(self.value)

    @property
    def ndim(self) -> int:
        """How many axes the value has."""
        return np.ndim(self.value)

    def __bool__(self) -> bool:
        """Return the truth of the value, as an array of it would."""
        return bool(self.value)

    def __getitem__(self, index: Any) -> Dual:
        """Return part of the value, with its slopes."""
        return _each(lambda part: part[index], self)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Dual:
        """Return the sum along an axis."""
        return _each(lambda part: np.sum(part, axis=axis, keepdims=keepdims), self)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *args: Any, **kwargs: Any) -> Any:
        """Apply `ufunc` and the chain rule.

        Raises BadLaw for a ufunc without a rule.
        """
        if ufunc is np.matmul and method == "__call__" and not kwargs:
            return _product(*args)
        if ufunc is np.add and method == "reduce":
            return _arranged(np.sum, args, {k: v for k, v in kwargs.items() if k != "dtype"})
        plain = [a.value if isinstance(a, Dual) else a for a in args]
        if method == "__call__" and not kwargs and (ufunc in COMPARISONS or ufunc in PREDICATES):
            return ufunc(*plain)
        partials = rule(ufunc) if method == "__call__" and not kwargs else None
        if partials is None:
            name = ufunc.__name__ if method == "__call__" else f"{ufunc.__name__}.{method}"
            raise BadLaw(
                f"the law uses {name}, whose derivative is not known; write it with elementary "
                "functions, such as exp, log, powers, sin, arctan, tanh, erf or gammaln"
            )
        if ufunc is np.power and np.all(plain[0] > 0):
            return _power(*args)
        return _chained(ufunc, partials, args, plain)

    def __array_function__(
        self, func: Callable[..., Any], types: Any, args: Any, kwargs: Any
    ) -> Any:
        """Apply a function of NumPy that is no ufunc.

        Raises BadLaw for one whose derivative is not known.
        """
        if func in _SHAPED:
            return func(*_parts(args, None), **_parts(kwargs, None))
        if func is np.where and len(args) == 3:
            return _where(*args)
        if func is np.clip:
            return _clipped(*args, **kwargs)
        if func in (np.dot, np.inner) and not kwargs:
            return _product(*args)
        if func in _LINEAR:
            return _arranged(func, args, kwargs)
        raise BadLaw(
            f"the law uses {func.__name__}, whose derivative is not known; write it with "
            "elementary functions, where, clip or sum"
        )


def _parts(tree: Any, parameter: int | None) -> Any:
    """Return arguments with each Dual replaced by its value, or by its slope along a parameter."""
    if isinstance(tree, Dual):
        return tree.value if parameter is None else _slope(tree, parameter)
    if isinstance(tree, dict):
        return {k: _parts(v, parameter) for k, v in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(_parts(v, parameter) for v in tree)
    if parameter is not None and isinstance(tree, np.ndarray):
        return np.zeros_like(tree)
    return tree


def _slope(x: Any, parameter: int) -> Any:
    """Return the slope along a parameter in the shape of the value; 0 of a plain number."""
    if not isinstance(x, Dual):
        return 0.0
    return np.broadcast_to(x.slopes.get(parameter, 0.0), np.shape(x.value))


def _known(tree: Any) -> set[int]:
    """Return the parameters that any Dual in arguments depends on."""
    if isinstance(tree, Dual):
        return set(tree.slopes)
    if isinstance(tree, dict):
        tree = list(tree.values())
    return set().union(*map(_known, tree)) if isinstance(tree, (list, tuple)) else set()


def _each(work: Callable[[Any], Any], x: Dual) -> Dual:
    return Dual(work(x.value), {k: work(_slope(x, k)) for k in x.slopes})


def _arranged(func: Callable[..., Any], args: Any, kwargs: Any) -> Dual:
    slopes = {k: func(*_parts(args, k), **kwargs) for k in _known(args)}
    return Dual(func(*_parts(args, None), **kwargs), slopes)


def _where(which: Any, x: Any, y: Any) -> Any:
    """Return x where a condition holds, else y."""
    if isinstance(which, Dual):
        which = which.value
    slopes = {k: np.where(which, _slope(x, k), _slope(y, k)) for k in _known([x, y])}
    return Dual(np.where(which, *_parts([x, y], None)), slopes)


def _clipped(x: Any, low: Any = None, high: Any = None, **named: Any) -> Any:
    """Return x, held between two ends."""
    low, high = named.get("a_min", low), named.get("a_max", high)
    low, high = named.get("min", low), named.get("max", high)
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


def _chained(
    ufunc: np.ufunc, partials: Sequence[Partial], args: Sequence[Any], plain: Sequence[Any]
) -> Dual:
    """Return a ufunc of arguments, whose values are `plain`, by the chain rule."""
    value = ufunc(*plain)
    slopes: dict[int, Any] = {}
    for argument, partial in zip(args, partials, strict=True):
        if not isinstance(argument, Dual):
            continue
        factor = None if partial is None else partial(value, *plain)
        for k, slope in argument.slopes.items():
            term = slope if factor is None else factor * slope
            slopes[k] = slopes[k] + term if k in slopes else term
    return Dual(value, slopes)


def _power(x: Any, y: Any) -> Dual:
    """Return x**y of x above zero: the log that its slope needs gives its value too."""
    base, exponent = _parts([x, y], None)
    log = np.log(base)
    value = np.exp(exponent * log)
    slopes: dict[int, Any] = {}
    if isinstance(y, Dual):
        by_exponent = value * log
        slopes = {k: by_exponent * slope for k, slope in y.slopes.items()}
    if isinstance(x, Dual):
        by_base = exponent * value / base
        for k, slope in x.slopes.items():
            slopes[k] = by_base * slope + slopes[k] if k in slopes else by_base * slope
    return Dual(value, slopes)


def _product(x: Any, y: Any) -> Dual:
    """Return the matrix product, of which either may carry slopes."""
    value = np.matmul(*_parts([x, y], None))
    slopes: dict[int, Any] = {}
    for k in _known([x]):
        slopes[k] = np.matmul(_slope(x, k), _parts(y, None))
    for k in _known([y]):
        slopes[k] = slopes.get(k, 0.0) + np.matmul(_parts(x, None), _slope(y, k))
    return Dual(value, slopes)
