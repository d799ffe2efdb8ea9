"""One batched solve: every row is an independent fit, a starting point and a weight per run.

Multi-start rows differ in where they start; bootstrap, jackknife and hold-out rows differ in
their weights; rows of a wild bootstrap in the outputs that they see. Array suffixes: s rows,
p parameters, n runs.

Far from the optimum the step is that of reweighted least squares, near it that of semismooth
Newton, whose Hessian is built from the curvature of the objective: at delta = 1e-3 Huber's loss
is nearly L1, on which reweighting crawls. Both are damped by one scalar, lambda max diag(H) I.
That holds a parameter still whose slopes are decades smaller than those of another, as they may be
without bounds: there each parameter is damped by its own size too, lambda diag(D), D the largest
diag(H) so far (More 1978), which finds a way along narrow valleys and leads astray more often.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from isoflop.arrays import Numbers
from isoflop.fitting.objective import Objective

ResidualsAndSlopes = Callable[[Numbers], tuple[Numbers, Numbers]]  # z_sp -> r_sn, J_spn

CHUNK_BYTES = 1_500_000  # of J_spn: a chunk that stays in cache is several times faster
SLOW = 0.03  # relative gain under which reweighting gives way to Newton
DONE = 1e-10  # relative gain under which a Newton step, which squares the error, was the last
FLAT = 1e-14  # relative gain that a step promises under which rounding hides it
STUCK = 1e9  # damping at which no step helps
PATIENCE = 3  # steps that may pass an optimum by before `refine` ends
VALLEY = 3000  # passes along a bent valley, whose length damping by size does not shorten
FURTHEST = 5.0  # a step in one pass, or the size of the coordinate if that is larger


@dataclass(frozen=True, slots=True)
class Solution:
    """Where each row ended: z_sp, the objective value_s, and the passes taken by all."""

    z_sp: Numbers
    value_s: Numbers
    passes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Damping:
    """How rows step: at most `passes` of them.

    `near` says that rows start near their optimum, as bootstrap refits do: Newton's step is then
    tried first. `scaled` damps each parameter by its own size from the beginning.
    """

    near: bool = False
    scaled: bool = False
    passes: int = 400


def solve(
    residuals: ResidualsAndSlopes,
    start_sp: Numbers,
    weights_sn: Numbers,
    objective: Objective,
    *,
    raised_sn: Numbers | None = None,
    damping: Damping = Damping(),
) -> Solution:
    """Return the minimum of sum_n w_n loss(r_n) that each row descends to.

    start_sp (s, p); weights_sn (s, n), or (1, n) for the same weights in every row. `raised_sn`
    (s, n) is by how much the outputs that a row sees lie above those of the problem.
    """
    rows, p = start_sp.shape
    n = weights_sn.shape[1]
    step = max(1, CHUNK_BYTES // (8 * p * max(n, 1)))
    parts = []
    for first in range(0, max(rows, 1), step):
        chunk = slice(first, min(first + step, rows))
        w_sn = weights_sn if len(weights_sn) == 1 else weights_sn[chunk]
        raised = np.zeros_like(w_sn) if raised_sn is None else raised_sn[chunk]
        batch = _Batch(residuals, start_sp[chunk], w_sn, raised, objective, damping)
        parts.append(batch.run(damping.passes))
    return Solution(
        np.concatenate([b.z_sp for b in parts]),
        np.concatenate([b.value_s for b in parts]),
        sum(b.passes for b in parts),
    )


def descend(
    residuals: ResidualsAndSlopes,
    start_sp: Numbers,
    weights_sn: Numbers,
    objective: Objective,
    *,
    both: bool,
) -> Solution:
    """Return what `solve` does from starts that may be far; if `both`, by either damping.

    Of the two ends of a row the lower one is returned.
    """
    ends = solve(residuals, start_sp, weights_sn, objective)
    if not both:
        return ends
    other = solve(
        residuals, start_sp, weights_sn, objective, damping=Damping(scaled=True, passes=VALLEY)
    )
    lower_s = other.value_s < ends.value_s
    return Solution(
        np.where(lower_s[:, None], other.z_sp, ends.z_sp),
        np.minimum(other.value_s, ends.value_s),
        ends.passes + other.passes,
    )


def refine(
    residuals: ResidualsAndSlopes, z_p: Numbers, weights_n: Numbers, objective: Objective
) -> Numbers:
    """Return z_p (p,) moved to where the gradient vanishes, as far as doubles can tell.

    The objective is flat to the last digit within 1e-8 of its minimum; its gradient is not.
    """

    def gradient(z: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        r_sn, J_spn = residuals(z[None])
        return J_spn[0] @ (weights_n * objective.slope(r_sn[0])), r_sn[0], J_spn[0]

    g_p, r_n, J_pn = gradient(z_p)
    best_p, least, idle = z_p, np.inf, 0
    for _ in range(50):
        H_pp = (J_pn * (weights_n * objective.curvature(r_n))) @ J_pn.T
        if not (np.isfinite(H_pp).all() and np.trace(H_pp) > 0):
            break
        root_p = np.sqrt(np.maximum(np.diag(H_pp), 1e-12 * np.trace(H_pp)))
        size = float(np.abs(g_p / root_p).max())
        best_p, idle = (z_p, 0) if size < least else (best_p, idle + 1)
        least = min(size, least)
        if idle == PATIENCE:
            break
        scaled_pp = H_pp / root_p / root_p[:, None] + 1e-12 * np.eye(len(z_p))
        z_p = z_p - np.linalg.solve(scaled_pp, g_p / root_p) / root_p
        g_p, r_n, J_pn = gradient(z_p)
    return best_p


class _Batch:
    """The rows of one chunk that still move, with all that their next step needs."""

    def __init__(
        self,
        residuals: ResidualsAndSlopes,
        start_sp: Numbers,
        w_sn: Numbers,
        raised_sn: Numbers,
        objective: Objective,
        damping: Damping,
    ) -> None:
        self.residuals, self.objective = residuals, objective
        rows = len(start_sp)
        self.w_sn = np.broadcast_to(w_sn, (rows, w_sn.shape[1]))
        self.raised_sn = np.broadcast_to(raised_sn, self.w_sn.shape)
        self.z_sp = start_sp.copy()
        self.r_sn, self.J_spn = self._residuals(self.z_sp)
        self.value_s = self._objective(self.r_sn)
        self.damping_s = np.full(rows, 1e-4 if damping.near else 1e-2)
        self.newton_s = np.full(rows, damping.near)
        self.rescues_s = np.zeros(rows, int)
        self.scaled_s = np.full(rows, damping.scaled)
        self.largest_sp = np.zeros_like(self.z_sp)

    def _residuals(self, z_sp: Numbers) -> tuple[Numbers, Numbers]:
        r_sn, J_spn = self.residuals(z_sp)
        return r_sn - self.raised_sn, J_spn

    def _objective(self, r_sn: Numbers) -> Numbers:
        with np.errstate(over="ignore", invalid="ignore"):  # infinite is never an improvement
            value_s = np.einsum("sn,sn->s", self.w_sn, self.objective.loss(r_sn))
        return np.where(np.isfinite(value_s), value_s, np.inf)

    def _step(self) -> tuple[Numbers, Numbers]:
        """Return the damped step of every row (s, p), and what the slope along it promises (s,)."""
        r_sn, w_sn = self.r_sn, self.w_sn
        h_sn = self.objective.curvature(r_sn)
        if (far_s := ~self.newton_s).any():
            h_sn[far_s] = self.objective.weight(r_sn[far_s])
        h_sn *= w_sn
        slope_sn1 = (w_sn * self.objective.slope(r_sn))[:, :, None]
        g_sp1 = self.J_spn @ slope_sn1
        H_spp = (self.J_spn * h_sn[:, None, :]) @ self.J_spn.transpose(0, 2, 1)
        diagonal_sp = np.einsum("spp->sp", H_spp)
        np.maximum(self.largest_sp, diagonal_sp, out=self.largest_sp)
        size_s = np.maximum(diagonal_sp.max(1), 1e-30)
        root_sp = np.ones(1)
        if self.scaled_s.any():
            root_sp = np.sqrt(np.where(self.scaled_s[:, None], self.largest_sp, size_s[:, None]))
            root_sp = np.maximum(root_sp, 1e-150)
            H_spp /= root_sp[:, :, None] * root_sp[:, None, :]
            g_sp1 /= root_sp[:, :, None]
            size_s = np.ones_like(size_s)
        diagonal_sp += (self.damping_s * size_s + 1e-15 * size_s)[:, None]
        step_sp = np.asarray(-np.linalg.solve(H_spp, g_sp1)[:, :, 0])
        promise_s = np.asarray(-np.einsum("sp,sp->s", g_sp1[:, :, 0], step_sp))
        return np.asarray(step_sp / root_sp), promise_s

    def run(self, max_passes: int) -> Solution:
        """Step until every row has settled; rows that have are taken out of the batch."""
        z_sp, value_s = self.z_sp.copy(), self.value_s.copy()
        live, passes = np.flatnonzero(np.isfinite(value_s)), 0
        self._keep(live)
        for _ in range(max_passes):
            if not live.size:
                break
            passes += live.size
            settled = self._advance()
            z_sp[live], value_s[live] = self.z_sp, self.value_s
            live = live[~settled]
            self._keep(~settled)
        return Solution(z_sp, value_s, passes)

    def _advance(self) -> npt.NDArray[np.bool_]:
        """Take one step where it helps, and return which rows have settled."""
        most_sp = np.maximum(FURTHEST, np.abs(self.z_sp))
        step_sp, promise_s = self._step()
        new_sp = self.z_sp + np.clip(step_sp, -most_sp, most_sp)
        r_sn, J_spn = self._residuals(new_sp)
        new_s = self._objective(r_sn)
        better = new_s < self.value_s
        with np.errstate(invalid="ignore", divide="ignore"):
            gain_s = np.where(better, 1 - new_s / self.value_s, 0.0)
        if better.all():
            self.z_sp, self.r_sn, self.J_spn, self.value_s = new_sp, r_sn, J_spn, new_s
        else:
            for old, new in ((self.z_sp, new_sp), (self.r_sn, r_sn), (self.J_spn, J_spn)):
                old[better] = new[better]
            self.value_s = np.where(better, new_s, self.value_s)
        self.damping_s *= np.where(better, 1 / 8, 6.0)
        np.maximum(self.damping_s, 1e-12, out=self.damping_s)
        flat_s = ~better & (promise_s <= FLAT * self.value_s) & (self.damping_s < 1)
        return self._settled(better, gain_s, flat_s)

    def _settled(
        self, better: npt.NDArray[np.bool_], gain_s: Numbers, flat_s: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.bool_]:
        """Return which rows are done, and switch the others between the two kinds of step."""
        newton_s = self.newton_s
        slow_s = better & (gain_s < SLOW) & ~newton_s
        stuck_s = self.damping_s > np.where(newton_s, 1e5, STUCK)
        done_s = newton_s & ((better & (gain_s <= DONE)) | flat_s) | (self.value_s <= 0)
        # Newton that is stuck may stand on a kink or far out: reweight for a while, then try again.
        rescue_s = newton_s & stuck_s & (self.rescues_s < 2)
        done_s |= stuck_s & ~rescue_s & newton_s
        switch_s = (slow_s | (stuck_s & ~newton_s)) & (self.rescues_s < 3)
        done_s |= stuck_s & ~newton_s & ~switch_s
        self.rescues_s += rescue_s
        self.newton_s = (newton_s | switch_s) & ~rescue_s
        self.damping_s = np.where(rescue_s, 1e-2, np.where(switch_s, 1e-3, self.damping_s))
        return done_s

    def _keep(self, which: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> None:
        if which.dtype == np.bool_ and which.all():
            return
        for name in (
            "z_sp",
            "r_sn",
            "J_spn",
            "value_s",
            "damping_s",
            "newton_s",
            "rescues_s",
            "scaled_s",
            "largest_sp",
        ):
            setattr(self, name, getattr(self, name)[which])
        self.w_sn, self.raised_sn = self.w_sn[which], self.raised_sn[which]
