"""The solver reproduces certified answers: all 27 nonlinear regressions of NIST's StRD collection.

Data, starts and certified values: itl.nist.gov/div898/strd. Each form is declared as a law for the
length of its test and forgotten; parameters are b1, b2, ... as NIST calls them, without bounds, and
typical from half of the lower to twice the higher of NIST's two starts, which is what a user knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from synthetic import registry_as_it_was

from isoflop.fitting import fit
from isoflop.law import Law, param
from isoflop.runs import Runs

DIGITS = 1e-6  # relative: six digits
ANY = (-np.inf, np.inf)
# NIST's far start of MGH10 has its optimum behind 25 decades of b1: no single descent gets there.
TOO_FAR = {("mgh10", 0)}


def ratio_of_cubics(b, x):
    above = b.b1 + b.b2 * x + b.b3 * x**2 + b.b4 * x**3
    return above / (1 + b.b5 * x + b.b6 * x**2 + b.b7 * x**3)


def two_peaks(b, x):
    first = b.b3 * np.exp(-((x - b.b4) ** 2) / b.b5**2)
    return b.b1 * np.exp(-b.b2 * x) + first + b.b6 * np.exp(-((x - b.b7) ** 2) / b.b8**2)


def three_decays(b, x):
    return b.b1 * np.exp(-b.b2 * x) + b.b3 * np.exp(-b.b4 * x) + b.b5 * np.exp(-b.b6 * x)


def three_cycles(b, x):
    turn = 2 * np.pi * x
    year = b.b2 * np.cos(turn / 12) + b.b3 * np.sin(turn / 12)
    slow = b.b5 * np.cos(turn / b.b4) + b.b6 * np.sin(turn / b.b4)
    return b.b1 + year + slow + b.b8 * np.cos(turn / b.b7) + b.b9 * np.sin(turn / b.b7)


def rising_to_a_level(b, x):
    return b.b1 * (1 - np.exp(-b.b2 * x))


def decay_over_a_line(b, x):
    return np.exp(-b.b1 * x) / (b.b2 + b.b3 * x)


FORMS: dict[str, Callable[..., Any]] = {
    "misra1a": rising_to_a_level,
    "chwirut1": decay_over_a_line,
    "chwirut2": decay_over_a_line,
    "lanczos1": three_decays,
    "lanczos2": three_decays,
    "lanczos3": three_decays,
    "gauss1": two_peaks,
    "gauss2": two_peaks,
    "gauss3": two_peaks,
    "danwood": lambda b, x: b.b1 * x**b.b2,
    "misra1b": lambda b, x: b.b1 * (1 - (1 + b.b2 * x / 2) ** -2.0),
    "kirby2": lambda b, x: (b.b1 + b.b2 * x + b.b3 * x**2) / (1 + b.b4 * x + b.b5 * x**2),
    "hahn1": ratio_of_cubics,
    "nelson": lambda b, N, D: np.exp(b.b1 - b.b2 * N * np.exp(-b.b3 * D)),
    "mgh17": lambda b, x: b.b1 + b.b2 * np.exp(-x * b.b4) + b.b3 * np.exp(-x * b.b5),
    "misra1c": lambda b, x: b.b1 * (1 - (1 + 2 * b.b2 * x) ** -0.5),
    "misra1d": lambda b, x: b.b1 * b.b2 * x / (1 + b.b2 * x),
    "roszman1": lambda b, x: b.b1 - b.b2 * x - np.arctan(b.b3 / (x - b.b4)) / np.pi,
    "enso": three_cycles,
    "mgh09": lambda b, x: b.b1 * (x**2 + x * b.b2) / (x**2 + x * b.b3 + b.b4),
    "thurber": ratio_of_cubics,
    "boxbod": rising_to_a_level,
    "rat42": lambda b, x: b.b1 / (1 + np.exp(b.b2 - b.b3 * x)),
    "mgh10": lambda b, x: b.b1 * np.exp(b.b2 / (x + b.b3)),
    "eckerle4": lambda b, x: b.b1 / b.b2 * np.exp(-0.5 * ((x - b.b3) / b.b2) ** 2),
    "rat43": lambda b, x: b.b1 / (1 + np.exp(b.b2 - b.b3 * x)) ** (1 / b.b4),
    "bennett5": lambda b, x: b.b1 * (b.b2 + x) ** (-1 / b.b3),
}
DATA = json.loads((Path(__file__).parent / "nist_strd.json").read_text())


@dataclass(frozen=True)
class Certified:
    """A law and its runs, how to fit it, NIST's two starts, and what is certified."""

    law: type[Law]
    runs: Runs
    options: dict[str, Any]
    starts: tuple[dict[str, float], ...]
    answer: list[float]
    squares: float

    def fit(self, **options):
        options = {"objective": "squared", "predicts": "y", "draws": 0} | self.options | options
        return fit(self.law, self.runs, **options)


