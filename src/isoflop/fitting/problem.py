"""A law held against runs, in coordinates that are kind to a solver.

Inputs are divided by their geometric mean per unit, and parameters rescaled as their units say,
so an answer cannot depend on whether N is given in millions, and N^-alpha no longer rises and
falls with A: conditioning drops from 1e11 to about 10. Bounds hold by the choice of `coordinates`.
Suffixes: s rows, p free parameters, n runs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.errors import BadLaw, UsageError
from isoflop.fitting.coordinates import Bounds, enter, leave
from isoflop.fitting.dual import Dual
from isoflop.law import Binding, Law, Param
from isoflop.quantities import QUANTITIES, quantity

Kind = Literal["log", "linear"]

UNMOVED = {0.0, math.inf, -math.inf}  # bounds that are the same in every unit
LEAST = 1e-12  # of the scaled output, or of a typical value: nearer a bound a parameter is on it


@dataclass(frozen=True, eq=False)
class FitProblem:
    """One law and one table of runs; `scales` holds the typical size of each unit of input.

    `bounds` holds those of every free parameter, rescaled as its unit says.
    """

    form: type[Law]
    free: tuple[str, ...]
    fixed: Mapping[str, float]
    scales: Mapping[str, float]
    bounds: Mapping[str, Bounds]
    inputs: tuple[Numbers, ...]  # (n,) each, divided by its scale, in the order of the formula
    output_n: Numbers  # divided by its scale; its log if kind is "log"
    kind: Kind

    @property
    def rounding(self) -> float:
        """The residual below which a law is held to fit exactly: a billionth of the output."""
        return 1e-9 * (1.0 if self.kind == "log" else float(np.abs(self.output_n).max()))

    @property
    def has_unbounded(self) -> bool:
        """Whether a free parameter may be any number at all."""
        return any(np.isinf(ends).all() for ends in self.bounds.values())

    def residuals(self, z_sp: Numbers) -> tuple[Numbers, Numbers]:
        """Return r_sn = prediction - observation, and J_spn = its slope along each parameter."""
        with np.errstate(all="ignore"):
            out = self._predict(self._seeds(z_sp[:, :, None]))
        r_sn = np.asarray(
            np.broadcast_to(out.value, (len(z_sp), self.output_n.size)) - self.output_n
        )
        J_spn = np.empty((len(z_sp), len(self.free), self.output_n.size))
        for i in range(len(self.free)):
            J_spn[:, i] = out.slopes.get(i, 0.0)
        with np.errstate(all="ignore"):
            bad_s = ~np.isfinite(J_spn.sum((1, 2)))
        r_sn[bad_s] = np.nan  # such a point is never accepted
        return r_sn, J_spn

    def sample(self, index_k: npt.NDArray[np.intp]) -> FitProblem:
        """Return the same problem on k of the runs."""
        inputs = tuple(column[index_k] for column in self.inputs)
        return replace(self, inputs=inputs, output_n=self.output_n[index_k])

    def values(self, z_sp: Numbers) -> Numbers:
        """Return r_sn alone, which costs a third."""
        numbers = {
            name: leave(self.bounds[name], z_sp[:, i, None])[0] for i, name in enumerate(self.free)
        }
        with np.errstate(all="ignore"):
            return np.asarray(self._predict(numbers) - self.output_n)

    def _predict(self, numbers: Mapping[str, Any]) -> Any:
        values = {**numbers, **self.fixed}
        constants = {k: v / self._factor(k, values) for k, v in self.fixed.items()}
        out = self.form(**{**numbers, **constants})(*self.inputs)
        return np.log(out) if self.kind == "log" else out

    def law(self, z_sp: Numbers) -> Law:
        """Return the law at z_sp (s, p) as an ensemble of s, or at (p,) as one law; unscaled."""
        z = np.atleast_2d(z_sp)
        scaled = {k: leave(self.bounds[k], z[:, i])[0] for i, k in enumerate(self.free)}
        values = {**scaled, **self.fixed}
        with np.errstate(all="ignore"):  # a draw may lie where a parameter has no finite value
            out = {
                k: np.clip(v * self._factor(k, values), *self.form.params[k].bounds)
                for k, v in scaled.items()
            }
        if z_sp.ndim == 1:
            out = {k: float(v[0]) for k, v in out.items()}
        return self.form(**out, **self.fixed)

    def point(self, law: Law, index: int | None = None) -> Numbers:
        """Return z (p,) of a law, the inverse of `law`."""
        values = {k: v if index is None else np.asarray(v)[index] for k, v in law.values.items()}
        return np.array([self.enter(k, values[k] / self._factor(k, values)) for k in self.free])

    def beginning(self, start: Mapping[str, float] | Law) -> Numbers:
        """Return z (p,) of a start that a caller gives: a law, or a number for each parameter.

        Raises UsageError for a name or number that is missing, unknown or outside its bounds.
        """
        numbers = dict(start.values if isinstance(start, Law) else start)
        form = self.form
        if unknown := [k for k in numbers if k not in form.params]:
            raise UsageError(f"start names {unknown[0]}; {form.key} has {', '.join(form.params)}")
        if missing := [k for k in self.free if k not in numbers]:
            raise UsageError(
                f"start lacks {', '.join(missing)}; give every free parameter a number"
            )
        for name, value in numbers.items():
            refuse_outside(form, name, value, "starts at")
        values = {k: float(v) for k, v in numbers.items()} | dict(self.fixed)
        return np.array([self.enter(k, values[k] / self._factor(k, values)) for k in self.free])

    def _factor(self, name: str, numbers: Mapping[str, Any]) -> Any:
        """Return the number that turns a rescaled parameter into one in the user's units."""
        return unit_factor(self.form.params[name].unit, self.scales, numbers)

    def log_factor(self, name: str, z_sp: Numbers) -> tuple[Numbers, dict[int, Numbers]]:
        """Return the log of what turns a rescaled parameter into the user's units (s,).

        With it comes its slope (s,) along each parameter that it depends on, by index.
        """
        out = np.log(self._factor(name, {**self._seeds(z_sp), **self.fixed}))
        if isinstance(out, Dual):
            return out.value, dict(out.slopes)
        return np.full(len(z_sp), float(out)), {}

    def unscaled(self, name: str, typical: Numbers, numbers: Mapping[str, Any]) -> Numbers:
        """Return numbers in the units of the literature, rescaled to this problem."""
        return np.asarray(typical / self._factor(name, numbers))

    def enter(self, name: str, value: Numbers) -> Numbers:
        """Return the solver's coordinate of a rescaled parameter, kept off its bounds."""
        return enter(self.bounds[name], value, LEAST * self.unit_distance(name))

    def unit_distance(self, name: str) -> float:
        """Return how far off a bound a parameter usually lies, as far as its unit lets it say.

        1 where it is rescaled with the runs, and the scaled output is 1; else at most 1, and 100
        times what is typical.
        """
        p = self.form.params[name]
        if {part.partition("^")[0] for part in p.unit.split(" * ")} & set(self.scales):
            return 1.0
        ends = (p.typical[0] - p.bounds[0], p.bounds[1] - p.typical[1])
        return min(1.0, *(100 * end for end in ends if end > 0))

    def _seeds(self, z_sp: Numbers) -> dict[str, Dual]:
        """Return each free parameter with its slope; z_sp may have a third axis of runs."""
        seeds = {}
        for i, name in enumerate(self.free):
            value, slope = leave(self.bounds[name], z_sp[:, i])
            seeds[name] = Dual(value, {i: slope})
        return seeds


