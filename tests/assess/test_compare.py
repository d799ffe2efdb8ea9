"""Laws are ranked by what they were not shown, noise is called noise, a pool follows both."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

from isoflop.assess import Candidate, compare, pool
from isoflop.assess.extrapolation.candidates import candidates
from isoflop.assess.extrapolation.learnt import LEARNT
from isoflop.errors import BadRuns, CannotFit, UnknownName, UsageError
from isoflop.forecasting import forecast, predictive
from isoflop.laws import Generalised, KaplanJoint
from isoflop.runs import Runs

LAWS = ("chinchilla", "kaplan-joint")
KAPLANS = KaplanJoint(E=0.0, N_c=6.4e13, D_c=1.8e13, alpha_N=0.076, alpha_D=0.103)
RUNS = made_by(TRUTH, grid(sizes=8), noise=3e-3)
FAR = {"N": 7e10, "D": 1.4e12}


def with_losses(runs: Runs, L: np.ndarray) -> Runs:
    return dataclasses.replace(runs, columns={**runs.columns, "L": L})


def test_the_form_that_made_the_runs_wins_beyond_noise_and_carries_the_pool():
    for truth, winner in ((TRUTH, "chinchilla"), (KAPLANS, "kaplan-joint")):
        found = compare(LAWS, made_by(truth, grid(sizes=8), noise=1e-3), objectives=["huber"])
        assert found.best.law == winner
        assert found.decisive
        assert found.standings[0].weight > 0.9
        assert sum(s.weight for s in found.standings) == pytest.approx(1)


def test_a_difference_that_is_noise_is_called_noise():
    """The generalised form holds Chinchilla's, so neither can be decisively better."""
    nested = compare(["chinchilla", "generalised"], RUNS, objectives=["huber"])
    assert not nested.decisive
    assert all(s.tied for s in nested.standings)
    chinchilla = next(s for s in nested.standings if s.candidate.law == "chinchilla")
    # Of two that are alike, the usual form is trusted more.
    assert chinchilla.weight > 0.5


def test_the_usual_form_is_trusted_more_until_it_is_beaten_beyond_noise():
    """A dozen runs held out speak for one or two: too few to outweigh a trust that is misplaced."""
    truth = Generalised(E=0.3, A=60.0, B=200.0, alpha=0.2, beta=0.22, q=0.35)
    few = made_by(truth, grid(sizes=4), noise=1e-4)
    found = compare(["chinchilla", "generalised"], few, objectives=["huber"])
    assert found.best.law == "generalised"
    assert not found.standings[1].tied
    first, second = found.standings
    gain = first.weight / second.weight
    assert gain > 1
    held = np.unique(np.concatenate([h.run for h in found.test.of(found.best)])).size
    assert gain < (second.error / first.error) ** (held / LEARNT.alike) * 1.001


def test_errors_that_are_even_are_no_lead():
    """Without noise both forms predict to rounding: which is closer says nothing."""
    exact = made_by(TRUTH, grid(sizes=8), noise=0)
    found = compare(["chinchilla", "generalised"], exact, objectives=["huber"])
    assert all(s.tied for s in found.standings)


def test_the_ranking_is_by_extrapolation_and_not_by_the_residuals():
    """A form that bends more follows the runs it saw better and misses the others by more."""
    noisy = made_by(TRUTH, grid(sizes=6), noise=1e-2, seed=3)
    found = compare(["chinchilla", "log-quadratic"], noisy, objectives=["huber"])
    assert found.best.law == "chinchilla"
    left = {
        c.law: np.mean([np.mean(h.residuals**2) for h in found.test.of(c)])
        for c in found.test.candidates
    }
    assert left["log-quadratic"] < 1.3 * left["chinchilla"]


def test_the_order_of_rows_changes_nothing():
    shuffled = RUNS.select(np.random.default_rng(1).permutation(len(RUNS)))
    one, other = (compare(LAWS, r) for r in (RUNS, shuffled))
    for a, b in zip(one.standings, other.standings, strict=True):
        assert a == b
    assert one.growth == other.growth
    said = [
        forecast(pool(r, comparison=c, draws=100), **FAR)
        for c, r in ((one, RUNS), (other, shuffled))
    ]
    assert said[0] == said[1]


