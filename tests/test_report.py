"""Reports: every face shows the doubts first, every layer and nothing that was not said."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import resource
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isoflop.errors import EnvironmentFailure
from isoflop.report import (
    Axis,
    Band,
    Contours,
    ErrorBar,
    Figure,
    Heading,
    Line,
    Paragraph,
    Points,
    Remark,
    Report,
    Table,
)
from isoflop.report.colours import NEUTRAL, ORDERED, PALETTE, TRUTH, channels
from isoflop.report.figures import to_plotly
from isoflop.report.html import save, to_html
from isoflop.report.notebook import register
from isoflop.report.number_format import write as write_cell
from isoflop.report.plot import draw
from isoflop.report.scales import AxisScale, scales, thin, undrawable

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
EVIL = "<script>alert(1)</script><b>&amp; [red]x[/red]"


def frontier() -> Figure:
    C = np.geomspace(1e18, 3e20, 40)
    L = 1.8 + 2.5 * (C / 1e18) ** -0.15
    return Figure(
        "Loss against compute",
        Axis.of("C"),
        Axis.of("L"),
        (
            Points("runs", C[:20], L[:20] * 1.01, hover=tuple(f"run-{i}" for i in range(20))),
            Points("dropped", C[:2], L[:2] * 1.2, kind="dropped"),
            Line("generalised", C, L),
            Line("kaplan-joint", C, L * 1.04, kind="rival"),
            Line("chinchilla", C, L * 1.02, kind="rival"),
            Line("printed", C, L * 0.98, kind="reference"),
            Band("90% band", C, L * 0.97, L * 1.03),
            ErrorBar("forecast", 3e20, L[-1], L[-1] * 0.96, L[-1] * 1.05),
            Points("held out", C[-1:], L[-1:] * 1.01, kind="truth"),
        ),
        caption="Runs, fit and what was held out.",
        extrapolates_from=3e19,
    )


def budgets() -> Figure:
    N = np.geomspace(1e7, 1e9, 30)
    layers: list[Points | Line] = []
    for i, group in enumerate(("C = 1e18", "C = 3e18", "C = 1e19", "C = 3e19")):
        L = 3 - 0.2 * i + np.log10(N / 1e8) ** 2 / 5
        layers.append(Points(f"runs at {group}", N, L, group=group))
        layers.append(Line(f"fit at {group}", N, L, group=group))
        layers.append(Points("lowest", N[15:16], L[15:16], kind="best", group=group))
    return Figure("IsoFLOP curves", Axis.of("N"), Axis.of("L"), tuple(layers))


def contours() -> Figure:
    N, D = np.geomspace(1e7, 1e10, 30), np.geomspace(1e9, 1e12, 25)
    z = 1.8 + 480 / N[None, :] ** 0.35 + 2000 / D[:, None] ** 0.37
    return Figure(
        "Loss over N and D",
        Axis.of("N"),
        Axis.of("D"),
        (Contours("loss", N, D, z, "nats/token"), Line("frontier", N, N * 20, kind="frontier")),
    )


def report() -> Report:
    return Report(
        "Fit of chinchilla",
        (
            Paragraph("240 runs were read."),
            Remark("4,500 starts agree.", "good"),
            Heading("Parameters"),
            Table(
                ("parameter", "value", "runs", "note"),
                (("E", 1.8172, 4000, None), ("A", 482.01, 12, "wide"), ("N", 7.04e10, 3, None)),
                "With 95% intervals",
            ),
            Remark("E touches its bound.", "doubt"),
            frontier(),
            budgets(),
            contours(),
            Remark("Ten times beyond the data.", "refused"),
        ),
        {"law": "chinchilla", "low": float("nan"), "text": EVIL},
    )


def printed(shown: Report, **options: object) -> str:
    from rich.console import Console

    from isoflop.report.text import write

    file = options.pop("file", None) or io.StringIO()
    write(shown, Console(file=file, **{"width": 100, "no_color": True, **options}))
    file.seek(0)
    return file.read()


class Tags(HTMLParser):
    """The tags of a page in order, and the text of its headings."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.seen if name == tag]


