"""Words of the pages: what a person reads where the code and the log have a name of their own.

Branches count from 0 in files, in the log and on the command line; people count models from 1.
"""

from __future__ import annotations

from poets_core.types import REFERENCE

UNTRAINED = "untrained model"
"""The base model as it is, with nothing learnt."""
MODEL_HELP = "A model is the base model with one set of learnt adapters: a branch, which files and logs count from 0."
MEASUREMENTS = "Measurements"
MEASUREMENTS_HELP = "Designs measured: simulated, or looked up in a table (oracle calls). Invalid ones count."


def model(branch: int) -> str:
    """Return what pages call a branch: ``"model 1"`` for branch 0, ``"untrained model"`` for the reference."""
    return UNTRAINED if branch == REFERENCE else f"model {branch + 1}"


def short_model(branch: int) -> str:
    """Return the same for an axis or a cell: ``"1"``, ``"untrained"``."""
    return "untrained" if branch == REFERENCE else str(branch + 1)


def times(count: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``"1 measurement"``, ``"9,800 measurements"``.

    Args:
        count: how many.
        one: the noun in the singular.
        many: in the plural, where that is not `one` with an s.
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with so many significant digits and a proper minus; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}g}".replace("-", "−")
