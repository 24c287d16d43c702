"""Colours of charts and drawings, for the light and the dark theme.

The palette is that of `domains.palette`. Colour never stands alone: dash,
marker or text differ too.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from domains.palette import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, YELLOW, Colours


@dataclass(frozen=True)
class Look:
    """What a drawing needs to know about the theme.

    Attributes:
        dark: whether the page is dark.
        text, muted, grid, paper: CSS colours.
        series: colours of series, in order of use, readable on `paper`.
    """

    dark: bool
    text: str
    muted: str
    grid: str
    paper: str
    series: tuple[str, ...]

    @property
    def colours(self) -> Colours:
        """What a science needs to draw a design."""
        return Colours(self.text, self.muted, self.paper)


LIGHT = Look(False, "#1B2430", "#5B6775", "#E3E7EC", "#FFFFFF", (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY))
DARK = Look(True, "#E6EAEE", "#9BA7B4", "#2C3541", "#11161D", (SKY, ORANGE, "#1FC796", PURPLE, "#F27A24", YELLOW))
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MARKERS = ("circle", "diamond", "square", "triangle-up", "cross", "x")


def dress() -> None:
    """Give the page what `.streamlit/config.toml` cannot say: captions that can be read, and a focus that is seen.

    Streamlit draws captions in the colour of text at 60 %, which is less than 4.5:1 on white, and what is chosen of
    some buttons in the primary colour on a shade of it. It cuts links that are too long for a line, and marks those
    that lead to the page on which they stand.
    """
    look = current_look()
    st.html(
        f"""<style>
        [data-testid="stCaptionContainer"], [data-testid="stCaptionContainer"] * {{ color: {look.muted}; opacity: 1; }}
        [data-testid="stCaptionContainer"] a {{ color: inherit; }}
        [data-testid="stHeading"] h2 {{ padding: 0 0 0.35rem; }}
        [data-testid="stPageLink-NavLink"]:not(:hover) {{ background: none; }}
        [data-testid="stPageLink-NavLink"] * {{ white-space: normal; overflow: visible; }}
        button[role="radio"][data-selected] * {{ color: {look.text}; }}
        [data-testid="stMetricDelta"] * {{ color: {look.muted}; }}
        a:focus-visible, button:focus-visible, summary:focus-visible, [role="tab"]:focus-visible,
        [role="radio"]:focus-visible, [role="checkbox"]:focus-visible {{
            outline: 2px solid {look.text}; outline-offset: 2px;
        }}
        </style>"""
    )


def current_look() -> Look:
    """Return the look of the theme this browser shows; light where it is not known."""
    return DARK if st.context.theme.type == "dark" else LIGHT
