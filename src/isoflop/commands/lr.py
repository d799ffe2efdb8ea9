"""lr: learning rate and batch of one model by every rule, and how far the rules disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from isoflop.commands.given_law import saved
from isoflop.commands.pricing import Shapes
from isoflop.commands.registry import Option, command
from isoflop.errors import UsageError
from isoflop.quantities import show
from isoflop.report import Block, Note, Paragraph, Report, Table

if TYPE_CHECKING:
    from isoflop.accounting import Family
    from isoflop.fitting import Fit
    from isoflop.plan.rates import Advice, Setting
    from isoflop.plan.result import Estimate

TIED_BELOW = 4e9  # parameters, below which models share one table of tokens


@command("lr", example="isoflop lr --N 1B --D 100B --L 2.5")
def lr(
    *,
    N: Annotated[float, Option("parameters")],
    D: Annotated[float | None, Option("training tokens, or state --C")] = None,
    C: Annotated[
        float | None, Option("training FLOP, 6ND of N as counted, in place of --D")
    ] = None,
    L: Annotated[float | None, Option("the loss that is expected [nats/token]")] = None,
    convention: Annotated[
        Literal["total", "non-embedding", "flops-per-token"], Option("how N is counted")
    ] = "total",
    shapes: Shapes = None,
    fit: Annotated[
        str | None, Option("a fit of rate-batch-surface to your own runs", "FIT")
    ] = None,
    within: Annotated[
        float, Option("the share of the loss that counts as the best", "SHARE", needs=("fit",))
    ] = 0.0025,
    proxy_lr: Annotated[float | None, Option("best rate of a narrow proxy, under muP")] = None,
    proxy_width: Annotated[float | None, Option("width of that proxy")] = None,
    width: Annotated[float | None, Option("width of the model")] = None,
) -> Report:
    """Show learning rate and batch of one model by every published rule.

    The rules disagree, by more the further a model lies from their runs: take them as the middle
    of a sweep, not its result. Each counts N in its own way, which is converted, and says whether
    the model lies within the range that it was fitted on.

    A surface over rate and batch, fitted to your own sweep, stands beside them with --fit:
    isoflop fit RUNS --law rate-batch-surface --out FIT, with N, D, lr, batch and L.
    """
    from isoflop.plan.rates import RULES, Setting, advice, mup, surface_advice

    setting = Setting(N, _tokens(N, D, C, convention), convention, _family(shapes, N), L)
    rows = tuple(advice(rule, setting) for rule in RULES)
    _check_share(within)
    own = None if fit is None else saved(fit)
    if own is not None:
        rows += (surface_advice(own, setting, within),)
    proxy = {"--proxy-lr": proxy_lr, "--proxy-width": proxy_width, "--width": width}
    if given := [name for name, value in proxy.items() if value is not None]:
        if missing := [name for name in proxy if name not in given]:
            raise UsageError(f"{given[0]} needs {' and '.join(missing)} as well")
        rows += (mup(proxy_lr or 0.0, proxy_width or 0.0, width or 0.0),)
    return _report(setting, rows, own, shapes, within)


def _report(
    setting: Setting, rows: tuple[Advice, ...], own: Fit[Any] | None,
    shapes: Mapping[str, float] | None, within: float,
) -> Report:  # fmt: skip
    from isoflop.commands.lr_pictures import against_size, valley
    from isoflop.plan.rates import spread

    apart = {
        name: {"all": spread(rows, name), "in_range": spread(rows, name, holding=True)}
        for name in ("lr", "batch")
    }
    blocks: list[Block] = [
        *_doubts(rows, own),
        _table(setting, rows),
        Paragraph(_disagreement(apart)),
        *(Note(f"{row.name}: {text}") for row in rows for text in row.why),
        Table(("rule", "what to know"), tuple((r.name, r.remark) for r in rows if r.remark)),
        *(against_size(setting, rows, name) for name in ("lr", "batch")),
    ]
    if own is not None:
        blocks.append(valley(own, setting, rows, within))
    blocks += [Note(text) for text in _assumed(setting, shapes)]
    data = {
        "N": setting.N, "D": setting.D, "convention": setting.counted, "L": setting.L,
        "rules": [_row(r) for r in rows], "disagreement": apart,
    }  # fmt: skip
    return Report("Learning rate and batch, by rule", tuple(blocks), data)


def _doubts(rows: tuple[Advice, ...], own: Fit[Any] | None) -> list[Block]:
    """Return what bears on trust: rules that were left, and a fit with doubts."""
    left = [row.name for row in rows if row.outside]
    notes: list[Block] = []
    if left:
        notes.append(
            Note(f"outside the range of {', '.join(left)}: there they are a guess", "doubt")
        )
    if own is not None and own.status != "ok":
        notes.append(Note(f"the fit of your surface is {own.status}: {own.notes[0]}", "doubt"))
    return notes


def _table(setting: Setting, rows: tuple[Advice, ...]) -> Table:
    cells = tuple(
        (
            row.name, _cell(row.lr), _cell(row.batch),
            None if row.batch is None else show(setting.D / row.batch.value),
            "" if row.N is None else f"{show(row.N)} {row.counted}",
            "; ".join(row.outside) or ("yes" if row.ranges else "not stated"),
        )
        for row in rows
    )  # fmt: skip
    model = f"N = {show(setting.N)} {setting.counted}, D = {show(setting.D)}"
    loss = "" if setting.L is None else f", L = {setting.L:.4g}"
    columns = ("rule", "lr", "batch [tokens]", "steps", "N as it counts", "in range")
    return Table(columns, cells, f"For {model}{loss}.")


def _cell(estimate: Estimate | None) -> str | None:
    if estimate is None:
        return None
    if estimate.low is None or estimate.high is None:
        return show(estimate.value)
    return f"{show(estimate.value)} ({show(estimate.low)} to {show(estimate.high)})"


def _disagreement(apart: Mapping[str, Mapping[str, float | None]]) -> str:
    parts = []
    for name, word in (("lr", "learning rates"), ("batch", "batches")):
        every, inside = apart[name]["all"], apart[name]["in_range"]
        if every is not None:
            within = "" if inside is None else f", {inside:.2g} among rules in range"
            parts.append(f"{word} by a factor of {every:.2g}{within}")
    return f"The rules differ: {'; '.join(parts)}." if parts else "No two rules say the same thing."


def _assumed(setting: Setting, shapes: Mapping[str, float] | None) -> list[str]:
    family = setting.family
    context = "" if family.context is None else f", context {family.context:g}"
    said = "as stated" if shapes else "assumed: state --shapes"
    tables = "tied" if family.tied else "untied"
    return [
        f"counts are converted for models of vocabulary {family.vocabulary:g}, width/layers "
        f"{family.aspect:g}{context}, tables {tables} ({said})",
        "the rule of Bjorck et al. 2024 is left out: its constants as they are quoted give rates "
        "of 1e-11, in units that could not be found",
    ]


def _tokens(N: float, D: float | None, C: float | None, convention: str) -> float:
    if (D is None) == (C is None):
        raise UsageError("give either --D, the training tokens, or --C, the training FLOP")
    if D is not None:
        return D
    return float(C or 0.0) / N / (1 if convention == "flops-per-token" else 6)


def _family(shapes: Mapping[str, float] | None, N: float) -> Family:
    """Return the shapes by which to convert: as stated, else those of usual language models."""
    from isoflop.accounting import Family
    from isoflop.errors import UnknownName

    known = ("vocabulary", "aspect", "context")
    stated = dict(shapes or {})
    if unknown := sorted(set(stated) - set(known)):
        raise UnknownName("number of a shape", unknown[0], known)
    usual = {"vocabulary": 32_000.0, "aspect": 96.0, "context": 2048.0, **stated}
    return Family(**usual, tied=N < TIED_BELOW)


def _check_share(within: float) -> None:
    if not 0 < within < 1:
        raise UsageError(f"--within is {within:g}; it is a share of the loss, such as 0.0025")


def _row(row: Advice) -> dict[str, Any]:
    return {
        "rule": row.name, "lr": _plain(row.lr), "batch": _plain(row.batch), "N": row.N,
        "convention": row.counted, "ranges": {s: list(span) for s, span in row.ranges.items()},
        "outside": list(row.outside), "missing": list(row.why), "remark": row.remark,
    }  # fmt: skip


def _plain(estimate: Estimate | None) -> dict[str, float | None] | None:
    if estimate is None:
        return None
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}
