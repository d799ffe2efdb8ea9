"""The pass-rate law from a table of counts: what comes back, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from isoflop import cli
from isoflop.downstream.pass_rate import pass_rate_law
from isoflop.errors import BadRuns, CannotFit, RefusedByData, UsageError
from isoflop.sources.pass_counts import read_pass_counts

C = np.geomspace(1e19, 1e22, 6)
A, POWER = 2.0 * 1e19**0.2, 0.2


@pytest.fixture
def table(tmp_path):
    """Return a way to write counts of models over problems; the true law is A / C^0.2."""

    def write(
        attempts=20_000, problems=30, edit=lambda rows: rows, header="C,problem,solved,attempts"
    ):
        offset = 0.5 * np.random.default_rng(0).uniform(-1, 1, problems)
        rate = np.exp(-(A * C**-POWER)[:, None] * (1 + offset - offset.mean()))
        solved = np.random.default_rng(1).binomial(attempts, rate)
        rows = [
            f"{c:.6g},p{p},{solved[m, p]},{attempts}"
            for m, c in enumerate(C)
            for p in range(problems)
        ]
        path = tmp_path / "counts.csv"
        path.write_text("\n".join([header, *edit(rows)]) + "\n")
        return path

    return write


def test_the_power_and_the_pass_rate_of_a_larger_model_come_back(table):
    law = pass_rate_law(read_pass_counts(table()), 1e25, draws=100)
    assert law.fit.law.alpha == pytest.approx(POWER, abs=0.01)
    assert law.forecast.value == pytest.approx(A * 1e25**-POWER, rel=0.05)
    assert law.forecast.low < A * 1e25**-POWER < law.forecast.high
    assert law.measured.used.sum() == 30
    assert law.pass_rate[0] == pytest.approx(np.exp(-2.0), rel=0.02)


def test_buckets_part_the_problems_by_difficulty(table):
    law = pass_rate_law(read_pass_counts(table()), buckets=3, draws=0)
    means = [part.measured.mlpr.mean() for part in law.buckets]
    assert means == sorted(means)
    names = [name for part in law.buckets for name in part.counts.problems]
    assert sorted(names) == sorted(law.counts.problems)


def test_problems_that_a_model_never_solves_are_left_out_and_said(table):
    law = pass_rate_law(read_pass_counts(table(attempts=8)), draws=0)
    assert 0 < law.measured.used.sum() < 30
    assert "left out" in law.notes[0].text


@pytest.mark.parametrize(
    ("edit", "error", "words"),
    [
        (lambda rows: rows[1:], BadRuns, "same problems"),
        (lambda rows: [*rows, rows[0]], BadRuns, "has 2 rows"),
        (lambda rows: ["1e19,p0,lots,9", *rows[1:]], BadRuns, "no count"),
        (lambda rows: ["1e19,p0,10,9", *rows[1:]], UsageError, "solved of 9"),
        (lambda rows: ["-1,p0,1,9", *rows[1:]], UsageError, "C"),
        (lambda rows: [r for r in rows if float(r.split(",")[0]) < 1e20], RefusedByData, "models"),
        (
            lambda rows: [
                f"{r.rsplit(',', 2)[0]},0,9" if r.startswith("1e+19") else r for r in rows
            ],
            CannotFit,
            "solved by all",
        ),
    ],
)
def test_counts_that_make_no_law_are_refused(table, edit, error, words):
    with pytest.raises(error, match=words):
        pass_rate_law(read_pass_counts(table(edit=edit)), draws=0)


def test_columns_of_other_names_are_said(table):
    path = table(header="run_flop,problem,solved,attempts")
    with pytest.raises(UsageError, match="no column of C"):
        read_pass_counts(path)
    assert read_pass_counts(path, {"C": "run_flop"}).C.size == C.size
    with pytest.raises(UsageError, match="may name"):
        read_pass_counts(path, {"zzz": "run_flop"})


def test_the_command_forecasts_and_says_its_selection(table, capsys):
    assert cli.main(["passrate", str(table()), "--C", "1e25", "--draws", "100", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    truth = np.exp(-A * 1e25**-POWER)
    assert data["pass_rate"]["low"] < truth < data["pass_rate"]["high"]
    assert cli.main(["passrate", "sample:simulated-passes", "--draws", "0", "--buckets", "2"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert "that all 7 models solve" in page
    assert "hardest" in page
