"""The linear Bradley-Terry model, Pr(a beats b) = sigma((x_a - x_b) . theta): its features and its compiled core.

One convex problem, `constrained_fit`, serves the fit, the stopping rule and the allocation. Compiled functions say
shapes in words: K policies, d features, E = K (K - 1) / 2 pairs.

Source: LLM-PO (arXiv 2604.08779), structured space.
"""

from __future__ import annotations

from math import exp, log, log1p, sqrt

import numpy as np
from jaxtyping import Float64

from poets_core.errors import InvalidComparisons
from poets_core.llm_po.compiled import compiled
from poets_core.types import F8

STEPS = 60
"""Newton steps of a fit, at most."""
RIDGE = 1e-9
"""Of the largest weight: keeps what no comparison tells finite."""
FLOOR = 1e-3
"""Least weight of an alternative, in parts of an even share: the best may change."""


def bradley_terry_features(policies: int) -> Float64[np.ndarray, "K d"]:
    """Return the features of the plain Bradley-Terry model, d = K - 1: a score each, the last one 0."""
    return np.eye(policies)[:, :-1]


def check_features(features: Float64[np.ndarray, ...]) -> Float64[np.ndarray, "K d"]:
    """Return the features.

    Args:
        features: (K, d), which is checked here.

    Raises:
        InvalidComparisons: NaN, fewer than two policies, or differences that do not span d dimensions.
    """
    x = np.array(features, dtype=np.float64)
    if x.ndim != 2 or len(x) < 2 or not np.isfinite(x).all():
        raise InvalidComparisons(
            f"Expected finite features (K, d) of two policies or more, got shape {x.shape} or NaN."
        )
    if (rank := int(np.linalg.matrix_rank(x[1:] - x[0]))) < x.shape[1]:
        raise InvalidComparisons(
            f"Expected features whose differences span all {x.shape[1]} dimensions, got rank {rank}: remove features "
            "that the others determine, or that all policies share."
        )
    return x


@compiled
def sigmoid(z: float) -> float:
    """1 / (1 + e^-z), without overflow."""
    if z >= 0.0:
        return 1.0 / (1.0 + exp(-z))
    e = exp(z)
    return e / (1.0 + e)


@compiled
def softplus(z: float) -> float:
    """log(1 + e^z), without overflow."""
    return log1p(exp(-z)) + z if z > 0.0 else log1p(exp(z))


@compiled
def cost_of(weights: F8, p: F8, differences: F8, at: F8, ridge: float) -> float:
    """sum_e w_e [softplus(z_e) - p_e z_e] + ridge |at|^2 / 2, z = differences . at."""
    out = 0.0
    for e in range(len(weights)):
        if weights[e] > 0.0:
            z = 0.0
            for a in range(len(at)):
                z += differences[e, a] * at[a]
            out += weights[e] * (softplus(z) - p[e] * z)
    for a in range(len(at)):
        out += 0.5 * ridge * at[a] * at[a]
    return out


@compiled
def _slopes(weights: F8, p: F8, differences: F8, at: F8, ridge: float, g: F8, h: F8) -> None:
    """Write gradient and Hessian of `cost_of` into g (d,) and h (d, d)."""
    d = len(at)
    g[:], h[:] = ridge * at, 0.0
    for a in range(d):
        h[a, a] = ridge
    for e in range(len(weights)):
        if weights[e] == 0.0:
            continue
        z = 0.0
        for a in range(d):
            z += differences[e, a] * at[a]
        q = sigmoid(z)
        r, s = weights[e] * (q - p[e]), weights[e] * q * (1.0 - q)
        for a in range(d):
            x = differences[e, a]
            if x != 0.0:  # of plain scores all but two are
                g[a] += r * x
                for b in range(a + 1):
                    h[a, b] += s * x * differences[e, b]
    for a in range(d):
        for b in range(a):
            h[b, a] = h[a, b]


@compiled
def curvature(weights: F8, differences: F8, at: F8, ridge: float) -> F8:
    """Hessian of `cost_of`, f8 (d, d); it does not depend on the p."""
    d = len(at)
    g, h = np.empty(d), np.empty((d, d))
    _slopes(weights, weights, differences, at, ridge, g, h)
    return h


