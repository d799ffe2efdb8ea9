"""Rules for the learning rate and the batch, side by side for one model.

Every rule counts N in its own way and was fitted on runs of its own range: the model that is asked
for is converted to the convention of each, and held against the range of each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from isoflop.accounting import (
    HOFFMANN_FAMILY,
    Architecture,
    ModelFamily,
    convert_parameters,
)
from isoflop.arrays import Numbers
from isoflop.errors import UsageError
from isoflop.fitting import Fit
from isoflop.laws import constants
from isoflop.plan.result import Estimate
from isoflop.quantities import QUANTITIES, show
from isoflop.report.display import Displayed

WITHIN = 0.0025  # of the loss at the bottom: what is held to be as good as the best
SURFACE = "rate-batch-surface"


@dataclass(frozen=True, slots=True)
class Rule:
    """Published sets that give a learning rate, a batch or both, and what to know of them.

    `valid` adds to the ranges of the sets: "C" [FLOP, by M D] and "D/N" [tokens/param, total N].
    """

    name: str
    rate: str | None = None
    batch: str | None = None
    remark: str = ""
    valid: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def sets(self) -> tuple[str, ...]:
        """The published sets of the rule."""
        return tuple(filter(None, (self.rate, self.batch)))

    @property
    def key(self) -> str:
        """The name of its sets, such as "step-law2025"."""
        return self.sets[0].partition("/")[2]

    @property
    def complete(self) -> bool:
        """Whether it says a learning rate and a batch of any model, whatever its loss."""
        takes = [constants(name).binding.takes for name in self.sets]
        return len(takes) == 2 and not any("L" in each for each in takes)

    @property
    def source(self) -> str:
        """Where it was published."""
        return constants(self.sets[0]).source

    @property
    def caution(self) -> str:
        """What its sets say to heed."""
        cautions = (constants(name).caution for name in self.sets)
        return "; ".join(dict.fromkeys(filter(None, cautions)))

    @property
    def counted(self) -> str | None:
        """How the rule counts N; None for a rule that does not take N."""
        published_sets = [constants(name) for name in self.sets]
        return next((f.conventions["N"] for f in published_sets if "N" in f.binding.takes), None)

    @property
    def ranges(self) -> dict[str, tuple[float, float]]:
        """Where the rule was fitted, N by its own convention."""
        ranges: dict[str, tuple[float, float]] = {}
        for name in self.sets:
            ranges.update(constants(name).valid)
        return {**ranges, **self.valid}


RULES = (
    Rule(
        "Step Law 2025", "learning-rate/step-law2025", "batch-size/step-law2025",
        "AdamW, final rate held at 1e-5",
    ),
    Rule(
        "DeepSeek 2024", "learning-rate/deepseek2024", "batch-size/deepseek2024",
        "of C = M D, near its best split; multi-step schedule",
        {"C": (1e17, 2e19)},
    ),
    Rule(
        "Porian 2024", "learning-rate/porian2024", "batch-size/porian2024",
        "at its best split; constant rate", {"D/N": (11.0, 23.0)},
    ),
    Rule(
        "Kaplan 2020", "log-rate/kaplan2020", "batch-of-loss/kaplan2020",
        "the rate at 5e5 tokens a step; the batch is the critical one, of twice the steps",
    ),
    Rule(
        "MiniCPM 2024", None, "batch-of-loss/minicpm2024",
        "of the loss on C4; its rate is 0.01 under muP, which compares with no other",
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RateQuery:
    """The models that are asked for: N as `counted`, D [tokens], loss L [nats/token] if known.

    N is converted by the shapes of a `family`, or counted from the `architecture` where it is
    stated.
    """

    N: Any
    D: Any
    counted: str
    family: ModelFamily = HOFFMANN_FAMILY
    L: float | None = None
    architecture: Architecture | None = None

    def __post_init__(self) -> None:
        """Refuse a loss that no model of text has."""
        if self.L is not None and not 0.01 <= self.L <= 100:
            raise UsageError(f"L is {self.L:g}; a loss lies between 0.01 and 100 nats/token")

    @classmethod
    def of(cls, architecture: Architecture, D: float, L: float | None = None) -> RateQuery:
        """Return the query of one shape."""
        N = float(architecture.parameters("total"))
        return cls(N, D, "total", L=L, architecture=architecture)

    def size(self, convention: str) -> Numbers:
        """Return N by a convention."""
        if self.architecture is not None:
            return np.asarray(self.architecture.parameters(convention), float)
        return convert_parameters(self.N, self.counted, convention, self.family)

    def measured(self, convention: str | None) -> dict[str, Numbers]:
        """Return what ranges are stated of: N by a convention, D, C = M D, and D over total N."""
        D = np.asarray(self.D, float)
        out = {"D": D, "C": self.size("flops-per-token") * D, "D/N": D / self.size("total")}
        return out if convention is None else {**out, "N": self.size(convention)}


@dataclass(frozen=True, slots=True)
class RuleAdvice(Displayed):
    """What one rule says: None where it says nothing, and `why` then says so.

    `N` is the size as the rule counts it. `ranges` is where it was fitted, and `outside` holds a
    sentence for each of them that the model leaves.
    """

    name: str
    lr: Estimate | None
    batch: Estimate | None
    counted: str | None
    N: float | None
    ranges: Mapping[str, tuple[float, float]]
    outside: tuple[str, ...]
    why: tuple[str, ...]
    remark: str

    @property
    def holds(self) -> bool:
        """Whether the rule states its range, and the model lies within it."""
        return bool(self.ranges) and not self.outside


def advice(rule: Rule, setting: RateQuery) -> RuleAdvice:
    """Return what a rule says of one model.

    Raises UsageError for an N or D that is not above zero.
    """
    lr, batch = (_one(rule, name, setting) for name in (rule.rate, rule.batch))
    convention = rule.counted
    why = []
    if rule.batch and batch is None:
        why.append("its batch follows from the loss: give L")
    if rule.rate and lr is None:
        why.append("its learning rate has fallen to zero before this size")
    at = {k: float(v) for k, v in setting.measured(convention).items()}
    outside = _outside(rule.ranges, at)
    return RuleAdvice(
        name=rule.name,
        lr=lr,
        batch=batch,
        counted=convention,
        N=at.get("N"),
        ranges=rule.ranges,
        outside=outside,
        why=tuple(why),
        remark=rule.remark,
    )


def said(rule: Rule, quantity: str, setting: RateQuery) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Return "lr" or "batch" of many models (k,), NaN where nothing, and which are in range."""
    name = rule.rate if quantity == "lr" else rule.batch
    value = None if name is None else _value(name, setting)
    at = setting.measured(rule.counted)
    inside = np.ones(np.shape(setting.N), bool)
    for symbol, (low, high) in rule.ranges.items():
        if symbol in at:
            inside &= (at[symbol] >= low) & (at[symbol] <= high)
    if value is None:
        return np.full(inside.shape, np.nan), inside
    return np.where(value > 0, value, np.nan) * np.ones(inside.shape), inside


