"""A law is one class. What is not written here is derived: inputs, derivatives, starting points."""

import numpy as np

import isoflop as iso
from isoflop.law import Array, Law, param


class TiedExponents(Law):
    r"""L(N, D) = E + A / N^alpha + B / D^alpha: one exponent for size and data."""

    key = "tied-exponents"
    predicts = "L"
    source = "Muennighoff et al. 2023, arXiv:2305.16264, tie them"

    E: float = param("nats/token", typical=(0.5, 3))
    A: float = param("nats/token * params^alpha", typical=(1e1, 1e4))
    B: float = param("nats/token * tokens^alpha", typical=(1e1, 1e5))
    alpha: float = param("1", typical=(0.1, 0.8), bounds=(0, 2))

    def __call__(self, N: Array, D: Array) -> Array:
        return self.E + self.A / N**self.alpha + self.B / D**self.alpha


# Runs that the law made, with 1% of noise; its parameters come back.
rng = np.random.default_rng(0)
truth = TiedExponents(E=1.8, A=450.0, B=1500.0, alpha=0.35)
N, D = np.exp(rng.uniform(np.log([1e8, 1e9]), np.log([1e10, 1e12]), (120, 2))).T
L = truth(N, D) * np.exp(rng.normal(0, 0.01, N.size))
runs = iso.read({"N": N, "D": D, "L": L}, conventions={"N": "total"})

fit = iso.fit(TiedExponents, runs)
low, high = fit.interval("alpha")
print(f"alpha = {fit.law.alpha:.3f}, 90%: {low:.3f} to {high:.3f}; the truth is {truth.alpha}")
best = iso.plan.spend(fit, C=1e23)  # found by search: this law wrote no closed form
print(f"at 1e23 FLOP: N = {best.N.value:.3g}, D = {best.D.value:.3g}")
