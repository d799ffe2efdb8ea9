"""Stores of trackers are read without their libraries, whole or cut, and say what was left out."""

from __future__ import annotations

import gzip
import importlib.util
import shutil
import sqlite3
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import isoflop as iso
from isoflop import cli
from isoflop.errors import BadRuns, EnvironmentFailure, IsoflopError
from isoflop.sources.import_logs import import_logs
from isoflop.sources.trackers.wire import fields, varint
from isoflop.sources.training_logs import read_logs

FIXTURES = Path(__file__).parent / "fixtures"
_SPEC = importlib.util.spec_from_file_location("fixtures_write", FIXTURES / "write.py")
assert _SPEC is not None
assert _SPEC.loader is not None
write = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(write)

SIZES = {name: N for name, (N, _) in write.SIZES.items()}
TOKENS = {name: steps * write.BATCH for name, (_, steps) in write.SIZES.items()}


def notes_of(imported, topic):
    return [note for note in imported.notes if note.topic == topic]


def unpacked(name, folder):
    """Return a fixture, unpacked into a folder where it is packed."""
    source = FIXTURES / name
    if name.endswith(".tar.gz"):
        with tarfile.open(source) as archive:
            archive.extractall(folder, filter="data")
        return folder / name.removesuffix(".tar.gz")
    if name.endswith(".gz"):
        target = folder / name.removesuffix(".gz")
        target.write_bytes(gzip.decompress(source.read_bytes()))
        return target
    return source


def check(source, *, sizes=True, states=True):
    """Hold what was imported against what was logged."""
    runs = import_logs(str(source), kind="runs")
    table = runs.table
    order = [table.labels["run"].index(name) for name in SIZES]
    assert len(table) == 2
    assert table.columns["D"][order].tolist() == list(TOKENS.values())
    expected = [write.loss(SIZES[n], TOKENS[n]) for n in SIZES]
    assert table.columns["L"][order] == pytest.approx(expected, rel=1e-6)
    assert table.columns["train/loss"][order] == pytest.approx(np.add(expected, 0.01), rel=1e-6)
    assert table.columns["lr"][order] == pytest.approx([1e-3 * 12 / 13, 1e-3 * 16 / 17], rel=1e-6)
    if sizes:
        assert table.columns["N"][order].tolist() == list(SIZES.values())
        assert table.columns["C"][order].tolist() == [6.0 * SIZES[n] * TOKENS[n] for n in SIZES]
        assert table.conventions["C"] == "6ND"
        assert any("derived as 6ND" in n.text for n in notes_of(runs, "C"))
    if states:
        assert [n.kind for n in notes_of(runs, "state")] == ["doubt"]
        assert "d12" in notes_of(runs, "state")[0].text
    curves = import_logs(str(source), kind="curves").table
    assert len(curves) == sum(steps for _, steps in write.SIZES.values())
    mask = np.array(curves.labels["run"]) == "d10"
    assert curves.columns["step"][mask].tolist() == list(range(1, 13))
    assert curves.columns["tokens"][mask].tolist() == [s * write.BATCH for s in range(1, 13)]
    logged = [row["train/loss"] for _, row in write.rows("d10")]
    assert curves.columns["loss"][mask] == pytest.approx(logged, rel=1e-6)
    return runs


STORES = {
    "wandb": {"name": "wandb"},
    "tensorboard": {"name": "tensorboard", "sizes": False, "states": False},
    "mlflow": {"name": "mlflow.db.gz"},
    "mlruns": {"name": "mlruns.tar.gz"},
    "trackio": {"name": "ladder.db.gz", "states": False},
}
LIBRARIES = {"mlruns": "mlflow"}


@pytest.mark.parametrize("store", STORES)
def test_a_store_that_its_library_wrote_is_read(store, tmp_path):
    options = dict(STORES[store])
    check(unpacked(options.pop("name"), tmp_path), **options)


@pytest.mark.parametrize("store", STORES)
def test_a_store_that_the_installed_library_writes_is_read(store, tmp_path, monkeypatch):
    pytest.importorskip(LIBRARIES.get(store, store), reason=f"needs {LIBRARIES.get(store, store)}")
    if store == "tensorboard":
        pytest.importorskip("tensorboard.plugins.scalar.summary", exc_type=ImportError)
    monkeypatch.setattr(write, "HERE", tmp_path / "copies")
    (tmp_path / "copies" / "wandb").mkdir(parents=True)
    (tmp_path / "store").mkdir()
    options = {k: v for k, v in STORES[store].items() if k != "name"}
    check(write.WRITERS[store](tmp_path / "store"), **options)


