"""Repeated sampling of Pythia on MATH, arXiv:2502.17578: exponents, and which law forecasts.

128 problems, 10,000 samples each, of seven models.
"""

from __future__ import annotations

import numpy as np
import pytest

from isoflop.assess.coverage.curvature import bend
from isoflop.assess.coverage.extrapolation import WAYS, bake_off, fit_coverage, way
from isoflop.fitting import fit
from isoflop.laws import CoveragePower
from isoflop.runs import Runs
from isoflop.samples.coverage import coverage
from isoflop.samples.sample_table import Counts

FILE = "pass_at_k_schaeffer2025/large_language_monkeys_original_pass_at_k.parquet"
# Pass@1, pass@100 and pass@10k; log-log exponent; exponent of exp(-a k^-b) by least squares;
# problems that are never solved.
TABLE = {
    "70M": (0.0006, 0.0361, 0.2656, 0.193, 0.199, 94),
    "160M": (0.0027, 0.1619, 0.5703, 0.283, 0.277, 55),
    "410M": (0.0062, 0.2272, 0.6562, 0.289, 0.290, 44),
    "1B": (0.0083, 0.2745, 0.7422, 0.314, 0.320, 33),
    "2.8B": (0.0203, 0.4220, 0.8125, 0.340, 0.348, 24),
    "6.9B": (0.0186, 0.4316, 0.8359, 0.352, 0.361, 21),
    "12B": (0.0232, 0.4834, 0.8750, 0.372, 0.380, 16),
}


@pytest.fixture(scope="module")
def pythia(public_data):
    import pyarrow.parquet as pq

    table = pq.read_table(public_data(FILE)).to_pandas()
    table = table[table["Scaling Parameter"] == 1]
    made = {}
    for size in TABLE:
        own = table[table["Model"] == f"Pythia {size}"]
        names = tuple(own["Problem Idx"].astype(str))
        solved = own["Num. Samples Correct"].to_numpy().astype(np.int64)
        made[size] = Counts(names, solved, own["Num. Samples Total"].to_numpy().astype(np.int64))
    return made


@pytest.mark.parametrize("size", TABLE)
def test_coverage_and_its_exponents(pythia, size):
    one, hundred, all_, slope, squares, never = TABLE[size]
    counts = pythia[size]
    got = coverage(counts, [1, 100, 10_000]).mean(0)
    np.testing.assert_allclose(got, (one, hundred, all_), atol=6e-5)
    assert int((counts.solved == 0).sum()) == never
    k = np.unique(np.round(np.geomspace(1, 10_000, 60)))
    curve = coverage(counts, k).mean(0)
    runs = Runs({"k": k, "nlc": -np.log(curve)})
    line = fit("power", runs, over="k", predicts="nlc", fix={"E": 0.0}, objective="squared",
               draws=0)  # fmt: skip
    assert line.law.alpha == pytest.approx(slope, abs=0.01)
    by_squares = fit(CoveragePower, Runs({"k": k, "coverage": curve}), objective="squared", draws=0)
    assert by_squares.law.b == pytest.approx(squares, abs=0.01)


def test_intervals_of_the_exponent_draw_problems_and_are_not_those_of_a_line(pythia):
    made = fit_coverage(pythia["1B"], way("log-log"), draws=300)
    low, high = np.quantile(made.draws.alpha, [0.05, 0.95])
    assert low < TABLE["1B"][3] < high
    assert 0.03 < high - low < 0.12


def test_none_of_the_ways_is_best_for_every_model(pythia):
    """Of the backtest: thinned to 100 and 1,000 samples, held against all 10,000."""
    plain = [w for w in WAYS if w.law != "scaled-beta"]
    tested = {
        s: bake_off(pythia[s], chosen_sizes=(100, 1000), ways=plain, repeats=4)
        for s in ("410M", "12B")
    }
    rms = {s: {w.name: [h.rms for h in tested[s].of(w)] for w in plain} for s in tested}
    # A line in logs beats the mixtures from few samples, the beta-binomial wins from many.
    assert rms["410M"]["log-log"][0] == pytest.approx(0.027, abs=0.01)
    assert rms["410M"]["log-log"][0] < rms["410M"]["beta-binomial"][0]
    assert rms["410M"]["beta-binomial"][1] == pytest.approx(0.024, abs=0.01)
    assert rms["410M"]["beta-binomial"][1] < rms["410M"]["log-log"][1]
    assert rms["12B"]["log-log"] == pytest.approx([0.006, 0.011], abs=0.006)
    assert tested["12B"].order[0].name != "beta-binomial, some unsolvable"
    # A share that is never solved, read from few samples, is a bad forecast.
    assert rms["410M"]["beta-binomial, some unsolvable"][0] > 0.1


def test_none_of_the_curves_is_called_bent(pythia):
    assert not any(bend(counts).curved for counts in pythia.values())
