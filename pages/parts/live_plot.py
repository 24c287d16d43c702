"""A Plotly chart that survives updates: one DOM node, zoom and selection kept.

`st.plotly_chart` is replaced by a new node whenever its data changes
(streamlit PR 16052), which loses zoom and selection every two seconds of a
live run. This component calls `Plotly.react` on the same node instead. The
library comes from static/ (see poets_core/serve.py), never from a CDN.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from pages.parts.panel import Panel

HERE = Path(__file__).parent

# Class names are our own: the styles are not isolated, because Plotly writes its own into the document.
HTML = """
<div class="poets-plot">
  <p class="poets-plot-loading" role="status">Drawing the chart…</p>
  <div class="poets-plot-node" role="figure"></div>
  <details class="poets-plot-points">
    <summary>Points as a table</summary>
    <div class="poets-plot-scroll" role="region" aria-label="Points of the chart" tabindex="0"></div>
  </details>
  <p class="poets-plot-problem" role="alert" hidden>
    The chart library at <code></code> is not available (<span></span>).
    Run <code>python -m poets_core.serve</code>, then reload this page.
  </p>
</div>
"""
CSS = """
.poets-plot { position: relative; width: 100%; }
.poets-plot-loading { position: absolute; inset: 0 0 auto; margin: 0; padding-top: 110px; text-align: center; }
.poets-plot-problem { border: 1px solid currentColor; border-radius: 6px; padding: 0.75rem; margin: 0.5rem 0; }
.poets-plot-points { font-size: 0.85rem; }
.poets-plot-points summary { cursor: pointer; width: max-content; border-radius: 4px; padding: 0 0.25rem; }
.poets-plot-scroll { max-height: 16rem; overflow: auto; }
.poets-plot-points :focus-visible { outline: 2px solid var(--st-link-color, currentColor); outline-offset: 1px; }
.poets-plot-points table { border-collapse: collapse; margin: 0.4rem 0; }
.poets-plot-points caption { text-align: left; font-weight: 600; padding: 0.2rem 0; }
.poets-plot-points th, .poets-plot-points td {
  text-align: right; font-variant-numeric: tabular-nums; padding: 0.1rem 0.8rem 0.1rem 0; font-weight: 400;
}
.poets-plot-points button {
  background: none; border: 0; padding: 0; font: inherit; color: var(--st-link-color, inherit); cursor: pointer;
  text-decoration: underline;
}
"""


@st.cache_resource
def _renderer() -> st.components.v2.types.ComponentRenderer:
    """Register the component once per process."""
    js = (HERE / "live_plot.js").read_text(encoding="utf-8")
    return st.components.v2.component("poets_live_plot", html=HTML, css=CSS, js=js, isolate_styles=False)


def live_plot(
    panel: Panel,
    *,
    key: str,
    revision: str,
    selected: str = "",
    on_pick: Callable[[str], None] | None = None,
    height: int = 300,
) -> None:
    """Draw a panel, or update it in place.

    Args:
        panel: traces, layout and a description for screen readers.
        key: stable widget key; a chart keeps its node as long as the key stays.
        revision: zoom and legend choices are kept while this stays, e.g. the run id.
        selected: candidate that the panel marks, for the ``data-picked`` attribute.
        on_pick: called with the id of a candidate that was clicked, before the page is drawn again. Only for a panel
            whose points are candidates, their ids as ``customdata``; None where they are anything else.
        height: pixels.
    """
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")

    def picked() -> None:
        id = st.session_state[key]["picked"]
        if on_pick is not None and id:
            on_pick(str(id))

    _renderer()(
        key=key,
        data={
            "traces": panel.traces,
            "layout": panel.layout,
            "alt": panel.alt,
            "key": key,
            "name": panel.name,
            "points": panel.points,
            "picks": on_pick is not None,
            "uirevision": revision,
            "selected": selected,
            "height": height,
            "source": f"{'/' + base if base else ''}/app/static/plotly.min.js",
        },
        on_picked_change=picked,
    )
