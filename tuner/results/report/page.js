"use strict";
// A click on a column's title sorts its table: ascending, descending, in the original order.
const NUMBER = /^[-+]?(\d[\d,]*\.?\d*|\.\d+)(e[-+]?\d+)?/i;

function key(row, column) {
  const text = row.cells[column].textContent.trim();
  const match = text.match(NUMBER);
  return { text, number: match ? parseFloat(match[0].replaceAll(",", "")) : NaN };
}

// Numbers by size, then words alphabetically; a dash (no value) comes last in both directions.
function compare(one, other, way) {
  const left = Number.isNaN(one.number), right = Number.isNaN(other.number);
  if (left !== right) return left ? 1 : -1;
  if (!left) return way * (one.number - other.number);
  if ((one.text === "–") !== (other.text === "–")) return one.text === "–" ? 1 : -1;
  return way * one.text.localeCompare(other.text);
}

for (const table of document.querySelectorAll("table.sortable")) {
  const body = table.tBodies[0], heads = [...table.tHead.rows[0].cells], original = [...body.rows];
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
      const rows = original.map((row) => ({ row, key: key(row, column) }));
      if (next) rows.sort((one, other) => compare(one.key, other.key, sign));
      body.append(...rows.map((each) => each.row));
    });
  });
}