def pose(
    binding: Binding,
    columns: Mapping[str, Numbers],
    fixed: Mapping[str, float] | None = None,
    kind: Kind | None = None,
) -> FitProblem:
    """Return the problem of fitting a law to columns (n,) of its inputs and its output.

    Raises UsageError for a parameter that the law lacks or a value outside its bounds.
    """
    form, fixed = binding.form, dict(fixed or {})
    for name, value in fixed.items():
        if name not in form.params:
            names = ", ".join(form.params)
            raise UsageError(f"{form.key} has no parameter {name!r} to fix; it has {names}")
        refuse_outside(form, name, value, "is fixed at")
    free = tuple(k for k in form.params if k not in fixed)
    if not free:
        raise UsageError(f"every parameter of {form.key} is fixed; nothing is left to fit")
    arrays = [np.asarray(columns[s], float) for s in binding.takes]
    output = np.asarray(columns[binding.predicts], float)
    kind = kind or form.residuals
    scales = _scales(form, arrays, output) if form.homogeneous else {}
    if not all(_moves_whole(form, name, scales) for name in free):
        scales = {}
    inputs = tuple(
        v / scales.get(QUANTITIES[s].unit, 1.0) for s, v in zip(form.takes, arrays, strict=True)
    )
    output = output / scales.get(quantity(form.predicts).unit, 1.0)
    bounds = {name: _rescaled(form.params[name], scales) for name in free}
    return FitProblem(
        form=form,
        free=free,
        fixed=fixed,
        scales=scales,
        bounds=bounds,
        inputs=inputs,
        output_n=np.log(output) if kind == "log" else output,
        kind=kind,
    )


