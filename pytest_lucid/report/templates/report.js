"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const heat = document.getElementById("heat");
const dialog = document.getElementById("cell");
const inputs = Object.fromEntries(["search", "service", "area", "state", "severity"].map((id) => [id, document.getElementById(id)]));
const heads = [...heat.querySelectorAll(".turned")];
const names = heads.map((head) => head.textContent);
const areas = [...heat.querySelectorAll(".area")];
const rows = areas.flatMap((area) => [...area.querySelectorAll("tbody tr")].map((row) => ({
  row, area: area.dataset.area, severity: row.dataset.severity, check: row.cells[0].textContent,
  cells: [...row.cells].slice(1, names.length + 1),
})));

function filter() {
  const words = inputs.search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = inputs.service.value;
  const columns = heads.map((head, at) => wanted === "" || at === Number(wanted));
  let count = 0;
  heads.forEach((head, at) => { head.hidden = !columns[at]; });
  for (const area of areas) columns.forEach((shown, at) => { area.querySelector("thead").rows[0].cells[at + 1].hidden = !shown; });
  heat.style.setProperty("--columns", columns.filter(Boolean).length);
  for (const { row, area, severity, check, cells } of rows) {
    const fits = (!inputs.area.value || inputs.area.value === area) && (!inputs.severity.value || inputs.severity.value === severity);
    let shown = 0;
    cells.forEach((cell, at) => {
      cell.hidden = !columns[at];
      for (const button of cell.children) {
        const fit = fits && columns[at] && (!inputs.state.value || button.classList.contains(inputs.state.value))
          && words.every((word) => check.toLowerCase().includes(word) || names[at].toLowerCase().includes(word));
        button.hidden = !fit;
        shown += fit;
      }
    });
    row.hidden = shown === 0;
    count += shown;
  }
  for (const area of areas) area.hidden = !area.querySelector("tbody tr:not([hidden])");
  document.getElementById("count").textContent = `${count} of ${data.cells.length} cells`;
  enter();
}

function enter() {
  const current = heat.querySelector("button[tabindex='0']");
  if (current && !current.hidden && !current.closest("[hidden]")) return;
  if (current) current.tabIndex = -1;
  const first = rows.find((each) => !each.row.hidden)?.row.querySelector("td:not([hidden]) button:not([hidden])");
  if (first) first.tabIndex = 0;
}

function label(button, check, name) {
  button.setAttribute("aria-label", `${check}, ${name}: ${data.cells[Number(button.dataset.cell)][3]}`);
}

// Names of cells are for screen readers: a page is shown before thousands of them are made.
function labelAll(at) {
  for (const { check, cells } of rows.slice(at, at + 20)) {
    cells.forEach((cell, column) => { for (const button of cell.children) label(button, check, names[column]); });
  }
  if (at + 20 < rows.length) requestIdleCallback(() => labelAll(at + 20));
}

function part(list, title, content, kind) {
  if (!content || !content.length) return;
  const name = document.createElement("dt");
  name.textContent = title;
  const value = document.createElement("dd");
  const inner = document.createElement(kind || "span");
  inner.textContent = Array.isArray(content) ? content.join("\n") : content;
  value.append(inner);
  list.append(name, value);
}

function open(button) {
  const [check, service, host, outcome, told = {}] = data.cells[Number(button.dataset.cell)];
  const [severity, claim, remedy, source] = data.checks[check];
  const logs = data.logs[`${service}@${host || ""}`] || {};
  const list = document.createElement("dl");
  document.getElementById("cell-title").textContent = `${check}: ${outcome}`;
  part(list, "About", [service || "stack and tree", host && `on ${host}`].filter(Boolean).join(" "));
  part(list, "Severity", severity);
  part(list, "Claim", claim);
  part(list, told.until ? `Waived until ${told.until}` : "Reason", told.reason);
  part(list, "What was seen", told.places || told.seen, "pre");
  if (outcome !== "passed" && outcome !== "skipped") part(list, "What to do", told.remedy || remedy);
  part(list, "Traceback", told.trace, "pre");
  part(list, "Health check", logs.health, "pre");
  part(list, "Last log lines", logs.log, "pre");
  part(list, "The check", told.source || source, "code");
  document.getElementById("cell-body").replaceChildren(list);
  dialog.showModal();
}

function step(button, down, right) {
  const cell = button.parentNode;
  const shown = rows.filter((each) => !each.row.hidden).map((each) => each.row);
  let at = shown.indexOf(cell.parentNode);
  let column = cell.cellIndex;
  for (;;) {
    at += down;
    column += right;
    const target = shown[at] && shown[at].cells[column];
    if (!target || column < 1) return;
    const found = target.hidden ? null : target.querySelector("button:not([hidden])");
    if (found) {
      button.tabIndex = -1;
      found.tabIndex = 0;
      found.focus();
      return;
    }
  }
}

document.getElementById("areas").addEventListener("click", (event) => {
  const tile = event.target.closest("button");
  if (!tile) return;
  for (const input of Object.values(inputs)) input.value = "";
  inputs.service.value = tile.dataset.service;
  inputs.area.value = tile.dataset.area;
  filter();
  document.getElementById("matrix").focus();
});
heat.addEventListener("click", (event) => { if (event.target.dataset.cell) open(event.target); });
heat.addEventListener("focusin", ({ target }) => {
  const cell = target.closest("td");
  if (cell && target.dataset.cell) label(target, cell.parentNode.cells[0].textContent, names[cell.cellIndex - 1]);
});
heat.addEventListener("keydown", (event) => {
  const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (!move || !event.target.dataset.cell) return;
  event.preventDefault();
  step(event.target, ...move);
});
for (const input of Object.values(inputs)) input.addEventListener("input", filter);
const form = document.getElementById("filters");
form.addEventListener("submit", (event) => event.preventDefault());
form.hidden = false;
for (const keys of document.querySelectorAll(".keys")) keys.hidden = false;
enter();
requestIdleCallback(() => labelAll(0));
document.getElementById("count").textContent = `${data.cells.length} of ${data.cells.length} cells`;
