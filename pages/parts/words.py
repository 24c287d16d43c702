"""Words of the pages: what a person reads where the code and the log have a name of their own.

Branches count from 0 in files, in the log and on the command line; people count models from 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import floor, log10

from poets_core.spec import METHODS
from poets_core.types import REFERENCE

UNTRAINED = "untrained model"
"""The base model as it is, with nothing learnt."""
MODEL_HELP = "A model is the base model with one set of learnt adapters: a branch, which files and logs count from 0."
EXACT_HELP = "Here each model is a draw from the exact posterior of what was measured; nothing is trained step by step."
MEASUREMENTS = "Measurements"
MEASUREMENTS_HELP = "Designs measured: simulated, or looked up in a table (oracle calls). Invalid ones count."


def model(branch: int) -> str:
    """Return what pages call a branch: ``"model 1"`` for branch 0, ``"untrained model"`` for the reference."""
    return UNTRAINED if branch == REFERENCE else f"model {branch + 1}"


def short_model(branch: int) -> str:
    """Return the same for an axis or a cell: ``"1"``, ``"untrained"``."""
    return "untrained" if branch == REFERENCE else str(branch + 1)


def method_name(method: str) -> str:
    """Return what pages call a method of search: its title, or the untrained model, which is a search of its own."""
    return UNTRAINED if method == "reference" else METHODS[method].title


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


def quantity(name: str) -> str:
    """Return the name of what is measured with a proper minus: ``"− energy"`` for ``"- energy"``."""
    return f"\u2212 {name[2:]}" if name.startswith("- ") else name


def decimal(values: Sequence[float | int | None]) -> list[str]:
    """Write the numbers of a column with the same digits after the point, so that they stand below each other.

    Whole numbers have none; others as many as the largest needs for four significant digits, or one more where the
    smallest has fewer than two, six at most. Very large or small ones stand as powers of ten. None is a dash.
    """
    known = [v for v in values if v is not None]
    sizes = [abs(v) for v in known if v]
    if all(isinstance(v, int) for v in known) or not sizes:
        form = ",d" if all(isinstance(v, int) for v in known) else "z.1f"
    else:
        least = 4 - _digits(max(sizes))
        wanted = max(least, min(2 - _digits(min(sizes)), least + 1), 0)
        # z: what rounds to zero has no sign.
        form = f"z.{min(wanted, 6)}f" if _digits(max(sizes)) <= 7 and max(sizes) >= 1e-4 else "z.3e"
    return ["–" if v is None else f"{v:{form}}".replace("-", "−") for v in values]


def _digits(size: float) -> int:
    """Return how many digits stand before the point: 2 for 12.5, 0 for 0.5, -1 for 0.05."""
    return floor(log10(size)) + 1
