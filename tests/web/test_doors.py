"""Nobody gets in: the ten attacks on local workbenches, each tried on every route."""

from __future__ import annotations

import io
import json
import pickle
import re
import socket
import subprocess
import sys
import zipfile

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("httpx")

import httpx

from isoflop.errors import IsoflopError, UsageError
from isoflop.files import read_content
from isoflop.web import application, exports, server
from isoflop.web.confinement import confined, refuse_outside
from isoflop.web.doors import DoorKeys, Doors, link
from isoflop.web.workspace import Workspace, safe_name

HOST, PORT = "127.0.0.1", 8765
OWN = f"http://{HOST}:{PORT}"
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
TABLE = "run,N,D,L\n" + "".join(
    f"r{i}{j},{n},{n * t},{1.7 + 400 / n**0.34 + 1500 / (n * t) ** 0.36 + (i * j % 3) / 500}\n"
    for i, n in enumerate((10**6, 3 * 10**6, 10**7, 3 * 10**7))
    for j, t in enumerate((5, 20, 80))
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return the folder that is served, with a table, and a secret beside it."""
    served = tmp_path / "served"
    served.mkdir()
    (served / "runs.csv").write_text(TABLE)
    (tmp_path / "secret.csv").write_text(TABLE.replace("r00", "secret"))
    (served / "link.csv").symlink_to(tmp_path / "secret.csv")
    monkeypatch.chdir(served)
    return served


@pytest.fixture
def keys():
    return DoorKeys()


@pytest.fixture
def doors(folder, keys, tmp_path) -> Doors:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    workspace = Workspace(folder.resolve(), scratch.resolve())
    return application.build(workspace, keys, server.LOCAL, PORT, "/s/runs.csv/runs")


class Browser:
    """Asks the application as a browser at its own address does, with its cookie or without."""

    def __init__(self, doors: Doors, keys: DoorKeys) -> None:
        self.doors, self.cookie = doors, {"cookie": f"{doors.cookie}={keys.session}"}

    async def ask(self, method, path, headers=None, inside=True, **sent) -> httpx.Response:
        transport = httpx.ASGITransport(self.doors, raise_app_exceptions=False)
        own = dict(self.cookie) if inside else {}
        if method == "POST":
            own["origin"] = OWN
        async with httpx.AsyncClient(transport=transport, base_url=OWN) as client:
            return await client.request(method, path, headers={**own, **(headers or {})}, **sent)


@pytest.fixture
def ask(doors, keys):
    """Return what asks the application and waits for the answer."""
    import asyncio

    browser = Browser(doors, keys)
    return lambda *request, **sent: asyncio.run(browser.ask(*request, **sent))


def addresses(doors) -> list[str]:
    """Return an address for each entry of the table of routes, whatever it is of."""
    parts = {"source": "runs.csv", "view": "fit", "name": "cost", "kind": "json", "path": "c/cost"}
    paths = [route.path for route in doors.app.routes if hasattr(route, "path")]
    assert len(paths) > 15
    return [re.sub(r"\{(\w+)[^}]*\}", lambda m: parts[m[1]], path) for path in paths]


def test_the_printed_link_lets_in_and_leads_to_an_address_without_a_key(ask, keys, doors):
    path = link(HOST, PORT, keys).removeprefix(OWN)
    answer = ask("GET", path, inside=False)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/s/runs.csv/runs"
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert keys.link not in cookie
    assert ask("GET", "/", {"cookie": cookie.partition(";")[0]}, inside=False).status_code == 200
    for wrong in (
        "",
        "?key=",
        f"?key={keys.session}",
        f"?key={keys.link}x",
        f"?key={keys.link}&key=a",
    ):
        assert ask("GET", f"/enter{wrong}", inside=False).status_code == 401


# The ten attacks ------------------------------------------------------------------------------


def test_1_a_name_that_is_rebound_to_this_machine_reaches_no_route(ask, doors):
    for host in (
        "evil.example",
        f"evil.example:{PORT}",
        "127.0.0.1",
        f"127.0.0.1:{PORT + 1}",
        "",
        f"localhost.evil:{PORT}",
    ):
        for path in addresses(doors):
            for method in METHODS:
                assert ask(method, path, {"host": host}).status_code == 403


def test_2_no_method_and_no_kind_of_body_is_left_out(ask, doors, folder):
    for path in addresses(doors):
        for method in METHODS[3:]:
            assert ask(method, path).status_code == 405
    before = sorted(p.name for p in folder.iterdir())
    file = {"file": ("new.csv", TABLE)}
    foreign = {"origin": "http://evil.example"}
    assert ask("POST", "/import", foreign, files=file).status_code == 403
    assert ask("POST", "/import", {"origin": ""}, files=file).status_code == 403
    assert ask("POST", "/import", {"sec-fetch-site": "cross-site"}, files=file).status_code == 403
    assert ask("POST", "/import", {"sec-fetch-site": "none"}, files=file).status_code == 403
    assert ask("POST", "/import", inside=False, files=file).status_code == 401
    for kind in ("text/plain", "application/json", "", "text/csv"):
        answer = ask("POST", "/import", {"content-type": kind}, content=b"x")
        assert answer.status_code == 415
    assert sorted(p.name for p in folder.iterdir()) == before


def test_3_no_stream_and_no_socket_opens_without_the_key(ask, doors):
    streams = [path for path in addresses(doors) if path.endswith(("events", "watch"))]
    assert len(streams) == 2
    for path in streams:
        assert ask("GET", path, inside=False).status_code == 401
        assert ask("GET", path, {"origin": "http://evil.example"}).status_code == 403
        assert ask("GET", path, {"sec-fetch-site": "cross-site"}).status_code == 403
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    import asyncio

    asyncio.run(doors({"type": "websocket", "path": "/", "headers": []}, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_4_every_route_is_behind_the_doors(ask, doors):
    for path in [
        *addresses(doors),
        "/nothing",
        "/static/../secret",
        "//",
        "/api",
        "/docs",
        "/openapi.json",
    ]:
        for method in ("GET", "HEAD"):
            assert ask(method, path, inside=False).status_code == 401
            assert ask(method, path, {"cookie": f"{doors.cookie}=wrong"}).status_code == 401
            assert ask(method, path, {"cookie": "isoflop-1=x"}).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "../secret.csv", "..%2fsecret.csv", "%2e%2e/secret.csv", "%252e%252e/secret.csv",
        "link.csv",
        "..\\secret.csv", "..%5csecret.csv", "C:\\secret.csv", "//secret.csv", "/etc/passwd",
        "\\\\host\\share\\secret.csv", "runs.csv/../../secret.csv", "~/secret.csv", "a%00b",
    ],
)  # fmt: skip
def test_5_nothing_outside_of_the_folder_is_read(ask, path):
    for view in ("runs", "fit", "columns"):
        answer = ask("GET", f"/s/{path}/{view}")
        assert "secret1" not in answer.text
        assert not re.search(r"row.*secret", answer.text)
        assert answer.status_code in (200, 404, 414)
        assert "57 runs" not in answer.text
        assert "runs of secret" not in answer.text
    asked = httpx.QueryParams({"runs": httpx.URL(f"http://x/{path}").path.lstrip("/")})
    answer = ask("GET", f"/api/ask/runs show?{asked}")
    assert answer.status_code in (400, 422)
    assert "error" in answer.json()


def test_5_every_text_of_a_request_is_held_against_the_folder(ask, tmp_path):
    secret = str(tmp_path / "secret.csv")
    for query in (
        {"fit": secret, "C": "1e20"},
        {"fit": "chinchilla/besiroglu2024", "C": "1e20", "inputs": f"N={secret}"},
    ):
        answer = ask("GET", "/api/ask/plan", params=query)
        assert answer.status_code == 400
        assert "lies outside" in answer.json()["error"]
    for name in ("out", "page", "emit", "html", "url", "check"):
        answer = ask("GET", "/api/ask/plan", params={"fit": "chinchilla/besiroglu2024", name: "x"})
        assert answer.status_code == 400
    with confined(tmp_path / "served"), pytest.raises(UsageError, match="lies outside"):
        read_content(tmp_path / "secret.csv")


@pytest.mark.parametrize(
    "place",
    [
        "http://169.254.169.254/latest/meta-data", "https://example.com/runs.csv", "http:127.0.0.1",
        "file:///etc/passwd", "wandb:team/project", "mlflow:http://127.0.0.1:5000", "hf:user/set",
    ],
)  # fmt: skip
def test_6_nothing_is_fetched_because_somebody_names_it(ask, place):
    answer = ask("GET", "/api/ask/fit", params={"runs": place, "law": "chinchilla"})
    assert answer.status_code == 400
    assert "names another place" in answer.json()["error"]
    for name in ("import", "testtime sample", "sweep run", "demo"):
        assert "not run from a page" in ask("GET", f"/api/ask/{name}").json()["error"]


def test_6_no_answer_opens_a_connection_or_starts_a_program(folder):
    import subprocess

    with confined(folder):
        with pytest.raises(UsageError, match="reach another machine"), socket.socket() as outward:
            outward.connect((HOST, 9))
        with pytest.raises(UsageError, match="start another program"):
            subprocess.run(["true"], check=False)
    subprocess.run(["true"], check=True)  # outside of an answer, nothing is withheld


EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def test_a_first_look_at_the_temporary_folder_does_not_wait_for_itself(tmp_path):
    code = (
        "import pathlib, sys, tempfile\n"
        "from isoflop.web.confinement import confined\n"
        "tempfile.tempdir = None\n"
        f"with confined(pathlib.Path({str(tmp_path)!r})):\n"
        "    open(sys.executable, 'rb').close()\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_7_names_are_text_on_every_page_and_in_every_export(ask, folder):
    (folder / "evil.csv").write_text(TABLE.replace("r00", EVIL).replace("r01", "=cmd|'/c calc'!A0"))
    for path in (
        *("/", "/s/evil.csv/runs", "/s/evil.csv/columns", f"/c/{EVIL}", f"/commands?find={EVIL}"),
        *(f"/s/evil.csv/fit?law={EVIL}", f"/s/{EVIL}/runs", f"/s/evil.csv/runs?sort={EVIL}"),
    ):
        answer = ask("GET", path)
        assert EVIL not in answer.text
        assert "<img src=x" not in answer.text
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "default-src 'self'" in policy
        assert not re.search(r"<script(?![^>]*(src=|type=.application/json))[^>]*>", answer.text)
    for kind in exports.KINDS:
        answer = ask("GET", f"/export/{kind}/s/evil.csv/columns")
        if kind == "bib":  # runs of one's own name no paper
            assert answer.status_code == 400
            continue
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"] == "sandbox"
        assert answer.headers["content-disposition"].startswith("attachment")
        if kind in ("html", "svg"):
            assert EVIL not in answer.text
    assert not re.search(r"(^|,)=cmd", ask("GET", "/export/csv/s/evil.csv/columns").text, re.M)


@pytest.mark.parametrize(
    "origin", ["null", "http://localhost.evil", f"https://{HOST}:{PORT}", f"http://{HOST}", "http://evil.example",
               f"http://{HOST}:{PORT}.evil.example", f"http://localhost:{PORT}"],
)  # fmt: skip
def test_8_no_other_origin_is_answered_and_none_is_told_that_it_may_read(ask, doors, origin):
    for path in addresses(doors):
        answer = ask("GET", path, {"origin": origin})
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]
    assert ask("GET", "/", {"origin": OWN}).status_code == 200


def test_9_a_session_ends_with_its_process_and_its_keys_are_nowhere_else(ask, doors, keys):
    assert len({DoorKeys().link, DoorKeys().session, keys.link, keys.session}) == 4
    assert min(len(keys.link), len(keys.session)) >= 40
    assert keys.link not in repr(keys)
    assert keys.session not in repr(keys)
    old = {"cookie": f"{doors.cookie}={DoorKeys().session}"}
    assert ask("GET", "/", old, inside=False).status_code == 401
    assert (
        ask("GET", "/", {"cookie": f"{doors.cookie}={keys.link}"}, inside=False).status_code == 401
    )
    for path in ("/", "/s/runs.csv/runs", "/commands"):
        answer = ask("GET", path)
        assert answer.headers["referrer-policy"] == "same-origin"
        assert answer.headers["cache-control"] == "no-store"
        assert keys.link not in answer.text
        assert keys.session not in answer.text


def test_10_nothing_expands_beyond_its_limit_and_nothing_is_executed(ask, folder, monkeypatch):
    monkeypatch.setenv("ISOFLOP_LARGEST_FILE", "1M")
    answer = ask("POST", "/import", files={"file": ("big.csv", b"N,L\n" + b"1,2\n" * 400_000)})
    assert answer.status_code == 413
    answer = ask("POST", "/import", {"content-length": "9" * 30}, content=b"x")
    assert answer.status_code in (411, 413)
    bomb = _parquet_bomb()
    assert len(bomb) < 1_000_000
    place = ask("POST", "/import", files={"file": ("bomb.parquet", bomb)}).headers["location"]
    assert "limit" in ask("GET", place).text
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"0" * 5_000_000)
    pickled = pickle.dumps({"N": [1]})
    for name, data in (
        ("a.zip", packed.getvalue()),
        ("a.pkl", pickled),
        (".hidden.csv", b"N\n1"),
    ):
        page = ask("POST", "/import", files={"file": (name, data)}).text
        assert 'class="note doubt"' in page
    assert (
        ask(
            "GET", "/s/runs.csv/fit", params={"where": "__import__('os').system('true')"}
        ).status_code
        == 200
    )
    answer = ask(
        "GET", "/api/ask/fit", params={"runs": "runs.csv", "law": "chinchilla", "where": "(" * 5000}
    )
    assert answer.status_code == 400
    assert ask("GET", "/?" + "a" * 20_000).status_code == 414
    assert sorted(p.name for p in folder.iterdir()) == ["bomb.parquet", "link.csv", "runs.csv"]


def _parquet_bomb() -> bytes:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = io.BytesIO()
    pq.write_table(pa.table({"N": np.zeros(3_000_000)}), file, compression="zstd")
    return file.getvalue()


# What is beside the attacks -------------------------------------------------------------------


def test_a_dropped_file_is_kept_under_its_own_name_and_replaces_nothing(ask, folder):
    first = ask("POST", "/import", files={"file": ("runs.csv", TABLE + "z,1,1,9\n")})
    assert (first.status_code, first.headers["location"]) == (303, "/s/runs-2.csv/columns")
    again = ask("POST", "/import", files={"file": ("runs.csv", TABLE)})
    assert again.headers["location"] == "/s/runs.csv/columns"
    outside = ask("POST", "/import", files={"file": ("../../up.csv", TABLE)})
    assert outside.headers["location"] == "/s/up.csv/columns"
    assert (folder / "runs.csv").read_text() == TABLE


def test_names_and_texts_are_refused_by_what_they_are(folder):
    for name in ("", "..", ".csv", "a.exe", "a" * 200 + ".csv", "a\x1b.csv"):
        with pytest.raises(UsageError):
            safe_name(name)
    assert safe_name("C:\\data\\runs.csv") == "runs.csv"
    for text in (
        "C < 1e21",
        "D=C/6N",
        "chinchilla/besiroglu2024",
        "sample:tiny",
        "N=params,L=loss",
        "70B",
    ):
        refuse_outside(text, folder)


def test_a_bug_shows_nothing_of_the_inside(doors, keys, monkeypatch, ask):
    def fail(*_):
        raise ZeroDivisionError("secret of the inside")

    monkeypatch.setattr("isoflop.web.pages.render", fail)
    answer = ask("GET", "/")
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert json.dumps("bug")[1:-1] in answer.text


def test_a_host_that_is_opened_is_said(capsys, folder):
    server._say_where(folder, "0.0.0.0")
    assert "whoever reaches this machine" in capsys.readouterr().err
    with pytest.raises(IsoflopError, match="nowhere"):
        server.place_of("nowhere")
