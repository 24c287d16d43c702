"""Thompson sampling by a Gaussian process: the rival a statistician would pick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from poets_core.search.rivals.surrogate import Surrogate, fit_surrogate, letter_roots
from poets_core.search.rivals.surrogate_search import SurrogateSearch
from poets_core.search.sampler import Sampler
from poets_core.search.space import ProductSpace
from poets_core.spec import BestOfReferenceSettings, GaussianProcessSettings, KLThompsonSettings, SearchSpec
from poets_core.types import F8, I8, Candidate, Observation


class GPSearch(SurrogateSearch):
    """The surrogate is a Gaussian process over one-hot positions, features of amino acids, or n-grams."""

    settings: GaussianProcessSettings | BestOfReferenceSettings | KLThompsonSettings
    factors = 4  # as in ALDE; by all of them residues are as far apart as in one-hot

    def __init__(self, sampler: Sampler, spec: SearchSpec) -> None:
        """Start without parameters; see `SurrogateSearch`."""
        self.enumerates = not isinstance(spec.search, BestOfReferenceSettings)
        super().__init__(sampler, spec)
        self._theta: F8 | None = None

    def _drawn(self, space: ProductSpace, surrogate: Surrogate, seen: I8, n: int, rng: np.random.Generator) -> F8:
        check = self.ensemble.check
        if self.letters is None:
            return surrogate.sample_space(space, seen, n, rng, check)
        # Also a product over positions: there is one small correlation for each, of the tokens that may stand there.
        roots = letter_roots(self.letters, space, surrogate.length)
        return surrogate.sample_product(roots, lambda codes: self._features(space, codes), space, seen, n, rng, check)

    def _fit(self, x: F8, y: F8) -> Surrogate:
        return fit_surrogate(x, y, self._theta, tune=False)

    def _learn(self) -> dict[str, Any]:
        """Tune the kernel's parameters, from where they stood."""
        # Once a round, here: `ask` takes the parameters as they are, so that it stays a pure function of the state.
        tokens, y = self._data()
        if len(tokens) < 2:
            return {}
        found = fit_surrogate(self._describe(tokens), y, self._theta, check=self.ensemble.check)
        self._theta = found.theta
        return {"length_scale": found.length, "noise": found.noise, "amplitude": found.amplitude}

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
