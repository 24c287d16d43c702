// A chart that is updated in place: Plotly.react on one DOM node, for as long as the page lives.
// Should Streamlit mount a chart anew all the same, what the user zoomed to is kept outside the node.
// The node tells tests what happened to it: data-mounts, data-renders, data-points, data-picked.

function library(source) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  // One script tag for all charts of the page; a failed one is forgotten, so that a later tick tries again.
  window.poetsPlotly ??= new Promise((resolve, reject) => {
    const tag = document.createElement("script");
    tag.src = source;
    tag.onload = () => (window.Plotly ? resolve(window.Plotly) : reject(new Error("no Plotly in it")));
    tag.onerror = () => reject(new Error("it could not be loaded"));
    document.head.appendChild(tag);
  }).catch((error) => {
    window.poetsPlotly = undefined;
    throw error;
  });
  return window.poetsPlotly;
}

// A line may lie on top of the design that was meant: take the nearest design within 15 pixels.
function near(node, click) {
  const { left, top } = node.getBoundingClientRect();
  let found, best = 15;
  for (const trace of node.data) {
    if (!trace.customdata || trace.visible === "legendonly") continue;
    const { xaxis, yaxis } = node._fullLayout;
    trace.customdata.forEach((id, i) => {
      const dx = left + xaxis._offset + xaxis.l2p(trace.x[i]) - click.clientX;
      const dy = top + yaxis._offset + yaxis.l2p(trace.y[i]) - click.clientY;
      if (Math.hypot(dx, dy) < best) [found, best] = [id, Math.hypot(dx, dy)];
    });
  }
  return found;
}

// Axes that the user has zoomed, by chart and axis. They outlive the node, not the page.
const views = (window.poetsViews ??= new Map());

function remember_view(id, node, changed) {
  const view = views.get(id) ?? {};
  for (const name of Object.keys(changed)) {
    const axis = /^([xy]axis\d*)\.(range|autorange)/.exec(name)?.[1];
    if (!axis) continue;
    const { autorange, range } = node._fullLayout[axis];
    if (autorange) delete view[axis];
    else view[axis] = { range: [...range], autorange: false };
  }
  views.set(id, view);
}

function with_view(id, layout) {
  const axes = Object.entries(views.get(id) ?? {}).map(([axis, view]) => [axis, { ...layout[axis], ...view }]);
  return { ...layout, ...Object.fromEntries(axes) };
}

// The table of a chart is made of what was drawn: it costs nothing to send, and nothing at all while it is closed.
const MOST_ROWS = 100;

function cell(row, tag, content) {
  const made = row.appendChild(document.createElement(tag));
  if (content instanceof Node) made.append(content);
  else made.textContent = content ?? "–";
}

function points_of(trace) {
  if (trace.type === "heatmap")
    return trace.z.flatMap((line, i) => line.map((value, j) => [trace.x[j], trace.y[i], value]));
  return (trace.x ?? []).map((x, i) => [x, trace.y?.[i], trace.customdata?.[i]]);
}

// What a point holds beside its place is the id of a design where designs can be picked, else its words.
function table_of(trace, layout, pick) {
  const points = points_of(trace);
  const step = Math.max(1, Math.ceil(points.length / MOST_ROWS));
  // Counted from the end: the newest point is always there.
  const shown = points.filter((_, i) => (points.length - 1 - i) % step === 0);
  const table = document.createElement("table");
  const rest = shown.length < points.length ? ` (${shown.length} of ${points.length} points)` : "";
  table.createCaption().textContent = `${trace.name || "values"}${rest}`;
  const heat = trace.type === "heatmap", told = !heat && points.some((p) => typeof p[2] === "string");
  const [x, y] = ["x", "y"].map((a) => layout[`${a}axis${(trace[`${a}axis`] ?? "").slice(1)}`]?.title?.text ?? a);
  const head = table.createTHead().insertRow();
  for (const title of heat ? [x, y, "value"] : told ? [x, y, pick ? "design" : "in words"] : [x, y]) cell(head, "th", title);
  const body = table.createTBody();
  for (const [a, b, c] of shown) {
    const row = body.insertRow();
    cell(row, "td", a);
    cell(row, "td", b);
    if (heat || (told && !pick)) cell(row, "td", c);
    if (!told || !pick) continue;
    const button = document.createElement("button");
    button.textContent = c;
    button.type = "button";
    button.addEventListener("click", () => pick(c));
    cell(row, "td", button);
  }
  return table;
}

