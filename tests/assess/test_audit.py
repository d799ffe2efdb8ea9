"""Audit: each finding is triggered by a small file made for it, and a clean file passes all."""

from __future__ import annotations

import json

import numpy as np
import pytest
from synthetic import TRUTH, grid, made_by

from isoflop import cli, sources
from isoflop.assess import audit
from isoflop.assess.audit.check import CHECKS
from isoflop.errors import BadRuns
from isoflop.runs import Runs

NOISE = 2e-3


def clean(**changed) -> Runs:
    """Return a study that every check passes, but for the columns and labels that are changed."""
    columns, labels, conventions = _clean()
    for name, change in changed.items():
        if name == "conventions":
            conventions = change
        else:
            home = labels if name in ("run", "seed", "family") else columns
            home[name] = change(columns) if callable(change) else change
            if change is None:
                del home[name]
    return Runs(columns, labels, conventions)


def _clean():
    columns = {k: np.concatenate([v, v[:4]]) for k, v in grid((6e19, 2e20, 6e20, 2e21)).items()}
    made = dict(made_by(TRUTH, columns, noise=NOISE).columns)
    n = made["N"].size
    made["batch"] = np.full(n, 5e5)
    made["steps"] = made["D"] / made["batch"]
    made["U"] = 2 * made["D"]
    made["V"] = np.full(n, 8192.0)
    names = np.array([f"run {i}" for i in range(n)])
    seeds = np.array(["0"] * (n - 4) + ["1"] * 4)
    return made, {"run": names, "seed": seeds}, {"N": "total", "C": "6ND"}


def at(rows, change):
    """Return a column changed by `change` in these rows of the table, of which the first is 2."""

    def make(name):
        def of(columns):
            values = columns[name].copy()
            index = np.array(rows) - 2
            values[index] = change(values[index])
            return values

        return of

    return make


def few_sizes(columns):
    """Return the study at three sizes."""
    N = np.geomspace(1e8, 1e9, 3)
    return _placed(np.repeat(N, 8), np.tile(np.geomspace(2e9, 4e10, 8), 3))


def _placed(N, D) -> Runs:
    made = made_by(TRUTH, {"N": N, "D": D, "C": 6 * N * D}, noise=NOISE)
    return Runs(made.columns, {}, {"N": "total", "C": "6ND"})


def one_ratio() -> Runs:
    C = np.geomspace(1e18, 1e22, 30)
    return _placed(np.sqrt(C / 120), 20 * np.sqrt(C / 120))


def half_curves() -> Runs:
    """Return budgets whose sizes all lie above the best one."""
    C = np.repeat([1e19, 1e20, 1e21, 1e22], 6)
    N = TRUTH.optimum(C).N * np.tile(np.geomspace(2, 12, 6), 4)
    return _placed(N, C / 6 / N)


# check -> a study in which it does not pass, its verdict, and the rows that it names
TRIGGERS = {
    "numbers": (lambda: clean(L=at([5, 9], lambda v: v * np.nan)("L")), "fail", (5, 9)),
    "plausible": (lambda: clean(N=at([6], lambda v: v * 1e-9)("N")), "fail", (6,)),
    "conventions": (lambda: clean(conventions={}), "warn", ()),
    "compute": (lambda: clean(C=at([4], lambda v: 2 * v)("C")), "fail", (4,)),
    "embeddings": (lambda: clean(V=at([3], lambda v: 40 * v)("V")), "fail", (3,)),
    "sizes": (lambda: few_sizes(None), "fail", ()),
    "budgets": (lambda: _one_budget(), "fail", ()),
    "off the frontier": (one_ratio, "fail", ()),
    "tokens per parameter": (one_ratio, "fail", ()),
    "minima inside": (half_curves, "fail", None),
    "duplicates": (lambda: clean(seed=None, run=None), "warn", None),
    "rounding": (lambda: clean(L=lambda c: np.round(c["L"], 2)), "warn", ()),
    "outliers": (lambda: clean(L=at([7, 8], lambda v: 1.2 * v)("L")), "warn", (7, 8)),
    "loss falls with scale": (lambda: _rising(), "fail", None),
    "schedule": (lambda: clean(steps=at([6, 8], lambda v: 3 * v)("steps")), "fail", (6, 8)),
    "checkpoints": (lambda: _checkpoints(), "warn", (2, 3, 5, 6)),
    "seeds": (lambda: clean(V=lambda c: 8192.0 + np.arange(c["N"].size)), "warn", ()),
    "repeated data": (lambda: clean(U=at([2, 3], lambda v: v / 20)("U")), "fail", (2, 3)),
    "names": (lambda: clean(run=_called({4: "llama_7b_v2"})), "warn", (4,)),
    "published models": (lambda: clean(run=_called({5: "google/gemma-2b"})), "warn", (5,)),
}


def _called(names):
    """Return run labels of the clean study with other names in some rows."""
    labels = _clean()[1]["run"].astype(object)
    for row, name in names.items():
        labels[row - 2] = name
    return labels.astype(str)


