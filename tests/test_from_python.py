"""What a Python user meets first: names, a version, tables of any library, laws that are called."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

import isoflop as iso
from isoflop.errors import BadRuns, UsageError


@pytest.fixture(scope="module")
def runs():
    return iso.read("sample:tiny")


@pytest.fixture(scope="module")
def fit(runs):
    return iso.fit("chinchilla", runs, draws=20)


def test_dir_lists_the_public_names_alone():
    names = dir(iso)
    assert set(names) == {*iso.__all__, "__version__"}
    assert all(getattr(iso, name) is not None for name in names)


def test_the_version_is_that_of_the_program():
    done = subprocess.run(
        [sys.executable, "-m", "isoflop", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"isoflop {iso.__version__}\n"


@pytest.mark.parametrize(
    ("words", "expected"),
    [("isoflop fo", "forecast"), ("isoflop rl ", "advise"), ("isoflop plan --at", "--at-most")],
)
def test_a_shell_completes_commands_and_options(words, expected):
    place = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split(" ")) - 1)}
    done = subprocess.run(
        [sys.executable, "-m", "isoflop"],
        env={**os.environ, **place, "_ISOFLOP_COMPLETE": "complete_bash"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert expected in done.stdout.split(), done.stderr


@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_data_frames_are_taken_where_runs_are(library, runs, fit):
    pytest.importorskip(library)
    frame = runs.to_frame(backend=library)
    read = iso.fit("chinchilla", frame, draws=0)
    assert read.law.values == pytest.approx(dict(fit.law.values), rel=1e-9)
    assert len(iso.audit(frame).runs) == len(runs)
    assert iso.compare(["chinchilla"], frame).best.law == "chinchilla"


def test_what_is_no_table_is_refused_by_name():
    with pytest.raises(UsageError, match="cannot read runs from a int"):
        iso.fit("chinchilla", 3)
    with pytest.raises(BadRuns):
        iso.fit("chinchilla", {"N": [1.0, 2.0], "D": ["a", "b"], "L": [2.0, 3.0]})


def test_a_fit_is_a_function_of_numbers_texts_and_arrays(fit):
    one = fit(N="70B", D="1.4T")
    assert isinstance(one, float)
    assert one == fit(N=70e9, D=1.4e12)
    many = fit(N=[1e9, 2e9], D="20B")
    assert many.shape == (2,)
    assert many[0] == fit(N="1B", D=2e10)
    assert fit(N=np.array(["1B", "2B"]), D=2e10).tolist() == many.tolist()
    with pytest.raises(UsageError, match="N 'seventy' is not a number"):
        fit(N="seventy", D=1e12)
    with pytest.raises(UsageError, match="D not given"):
        fit(N="70B")


def test_a_forecast_takes_texts_and_arrays(fit):
    one = iso.forecast(fit, N="200k", D="10M", growth=0.01)
    assert one.value == iso.forecast(fit, N=2e5, D=1e7, growth=0.01).value
    many = iso.forecast(fit, N=["200k", 3e5], D=1e7, growth=0.01)
    frame = many.to_frame()
    assert frame["N"].to_pylist() == [2e5, 3e5]
    assert frame["low"].to_pylist()[0] == one.low
    assert many.summary().startswith("Forecasts of L")
    assert len(repr(many)) <= 300
    with pytest.raises(UsageError, match="differ in length: N 2, D 3"):
        iso.forecast(fit, N=[1e5, 2e5], D=[1e7, 2e7, 3e7])
