"""Influence: what an answer becomes without some of the runs."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

from isoflop import cli
from isoflop.assess import influence
from isoflop.errors import UsageError
from isoflop.fitting import fit
from isoflop.runs import Runs

BUDGET = 5.76e23  # FLOP; what Gopher and Chinchilla cost
ASK = {"D/N": lambda law: (lambda best: best.D / best.N)(law.optimum(BUDGET))}


def spoilt() -> Runs:
    """Return a sweep in which one run, on row 12, has a loss 30% too high."""
    made = made_by(TRUTH, grid(sizes=8), noise=2e-3)
    loss = made["L"].copy()
    loss[10] *= 1.3
    return Runs({**made.columns, "L": loss}, {}, made.conventions)


@pytest.fixture(scope="module")
def figure_4(public_data) -> Runs:
    from isoflop import sources

    return sources.read(public_data("chinchilla_figure4/svg_extracted_data.csv"), derive=["D=C/6N"])


# Validation row V13; the 6th and 15th highest losses are ties, which are broken by N and D.
@pytest.mark.parametrize(
    ("dropped", "ratio"),
    [(1, 10.1), (2, 11.3), (3, 14.7), (4, 17.1), (5, 17.9), (8, 19.8), (10, 19.9), (20, 31.1)],
)
def test_v13_tokens_per_parameter_hang_on_the_highest_losses(figure_4_found, dropped, ratio):
    assert figure_4_found.whole["D/N"] == pytest.approx(6.8, abs=0.3)
    without = figure_4_found.highest[dropped - 1]
    assert len(without.rows) == dropped
    assert without.answers["D/N"] == pytest.approx(ratio, abs=0.3)


@pytest.fixture(scope="module")
def figure_4_found(figure_4):
    return influence(fit("chinchilla", figure_4, draws=0), ASK)


def test_v13_as_a_table_and_a_picture(public_data, capsys):
    path = public_data("chinchilla_figure4/svg_extracted_data.csv")
    line = f"influence {path} --law chinchilla --C 5.76e23 --derive D=C/6N"
    assert cli.main(line.split()) == 0
    said = capsys.readouterr().out
    assert said.index("Doubt: D*/N* is 6.82") < said.index("Without the highest losses")
    assert "the 5 highest L" in said
    assert "highest losses left out [runs]" in said


def test_each_row_is_the_fit_to_the_other_runs():
    runs = spoilt()
    made = fit("chinchilla", runs, draws=0)
    found = influence(made, ASK, most=2)
    for part, k in ((found.highest, 1), (found.sizes, 3), (found.budgets, 0), (found.single, 10)):
        out = np.isin(runs.rows, part[k].rows)
        again = fit("chinchilla", runs[~out], draws=0)
        assert part[k].answers["alpha"] == pytest.approx(again.law.alpha, rel=1e-5)
        assert part[k].answers["D/N"] == pytest.approx(float(ASK["D/N"](again.law)), rel=1e-4)


def test_parts_leave_out_what_they_say():
    runs = spoilt()
    found = influence(fit("chinchilla", runs, draws=0), most=3)
    assert [len(w.rows) for w in found.highest] == [1, 2, 3]
    assert found.highest[0].rows == (int(runs.rows[np.argmax(runs["L"])]),)
    assert len(found.budgets) == 6
    assert [w.rows for w in found.single] == [(int(row),) for row in runs.rows]
    assert set(found.whole) == set(TRUTH.params)


def test_the_jackknife_scatters_as_studies_do():
    """For least squares, the standard error of alpha is that of the fits of 60 other studies."""
    columns = grid(sizes=8)
    many = [
        np.log(fit("chinchilla", made_by(TRUTH, columns, noise=5e-3, seed=s), objective="squared",
                   draws=0, screened=64, polished=2).law.alpha)
        for s in range(60)
    ]  # fmt: skip
    one = fit("chinchilla", made_by(TRUTH, columns, noise=5e-3), objective="squared", draws=0)
    # A standard deviation of 60 numbers is known to 9%, one jackknife of 48 runs to about 15%.
    assert influence(one, most=0).error["alpha"] == pytest.approx(np.std(many), rel=0.5)


def test_the_order_of_rows_does_not_matter():
    runs = spoilt()
    shuffled = runs[np.random.default_rng(0).permutation(len(runs))]
    one, other = (influence(fit("chinchilla", r, draws=0), ASK, most=5) for r in (runs, shuffled))
    for a, b in zip(one.highest, other.highest, strict=True):
        assert set(a.rows) == set(b.rows)
        assert a.answers["D/N"] == pytest.approx(b.answers["D/N"], rel=1e-6)


def test_a_law_of_one_input_has_no_sizes_to_leave_out():
    made = made_by(TRUTH, grid(sizes=8), noise=2e-3)
    plain = Runs({"C": made["C"], "L": made["L"]}, {}, made.conventions)
    found = influence(fit("power", plain, over="C", draws=0), most=2)
    assert found.sizes == ()
    assert len(found.budgets) == 6


def test_bad_requests_are_refused(tmp_path, capsys):
    with pytest.raises(UsageError, match="most is -1"):
        influence(fit("chinchilla", spoilt(), draws=0), most=-1)
    spoilt().save(tmp_path / "runs.csv")
    line = f"influence {tmp_path / 'runs.csv'} --law chinchilla --N 1e9"
    assert cli.main(line.split()) == 2
    assert "give --N and --D for a forecast, --C for the best N and D" in capsys.readouterr().err


def test_a_family_that_decides_an_answer_is_named_by_its_label():
    """A quarter of the runs, all of whose losses are off, is more than a few, and still named."""
    from isoflop.pages.influence import page_of

    made = made_by(TRUTH, grid(sizes=8), noise=2e-3)
    large = made["N"] >= np.quantile(made["N"], 0.75)
    loss = np.where(large, made["L"] * 1.15, made["L"])
    labels = {
        "run": np.array([f"run-{i}" for i in range(len(made))]),
        "family": np.where(large, "late", "early"),
    }
    runs = Runs({**made.columns, "L": loss}, labels, made.conventions)
    result = influence(fit("chinchilla", runs, draws=200, seed=0), ASK, most=3)
    assert {w.left_out for w in result.families} == {"family early", "family late"}
    late = next(w for w in result.families if w.left_out == "family late")
    assert len(late.rows) == large.sum()
    assert result.single[0].left_out.startswith("run-0, row ")
    notes = [b.text for b in page_of(result, ASK).blocks if hasattr(b, "kind")]
    assert any("leaves its interval" in text and "family late" in text for text in notes)
