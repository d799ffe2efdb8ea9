"""Principal capabilities: the few numbers behind the scores of many benchmarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Mask, Numbers
from isoflop.errors import BadRuns, CannotFit, UnknownName, UsageError
from isoflop.runs.cells import name_rows

Texts = npt.NDArray[np.str_]

PASSES, SETTLED = 1000, 1e-9  # of imputation; it converges by a factor per pass


@dataclass(frozen=True, eq=False)
class Models:
    """Scores (n, b) of n models on b benchmarks, NaN where one is missing, with what made them.

    `C` (n,) is training compute [FLOP], NaN where it is not known; `rows` are those of the source.
    """

    scores: Numbers
    benchmarks: tuple[str, ...]
    names: Texts
    families: Texts
    C: Numbers
    rows: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def select(self, mask: Mask) -> Models:
        """Return the models of a mask (n,)."""
        return replace(
            self,
            scores=self.scores[mask],
            names=self.names[mask],
            families=self.families[mask],
            C=self.C[mask],
            rows=self.rows[mask],
        )

    def of(self, benchmarks: Sequence[str]) -> Numbers:
        """Return the scores (n, k) on these benchmarks.

        Raises UnknownName for one that is not there.
        """
        for name in benchmarks:
            if name not in self.benchmarks:
                raise UnknownName("benchmark", name, self.benchmarks)
        return self.scores[:, [self.benchmarks.index(name) for name in benchmarks]]


@dataclass(frozen=True, eq=False)
class Capabilities:
    """A rotation of the scores on some benchmarks: their centre (b,) and axes (k, b).

    `share` (k,) is how much of the variance each axis explains. Axes point where scores rise.
    """

    benchmarks: tuple[str, ...]
    centre: Numbers
    axes: Numbers
    share: Numbers
    imputed: int = field(default=0)

    @property
    def cumulative(self) -> Numbers:
        """The share (k,) of the variance that the first axes explain together."""
        return np.cumsum(self.share)

    def of(self, models: Models, components: int | None = None) -> Numbers:
        """Return the capabilities (n, kept) of models; their missing scores are filled in.

        A missing score is what the first axis says of it, given the scores that are there.
        """
        scores = _filled_by(models.of(self.benchmarks), self.centre, self.axes[0])
        return np.asarray((scores - self.centre) @ self.axes[:components].T)


def capabilities(models: Models, inputs: Sequence[str]) -> Capabilities:
    """Return the principal capabilities of models on the benchmarks `inputs`.

    Missing cells are imputed by one component, fitted and filled in turn until nothing moves;
    scores are centred and not scaled, as shares of items are of one unit.

    Raises UsageError for fewer than two benchmarks, CannotFit for too few models, BadRuns for
    scores that are no shares or for a model without any.
    Source: Ruan et al. 2024, arXiv:2405.10938, sections 3.2 and C.
    """
    if len(set(inputs)) < 2:
        raise UsageError(f"{len(set(inputs))} benchmarks make no component; name two or more")
    table = models.of(inputs)
    _check(models, table, inputs)
    scores = impute(table)
    centre = scores.mean(0)
    _, sizes, axes = np.linalg.svd(scores - centre, full_matrices=False)
    signs = np.where(axes.sum(1) < 0, -1.0, 1.0)
    return Capabilities(
        tuple(inputs),
        centre,
        axes * signs[:, None],
        sizes**2 / (sizes**2).sum(),
        int(np.isnan(table).sum()),
    )


def impute(table: Numbers) -> Numbers:
    """Return scores (n, b) with each missing cell as one principal component has it.

    Raises CannotFit for a benchmark without any score.
    """
    gone = np.isnan(table)
    if gone.all(0).any():
        raise CannotFit("a benchmark has no score at all; leave it out")
    estimate = np.where(gone, np.nanmean(table, axis=0), table)
    for _ in range(PASSES if gone.any() else 0):
        centre = estimate.mean(0)
        _, _, axes = np.linalg.svd(estimate - centre, full_matrices=False)
        prediction = centre + np.outer((estimate - centre) @ axes[0], axes[0])
        moved = np.abs(prediction - estimate)[gone].max()
        estimate = np.where(gone, prediction, estimate)
        if moved < SETTLED:
            break
    return estimate


def _filled_by(table: Numbers, centre: Numbers, axis: Numbers) -> Numbers:
    """Return scores with missing cells as a known component has them, by least squares per row."""
    gone = np.isnan(table)
    weight = np.where(gone, 0.0, axis)
    coordinate = np.nansum((table - centre) * weight, axis=1) / np.maximum(
        (weight**2).sum(1), 1e-300
    )
    return np.where(gone, centre + np.outer(coordinate, axis), table)


def _check(models: Models, table: Numbers, inputs: Sequence[str]) -> None:
    if len(models) <= len(inputs):
        raise CannotFit(
            f"{len(models)} models on {len(inputs)} benchmarks; more models than benchmarks are "
            "needed: add models, or leave benchmarks out"
        )
    bad = ((table < 0) | (table > 1)).any(1)
    if bad.any():
        raise BadRuns(
            f"scores in {name_rows(models.rows[bad])} lie outside 0 to 1; give shares, not per cent"
        )
    empty = np.isnan(table).all(1)
    if empty.any():
        raise BadRuns(
            f"{name_rows(models.rows[empty])} have no score on {', '.join(inputs)}; leave such "
            "models out with --where"
        )
