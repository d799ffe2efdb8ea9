// The page follows its address: a link or a form fetches the new page and swaps what is different,
// while the old answer stays, dimmed. Without this script the same links and forms load whole pages.
const parts = ["header", "nav[aria-label='Views']", "#view"];
const status = document.getElementById("status");
let running = null;  // the fetch under way; a newer one ends it
let waiting = null;  // the fetch of an answer that comes later
let stream = null;

// Puts a new answer in the place of the old one, which stays until then. What a reader is writing
// in the form, or dragging, stays, too.
async function answer(address, { push = "", wait = false } = {}) {
  waiting?.abort();
  waiting = new AbortController();
  const { signal } = waiting;
  const view = document.getElementById("view");
  try {
    const headers = wait ? { accept: "text/html", wait: "yes" } : { accept: "text/html" };
    const response = await fetch(address, { signal, headers });
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (signal.aborted || !view.isConnected) return;
    if (push) history[`${push}State`]({ scroll: 0 }, "", response.url);
    const open = openParts();
    for (const part of ["h1", ".result"]) view.querySelector(part).replaceWith(document.adoptNode(page.querySelector(`#view ${part}`)));
    for (const part of ["nav[aria-label='Views']", ".tabs"]) document.querySelector(part)?.replaceWith(document.adoptNode(page.querySelector(part)));
    const result = view.querySelector(".result");
    reopenParts(open, result);
    await finish(result);
    status.textContent = view.querySelector("h1").textContent;
    if (result.querySelector("[data-later]")) answer(location.href, { wait: true });
  } catch (reason) {
    if (reason.name === "AbortError") return;
    view.querySelector("[data-later]")?.replaceChildren("The workbench does not answer; is it still running?");
  }
}

const openParts = () => new Set([...document.querySelectorAll("details[open] > summary")].map((s) => s.textContent));
function reopenParts(open, part) {
  for (const summary of part.querySelectorAll("details > summary")) if (open.has(summary.textContent)) summary.parentElement.open = true;
}

async function show(address, { push = true, focus = false } = {}) {
  waiting?.abort();
  running?.abort();
  running = new AbortController();
  const view = document.getElementById("view");
  view.classList.add("old");
  view.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(address, { signal: running.signal, headers: { accept: "text/html" } });
    const kind = response.headers.get("content-type") ?? "";
    if (!kind.startsWith("text/html")) { location.assign(address); return; }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    if (push) history.pushState({ scroll: 0 }, "", response.url);
    const place = scrollY;
    const open = openParts();
    const active = document.activeElement?.id;
    for (const part of parts) document.querySelector(part).replaceWith(document.adoptNode(page.querySelector(part)));
    document.title = page.title;
    reopenParts(open, document);
    await prepare();
    if (focus) { scrollTo(0, 0); document.getElementById("view").focus({ preventScroll: true }); }
    else { scrollTo(0, place); document.getElementById(active)?.focus({ preventScroll: true }); }
    status.textContent = document.querySelector("#view h1")?.textContent ?? "";
  } catch (reason) {
    if (reason.name === "AbortError") return;
    view.classList.remove("old");
    view.removeAttribute("aria-busy");
    status.textContent = "The workbench does not answer; is it still running?";
  }
}

function addressOf(form) {
  const query = new URLSearchParams();
  for (const [name, text] of new FormData(form)) if (typeof text === "string" && text.trim()) query.append(name, text.trim());
  const written = query.toString();
  return form.getAttribute("action") + (written ? `?${written}` : "");
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href]");
  if (link && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey
      && link.origin === location.origin && !link.hasAttribute("data-plain") && !link.hash) {
    event.preventDefault();
    const near = link.matches(".toggle, th a, .pager a, .filter a");
    show(link.href, { focus: !near });
    return;
  }
  const lines = event.target.closest("button.take");
  if (lines) navigator.clipboard.writeText(lines.previousElementSibling.textContent).then(() => { lines.textContent = "copied"; });
});

document.addEventListener("submit", (event) => {
  if (event.target.method !== "get") return;
  event.preventDefault();
  show(addressOf(event.target));
});

addEventListener("popstate", () => show(location.href, { push: false }));

