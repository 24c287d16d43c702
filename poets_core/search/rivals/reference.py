"""The reference alone: unseen designs, nothing learned. What every method has to beat."""

from __future__ import annotations

from poets_core.search.method import Baseline
from poets_core.search.propose import Draw
from poets_core.spec import ReferenceSettings
from poets_core.types import I8


class ReferenceSearch(Baseline):
    """Draws from the backbone as it is, round after round."""

    settings: ReferenceSettings

    def _propose(self, prompt: I8) -> list[Draw]:
        return self.from_reference(prompt)
