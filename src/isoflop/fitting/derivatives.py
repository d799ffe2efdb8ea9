"""The partial derivatives of elementwise functions: NumPy's ufuncs, and those of scipy.special."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

# From (value, *arguments); None is the constant 1.
Partial: TypeAlias = Callable[..., Any] | None


def _zero(*_: Any) -> float:
    return 0.0


def _by_base(v: Any, x: Any, y: Any) -> Any:
    slope = y * v / x
    if np.all(x):
        return slope
    with np.errstate(all="ignore"):
        return np.where(x == 0, np.where(y == 0, 0.0, y * np.power(x, y - 1.0)), slope)


def _by_exponent(v: Any, x: Any, y: Any) -> Any:
    slope = v * np.log(x)
    return slope if np.all(x) else np.where((x == 0) & (v == 0), 0.0, slope)


_POWER: tuple[Partial, ...] = (_by_base, _by_exponent)
_LESS: tuple[Partial, ...] = (lambda v, x, y: 1.0 * (x <= y), lambda v, x, y: 1.0 * (x > y))
_MORE: tuple[Partial, ...] = (lambda v, x, y: 1.0 * (x >= y), lambda v, x, y: 1.0 * (x < y))
_REMAINDER: tuple[Partial, ...] = (None, lambda v, x, y: (v - x) / y)
_LOG2, _LOG10 = float(np.log(2)), float(np.log(10))

# ufunc -> for each argument, its partial derivative; what follows are steps, flat between jumps
RULES: Mapping[np.ufunc, tuple[Partial, ...]] = {
    np.add: (None, None),
    np.subtract: (None, lambda v, x, y: -1.0),
    np.multiply: (lambda v, x, y: y, lambda v, x, y: x),
    np.true_divide: (lambda v, x, y: 1 / y, lambda v, x, y: -v / y),
    np.power: _POWER,
    np.float_power: _POWER,
    np.negative: (lambda v, x: -1.0,),
    np.positive: (None,),
    np.absolute: (lambda v, x: np.sign(x),),
    np.fabs: (lambda v, x: np.sign(x),),
    np.square: (lambda v, x: 2 * x,),
    np.sqrt: (lambda v, x: 0.5 / v,),
    np.cbrt: (lambda v, x: 1 / (3 * v * v),),
    np.exp: (lambda v, x: v,),
    np.exp2: (lambda v, x: v * _LOG2,),
    np.expm1: (lambda v, x: v + 1,),
    np.log: (lambda v, x: 1 / x,),
    np.log2: (lambda v, x: 1 / (x * _LOG2),),
    np.log10: (lambda v, x: 1 / (x * _LOG10),),
    np.log1p: (lambda v, x: 1 / (1 + x),),
    np.sin: (lambda v, x: np.cos(x),),
    np.cos: (lambda v, x: -np.sin(x),),
    np.tan: (lambda v, x: 1 + v * v,),
    np.arcsin: (lambda v, x: 1 / np.sqrt(1 - x * x),),
    np.arccos: (lambda v, x: -1 / np.sqrt(1 - x * x),),
    np.arctan: (lambda v, x: 1 / (1 + x * x),),
    np.arctan2: (lambda v, x, y: y / (x * x + y * y), lambda v, x, y: -x / (x * x + y * y)),
    np.sinh: (lambda v, x: np.cosh(x),),
    np.cosh: (lambda v, x: np.sinh(x),),
    np.tanh: (lambda v, x: 1 - v * v,),
    np.arcsinh: (lambda v, x: 1 / np.hypot(x, 1),),
    np.arccosh: (lambda v, x: 1 / np.sqrt(x * x - 1),),
    np.arctanh: (lambda v, x: 1 / (1 - x * x),),
    np.deg2rad: (lambda v, x: np.pi / 180,),
    np.radians: (lambda v, x: np.pi / 180,),
    np.rad2deg: (lambda v, x: 180 / np.pi,),
    np.degrees: (lambda v, x: 180 / np.pi,),
    np.hypot: (lambda v, x, y: x / v, lambda v, x, y: y / v),
    np.reciprocal: (lambda v, x: -v * v,),
    np.logaddexp: (lambda v, x, y: np.exp(x - v), lambda v, x, y: np.exp(y - v)),
    np.logaddexp2: (lambda v, x, y: np.exp2(x - v), lambda v, x, y: np.exp2(y - v)),
    np.minimum: _LESS,
    np.fmin: _LESS,
    np.maximum: _MORE,
    np.fmax: _MORE,
    np.copysign: (lambda v, x, y: np.sign(x) * np.sign(v), _zero),
    np.remainder: _REMAINDER,
    np.fmod: _REMAINDER,
    np.floor_divide: (_zero, _zero),
    np.heaviside: (_zero, _zero),
    **dict.fromkeys((np.sign, np.floor, np.ceil, np.rint, np.trunc), (_zero,)),
}
# These tell of values, and carry no slope.
COMPARISONS = {np.less, np.less_equal, np.greater, np.greater_equal, np.equal, np.not_equal}
PREDICATES = {
    np.isfinite,
    np.isinf,
    np.isnan,
    np.signbit,
    np.logical_not,
    np.logical_and,
    np.logical_or,
    np.logical_xor,
}


def _special(name: str) -> Callable[..., Any]:
    """Return a function of scipy.special, which is there if a law has called one of its own."""
    return lambda *arguments: getattr(sys.modules["scipy.special"], name)(*arguments)


_psi = _special("psi")
_ROOT_PI, _ROOT_2PI = float(np.sqrt(np.pi)), float(np.sqrt(2 * np.pi))

# Functions of scipy.special by name, since scipy is not imported for them.
SPECIAL: Mapping[str, tuple[Partial, ...]] = {
    "erf": (lambda v, x: 2 / _ROOT_PI * np.exp(-x * x),),
    "erfc": (lambda v, x: -2 / _ROOT_PI * np.exp(-x * x),),
    "erfcx": (lambda v, x: 2 * x * v - 2 / _ROOT_PI,),
    "erfinv": (lambda v, x: _ROOT_PI / 2 * np.exp(v * v),),
    "erfcinv": (lambda v, x: -_ROOT_PI / 2 * np.exp(v * v),),
    "ndtr": (lambda v, x: np.exp(-x * x / 2) / _ROOT_2PI,),
    "log_ndtr": (lambda v, x: np.exp(-x * x / 2 - v) / _ROOT_2PI,),
    "ndtri": (lambda v, x: _ROOT_2PI * np.exp(v * v / 2),),
    "expit": (lambda v, x: v * (1 - v),),
    "log_expit": (lambda v, x: -np.expm1(v),),
    "logit": (lambda v, x: 1 / (x * (1 - x)),),
    "exp10": (lambda v, x: v * _LOG10,),
    "exprel": (lambda v, x: np.where(x == 0, 0.5, (np.exp(x) - v) / np.where(x == 0, 1, x)),),
    "cosm1": (lambda v, x: -np.sin(x),),
    "sindg": (lambda v, x: np.pi / 180 * np.cos(np.deg2rad(x)),),
    "cosdg": (lambda v, x: -np.pi / 180 * np.sin(np.deg2rad(x)),),
    "entr": (lambda v, x: -np.log(x) - 1,),
    "gamma": (lambda v, x: v * _psi(x),),
    "gammaln": (lambda v, x: _psi(x),),
    "loggamma": (lambda v, x: _psi(x),),
    "rgamma": (lambda v, x: -v * _psi(x),),
    "psi": (lambda v, x: _special("polygamma")(1, x),),
    "xlogy": (lambda v, x, y: np.log(y), lambda v, x, y: x / y),
    "xlog1py": (lambda v, x, y: np.log1p(y), lambda v, x, y: x / (1 + y)),
    "rel_entr": (lambda v, x, y: np.log(x / y) + 1, lambda v, x, y: -x / y),
    "beta": (
        lambda v, x, y: v * (_psi(x) - _psi(x + y)),
        lambda v, x, y: v * (_psi(y) - _psi(x + y)),
    ),
    "betaln": (lambda v, x, y: _psi(x) - _psi(x + y), lambda v, x, y: _psi(y) - _psi(x + y)),
    "j0": (lambda v, x: -_special("j1")(x),),
    "i0": (lambda v, x: _special("i1")(x),),
}


def rule(ufunc: np.ufunc) -> tuple[Partial, ...] | None:
    """Return the partial derivatives of a ufunc, None if they are not known."""
    if ufunc in RULES:
        return RULES[ufunc]
    special = sys.modules.get("scipy.special")
    named = getattr(special, ufunc.__name__, None) is ufunc
    return SPECIAL.get(ufunc.__name__) if named else None