def test_the_unit_changes_nothing():
    """N in millions, D in billions, C to match: same errors, same weights, same forecast."""
    scaled = Runs({"N": RUNS["N"] / 1e6, "D": RUNS["D"] / 1e9, "L": RUNS["L"]})
    plain = Runs({"N": RUNS["N"], "D": RUNS["D"], "L": RUNS["L"]})
    one, other = (compare(LAWS, r, objectives=["huber"]) for r in (plain, scaled))
    for a, b in zip(one.standings, other.standings, strict=True):
        assert a.candidate == b.candidate
        assert (a.error, a.weight) == pytest.approx((b.error, b.weight), rel=1e-4)
    said = forecast(pool(plain, comparison=one, draws=0), **FAR)
    again = forecast(pool(scaled, comparison=other, draws=0), N=FAR["N"] / 1e6, D=FAR["D"] / 1e9)
    assert again.value == pytest.approx(said.value, rel=1e-6)
    assert again.beyond == pytest.approx(said.beyond)


def test_the_same_seed_gives_the_same_draws():
    found = compare(LAWS, RUNS)
    far = {k: np.array([v]) for k, v in FAR.items()}
    pools = [pool(RUNS, comparison=found, draws=50, seed=s) for s in (4, 4, 5)]
    same = [predictive(made, **far) for made in pools]
    np.testing.assert_array_equal(same[0], same[1])
    assert not np.array_equal(same[0], same[2])


def test_the_pool_forecasts_between_its_members_and_says_what_its_interval_holds():
    made = pool(RUNS, ["chinchilla", "generalised"], objectives=["huber"], draws=200)
    assert len(made.members) == 2
    said = forecast(made, **FAR)
    values = [float(m.fit.law(**FAR)) for m in made.members]
    assert min(values) <= said.value <= max(values)
    assert said.low < TRUTH(**FAR) < said.high
    assert said.parts == ("parameters", "noise", "form", "choice")
    one = forecast(made.members[0].fit, growth=made.growth, **FAR)
    assert one.parts == ("parameters", "noise", "form")
    with pytest.raises(UsageError, match="also needs D"):
        forecast(made, N=7e10)


def test_a_candidate_that_cannot_be_tested_is_a_row_and_the_rest_goes_on():
    unknown = Candidate("muennighoff")  # takes U, which the table lacks
    found = compare(["chinchilla", unknown], RUNS, objectives=["huber"])
    assert found.best.law == "chinchilla"
    assert [r.candidate for r in found.test.refused] == [unknown]
    assert "no column U" in found.test.refused[0].reason


def test_a_law_with_more_parameters_than_runs_is_refused_alone():
    few = RUNS[::4]
    found = compare(["chinchilla", "farseer"], few, objectives=["huber"])
    assert len(few) == 12
    assert found.best.law == "chinchilla"
    assert "leaves 12 below" in found.test.refused[0].reason


def test_without_names_every_law_that_the_table_can_feed_is_compared():
    laws = {c.law for c in candidates(RUNS)}
    assert {"chinchilla", "kaplan-joint", "generalised"} <= laws
    assert "power" not in laws
    assert "muennighoff" not in laws
    with pytest.raises(UsageError, match="name laws"):
        candidates(Runs({"steps": [1e3, 1e4], "L": [3.0, 2.8]}))
    with pytest.raises(UnknownName, match="chinchilla"):
        compare(["chinchila"], RUNS)


@pytest.mark.parametrize(
    ("columns", "laws"),
    [
        ({"U": RUNS["D"] / 4}, {"muennighoff"}),
        ({"U": RUNS["D"]}, {"chinchilla", "kaplan-joint", "generalised", "farseer"}),
        ({"experts": 2.0 ** (np.arange(len(RUNS)) % 5)},
         {"ludziejewski-moe", "wang-moe", "yun-moe"}),
        ({"sparsity": 0.1 * (np.arange(len(RUNS)) % 5)}, {"abnar-sparsity", "frantar-sparsity"}),
        ({"lr": np.geomspace(1e-4, 1e-3, len(RUNS))}, {"chinchilla", "generalised"}),
    ],
)  # fmt: skip
def test_without_names_laws_take_the_inputs_that_vary(columns, laws):
    chosen = {c.law for c in candidates(Runs({**RUNS.columns, **columns}))}
    assert laws <= chosen
    assert chosen <= laws or "chinchilla" in laws


