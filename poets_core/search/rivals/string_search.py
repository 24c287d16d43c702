"""Thompson sampling by a Gaussian process with a string kernel, for designs of any length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from poets_core.search.rivals.string_process import StringProcess, fit_strings, string_features
from poets_core.search.rivals.surrogate_search import SurrogateSearch
from poets_core.spec import StringProcessSettings
from poets_core.types import F8, Candidate, Observation


class StringGPSearch(SurrogateSearch):
    """The surrogate compares designs by their words; it draws from a pool, also where a space is small.

    A sum of kernels is no product over positions, so that no exact draw over a whole space is at hand.
    """

    settings: StringProcessSettings
    enumerates = False
    _theta: F8 | None = None
    _ends: tuple[int, ...] = ()

    def _describe(self, tokens: Sequence[Sequence[int]]) -> F8:
        x, self._ends = string_features(tokens, self.settings.longest, self.settings.gap_decay)
        return x

    def _fit(self, x: F8, y: F8) -> StringProcess:
        return fit_strings(x, self._ends, y, self._theta, tune=False)

    def _drawn(self, space: Any, surrogate: Any, seen: Any, n: int, rng: np.random.Generator) -> F8:
        raise NotImplementedError("Expected a pool, got a whole space, which this method never enumerates.")

    def _learn(self) -> dict[str, Any]:
        """Tune the kernel's parameters, from where they stood."""
        tokens, y = self._data()
        if len(tokens) < 2:
            return {}
        # Words that only later designs hold have no column yet; distances do not depend on columns of zeros.
        x = self._describe(tokens)
        found = fit_strings(x, self._ends, y, self._theta, check=self.ensemble.check)
        self._theta = found.theta
        shares = found.variances / found.variance
        return {"word_shares": shares.tolist(), "string_noise": found.noise}

    def state(self) -> dict[str, np.ndarray]:
        """Rounds and kernel parameters."""
        return super().state() | ({} if self._theta is None else {"theta": self._theta.copy()})

    def restore(
        self,
        tensors: Mapping[str, np.ndarray],
        history: Sequence[tuple[Sequence[Candidate], Sequence[Observation]]],
    ) -> None:
        """Take over a checkpoint, the parameters as they were tuned then."""
        super().restore(tensors, history)
        self._theta = np.array(tensors["theta"]) if "theta" in tensors else None