def surface_advice(fit: Fit[Any], setting: RateQuery, within: float = WITHIN) -> RuleAdvice:
    """Return what a fitted rate-batch-surface says; intervals hold its draws.

    Raises UsageError for a fit of another law, or one that does not say how it counts N.
    """
    nearest = surface_size(fit, setting)
    best = fit.law.best(nearest, setting.D, within)
    draws = None if fit.draws is None else fit.draws.best(nearest, setting.D, within)
    lr, batch = (
        Estimate.of(getattr(best, s), None if draws is None else getattr(draws, s), fit.level)
        for s in ("lr", "batch")
    )
    at = {"N": nearest, "D": float(setting.D)}
    ranges = {s: (float(fit.runs[s].min()), float(fit.runs[s].max())) for s in at}
    remark = (
        f"within {within:.2%} of the best loss from {show(best.lr / best.lr_factor)} to "
        f"{show(best.lr * best.lr_factor)}, and from {show(best.batch / best.batch_factor)} to "
        f"{show(best.batch * best.batch_factor)} tokens, along the valley"
    )
    counted = fit.conventions["N"]
    outside = _outside(ranges, at)
    return RuleAdvice(
        name="your surface",
        lr=lr,
        batch=batch,
        counted=counted,
        N=nearest,
        ranges=ranges,
        outside=outside,
        why=(),
        remark=remark,
    )


