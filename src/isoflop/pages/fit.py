"""A law through runs, with intervals, and how far it can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from isoflop.errors import texts
from isoflop.fitting import Fit
from isoflop.pages import shows, tabulates
from isoflop.pages.answer import answered, estimate
from isoflop.pages.laws import formula
from isoflop.pages.provenance import dropped, unit_of
from isoflop.quantities import quantity
from isoflop.report import Block, Heading, Paragraph, Remark, Report, Table, note_blocks
from isoflop.report.columns import Columns

if TYPE_CHECKING:
    from isoflop.assess import Pool
    from isoflop.law import Binding


BUDGETS = (0.1, 1.0, 10.0, 100.0)  # times the largest of the runs


@shows(Fit)
def page_of(fit: Fit[Any]) -> Report:
    """Return a fit as a report: trust first, then numbers, then figures."""
    from isoflop.pages.fit_figures import pictures

    good = [Remark("the fit can be trusted as far as its runs reach", "good")]
    blocks: list[Block] = [
        *(good if fit.status == "ok" else ()),
        *note_blocks(fit.notes),
        Paragraph(written(fit.binding)),
        parameters(fit),
        quality(fit),
        *best_splits(fit),
    ]
    if fit.status != "refused":
        blocks += [Heading("Figures"), *pictures(fit)]
    title = f"{fit.law.key} fitted to {len(fit.runs):,} runs of {fit.runs.origin}"
    refused = fit.status == "refused"
    return Report(title, tuple(blocks), as_data(fit), refused, answered(_answer(fit), blocks))


@tabulates(Fit)
def tables_of(fit: Fit[Any]) -> dict[str, Columns]:
    """Return the parameters of a fit, its draws, and the residuals of its runs."""
    names = list(fit.law.params)
    ends = [_interval(fit, name) if name in fit.free else (None, None) for name in names]
    units = [in_units_of(fit, p.unit) for p in fit.law.params.values()]
    parameters = {
        "parameter": names,
        "value": [float(value) for value in fit.law.values.values()],
        "low": [low for low, _ in ends],
        "high": [high for _, high in ends],
        "unit": units,
        "is": ["fixed" if name in fit.fixed else "fitted" for name in names],
    }
    tables: dict[str, Columns] = {"parameters": parameters}
    if fit.draws is not None:
        count = fit.draws.members or 1
        tables["draws"] = {k: np.broadcast_to(v, count) for k, v in fit.draws.values.items()}
    takes, predicts = fit.binding.takes, fit.binding.predicts
    observed = {symbol: fit.runs[symbol] for symbol in (*takes, predicts)}
    predicted = fit.predict(**{symbol: fit.runs[symbol] for symbol in takes})
    tables["residuals"] = {
        "row": fit.runs.rows,
        **dict(fit.runs.labels),
        **observed,
        "predicted": np.broadcast_to(predicted, len(fit.runs)),
        "residual": fit.residuals,
    }
    return tables


def _answer(fit: Fit[Any]) -> str:
    """Return the law with its numbers, and how closely it follows the runs."""
    from isoflop.pages.fit_figures import percent

    values = (
        f"{name} = {estimate(float(getattr(fit.law, name)), *_ends(fit, name))}"
        for name in fit.law.params
    )
    unit = "%" if fit.kind == "log" else ""
    residual = f"{np.sqrt((percent(fit) ** 2).mean()):.2g}{unit}"
    return (
        f"{fit.law.key} follows {len(fit.runs):,} runs to {residual} (root mean square of the "
        f"residuals) with {', '.join(values)}"
    )


def _ends(fit: Fit[Any], name: str) -> tuple[float | None, float | None]:
    return (None, None) if name in fit.fixed else _interval(fit, name)


def written(binding: Binding) -> str:
    """Return the formula of a law, and what its open symbols stand for."""
    pairs = zip(
        (*binding.form.takes, binding.form.predicts),
        (*binding.takes, binding.predicts),
        strict=True,
    )
    bound = [f"{symbol} is {other}" for symbol, other in pairs if symbol != other]
    return formula(binding.form) + (f", where {' and '.join(bound)}" if bound else "")


def parameters(fit: Fit[Any]) -> Table:
    """Return the parameters with their intervals and units."""
    rows = []
    for name, parameter in fit.law.params.items():
        ends = (None, None) if name in fit.fixed else _interval(fit, name)
        state = "fixed" if name in fit.fixed else "fitted"
        unit = in_units_of(fit, parameter.unit)
        rows.append((name, getattr(fit.law, name), *ends, unit, state))
    columns = ("parameter", "value", "low", "high", "unit", "is")
    caption = f"low and high hold {fit.level:.0%} of the draws" if fit.draws is not None else ""
    return Table(columns, tuple(rows), caption)


def in_units_of(fit: Fit[Any], unit: str) -> str:
    """Return the unit of a parameter with that of the loss as the runs have it.

    A law that leaves its symbols open has its units in terms of what they are bound to.
    """
    binding = fit.binding
    pairs = zip(
        (*binding.form.takes, binding.form.predicts),
        (*binding.takes, binding.predicts),
        strict=True,
    )
    stated = {quantity(symbol).unit: unit_of(fit, other) for symbol, other in pairs}
    parts = (part.partition("^") for part in unit.split(" * "))
    return " * ".join(stated.get(base, base) + sign + power for base, sign, power in parts)


def quality(fit: Fit[Any]) -> Table:
    """Return how well the law follows the runs, and how it was found."""
    from isoflop.pages.fit_figures import percent

    errors = percent(fit)
    unit = "%" if fit.kind == "log" else " in the unit of the output"
    rows = (
        ("runs", str(len(fit.runs))),
        ("residual, root mean square", f"{np.sqrt((errors**2).mean()):.3g}{unit}"),
        ("residual, largest", f"{np.abs(errors).max():.3g}{unit}"),
        ("objective", f"{_objective(fit)} of {fit.kind} residuals: {fit.value:.8g}"),
        ("starts that agree", f"{fit.starts.agree} of {fit.starts.polished} polished"),
        ("draws", _draws(fit)),
        ("time", f"{fit.seconds:.2g} s"),
    )
    return Table(("fit", ""), rows)


def best_splits(fit: Fit[Any] | Pool) -> tuple[Block, ...]:
    """Return the best N and D at a few budgets, for a law that has them."""
    from isoflop.errors import NoOptimum, RefusedByData
    from isoflop.plan import spend

    if set(fit.binding.takes) != {"N", "D"}:
        return ()
    with np.errstate(over="ignore"):
        largest = float((6 * fit.runs["N"] * fit.runs["D"]).max())
    if not 0 < largest * BUDGETS[-1] < np.inf:
        return (Remark(f"no best N and D: C = 6ND of the runs reaches {largest:g}, no number"),)
    rows = []
    try:
        for factor in BUDGETS:
            p = spend(fit, factor * largest)
            rows.append(
                (
                    p.C.value,
                    factor,
                    p.N.value,
                    p.N.low,
                    p.N.high,
                    p.D.value,
                    p.D.value / p.N.value,
                    p.L.value,
                )
            )
    except (NoOptimum, RefusedByData) as reason:
        return (Remark(f"no best N and D: {reason}"),)
    columns = ("C = 6ND", "times the runs", "N", "low", "high", "D", "D/N", "L")
    return (Table(columns, tuple(rows), "The best split of a budget; low and high are of N."),)


def as_data(fit: Fit[Any]) -> dict[str, Any]:
    """Return a fit as JSON types."""
    intervals = {name: list(_interval(fit, name)) for name in fit.free}
    return {
        "law": fit.law.key,
        "takes": list(fit.binding.takes),
        "predicts": fit.binding.predicts,
        "params": {name: float(value) for name, value in fit.law.values.items()},
        "intervals": intervals,
        "fixed": list(fit.fixed),
        "level": fit.level,
        "objective": {
            "name": fit.objective.name,
            "delta": fit.objective.delta,
            "value": fit.value,
        },
        "starts": fit.starts._asdict(),
        "status": fit.status,
        "notes": texts(fit.notes),
        "runs": {"n": len(fit.runs), "dropped": dropped(fit.runs)},
        "seconds": fit.seconds,
    }


def _interval(fit: Fit[Any], name: str) -> tuple[float | None, float | None]:
    """Return the ends of an interval; None without draws."""
    low, high = fit.interval(name)
    return (low, high) if np.isfinite([low, high]).all() else (None, None)


def _objective(fit: Fit[Any]) -> str:
    delta = fit.objective.delta
    return fit.objective.name if delta is None else f"{fit.objective.name}({delta:g})"


def _draws(fit: Fit[Any]) -> str:
    count = fit.draws.members if fit.draws is not None else 0
    return f"{count:,}, {fit.resampling}" if count else "none, so no intervals"
