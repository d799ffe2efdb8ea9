"use strict";
// Draws every figure of a report below `root`, from the data that stands beside it. A page that
// swaps its parts calls it again for the new part; figures that are gone are forgotten.
const drawFigures = (() => {
  // The buttons are listed, not left to Plotly, whose own set can hold one that sends the data of a
  // figure to its makers' server by opening a window, which no content policy stops.
  const buttons = [["toImage"], ["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]];
  const config = { displaylogo: false, modeBarButtons: buttons, showSendToCloud: false, plotlyServerURL: "", showTips: false };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let shown = [];  // {plot, figure} of what is on the page now

  // A narrow page lists the legend line by line and shortens the ticks; paper is always light.
  function layoutFor(figure, plot, printed) {
    const layout = structuredClone(figure.layout);
    const style = getComputedStyle(document.documentElement);
    const ink = printed ? "#000000" : style.getPropertyValue("--ink").trim();
    const page = printed ? "#ffffff" : style.getPropertyValue("--page").trim();
    const narrow = plot.clientWidth < 560;
    layout.width = plot.clientWidth;
    layout.font.color = ink;
    layout.hoverlabel = { bgcolor: page, bordercolor: ink, font: { color: ink }, align: "left" };
    if (narrow) {
      layout.font.size = 11;
      layout.margin = { l: 48, r: 10, t: 24, b: 48 };
      Object.assign(layout.legend, { orientation: "v", tracegroupgap: 0 });  // else a long one scrolls
      for (const [axis, words] of Object.entries(layout.meta.narrow)) Object.assign(layout[axis], words, { title: { ...words.title, font: { size: 12 } } });
      layout.height = 400 + 18 * layout.meta.entries;
    }
    return layout;
  }

  function draw(printed) {
    return Promise.all(shown.map(({ plot, figure }) =>
      Plotly.react(plot, figure.data, layoutFor(figure, plot, printed), { ...config, displayModeBar: plot.clientWidth < 560 ? false : "hover" })));
  }

  // The ticks are chosen for the whole range; where a reader zooms, Plotly chooses its own.
  function followZoom({ plot, figure }) {
    plot.on("plotly_relayout", (change) => {
      const update = {};
      for (const axis of ["xaxis", "yaxis"]) {
        if (!(`${axis}.range[0]` in change || `${axis}.range` in change)) continue;
        const whole = figure.layout[axis].range;
        const now = plot.layout[axis].range;
        const mode = whole.every((end, i) => Math.abs(end - now[i]) < 1e-9) ? "array" : "auto";
        if (plot.layout[axis].tickmode !== mode) Object.assign(update, { [`${axis}.tickmode`]: mode, [`${axis}.minor.tickmode`]: mode });
      }
      if (Object.keys(update).length) Plotly.relayout(plot, update);
    });
  }

  // In a notebook the page lives in a frame, which takes the page's height.
  function fillFrame() {
    try { if (window.frameElement) window.frameElement.style.height = `${document.documentElement.scrollHeight + 8}px`; } catch { /* a frame of another origin keeps its height */ }
  }

  let waiting;
  addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(() => draw(false).then(fillFrame), 120); });
  dark.addEventListener("change", () => draw(false));
  addEventListener("themechange", () => draw(false));
  addEventListener("beforeprint", () => draw(true));
  addEventListener("afterprint", () => draw(false));

  return async (root) => {
    shown = shown.filter(({ plot }) => plot.isConnected || (Plotly.purge(plot), false));
    const fresh = [];
    for (const source of root.querySelectorAll("script.figures")) {
      const figures = JSON.parse(source.textContent);
      figures.forEach((figure, i) => {
        const plot = document.getElementById(`${source.dataset.prefix}figure-${i + 1}`);
        plot.replaceChildren();  // the picture for readers without JavaScript
        fresh.push({ plot, figure });
      });
    }
    shown.push(...fresh);
    await draw(false);
    fresh.forEach(followZoom);
    fillFrame();
    document.documentElement.dataset.drawn = String(shown.length);
  };
})();