# The data behind a figure ---------------------------------------------------------------------


def test_every_layer_is_in_the_plotly_figure_and_plotly_accepts_it():
    import plotly.graph_objects as go

    for figure in (frontier(), budgets(), contours()):
        drawn = to_plotly(figure)
        assert len(drawn["data"]) == len(figure.layers)
        go.Figure(json.loads(json.dumps(drawn, allow_nan=False)))  # validates every attribute
    named = {trace["name"]: trace for trace in to_plotly(frontier())["data"]}
    assert set(named) == {layer.name for layer in frontier().layers}
    assert named["held out"]["marker"]["symbol"] == "star"
    assert named["90% band"]["fill"] == "toself"
    assert named["forecast"]["error_y"]["arrayminus"][0] > 0
    assert named["kaplan-joint"]["line"]["dash"] != named["chinchilla"]["line"]["dash"]
    assert named["runs"]["hovertext"][3].startswith("<b>runs</b><br>run-3<br>C = ")
    assert named["generalised"]["line"]["color"] == named["forecast"]["marker"]["color"]


def test_extrapolation_is_shaded_from_where_it_begins():
    layout = to_plotly(frontier())["layout"]
    area, rule = layout["shapes"]
    assert (area["x0"], rule["x0"], rule["x1"]) == (3e19, 3e19, 3e19)
    assert area["x1"] == pytest.approx(10 ** layout["xaxis"]["range"][1])
    assert "extrapolation" in layout["annotations"][0]["text"]
    assert "shapes" not in to_plotly(budgets())["layout"]


def test_a_group_has_one_colour_and_one_legend_entry_and_budgets_are_ordered():
    traces = to_plotly(budgets())["data"]
    tints: dict[str, set[str]] = {}
    for layer in budgets().layers:
        for trace in traces:
            if trace["name"] == layer.group:
                look = trace.get("marker", {}).get("color") or trace["line"]["color"]
                tints.setdefault(layer.group, set()).add(look)
    assert all(len(found) == 1 for found in tints.values())
    assert next(iter(tints["C = 1e18"])) == ORDERED[0]
    assert next(iter(tints["C = 3e19"])) == ORDERED[-1]
    shown = sorted((t["legendrank"], t["name"]) for t in traces if t["showlegend"])
    assert [name for _, name in shown] == [*tints, "lowest"]


@pytest.mark.parametrize("page", ["#ffffff", "#14181d"])
def test_every_colour_stands_out_on_the_light_and_on_the_dark_page(page: str):
    def luminance(colour: str) -> float:
        parts = (c / 255 for c in channels(colour))
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    for colour in (*PALETTE, *ORDERED, TRUTH, NEUTRAL):
        dark, light = sorted((luminance(colour), luminance(page)))
        assert (light + 0.05) / (dark + 0.05) >= 3, colour


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (1.9, 4.1, (2, 2.5, 3, 4)),
        (2.08, 2.63, (2.1, 2.2, 2.3, 2.4, 2.5, 2.6)),
        (8e8, 1.2e10, (1e9, 2e9, 5e9, 1e10)),
        (9e17, 1.1e22, (1e18, 1e19, 1e20, 1e21, 1e22)),
    ],
)
def test_a_log_axis_has_at_least_four_round_ticks(low: float, high: float, ticks: tuple):
    assert AxisScale(low, high, True).ticks() == pytest.approx(ticks)


@given(st.floats(-12, 24), st.floats(0.01, 20))
def test_any_log_axis_has_a_readable_number_of_ticks_within_it(low: float, decades: float):
    scale = AxisScale(10.0**low, 10.0 ** (low + decades), True)
    assert 3 <= len(scale.ticks()) <= 9
    slack = 1 + 1e-12  # 10.0**-15 is not 1e-15
    assert all(scale.low / slack <= t <= scale.high * slack for t in scale.ticks())
    assert not set(scale.ticks()) & set(scale.minor)


def test_compute_is_written_in_powers_and_parameters_in_billions():
    assert "10<sup>19</sup>" in to_plotly(frontier())["layout"]["xaxis"]["ticktext"]
    assert "100M" in to_plotly(budgets())["layout"]["xaxis"]["ticktext"]
    title = to_plotly(frontier())["layout"]["yaxis"]["title"]["text"]
    assert title == "L: held-out cross-entropy [nats/token]"


