"""How errors are written for people: in mHa where energies are in Ha. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FINEST = 1e-9
"""Errors below are not told apart: the optimiser of the angles leaves as much, and a logarithmic axis has no 0."""


@dataclass(frozen=True)
class Scale:
    """The unit of errors on pages.

    Attributes:
        factor: what an error in the problem's own unit is multiplied by.
        unit: its name; ``""`` for a number without one.
    """

    factor: float
    unit: str

    @staticmethod
    def of(facts: Mapping[str, Any]) -> Scale:
        """Return the unit for a problem's errors, from its public facts."""
        unit = str(facts.get("unit_of_energy", ""))
        return Scale(1e3, "mHa") if unit == "Ha" else Scale(1.0, unit)

    def said(self, error: float) -> str:
        """Write an error with its unit; what cannot be told from 0 is said to be below the finest."""
        number = f"{error * self.factor:.3g}" if abs(error) >= FINEST else f"below {FINEST * self.factor:.0e}"
        return f"{number.replace('e-0', 'e-')} {self.unit}".strip()

    @property
    def title(self) -> str:
        """What a column or an axis of errors is called."""
        return f"error [{self.unit}]" if self.unit else "error"
