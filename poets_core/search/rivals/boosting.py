"""Thompson sampling by an ensemble of boosted trees, the strongest published configuration of ALDE."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64
from sklearn.ensemble import GradientBoostingRegressor

from poets_core.keyed import rng_for
from poets_core.protocols import Check, unheard
from poets_core.search.rivals.surrogate import BLOCK
from poets_core.search.rivals.surrogate_search import SurrogateSearch
from poets_core.search.space import ProductSpace
from poets_core.spec import BoostingSettings
from poets_core.types import F8, I8

SUBSET = 0.9
"""Part of the observations that each member sees, drawn without replacement (ALDE)."""


@dataclass(frozen=True)
class BoostedTrees:
    """Several sums of trees, each fitted to a part of the data of its own.

    Attributes:
        members: what was fitted; anything with `predict`.
        check: called before each of them predicts.
    """

    members: Sequence[Any]
    check: Check = unheard

    def predictions(self, x: Float64[np.ndarray, "n D"]) -> Float64[np.ndarray, "members n"]:
        """Return what every member says of n designs."""
        # Trees compare in single precision; converted once here instead of once by every member.
        single, found = x.astype(np.float32), []
        if not len(single):  # a space that is used up
            return np.zeros((len(self.members), 0))
        for member in self.members:
            self.check()
            found.append(member.predict(single))
        return np.stack(found)

    def predict(self, x: Float64[np.ndarray, "n D"]) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
        """Return mean and standard deviation over members."""
        found = self.predictions(x)
        return found.mean(0), found.std(0)

    def sample(
        self, x: Float64[np.ndarray, "n D"], draws: int, rng: np.random.Generator
    ) -> Float64[np.ndarray, "draws n"]:
        """Return for each draw what one member says, drawn uniformly."""
        return self.chosen(self.predictions(x), draws, rng)

    def chosen(
        self, predictions: Float64[np.ndarray, "members n"], draws: int, rng: np.random.Generator
    ) -> Float64[np.ndarray, "draws n"]:
        """Return one row of `predictions` for each draw."""
        return np.asarray(predictions[rng.integers(0, len(self.members), draws)])


def fit_trees(
    x: Float64[np.ndarray, "N D"],
    y: Float64[np.ndarray, " N"],
    settings: BoostingSettings,
    rng: np.random.Generator,
    check: Check = unheard,
) -> BoostedTrees:
    """Fit an ensemble of boosted trees.

    Args:
        x: features of the observations.
        y: their rewards.
        settings: how many members and trees, and of which kind.
        rng: subsets, and ties between splits.
        check: called before each member.
    """
    members, kept = [], max(1, round(SUBSET * len(y)))
    for _ in range(settings.ensembles):
        check()
        # Nine tenths without replacement, as in ALDE: a bootstrap would hide a third of the few observations.
        rows = rng.permutation(len(y))[:kept]
        # Exact splits instead of histograms: with hundreds of observations they are faster, and one thread gives the
        # same bits on every machine, which a resumed run relies on.
        member = GradientBoostingRegressor(
            n_estimators=settings.trees,
            learning_rate=settings.shrinkage,
            max_depth=settings.depth,
            random_state=int(rng.integers(2**31)),
        )
        members.append(member.fit(x[rows], y[rows]))
    return BoostedTrees(members, check)


class BoostingSearch(SurrogateSearch):
    """The surrogate is an ensemble of boosted trees; a slot takes the best design of one of them.

    It is fitted whenever it is asked, from numbers keyed by the round, so that a checkpoint holds no trees.
    """

    settings: BoostingSettings

    def _fit(self, x: F8, y: F8) -> BoostedTrees:
        rng = rng_for(self.spec.seed, "boosting", self.round)
        return fit_trees(x, y, self.settings, rng, self.ensemble.check)

    def _drawn(self, space: ProductSpace, surrogate: BoostedTrees, seen: I8, n: int, rng: np.random.Generator) -> F8:
        # Predicted once for all slots: a slot draws a member, and several slots draw the same one. What one of them
        # took is barred to the next, which then takes the second best.
        starts = range(0, len(space), BLOCK)
        blocks = (space.codes(np.arange(s, min(s + BLOCK, len(space)))) for s in starts)
        found = [surrogate.predictions(self._features(space, codes)) for codes in blocks]
        return surrogate.chosen(np.concatenate(found, axis=1), n, rng)
