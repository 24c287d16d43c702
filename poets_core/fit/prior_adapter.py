"""How the fixed prior adapters are scaled, so that branches disagree by a set amount before any data."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int64

from poets_core.errors import Diverged
from poets_core.lm.ensemble import BranchEnsemble
from poets_core.lm.likelihood import Encoded

TOLERANCE = 0.005
"""Relative error of the spread that is good enough."""
SECANT_STEPS = 20
"""Steps before bisection takes over. Where the spread grows as about the square of the factor, secants step from side
to side and hardly come nearer."""
MOST_STEPS = 60


def spread(delta: Float64[np.ndarray, "M N"], prompt: Int64[np.ndarray, " N"]) -> float:
    """Return the root mean square over designs of the deviation over branches.

    Args:
        delta: implicit rewards. Each branch is centred per prompt, because a constant says nothing about its
            preferences.
        prompt: prompt of each design.

    Returns:
        The spread in the unit of `delta`; with one branch the deviation over designs.
    """
    centred = delta.copy()
    for p in np.unique(prompt):
        centred[:, prompt == p] -= centred[:, prompt == p].mean(1, keepdims=True)
    return float(np.sqrt(centred.var(0, ddof=1).mean())) if len(delta) > 1 else float(centred.std())


def calibrate_prior(ensemble: BranchEnsemble, samples: Encoded, *, beta: float, target: float) -> float:
    """Scale the prior adapters until the spread of implicit rewards equals `target`.

    With one branch the spread is taken over designs instead, so that M = 1 is
    the same search with a single draw of the prior.

    Args:
        ensemble: the branches, untrained (B = 0).
        samples: reference samples.
        beta: KL weight.
        target: c, in reward standard deviations; 0 switches the prior off.

    Returns:
        The factor, already applied.

    Raises:
        Diverged: the spread cannot reach the target.
    """
    if target == 0:
        ensemble.stack.set_prior_factor(0.0)
        return 0.0

    def measured(factor: float) -> float:
        ensemble.stack.set_prior_factor(factor)
        p = ensemble.log_prob(samples)
        return spread(beta * (p.branches - p.reference), samples.prompt)

    # How far policies move with the factor depends on backbone, ranks and designs, and a forward pass over the samples
    # is cheap: the factor is found by trying. The bracket [low, high] holds it whatever the curve looks like.
    low, high, factor = 0.0, np.inf, 1.0
    for step in range(MOST_STEPS):
        found = measured(factor)
        if abs(found / target - 1.0) <= TOLERANCE:
            return factor
        low, high = (factor, high) if found < target else (low, factor)
        # The spread is nearly proportional to the factor, so this lands close at once; the bracket guards the rest.
        secant = factor * target / max(found, 1e-12)
        inside = low < secant < high and step < SECANT_STEPS
        factor = secant if inside else (2 * factor if np.isinf(high) else (low + high) / 2)
    raise Diverged(f"Expected prior adapters to reach a spread of {target}, got {found:.3g}. Lower prior_scale.")