def test_a_table_of_one_size_is_compared_by_powers_of_it():
    D = np.geomspace(1e8, 1e11, 14)
    runs = Runs({"D": D, "L": 1.7 + 800 / D**0.3})
    found = compare(runs, cuts=3)
    assert found.test.axes == ("D",)
    assert {c.over for c in found.test.candidates} == {"D"}
    assert found.best.fix == {}


def test_experts_without_tokens_are_compared_by_the_law_that_takes_them():
    runs = Runs({"N": [1e8, 1e9], "experts": [1.0, 8.0], "L": [3.0, 2.5]})
    assert {c.law for c in candidates(runs)} == {"clark-moe"}


def test_runs_that_no_forecast_can_stand_on_are_refused_with_the_reason():
    with pytest.raises(CannotFit, match="all 8 runs have one C"):
        compare(LAWS, RUNS[:8])
    rising = with_losses(RUNS, 2 + 0.1 * np.log(RUNS["C"] / 1e18))
    with pytest.raises(CannotFit, match=r"rises with scale.*rows \d+, \d+ and \d+"):
        compare(LAWS, rising)
    missing = np.where(np.arange(len(RUNS)) == 4, np.nan, RUNS["L"])
    with pytest.raises(BadRuns, match="row 6"):
        compare(["chinchilla"], with_losses(RUNS, missing), objectives=["huber"])


def test_doubts_name_rows_and_reason():
    twice = RUNS + with_losses(RUNS[3:4], RUNS["L"][3:4] * 1.1)
    assert any(
        all(words in d.text for words in ("share their N and D", "row", "10.00%"))
        for d in compare(["chinchilla"], twice, objectives=["huber"]).doubts
    )
    spoilt = RUNS["L"].copy()
    spoilt[-1] *= 1.5
    doubt = compare(["chinchilla"], with_losses(RUNS, spoilt), objectives=["huber"]).doubts[0]
    assert f"rises with scale at row {RUNS.rows[-1]}" in doubt.text
    assert doubt.rows == (RUNS.rows[-1],)
    C = np.geomspace(1e18, 1e22, 40)
    frontier = made_by(TRUTH, {"N": np.sqrt(C / 120), "D": 20 * np.sqrt(C / 120)}, noise=3e-3)
    assert any(d.topic == "one-line" for d in compare(LAWS, frontier, objectives=["huber"]).doubts)
    assert compare(["chinchilla"], RUNS, objectives=["huber"]).doubts == ()


def test_a_law_of_three_inputs_joins_the_pool_of_two():
    runs = Runs({**RUNS.columns, "U": RUNS["D"] / 2})
    found = compare(["chinchilla", "muennighoff"], runs, objectives=["huber"], cuts=2)
    made = pool(runs, comparison=found, draws=50)
    assert set(made.takes) <= {"N", "D", "U"}
    at = {k: v for k, v in {**FAR, "U": 7e11}.items() if k in made.takes}
    assert np.isfinite(forecast(made, **at).value)


def test_the_generalised_truth_is_found_among_forms_that_it_nests():
    truth = Generalised(E=0.3, A=60.0, B=200.0, alpha=0.2, beta=0.22, q=0.35)
    found = compare(["chinchilla", "generalised"], made_by(truth, grid(sizes=12), noise=1e-3),
                    objectives=["huber"])  # fmt: skip
    assert found.best.law == "generalised"
    assert found.standings[0].weight > 0.9


def test_runs_come_first_or_last_and_what_is_neither_is_refused_in_words():
    one = compare(RUNS, ["chinchilla", "kaplan-joint"], objectives=["huber"], cuts=2)
    other = compare(["chinchilla", "kaplan-joint"], RUNS, objectives=["huber"], cuts=2)
    assert [s.candidate for s in one.standings] == [s.candidate for s in other.standings]
    with pytest.raises(UsageError, match="compare takes runs"):
        compare(["chinchilla"])
    with pytest.raises(UsageError, match="laws are 7"):
        compare(7, RUNS)
