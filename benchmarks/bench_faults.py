"""Kill a sweep at random moments, and hold what is left against one that nobody disturbed.

    python -m pytest benchmarks/bench_faults.py            ten moments
    ISOFLOP_KILLS=100 python -m pytest benchmarks/bench_faults.py

At each moment a trial or the driver is killed with SIGKILL and the same call is made again. In the
end every trial is finished once, no row is doubled, no finished trial was started again, and every
loss has the bits of the undisturbed sweep. Runs by tests/experiments/test_faults.py as well.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "experiments"))

from faults import disturb


def test_kills_at_random_moments_change_nothing(tmp_path):
    count = int(os.environ.get("ISOFLOP_KILLS", "10"))
    report = disturb(tmp_path, count)
    print(report)
    assert report.kills == count
    assert not report.losses
