"""The commands that train: what is asked for is what is run, and the demo judges its forecast."""

from __future__ import annotations

from pathlib import Path

import pytest

from isoflop.commands.rl.demo import rl_demo
from isoflop.commands.rl.run import RecipeOptions, rl_run
from isoflop.errors import UnknownName, UsageError
from isoflop.experiments.rl.preset_study import preset_study
from isoflop.sources import read
from isoflop.store import Study


def arms(**asked):
    given = {"preset": "study", "recipes": (), "change": {}, "setting": {}, "seeds": None}
    study = preset_study(**{**given, **asked, "seed": 4})
    return study.arms, study.seeds


def test_a_preset_is_run_as_it_is():
    made, seeds = arms()
    assert list(made) == ["grpo", "scalerl", "grpo, 256 problems"]
    assert made["grpo, 256 problems"].setting.pool == 256
    assert seeds == (4, 5, 6)


def test_recipes_fields_and_seeds_can_be_asked_for():
    made, seeds = arms(
        recipes=("cispo", "dapo"),
        change={"lag": "4", "interrupt": "none", "drop_unvaried": "true", "aggregation": "token"},
        setting={"group": "8", "lr": "1e-3"},
        seeds=1,
    )
    assert list(made) == [
        f"{name} lag=4 interrupt=none drop_unvaried=true aggregation=token group=8 lr=1e-3"
        for name in ("cispo", "dapo")
    ]
    recipe, setting, _ = next(iter(made.values()))
    assert (recipe.surrogate, recipe.lag, recipe.interrupt) == ("cispo", 4, None)
    assert (setting.group, setting.lr, setting.pool) == (8, 1e-3, None)
    assert seeds == (4,)


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"preset": "studdy"}, UnknownName, "study"),
        ({"recipes": ("grppo",)}, UnknownName, "grpo"),
        ({"change": {"lagg": "4"}}, UnknownName, "lag"),
        ({"change": {"lag": "many"}}, UsageError, "lag cannot be 'many'"),
        ({"change": {"drop_unvaried": "maybe"}}, UsageError, "maybe"),
        ({"change": {"lag": "3"}}, UsageError, "multiple"),
        ({"change": {"aggregation": "tokens"}}, UnknownName, "token"),
        ({"setting": {"task": "chain"}}, UnknownName, "field of a setting"),
        ({"setting": {"group": "1"}}, UsageError, "group is 1"),
        ({"seeds": 0}, UsageError, "--seeds is 0"),
    ],
)
def test_what_cannot_be_run_is_refused(asked, error, words):
    with pytest.raises(error, match=words):
        arms(**asked)


@pytest.mark.training
def test_the_demo_forecasts_the_second_half_and_resumes(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ISOFLOP_CACHE", str(tmp_path / "cache"))
    folder, page = str(tmp_path / "study"), str(tmp_path / "demo.html")
    first = rl_demo(folder, preset="tiny", page=page)
    said = first.data["recipes"]["grpo"]
    assert said["off"] == pytest.approx(said["value"] - said["truth"])
    assert abs(said["off"]) < 0.3  # so small a study forecasts roughly, on some processors more so
    assert 0 <= said["low"] <= said["value"] <= said["high"] <= 1
    assert "what came" in Path(page).read_text()

    kept = [d.sha256 for d in Study.open(folder).documents("observations")]
    again = rl_run(folder, recipes=RecipeOptions(preset="tiny"))
    assert again.data["reused"] == again.data["finished"] == 2
    assert kept == [d.sha256 for d in Study.open(folder).documents("observations")]
    runs = read(folder)
    assert set(runs.labels["family"]) == {"grpo", "scalerl"}
    assert (runs["C"] > 0).all()
    assert runs.conventions["C"] == "detailed"
