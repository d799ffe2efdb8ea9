"""The main job, small: trained for real, forecast before the truth, and repeated without work."""

from __future__ import annotations

from pathlib import Path

from isoflop.commands.demo import demo
from isoflop.sources import read
from isoflop.store import Study


def test_the_demo_forecasts_before_it_trains_and_resumes(tmp_path: Path) -> None:
    folder, page = str(tmp_path / "study"), str(tmp_path / "demo.html")
    first = demo(folder, preset="tiny", page=page)
    study = Study.open(folder)
    (forecast,) = study.documents("forecast")
    held_out = max(study.documents("observations"), key=lambda d: d.body["flop"])
    assert forecast.created <= held_out.created
    assert first.data["low"] < first.data["value"] < first.data["high"]
    assert abs(first.data["error"]) < 0.25
    assert {f["form"] for f in first.data["forms"]} >= {"chinchilla", "kaplan-joint, E = 0"}
    assert "what came" in Path(page).read_text()

    again = demo(folder, preset="tiny", page=page)
    assert again.data == first.data
    assert [d.sha256 for d in study.documents("observations")] == [
        d.sha256 for d in Study.open(folder).documents("observations")
    ]
    assert len(read(folder)) == len(read(folder).where("N < 20000")) + 1
