"""Ten kills at random moments, of drivers and of trials, lose nothing and change no bit.

`benchmarks/bench_faults.py` is the long form.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from faults import disturb

pytestmark = [
    pytest.mark.training,
    pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc"),
]


def test_ten_kills_at_random_moments_change_nothing(tmp_path: Path) -> None:
    report = disturb(tmp_path, 10)
    assert report.kills == 10
    assert report.losses == ()