def test_a_trainer_is_read_from_its_last_checkpoint(tmp_path):
    runs = import_logs(str(FIXTURES / "trainer"), kind="runs")
    assert runs.table.labels["run"] == ["trainer"]
    assert runs.table.columns["steps"].tolist() == [40]
    assert runs.table.columns["D"].tolist() == [40 * 8 * 16]
    assert runs.table.columns["lr"][0] == pytest.approx(0.01, rel=0.01)
    assert runs.table.conventions["C"] == "6ND-non-embedding"
    early = import_logs(str(FIXTURES / "trainer" / "checkpoint-20"), kind="runs")
    assert early.table.columns["steps"].tolist() == [20]
    assert "step 20 of 40" in notes_of(early, "state")[0].text


def test_read_takes_a_store_as_it_takes_a_table(tmp_path):
    runs = iso.read(FIXTURES / "wandb")
    assert runs["N"].tolist() == [3e6, 12e6]
    assert runs.conventions["C"] == "6ND"
    by_training = iso.read(str(FIXTURES / "wandb"), columns={"L": "train/loss"})
    assert by_training["L"] == pytest.approx(runs["L"] + 0.01)
    assert iso.read(f"wandb:{FIXTURES / 'wandb'}")["L"].tolist() == runs["L"].tolist()


def test_a_run_that_comes_twice_is_one(tmp_path):
    shutil.copytree(FIXTURES / "wandb", tmp_path / "a")
    shutil.copytree(FIXTURES / "wandb", tmp_path / "b")
    imported = import_logs(str(tmp_path), kind="runs")
    assert len(imported.table) == 2
    assert len(notes_of(imported, "copies")) == 2
    # Two trackers that followed one run hold one run, too.
    both = import_logs(
        str(FIXTURES / "wandb"), str(unpacked("ladder.db.gz", tmp_path)), kind="runs"
    )
    assert len(both.table) == 2
    assert len(notes_of(both, "copies")) == 2


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.85])
@pytest.mark.parametrize("name", ["wandb/run-d10.wandb", "tensorboard/d10"])
def test_a_store_that_is_cut_gives_what_is_whole_and_says_so(name, keep, tmp_path):
    source = next((FIXTURES / name).iterdir()) if name.startswith("tensor") else FIXTURES / name
    path = tmp_path / source.name
    path.write_bytes(source.read_bytes()[: int(keep * source.stat().st_size)])
    imported = import_logs(str(path), kind="curves")
    assert 0 < len(imported.table) < 12
    (note,) = notes_of(imported, "damaged")
    assert note.kind == "doubt"
    assert "cut" in note.text or "are there" in note.text
    steps = imported.table.columns["step"]
    logged = {s: row["train/loss"] for s, row in write.rows("d10")}
    has = np.isfinite(imported.table.columns["loss"])
    values = [logged[int(s)] for s in steps[has]]
    assert imported.table.columns["loss"][has] == pytest.approx(values, rel=1e-6)


def test_a_broken_block_of_wandb_is_left_out_and_the_rest_is_read(tmp_path):
    data = bytearray((FIXTURES / "wandb" / "run-d10.wandb").read_bytes())
    data[3000] ^= 0xFF
    path = tmp_path / "run-x.wandb"
    path.write_bytes(data)
    imported = import_logs(str(path), kind="curves")
    assert "is broken" in notes_of(imported, "damaged")[0].text
    assert 0 < len(imported.table) < 12


def test_a_broken_database_is_refused_and_the_rest_of_a_folder_is_read(tmp_path):
    whole = unpacked("mlflow.db.gz", tmp_path)
    cut = tmp_path / "cut.db"
    cut.write_bytes(whole.read_bytes()[:150_000])
    with pytest.raises(BadRuns, match="cut"):
        import_logs(str(cut), kind="runs")
    imported = import_logs(str(tmp_path), kind="runs")
    assert len(imported.table) == 2


def test_an_empty_project_is_refused_in_words(tmp_path):
    path = unpacked("mlflow.db.gz", tmp_path)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE runs SET lifecycle_stage = 'deleted'")
    connection.close()
    with pytest.raises(BadRuns, match="holds no run of MLflow"):
        import_logs(str(path), kind="runs")
    path = unpacked("ladder.db.gz", tmp_path)
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM metrics")
    connection.close()
    with pytest.raises(BadRuns, match="without a run"):
        import_logs(str(path), kind="runs")


def test_a_tracker_that_cannot_be_asked_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("HOME", str(tmp_path))
    for address in ("wandb:me/ladder", "mlflow:http://127.0.0.1:9/ladder"):
        with pytest.raises(EnvironmentFailure):
            import_logs(address, kind="runs")
    with pytest.raises(BadRuns, match="is no project of W&B"):
        import_logs("wandb:ladder", kind="runs")
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    with pytest.raises(BadRuns, match="no project 'ladder'"):
        import_logs("trackio:ladder", kind="runs")
    unpacked("ladder.db.gz", tmp_path)
    assert len(import_logs("trackio:ladder").table) == 2


