"""A study keeps what it was given, whatever happens to its writers and its disk."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isoflop.errors import BadStudy, EnvironmentFailure, UnknownName, UsageError
from isoflop.store import Study, canonical, write_atomically


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study.create(tmp_path / "study", {"question": "how far"})


def python(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Start `code` with the store imported, in a process of its own."""
    code = f"import os, sys, time\nfrom isoflop.store import Study\n{code}"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def said(process: subprocess.Popen[str]) -> str:
    """Return what a process that ends well said."""
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 0, out
    return out


def intact(study: Study) -> bool:
    with sqlite3.connect(study.database) as db:
        (verdict,) = db.execute("PRAGMA integrity_check").fetchone()
    db.close()
    return verdict == "ok"


def test_a_document_comes_back_with_its_provenance(study: Study) -> None:
    assert study.put("fit", "main", {"E": 1.8, "notes": ["a", None]}, schema=3)
    document = Study.open(study.path).get("fit", "main")
    assert document.body == {"E": 1.8, "notes": ["a", None]}
    assert (document.kind, document.name, document.schema) == ("fit", "main", 3)
    assert document.created.endswith("+00:00")
    assert document.code[0].isalnum()
    assert len(document.sha256) == 64
    assert study.meta == {"question": "how far"}


def test_the_same_document_is_kept_once_and_another_replaces_it(study: Study) -> None:
    assert study.put("fit", "main", {"a": 1, "b": 2})
    before = study.get("fit", "main")
    assert not study.put("fit", "main", {"b": 2, "a": 1})
    assert study.get("fit", "main") == before
    assert study.put("fit", "main", {"a": 1, "b": 3})
    assert [d.body["b"] for d in study.documents("fit")] == [3]
    assert study.documents("plan") == ()


@settings(max_examples=30, deadline=None)
@given(
    document=st.dictionaries(
        st.text(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        ),
    ),
    name=st.text(min_size=1),
)
def test_any_json_is_kept_or_refused(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, object], name: str
) -> None:
    study = Study.create(tmp_path_factory.mktemp("any") / "study")
    try:
        canonical([document, name]).encode()
    except (UsageError, UnicodeEncodeError):
        with pytest.raises(UsageError):
            study.put("any", name, document)
        assert study.documents("any") == ()
    else:
        study.put("any", name, document)
        assert study.get("any", name).body == document


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object()])
def test_what_json_cannot_hold_is_refused(study: Study, value: object) -> None:
    with pytest.raises(UsageError, match="must be JSON with finite numbers"):
        study.put("fit", "main", {"value": value})
    assert study.documents("fit") == ()


def test_an_unknown_name_suggests_the_near_one(study: Study) -> None:
    study.put("fit", "chinchilla", {})
    with pytest.raises(UnknownName, match="did you mean 'chinchilla'"):
        study.get("fit", "chinchila")


def test_creating_again_keeps_what_is_there(study: Study) -> None:
    study.put("fit", "main", {"E": 1})
    again = Study.create(study.path, {"question": "another"})
    assert again.meta == {"question": "how far"}
    assert again.get("fit", "main").body == {"E": 1}


def test_a_folder_that_is_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(UsageError, match=r"holds 'thesis.tex'"):
        Study.create(tmp_path)
    with pytest.raises(UsageError, match=r"not a study: it holds no study.db"):
        Study.open(tmp_path)
    with pytest.raises(EnvironmentFailure, match=r"not a directory|file exists"):
        Study.create(tmp_path / "thesis.tex")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_link_and_a_pipe_are_written_through(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_atomically(tmp_path / "link", lambda f: f.write(b"new"))
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    os.mkfifo(tmp_path / "pipe")
    reader = python("print(open(sys.argv[1]).read())", tmp_path / "pipe")
    write_atomically(tmp_path / "pipe", lambda f: f.write(b"through"))
    assert said(reader) == "through\n"
    with pytest.raises(EnvironmentFailure, match="is a directory"):
        write_atomically(tmp_path, lambda f: f.write(b"new"))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["link", "pipe", "real"]


def test_a_journal_without_its_catalogue_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.db-wal").write_bytes(b"x")
    with pytest.raises(BadStudy, match=r"without its study\.db"):
        Study.create(tmp_path)


@pytest.mark.parametrize("keep", [0, 10, 100, 4096, 5000, -1])
def test_a_half_written_catalogue_is_refused_in_a_sentence(study: Study, keep: int) -> None:
    for n in range(50):
        study.put("fit", str(n), {"text": "x" * 300})
    whole = study.database.read_bytes()
    study.database.write_bytes(whole[:keep])
    for way in (Study.open, Study.create):
        with pytest.raises(BadStudy, match=r"study\.db is damaged: .*finished trials"):
            way(study.path).documents("fit")
    assert study.database.read_bytes() == whole[:keep]


@pytest.fixture(scope="module")
def kept_and_bytes(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, object], bytes]:
    study = Study.create(tmp_path_factory.mktemp("whole") / "study")
    kept: dict[str, object] = {str(n): {"value": n, "text": "x" * 500} for n in range(20)}
    for name, body in kept.items():
        study.put("fit", name, body)  # type: ignore[arg-type]
    return kept, study.database.read_bytes()


