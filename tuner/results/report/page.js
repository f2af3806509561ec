"use strict";
// Tables are sorted by a click on a column's title: upwards, downwards, as they were. Without this they are only read.
const NUMBER = /^[-+]?(\d[\d,]*\.?\d*|\.\d+)(e[-+]?\d+)?/i;

function key(row, column) {
  const text = row.cells[column].textContent.trim();
  const found = text.match(NUMBER);
  return { text, number: found ? parseFloat(found[0].replaceAll(",", "")) : NaN };
}

// Numbers by their size, then words by the alphabet; a dash, which stands for nothing, last, whichever way is up.
function compare(one, other, way) {
  const left = Number.isNaN(one.number), right = Number.isNaN(other.number);
  if (left !== right) return left ? 1 : -1;
  if (!left) return way * (one.number - other.number);
  if ((one.text === "–") !== (other.text === "–")) return one.text === "–" ? 1 : -1;
  return way * one.text.localeCompare(other.text);
}

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells], asTheyWere = [...body.rows];
  heads.forEach((head, column) => {
    if (!head.textContent.trim()) return;
    const button = document.createElement("button");
    button.type = "button";
    button.title = "sort by this column";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const way = { ascending: "descending", descending: null }[head.getAttribute("aria-sort")];
      const next = way === undefined ? "ascending" : way;
      heads.forEach((each) => each.removeAttribute("aria-sort"));
      if (next) head.setAttribute("aria-sort", next);
      const sign = next === "descending" ? -1 : 1;
      const rows = asTheyWere.map((row) => ({ row, key: key(row, column) }));
      if (next) rows.sort((one, other) => compare(one.key, other.key, sign));
      body.append(...rows.map((each) => each.row));
    });
  });
}
