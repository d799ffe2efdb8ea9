"""The batch that a loss allows: the lower the loss, the more tokens a step may hold."""

from __future__ import annotations

from isoflop.law import Array, Law, closed_form, param, published


class BatchOfLoss(Law):
    r"""batch(L) = scale / L^power, in tokens."""

    key = "batch-of-loss"
    predicts = "batch"
    source = "Kaplan et al. 2020, arXiv:2001.08361, eq. 1.4; McCandlish et al. 2018"

    scale: float = param("nats/token^power", typical=(1e8, 1e10), doc="the batch at 1 nat/token")
    power: float = param("1", typical=(2, 8), bounds=(0, 20))

    def __call__(self, L: Array) -> Array:
        return self.scale / L**self.power

    @closed_form("L")
    def loss_for(self, batch: Array) -> Array:
        """Return the loss [nats/token] at which a batch [tokens] is due."""
        return (self.scale / batch) ** (1 / self.power)


published(
    "minicpm2024",
    BatchOfLoss(scale=1.21e9, power=6.24),
    source="arXiv:2404.06395, section 3.2: loss on C4",
    conventions={"L": "nats/token"},
    check={"L": 2.5, "batch": 3.98e6},
    caution="of the loss on C4; the learning rate that goes with it is 0.01 under muP, which "
    "compares with no other rule",
)
published(
    "kaplan2020",
    BatchOfLoss(scale=2.1e8, power=1 / 0.21),
    source="arXiv:2001.08361, eq. 1.4: the critical batch B_crit(L)",
    conventions={"L": "nats/token"},
    caution="a critical batch: twice the steps and twice the data of either limit; WebText2",
)