def _one_budget() -> Runs:
    return _placed(np.geomspace(1e8, 4e9, 12), 1e20 / 6 / np.geomspace(1e8, 4e9, 12))


def _rising() -> Runs:
    made = clean()
    return Runs({**made.columns, "L": 2 * (made["C"] / 1e20) ** 0.02}, {}, made.conventions)


def _checkpoints() -> Runs:
    D = np.tile([1e10, 2e10, 4e10], 2)
    made = _placed(np.repeat([1e8, 1e9], 3), D)
    return Runs(made.columns, {"run": np.repeat(["small", "large"], 3)}, made.conventions)


def said(runs: Runs) -> dict:
    return {f.check: f for f in audit(runs).findings}


def test_a_clean_study_passes_every_check():
    found = audit(clean())
    assert {f.check: f.verdict for f in found.findings} == dict.fromkeys(CHECKS, "pass")
    assert found.worst == "pass"


def test_every_check_has_a_file_that_triggers_it():
    assert set(TRIGGERS) == set(CHECKS)


@pytest.mark.parametrize("name", TRIGGERS)
def test_each_check_finds_what_it_is_for(name, tmp_path):
    make, verdict, rows = TRIGGERS[name]
    made = make()
    made.save(tmp_path / "runs.csv")  # its first line holds conventions, so rows are one further
    found = said(sources.read(tmp_path / "runs.csv"))[name]
    assert found.verdict == verdict, found.says
    if rows is not None:
        assert found.rows == tuple(row + 1 for row in rows)
    else:
        assert found.rows
    assert found.why.endswith(".")
    assert found.todo.endswith(".")


@pytest.mark.parametrize("name", TRIGGERS)
def test_what_one_check_finds_leaves_most_others_silent(name):
    """A fault of one kind is not reported under every name."""
    found = said(TRIGGERS[name][0]())
    graver = [f.check for f in found.values() if f.verdict in ("warn", "fail")]
    assert name in graver
    assert len(graver) <= 8


def test_a_bad_run_does_not_stop_the_other_checks():
    made = clean(L=at([5], lambda v: v * np.nan)("L"), C=at([9], lambda v: 3 * v)("C"))
    found = said(made)
    assert found["numbers"].rows == (5,)
    assert found["compute"].rows == (9,)
    assert found["outliers"].verdict == "pass"


def test_losses_that_differ_at_one_point_fail_and_are_named():
    made = clean()
    spoilt = made[np.arange(3)]
    spoilt = Runs({**spoilt.columns, "L": 1.1 * spoilt["L"]}, spoilt.labels, spoilt.conventions)
    both = made + spoilt
    both = Runs(both.columns, {}, both.conventions)
    found = said(both)["duplicates"]
    assert found.verdict == "fail"
    assert {2, 3, 4} <= set(found.rows)


def test_what_no_column_tells_is_said_and_not_guessed():
    made = clean()
    bare = Runs({s: made[s] for s in ("N", "D")}, {}, {})
    found = said(bare)
    unknown = {name for name, f in found.items() if f.verdict == "cannot tell"}
    assert {"compute", "minima inside", "outliers", "schedule", "seeds", "rounding"} <= unknown
    assert found["outliers"].says == "there is no column L"


def test_rewards_are_audited_as_far_as_they_go():
    runs = Runs({"k": np.array([1.0, 2, 4, 8]), "R": np.array([0.1, 0.2, 0.3, 0.4])})
    found = said(runs)
    assert found["rounding"].verdict == "fail"
    assert found["sizes"].says == "there is no column N or D"


def test_an_empty_study_is_refused():
    with pytest.raises(BadRuns, match="no runs"):
        audit(clean()[np.zeros(0, int)])


def test_the_five_points_of_figure_4_are_found(public_data):
    path = public_data("chinchilla_figure4/svg_extracted_data.csv")
    found = said(sources.read(path, derive=["D=C/6N"]))
    assert len(found["outliers"].rows) == 5
    assert found["rounding"].verdict == "pass"
    assert found["conventions"].verdict == "warn"


def test_repeats_of_muennighoffs_runs_are_found(public_data):
    path = public_data("data_constrained_muennighoff2023/data_constrained_runs.csv")
    assert said(sources.read(path))["repeated data"].verdict == "fail"


def test_the_command_says_it_in_text_json_and_html(tmp_path, capsys):
    path = tmp_path / "runs.csv"
    TRIGGERS["schedule"][0]().save(path)
    assert cli.main(["audit", str(path)]) == 0
    text = capsys.readouterr().out
    assert "Rows: 7, 9." in text
    assert "Train each D with a schedule of its own length" in text
    assert cli.main(["audit", str(path), "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["worst"] == "fail"
    assert next(f for f in data["findings"] if f["check"] == "schedule")["rows"] == [7, 9]
    assert cli.main(["audit", str(path), "--html", str(tmp_path / "page.html")]) == 0
    assert "schedule" in (tmp_path / "page.html").read_text()
