"""Published models chosen and sorted, and held against a law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from isoflop.atlas.models import MODELS, PublishedModel, published_models
from isoflop.errors import UnknownName, UsageError
from isoflop.laws import constants
from isoflop.plan.published_models import ModelVerdict, Verdict, judge
from isoflop.report.display import Displayed

if TYPE_CHECKING:
    from isoflop.assess import Pool
    from isoflop.fitting import Fit
    from isoflop.law import Published

Order: TypeAlias = Literal["year", "name", "N", "D", "C", "ratio", "wasted"]
LAW = "chinchilla/besiroglu2024"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFilter:
    """Which published models are wanted: of a developer, of a span of years, with a verdict."""

    developer: str | None = None
    since: int | None = None
    until: int | None = None
    verdict: Verdict | None = None

    def of(self, models: Sequence[PublishedModel]) -> list[PublishedModel]:
        """Return the models of the developer and of the years.

        Raises UnknownName for a developer of none, UsageError where no model is left.
        """
        developers = {m.developer.lower(): m.developer for m in MODELS.values()}
        name = None if self.developer is None else developers.get(self.developer.lower())
        if self.developer is not None and name is None:
            raise UnknownName("developer", self.developer, sorted(developers.values()))
        first, last = self.since or 0, self.until or 9999
        chosen = [m for m in models if name in (None, m.developer) and first <= m.released <= last]
        if not chosen:
            raise UsageError("no model is left; ask for other years, or another developer")
        return chosen


@dataclass(frozen=True)
class ModelVerdicts(Displayed):
    """Published models held against a law: near the best within a factor `near`, or not."""

    verdicts: tuple[ModelVerdict, ...]
    law: Fit[Any] | Pool | Published = field(repr=False)
    near: float
    inputs: Mapping[str, float] | None
    level: float | None

    def sort(self, by: Order) -> ModelVerdicts:
        """Return the models in an order, those of which it is not known last."""
        return replace(self, verdicts=tuple(sorted(self.verdicts, key=lambda j: _place(j, by))))


def models(
    names: str | Sequence[str] = (),
    law: Fit[Any] | Pool | Published | str = LAW,
    *,
    near: float = 2.0,
    inputs: Mapping[str, float] | None = None,
    level: float | None = None,
    only: ModelFilter = ModelFilter(),
) -> ModelVerdicts:
    """Return published models, by name or family or all of them, held against a law, by year.

    `law` is a fit, or published constants; `near` is the factor of tokens per parameter that is
    still near the best. See `judge`.

    Raises UnknownName for a model that is not there, UsageError where none is left, and what
    `judge` raises.
    """
    wanted = [names] if isinstance(names, str) else list(names)
    several = [m for name in wanted for m in published_models(name)] if wanted else MODELS.values()
    chosen = only.of(list({m.name: m for m in several}.values()))
    source = constants(law) if isinstance(law, str) else law
    verdicts = judge(chosen, source, near=near, inputs=inputs, level=level)
    verdicts = tuple(j for j in verdicts if only.verdict in (None, j.verdict))
    if not verdicts:
        raise UsageError(
            f"no model with the verdict {only.verdict} is left; ask for fewer conditions"
        )
    return ModelVerdicts(verdicts, source, near, inputs, level).sort("year")


def _place(row: ModelVerdict, by: Order) -> tuple[bool, Any, str]:
    """Return what a model is sorted by; what is not known comes last."""
    m = row.model
    if by in ("year", "name"):
        return False, m.released if by == "year" else m.name, ""
    values = {"N": m.N.value, "D": m.D.value, "C": m.flop, "ratio": m.ratio}
    value = values.get(by, row.wasted)
    return value is None, value or 0.0, m.name
