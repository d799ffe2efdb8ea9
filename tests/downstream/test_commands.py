"""downstream, observe and emergence: what a user may map, ask and get wrong."""

from __future__ import annotations

import json

import numpy as np
import pytest

from isoflop import cli
from isoflop.sources import read

LADDER = "sample:simulated-ladder"
CHANCE = "choice=0.25,pairs=0.5,sums=0,riddles=0.25"
MODELS = "sample:simulated-models"


def typed(capsys, *arguments: str) -> tuple[int, str, str]:
    code = cli.main(list(arguments))
    return code, *capsys.readouterr()


def answered(capsys, *arguments: str) -> dict:
    code, out, err = typed(capsys, *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_every_task_of_a_table_is_found_graded_and_forecast(capsys):
    """The simulated ladder's laws are known: each forecast holds what they say of 7B and 1T."""
    data = answered(
        capsys, "downstream", LADDER, "--chance", CHANCE, "--N", "7B", "--D", "1T", "--draws", "200"
    )
    found = {t["task"]: t for t in data["tasks"]}
    assert list(found) == ["choice", "pairs", "sums", "riddles"]
    assert found["riddles"]["class"] == "at chance"
    assert found["riddles"]["forecast"] is None
    assert "not predictable yet" in found["riddles"]["reason"]
    from isoflop.theory.simulated import TASKS

    for name in ("choice", "pairs", "sums"):
        loss, step, _ = TASKS[name]
        truth = float(step(L=loss(N=7e9, D=1e12)))
        said = found[name]["forecast"]
        assert said["low"] <= truth <= said["high"], name
        assert found[name]["class"] in ("reliable", "usable")
        assert set(found[name]["ways"]) == {"two steps", "two steps, of C alone", "one step"}


def test_a_study_of_tasks_at_chance_is_refused(capsys):
    code, out, _ = typed(
        capsys, "downstream", LADDER, "--task", "riddles", "--chance", "riddles=.25"
    )
    assert code == 1
    assert "not predictable yet" in " ".join(out.split())


def test_columns_are_mapped_by_hand_in_per_cent_and_to_a_shared_loss(capsys, tmp_path):
    runs = read(LADDER, columns={"L": "choice_bpb", "score": "choice_acc"})
    header = "size,tokens,val,quiz points\n"
    rows = zip(runs["N"], runs["D"], runs["L"], 100 * runs["score"], strict=True)
    path = tmp_path / "own.csv"
    path.write_text(header + "".join(",".join(f"{v:.6g}" for v in row) + "\n" for row in rows))
    data = answered(
        capsys, "downstream", str(path), "--columns", "N=size,D=tokens",
        "--task", "quiz=val:quiz points", "--unit", "score=%", "--chance", "quiz=0.25",
        "--draws", "0",
    )  # fmt: skip
    assert data["tasks"][0]["task"] == "quiz"
    assert data["tasks"][0]["class"] == "reliable"
    plain = tmp_path / "plain.csv"
    plain.write_text(path.read_text().replace("quiz points", "score_quiz"))
    shared = answered(
        capsys, "downstream", str(plain), "--columns", "N=size,D=tokens,L=val",
        "--unit", "score=%", "--chance", "quiz=0.25", "--draws", "0",
    )  # fmt: skip
    assert shared["tasks"][0]["backtest"] == pytest.approx(data["tasks"][0]["backtest"])


def test_without_chance_the_floor_is_fitted_and_that_is_said(capsys):
    code, out, _ = typed(capsys, "downstream", LADDER, "--task", "choice", "--draws", "0")
    assert code == 0
    assert "--chance choice=0.25" in " ".join(out.split())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((LADDER, "--task", "quiz"), "no task called 'quiz'"),
        ((LADDER, "--task", "quiz=a:b"), "no column called 'a'"),
        ((LADDER, "--task", "quiz=choice_bpb"), "NAME=LOSS:SCORE"),
        (("sample:tiny",), "--task NAME=LOSS:SCORE"),
        ((LADDER, "--chance", "quiz=0.2"), "no task called 'quiz'"),
        ((LADDER, "--chance", "choice=25"), "--chance choice is 25"),
        ((LADDER, "--task", "choice", "--N", "7B"), "needs D"),
        ((LADDER, "--task", "choice", "--link", "chinchila"), "chinchilla"),
        ((LADDER, "--task", "choice", "--fix", "roof=1"), "no parameter 'roof'"),
        ((LADDER, "--task", "choice", "--unit", "score=points"), "may be 1 (a share) or %"),
        ((LADDER, "--task", "choice=choice_bpb:N"), "score"),
    ],
)
def test_mistakes_get_a_line(capsys, arguments, says):
    code, _, err = typed(capsys, "downstream", *arguments, "--draws", "0")
    assert code in (1, 2)
    assert says in " ".join(err.split())
    assert "Traceback" not in err
    assert "bug" not in err