@given(st.integers(2001, 30_000), st.integers(0, 2**32 - 1))
def test_thinning_keeps_ends_and_extremes(n: int, seed: int):
    rng = np.random.default_rng(seed)
    x, y = np.arange(n, dtype=float), rng.standard_cauchy(n)
    kept = thin(x, y)
    assert len(kept) <= 2000
    assert {0, n - 1, int(y.argmin()), int(y.argmax())} <= set(kept.tolist())
    assert (np.diff(kept) > 0).all()


def test_thinning_leaves_small_traces_alone_and_keeps_a_gap():
    assert thin(np.arange(2000.0), np.zeros(2000)).tolist() == list(range(2000))
    y = np.sin(np.arange(10_000.0))
    y[4000:5000] = np.nan
    assert np.isnan(y[thin(np.arange(10_000.0), y)]).any()


def test_a_wild_band_does_not_squeeze_the_rest_and_keeps_its_place_on_a_log_axis():
    x = np.geomspace(1e18, 1e20, 10)
    band = Band("band", x, np.full(10, -1.0), np.full(10, 1e9))
    figure = Figure("f", Axis.of("C"), Axis.of("L"), (Line("fit", x, 3 * (x / x[0]) ** -0.1), band))
    _, up = scales(figure)
    assert up.low > 0.5
    assert up.high < 10
    outline = next(t for t in to_plotly(figure)["data"] if t["name"] == "band")
    assert len(outline["x"]) == 20
    assert min(outline["y"]) == pytest.approx(up.low)


def test_points_without_a_place_are_counted_aloud():
    cloud = Points("runs", np.array([1e18, 1e19, 0.0, np.nan]), np.array([3.0, -1.0, 2.0, 2.0]))
    figure = Figure("f", Axis.of("C"), Axis.of("L"), (cloud,))
    assert undrawable(figure) == 3
    shown = Report("r", (figure,))
    assert "3 points have no place" in to_html(shown)
    assert "not drawn: 3 of the points" in printed(shown)


@pytest.mark.parametrize("values", [[], [5.0], [5.0, 5.0]])
def test_figures_of_nothing_and_of_one_value_are_drawn(values: list[float]):
    array = np.array(values)
    for log in (True, False):
        axis = Axis("x", "1", log)
        figure = Figure("f", axis, axis, (Points("p", array, array), Line("l", array, array)))
        json.dumps(to_plotly(figure), allow_nan=False)
        assert len(draw(figure)) > 16
    assert draw(Figure("f", axis, axis, ()))


# The page -------------------------------------------------------------------------------------


def evil() -> Report:
    x = np.array([1.0, 2.0])
    axis = Axis(EVIL, EVIL)
    layers = (
        Points(EVIL, x, x, hover=(EVIL, EVIL), group=EVIL),
        Line(EVIL, x, x),
        Contours(EVIL, x, x, np.array([[1.0, 2.0], [2.0, 3.0]]), EVIL),
    )
    blocks = (
        Heading(EVIL),
        Paragraph(EVIL),
        Remark(EVIL, "doubt"),
        Table((EVIL, "n"), ((EVIL, 1.0),), EVIL),
        Figure(EVIL, axis, axis, layers, EVIL, 1.5),
    )
    return Report(EVIL, blocks, {"text": EVIL})


def test_no_markup_of_a_report_becomes_markup_of_the_page():
    page = to_html(evil())
    assert "<script>alert(1)" not in page
    assert "alert(1)</script>" not in page
    assert len(Tags(page).named("script")) == 3  # the figures, Plotly and what draws them
    assert not Tags(page).named("b")
    for trace in to_plotly(evil().blocks[-1])["data"]:
        shown = [trace["name"], *trace.get("hovertext", ()), trace.get("hovertemplate", "")]
        assert "<script" not in "".join(shown)
    assert "[red]x[/red]" in printed(evil())


