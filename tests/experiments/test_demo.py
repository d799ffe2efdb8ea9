"""The main job, small: trained for real, forecast before the truth, and repeated without work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isoflop.commands.demo import demo
from isoflop.experiments.pretrain import sweep
from isoflop.sources import read
from isoflop.store import Study

pytestmark = pytest.mark.training


@pytest.fixture
def prose(tmp_path: Path) -> str:
    """Return a folder of made-up prose: the text at hand is another on every machine."""
    draw = np.random.default_rng(0)
    words = ["".join(draw.choice(list("etaoinshrdlu"), n)) for n in draw.integers(2, 9, 400)]
    next_words = draw.integers(400, size=(400, 8))
    folder = tmp_path / "prose"
    folder.mkdir()
    for i in range(40):
        at, text = 0, []
        for turn, any_word in zip(draw.integers(12, size=4_000), draw.integers(400, size=4_000),
                                  strict=True):  # fmt: skip
            at = next_words[at, turn] if turn < 8 else any_word
            text.append(words[at])
        (folder / f"{i:02}.txt").write_text(" ".join(text))
    return str(folder)


def test_the_demo_forecasts_before_it_trains_and_resumes(
    tmp_path: Path, prose: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ISOFLOP_CACHE", str(tmp_path / "cache"))
    preset = sweep.tiny(0)
    parts = (replace(part, text=prose) for part in (preset.sweep, preset.held_out))
    small = sweep.Preset(*parts)
    monkeypatch.setattr(sweep, "PRESETS", {"tiny": lambda seed: small})
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
