"""What a search has been told: all observations of a run, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from poets_core.lm.likelihood import Encoded
from poets_core.lm.states import TrunkStates
from poets_core.search.poets.bootstrap import bootstrap_weights
from poets_core.search.reward import RewardScale, fit_scale
from poets_core.types import F8, I8, Candidate, Direction, Observation, of_contest


class History:
    """Observations, their bootstrap weights and their encoded completions.

    Attributes:
        candidates: (N,) all candidates.
        latest: those of the last round.
        seen: prompt and design of all that were designs.
        values: f8 (N,) first objective in its own unit, NaN where invalid.
        valid: bool (N,).
        weights: i8 (M, N) bootstrap weights, 1 without bootstrap.
    """

    def __init__(
        self,
        direction: Direction,
        transform: str,
        branches: int,
        seed: int,
        *,
        cache_bytes: float = float("inf"),
        bootstrap: bool = True,
    ) -> None:
        """Start empty.

        Args:
            direction, transform: see `fit_scale`.
            branches: M, how many branches learn from it.
            seed: key of the bootstrap weights.
            cache_bytes: trunk states beyond this go to disk.
            bootstrap: without it every weight is 1.
        """
        self.bootstrap = bootstrap
        self.direction, self.transform, self.branches, self.seed = direction, transform, branches, seed
        self.cache_bytes = cache_bytes
        self.candidates: list[Candidate] = []
        self.latest: list[Candidate] = []
        self.seen: set[tuple[int, str]] = set()
        self.values: F8 = np.zeros(0)
        self.valid = np.zeros(0, dtype=np.bool_)
        self.weights: I8 = np.zeros((branches, 0), dtype=np.int64)
        self._encoded: Encoded | None = None
        self._scale: RewardScale | None = None

    def __len__(self) -> int:
        return len(self.candidates)

    def add(
        self, candidates: Sequence[Candidate], observations: Sequence[Observation], encoded: Encoded | None
    ) -> None:
        """Append one round, or one contest after it.

        Args:
            candidates: at least one.
            observations: one for each, in their order.
            encoded: the completions, None where no branch will learn from them.

        Raises:
            ValueError: candidates and observations do not belong together.
        """
        if [c.id for c in candidates] != [o.candidate for o in observations] or not candidates:
            raise ValueError("Expected one observation per candidate, in their order, and at least one.")
        if of_contest(candidates):
            # What a contest measured is put on the scale of the last update: the branches were fitted to rewards of
            # that scale, and the log knows it. The next round moves the scale.
            self.scale()
        else:
            self.latest, self._scale = list(candidates), None
        self.candidates += candidates
        self.seen |= {(c.prompt, c.design) for c in candidates if c.design}
        self.values = np.append(self.values, [o.value[0] if o.valid else np.nan for o in observations])
        self.valid = np.append(self.valid, [o.valid for o in observations])
        # Weights belong to an observation for good. Drawn anew every round they would teach all branches all data, and
        # their disagreement, which is what explores, would vanish.
        new = np.ones((self.branches, len(observations)), dtype=np.int64)
        if self.bootstrap:
            new = bootstrap_weights(self.seed, [o.candidate for o in observations], self.branches)
        self.weights = np.concatenate([self.weights, new], axis=1)
        if encoded is None:
            return
        if self._encoded is None:
            # A copy of the list of states, not of the states: they are large, and `encoded` stays its owner's.
            self._encoded = replace(encoded, states=TrunkStates(self.cache_bytes).extend(encoded.states))
        else:
            self._encoded = self._encoded.append(encoded, pad=int(encoded.tokens[0, -1]))  # any id: never read

    @property
    def encoded(self) -> Encoded:
        """All completions, ready to be scored.

        Raises:
            ValueError: nothing was told yet.
        """
        if self._encoded is None:
            raise ValueError("Expected at least one told round, got none. Call tell() first.")
        return self._encoded

    def scale(self) -> RewardScale:
        """Return the reward scale, fitted to everything up to the last round."""
        if self._scale is None:
            self._scale = fit_scale(self.values, self.valid, direction=self.direction, transform=self.transform)
        return self._scale

    def rewards(self) -> Float64[np.ndarray, " N"]:
        """Return the standardised rewards of all observations."""
        return self.scale().rewards(self.values, self.valid)

    def elites(self, n: int) -> list[str]:
        """Return the n best distinct valid designs, best first; earlier ones win ties."""
        sign = 1.0 if self.direction == "maximise" else -1.0
        # Sorted upwards, so the sign is turned: of a maximised problem the largest values come first.
        key = np.where(self.valid, -sign * self.values, np.inf)
        order = np.argsort(key, kind="stable")
        designs = dict.fromkeys(self.candidates[i].design for i in order.tolist() if self.valid[i])
        return list(designs)[:n]
