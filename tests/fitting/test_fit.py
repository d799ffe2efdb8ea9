"""fit: what the caller asks is what is done, and nothing else moves the answer."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

from isoflop.errors import BadRuns, BadStudy, CannotFit, UnknownName, UsageError
from isoflop.fitting import Fit, fit, refit
from isoflop.fitting.objective import Asymmetric
from isoflop.law import Binding
from isoflop.laws import Chinchilla, Power
from isoflop.runs import Runs

RUNS = made_by(TRUTH, grid(sizes=12), noise=5e-3)
SMALL = {"screened": 128, "polished": 4}


def numbers(law) -> np.ndarray:
    return np.array(list(law.values.values()))


@pytest.mark.parametrize(("millions", "billions"), [(1e6, 1e9), (1.0, 1e9), (1e6, 1.0)])
def test_n_in_millions_and_d_in_billions_give_the_same_law(millions, billions):
    there = {**RUNS.columns, "N": RUNS["N"] / millions, "D": RUNS["D"] / billions}
    there.pop("C", None)  # of which 6ND would be off by the units
    one = fit("chinchilla", RUNS, draws=30)
    other = fit("chinchilla", dataclasses.replace(RUNS, columns=there), draws=30)
    back = Chinchilla(
        E=other.law.E,
        A=other.law.A * millions**other.law.alpha,
        B=other.law.B * billions**other.law.beta,
        alpha=other.law.alpha,
        beta=other.law.beta,
    )
    np.testing.assert_allclose(numbers(back), numbers(one.law), rtol=1e-8)
    at = {"N": np.array([7e10]), "D": np.array([1.4e12])}
    there = {"N": at["N"] / millions, "D": at["D"] / billions}
    np.testing.assert_allclose(other.predict(**there), one.predict(**at), rtol=1e-8)
    # The same seed draws the same runs, and each refit is its own optimum.
    np.testing.assert_allclose(other.draws(**there), one.draws(**at), rtol=1e-5)


def test_a_seed_decides_everything():
    first, again, other = (fit("chinchilla", RUNS, draws=50, seed=s) for s in (3, 3, 4))
    np.testing.assert_array_equal(numbers(first.law), numbers(again.law))
    np.testing.assert_array_equal(first.draws.beta, again.draws.beta)
    assert (first.draws.beta != other.draws.beta).any()
    np.testing.assert_allclose(numbers(first.law), numbers(other.law), rtol=1e-8)


def test_the_order_of_runs_does_not_matter():
    shuffled = RUNS[np.random.default_rng(0).permutation(len(RUNS))]
    one, other = fit("chinchilla", RUNS, draws=0), fit("chinchilla", shuffled, draws=0)
    np.testing.assert_allclose(numbers(one.law), numbers(other.law), rtol=1e-8)


def test_a_run_twice_as_certain_counts_as_two():
    double = np.arange(len(RUNS)) % 3 == 0
    sigma = np.where(double, 1 / np.sqrt(2), 1.0) * 0.01
    weighed = dataclasses.replace(RUNS, columns={**RUNS.columns, "sigma": sigma})
    twice = RUNS[np.concatenate([np.arange(len(RUNS)), np.flatnonzero(double)])]
    one, other = fit("chinchilla", weighed, draws=0), fit("chinchilla", twice, draws=0)
    np.testing.assert_allclose(numbers(one.law), numbers(other.law), rtol=1e-8)
    assert one.value == pytest.approx(other.value, rel=1e-10)


def test_noise_that_is_the_same_everywhere_changes_nothing():
    same = dataclasses.replace(RUNS, columns={**RUNS.columns, "sigma": np.full(len(RUNS), 0.03)})
    assert fit("chinchilla", same, draws=0).value == fit("chinchilla", RUNS, draws=0).value


def test_sigma_must_be_above_zero():
    sigma = np.where(np.arange(len(RUNS)) == 5, 0.0, 0.01)
    with pytest.raises(BadRuns, match="sigma"):
        fit("chinchilla", dataclasses.replace(RUNS, columns={**RUNS.columns, "sigma": sigma}))


def test_a_fixed_parameter_stays_where_it_was_put():
    got = fit("chinchilla", RUNS, fix={"E": 1.5}, draws=20)
    assert got.law.E == 1.5
    assert got.fixed == ("E",)
    assert "E" not in got.free
    assert got.interval("E") == (1.5, 1.5)
    assert got.value > fit("chinchilla", RUNS, draws=0).value


def test_an_amplitude_is_fixed_in_the_units_of_the_runs():
    """A and B hang on the units of N and D, in which the solver does not work."""
    got = fit("chinchilla", RUNS, fix={"A": 482.01, "B": 2085.43}, draws=20)
    assert (got.law.A, got.law.B) == (482.01, 2085.43)
    assert got.law.alpha == pytest.approx(0.3478, rel=5e-3)
    assert got.draws.members == 20


def test_the_objective_may_be_a_name_or_an_object():
    by_name = fit("chinchilla", RUNS, objective="asymmetric", delta=2e-3, draws=0)
    by_object = fit(Chinchilla, RUNS, objective=Asymmetric(delta=2e-3), draws=0)
    np.testing.assert_array_equal(numbers(by_name.law), numbers(by_object.law))
    # Predictions above the runs cost ten times more, so few are.
    assert (by_name.residuals > 0).mean() < 0.25


def test_linear_residuals_are_asked_for_and_said():
    log, linear = (
        fit("chinchilla", RUNS, objective="squared", residuals=kind, draws=0)
        for kind in ("log", "linear")
    )
    assert (log.kind, linear.kind) == ("log", "linear")
    assert 2 * linear.value == pytest.approx((linear.residuals**2).sum())
    assert 2 * log.value == pytest.approx((log.residuals**2).sum())
    by_log = log.predict(N=RUNS["N"], D=RUNS["D"]) - RUNS["L"]
    assert (linear.residuals**2).sum() < (by_log**2).sum()


def test_a_power_law_binds_its_input_and_may_have_no_floor():
    C = np.geomspace(1e18, 1e23, 40)
    truth = Power(E=0.0, A=1e20**0.05, alpha=0.05)
    runs = made_by(truth, {"C": C}, binding=Binding(Power, "C"))
    got = fit("power", runs, over="C", fix={"E": 0.0}, draws=10)
    assert got.law.alpha == pytest.approx(0.05, rel=1e-6)
    assert got.predict(C=1e20) == pytest.approx(1.0, rel=1e-6)
    assert got.status == "ok"


def test_a_rising_power_is_found_too():
    C = np.geomspace(1e18, 1e23, 40)
    runs = Runs({"C": C, "N": 0.099159 * C**0.4981})
    got = fit("power", runs, over="C", predicts="N", fix={"E": 0.0}, draws=0)
    assert got.law.alpha == pytest.approx(-0.4981, rel=1e-6)


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"objective": "hubber"}, UnknownName, "huber"),
        ({"objective": Asymmetric(), "delta": 1.0}, UsageError, "delta"),
        ({"objective": "squared", "delta": 1.0}, UsageError, "no delta"),
        ({"draws": -1}, UsageError, "draws is -1"),
        ({"level": 1.0}, UsageError, "level is 1;"),
        ({"level": 90}, UsageError, "0.9"),
        ({"polished": 0}, UsageError, "starts"),
        ({"screened": 4, "polished": 5}, UsageError, "starts"),
        ({"fix": {"gamma": 1}}, UsageError, "no parameter 'gamma'"),
        ({"fix": {"alpha": 3}}, UsageError, "lies between 0 and 2"),
        ({"fix": dict(TRUTH.values)}, UsageError, "nothing is left"),
        ({"over": "C"}, UsageError, "over"),
        ({"predicts": "R"}, UsageError, "predicts L"),
        ({"stratify": "family"}, BadRuns, "family"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(options, error, says):
    with pytest.raises(error, match=says):
        fit("chinchilla", RUNS, **options)


def test_an_unknown_law_suggests_the_near_one():
    with pytest.raises(UnknownName, match="did you mean 'chinchilla'"):
        fit("chinchila", RUNS)


def test_a_power_law_says_that_its_input_is_open():
    with pytest.raises(UsageError, match="over="):
        fit("power", RUNS)


@pytest.mark.parametrize("bad", [0.0, -1.0, np.nan, np.inf])
@pytest.mark.parametrize("symbol", ["N", "D", "L"])
def test_values_that_no_run_can_have_are_refused_with_their_row(symbol, bad):
    column = RUNS[symbol].copy()
    column[7] = bad
    with pytest.raises(BadRuns, match=rf"{symbol}\b.*row 9"):
        fit("chinchilla", dataclasses.replace(RUNS, columns={**RUNS.columns, symbol: column}))


def test_a_missing_column_and_an_empty_table_are_refused():
    with pytest.raises(BadRuns, match="D"):
        fit("chinchilla", Runs({"N": RUNS["N"], "L": RUNS["L"]}))
    with pytest.raises(BadRuns, match="no runs"):
        fit("chinchilla", RUNS[:0])
    with pytest.raises(CannotFit, match="at least 6 are needed"):
        fit("chinchilla", RUNS[:5])


def test_a_convention_that_is_not_stated_is_said():
    plain = dataclasses.replace(RUNS, conventions={})
    assert any(
        "N is counted is not stated" in n.text for n in fit("chinchilla", plain, draws=0).notes
    )
    assert not any("not stated" in n.text for n in fit("chinchilla", RUNS, draws=0).notes)


def test_a_refit_does_what_the_fit_did():
    families = np.array([f"f{i % 9}" for i in range(len(RUNS))])
    runs = Runs(RUNS.columns, {"family": families}, RUNS.conventions)
    first = fit("chinchilla", runs, objective="student-t", delta=5e-3, fix={"E": 1.8}, draws=20,
                level=0.8, seed=7, cluster="family")  # fmt: skip
    again = refit(first, runs)
    np.testing.assert_array_equal(numbers(again.law), numbers(first.law))
    np.testing.assert_array_equal(again.draws.alpha, first.draws.alpha)
    for item in ("binding", "objective", "kind", "fixed", "level", "seed", "resampling"):
        assert getattr(again, item) == getattr(first, item), item


def test_a_saved_fit_that_was_tampered_with_is_refused(tmp_path):
    path = tmp_path / "fit.json"
    fit("chinchilla", RUNS, draws=3, **SMALL).save(path)
    good = json.loads(path.read_text())
    for change, says in (
        ({"schema_version": 99}, "schema version 99"),
        ({"law": "chinchila"}, "chinchila"),
        ({"params": {"E": 1.0}}, "parameters are not those"),
        ({"fixed": ["gamma"]}, "parameters are not those"),
        ({"draws": "none"}, "damaged at draws"),
        ({"draws": {"E": [1.0]}}, "draws are not of the parameters"),
        ({"objective": {**good["objective"], "name": "hubber"}}, "hubber"),
        ({"objective": {**good["objective"], "settings": {"slack": 1}}}, "unknown settings"),
        ({"runs": {**good["runs"], "digest": "0"}}, "do not match their hash"),
        ({"surprise": 1}, "damaged at surprise"),
    ):
        path.write_text(json.dumps({**good, **change}))
        with pytest.raises(BadStudy, match=says):
            Fit.load(path)
    for text in ("", "{", "[]", "null", '{"schema_version": 1}'):
        path.write_text(text)
        with pytest.raises(BadStudy):
            Fit.load(path)
    with pytest.raises(BadStudy, match="no fit at"):
        Fit.load(tmp_path / "nowhere.json")


def test_a_fit_saved_by_schema_1_loads_and_its_notes_have_kinds():
    """The file was written by isoflop 0.1, which kept notes as texts alone."""
    old = Fit.load(Path(__file__).with_name("saved_fit_1.json"))
    assert old.status == "doubtful"
    kinds = [note.kind for note in old.notes]
    assert kinds == ["doubt", "doubt", "info", "doubt", "info", "info"]
    assert old.notes[0].text.startswith("3 levels of N cannot pin E")
    assert old.runs.dropped == ()


def test_notes_and_the_rows_left_out_are_saved_with_a_fit(tmp_path):
    runs = RUNS.where("N < 1e9")
    got = fit("chinchilla", runs, draws=3, **SMALL)
    got.save(tmp_path / "fit.json")
    again = Fit.load(tmp_path / "fit.json")
    assert again.notes == got.notes
    assert again.runs.notes == got.runs.notes
    (omission,) = again.runs.dropped
    assert omission == got.runs.dropped[0]
    assert omission.reason == "does not meet 'N < 1e9'"
    assert sorted((*omission.rows, *runs.rows.tolist())) == RUNS.rows.tolist()
