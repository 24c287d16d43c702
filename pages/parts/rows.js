// A table of designs that is worked with by hand or by keys: a row opens by a click, and by Enter on its link.
// Everything is put in as text. The node stays for as long as the page lives, so that scroll and focus stay too.

function link_of(row) {
  const link = document.createElement("a");
  link.href = row.href;
  link.textContent = row.cells[0];
  link.dataset.id = row.id;
  link.addEventListener("click", (event) => {
    // Another tab was asked for: the address says everything that it needs.
    if (event.ctrlKey || event.metaKey || event.shiftKey) return event.stopPropagation();
    event.preventDefault();
  });
  return link;
}

function row_of(row, columns, open) {
  const line = document.createElement("tr");
  line.dataset.id = row.id;
  columns.forEach((column, i) => {
    const cell = line.appendChild(document.createElement(i ? "td" : "th"));
    cell.className = column.kind;
    if (!i) {
      cell.scope = "row";
      cell.append(link_of(row));
    } else {
      cell.textContent = row.cells[i];
      if (column.kind === "code") cell.title = row.cells[i];
    }
  });
  line.addEventListener("click", (event) => {
    // Who marks text with the mouse wants to copy it.
    if (!event.defaultPrevented && String(window.getSelection())) return;
    open(row.id);
  });
  return line;
}

function build(table, data, open) {
  const head = document.createElement("thead");
  const line = head.appendChild(document.createElement("tr"));
  for (const column of data.columns) {
    const cell = line.appendChild(document.createElement("th"));
    cell.scope = "col";
    cell.className = column.kind;
    cell.textContent = column.title;
    if (column.help) cell.title = column.help;
  }
  const body = document.createElement("tbody");
  body.append(...data.rows.map((row) => row_of(row, data.columns, open)));
  table.replaceChildren(head, body);
}

function move(table, event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const links = [...table.querySelectorAll("tbody a")];
  const at = links.indexOf(event.target);
  if (at < 0 || !links[at + step]) return;
  event.preventDefault();
  links[at + step].focus();
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const box = parentElement.querySelector(".rows");
  const table = box.querySelector("table");
  box.setAttribute("aria-label", data.label);
  box.style.maxHeight = data.height ? `${data.height}px` : "none";
  box.open_row = (id) => setTriggerValue("opened", id);
  const content = JSON.stringify([data.columns, data.rows]);
  if (box.content !== content) {
    const focused = box.getRootNode().activeElement?.dataset?.id;
    build(table, data, (id) => box.open_row(id));
    box.content = content;
    if (focused) table.querySelector(`a[data-id="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
  for (const line of table.querySelectorAll("tbody tr")) {
    const open = line.dataset.id === data.selected;
    if (open) line.setAttribute("aria-current", "true");
    else line.removeAttribute("aria-current");
    // Next and Previous may lead out of what is seen.
    if (open && box.selected !== data.selected) line.scrollIntoView({ block: "nearest" });
  }
  box.selected = data.selected;
  box.dataset.selected = data.selected;
  if (!box.listening) {
    box.listening = true;
    table.addEventListener("keydown", (event) => move(table, event));
  }
}
