"""How long a task may be: success falls with the time that it takes a skilled human."""

from __future__ import annotations

from isoflop.law import Array, Law, closed_form, param


class TimeHorizon(Law):
    r"""score(minutes) = 1 / (1 + (minutes / horizon)^slope).

    A logistic in the log of the time that a task takes a skilled human; horizon is the time at
    which half of the tasks succeed. Without published constants: horizons are of a model and a set
    of tasks. Fit one for each model.
    """

    key = "time-horizon"
    predicts = "score"
    source = "Kwa et al. 2025, arXiv:2503.14499: the 50% task-completion time horizon"

    horizon: float = param("minutes", typical=(2, 300), doc="where half of the tasks succeed")
    slope: float = param("1", typical=(0.3, 1.5), bounds=(0, 10))

    def __call__(self, minutes: Array) -> Array:
        return 1 / (1 + (minutes / self.horizon) ** self.slope)

    @closed_form("minutes")
    def minutes_for(self, score: Array) -> Array:
        """Return the length of tasks [minutes] of which a share succeeds: 0.8, for instance."""
        return self.horizon * (1 / score - 1) ** (1 / self.slope)
