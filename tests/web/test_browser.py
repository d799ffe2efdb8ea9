"""The workbench in headless Chromium: a table dropped, mended, fitted, planned with, exported."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import threading
import time

import pytest

pytest.importorskip("fastapi")
pytest.importorskip("uvicorn")

import uvicorn
from test_doors import TABLE

from isoflop.web import application, server
from isoflop.web.doors import DoorKeys, link
from isoflop.web.workspace import Workspace

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
WAIT = 240  # seconds: a first answer of every law takes half a minute on a quiet machine
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("served").resolve()


@pytest.fixture(scope="module")
def address(folder, tmp_path_factory):
    """Return the printed link of a workbench that serves `folder` until the tests are done."""
    patch = pytest.MonkeyPatch()
    patch.chdir(folder)
    keys, listener = DoorKeys(), server._listener("127.0.0.1", 0)
    port = listener.getsockname()[1]
    workspace = Workspace(folder, tmp_path_factory.mktemp("scratch").resolve())
    app = application.build(workspace, keys, server.LOCAL, port)
    running = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    yield link("127.0.0.1", port, keys)
    running.should_exit = True
    thread.join(30)
    listener.close()
    patch.undo()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as play:
        started = play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        started.close()


@pytest.fixture
def page(browser, address):
    """Return a page that has entered; what it fetches elsewhere or complains of fails a test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    complaints = []
    own = address.partition("/enter")[0]
    opened.on(
        "console",
        lambda m: m.type in ("error", "warning") and complaints.append(f"{m.text} {m.location}"),
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "request", lambda r: r.url.startswith((own, "blob:", "data:")) or complaints.append(r.url)
    )
    opened.goto(address)
    ready(opened)
    yield opened
    context.close()
    assert complaints == []


def ready(page, count: int = 1) -> None:
    until(page, f"Number(document.documentElement.dataset.ready ?? 0) >= {count}")


def until(page, condition: str) -> None:
    """Wait for a condition; Playwright's own way evaluates text in the page, which is barred."""
    end = time.monotonic() + WAIT
    while not page.evaluate(condition):
        assert time.monotonic() < end, f"{condition}: {page.inner_text('body')[:600]}"
        page.wait_for_timeout(30)


def after(page, act) -> None:
    """Do something that swaps the view, and wait until the new one stands."""
    before = page.evaluate("Number(document.documentElement.dataset.ready ?? 0)")
    act()
    ready(page, before + 1)


def go(page, path: str) -> None:
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/")[2] + path)
    ready(page)


def test_a_table_in_millions_is_dropped_mended_fitted_planned_with_and_exported(page, tmp_path):
    rows = [line.split(",") for line in TABLE.split()[1:]]
    text = "Name,Params (M),Tokens (B),Final loss\n" + "".join(
        f"{run},{float(n) / 1e6:g},{float(d) / 1e9:g},{loss}\n" for run, n, d, loss in rows
    )
    file = tmp_path / "dropped.csv"
    file.write_text(text)
    assert "key=" not in page.url
    page.set_input_files("#file", file)
    page.click("form.drop button")
    ready(page)
    assert page.url.endswith("/s/dropped.csv/columns")
    if page.locator(".note.doubt, .note.refused").count() or "N" not in page.inner_text("table"):
        page.fill("#f-columns", "N=`Params (M)`,D=`Tokens (B)`,L=`Final loss`".replace("`", ""))
        page.fill("#f-derive", "N=N*1e6")
        page.fill("#f-derive-1", "D=D*1e9")
        after(page, lambda: page.click("form.ask button[type=submit]"))
    words = page.inner_text("#view")
    assert "12 runs" in words
    assert "1M" in words
    assert "30M" in words
    after(page, lambda: page.click("nav[aria-label=Views] >> text=Fit"))
    assert "chinchilla follows 12 runs" in page.inner_text("h1")
    after(page, lambda: page.click("form.ask button[type=submit]"))  # the address names the law
    after(page, lambda: page.click("nav[aria-label=Views] >> text=Plan"))
    assert page.inner_text("h1").startswith("Train ")
    note = page.inner_text(".note.info >> nth=0")
    assert "ten times the compute of the largest run: C = " in note
    page.click("summary:has-text('How it was made')")
    lines = page.inner_text("pre.copy >> nth=0").splitlines()
    assert lines[0].startswith("isoflop fit dropped.csv --law chinchilla")
    assert lines[1].startswith("isoflop plan fit.json --C")
    for kind in ("HTML", "JSON", "CSV", "SVG"):
        with page.expect_download() as download:
            page.click(f".share >> text={kind}")
        saved = tmp_path / f"answer.{kind.lower()}"
        download.value.save_as(saved)
        assert saved.stat().st_size > 500
    data = json.loads((tmp_path / "answer.json").read_text())
    assert data["N"]["value"] > 1e5
    assert len(data["made_by"]["data_sha256"]) == 64


