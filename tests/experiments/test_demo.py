"""The main job, small: trained for real, forecast before the truth, and repeated without work."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

import isoflop
from isoflop.commands.demo import demo
from isoflop.experiments.pretrain import sweep
from isoflop.sources import read
from isoflop.store import Study
from isoflop.studies.pretraining import _candidates

pytestmark = pytest.mark.training


@pytest.fixture
def source(tmp_path: Path) -> str:
    """Return a folder of isoflop's own source: the text at hand is another on every machine."""
    package, folder = Path(isoflop.__file__).parent, tmp_path / "source"
    folder.mkdir()
    for path in package.rglob("*.py"):
        name = str(path.relative_to(package)).replace(os.sep, "-")
        (folder / name).write_bytes(path.read_bytes())
    return str(folder)


def test_the_demo_forecasts_before_it_trains_and_resumes(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOFLOP_CACHE", str(tmp_path / "cache"))
    preset = sweep.tiny(0)
    parts = (replace(part, text=source) for part in (preset.sweep, preset.held_out))
    small = sweep.PretrainPreset(*parts)
    monkeypatch.setattr(sweep, "PRESETS", {"tiny": lambda seed: small})
    folder, page = str(tmp_path / "study"), str(tmp_path / "demo.html")
    first = demo(folder, preset="tiny", page=page)
    study = Study.open(folder)
    (forecast,) = study.documents("forecast")
    held_out = max(study.documents("observations"), key=lambda d: d.body["flop"])
    assert forecast.created <= held_out.created
    assert first.data["low"] < first.data["value"] < first.data["high"]
    assert abs(first.data["error"]) < 0.25
    assert {f["form"] for f in first.data["forms"]} <= {c.name for c in _candidates()}
    assert "what came" in Path(page).read_text()

    again = demo(folder, preset="tiny", page=page)
    assert again.data == first.data
    assert [d.sha256 for d in study.documents("observations")] == [
        d.sha256 for d in Study.open(folder).documents("observations")
    ]
    assert len(read(folder)) == len(read(folder).where("N < 20000")) + 1
