"""Entry of the app: page settings, navigation, and nothing else. `streamlit run app.py` starts it.

The file is read twice: imported once as the server starts (`app`, at the end),
and run as the main script for every browser. Pages are declared here and lie in
subfolders of pages/, so that a deep link that is the first request goes through
this file too.
"""

from __future__ import annotations

import gc
from pathlib import Path

import numpy  # noqa: F401  (loaded before the freeze below)
import pandas  # noqa: F401
import streamlit as st
from starlette.middleware import Middleware
from streamlit.runtime import Runtime
from streamlit.runtime.pages_manager import PagesManager

from pages.parts.look import dress
from pages.parts.quiet import keep_home
from poets_core.hosts import Guard

HERE = Path(__file__).parent


@st.cache_resource
def _settle() -> None:
    """Take what is loaded by now out of the garbage collector, once per process.

    Streamlit collects fully after every script run; walking through pandas and
    numpy each time is two thirds of a tick's cost. Nothing here imports plotly:
    charts are plain data for the browser's plotly.js.
    """
    gc.collect()
    gc.freeze()


def main() -> None:
    """Declare the pages and run the one that is asked for."""
    # A test has a stand-in for the runtime; a runtime of Streamlit's own means that a server is asked by anybody.
    if Runtime.exists() and type(Runtime.instance()) is Runtime and not Guard.active:
        st.error("This server does not check who asks it. Start the app with `poets app` or `streamlit run app.py`.")
        st.stop()
    # No icons here: Streamlit takes a page's icon for the favicon and fetches it from outside.
    navigation = st.navigation(
        [
            st.Page("pages/search/runs.py", title="Runs", default=True),
            st.Page("pages/search/launch.py", title="Launch", url_path="launch"),
            st.Page("pages/search/learn.py", title="Learn", url_path="learn"),
            st.Page("pages/analyse/data.py", title="Data", url_path="data"),
            st.Page("pages/search/live.py", title="Live", url_path="live"),
            st.Page("pages/search/candidates.py", title="Candidates", url_path="candidates"),
            st.Page("pages/search/measure.py", title="Measure", url_path="measure"),
            st.Page("pages/analyse/variants.py", title="Variants", url_path="variants"),
            st.Page("pages/analyse/compare.py", title="Compare", url_path="compare"),
            st.Page("pages/analyse/policies.py", title="Policies", url_path="policies"),
            st.Page("pages/analyse/judge.py", title="Judge", url_path="judge"),
        ],
        position="top",
    )
    icon = str(HERE / "pages" / "icon.png")
    st.set_page_config(page_title=f"{navigation.title} · POETS", page_icon=icon, layout="wide")
    dress()
    _settle()
    navigation.run()


if __name__ == "__main__":
    main()
else:
    # A folder called pages/ makes Streamlit look for pages there until the first st.navigation has run:
    # a deep link that came before that got "Page not found" on top of the page it asked for.
    PagesManager.uses_pages_directory = False
    keep_home()
    app = st.App(__file__, middleware=[Middleware(Guard)])
