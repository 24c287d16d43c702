"""A field for a number: a text field, read here.

The browser's own number field keeps its last valid value in Python while it shows another one in red: a run would start
with a number that nobody sees. A text field hands over what stands in it, so that what is wrong can be said.
"""

from __future__ import annotations

import math
import re

import streamlit as st

LONGEST = 40
"""Characters that a number may have."""
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def read_number(text: str, kind: type) -> int | float | str:
    """Read a number as people write it; a text says what is wrong with it.

    Args:
        text: of the field.
        kind: ``int`` or ``float``.

    Returns:
        the number, or a message.
    """
    given = text.strip().replace("\N{MINUS SIGN}", "-")
    whole = kind is int
    example = "a whole number such as 12" if whole else "a number such as 0.5"
    if not given:
        return f"Expected {example}, got an empty field. Fill it in."
    if "," in given:
        return f"Expected {example}, got “{given}”. Write a decimal point, and no comma between digits."
    if not _NUMBER.fullmatch(given):
        return f"Expected {example}, got “{given}”."
    value = float(given)
    if not math.isfinite(value):
        return f"Expected {example}, got “{given}”, which is too large."
    if not whole:
        return value
    if re.fullmatch(r"[+-]?\d+", given):
        return int(given)
    return int(value) if value.is_integer() else f"Expected {example}, got “{given}”, which has decimals."


def shown(value: float | None) -> str:
    """Write the number that a field begins with: four significant digits, an empty field for None."""
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.4g}"


def number_field(
    label: str, kind: type, start: float | None, key: str, help: str = ""
) -> tuple[int | float | None, str]:
    """Draw a field and return its number, and what is wrong with its text (``""`` for nothing).

    Args:
        label, help: for people.
        kind: ``int`` or ``float``.
        start: the number to begin with; None: the field is empty until somebody fills it in.
        key: of the widget.
    """
    text = st.text_input(
        label, shown(start), max_chars=LONGEST, help=help or None, key=key, persist_state="session", autocomplete="off"
    )
    if start is not None and text == shown(start):
        return start, ""  # all its digits, also those that are not shown
    found = read_number(text or "", kind)
    return (None, found) if isinstance(found, str) else (found, "")
