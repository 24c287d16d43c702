"""What rewards the branches predict: implicit rewards, and the baselines that make rewards of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.likelihood import LogProb
from poets_core.search.history import History


def implicit_reward(log_p: LogProb, beta: float) -> Float64[np.ndarray, "M N"]:
    """Return Delta_m(x) = beta (log pi_m(x) - log pi_ref(x)), in reward deviations.

    Args:
        log_p: log-probabilities of N designs under the M branches and the reference.
        beta: KL weight.

    Source: POETS (arXiv 2605.07775).
    """
    # A design outside the grammar is -inf under both, and minus infinity from minus infinity is NaN: not a reward.
    with np.errstate(invalid="ignore"):
        return np.asarray(beta * (log_p.branches - log_p.reference))


@dataclass(frozen=True)
class Prediction:
    """The reward model that the branches are after a fit, until the next round is told.

    Attributes:
        beta: KL weight.
        delta: implicit rewards of all observations.
        baseline: weighted mean of reward minus implicit reward, per branch and prompt.
    """

    beta: float
    delta: Float64[np.ndarray, "M N"]
    baseline: Float64[np.ndarray, "M P"]

    def rewards(self, log_p: LogProb, prompt: Int64[np.ndarray, " n"]) -> Float64[np.ndarray, "M n"]:
        """Return the reward that each branch predicts: implicit reward plus baseline, NaN outside the grammar.

        Args:
            log_p: log-probabilities of n designs.
            prompt: prompt of each.
        """
        return np.asarray(implicit_reward(log_p, self.beta) + self.baseline[:, prompt])


def predict(
    ensemble: BranchEnsemble,
    history: History,
    weights: Int64[np.ndarray, "M N"],
    *,
    beta: float,
    prompts: int,
) -> Prediction:
    """Score all observations under the branches as they are and solve their baselines.

    Args:
        ensemble: the branches.
        history: at least one round.
        weights: how much each observation counts in each branch's baseline.
        beta: KL weight.
        prompts: P, how many prompts the problem has.
    """
    delta = implicit_reward(ensemble.log_prob(history.encoded), beta)
    return Prediction(
        beta, delta, solve_baseline(history.rewards()[None] - delta, weights, history.encoded.prompt, prompts)
    )


def solve_baseline(
    residual: Float64[np.ndarray, "M N"],
    weights: Int64[np.ndarray, "M N"],
    prompt: Int64[np.ndarray, " N"],
    prompts: int,
) -> Float64[np.ndarray, "M P"]:
    """Return the weighted mean residual per branch and prompt.

    A policy fixes rewards only up to a constant per prompt, beta log Z. The matching loss leaves that constant out;
    its least-squares value is this mean, exactly.

    Args:
        residual: reward minus implicit reward of each observation.
        weights: bootstrap weights of the observations.
        prompt: of each observation.
        prompts: P.
    """
    w = weights.astype(np.float64)
    member = np.eye(prompts)[prompt]
    # A bootstrap may give a prompt no weight at all; the branch's mean over all prompts stands in for it there.
    whole = (w * residual).sum(1, keepdims=True) / np.maximum(w.sum(1, keepdims=True), 1.0)
    return np.asarray(np.where(w @ member > 0, (w * residual) @ member / np.maximum(w @ member, 1.0), whole))
