"""The planner takes any law that has N and D, whatever else it takes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from synthetic import made_by

from isoflop.cli import main
from isoflop.errors import NoOptimum, UsageError, texts
from isoflop.fitting import fit
from isoflop.law import Published
from isoflop.laws import FrantarSparsity, constants
from isoflop.plan import Cost, reach, serve, spend
from isoflop.runs import Runs

# A published set, its other inputs, the share of N that a token meets, and a loss in reach.
CASES = [
    ("abnar-sparsity/abnar2025", {"sparsity": 0.9}, 0.1),
    ("abnar-sparsity/abnar2025", {"sparsity": 0.0}, 1.0),
    ("krajewski-moe/krajewski2024", {"granularity": 16.0}, 1 / 64),
    ("kumar-precision/kumar2024",
     {"bits": 8.0, "bits_act": 8.0, "bits_cache": 8.0, "bits_post": 16.0}, 1.0),
    ("kumar-precision/kumar2024",
     {"bits": 8.0, "bits_act": 8.0, "bits_cache": 8.0, "bits_post": 4.0}, 1.0),
    ("over-training/gadre2024-redpajama", {}, 1.0),
    ("muennighoff/muennighoff2023", {"U": 2e10}, 1.0),
]  # fmt: skip
REACHED = [case for case in CASES if case[1].get("bits_post") != 16.0]  # searches take seconds
C = 1e21


def fitted(name, given):
    """Return a fit with draws of runs that a published law made, about some other inputs."""
    which: Published = constants(name)
    rng = np.random.default_rng(0)
    N, D = np.exp(rng.uniform(np.log(1e7), np.log(1e10), 120)), np.geomspace(1e9, 3e11, 120)
    around = {
        s: np.clip(v * np.exp(rng.uniform(-0.4, 0.4, 120)), None, 0.97 if s == "sparsity" else None)
        for s, v in given.items()
    }
    return fit(which.law.key, made_by(which.law, {"N": N, "D": D, **around}, noise=2e-3), draws=20)


@pytest.mark.parametrize(("name", "given", "active"), CASES)
def test_a_budget_is_spent_at_the_least_loss_of_all_splits(name, given, active):
    law, cost = constants(name).law, Cost(active=active)
    made = spend(constants(name), C, cost=cost, inputs=given)
    assert made.C.value == pytest.approx(C)
    assert 6 * active * made.N.value * made.D.value == pytest.approx(C)
    N = np.geomspace(1e6, 1e13, 20_001)
    losses = law(N=N, D=C / (6 * active * N), **given)
    assert made.L.value <= losses.min() * (1 + 1e-12)
    assert made.N.value == pytest.approx(N[np.argmin(losses)], rel=2e-3)


@pytest.mark.parametrize(("name", "given", "active"), REACHED)
def test_the_loss_of_a_budget_is_reached_with_that_budget(name, given, active):
    cost = Cost(active=active)
    first = spend(constants(name), C, cost=cost, inputs=given)
    second = reach(constants(name), first.L.value, cost=cost, inputs=given)
    assert second.C.value == pytest.approx(C, rel=1e-6)
    assert second.N.value == pytest.approx(first.N.value, rel=1e-3)


@pytest.mark.parametrize(("name", "given", "active"), REACHED)
def test_serving_asks_for_a_smaller_model_of_the_same_loss(name, given, active):
    made = serve(constants(name), C=C, serving=3e11, cost=Cost(active=active), inputs=given)
    assert made.plan.N.value < made.N.value
    assert made.saving.value > 0
    law = constants(name).law
    again = law(N=made.plan.N.value, D=made.plan.D.value, **given)
    assert again == pytest.approx(made.quality, rel=1e-9)


@pytest.mark.parametrize(("name", "given", "active"), [CASES[0], CASES[2], CASES[6]])
def test_a_fit_of_it_plans_with_intervals(name, given, active):
    got = fitted(name, given)
    made = spend(got, C, cost=Cost(active=active), inputs=given)
    best = spend(constants(name), C, cost=Cost(active=active), inputs=given)
    for which in "NDL":
        estimate = getattr(made, which)
        assert estimate.low < estimate.value < estimate.high
    assert made.L.value == pytest.approx(best.L.value, rel=0.01)


def test_a_model_that_is_quantised_later_is_not_trained_without_end():
    """A loss is reached on the near side of the tokens past which more of them harm."""
    which = constants("kumar-precision/kumar2024")
    given = {"bits": 16.0, "bits_act": 16.0, "bits_cache": 16.0, "bits_post": 3.0}
    plan = serve(which, C=1e20, serving=1e13, inputs=given).plan
    assert plan.D.value < which.law.critical_tokens(plan.N.value, 3.0)


def test_a_plan_asks_for_what_the_law_takes_and_for_no_more():
    which = constants("abnar-sparsity/abnar2025")
    with pytest.raises(UsageError, match="needs sparsity"):
        spend(which, C)
    with pytest.raises(UsageError, match="does not take bits"):
        spend(which, C, inputs={"sparsity": 0.5, "bits": 4.0})
    with pytest.raises(NoOptimum, match="a law of N and D"):
        spend(constants("clark-moe/clark2022-sbase"), C, inputs={"experts": 8.0})


def test_a_mixture_whose_share_is_not_said_is_told():
    which = constants("abnar-sparsity/abnar2025")
    said = "C counts all of N"
    assert any(said in note.text for note in spend(which, C, inputs={"sparsity": 0.9}).notes)
    dense = spend(which, C, inputs={"sparsity": 0.0})
    counted = spend(which, C, inputs={"sparsity": 0.9}, cost=Cost(active=0.1))
    assert not any(said in note.text for made in (dense, counted) for note in made.notes)


@pytest.mark.parametrize(
    "line",
    [
        "plan abnar-sparsity/abnar2025 --C 1e21 --inputs sparsity=0.9 --active 0.1",
        "reach krajewski-moe/krajewski2024 --L 2.8 --inputs granularity=16 --active 0.02",
        "plan kumar-precision/kumar2024 --C 1e20 "
        "--inputs bits=8,bits_act=8,bits_cache=8,bits_post=4",
        "reach kumar-precision/kumar2024 --L 3.05 "
        "--inputs bits=8,bits_act=8,bits_cache=8,bits_post=4",
        "serve abnar-sparsity/abnar2025 --C 1e21 --serving 1e12 --inputs sparsity=0.9 --active 0.1",
        "plan muennighoff/muennighoff2023 --C 1e22 --unique 1e10",
        "reach over-training/gadre2024-c4 --L 2.5",
    ],
)
def test_commands_plan_by_it(line, capsys):
    assert main([*line.split(), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["N"]["value"] > 0


def test_active_parameters_are_what_compute_counts():
    """Runs whose N is what a token meets cost C = 6 N D, with nothing more to say."""
    law = FrantarSparsity(E=1.7, A=200.0, bend=1.2, A_0=300.0, alpha=0.35, D_c=2e8, beta=0.3)
    rng = np.random.default_rng(3)
    columns = {
        "N": np.geomspace(1e7, 3e9, 60),
        "D": np.exp(rng.uniform(np.log(1e9), np.log(1e11), 60)),
        "sparsity": rng.uniform(0.0, 0.9, 60),
    }
    runs = made_by(law, columns, noise=1e-3)
    runs = Runs(runs.columns, conventions={"N": "active"})
    made = spend(fit("frantar-sparsity", runs, draws=20), 1e20, inputs={"sparsity": 0.75})
    assert 6 * made.N.value * made.D.value == pytest.approx(1e20)
    assert "N is counted as active" in texts(made.notes)
    assert not any("say which with --active" in note.text for note in made.notes)