def test_a_click_on_a_point_or_a_row_leaves_it_out_and_back_takes_it_back(page, folder):
    (folder / "runs.csv").write_text(TABLE)
    go(page, "/s/runs.csv/runs")
    after(page, lambda: page.click("tr[data-row='4'] .toggle"))
    assert page.url.endswith("x=4")
    assert "1 left out" in page.inner_text("h1")
    assert "What leaving out 1 of 12 runs changes" in page.inner_text("#picture")
    after(
        page,
        lambda: page.evaluate(
            """() => { const plot = document.querySelector(".plot");
                 const trace = plot.data.findIndex((t) => t.customdata && t.customdata[0] !== 4);
                 const row = plot.data[trace].customdata[0];
                 plot.emit("plotly_click", {points: [{customdata: row}]}); }"""
        ),
    )
    assert page.url.count(",") + page.url.count("%2C") == 1
    after(page, page.go_back)
    assert page.url.endswith("x=4")
    after(page, page.go_back)
    assert "left out" not in page.inner_text("h1")
    after(page, page.go_forward)
    assert page.locator("tr.excluded").count() == 1
    after(page, lambda: page.click("nav[aria-label=Views] >> text=Fit"))
    assert "11 runs" in page.inner_text("h1")
    page.click("nav[aria-label=Views] >> text=Runs")
    page.wait_for_selector("tr[data-row='5'] .toggle")
    page.focus("tr[data-row='5'] .toggle")
    after(page, lambda: page.keyboard.press("e"))
    assert "2 left out" in page.inner_text("h1")


VIEWS = (
    "/", "/s/sample:tiny/runs", "/s/sample:tiny/fit?draws=100", "/s/sample:tiny/columns",
    "/commands",
    "/s/sample:tiny/forecast?draws=100&N=1M&D=20M", "/c/cost?C=1e21&chip=H100", "/laws", "/learn",
    "/c/demo", "/s/sample:tiny/watch", "/s/nothing.csv/fit",
)  # fmt: skip


AXED = VIEWS


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_view_is_accessible_and_fits_its_width(browser, address, width, scheme):
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    page.goto(address)
    ready(page)
    found = []
    for view in VIEWS:
        go(page, view)
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{view} is {wide} px wide")
        assert page.locator("h1").count() == 1
        assert page.locator("main").count() == 1
        found += [f"{view}: {item}" for item in unnamed(page)]
        if view in AXED:
            found += [f"{view}: {item}" for item in violations(page)]
    context.close()
    assert found == []


def unnamed(page) -> list[str]:
    """Return the boxes, buttons and links that a screen reader has no name for."""
    return page.evaluate(
        """() => [...document.querySelectorAll("input:not([type=hidden]), select, button, a[href]")]
             .filter((e) => !(e.labels?.length || e.ariaLabel || e.textContent.trim() || e.title
                              || e.closest(".modebar")))
             .map((e) => e.outerHTML.slice(0, 120))"""
    )


def violations(page) -> list[str]:
    """Return what axe-core finds serious, where it is installed."""
    try:
        from axe_playwright_python.sync_playwright import Axe
    except ImportError:
        return []
    results = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {v['nodes'][0]['html'][:160]}"
        for v in results
        if v["impact"] in ("serious", "critical")
    ]


