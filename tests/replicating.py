"""Published numbers held against ours, and the page that shows them: docs/replications.md.

A test takes the fixture `replicated` and says what was published; the number is asserted and
recorded. `make replications` runs these tests alone and writes the page; every other run holds
the page against what it measures, so that the page cannot go stale.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

PAGE = Path(__file__).parents[1] / "docs" / "replications.md"
MADE = "<!-- Made by `make replications`; changes here are lost. -->"

# Every row of the validation suite, and the work whose number it is.
ROWS = {
    "V1": "FLOP of a petaflop/s-day (Kaplan et al. 2020)",
    "V2": "Loss of 1.5B parameters by L(N) (Kaplan et al. 2020)",
    "V3": "Size for 1e21 FLOP by N(C_min) (Kaplan et al. 2020)",
    "V4": "Compute at sizes off the best (Kaplan et al. 2020)",
    "V5": "Data that keep overfitting at 2% (Kaplan et al. 2020)",
    "V6": "Irreducible losses of images (Henighan et al. 2020)",
    "V7": "Table 3: size, compute and tokens (Hoffmann et al. 2022)",
    "V8": "Table A4: FLOP against 6ND (Hoffmann et al. 2022)",
    "V9": "The optimum in closed form against the search",
    "V10": "Tokens per parameter at 5.76e23 FLOP, by set of constants",
    "V11": "The global optimum on 240 points of figure 4 (Besiroglu et al. 2024)",
    "V12": "The objective at three published sets (Besiroglu et al. 2024)",
    "V13": "Tokens per parameter, by how many of the highest losses are dropped",
    "V14": "Exponents of N*(C) in 15 configurations (Porian et al. 2024)",
    "V15": "Kaplan's slope out of Chinchilla's law (Pearce and Song 2024)",
    "V16": "Over-training: fit, and forecasts of larger runs (Gadre et al. 2024)",
    "V17": "Serving moves the optimum, in FLOP (Sardana et al. 2023)",
    "V17b": "Serving moves the optimum, in money (Sardana et al. 2023)",
    "V18": "First-order condition of a served optimum (Sardana et al. 2023)",
    "V19": "Compute overhead of smaller models (de Vries 2023)",
    "V20": "Two losses on repeated data (Muennighoff et al. 2023)",
    "V21": "Loss curves by the multi-power law (Luo et al. 2025)",
    "V22": "Loss curves by learning-rate annealing (Tissue et al. 2024)",
    "V23": "Batch and learning rate of 7B and 67B (DeepSeek 2024)",
    "V24": "Tokens for 3.8e25 FLOP (Llama 3, 2024)",
    "V25": "Vocabulary of a 70B model, three ways (Tao et al. 2024)",
    "V26": "Best precision of weights, activations and cache (Kumar et al. 2024)",
    "V27": "Dense size that equals 5M with 128 experts (Clark et al. 2022)",
    "V28": "Cross-entropy as error-entropy and the rest, an identity",
    "V29": "Bias of IsoFLOP parabolas on runs without noise",
    "V30": "Coverage of intervals on simulated studies",
    "V31": "Variance of benchmarks in three components (Ruan et al. 2024)",
    "V32": "Widely repeated statements that contradict themselves are caught",
    "V33": "Critical batch by data and along the frontier (Zhang et al. 2024)",
}

# Rows of which all or a part is not held by any test, and why.
REASONS: dict[str, str] = {
    "V14": "it needs the optimal pairs that the authors released "
    "(github.com/formll/resolving-scaling-law-discrepancies), which are not among the public data "
    "of these tests. The minima of budgets and the line through them are held by V29.",
    "V21": "the curves of the model of 400M are not among the public data of these tests.",
    "V22": "the curves of the model of 400M are not among the public data of these tests.",
}

Bound = Literal["within", "at least", "at most"]


@dataclass(frozen=True, slots=True)
class Number:
    """A published number, ours, and how far apart they may lie; text stands for a verdict."""

    row: str
    what: str
    paper: float | str
    ours: float | str
    tolerance: float
    relative: bool = False  # the tolerance was stated as a share of the published number
    bound: Bound = "within"
    unmet: str = ""  # why it lies outside, where that is known
    test: str = ""

    @property
    def met(self) -> bool:
        """Whether our number is as near as was asked."""
        if isinstance(self.paper, str) or isinstance(self.ours, str):
            return self.paper == self.ours
        if self.bound == "at least":
            return self.ours >= self.paper
        if self.bound == "at most":
            return self.ours <= self.paper
        # A printed tolerance is decimal: 2.0 +- 0.1 holds 2.1.
        return abs(self.ours - self.paper) <= self.tolerance * (1 + 1e-9)

    @property
    def unit(self) -> float:
        """The last digit worth showing: a tenth of the tolerance, or a thousandth of the number."""
        assert not isinstance(self.paper, str)
        size = abs(self.paper) or 1.0
        return self.tolerance / 10 if self.tolerance > 0 else size * 1e-5

    def line(self) -> str:
        """Return the line of the page."""
        cells = (self.what, *self._numbers(), self._verdict(), f"`{self.test}`")
        return f"| {' | '.join(cells)} |"

    def _numbers(self) -> tuple[str, str, str, str]:
        if isinstance(self.paper, str) or isinstance(self.ours, str):
            return str(self.paper), str(self.ours), "", ""
        power = not 1e-4 <= abs(self.paper or 1.0) < 1e6
        return (
            exactly(self.paper, power),
            rounded(self.ours, self.unit, power),
            rounded(self.ours - self.paper, self.unit, power),
            self._allowed(self.paper),
        )

    def _allowed(self, paper: float) -> str:
        if self.bound != "within":
            return self.bound
        if self.relative:
            return f"{100 * self.tolerance / abs(paper):.3g}%"
        return f"{self.tolerance:.3g}" if self.tolerance else "exact"

    def _verdict(self) -> str:
        return "met" if self.met else f"**not met**: {self.unmet}"


def rounded(value: float, unit: float, power: bool) -> str:
    """Return a number to the digit of `unit`, with an exponent where numbers are so large."""
    places = -math.floor(math.log10(unit) + 1e-9)
    near = round(value, places)
    if not near:
        return "0"
    if power:
        return f"{near:.{max(0, places + math.floor(math.log10(abs(near))))}e}"
    return f"{near:.{max(0, places)}f}"


def exactly(value: float, power: bool) -> str:
    """Return a published number with all of its digits."""
    write = np.format_float_scientific if power else np.format_float_positional
    return write(value, trim="-")


class Replicated:
    """The fixture's answer: call it with what was published and what came out here."""

    def __init__(self, test: str, page: Sequence[str], record: list[Number] | None) -> None:
        self._test, self._page, self._record = test, page, record

    def __call__(
        self, row: str, what: str, *, paper: float | str, ours: Any, within: float | None = None,
        rel: float | None = None, bound: Bound = "within", unmet: str = "",
    ) -> None:  # fmt: skip
        """Assert that ours is the published number, and record it for the page.

        `within` is an absolute tolerance and `rel` a share of the published number; `bound` makes
        the number a limit. `unmet` says why a number is known to lie outside: it then must.
        """
        assert row in ROWS, f"no row {row!r} in the validation suite"
        tolerance = (within or 0.0) if rel is None else rel * abs(float(paper))
        value = ours if isinstance(ours, str) else float(ours)
        number = Number(
            row, what, paper, value, tolerance, rel is not None, bound, unmet, self._test
        )
        if unmet:
            assert not number.met, f"{row}, {what}: met after all; take away `unmet`"
        else:
            assert number.met, f"{row}, {what}: published {paper!r}, ours {value!r}"
        if self._record is not None:
            same = [n for n in self._record if (n.row, n.what) == (row, what)]
            assert not same, f"{row}: two numbers are called {what!r}"
            self._record.append(number)
        elif self._page:
            assert_shown(number, self._page)


