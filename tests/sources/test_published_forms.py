"""Files in forms that were published and once read wrongly: each gives its right value, or asks."""

from __future__ import annotations

import json

import numpy as np
import pytest

from isoflop.errors import texts
from isoflop.fitting import fit
from isoflop.laws import Chinchilla, LearningRate
from isoflop.schedules import fit as fit_schedule
from isoflop.schedules import read_curves
from isoflop.sources import read
from isoflop.sources.import_logs import import_logs

LAW = {"E": 1.817, "A": 477.8, "B": 2143.0, "alpha": 0.3473, "beta": 0.3672}


def grid(seed=3):
    """Return N, D and L of 30 runs of a law whose numbers are LAW, with noise of 0.2%."""
    rng = np.random.default_rng(seed)
    N, D = (
        v.ravel()
        for v in np.meshgrid([45e6, 70e6, 125e6, 210e6, 350e6, 1e9], [2e9, 4e9, 9e9, 20e9, 40e9])
    )
    L = LAW["E"] + LAW["A"] / N ** LAW["alpha"] + LAW["B"] / D ** LAW["beta"]
    return N, D, L * np.exp(0.002 * rng.standard_normal(N.size))


@pytest.fixture
def write(tmp_path):
    def to(content, name="runs.csv"):
        path = tmp_path / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    return to


def rows(header, *columns, delimiter=","):
    lines = (delimiter.join(cells) for cells in zip(*columns, strict=True))
    return "\n".join([delimiter.join(header), *lines]) + "\n"


def assert_law(runs):
    """Assert that runs give back the law that made them, in its units."""
    made = fit(Chinchilla, runs, draws=0)
    assert pytest.approx(LAW["E"], abs=0.05) == made.law.E
    assert made.law.alpha == pytest.approx(LAW["alpha"], abs=0.03)
    assert made.law.beta == pytest.approx(LAW["beta"], abs=0.03)


def plain(values, digits=8):
    return [f"{v:.{digits}g}" for v in values]


def test_f01_a_loss_with_a_decimal_comma_of_three_places(write):
    N, D, L = grid()
    losses = [f"{x:.3f}".replace(".", ",") for x in L]
    counts = ([f"{v:.0f}" for v in column] for column in (N, D))
    runs = read(write(rows(["N", "D", "L"], *counts, losses, delimiter=";")))
    assert runs["L"] == pytest.approx(L, abs=6e-4)
    assert_law(runs)


@pytest.mark.parametrize("columns", [None, {"N": "Params (M)", "D": "Tokens (B)"}])
def test_f02_units_in_a_header_named_or_not(write, columns):
    N, D, L = grid()
    names = ["Params (M)", "Tokens (B)", "Loss"]
    path = write(rows(names, plain(N / 1e6), plain(D / 1e9), plain(L)))
    assert_law(read(path, columns=columns))


def test_f03_compute_in_another_unit_is_doubted(write):
    path = write("model,family,flops,math\na,x,0.24,0.1\nb,x,4,0.2\nc,x,630,0.7\nd,x,90,0.5\n")
    (doubt,) = read(path).doubts
    assert "--unit C=1e21" in doubt.text
    assert not read(path, units={"C": "1e21"}).doubts


def test_f08_checkpoints_with_a_label_are_their_runs(write):
    N, D = np.repeat([3e7, 1e8, 3e8, 1e9], 10), np.tile(np.arange(1, 11) * 1e9, 4)
    L = LAW["E"] + LAW["A"] / N ** LAW["alpha"] + LAW["B"] / D ** LAW["beta"]
    luck = np.repeat([0.01, -0.012, 0.004, -0.002], 10)
    names = np.repeat(["a", "b", "c", "d"], 10)
    header = ["run", "params", "tokens", "val_loss"]
    runs = read(write(rows(header, names, plain(N), plain(D), plain(L * np.exp(luck)))))
    made = fit(Chinchilla, runs, draws=100)
    assert made.resampling == "clusters of run"
    assert made.interval("alpha")[0] < LAW["alpha"] < made.interval("alpha")[1]


def test_f09_records_without_a_step_keep_their_number(write):
    epochs = [round(k / 200, 2) for k in range(40)]
    lines = (f"{{'reward': {0.3 + k / 99}, 'epoch': {e}}}" for k, e in enumerate(epochs))
    path = write("\n".join(lines), "train.log")
    whole = import_logs(str(path), kind="rl", settings={"reward": "training"})
    assert len(whole.table) == 40
    fewer = import_logs(
        str(path), kind="rl", settings={"reward": "training"}, columns={"steps": "epoch"}
    )
    (note,) = (n for n in fewer.notes if n.topic == "replaced")
    assert note.kind == "doubt"
    count = int(note.text.split(": ")[1].split()[0])
    assert len(set(epochs)) + count == 40