def test_observe_holds_out_forecasts_and_warns_of_leakage(capsys):
    data = answered(
        capsys, "observe", MODELS, "--target", "arithmetic", "--floor", "0", "--components", "1",
        "--cutoff", "3e22", "--family", "simulated-oak", "--C", "1e25",
    )  # fmt: skip
    assert data["inputs"] == ["facts", "stories", "grammar", "reading", "code"]
    assert data["held_out"]["rms"] < 0.03 < data["held_out"]["rms_by_compute"]
    assert data["held_out"]["inside"] > 0.7
    assert data["refused_families"] == {"simulated-yew": 2}
    assert data["forecast"]["low"] <= data["forecast"]["score"] <= data["forecast"]["high"]
    code, out, _ = typed(
        capsys, "observe", MODELS, "--target", "code", "--inputs", "code,facts,reading",
        "--components", "1",
    )  # fmt: skip
    assert code == 0
    assert "leakage" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--target", "poems"), "no column 'poems'"),
        (("--target", "code", "--inputs", "facts,poems"), "no column 'poems'"),
        (("--target", "code", "--components", "9"), "9 components"),
        (("--target", "code", "--cutoff", "1e27"), "no model with a score"),
        (("--target", "code", "--family", "simulated-yew", "--C", "1e25"), "a line needs 3"),
        (("--target", "code", "--family", "oak", "--C", "1e25"), "simulated-oak"),
        (("--target", "code", "--C", "1e25"), "--family NAME"),
        (("--target", "code", "--floor", "1.5"), "--floor is 1.5"),
        (("--target", "code", "--draws", "0"), "needs draws"),
    ],
)
def test_mistakes_of_observe_get_a_line(capsys, arguments, says):
    code, _, err = typed(capsys, "observe", MODELS, *arguments)
    assert code in (1, 2)
    assert says in " ".join(err.split())
    assert "bug" not in err


def test_a_table_that_cannot_be_observed_is_refused(capsys, tmp_path):
    path = tmp_path / "models.csv"
    for text, says in (
        ("model,C,a\nx,1e21,0.5\n", "no family column"),
        ("model,family,a\nx,f,0.5\n", "no compute"),
        ("model,family,C,a\nx,f,1e21,\n", "holds no score"),
        ("model,family,C,a\nx,f,1e21,43\n", "holds 43 in row 2"),
        ("model,family,C,a\nx,f,1e21,good\n", "no number"),
    ):
        path.write_text(text)
        code, _, err = typed(capsys, "observe", str(path), "--target", "a")
        assert code == 2
        assert says in " ".join(err.split())


def test_columns_that_are_no_shares_are_named(capsys, tmp_path):
    table = read(MODELS)
    path = tmp_path / "models.csv"
    from isoflop.theory.simulated import models

    made = models()
    width = type(made)({**made.columns, "width": [512.0] * len(table)})
    width.write(path)
    code, out, _ = typed(
        capsys, "observe", str(path), "--target", "arithmetic", "--components", "1"
    )
    assert code == 0
    assert "columns that are not used: width" in " ".join(out.split())


def test_emergence_shows_both_metrics_of_one_family(capsys):
    data = answered(capsys, "emergence", "--tokens", "8", "--items", "100")
    exact = np.array([m["exact match"] for m in data["models"]])
    wrong = np.array([m["wrong tokens"] for m in data["models"]])
    assert data["simulated"]
    assert (exact[:5] == 0).all()
    assert exact[-1] > 0.3
    assert wrong[0] > wrong[4] + 0.4
    code, _, err = typed(capsys, "emergence", "--items", "0")
    assert code == 2
    assert "items is 0" in err