def refuse_outside(form: type[Law], name: str, value: Any, what: str) -> None:
    """Raise UsageError for a number that a parameter cannot have."""
    low, high = form.params[name].bounds
    if not (np.ndim(value) == 0 and np.isfinite(value) and low <= value <= high):
        raise UsageError(f"{name} {what} {value}; it lies between {low:g} and {high:g}")


def _moves_whole(form: type[Law], name: str, scales: Mapping[str, float]) -> bool:
    """Return whether the bounds of a parameter stay numbers when units are rescaled.

    Those of 0 and infinity do; others do not where the unit hangs on another parameter.
    """
    units = form.params[name].unit.split(" * ")
    scaled = [power for base, _, power in (u.partition("^") for u in units) if base in scales]
    names = re.findall(r"[A-Za-z_]\w*", " ".join(scaled))
    return not names or set(form.params[name].bounds) <= UNMOVED


def _rescaled(p: Param, scales: Mapping[str, float]) -> Bounds:
    """Return the bounds of a parameter in the units of the problem."""
    if set(p.bounds) <= UNMOVED:
        return p.bounds
    factor = float(unit_factor(p.unit, scales, {}))
    return p.bounds[0] / factor, p.bounds[1] / factor


def unit_factor(unit: str, scales: Mapping[str, float], numbers: Mapping[str, Any]) -> Any:
    """Return what a parameter of this unit is multiplied by when each unit grows by its scale.

    >>> float(unit_factor("nats/token * params^alpha", {"params": 10.0}, {"alpha": 2.0}))
    100.0
    """
    factor: Any = 1.0
    for part in unit.split(" * "):
        base, _, power = part.partition("^")
        if base in scales:
            factor = factor * np.exp(math.log(scales[base]) * _exponent(power or "1", numbers))
    return factor


def _exponent(text: str, numbers: Mapping[str, Any]) -> Any:
    """Return an exponent written as a product: "alpha", "-alpha/q", "2*h"."""
    text = text.strip("()")
    sign, text = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    out: Any = sign
    for i, term in enumerate(text.split("/")):
        for factor in term.split("*"):
            value = numbers[factor] if factor in numbers else _number(factor)
            out = out / value if i and factor == term.split("*")[0] else out * value
    return out


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadLaw(f"exponent {text!r} is neither a number nor a parameter") from None


def _scales(form: type[Law], inputs: list[Numbers], output: Numbers) -> dict[str, float]:
    """Return the geometric mean of the inputs of each unit, and of an output that is open."""
    logs: dict[str, list[float]] = {}
    for symbol, column in zip(form.takes, inputs, strict=True):
        if (unit := QUANTITIES[symbol].unit) != "1":
            sizes = np.abs(
                column[column != 0]
            )  # signs and zeros, where a law takes them, have none
            logs.setdefault(unit, []).append(float(np.log(sizes).mean()) if sizes.size else 0.0)
    if form.predicts == "y" and (output > 0).all():
        logs["y"] = [float(np.log(output).mean())]
    return {unit: math.exp(sum(v) / len(v)) for unit, v in logs.items()}