def surface_size(fit: Fit[Any], setting: RateQuery) -> float:
    """Return N of one model as the runs of a fitted surface count it; raises as its advice does."""
    if fit.law.key != SURFACE:
        raise UsageError(
            f"the fit is of {fit.law.key}; fit {SURFACE} to runs with N, D, lr, batch and L"
        )
    counted = fit.conventions.get("N")
    if counted is None:
        raise UsageError(
            "the fit does not say how it counts N; fit again with --convention N=total or another"
        )
    return float(setting.size(counted))


def mup(rate: float, width: float, wider: float) -> RuleAdvice:
    """Return the rate of hidden matrices under muP: that of a proxy, down with the width.

    Raises UsageError for numbers that are not above zero.
    Source: Yang et al. 2022, arXiv:2203.03466.
    """
    for name, value in (("rate", rate), ("width", width), ("wider", wider)):
        if not 0 < value < np.inf:
            raise UsageError(f"{name} is {value}; it must be finite and above zero")
    remark = f"hidden matrices only, at the depth, batch and tokens of the proxy of width {width:g}"
    lr = Estimate(rate * width / wider)
    return RuleAdvice(
        name="muP, from your proxy",
        lr=lr,
        batch=None,
        counted=None,
        N=None,
        ranges={},
        outside=(),
        why=(),
        remark=remark,
    )


def spread(rows: tuple[RuleAdvice, ...], quantity: str, *, holding: bool = False) -> float | None:
    """Return the largest over the least "lr" or "batch"; None where fewer than two say it."""
    selection = [row for row in rows if row.holds or not holding]
    values = [e.value for row in selection if (e := getattr(row, quantity)) is not None]
    return max(values) / min(values) if len(values) > 1 else None


def _one(rule: Rule, name: str | None, setting: RateQuery) -> Estimate | None:
    value = None if name is None else _value(name, setting)
    return None if value is None or not float(value) > 0 else Estimate(float(value))


def _value(name: str, setting: RateQuery) -> Any:
    """Return what a published set says; None where it asks for a loss that is not known."""
    published = constants(name)
    inputs: dict[str, Any] = {"D": np.asarray(setting.D, float)}
    if "L" in published.binding.takes:
        if setting.L is None:
            return None
        inputs["L"] = setting.L
    if "N" in published.binding.takes:
        inputs["N"] = setting.size(published.conventions["N"])
    return published.law(**published.binding.arguments(inputs))


def _outside(ranges: Mapping[str, tuple[float, float]], at: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(
        _left(symbol, at[symbol], low, high)
        for symbol, (low, high) in ranges.items()
        if symbol in at and not low * (1 - 1e-9) <= at[symbol] <= high * (1 + 1e-9)
    )


def _left(symbol: str, value: float, low: float, high: float) -> str:
    unit = QUANTITIES[symbol].unit if symbol in QUANTITIES else "tokens/param"
    side, end = ("below", low) if value < low else ("above", high)
    return f"{symbol} = {show(value)} is {side} {show(end)} {unit}"


def scaled(setting: RateQuery, factors: Numbers) -> RateQuery:
    """Return models of other sizes (k,) at the tokens per parameter of one."""
    return replace(setting, N=setting.N * factors, D=setting.D * factors)