// A slider beside a box of numbers: a factor of 1000 either way from where it began, by its
// logarithm, or between two ends that the box states. What stands around the number stays.
const letters = { k: 1e3, M: 1e6, B: 1e9, G: 1e9, T: 1e12 };
function partsOf(text) {
  const match = /^\s*(\$?)([\d.]+(?:e[+-]?\d+)?)\s*([kMBGT]?)(?![a-z])\s*(.*)$/i.exec(text);
  if (!match) return { number: NaN, before: "", after: "" };
  return { number: Number(match[2]) * (letters[match[3]] ?? 1), before: match[1], after: match[4] ? ` ${match[4]}` : "" };
}
const numberOf = (text) => partsOf(text).number;
function addSlider(box) {
  const middle = numberOf(box.value || box.dataset.slides);
  const { low, high } = box.dataset;
  const stated = low !== undefined;
  const log = !stated || "log" in box.dataset;
  if (log && !(middle > 0) || !Number.isFinite(middle)) return;
  const place = (value) => (log ? Math.log10(value) : value);
  const ends = stated ? [place(Number(low)), place(Number(high))] : [place(middle) - 3, place(middle) + 3];
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: ends[0], max: ends[1], step: (ends[1] - ends[0]) / 300, value: place(middle) });
  const name = box.labels[0]?.textContent.trim() ?? box.name;
  slider.setAttribute("aria-label", stated ? name : `${name}, from a thousandth to a thousand times`);
  let soon;
  slider.addEventListener("input", () => {
    const { before, after } = partsOf(box.value);
    const number = Number((log ? 10 ** slider.value : Number(slider.value)).toPrecision(3));
    box.value = `${before}${String(number).replace("e+", "e")}${after}`;
    clearTimeout(soon);
    soon = setTimeout(() => answer(addressOf(box.form), { push: "replace" }), 60);
  });
  slider.addEventListener("change", () => {
    clearTimeout(soon);
    answer(addressOf(box.form), { push: "push" });
  });
  box.addEventListener("change", () => { slider.value = place(numberOf(box.value)); });
  box.after(slider);
}

// A click on a point leaves its row out, or takes it back, as the cross of the row does.
function followClicks(part) {
  for (const plot of part.querySelectorAll(".plot")) {
    plot.on?.("plotly_click", (event) => {
      const row = event.points[0]?.customdata;
      if (!Number.isInteger(row)) return;
      const address = new URL(location.href);
      const rows = new Set((address.searchParams.get("x") ?? "").split(",").filter(Boolean));
      rows.has(String(row)) ? rows.delete(String(row)) : rows.add(String(row));
      rows.size ? address.searchParams.set("x", [...rows].join(",")) : address.searchParams.delete("x");
      show(address.href);
    });
  }
}

function followEvents() {
  stream?.close();
  stream = null;
  const part = document.getElementById("watch");
  if (!part?.dataset.events) return;
  stream = new EventSource(part.dataset.events);
  stream.onmessage = async (event) => {
    const news = JSON.parse(event.data);
    document.getElementById("watch-sentence").textContent = news.sentence;
    if (!news.markup) return;
    part.innerHTML = news.markup;  // made by the same templates as this page, names as text
    await drawFigures(part);
  };
}

function addTools(view) {
  for (const lines of view.querySelectorAll("pre.copy")) {
    const button = document.createElement("button");
    Object.assign(button, { type: "button", className: "take", textContent: "copy" });
    lines.after(button);
  }
  preparePage(view.querySelector(".result") ?? view);
}

async function prepare() {
  const view = document.getElementById("view");
  view.querySelectorAll("[data-slides]").forEach(addSlider);
  prepareDrop(view.querySelector("[data-drop]"));
  followEvents();
  applyTheme();
  await finish(view);
  if (view.querySelector("[data-later]")) answer(location.href, { wait: true });
}

// Draws what a part of the page answers, and counts it, by which tests know that it stands.
async function finish(part) {
  addTools(part);
  await drawFigures(part);
  followClicks(part);
  if (part.querySelector("[data-later]")) return;
  document.documentElement.dataset.ready = String(Number(document.documentElement.dataset.ready ?? 0) + 1);
}

function prepareDrop(form) {
  if (!form) return;
  form.addEventListener("dragover", (event) => { event.preventDefault(); form.classList.add("over"); });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.elements.file.files = event.dataTransfer.files;
    form.submit();
  });
}

function applyTheme() {
  const root = document.documentElement;
  const chosen = localStorage.getItem("theme");
  if (chosen) root.dataset.theme = chosen;
  const button = document.getElementById("theme");
  button.onclick = () => {
    const dark = getComputedStyle(root).colorScheme.trim() === "dark";
    localStorage.setItem("theme", dark ? "light" : "dark");
    root.dataset.theme = dark ? "light" : "dark";
    dispatchEvent(new Event("themechange"));
  };
}

document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, select, textarea") || event.metaKey || event.ctrlKey || event.altKey) return;
  const row = event.target.closest("tr[data-row]");
  if (event.key === "/") { event.preventDefault(); document.querySelector(".search input").focus(); }
  else if (event.key === "e" && row) row.querySelector(".toggle").click();
  else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && row) {
    const next = event.key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
    if (next) { event.preventDefault(); next.querySelector(".toggle").focus(); }
  }
});

addEventListener("pagehide", () => stream?.close());
await prepare();
