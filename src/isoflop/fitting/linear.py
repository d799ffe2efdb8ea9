"""Laws that are linear in their parameters, fitted exactly: no starts, no descent.

Suffixes: s draws, g points, p parameters.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from isoflop.arrays import Numbers
from isoflop.errors import CannotFit, UsageError
from isoflop.law import Law

L = TypeVar("L", bound=Law)

SINGULAR = 1e-10  # of the largest pivot, under which points do not tell parameters apart


def fit_linear(
    form: type[L],
    inputs: Mapping[str, Any],
    y: Any,
    weights: Any,
    *,
    search: Mapping[str, Sequence[float]] | None = None,
) -> L:
    """Return the law of least weighted squares through y (g,), or an ensemble through y (s, g).

    `weights` (g,) or (s, g) are of squares. Parameters in which the form is not linear are tried
    at each of their values in `search`, and the best are kept, draw by draw.

    Raises UsageError for a form that is not linear in the others, CannotFit if the points cannot
    tell the parameters apart.
    """
    many = np.ndim(y) == 2 or np.ndim(weights) == 2
    y_sg, w_sg = np.atleast_2d(np.asarray(y, float)), np.atleast_2d(np.asarray(weights, float))
    others = dict(search or {})
    best: dict[str, Numbers] = {}
    least_s = np.full(max(len(y_sg), len(w_sg)), np.inf)
    for values in itertools.product(*others.values()):
        constants = dict(zip(others, values, strict=True))
        try:
            c_sp, error_s = _solved(form, inputs, y_sg, w_sg, constants)
        except CannotFit:
            if not others:
                raise
            continue
        names = [p for p in form.params if p not in constants]
        params = dict(zip(names, c_sp.T, strict=True)) | {
            name: np.full(least_s.size, value) for name, value in constants.items()
        }
        better = error_s < least_s
        for name, value_s in params.items():
            best[name] = np.asarray(np.where(better, value_s, best.get(name, value_s)))
        least_s = np.minimum(least_s, error_s)
    if not best:
        raise CannotFit(f"{form.key}: the points cannot tell its parameters apart at any of them")
    return form(**best) if many else form(**{k: float(v[0]) for k, v in best.items()})


def _solved(
    form: type[Law],
    inputs: Mapping[str, Any],
    y_sg: Numbers,
    w_sg: Numbers,
    constants: Mapping[str, float],
) -> tuple[Numbers, Numbers]:
    """Return coefficients (s, p) and what is left of the weighted squares (s,)."""
    names = [p for p in form.params if p not in constants]
    X_gp, offset_g = _columns(form, inputs, names, constants)
    root_sg = np.sqrt(w_sg)
    size_p = np.abs(X_gp).max(0)
    if not (size_p > 0).all() or X_gp.shape[0] < len(names):
        raise CannotFit(
            f"{form.key} has {len(names)} parameters to fit, and {X_gp.shape[0]} points do not "
            "pin them down"
        )
    Q_sgp, R_spp = np.linalg.qr(root_sg[..., None] * (X_gp / size_p))
    pivot_sp = np.abs(np.diagonal(R_spp, axis1=-2, axis2=-1))
    if not (pivot_sp.min(-1) > SINGULAR * pivot_sp.max(-1)).all():
        raise CannotFit(f"{form.key}: the points cannot tell its parameters apart; spread them")
    target_sg = root_sg * (y_sg - offset_g)
    c_sp = np.linalg.solve(R_spp, Q_sgp.swapaxes(-1, -2) @ target_sg[..., None])[..., 0] / size_p
    left_sg = target_sg - root_sg * (c_sp @ X_gp.T)
    return np.asarray(c_sp), np.asarray((left_sg**2).sum(-1))


def _columns(
    form: type[Law], inputs: Mapping[str, Any], names: Sequence[str], constants: Mapping[str, float]
) -> tuple[Numbers, Numbers]:
    """Return what each parameter adds per unit (g, p), and the law at none of them (g,)."""

    def at(**coefficients: float) -> Numbers:
        return np.asarray(
            form(**{**dict.fromkeys(names, 0.0), **constants, **coefficients})(**inputs), float
        )

    offset_g = at()
    X_gp = np.stack([at(**{name: 1.0}) - offset_g for name in names], axis=1)
    trial = {name: 1.7 - 0.9 * i for i, name in enumerate(names)}
    output, linear_output = at(**trial), offset_g + X_gp @ np.array(list(trial.values()))
    if not np.allclose(output, linear_output, rtol=1e-9, atol=1e-9 * np.abs(X_gp).max(initial=0)):
        raise UsageError(f"{form.key} is not linear in {', '.join(names)}; use fit()")
    return X_gp, offset_g
