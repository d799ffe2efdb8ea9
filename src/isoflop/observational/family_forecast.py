"""A family carried to more compute, and the score that its capability then gives on a task."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isoflop.errors import UsageError
from isoflop.observational.components import Models
from isoflop.observational.families import FamilyLine, families, family
from isoflop.observational.target import Observed
from isoflop.report.display import Displayed


@dataclass(frozen=True, eq=False)
class FamilyForecast(Displayed):
    """The score that a family is forecast to have at a compute C [FLOP], with its interval.

    `index` is the log odds that the law gives the middle of it; `beyond` how many times C lies
    beyond the family's largest model.
    """

    family: FamilyLine
    C: float
    score: float
    low: float
    high: float
    index: float

    @property
    def beyond(self) -> float:
        """How many times beyond the largest model of the family; at least 1."""
        return max(1.0, self.C / self.family.C[1])


def line_of(fit: Observed, models: Models, name: str) -> FamilyLine:
    """Return a family's line of the capability that counts for the task, against compute.

    Its inverse gives family-equivalent compute.
    Raises CannotFit for a family of too few models, UnknownName for none of that name.
    """
    return family(*families(models, fit.index(models), fit.level), name)


def forecast_family(fit: Observed, models: Models, name: str, C: float) -> FamilyForecast:
    """Return the score on the task of a new model of a family at compute C [FLOP].

    Every draw has its own sigmoid, and with that its own line through the family; to it comes the
    scatter of models about the line (Student's t) and of scores about the sigmoid.

    Raises UsageError for a fit without draws or a C that no model can have, and what `line_of`
    raises.
    """
    if fit.draws is None:
        raise UsageError("there are no draws behind this fit; ask for some")
    if not (np.isfinite(C) and C > 0):
        raise UsageError(f"C is {C}; it must be finite and above zero")
    mine = line_of(fit, models, name)
    members = models.select((models.families == name) & np.isfinite(models.C))
    away_n = np.log10(members.C) - mine.centre
    index_sn = fit.draws.index(fit.capabilities.of(members, fit.n_components))
    slope_s = index_sn @ away_n / (away_n @ away_n)
    middle = float(mine.capability(np.array(C)))
    rng = np.random.default_rng(fit.seed)
    noise_s = mine.drawn(rng, C, len(slope_s)) - middle
    index_s = index_sn.mean(1) + slope_s * (np.log10(C) - mine.centre) + noise_s
    low, high = fit.ends(fit.draws.score(index_s[:, None]))
    score = float(fit.law.score(np.array(middle)))
    return FamilyForecast(mine, C, score, float(low[0]), float(high[0]), middle)