def test_f10_a_table_of_a_tracker(write):
    runs = read(write(
        "Name,State,train/loss,val/bpb,target_flops,total_training_flops,step\n"
        "d10,finished,3.05,0.94,-1,1.31e18,3000\nd12,finished,2.9,0.9,-1,2.44e18,4000\n"
        "d14,crashed,2.8,0.86,-1,4.64e18,5600\n"
    ))  # fmt: skip
    assert runs.reading.of("L").column == "val/bpb"
    assert runs.conventions["L"] == "bits/byte"
    assert runs["C"].tolist() == [1.31e18, 2.44e18, 4.64e18]
    assert [n.rows for n in runs.doubts] == [(4,)]


def test_f10_sizes_of_a_tracker_s_table_may_have_units(write):
    path = write(
        "Name,State,Params (M),tokens_B,Train FLOPs,val/loss\n"
        "a,finished,20,0.4,4.8e16,3.64\nb,finished,60,1.2,4.3e17,3.3\nc,finished,180,3.6,4e18,2.9\n"
    )
    runs = import_logs(str(path), kind="runs").table
    assert runs.columns["N"].tolist() == [20e6, 60e6, 180e6]
    assert runs.columns["D"].tolist() == pytest.approx([0.4e9, 1.2e9, 3.6e9])
    assert runs.columns["C"].tolist() == [4.8e16, 4.3e17, 4e18]


def test_f11_texts_are_no_size_and_validation_goes_before_training(write):
    runs = read(write([
        {"model_size": "tiny", "num_params": 801152, "train_loss": 0.6, "val_loss": 0.56},
        {"model_size": "base", "num_params": 9176720, "train_loss": 0.4, "val_loss": 0.45},
    ], "results.json"))  # fmt: skip
    assert runs["N"].tolist() == [801152, 9176720]
    assert runs["L"].tolist() == [0.56, 0.45]


def test_f12_a_batch_of_sequences_is_doubted_and_the_option_mends_it(write):
    path = write("N,D,bs,L\n1e8,2e9,64,3\n2e8,4e9,128,2.9\n4e8,8e9,512,2.8\n")
    (doubt,) = read(path, columns={"batch": "bs"}).doubts
    assert "--derive 'batch=bs*2048'" in doubt.text
    assert read(path, derive="batch=bs*2048")["batch"].tolist() == [131072, 262144, 1048576]


@pytest.mark.parametrize("shape", ["columns", "under a key", "by name"])
def test_f13_shapes_of_json(write, shape):
    N, D, L = grid()
    table = {"params": N.tolist(), "tokens": D.tolist(), "loss": L.tolist()}
    records = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    document = {
        "columns": {k: {str(i): x for i, x in enumerate(v)} for k, v in table.items()},
        "under a key": {"runs": records},
        "by name": {f"run{i}": record for i, record in enumerate(records)},
    }[shape]
    assert_law(read(write(document, "runs.json")))


def test_f14_comments_above_a_header(write):
    N, D, L = grid()
    text = rows(["params", "tokens", "loss"], plain(N), plain(D), plain(L))
    assert_law(read(write(f"# a simulation of May\n# E = 1.817\n{text}")))


def test_f15_states_of_a_trainer_are_curves_of_a_schedule(write):
    paths = []
    for name, kind in (("cosine", 1.0), ("constant", 0.0)):
        steps = np.arange(10, 2001, 10)
        cosine = 0.5 * (1 + np.cos(np.pi * steps / 2000))
        lr = 1e-3 * (kind * (0.1 + 0.9 * cosine) + (1 - kind))
        area = np.cumsum(lr / 1e-3) * 10
        loss = 2.6 + 8.0 * area**-0.5
        history = [
            {"step": int(s), "learning_rate": float(r), "loss": float(x)}
            for s, r, x in zip(steps, lr, loss, strict=True)
        ]
        state = {"log_history": history, "global_step": 2000, "best_metric": None}
        paths.append(write(state, f"{name}.json"))
    curves = [curve for path in paths for curve in read_curves(str(path))]
    assert [len(curve.loss) for curve in curves] == [200, 200]
    assert pytest.approx(2.6, abs=0.1) == fit_schedule("annealing", curves).law.L0


def test_f16_a_sweep_of_rates_gives_the_law_of_the_best(write):
    N, D, k = (v.ravel() for v in np.meshgrid([2e8, 4e8, 8e8], [4e9, 16e9, 64e9], range(-3, 4)))
    lr = 1.4e-3 * 2.0**k
    best = 1.79 * N**-0.713 * D**0.307
    L = 2 + 100 / N**0.3 + 400 / D**0.3
    L = L * np.exp(0.03 * np.log(lr / best) ** 2)
    made = fit(
        LearningRate,
        read(write(rows(["N", "D", "lr", "loss"], plain(N), plain(D), plain(lr), plain(L)))),
        draws=50,
    )
    assert made.law.by_N == pytest.approx(-0.713, abs=0.01)
    assert made.law.by_D == pytest.approx(0.307, abs=0.01)
    assert any("9 sweeps of lr" in text for text in texts(made.notes))