def certified(name: str) -> Certified:
    """Declare the form of a data set as a law; that of Nelson is of logs, of weeks and degrees."""
    set_, form = DATA[name], FORMS[name]
    ends = [sorted(pair) for pair in zip(*set_["starts"], strict=True)]
    fields = {f"b{i}": param("?", typical=wider(*e), bounds=ANY) for i, e in enumerate(ends, 1)}
    two = name == "nelson"
    call = (lambda self, N, D: form(self, N, D)) if two else (lambda self, x: form(self, x))
    said = {"key": name, "predicts": "y", "source": "NIST StRD", "homogeneous": False,
            "residuals": "log" if two else "linear", "__call__": call,
            "__annotations__": dict.fromkeys(fields, float)}  # fmt: skip
    law = type(name, (Law,), said | fields)
    inputs = {"N": set_["x1"], "D": set_["x2"]} if two else {"x": set_["x"]}
    columns = {k: np.array(v, float) for k, v in (inputs | {"y": set_["y"]}).items()}
    starts = tuple(dict(zip(fields, map(float, s), strict=True)) for s in set_["starts"])
    options = {} if two else {"over": "x"}
    return Certified(law, Runs(columns), options, starts, set_["answer"], set_["squares"])


def wider(low: float, high: float) -> tuple[float, float]:
    """Return half of the lower to twice the higher, or a range as much wider across zero."""
    if low > 0:
        return low / 2, 2 * high
    if high < 0:
        return 2 * low, high / 2
    return low - (high - low) / 2, high + (high - low) / 2


@pytest.fixture(params=FORMS)
def case(request):
    with registry_as_it_was():
        yield request.param, certified(request.param)


def test_a_search_finds_the_certified_values_by_itself(case):
    name, known = case
    got = known.fit()
    assert list(got.law.values.values()) == pytest.approx(known.answer, rel=DIGITS)
    # The squares of Lanczos1 are those of the digits that its data are rounded to.
    rounding = len(known.runs) * (2e-15 * np.abs(known.runs["y"]).max()) ** 2
    assert 2 * got.value == pytest.approx(known.squares, rel=1e-9, abs=rounding)
    assert got.starts.agree >= 2, name


@pytest.mark.parametrize("which", [0, 1], ids=["far", "near"])
def test_one_descent_from_a_start_of_nists_ends_at_the_certified_values(case, which):
    name, known = case
    got = known.fit(start=known.starts[which], screened=1, polished=1)
    reached = list(got.law.values.values()) == pytest.approx(known.answer, rel=DIGITS)
    assert reached or (name, which) in TOO_FAR
    assert got.status == "doubtful"  # one start has none to agree with


def test_a_start_is_one_more_place_to_begin_at():
    with registry_as_it_was():
        known = certified("mgh10")
        got = known.fit(start=known.starts[0])
    assert list(got.law.values.values()) == pytest.approx(known.answer, rel=DIGITS)