def test_a_page_is_the_same_twice_and_holds_plotly_once_or_not_at_all():
    assert to_html(report()) == to_html(report())
    page = to_html(report())
    assert page.count('id="plotly"') == 1
    assert len(page) < 2_000_000
    words = to_html(Report("no figure", (Paragraph("text"),)))
    assert len(words) < 20_000
    assert "<script" not in words


def test_a_page_is_accessible():
    tags = Tags(to_html(report()))
    assert tags.named("html")[0]["lang"] == "en"
    assert any(meta.get("name") == "viewport" for meta in tags.named("meta"))
    assert [tag for tag, _ in tags.seen if re.fullmatch("h[1-6]", tag)] == ["h1", "h2"]
    plots = [a for a in tags.named("div") if a.get("class") == "plot"]
    assert len(plots) == len(tags.named("figcaption")) == 3
    assert "extrapolation begins at 3e19 FLOP" in (plots[0]["aria-label"] or "")
    assert all(head["scope"] == "col" for head in tags.named("th"))


def test_doubts_come_first_with_their_kind_in_words():
    page = to_html(report())
    places = [page.index(text) for text in ("Refused</strong>", "Doubt</strong>", "240 runs")]
    assert places == sorted(places)
    refused = dataclasses.replace(report(), refused=True)
    assert "cannot support the answer" in to_html(refused)


def test_the_data_is_in_the_page_as_json():
    links = [a for a in Tags(to_html(report())).named("a") if a.get("download")]
    from urllib.parse import unquote

    kind, _, body = (links[0]["href"] or "").partition(",")
    assert kind.startswith("data:application/json")
    assert json.loads(unquote(body)) == {"law": "chinchilla", "low": None, "text": EVIL}


def test_a_page_names_no_other_place_to_load_from():
    for tag, attributes in Tags(to_html(report())).seen:
        for name in ("src", "href", "srcset", "action"):
            assert not (attributes.get(name) or "").startswith(("http", "//")), tag


