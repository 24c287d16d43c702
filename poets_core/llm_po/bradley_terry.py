"""The linear Bradley-Terry model, compiled: one convex problem serves its fit, its stopping rule and its allocation."""

from __future__ import annotations

from math import exp, log, log1p, sqrt

import numpy as np

from poets_core.llm_po.compiled import compiled
from poets_core.types import F8

STEPS = 60
RIDGE = 1e-9
"""Of the largest weight: keeps what no comparison tells finite."""


FLOOR = 1e-3
"""Least weight of an alternative, in parts of an even share: the best may change."""


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
    """Gradient and Hessian of `cost_of`, into g (d,) and h (d, d)."""
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
def closest(weights: F8, p: F8, differences: F8, c: F8, at: F8, ridge: float) -> float:
    """Minimise `cost_of` over the plane c . at = 0 (everywhere, if c is 0) by damped Newton steps.

    With weights n_e and shares p_e it is the maximum-likelihood fit, with proportions and win probabilities the
    closest alternative of the lower bound.

    Args:
        weights: f8 (pairs,) >= 0; p: f8 (pairs,); differences: f8 (pairs, d); c: f8 (d,).
        at: f8 (d,), where to start; changed to where the minimum is.
        ridge: weight of |at|^2 / 2.

    Returns:
        the cost there.
    """
    d = len(at)
    bound, g, h, sides = c @ c, np.empty(d), np.empty((d, d)), np.empty((d, 2))
    if bound > 0.0:
        at -= c * ((c @ at) / bound)
    now = cost_of(weights, p, differences, at, ridge)
    for _ in range(STEPS):
        _slopes(weights, p, differences, at, ridge, g, h)
        sides[:, 0], sides[:, 1] = g, c
        solved = np.linalg.solve(h, sides)
        step = solved[:, 0].copy()
        if bound > 0.0:
            step -= solved[:, 1] * ((c @ step) / (c @ solved[:, 1]))
        decrement = g @ step
        if decrement <= 1e-10 * (1e-6 + abs(now)):
            break
        scale = 1.0
        then = cost_of(weights, p, differences, at - step, ridge)
        while then > now - 0.1 * scale * decrement and scale > 1e-8:
            scale *= 0.5
            then = cost_of(weights, p, differences, at - scale * step, ridge)
        if scale <= 1e-8:
            break
        at -= scale * step
        now = then
    return now


@compiled
def divergence_to(p: F8, differences: F8, at: F8, out: F8) -> None:
    """kl(p_e, sigma(z_e)) of every pair, nats, into out (pairs,)."""
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
def improve(
    p: F8, differences: F8, features: F8, best: int, lambdas: F8, turn: F8, share: F8, g: F8, value: F8
) -> float:
    """One primal-dual step towards the optimal proportions, in place.

    Every alternative j != best is where j is as good as `best`; `turn` (K,) weighs them, `share` (pairs,) are the
    proportions. Alternatives that are hardest to exclude gain weight, pairs that tell most about them gain share.

    Args:
        p: f8 (pairs,) win probabilities; differences: f8 (pairs, d); features: f8 (K, d).
        lambdas: f8 (K, d), the closest alternatives, kept from step to step.
        turn, share: changed.
        g: f8 (K, pairs), filled with the divergences of each alternative, which are supergradients.
        value: f8 (K,), filled with the F_j of `share` as it was.

    Returns:
        min_j F_j of `share` as it was: the reciprocal of its characteristic time.
    """
    k, worst = len(features), np.inf
    for j in range(k):
        if j == best:
            continue
        closest(share, p, differences, features[best] - features[j], lambdas[j], RIDGE)
        divergence_to(p, differences, lambdas[j], g[j])
        value[j] = share @ g[j]
        worst = min(worst, value[j])
    total = 0.0
    for j in range(k):
        if j == best:
            turn[j] = 0.0
            continue
        turn[j] = max(turn[j], FLOOR / k) * exp(-0.3 * min(value[j] / max(worst, 1e-300) - 1.0, 1.0))
        total += turn[j]
    turn /= total
    scale, pull = 0.0, np.zeros(len(share))
    for j in range(k):
        if j != best:
            scale += turn[j] * value[j]
            pull += turn[j] * g[j]
    share *= pull / max(scale, 1e-300)
    share /= share.sum()
    share *= 1.0 - 1e-3
    share += 1e-3 / len(share)
    return worst


@compiled
def spread(total: int, pairs: int) -> float:
    """Share of comparisons that go to all pairs alike after `total` of them (C-tracking: Garivier, Kaufmann 2016)."""
    return 1.0 / (2.0 * sqrt(pairs * pairs + total))