function show_points(box, node) {
  const details = box.querySelector(".poets-plot-points");
  const { traces, layout } = node.latest;
  details.hidden = !traces.length;
  if (!details.open || details.made === node.latest) return;
  details.made = node.latest;
  const place = details.querySelector(".poets-plot-scroll");
  // Somebody may stand on a button of it: what is read is not taken away. It is made anew when it is opened again.
  if (place.contains(document.activeElement)) return;
  const told = traces.filter((t) => t.hoverinfo !== "skip" && (t.x ?? t.z ?? []).length);
  place.replaceChildren(...told.map((trace) => table_of(trace, layout, node.pick)));
}

function show_problem(box, source, error) {
  box.querySelector(".poets-plot-loading").hidden = true;
  box.querySelector(".poets-plot-problem").hidden = false;
  box.querySelector(".poets-plot-problem code").textContent = source;
  box.querySelector(".poets-plot-problem span").textContent = error.message;
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  const box = parentElement.querySelector(".poets-plot");
  const node = box.querySelector(".poets-plot-node");
  box.style.minHeight = `${data.height}px`;
  node.setAttribute("aria-label", data.alt);
  node.latest = data;
  // A trigger and no state: the same design can be clicked again after another one was shown.
  node.pick = data.picks ? (id) => setTriggerValue("picked", id) : null;
  if (!node.started) {
    node.started = true;
    box.dataset.mounts = String(Number(box.dataset.mounts ?? 0) + 1);
    box.querySelector(".poets-plot-points").addEventListener("toggle", () => show_points(box, node));
  }

  library(data.source)
    .then((Plotly) => {
      // Updates can overtake the loading of the library: draw the newest only.
      if (node.latest !== data || !node.isConnected) return;
      const id = `${data.key} ${data.uirevision}`;
      // Plotly keeps what it made of an axis for as long as the revision stays, the direction of an empty one too.
      const uirevision = `${data.uirevision}${data.traces.length ? "" : " empty"}`;
      const layout = with_view(id, { ...data.layout, height: data.height, uirevision, autosize: true });
      // One button for as long as the node lives: Plotly takes a new one for another chart, and forgets the zoom.
      node.svg ??= {
        name: "svg", title: "Download as SVG", icon: Plotly.Icons.disk,
        click: (gd) => Plotly.downloadImage(gd, { format: "svg", filename: node.latest.name, width: gd.clientWidth, height: node.latest.height }),
      };
      const config = {
        responsive: true, displaylogo: false, doubleClick: "reset", showTips: false,
        // Named one by one: the default bar has a button that sends the chart to a server of Plotly's.
        modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d"], ["toImage", node.svg]],
        plotlyServerURL: "", topojsonURL: data.source,
        toImageButtonOptions: { filename: data.name, scale: 2 },
      };
      return Plotly.react(node, data.traces, layout, config).then(() => {
        box.querySelector(".poets-plot-problem").hidden = true;
        box.querySelector(".poets-plot-loading").hidden = true;
        show_points(box, node);
        box.dataset.renders = String(Number(box.dataset.renders ?? 0) + 1);
        box.dataset.points = String(data.points);
        box.dataset.picked = data.selected ?? "";
        if (node.listening) return;
        node.listening = true;
        node.on("plotly_relayout", (changed) => remember_view(id, node, changed));
        node.on("plotly_click", (event) => {
          if (!node.pick) return;
          const id = event.points.map((p) => p.customdata).find((value) => typeof value === "string") ?? near(node, event.event);
          if (id) node.pick(id);
        });
      });
    })
    .catch((error) => show_problem(box, data.source, error));

  return () => {
    node.started = false;
    if (window.Plotly) window.Plotly.purge(node);
    node.listening = false;
  };
}