@settings(max_examples=60, deadline=None)
@given(at=st.floats(0, 1, exclude_max=True), noise=st.binary(min_size=1, max_size=64))
def test_a_damaged_catalogue_lies_about_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    kept_and_bytes: tuple[dict[str, object], bytes],
    at: float,
    noise: bytes,
) -> None:
    kept, whole = kept_and_bytes
    start = int(at * len(whole))
    folder = tmp_path_factory.mktemp("damaged")
    (folder / "study.db").write_bytes(
        whole[:start] + noise[: len(whole) - start] + whole[start + len(noise) :]
    )
    try:
        found = Study.open(folder).documents("fit")
    except (BadStudy, EnvironmentFailure):
        return
    assert all(kept.get(d.name) == d.body for d in found)


def test_a_document_that_was_changed_by_hand_is_refused(study: Study) -> None:
    study.put("fit", "main", {"E": 1.8})
    with sqlite3.connect(study.database) as db:
        db.execute("UPDATE document SET body = '{\"E\":1.9}' WHERE kind = 'fit'")
    db.close()
    with pytest.raises(BadStudy, match="'main' does not match its hash"):
        study.get("fit", "main")


def test_another_database_or_schema_is_refused(study: Study, tmp_path: Path) -> None:
    with sqlite3.connect(study.database) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(BadStudy, match="has schema 99 and this isoflop reads 1"):
        Study.open(study.path)
    with sqlite3.connect(tmp_path / "study.db") as db:
        db.execute("CREATE TABLE other (x)")
    db.close()
    with pytest.raises(BadStudy, match="not one of a study"):
        Study.open(tmp_path)


WRITER = """
study, name = Study.open(sys.argv[1]), sys.argv[2]
for n in range(100_000):
    study.put("writer", f"{name}/{n}", {"n": n, "text": "x" * 2000})
    print(n, flush=True)
"""


def test_killed_writers_corrupt_nothing_and_lose_no_finished_write(study: Study) -> None:
    writers = [python(WRITER, study.path, w) for w in range(8)]
    first = [w.stdout.readline() for w in writers if w.stdout]
    assert all(first), "a writer failed before it was killed"
    for writer in writers:
        time.sleep(0.03)
        writer.send_signal(signal.SIGKILL)
    rest = [w.communicate()[0] for w in writers]
    assert all(w.returncode == -signal.SIGKILL for w in writers), rest
    assert intact(study)
    names = {d.name for d in Study.open(study.path).documents("writer")}
    for number, said_ in enumerate(map(str.__add__, first, rest)):
        lines = said_.split("\n")[:-1]  # a torn last line is no line
        assert {f"{number}/{n}" for n in lines} <= names
    assert study.put("fit", "after", {})


def test_killed_creators_leave_a_study_or_none(tmp_path: Path) -> None:
    code = "Study.create(sys.argv[1], {'question': 'how far'})"
    for number in range(8):
        path = tmp_path / str(number)
        creators = [python(code, path) for _ in range(2)]
        time.sleep(0.04 + 0.01 * number)
        for creator in creators:
            creator.kill()
            creator.communicate()
        assert Study.create(path, {"question": "how far"}).meta == {"question": "how far"}


def test_creators_at_once_make_one_study(tmp_path: Path) -> None:
    code = "print(Study.create(sys.argv[1], {'question': 'how far'}).meta['question'])"
    creators = [python(code, tmp_path / "study") for _ in range(4)]
    assert [said(c).strip() for c in creators] == ["how far"] * 4


DRIVER = """
with Study.open(sys.argv[1]).driving() as study:
    study.put("fit", "mine", {})
    print("driving", flush=True)
    time.sleep(60)
"""


