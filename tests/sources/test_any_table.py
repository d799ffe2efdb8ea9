"""However a table is written, it is read back to the same runs, or refused: never to others."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isoflop.errors import IsoflopError
from isoflop.sources import read

NAMES = {
    "N": [("params", 0), ("Params (M)", 6), ("N_millions", 6), ("model size [B]", 9),
          ("n_params_B", 9), ("Parameters in M", 6)],
    "D": [("tokens", 0), ("Tokens (B)", 9), ("tokens_B", 9), ("training tokens (M)", 6),
          ("D_billions", 9)],
    "C": [("flops", 0), ("FLOPs (1e18)", 18), ("train_flops_1e21", 21), ("total PFLOP", 15)],
    "L": [("loss", 0), ("val/loss", 0), ("eval loss", 0)],
}  # fmt: skip
SUFFIXES = {"M": 6, "B": 9}


@dataclass(frozen=True)
class Style:
    """How a table is written."""

    delimiter: str
    decimal: str
    thousands: str
    suffix: bool
    title: bool
    unit_row: bool
    remark: bool


@st.composite
def styles(draw):
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    decimal = draw(st.sampled_from([".", ","]))
    thousands = draw(
        st.sampled_from(["", "", " ", "\u00a0", "\u202f", "," if decimal == "." else "."])
    )
    flags = [draw(st.booleans()) for _ in range(4)]
    return Style(delimiter, decimal, thousands, *flags)


@st.composite
def tables(draw):
    count = draw(st.integers(3, 6))
    digits = st.integers(10, 9999)
    N = [Decimal(draw(digits)) * 10**6 for _ in range(count)]
    D = [Decimal(draw(digits)) * 10**8 for _ in range(count)]
    L = [Decimal(draw(st.integers(1500, 6000))) / 1000 for _ in range(count)]
    columns = {"N": N, "D": D, "L": L}
    if draw(st.booleans()):
        columns["C"] = [6 * n * d for n, d in zip(N, D, strict=True)]
    names = {symbol: draw(st.sampled_from(NAMES[symbol])) for symbol in columns}
    return columns, names, draw(st.permutations(list(columns)))


def cell(value, power, style, symbol):
    """Return a number as the style writes it."""
    suffix, scaled = "", value / Decimal(10) ** power
    if style.suffix and not power and symbol in "ND":
        suffix = "B" if value >= 10**9 else "M"
        scaled = value / Decimal(10) ** SUFFIXES[suffix]
    text = f"{scaled:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    whole, _, decimals = text.partition(".")
    whole = f"{int(whole):,}".replace(",", style.thousands)
    return whole + (style.decimal + decimals if decimals else "") + suffix


def written(table, style):
    """Return the text of a file."""
    columns, names, order = table

    def line(cells):
        quoted = (f'"{c}"' if style.delimiter in c or '"' in c else c for c in cells)
        return style.delimiter.join(quoted)

    lines = ["Runs of a sweep"] if style.title else []
    lines.append(line([names[s][0] for s in order]))
    if style.unit_row and not any(power for _, power in names.values()) and not style.suffix:
        words = {"N": "params", "D": "tokens", "C": "FLOP", "L": "nats"}
        lines.append(line([words[s] for s in order]))
    for row in zip(*(columns[s] for s in order), strict=True):
        lines.append(
            line([cell(v, names[s][1], style, s) for s, v in zip(order, row, strict=True)])
        )
    if style.remark:
        lines.append("* all of one seed")
    return "\n".join(lines) + "\n"


@given(table=tables(), style=styles())
@settings(max_examples=150, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_a_table_is_read_back_to_its_runs_or_refused(tmp_path, table, style):
    path = tmp_path / "runs.csv"
    path.write_text(written(table, style))
    try:
        runs = read(path)
    except IsoflopError:
        return
    for symbol, values in table[0].items():
        expected = np.array([float(v) for v in values])
        assert runs[symbol] == pytest.approx(expected, rel=1e-9), (symbol, path.read_text())


@given(table=tables(), style=styles())
@settings(max_examples=40, deadline=None, derandomize=True,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_a_plain_table_is_never_refused(tmp_path, table, style):
    path = tmp_path / "runs.csv"
    plain = Style(style.delimiter, ".", "", style.suffix, style.title, style.unit_row, style.remark)
    path.write_text(written(table, plain))
    assert len(read(path)) == len(table[0]["N"])