def test_neptune_exports_are_read(tmp_path):
    """Neptune's service has ended: the columns are those of neptune-exporter's README."""
    import pyarrow as pa
    from pyarrow import parquet

    values = []
    for name, N in SIZES.items():
        once = (("sys/name", "string", name), ("config/n_params", "int", N))
        values += [(f"R-{name}", path, kind, None, value) for path, kind, value in once]
        values += [
            (f"R-{name}", tag, "float_series", float(step), value)
            for step, row in write.rows(name)
            for tag, value in row.items()
        ]
    columns = {
        "run_id": [v[0] for v in values],
        "attribute_path": [v[1] for v in values],
        "attribute_type": [v[2] for v in values],
        "step": [v[3] for v in values],
        "int_value": [v[4] if v[2] == "int" else None for v in values],
        "float_value": [v[4] if v[2] == "float_series" else None for v in values],
        "string_value": [v[4] if v[2] == "string" else None for v in values],
    }
    parquet.write_table(pa.table(columns), tmp_path / "part_0.parquet")
    check(tmp_path, states=False)


def test_mlflow_is_asked_over_its_rest_api(tmp_path):
    """The server is a real one of HTTP that answers as MLflow's API does."""
    import json
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer
    from urllib.parse import parse_qs, urlsplit

    class Answers(BaseHTTPRequestHandler):
        def log_message(self, *words):
            pass

        def answer(self, body):
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if self.path.endswith("experiments/search"):
                return self.answer({"experiments": [{"experiment_id": "1", "name": "ladder"}]})
            name = "d12" if body.get("page_token") else "d10"
            run = {
                "info": {"run_id": f"id-{name}", "run_name": name, "status": "FINISHED"},
                "data": {
                    "metrics": [{"key": k} for k in ("train/loss", "val/loss", "lr", "tokens")],
                    "params": [{"key": "n_params", "value": str(SIZES[name])}],
                },
            }
            following = {} if body.get("page_token") else {"next_page_token": "2"}
            return self.answer({"runs": [run], **following})

        def do_GET(self):
            query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
            name, key = query["run_id"].removeprefix("id-"), query["metric_key"]
            points = [
                {"key": key, "value": row[key], "step": step, "timestamp": step}
                for step, row in write.rows(name)
                if key in row
            ]
            self.answer({"metrics": points})

    server = HTTPServer(("127.0.0.1", 0), Answers)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"mlflow:http://127.0.0.1:{server.server_port}"
        check(f"{url}/ladder", states=False)
        with pytest.raises(BadRuns, match="no experiment 'lader'; did you mean 'ladder'"):
            import_logs(f"{url}/lader", kind="runs")
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_the_command_says_what_it_took_and_keeps_what_it_was_told(tmp_path, capsys):
    import json

    out = tmp_path / "study" / "runs.csv"
    out.parent.mkdir()
    source = str(FIXTURES / "wandb")
    told = ["import", source, "--as", "runs", "--columns", "L=train/loss", "--out", str(out)]
    assert cli.main([*told, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [row["run"] for row in said["found"]] == ["d10", "d12"]
    first = iso.read(out)
    assert first["L"] == pytest.approx(iso.read(source)["L"] + 0.01)
    assert cli.main(["import", source, "--as", "runs", "--out", str(out), "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert "--columns L=train/loss as said before" in again["notes"][0]
    assert iso.read(out)["L"].tolist() == first["L"].tolist()
    assert cli.main(["import", source]) == 0
    assert "imported as runs" in capsys.readouterr().out


@given(st.binary(max_size=300))
def test_whatever_bytes_come_a_message_is_read_or_refused(data):
    try:
        list(fields(data))
    except ValueError:
        return


@given(st.integers(0, 2**63 - 1))
def test_integers_are_read_as_they_are_written(value):
    written, left = bytearray(), value
    while left > 127:
        written.append(left & 127 | 128)
        left >>= 7
    written.append(left)
    assert varint(bytes(written), 0) == (value, len(written))


@settings(max_examples=60, deadline=None)
@given(st.integers(7, 5600), st.integers(0, 255))
def test_one_changed_byte_never_changes_a_number_of_wandb(at, byte):
    """Records have checksums: what is read of a damaged file is a part of what was logged."""
    import tempfile

    data = bytearray((FIXTURES / "wandb" / "run-d10.wandb").read_bytes())
    data[at % len(data)] = byte
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run-x.wandb"
        path.write_bytes(data)
        try:
            (log,) = read_logs(str(path))
        except IsoflopError:
            return
    logged = {s: row["train/loss"] for s, row in write.rows("d10")}
    steps, losses = log.history.column("_step"), log.history.column("train/loss")
    for step, value in zip(steps.tolist(), losses.tolist(), strict=True):
        assert value == logged[int(step)] or value != value
