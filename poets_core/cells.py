"""Text cells of the tables that leave this program: nothing in them is a formula to a spreadsheet.

Designs and responses are written by language models, names by people. Standard library only.
"""

from __future__ import annotations

SIGNS = "=+-@\uff1d\uff0b\uff0d\uff20"
"""What begins a formula, as ASCII and in full width: some spreadsheets read both alike."""
FORMULA = (*SIGNS, "\t", "\r", "\n")
"""First characters of a cell that is guarded; a line break or tab may end the cell before it, and begin another."""


def guarded(text: str, *, reversible: bool = False) -> str:
    """Put an apostrophe before a text that a spreadsheet would take for a formula.

    Args:
        text: of the cell.
        reversible: guard an apostrophe too, so that `unguarded` gives back every text as it was.
    """
    return f"'{text}" if text.startswith((*FORMULA, "'") if reversible else FORMULA) else text


def unguarded(text: str) -> str:
    """Take the apostrophe of a reversible guard off again."""
    return text.removeprefix("'")
