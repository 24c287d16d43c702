"""What a search has been told: all observations of a run, in their order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from poets_core.fit.bootstrap import bootstrap_weights
from poets_core.lm.likelihood import Encoded
from poets_core.lm.states import TrunkStates
from poets_core.search.reward import RewardScale, fit_scale
from poets_core.types import BEFORE, F8, I8, Candidate, Direction, Observation

PRICES = 5
"""Prices from 0 to the highest, at which good designs are looked for."""


class History:
    """Observations, their bootstrap weights and their encoded completions.

    Attributes:
        candidates: (N,) all candidates.
        latest: those of the last round.
        seen: prompt and design of all that were designs.
        values: f8 (N,) first objective in its own unit, NaN where invalid.
        valid: bool (N,).
        known: bool (N,), False where a correction has taken a value back: nothing is learnt from it.
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
        self.known = np.zeros(0, dtype=np.bool_)
        self.weights: I8 = np.zeros((branches, 0), dtype=np.int64)
        self._newest = BEFORE - 1
        self._at: dict[str, int] = {}
        self._encoded: Encoded | None = None
        self._scale: RewardScale | None = None

    def __len__(self) -> int:
        return len(self.candidates)

    def holds(self, candidates: Sequence[Candidate]) -> bool:
        """Return whether candidates were told before."""
        return bool(candidates) and all(c.id in self._at for c in candidates)

    def between(self, candidates: Sequence[Candidate]) -> bool:
        """Return whether candidates belong to no new round: to a contest, or to a round that was told before."""
        return candidates[0].round <= self._newest

    def correct(self, observations: Sequence[Observation]) -> None:
        """Put observations in the place of those of the same candidates.

        They are on the scale of the last update, as those of a contest are; the next round moves the scale.
        """
        self.scale()
        at = [self._at[o.candidate] for o in observations]
        values, valid = self.values.copy(), self.valid.copy()
        values[at] = [o.value[0] if o.valid else np.nan for o in observations]
        valid[at] = [o.valid for o in observations]
        self.values, self.valid = values, valid
        self.known = self.known.copy()
        self.known[at] = [not o.missing for o in observations]
        weights = self.weights.copy()
        weights[:, at] = self._weigh(observations) * self.known[at]
        self.weights = weights

    def _weigh(self, observations: Sequence[Observation]) -> I8:
        """Return the weights of observations, (M, n)."""
        if self.bootstrap:
            return bootstrap_weights(self.seed, [o.candidate for o in observations], self.branches)
        return np.ones((self.branches, len(observations)), dtype=np.int64)

    def add(
        self, candidates: Sequence[Candidate], observations: Sequence[Observation], encoded: Encoded | None
    ) -> None:
        """Append given data, one round, or what was measured between two rounds.

        Args:
            candidates: at least one.
            observations: one for each, in their order.
            encoded: the completions, None where no branch will learn from them.

        Raises:
            ValueError: candidates and observations do not belong together.
        """
        if [c.id for c in candidates] != [o.candidate for o in observations] or not candidates:
            raise ValueError("Expected one observation per candidate, in their order, and at least one.")
        if self.between(candidates):
            # What comes between rounds is put on the scale of the last update: the branches were fitted to rewards of
            # that scale, and the log knows it. The next round moves the scale.
            self.scale()
        else:
            self.latest, self._scale = list(candidates), None
            self._newest = candidates[0].round
        self._at |= {c.id: len(self) + k for k, c in enumerate(candidates)}
        self.candidates += candidates
        self.seen |= {(c.prompt, c.design) for c in candidates if c.design}
        self.values = np.append(self.values, [o.value[0] if o.valid else np.nan for o in observations])
        self.valid = np.append(self.valid, [o.valid for o in observations])
        # Weights belong to an observation for good. Drawn anew every round they would teach all branches all data, and
        # their disagreement, which is what explores, would vanish.
        self.weights = np.concatenate([self.weights, self._weigh(observations)], axis=1)
        self.known = np.append(self.known, np.ones(len(observations), dtype=np.bool_))
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

    def elites(self, n: int, *, price: float = 0.0, longest: int = 1) -> list[str]:
        """Return the n best distinct valid designs, best first; earlier ones win ties.

        Args:
            n: how many.
            price: of a design of `longest` tokens, in reward deviations. With a price, prices from 0 to it take turns:
                each gives the best design at that price that was not given yet.
            longest: tokens of the longest design.
        """
        if price == 0.0:
            sign = 1.0 if self.direction == "maximise" else -1.0
            # Sorted upwards, so the sign is turned: of a maximised problem the largest values come first.
            order = self._ordered(-sign * self.values)
            return list(order)[:n]
        share, rewards = np.array([len(c.tokens) for c in self.candidates]) / longest, self.rewards()
        ranks = [list(self._ordered(p * share - rewards)) for p in np.linspace(0.0, price, PRICES)]
        found: dict[str, None] = {}
        for turn in zip(*ranks, strict=True):  # every ranking has all designs
            found |= dict.fromkeys(turn)
        return list(found)[:n]

    def _ordered(self, key: F8) -> dict[str, None]:
        """The valid designs, each once, the smallest key first."""
        order = np.argsort(np.where(self.valid, key, np.inf), kind="stable")
        return dict.fromkeys(self.candidates[i].design for i in order.tolist() if self.valid[i])