def test_save_replaces_whole_files_and_a_full_disk_loses_nothing(tmp_path: Path):
    target = tmp_path / "report.html"
    assert save(report(), target) == target
    before = target.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(EnvironmentFailure, match=r"report\.html.*free some space"):
            save(report(), target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(EnvironmentFailure, match="no such file"):
        save(report(), tmp_path / "nowhere" / "report.html")


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
def test_in_a_browser_every_figure_is_drawn_and_nothing_is_fetched(
    tmp_path: Path, width: int, scheme: str
):
    playwright = pytest.importorskip("playwright.sync_api")
    blocks = (*report().blocks, *evil().blocks)
    page_file = save(dataclasses.replace(report(), blocks=blocks), tmp_path / "report.html")
    requests, complaints = [], []
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(page_file.as_uri())
        page.wait_for_selector("html[data-drawn='4']", timeout=60_000)
        drawn = page.evaluate(
            "[...document.querySelectorAll('.plot')].map(p => p.querySelectorAll("
            "'.scatterlayer .trace, .contourlayer .contour').length)"
        )
        legends_clear = page.evaluate(
            "[...document.querySelectorAll('.plot')].every(p => p.querySelector('.legend')"
            ".getBoundingClientRect().top >= p.querySelector('.nsewdrag')"
            ".getBoundingClientRect().bottom)"
        )
        overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        ink = page.evaluate("getComputedStyle(document.querySelector('.xtick text')).fill")
        browser.close()
    figures = [block for block in blocks if isinstance(block, Figure)]
    assert drawn == [len(figure.layers) for figure in figures]
    assert legends_clear
    assert overflow <= 0
    assert ink == {"light": "rgb(28, 36, 48)", "dark": "rgb(228, 232, 237)"}[scheme]
    assert [url for url in requests if not url.startswith("data:")] == [page_file.as_uri()]
    assert complaints == []


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_in_a_browser_no_button_sends_data_away_and_zooming_stays_truthful(tmp_path: Path):
    playwright = pytest.importorskip("playwright.sync_api")
    page_file = save(report(), tmp_path / "report.html")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(page_file.as_uri())
        page.wait_for_selector("html[data-drawn='3']", timeout=60_000)
        buttons = page.evaluate(
            "[...document.querySelectorAll('#figure-1 .modebar-btn')].map(b => b.dataset.title)"
        )
        server = page.evaluate("document.getElementById('figure-1')._context.plotlyServerURL")
        seen = []
        for change in ({}, {"xaxis.range": [18.1, 18.6]}, {"xaxis.range": "whole"}):
            seen.append(
                page.evaluate(
                    """async (change) => {
                      const plot = document.getElementById("figure-1");
                      const figures = JSON.parse(document.querySelector(".figures").textContent);
                      const whole = figures[0].layout.xaxis.range;
                      if (change["xaxis.range"] === "whole") change["xaxis.range"] = whole;
                      await Plotly.relayout(plot, change);
                      await new Promise((done) => setTimeout(done, 300));
                      const words = [...plot.querySelectorAll(".annotation-text")];
                      return [words.length, plot.layout.xaxis.tickmode,
                              plot.querySelectorAll(".xtick text").length >= 3];
                    }""",
                    change,
                )
            )
        browser.close()
    assert buttons == ["Download plot as a PNG", "Zoom", "Pan", "Zoom in", "Zoom out", "Reset axes"]
    assert server == ""
    # Zoomed in among the runs, the word "extrapolation" is gone and there are ticks again.
    assert seen == [[1, "array", True], [0, "auto", True], [1, "array", True]]


# The terminal ---------------------------------------------------------------------------------


def test_the_terminal_shows_doubts_first_and_every_number():
    text = printed(report())
    order = ("Refused: Ten times", "Doubt: E touches", "240 runs", "Parameters", "1.817", "70.4B")
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "4,000" in text
    assert "\x1b" not in text
    lines = text.splitlines()
    ends = {line.index(n) + len(n) for n in ("1.817", "70.4") for line in lines if n in line}
    assert len(ends) == 1  # digits end in line, and a letter such as B stands behind them


def grid(names: tuple[str, ...], *rows: tuple, width: int = 80) -> list[str]:
    """Return the lines of a table without its rules and blank lines."""
    text = printed(Report("r", (Table(names, rows),)), width=width)
    return [line for line in text.splitlines()[2:] if line.strip(" ─")]


def test_headers_break_at_words_before_anything_else_does():
    names = ("N, times the plan", "N", "loss above the plan", "note")
    rows = ((0.25, 18.06e9, 0.01946, "by far too small"), (2.0, 144.5e9, 0.00485, "better"))
    assert grid(names, *rows, width=56) == [
        "N, times             loss above",
        "the plan         N     the plan   note",
        "    0.25    18.06B      0.01946   by far too small",
        "    2      144.5B       0.00485   better",
    ]


def test_long_texts_break_where_it_costs_fewest_lines_and_hang_in_the_first_column():
    rows = [(f"R = 0.{i}, all", i, "larger model") for i in range(6)]
    lines = grid(
        ("of", "problems", "better"), ("R = 0.6, bin 1 (hardest)", 6, "even"), *rows, width=40
    )
    assert [line.rstrip() for line in lines[1:3]] == [
        "R = 0.6, bin 1          6   even",
        "  (hardest)",
    ]
    assert all(line.endswith("larger model") for line in lines[3:])


def test_an_interval_stands_below_its_value_and_is_not_torn():
    cells = ("0.310 (0.267 to 0.353)", "~0.486 (0.423 to 0.545)", "2143 (1.2e3 to 4.5e3)")
    lines = grid(("k", "majority", "weighted", "B"), (8, *cells), width=62)
    assert [line.split() for line in lines[1:2]] == [["8", "0.310", "~0.486", "2143"]]
    assert all(cell.partition(" ")[2] in lines[2] for cell in cells)
    page = to_html(Report("r", (Table(("k", "majority"), ((8, cells[0]),)),)))
    assert "0.310 (0.267\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}0.353)" in page


def test_a_table_too_wide_is_set_in_parts_that_can_be_read_alone():
    names = ("recipe", "run", "value", "low", "high", "saving", "low", "high")
    rows = [("short", f"run-{i}", *(1.5 + i,) * 6) for i in range(2)]
    lines = grid(names, *rows, width=40)
    assert [line.split() for line in lines] == [
        ["recipe", "run", "value", "low", "high"],
        ["short", "run-0", "1.5", "1.5", "1.5"],
        ["short", "run-1", "2.5", "2.5", "2.5"],
        ["recipe", "run", "saving", "low", "high"],
        ["short", "run-0", "1.5", "1.5", "1.5"],
        ["short", "run-1", "2.5", "2.5", "2.5"],
    ]


ROWS = st.tuples(
    st.text("abc -,", max_size=20), st.floats(1e-9, 1e15), st.text("xyz/ ", max_size=40),
    st.integers(0, 10**6), st.floats(-1, 1),
)  # fmt: skip


@given(st.lists(ROWS, max_size=5), st.integers(34, 120))
def test_at_any_width_no_number_and_no_letter_is_lost(rows: list[tuple], width: int):
    names = ("a name of many words", "value", "what bears on it", "runs", "bias [%]")
    lines = grid(names, *rows, width=width)
    assert all(len(line) <= width for line in lines)
    words = [word for line in lines for word in line.split()]
    for row in rows:
        assert all(write_cell(row[i]) in words for i in (1, 3, 4))
    shown = Counter("".join(words))
    wanted = Counter(
        "".join(map(write_cell, (cell for row in rows for cell in row))) + "".join(names)
    )
    assert all(shown[letter] >= count for letter, count in wanted.items() if letter != " ")


def test_a_name_of_several_lines_takes_one():
    assert grid(("run", "L"), ("a\nb", 1.5))[-1] == "a b   1.5"


def test_two_columns_of_numbers_are_whole_even_where_they_cannot_fit():
    row = tuple(1.2345 * 10**i for i in range(8))
    words = " ".join(grid(tuple("abcdefgh"), row, width=5)).split()
    assert set(words) >= {write_cell(value) for value in row}


def test_prose_keeps_to_a_measure_that_can_be_read():
    text = printed(Report("r", (Paragraph("word " * 100), Remark("word " * 100))), width=200)
    assert 90 <= max(map(len, text.splitlines())) <= 100


def test_a_plot_shows_every_layer_and_where_extrapolation_begins():
    text = "\n".join(line.plain for line in draw(frontier()))
    for layer in frontier().layers:
        assert layer.name in text
    assert all(mark in text for mark in "•×★░┊AB")
    assert "from 3e19 FLOP: extrapolation" in text
    assert "1e19" in text
    assert re.search("[⠁-⣿]", text)
    assert max(len(line.plain) for line in draw(budgets(), width=60)) <= 60
    families = "\n".join(line.plain for line in draw(budgets()))
    assert all(f"{mark} runs at" in families for mark in "abcd")


def test_a_terminal_without_unicode_gets_ascii():
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding="ascii", write_through=True)
    shown = dataclasses.replace(report(), title="α × β → \x1b[31mred")
    text = printed(shown, file=file)
    assert text.isascii()
    assert "\x1b" not in text
    assert text.startswith("? x ? -> ?[31mred")
    assert "* held out" in text


def test_a_blank_that_does_not_break_a_line_is_no_secret_sign():
    table = Table(("k", "share"), ((1, "0.39\u00a0±\u00a00.41"),))
    shown = Report("Blanks", (table,), {})
    assert "0.39 ± 0.41" in printed(shown).replace("\u00a0", " ")
    raw = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    assert "0.39 +- 0.41" in printed(shown, file=raw)


# Elsewhere ------------------------------------------------------------------------------------


def test_a_notebook_shows_a_report_and_any_result_that_is_registered():
    shown = report()._repr_html_()
    assert shown.startswith("<iframe")
    assert "<script" not in shown  # it is all inside the attribute, escaped

    class Result:
        pass

    register(Result, lambda _: Report("a result", ()))
    assert "a result" in Result()._repr_html_()  # type: ignore[attr-defined]


def test_the_types_cost_no_renderer():
    code = (
        "import sys, isoflop.report; "
        "print([m for m in ('rich', 'jinja2', 'plotly', 'IPython') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
