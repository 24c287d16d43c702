"""Thompson sampling by a surrogate of the values: over a whole space, or over a pool of samples and edits."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int64

from poets_core.keyed import rng_for
from poets_core.search.method import Method, Proposals
from poets_core.search.rivals.residues import FACTORS, letter_features
from poets_core.search.rivals.surrogate import Posterior, one_hot, sequence_features
from poets_core.search.sampler import Draw, Sampler, edits, of_space
from poets_core.search.selection import best_of_space
from poets_core.search.space import ProductSpace, product_space
from poets_core.spec import (
    BestOfReferenceSettings,
    BoostingSettings,
    GaussianProcessSettings,
    KLThompsonSettings,
    SearchSpec,
    SurrogateSettings,
)
from poets_core.types import F8, I8

GENERATIONS = 3
PARENTS = 64
"""Designs of the highest mean + standard deviation that a generation is bred from."""


class SurrogateSearch(Method):
    """Every slot takes the best design of its own draw from the posterior of a surrogate.

    The draw goes over the whole space where that is a product of positions and small. Elsewhere it goes over a pool of
    `pool` designs per slot: samples of the reference, and a share of edits (`edit_share`), evolved for some generations
    towards what the surrogate finds promising. `best-of-reference` takes a pool of samples of the reference alone,
    however small the space is. A rival says how its surrogate is fitted (`_fit`), and what that sees of designs.
    """

    settings: SurrogateSettings
    enumerates = True
    """Whether a whole space is scored where it is small."""
    factors = FACTORS
    """Of AAindex that describe a residue."""

    def __init__(self, sampler: Sampler, spec: SearchSpec) -> None:
        """Look whether the space can be enumerated; see the class.

        Raises:
            InvalidSpec: features of amino acids where the base model writes something else.
        """
        super().__init__(sampler, spec)
        vocabulary, s = self.ensemble.backbone.vocabulary, self.settings
        single = len(self.problem.prompts) == 1 and self.enumerates
        self.space = product_space(self.ensemble.table, vocabulary.eos) if single else None
        self.facts["whole_space"] = self.space is not None
        self.letters: F8 | None = None
        if isinstance(s, GaussianProcessSettings | BoostingSettings):
            self.letters = letter_features(vocabulary.tokens, s.features, self.factors)

    def _propose(self, prompt: Int64[np.ndarray, " n"]) -> Proposals:
        rng = rng_for(self.spec.seed, "thompson", self.round)
        if self.space is not None:
            return self._from_space(self.space, len(prompt), rng)
        return self._from_pool(prompt, rng)

    def _data(self) -> tuple[list[tuple[int, ...]], F8]:
        """Tokens and rewards of all observations that are designs."""
        known = [i for i, c in enumerate(self.history.candidates) if c.design and self.history.known[i]]
        return [self.history.candidates[i].tokens for i in known], self.history.rewards()[known]

    def _from_space(self, space: ProductSpace, n: int, rng: np.random.Generator) -> Proposals:
        tokens, y = self._data()
        if not tokens:
            return self._scored(self.from_reference(np.zeros(n, dtype=np.int64), "refill"))
        seen = space.index(tokens)
        surrogate = self._fit(self._features(space, space.codes(seen)), y)
        # One draw per slot, jointly over the space: that is Thompson sampling, and slots disagree as much as the
        # surrogate is unsure.
        drawn = self._drawn(space, surrogate, seen, n, rng)
        if not self.settings.allow_repeats:
            drawn[:, seen] = -np.inf
        index = best_of_space(drawn, np.arange(len(drawn)), repeats=self.settings.allow_repeats)
        mean, std = surrogate.predict(self._features(space, space.codes(index)))
        return self._scored(of_space(self.problem, self.ensemble, space.tokens(index)), mean, std)

    def _features(self, space: ProductSpace, codes: I8) -> F8:
        """What the surrogate sees of n designs of the space, (n, D)."""
        if self.letters is None:
            return one_hot(codes, space.shape)
        parts = [self.letters[own[codes[:, k]]] for k, own in enumerate(space.options)]
        return np.concatenate(parts, axis=1)

    def _describe(self, tokens: Sequence[Sequence[int]]) -> F8:
        """What the surrogate sees of n designs anywhere, (n, D); those that are compared must be passed at once."""
        # Position k of one design is no neighbour of position k of a longer one: there words are compared.
        if self.letters is None or len(set(map(len, tokens))) > 1:
            return sequence_features(tokens)
        return np.concatenate([self.letters[column] for column in np.array(tokens).T], axis=1)

    @abstractmethod
    def _fit(self, x: F8, y: F8) -> Posterior:
        """Fit the surrogate to features (N, D) and rewards (N,)."""

    @abstractmethod
    def _drawn(self, space: ProductSpace, surrogate: Any, seen: I8, n: int, rng: np.random.Generator) -> F8:
        """What each of n slots maximises over the whole space, (n, S)."""

    def _from_pool(self, prompt: I8, rng: np.random.Generator) -> Proposals:
        tokens, y = self._data()
        pool = self._pool(prompt, tokens, y, rng)
        if not pool or not tokens:
            return self._scored(self.filled(prompt, [None] * len(prompt)))
        # Features of observations and pool together: n-grams that only one of them holds need a column in both.
        x = self._describe([*tokens, *(d.tokens for d in pool)])
        surrogate = self._fit(x[: len(tokens)], y)
        drawn = surrogate.sample(x[len(tokens) :], len(prompt), rng)
        mean, std = surrogate.predict(x[len(tokens) :])
        owner = np.array([d.prompt for d in pool])
        chosen: list[int | None] = []
        taken: set[int] = set()
        for row, p in zip(drawn, prompt.tolist(), strict=True):
            row[owner != p] = -np.inf
            row[list(taken)] = -np.inf
            best = int(row.argmax())
            if not np.isfinite(row[best]):
                chosen.append(None)
                continue
            chosen.append(best)
            taken |= set() if self.settings.allow_repeats else {best}
        # What the reference fills in comes after what was chosen, and was not predicted.
        draws = self.filled(prompt, [None if i is None else pool[i] for i in chosen])
        known = [i for i in chosen if i is not None]
        told = np.full((2, len(draws)), np.nan)
        told[:, : len(known)] = mean[known], std[known]
        return self._scored(draws, told[0], told[1])

    def _pool(self, prompt: I8, tokens: Sequence[tuple[int, ...]], y: F8, rng: np.random.Generator) -> list[Draw]:
        """Distinct unseen designs; see the class."""
        s = self.settings
        if isinstance(s, KLThompsonSettings):  # it exists on whole spaces alone
            return []
        size = len(prompt) * s.pool
        # The reference's own designs are what `best-of-reference` chooses among: it edits none.
        elites = [] if isinstance(s, BestOfReferenceSettings) else self.history.elites(s.elites)
        share = 0.0 if isinstance(s, BestOfReferenceSettings) or not elites else s.edit_share
        slots = np.resize(prompt, round(size * (1.0 - share)))
        drawn = self.sampler.draw_unseen(
            np.full(len(slots), -1), slots, ("round", self.round), self.seen, unique=not self.settings.allow_repeats
        )
        found = {d.key: d for d in drawn if d is not None and d.design}
        if share == 0.0:
            return list(found.values())
        # Edits of elites alone would stay one step from them. Each generation is bred from what the surrogate thinks
        # good of the last one, by its upper bound, without asking the oracle.
        parents, each = elites, -(-round(size * share) // GENERATIONS)
        for generation in range(GENERATIONS):
            rows = np.resize(prompt, each)
            brood = edits(self.problem, self.ensemble, parents, rows, self.seen, rng=rng)
            found |= {d.key: d for d in brood if d is not None}
            if generation < GENERATIONS - 1 and found:
                pool = list(found.values())
                x = self._describe([*tokens, *(d.tokens for d in pool)])
                mean, std = self._fit(x[: len(tokens)], y).predict(x[len(tokens) :])
                order = np.argsort(-(mean + std), kind="stable")[:PARENTS]
                parents = [*elites, *(pool[i].design for i in order.tolist())]
        return list(found.values())