def assert_shown(number: Number, page: Sequence[str]) -> None:
    """Hold the page against a number: it stands there, as near as its own rounding."""
    stale = f"docs/replications.md is stale at {number.row}, {number.what}: `make replications`"
    kept = [line for line in section(page, number.row) if line.startswith(f"| {number.what} |")]
    assert kept, stale
    paper, ours = (cell.strip() for cell in kept[0].split("|")[2:4])
    if isinstance(number.ours, str) or isinstance(number.paper, str):
        assert (paper, ours) == (str(number.paper), str(number.ours)), stale
        return
    assert float(paper) == pytest.approx(number.paper, rel=1e-9), stale
    # Other machines round otherwise; three tenths of the tolerance are no news.
    assert abs(float(ours) - number.ours) <= 3 * number.unit, stale


def section(page: Sequence[str], row: str) -> list[str]:
    """Return the lines of one row's part of the page."""
    title = f"## {row}: {ROWS[row]}"
    if title not in page:
        return []
    rest = page[page.index(title) + 1 :]
    end = next((i for i, line in enumerate(rest) if line.startswith("## ")), len(rest))
    return list(rest[:end])


def written(numbers: Sequence[Number], reasons: dict[str, str]) -> str:
    """Return the page: a table of rows, then every number of every row."""
    parts = ["# Replications", MADE, INTRODUCTION, _summary(numbers, reasons)]
    for row, title in ROWS.items():
        mine = sorted((n for n in numbers if n.row == row), key=lambda n: n.test)
        parts.append(f"## {row}: {title}")
        if row in reasons:
            parts.append(f"Not held here: {reasons[row]}")
        if mine:
            head = "| number | published | ours | difference | tolerance | verdict | test |"
            parts.append("\n".join([head, "| --- " * 7 + "|", *(n.line() for n in mine)]))
    return "\n\n".join(parts) + "\n"


