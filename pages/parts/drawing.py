"""How a design is shown: as its science draws it, or as text. Never as markup of the page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from domains.catalog import drawing_of
from domains.entry import Drawing
from pages.parts.look import Look
from pages.parts.states import plain
from pages.parts.text import plain_error
from poets_core.types import ProblemInfo


def drawn(
    design: str, info: ProblemInfo | None, look: Look, details: Mapping[str, Any] | None = None, *, narrow: bool
) -> Drawing | None:
    """Return a design as its science draws it, None where it is to be shown as text.

    Args:
        design: canonical text, or what a model wrote.
        info: the problem as a run says it; None where there is none.
        look: colours.
        details: what the oracle says about the design.
        narrow: whether it has to fit into half a page.
    """
    if info is None:
        return None
    try:
        draw = drawing_of(info.name)
        colours = look.colours
        return draw(design, facts=info.facts, details=details or {}, colours=colours, narrow=narrow) if draw else None
    except Exception as error:
        # A science may come from anywhere and its drawing may raise anything; the design is still there to read.
        st.caption(f"The drawing failed: {plain_error(str(error) or type(error).__name__)}")
        return None


def show_drawing(drawing: Drawing, who: str = "") -> None:
    """Show a drawing with its note and its key; `who` comes before what it says, as in ``"Response A: "``."""
    says = f"{who}{drawing.says}"
    st.image(drawing.svg, alt=says[:1].upper() + says[1:])
    if drawing.key:
        st.image(drawing.key, alt=f"Colours: {drawing.key_says}")
    if drawing.note:
        st.caption(plain(drawing.note))
