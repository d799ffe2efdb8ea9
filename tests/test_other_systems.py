"""What needs POSIX stays out of the way elsewhere: with it hidden, a fit and a plan still run."""

from __future__ import annotations

import subprocess
import sys

HIDDEN = """
import os, sys
for name in ("fcntl", "resource", "pwd", "grp", "termios", "pty", "tty", "syslog"):
    sys.modules[name] = None
for name in ("O_NOFOLLOW", "O_CLOEXEC", "O_NONBLOCK", "O_DIRECTORY", "killpg", "setsid", "geteuid",
             "fchmod", "fork", "sched_getaffinity", "pread", "pwrite", "getuid"):
    if hasattr(os, name):
        delattr(os, name)
"""
WORK = """
import isoflop as iso
from isoflop.cli import main
runs = iso.read("sample:tiny")
fitted = iso.fit("chinchilla", runs, draws=50)
fitted.save("fit.json")
again = iso.load("fit.json")
assert iso.forecast(again, N=1e9, D=2e10).value > 0
assert main(["plan", "fit.json", "--C", "1e19"]) == 0
assert main(["forecast", "fit.json", "--N", "1e9", "--D", "2e10"]) == 0
assert main(["audit", "sample:tiny"]) == 0
"""
STUDY = """
from isoflop.cli import main
sys.exit(main(["demo", "--preset", "tiny"]))
"""


def run(tmp_path, code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", HIDDEN + code], capture_output=True, text=True, cwd=tmp_path
    )


def test_from_runs_to_a_plan_without_posix(tmp_path):
    done = run(tmp_path, WORK)
    assert done.returncode == 0, done.stderr


def test_what_does_not_work_there_is_said(tmp_path):
    done = run(tmp_path, STUDY)
    assert done.returncode == 3, done.stderr
    assert "file locks" in done.stderr
    assert "Traceback" not in done.stderr