INTRODUCTION = (
    "What papers print, or what follows exactly from what they print, against what isoflop "
    "computes. Each line is asserted by the test that it names, and every run of the tests holds "
    "this page against what it measured. A number that cannot be met stands here with its reason; "
    "no tolerance is widened for it. Ours are rounded to a tenth of the tolerance."
)


def _summary(numbers: Sequence[Number], reasons: dict[str, str]) -> str:
    lines = ["| row | what | numbers | met |", "| --- | --- | --- | --- |"]
    for row, title in ROWS.items():
        mine = [n for n in numbers if n.row == row]
        met = sum(n.met for n in mine)
        verdict = f"{met} of {len(mine)}" if mine else "not held here"
        if mine and row in reasons:
            verdict += ", in part"
        lines.append(f"| {row} | {title} | {len(mine)} | {verdict} |")
    return "\n".join(lines)


RECORD = pytest.StashKey[list[Number]]()


@pytest.fixture
def replicated(request: pytest.FixtureRequest) -> Replicated:
    """Return the function that holds a number against a published one; see `Replicated`."""
    test = Path(request.node.path).relative_to(Path(__file__).parent).as_posix()
    page = PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []
    return Replicated(test, page, request.config.stash.get(RECORD, None))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer `--replications`: run the tests of published numbers alone, and write the page."""
    parser.addoption("--replications", action="store_true", help="write docs/replications.md")


def pytest_configure(config: pytest.Config) -> None:
    """Begin a record where the page is to be written."""
    if config.getoption("--replications"):
        config.stash[RECORD] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that hold published numbers, where the page is to be written."""
    if RECORD in config.stash:
        items[:] = [item for item in items if "replicated" in getattr(item, "fixturenames", ())]


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Write the page, if every number was measured and is as it should be."""
    record = session.config.stash.get(RECORD, None)
    if record is None:
        return
    report: Any = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus or report.stats.get("skipped"):
        report.write_line(
            "docs/replications.md is left as it was: some numbers failed, or were not measured "
            "for want of data (ISOFLOP_DATA)"
        )
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        return
    PAGE.write_text(written(record, REASONS), encoding="utf-8")
    report.write_line(f"\nwrote {PAGE}: {len(record)} numbers")
