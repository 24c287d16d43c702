"""How slots choose from a whole space: every branch scores every design, which is Thompson sampling without a pool."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32, Float64, Int64

from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.enumeration import PrefixStates, last_token_log_prob
from poets_core.search.selection import best_of_space
from poets_core.search.space import ProductSpace, product_space
from poets_core.spec import PoetsSettings

LARGEST = 1_000_000
"""Designs of the largest space that every branch scores."""


class WholeSpace:
    """A product space, and what the branches as they are say of all its designs."""

    def __init__(self, ensemble: BranchEnsemble, space: ProductSpace) -> None:
        """Score nothing yet.

        Args:
            ensemble: its first prompt is the one that designs follow.
            space: of its grammar.
        """
        self.ensemble, self.space = ensemble, space
        self._prefixes: PrefixStates | None = None

    def implicit_rewards(self, beta: float) -> tuple[Float32[np.ndarray, "M S"], Float32[np.ndarray, " S"]]:
        """Return beta (log pi_m - log pi_ref) of all designs, and log pi_ref."""
        ensemble, options = self.ensemble, self.space.options
        if not ensemble.head_alone:
            # The first of each block of designs that differ in their last place alone, without that place and the end.
            prefixes = self.space.tokens(np.arange(0, len(self.space), len(options[-1])))[:, :-2]
            found = last_token_log_prob(ensemble, prefixes, options[-1])
            return (beta * (found.branches - found.reference)).astype(np.float32), found.reference.astype(np.float32)
        # Nothing below the head ever changes, so its states are kept for the whole search.
        if self._prefixes is None:
            self._prefixes = PrefixStates(ensemble, options)
        reference = self._prefixes.log_prob()
        out = np.empty((ensemble.branches, len(self.space)), dtype=np.float32)
        for k in range(ensemble.branches):
            out[k] = np.float32(beta) * (self._prefixes.log_prob(k) - reference)
        return out, reference

    def choose(
        self,
        settings: PoetsSettings,
        beta: float,
        baseline: Float64[np.ndarray, " M"],
        branch: Int64[np.ndarray, " slots"],
        seen: Sequence[Sequence[int]],
    ) -> Int64[np.ndarray, " n"]:
        """Give each slot the best design under its branch, tempered; fewer where the space is used up.

        Args:
            settings: of the method.
            beta: KL weight of the branches.
            baseline: of each branch, added to its implicit rewards.
            branch: of each slot.
            seen: tokens of designs that are not wanted again.

        Returns:
            Places of the designs in the space, slot by slot.
        """
        # In place, since M rankings of a million designs are the largest arrays of a search.
        rank, reference = self.implicit_rewards(beta)
        rank += baseline[:, None].astype(np.float32)
        mean = rank.mean(0)
        rank -= mean
        rank *= np.float32(settings.tempering)
        rank += mean + np.float32(settings.reference_weight) * reference
        if len(seen):
            rank[:, self.space.index(seen)] = -np.inf
        return best_of_space(rank, branch, repeats=settings.allow_repeats)


def whole_space(ensemble: BranchEnsemble, prompts: int) -> WholeSpace | None:
    """Return the space of a grammar if it is a product of positions of at most `LARGEST` designs, and there is one
    prompt; None otherwise.

    Args:
        ensemble: whose grammar it is.
        prompts: how many prompts the problem has.
    """
    space = product_space(ensemble.table, ensemble.backbone.vocabulary.eos, largest=LARGEST) if prompts == 1 else None
    return None if space is None else WholeSpace(ensemble, space)
