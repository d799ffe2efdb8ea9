// The page follows its address: a link or a form fetches the new page and swaps what is different,
// while the old answer stays, dimmed. Without this script the same links and forms load whole pages.
const parts = ["header", "nav[aria-label='Views']", "#view"];
const status = document.getElementById("status");
let running = null;  // the fetch under way; a newer one ends it
let stream = null;

async function show(address, { push = true, focus = false } = {}) {
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
    const open = new Set([...document.querySelectorAll("details[open] > summary")].map((s) => s.textContent));
    const active = document.activeElement?.id;
    for (const part of parts) document.querySelector(part).replaceWith(document.adoptNode(page.querySelector(part)));
    document.title = page.title;
    for (const summary of document.querySelectorAll("details > summary")) if (open.has(summary.textContent)) summary.parentElement.open = true;
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

// A slider beside a box of numbers: a factor of 1000 either way from where it began, by its logarithm.
const letters = { k: 1e3, M: 1e6, B: 1e9, G: 1e9, T: 1e12 };
function numberOf(text) {
  const match = /^\s*([\d.]+(?:e[+-]?\d+)?)\s*([kMBGT]?)\s*$/i.exec(text);
  return match ? Number(match[1]) * (letters[match[2]] ?? 1) : NaN;
}
function addSlider(box) {
  const middle = numberOf(box.value);
  if (!(middle > 0)) return;
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", min: -3, max: 3, step: 0.02, value: 0 });
  slider.setAttribute("aria-label", `${box.labels[0]?.textContent.trim() ?? box.name}, from a thousandth to a thousand times`);
  slider.addEventListener("input", () => { box.value = (middle * 10 ** slider.value).toPrecision(3).replace(/\.?0+(e|$)/, "$1"); });
  slider.addEventListener("change", () => show(addressOf(box.form)));
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
  const headings = [...view.querySelectorAll(".result h2")];
  if (headings.length > 3) {
    const list = document.createElement("nav");
    list.className = "contents";
    list.setAttribute("aria-label", "Contents");
    headings.forEach((heading, i) => {
      heading.id ||= `part-${i + 1}`;
      const link = Object.assign(document.createElement("a"), { href: `#${heading.id}`, textContent: heading.textContent });
      list.append(link);
    });
    headings[0].before(list);
  }
}

async function prepare() {
  const view = document.getElementById("view");
  view.querySelectorAll("[data-slides]").forEach(addSlider);
  addTools(view);
  prepareDrop(view.querySelector("[data-drop]"));
  followEvents();
  applyTheme();
  await drawFigures(view);
  followClicks(view);
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
