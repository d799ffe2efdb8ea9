"""How long a thousand draws take at fifty budgets, with serving paid for."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from isoflop.law import constants
from isoflop.plan import Cost, Serving, best, cheapest

DRAWS, BUDGETS = 1000, 50
SECONDS = 1.0  # of processor time


def ensemble():
    law = constants("chinchilla/besiroglu2024").law
    rng = np.random.default_rng(0)
    scatter = {k: v * np.exp(0.03 * rng.standard_normal(DRAWS)) for k, v in law.values.items()}
    return type(law)(**scatter)


def fastest(run: Callable[[], object], times: int = 3) -> float:
    """Return the least processor time [s] of several calls."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        run()
        taken.append(time.process_time() - start)
    return min(taken)


def test_the_best_size_of_every_draw_at_every_budget():
    law, cost = ensemble(), Cost(serving=Serving(2e12))
    C = np.geomspace(1e22, 1e26, BUDGETS)
    seconds = fastest(lambda: best(law, cost, C))
    print(f"\nbudget to N, D: {DRAWS} draws x {BUDGETS} budgets in {seconds:.3f} s")
    assert best(law, cost, C).N.shape == (DRAWS, BUDGETS)
    assert seconds < SECONDS


def test_the_cheapest_run_of_every_draw_to_every_loss():
    law, cost = ensemble(), Cost(serving=Serving(2e12))
    L = np.linspace(2.2, 2.6, BUDGETS)
    seconds = fastest(lambda: cheapest(law, cost, L))
    print(f"\nloss to N, D: {DRAWS} draws x {BUDGETS} losses in {seconds:.3f} s")
    assert seconds < SECONDS
