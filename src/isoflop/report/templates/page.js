"use strict";
// Makes a report easier to read: a click on the head of a column sorts a table, long tables have a
// box to search them, and a page of many parts begins with a list of them.
const preparePage = (() => {
  const letters = { k: 1e3, M: 1e6, B: 1e9, T: 1e12 };
  const SORTED = 4, SEARCHED = 20, LISTED = 4;  // rows, rows and parts from which on it helps

  function valueOf(text) {
    const match = /^[^\d.+-]*([+-]?[\d,]*\.?\d+(?:e[+-]?\d+)?)\s*([kMBT]?)\b/.exec(text);
    return match ? Number(match[1].replaceAll(",", "")) * (letters[match[2]] ?? 1) : NaN;
  }

  function sortBy(table, column, descending) {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row, place) => ({ row, place, text: row.cells[column].textContent.trim() }));
    const numeric = table.tHead.rows[0].cells[column].classList.contains("number");
    const sign = descending ? -1 : 1;
    rows.sort((a, b) => {
      if (!numeric) return sign * a.text.localeCompare(b.text) || a.place - b.place;
      const [x, y] = [valueOf(a.text), valueOf(b.text)];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a.place - b.place;  // gaps come last
      return sign * (x - y) || a.place - b.place;
    });
    body.append(...rows.map(({ row }) => row));
    [...table.tHead.rows[0].cells].forEach((head, i) => {
      if (i === column) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
  }

  function addSorting(table) {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      if (!head.textContent.trim()) return; // a column without a name
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "sort", textContent: head.textContent });
      button.addEventListener("click", () => sortBy(table, column, head.getAttribute("aria-sort") === "ascending"));
      head.replaceChildren(button);
    });
  }

  function addSearch(table) {
    const box = document.createElement("input");
    const total = table.tBodies[0].rows.length;
    Object.assign(box, { type: "search", className: "find", placeholder: `Search ${total} rows` });
    box.setAttribute("aria-label", "Search the rows of the table below");
    box.addEventListener("input", () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of table.tBodies[0].rows) row.hidden = !words.every((word) => row.textContent.toLowerCase().includes(word));
    });
    table.closest(".scroll").before(box);
  }

  function addContents(root) {
    const headings = [...root.querySelectorAll("h2")];
    headings.forEach((heading) => {
      const words = heading.textContent.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "");
      const taken = document.getElementById(words);
      if (words && (!taken || taken === heading)) heading.id ||= words;
    });
    const listed = headings.filter((heading) => heading.id);
    if (listed.length < LISTED || root.querySelector("nav.contents")) return;
    const list = document.createElement("nav");
    list.className = "contents";
    list.setAttribute("aria-label", "Contents");
    for (const heading of listed) list.append(Object.assign(document.createElement("a"), { href: `#${heading.id}`, textContent: heading.textContent }));
    listed[0].before(list);
  }

  return (root) => {
    for (const table of root.querySelectorAll(".scroll > table:not(.runs)")) {
      const rows = table.tBodies[0].rows.length;
      if (table.querySelector(".sort")) continue;
      if (rows >= SORTED) addSorting(table);
      if (rows >= SEARCHED) addSearch(table);
    }
    addContents(root);
  };
})();