@compiled
def constrained_fit(weights: F8, p: F8, differences: F8, c: F8, at: F8, ridge: float) -> float:
    """Minimise `cost_of` over the plane c . at = 0 (everywhere, if c is 0) by damped Newton steps.

    With counts as weights and shares won as p it is the maximum-likelihood fit; with proportions and win
    probabilities it is the closest alternative of the lower bound, in which two policies are equally good.

    Args:
        weights: f8 (E,) >= 0; p: f8 (E,); differences: f8 (E, d); c: f8 (d,).
        at: f8 (d,), where to start; changed to where the minimum is.
        ridge: weight of |at|^2 / 2.

    Returns:
        the cost there.
    """
    d = len(at)
    bound, g, h, sides = c @ c, np.empty(d), np.empty((d, d)), np.empty((d, 2))
    # Start on the plane; every step below stays on it, so that the constraint holds exactly.
    if bound > 0.0:
        at -= c * ((c @ at) / bound)
    now = cost_of(weights, p, differences, at, ridge)
    for _ in range(STEPS):
        _slopes(weights, p, differences, at, ridge, g, h)
        # The KKT system [H c; c' 0] by elimination: one factorisation of H for both right-hand sides.
        sides[:, 0], sides[:, 1] = g, c
        solved = np.linalg.solve(h, sides)
        step = solved[:, 0].copy()
        if bound > 0.0:
            step -= solved[:, 1] * ((c @ step) / (c @ solved[:, 1]))
        decrement = g @ step
        if decrement <= 1e-10 * (1e-6 + abs(now)):
            break
        # Halve the step until the cost falls as it should (Armijo): far from the minimum a full Newton step overshoots,
        # because the logistic curve is flat there and H nearly 0.
        scale = 1.0
        then = cost_of(weights, p, differences, at - step, ridge)
        while then > now - 0.1 * scale * decrement and scale > 1e-8:
            scale *= 0.5
            then = cost_of(weights, p, differences, at - scale * step, ridge)
        if scale <= 1e-8:  # the cost is at its rounding error
            break
        at -= scale * step
        now = then
    return now


@compiled
def divergence_to(p: F8, differences: F8, at: F8, out: F8) -> None:
    """Write kl(p_e, sigma(z_e)) of every pair, nats, into out (E,)."""
    for e in range(len(p)):
        z = 0.0
        for a in range(len(at)):
            z += differences[e, a] * at[a]
        out[e] = softplus(z) - p[e] * z
        if p[e] > 0.0:
            out[e] += p[e] * log(p[e])
        if p[e] < 1.0:
            out[e] += (1.0 - p[e]) * log1p(-p[e])
        out[e] = max(out[e], 0.0)


@compiled
def primal_dual_step(
    p: F8, differences: F8, features: F8, best: int, lambdas: F8, dual: F8, share: F8, g: F8, value: F8
) -> float:
    """Take one primal-dual step towards the optimal proportions, in place.

    Every policy j != best has an alternative: the closest parameters with which j is as good as `best`. `dual` (K,)
    weighs the alternatives, `share` (E,) are the proportions. Alternatives that are hardest to exclude gain weight,
    pairs that tell most about them gain share.

    Args:
        p: f8 (E,) win probabilities; differences: f8 (E, d); features: f8 (K, d).
        lambdas: f8 (K, d), the closest alternatives, kept from step to step.
        dual, share: changed in place.
        g: f8 (K, E), filled with the divergences of each alternative, which are supergradients.
        value: f8 (K,), filled with the F_j of `share` as it was.

    Returns:
        min_j F_j of `share` as it was: the reciprocal of its characteristic time.
    """
    # F_j(share): nats per comparison against alternative j, at the parameters that make it smallest. By the envelope
    # theorem the divergences g_j at those parameters are a supergradient of F_j.
    k, worst = len(features), np.inf
    for j in range(k):
        if j == best:
            continue
        constrained_fit(share, p, differences, features[best] - features[j], lambdas[j], RIDGE)
        divergence_to(p, differences, lambdas[j], g[j])
        value[j] = share @ g[j]
        worst = min(worst, value[j])
    # Dual step. Multiplicative, so that the weights stay positive; the exponent is cut, because early alternatives
    # that are a thousand times easier would lose all weight in one step and come back slowly.
    total = 0.0
    for j in range(k):
        if j == best:
            dual[j] = 0.0
            continue
        dual[j] = max(dual[j], FLOOR / k) * exp(-0.3 * min(value[j] / max(worst, 1e-300) - 1.0, 1.0))
        total += dual[j]
    dual /= total
    # Primal step: a pair gains by how much more than the average it tells about the weighed alternatives. At the
    # optimum all pairs in use have the factor 1.
    scale, pull = 0.0, np.zeros(len(share))
    for j in range(k):
        if j != best:
            scale += dual[j] * value[j]
            pull += dual[j] * g[j]
    share *= pull / max(scale, 1e-300)
    share /= share.sum()
    # A pair at 0 could never come back, because steps multiply.
    share *= 1.0 - 1e-3
    share += 1e-3 / len(share)
    return worst


@compiled
def exploration_share(total: int, pairs: int) -> float:
    """Share of comparisons that go to all pairs alike after `total` of them (C-tracking: Garivier, Kaufmann 2016)."""
    return 1.0 / (2.0 * sqrt(pairs * pairs + total))
