"""What every search method says of itself beside its settings."""

from __future__ import annotations

from typing import ClassVar

from poets_core.spec.base import SpecModel


class MethodSettings(SpecModel):
    """Base of every method's settings.

    Attributes:
        title, says: for people.
        needs: what a problem must offer beside an oracle, ``""`` for nothing.
        trains: whether it trains policies.
        ensemble: whether these are branches whose disagreement counts, and that contests can compare.
        predicts: whether it says what it expects of a design before it is measured.
    """

    title: ClassVar[str]
    says: ClassVar[str]
    needs: ClassVar[str] = ""
    trains: ClassVar[bool] = False
    ensemble: ClassVar[bool] = False
    predicts: ClassVar[bool] = False

    method: str

    @property
    def policies(self) -> int:
        """How many trained policies answer, beside the reference."""
        return int(self.trains)
