"""Data worth more, or less, than the law's own: the constants that say the same, and draws."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

import isoflop as iso
from isoflop import cli
from isoflop.errors import UsageError
from isoflop.laws import constants
from isoflop.plan import reach, spend
from isoflop.plan.data_worth import drawn_worth, total_worth

SET = constants("chinchilla/besiroglu2024")


def of_better_data(factor):
    """Return the same constants with what the factor does to the data term: B / factor^beta."""
    law = dataclasses.replace(SET.law, B=SET.law.B / factor**SET.law.beta)
    return dataclasses.replace(SET, law=law)


@pytest.mark.parametrize("factor", [0.5, 1.3, 3.0])
def test_a_worth_is_a_smaller_data_term(factor):
    plan = spend(SET, 1e22, worth={"quality": factor})
    same = spend(of_better_data(factor), 1e22)
    assert plan.N.value == pytest.approx(same.N.value, rel=1e-5)
    assert plan.L.value == pytest.approx(same.L.value, rel=1e-9)
    saved = reach(SET, 2.1, worth={"quality": factor})
    assert saved.cost.value == pytest.approx(
        reach(of_better_data(factor), 2.1).cost.value, rel=1e-6
    )


def test_causes_multiply_and_ends_go_with_ends():
    total = total_worth({"quality": (1.1, 1.4), "synthetic": 0.8})
    assert (total.low, total.high) == pytest.approx((0.88, 1.12))


def test_ninety_per_cent_of_draws_lie_between_the_ends():
    draws = drawn_worth({"quality": (1.0, 1.2, 2.0)}, 20_000)
    assert np.mean((draws >= 1.0) & (draws <= 2.0)) == pytest.approx(0.9, abs=0.01)
    assert np.median(draws) == pytest.approx(1.2, rel=0.01)


def test_the_range_of_a_worth_becomes_the_interval_of_the_plan():
    plan = spend(SET, 1e22, worth={"quality": (1.0, 2.0)})
    ends = [spend(of_better_data(f), 1e22) for f in (1.0, 2.0)]
    assert plan.L.low == pytest.approx(ends[1].L.value, abs=4e-3)
    assert plan.L.high == pytest.approx(ends[0].L.value, abs=4e-3)
    assert plan.N.low < plan.N.value < plan.N.high
    assert any("stated by you" in note.text for note in plan.notes)
    exact = spend(SET, 1e22, worth={"quality": 1.5})
    assert exact.L.low is None


def test_a_fit_keeps_its_own_scatter_and_adds_that_of_the_worth():
    fit = iso.fit("chinchilla", iso.read("sample:tiny"), draws=100)
    plain = spend(fit, 1e12)
    wide = spend(fit, 1e12, worth={"quality": (0.2, 5.0)})
    assert wide.L.high - wide.L.low > plain.L.high - plain.L.low


@pytest.mark.parametrize("worth", [{"quality": 0.0}, {"quality": (2.0, 1.0)}, {"a": 1e9}])
def test_what_is_no_multiplier_is_refused(worth):
    with pytest.raises(UsageError, match="worth of data by"):
        spend(SET, 1e22, worth=worth)


def typed(capsys, line):
    code = cli.main([*line.split(), "--json"])
    out, err = capsys.readouterr()
    return code, json.loads(out) if code == 0 else err


def test_the_command_takes_causes_by_name(capsys):
    line = "plan chinchilla/besiroglu2024 --C 1e22 --data-worth quality=1.0,2.0,deduplication=1.1"
    code, data = typed(capsys, line)
    assert code == 0
    assert data["L"]["low"] < data["L"]["value"] < data["L"]["high"]
    code, complaint = typed(capsys, line + " --data-worth zzz=high")
    assert (code, "--data-worth zzz" in complaint) == (2, True)


def test_the_price_ratio_of_the_chinchilla_trap_gives_its_36_per_cent(capsys):
    """Sardana et al. 2023: 2T tokens at 70 read and 215 generated a request, 70B: 36 % too dear."""
    generated = 2e12 * 215 / 285
    line = (
        f"serve chinchilla/sardana2023 --N 70B --serving 2e12 --generated {generated} --money "
        "--chip H100 --price 1 --serving-price 0.33 --mfu 0.5 --serving-mfu prompt=0.5,output=0.01"
    )
    code, data = typed(capsys, line)
    assert code == 0
    assert data["excess"] == pytest.approx(0.359, abs=2e-3)
    assert data["N"]["value"] == pytest.approx(32.5e9, rel=2e-3)
    assert data["D"]["value"] == pytest.approx(11.6e12, rel=2e-3)
