"""How far branches are from the best policy there is: soft regret, exact on a space that can be enumerated."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from poets_core.errors import InvalidSpec
from poets_core.keyed import rng_for
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.enumeration import last_token_log_prob
from poets_core.protocols import Problem
from poets_core.search.reward import RewardScale
from poets_core.search.space import product_space
from poets_core.types import F8

BLOCK = 8192


def tilted(
    log_reference: Float64[np.ndarray, " S"], rewards: Float64[np.ndarray, " S"], beta: float
) -> Float64[np.ndarray, " S"]:
    """Return log pi* of pi* = pi_ref exp(r / beta) / Z on an enumerated space of S designs."""
    x = log_reference + rewards / beta
    return np.asarray(x - np.logaddexp.reduce(x))


def soft_regret(
    log_policy: Float64[np.ndarray, " S"],
    log_reference: Float64[np.ndarray, " S"],
    rewards: Float64[np.ndarray, " S"],
    beta: float,
) -> float:
    """Return J(pi*) - J(pi) = beta KL(pi || pi*), in reward units, of one policy on an enumerated space.

    Args:
        log_policy, log_reference: each a normalised distribution; -inf is probability 0.
        rewards: of all designs.
        beta: KL weight, in the unit of the rewards.

    Source: J(pi) = E_pi r - beta KL(pi || pi_ref), POETS (arXiv 2605.07775).
    """
    best = tilted(log_reference, rewards, beta)
    # What the policy never writes adds 0 to the divergence; -inf times 0 would be NaN.
    written = np.isfinite(log_policy)
    return float(beta * (np.exp(log_policy[written]) * (log_policy[written] - best[written])).sum())


class ExactRegret:
    """J(pi*) - J(pi) of the branches as they are, with the value of every design known.

    The oracle is asked for all values once, outside the budget and hidden from the search. That is for measured tables
    and other oracles that cost nothing.
    """

    def __init__(self, problem: Problem, ensemble: BranchEnsemble, *, beta: float) -> None:
        """Enumerate the space and its values.

        Args:
            problem: what is searched, with one prompt.
            ensemble: its branches are judged.
            beta: KL weight, in reward deviations.

        Raises:
            InvalidSpec: the space is no small product of positions, or there are several prompts.
        """
        space = product_space(ensemble.table, ensemble.backbone.vocabulary.eos)
        if space is None or len(problem.prompts) != 1:
            raise InvalidSpec(
                "Expected a space of fixed length with at most 250,000 designs and one prompt for "
                "search.exact_regret=true, got another one. Set it to false."
            )
        self.ensemble, self.beta = ensemble, beta
        self._options = space.options[-1]
        # All completions of one prefix are scored in one pass: the space is kept as its prefixes.
        k = len(self._options)
        self._prefixes = space.tokens(np.arange(0, len(space), k))[:, :-2]
        # In the order of the space, which is the order that the prefixes are scored in.
        values, valid = [], []
        for start in range(0, len(space), BLOCK):
            ensemble.check()
            tokens = space.tokens(np.arange(start, min(start + BLOCK, len(space)))).tolist()
            designs = [problem.decode(ensemble.backbone.text(t)) for t in tokens]
            answer = problem.oracle.evaluate(designs, [0] * len(designs), rng=rng_for(0, "exact", start))
            values.append(np.where(answer.valid, answer.values[:, 0], np.nan))
            valid.append(np.asarray(answer.valid))
        self._values: F8 = np.concatenate(values)
        self._valid = np.concatenate(valid)

    def regret(self, scale: RewardScale) -> list[float]:
        """Return beta KL(pi_m || pi*) of each branch m, (M,), in reward deviations of the scale.

        A branch is drawn uniformly for each call, so the mean over branches is the expected soft regret of a call that
        takes what its branch writes. Pools and tempering select among several designs; they are not in it.

        Args:
            scale: makes rewards of values, as the branches were taught them.
        """
        rewards = scale.rewards(self._values, self._valid)
        p = last_token_log_prob(self.ensemble, self._prefixes, self._options)
        return [soft_regret(x, p.reference, rewards, self.beta) for x in p.branches]