def test_ten_readers_at_once_get_the_same_answers(address):
    from concurrent.futures import ThreadPoolExecutor

    import httpx

    own = address.partition("/enter")[0]

    def read(_):
        with httpx.Client(base_url=own, timeout=120) as client:
            client.get(address)  # the cookie
            paths = (
                "/s/sample:tiny/runs?x=4",
                "/s/sample:tiny/fit?law=chinchilla&draws=50&wait=yes",
            )
            answers = [client.get(path) for path in paths]
        assert [answer.status_code for answer in answers] == [200, 200]
        return [re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "", a.text) for a in answers]

    with ThreadPoolExecutor(10) as pool:
        pages = list(pool.map(read, range(10)))
    assert all(page == pages[0] for page in pages)


def test_a_constant_is_dragged_and_the_curve_follows(page):
    go(page, "/laws?name=sigmoid/khatri2025-scalerl")
    slider = page.locator("#f-A + input[type=range]")
    after(page, lambda: slider.press("ArrowLeft"))
    assert "A=" in page.url
    assert "sigmoid/khatri2025-scalerl with A = " in page.inner_text("h1")
    assert "changed" in page.inner_text(".result table")
    go(page, "/laws")
    table = page.locator(".result table >> nth=0")
    table.locator("button.sort >> nth=0").click()
    assert table.locator("th >> nth=0").get_attribute("aria-sort") == "ascending"
    assert page.locator("nav.contents a").count() >= 4


TRAINER = """
import json, sys, time
from pathlib import Path

flags = dict(zip(sys.argv[1::2], sys.argv[2::2]))
N, D = 12 * int(flags["--depth"]) * int(flags["--width"]) ** 2, float(flags["--tokens"])
with Path(flags["--out"], "log.jsonl").open("w") as log:
    for step in range(1, 21):
        loss = 1.8 + 482 / N**0.348 + 2085 / (D * step / 20) ** 0.366
        log.write(json.dumps({"step": step, "loss": loss}) + chr(10))
        log.flush()
        time.sleep(0.02)
Path(flags["--out"], "result.json").write_text(json.dumps({"eval_loss": loss, "tokens": D}))
"""


def test_a_sweep_is_watched_to_its_end_and_a_trial_by_its_curve(page, folder):
    (folder / "train.py").write_text(TRAINER)
    command = [sys.executable, "train.py"]
    for flag in ("width", "depth", "tokens", "seed", "out"):
        word = {"tokens": "D", "out": "folder"}.get(flag, flag)
        command += [f"--{flag}", f"{{{word}}}"]
    cli = [sys.executable, "-m", "isoflop", "sweep"]
    options = {
        "--trainer": " ".join(command), "--width": "64,128", "--depth": "2",
        "--budgets": "1e12,3e12", "--result": "result.json", "--loss": "eval_loss",
    }  # fmt: skip
    words = [word for pair in options.items() for word in pair]
    subprocess.run([*cli, "new", "study.toml", *words], cwd=folder, check=True, timeout=120)
    with subprocess.Popen([*cli, "run", "study.toml"], cwd=folder) as sweep:
        end = time.monotonic() + 60
        while not (folder / "runs" / "study.db").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        go(page, "/s/runs/watch")
        until(page, "document.querySelector('#watch-sentence').textContent.startsWith('4 trials')")
        assert sweep.wait(60) == 0
    assert "100% of the FLOP done" in page.inner_text("h1")
    go(page, "/s/runs/watch")
    after(page, lambda: page.click("#view .cards a >> nth=0"))
    assert page.inner_text("h1").startswith("step 20, loss ")
    assert page.locator("#watch .plot").count() == 1
    assert page.locator("#f-register").count() == 1


def test_a_table_that_grows_is_watched_without_a_reload(page, folder):
    (folder / "live.csv").write_text(TABLE)
    go(page, "/s/live.csv/watch")
    until(page, "document.querySelector('#watch-sentence').textContent.includes('12 runs')")
    time.sleep(0.01)
    (folder / "live.csv").write_text(TABLE + "late,1000000,9000000,3.2\n")
    until(page, "document.querySelector('#watch-sentence').textContent.includes('13 runs')")
