"""A design narrows what it says it narrows, spends no more than it may, and knows when to stop."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

from isoflop.errors import RefusedByData, UsageError
from isoflop.fitting import fit
from isoflop.plan import optimum
from isoflop.plan.design.greedy import design, narrowed, pool
from isoflop.plan.design.greedy import grid as candidates
from isoflop.plan.design.uncertainty import Candidates, Target
from isoflop.runs import Runs

LOSS = Target(N=7e9, D=1.4e11)
BEST = Target(C=5.76e22)
OFFER = candidates((1e7, 2e9), (2e8, 5e10), 8)
SEEN = made_by(TRUTH, grid(budgets=(1e17, 3e17, 1e18), sizes=7), noise=3e-3, seed=1)


@pytest.fixture(scope="module")
def known():
    return fit("chinchilla", SEEN, objective="squared", draws=0)


@pytest.mark.parametrize("target", [LOSS, BEST], ids=["loss", "size"])
def test_widths_are_those_of_the_fits_that_follow(known, target):
    """Made many times, the chosen runs scatter the refitted target as the design said."""
    made = design([known], target, OFFER, count=15, noise=3e-3, drift=0, level=0.6827)
    chosen = {s: np.array([getattr(c, s) for c in made.choices]) for s in "ND"}
    columns = {s: np.concatenate([SEEN[s], chosen[s]]) for s in "ND"}
    said = []
    for seed in range(80):
        again = made_by(TRUTH, columns, noise=3e-3, seed=seed + 100)
        refit = fit("chinchilla", again, objective="squared", draws=0, screened=64, polished=3)
        said.append(target.log(refit.law)[0, 0])
    assert np.std(said) == pytest.approx(np.log1p(made.half_width), rel=0.35)
    assert made.half_width < made.start


def test_the_target_is_narrowed_most_by_runs_chosen_for_it(known):
    ends = {
        how: design([known], BEST, OFFER, criterion=how, budget=1e19).half_width
        for how in ("target", "parameters", "cheapest")
    }
    assert ends["target"] <= min(ends["parameters"], ends["cheapest"])


def test_a_budget_is_kept_and_widths_never_grow(known):
    made = design([known], LOSS, OFFER, budget=3e18)
    assert made.spent <= 3e18 * (1 + 1e-6)
    widths = [made.start, *(c.half_width for c in made.choices)]
    assert (np.diff(widths) <= 1e-12).all()
    assert len({(c.N, c.D) for c in made.choices}) == len(made.choices)
    again = design([known], LOSS, Candidates(OFFER.N, OFFER.D, OFFER.cost, repeat=True), count=12)
    assert len(again.choices) == 12


def test_the_rule_for_stopping_and_the_smallest_ladder(known):
    start = design([known], BEST, OFFER, count=1).start
    made = design([known], BEST, OFFER, within=0.6 * start)
    assert made.half_width <= 0.6 * start < made.choices[-2].half_width
    assert narrowed(made, made.spent) == pytest.approx(1 - made.half_width / made.start)
    assert narrowed(made, 0) == 0
    with pytest.raises(RefusedByData, match=r"not to ± 0\.01%"):
        design([known], BEST, OFFER, within=1e-4, count=5)


def test_a_ladder_from_nothing_but_the_typical_range_finds_both_slopes():
    made = design(["chinchilla"], LOSS, OFFER, count=12, noise=3e-3)
    assert made.half_width < made.start / 5
    N, D = (np.array([getattr(c, s) for c in made.choices]) for s in "ND")
    assert abs(np.corrcoef(np.log(N), np.log(D))[0, 1]) < 0.99  # not the frontier alone
    assert "no runs behind it" in made.notes[-1].text


def test_what_laws_disagree_on_is_worth_learning(known):
    other = fit("kaplan-joint", SEEN, objective="squared", draws=0)
    alone = design([known], LOSS, OFFER, count=6, noise=3e-3, drift=0)
    both = design([known, other], LOSS, OFFER, count=6, noise=3e-3, drift=0)
    assert both.start > alone.start
    parted = abs(np.log(float(known.law(N=7e9, D=1.4e11) / other.law(N=7e9, D=1.4e11))))
    assert np.log1p(both.start) > 0.5 * parted


def test_a_form_that_may_be_off_asks_for_runs_nearer_to_the_target(known):
    sure, unsure = (
        design([known], LOSS, OFFER, drift=drift, budget=1e19, noise=3e-3) for drift in (0, 0.01)
    )
    assert unsure.start > sure.start
    largest = [max(c.N * c.D for c in made.choices) for made in (sure, unsure)]
    assert largest[1] > largest[0]


def test_the_answer_does_not_depend_on_the_order_of_the_pool(known):
    turn = np.random.default_rng(0).permutation(len(OFFER))
    turned = Candidates(OFFER.N[turn], OFFER.D[turn], OFFER.cost[turn])
    first, second = (design([known], LOSS, o, count=8).choices for o in (OFFER, turned))
    assert [(c.N, c.D) for c in first] == [(c.N, c.D) for c in second]


def test_candidates_may_come_from_a_table():
    runs = Runs({"N": [1e7, 1e8], "D": [1e9, 1e9], "C": [1e17, 7e17]})
    assert pool(runs).cost.tolist() == [1e17, 7e17]
    assert pool(Runs({"N": [1e7], "D": [1e9]})).cost.tolist() == [6e16]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"models": []}, "no law"),
        ({"models": ["power"]}, "over="),
        ({"models": ["chinchilla"]}, "give noise"),
        ({"count": None}, "where the design ends"),
        ({"budget": -1.0}, "above zero"),
        ({"weights": [1.0, 2.0]}, "weights"),
        ({"level": 2.0}, "between 0 and 1"),
        ({"drift": -1.0}, "0 or more"),
    ],
    ids=str,
)
def test_requests_that_make_no_sense_are_refused(known, change, says):
    options = {"models": [known], "target": LOSS, "candidates": OFFER, "count": 3, **change}
    with pytest.raises(UsageError, match=says):
        design(**options)


def test_a_target_is_a_loss_or_a_size(known):
    for given in ({}, {"N": 1e9}, {"N": 1e9, "D": 1e9, "C": 1e20}, {"C": -1.0}):
        with pytest.raises(UsageError, match="target"):
            Target(**given)
    with pytest.raises(RefusedByData, match="cheapest costs"):
        design([known], LOSS, OFFER, budget=1e10)
    assert np.exp(BEST.log(TRUTH)[0, 0]) == pytest.approx(float(optimum(TRUTH, 5.76e22).N))
