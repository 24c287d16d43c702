"""Prior sampling: unseen designs from the reference, nothing learned. What every method has to beat."""

from __future__ import annotations

from poets_core.search.method import Baseline
from poets_core.search.propose import Draw
from poets_core.types import I8


class PriorSearch(Baseline):
    """Draws from the backbone as it is, round after round."""

    def _propose(self, prompt: I8) -> list[Draw]:
        return self.from_reference(prompt)
