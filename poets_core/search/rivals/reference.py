"""The reference as a method: unseen designs from the backbone, nothing learned. What every method has to beat."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

from poets_core.search.method import Method, Proposals
from poets_core.spec import ReferenceSettings


class ReferenceSearch(Method):
    """Draws from the reference, round after round."""

    settings: ReferenceSettings

    def _propose(self, prompt: Int64[np.ndarray, " n"]) -> Proposals:
        # Scored as every method's proposals are, so that all logs hold the same fields.
        return self._scored(self.from_reference(prompt))