def test_a_second_driver_is_refused_by_name_and_a_dead_one_is_not_in_the_way(study: Study) -> None:
    driver = python(DRIVER, study.path)
    assert driver.stdout
    assert driver.stdout.readline() == "driving\n"
    who = rf"study is being written by process {driver.pid} on .+, since \d{{4}}-"
    with pytest.raises(EnvironmentFailure, match=who), study.driving():
        pass
    with pytest.raises(EnvironmentFailure, match=who):
        study.put("fit", "other", {})
    assert study.get("fit", "mine").body == {}  # reading needs no lock
    driver.kill()
    driver.communicate()
    assert json.loads((study.path / "study.lock").read_text())["pid"] == driver.pid
    with study.driving():
        assert json.loads((study.path / "study.lock").read_text())["pid"] == os.getpid()
        assert study.put("fit", "other", {})
        with pytest.raises(UsageError, match="already driven"), study.driving():
            pass
    assert study.put("fit", "third", {})


@pytest.fixture
def tiny_disk() -> Iterator[Path]:
    """Mount a file system of 256 KiB, where that is allowed."""
    folder = Path(tempfile.mkdtemp())
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    mounted = shutil.which("mount") and subprocess.run(mount, capture_output=True, check=False)
    if not mounted or mounted.returncode:
        folder.rmdir()
        pytest.skip("only root may mount a tiny file system")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


def test_a_full_disk_is_a_sentence_and_loses_nothing(tiny_disk: Path) -> None:
    study = Study.create(tiny_disk / "study")
    kept: list[str] = []

    def write() -> None:
        for n in range(1000):
            study.put("fit", str(n), {"text": "x" * 5000})
            kept.append(str(n))

    with pytest.raises(EnvironmentFailure, match=r"disk is full.*what was there is kept"):
        write()
    assert kept
    assert {d.name for d in study.documents("fit")} >= set(kept)
    target = study.path / "summary.json"
    target.write_text("old")
    with pytest.raises(EnvironmentFailure, match="the disk is full"):
        write_atomically(target, lambda f: f.write(bytes(300_000)))
    assert target.read_text() == "old"
    fill(tiny_disk / "filler")
    with pytest.raises(EnvironmentFailure, match="full"):
        Study.create(tiny_disk / "another")
    (tiny_disk / "filler").unlink()
    assert intact(study)


def fill(path: Path) -> None:
    with path.open("ab", buffering=0) as file:
        for size in (4096, 512, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                continue


LIMITED = """
import resource
from isoflop.errors import EnvironmentFailure
study = Study.open(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))
try:
    for n in range(1000):
        study.put("fit", str(n), {"text": "x" * 3000})
        kept = n
except EnvironmentFailure as error:
    print(kept, error)
"""


def test_a_file_that_may_not_grow_loses_nothing(study: Study) -> None:
    kept, _, message = said(python(LIMITED, study.path)).partition(" ")
    assert "full or failing" in message
    assert "what was there is kept" in message
    assert {d.name for d in study.documents("fit")} >= {str(n) for n in range(int(kept) + 1)}
    assert intact(study)
    assert study.put("fit", "after", {})


READER = """
import fcntl, sqlite3  # the interpreter's own files may be out of reach for the other user
from isoflop.errors import EnvironmentFailure
from isoflop.store import code_version
code_version()
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
study = Study.open(sys.argv[1])
print(study.get("fit", "main").body["E"])
for write in (lambda: study.put("fit", "other", {}), lambda: Study.create(sys.argv[1] + "/new")):
    try:
        write()
    except EnvironmentFailure as error:
        print(error)
"""


def test_a_read_only_study_can_be_read_and_says_that_it_cannot_be_written() -> None:
    folder = Path(tempfile.mkdtemp())  # tmp_path lies where only its owner may look
    study = Study.create(folder / "study")
    study.put("fit", "main", {"E": 1.8})
    folder.chmod(0o755)
    for path, mode in ((study.database, 0o444), (study.path / "study.lock", 0o444)):
        path.chmod(mode)
    study.path.chmod(0o555)
    try:
        lines = said(python(READER, study.path)).splitlines()
    finally:
        study.path.chmod(0o755)
        shutil.rmtree(folder)
    assert lines[0] == "1.8"
    assert "cannot write" in lines[1]
    assert "permission denied" in lines[1]
    assert "permission denied" in lines[2]
    assert len(lines) == 3
