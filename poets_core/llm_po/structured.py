"""Optimal proportions under a linear Bradley-Terry model: a concave program, solved by cutting planes with a gap."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog
from scipy.special import expit

from poets_core.errors import Diverged, InvalidComparisons
from poets_core.llm_po.allocation import Proportions, bernoulli_kl
from poets_core.types import F8, I8

GAP = 1e-6
"""Relative distance of the certified bounds at which the program counts as solved."""
MOST_CUTS = 400
INSIDE = 0.5
"""Where cuts are taken between the best point so far and the linear program's, which alone would zigzag."""
NEWTON_STEPS = 60
RIDGE = 1e-12


def bradley_terry_features(policies: int) -> F8:
    """Features of the plain Bradley-Terry model, f8 (K, K - 1): a score each, the last one 0."""
    return np.eye(policies)[:, :-1]


def check_features(features: F8) -> F8:
    """Return the features as f8 (K, d).

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


class _Program:
    """F_j(w) = min over lambda with (x_best - x_j) . lambda = 0 of sum_e w_e kl(p_e, sigma(D_e . lambda))."""

    def __init__(self, theta: F8, features: F8, best: int) -> None:
        k = len(features)
        self.first, self.second = np.triu_indices(k, 1)
        self.d = features[self.first] - features[self.second]
        self.p = expit(self.d @ theta)
        self.others: list[int] = [j for j in range(k) if j != best]
        self.bases = [_null_space(features[best] - features[j]) for j in self.others]
        self._warm = [b.T @ theta for b in self.bases]

    def value(self, at: int, w: F8) -> tuple[float, F8]:
        """F of the `at`-th alternative and its supergradient, (pairs,): the divergences at its minimiser."""
        z = self.d @ self.bases[at]
        u = self._warm[at].copy()

        def cost(u: F8) -> float:
            m = z @ u
            return float((w * (np.logaddexp(0.0, m) - self.p * m)).sum())

        now = cost(u)
        for _ in range(NEWTON_STEPS):
            q = expit(z @ u)
            gradient = z.T @ (w * (q - self.p))
            hessian = (z.T * (w * q * (1.0 - q))) @ z + RIDGE * np.eye(len(u))
            step = np.linalg.solve(hessian, gradient)
            decrement = float(gradient @ step)
            if decrement < 1e-16:
                break
            scale = 1.0
            while (then := cost(u - scale * step)) > now - 0.1 * scale * decrement and scale > 1e-8:
                scale *= 0.5
            u, now = u - scale * step, then
        self._warm[at] = u
        g = np.asarray(bernoulli_kl(self.p, expit(z @ u).clip(1e-15, 1 - 1e-15)))
        return float(g @ w), g

    def worst(self, w: F8) -> tuple[float, list[F8]]:
        """min_j F_j(w), and the supergradients of all j."""
        found = [self.value(at, w) for at in range(len(self.others))]
        return min(f for f, _ in found), [g for _, g in found]


def structured_proportions(theta: F8, features: F8) -> Proportions:
    """The best proportions if Pr(a beats b) = sigma((x_a - x_b) . theta): the best policy by the fewest comparisons.

    F_j is concave and homogeneous in the proportions w, so every supergradient g bounds it, F_j(w') <= g . w';
    the linear program over these cuts bounds the optimum from above, every point evaluated from below.

    Args:
        theta: f8 (d,).
        features: f8 (K, d) x; `bradley_terry_features` for the plain model.

    Returns:
        proportions, entry (a, b) with a < b the share of that pair, and the certified relative gap.

    Raises:
        InvalidComparisons: features that do not identify theta, or two policies that share the best score.
        Diverged: the solver failed.

    Source: LLM-PO (arXiv 2604.08779), structured space.
    """
    x, theta = check_features(features), np.asarray(theta, dtype=np.float64)
    if theta.shape != (x.shape[1],) or not np.isfinite(theta).all():
        raise InvalidComparisons(f"Expected finite parameters of shape ({x.shape[1]},), got {theta.shape} or NaN.")
    order: I8 = np.argsort(-(x @ theta), kind="stable")
    best = int(order[0])
    if np.isclose((x @ theta)[best], (x @ theta)[order[1]], rtol=0, atol=1e-12):
        raise InvalidComparisons(f"Expected one best policy, got {best} and {int(order[1])} tied.")
    program = _Program(theta, x, best)
    n = len(program.p)
    center = np.full(n, 1.0 / n)
    lower, cuts = program.worst(center)
    upper, target = np.inf, center
    for _ in range(MOST_CUTS):
        found = linprog(
            np.append(np.zeros(n), -1.0),
            A_ub=np.hstack([-np.array(cuts), np.ones((len(cuts), 1))]),
            b_ub=np.zeros(len(cuts)),
            A_eq=np.append(np.ones(n), 0.0)[None],
            b_eq=[1.0],
            bounds=[(0, None)] * n + [(None, None)],
            method="highs",
        )
        if found.x is None or found.fun is None:
            raise Diverged(f"Expected an optimal linear program of {len(cuts)} cuts, got: {found.message}.")
        upper, target = min(upper, -float(found.fun)), found.x[:n]
        if upper - lower <= GAP * upper:
            break
        for share in (INSIDE, 1.0):
            w = (1.0 - share) * center + share * target
            w = (w.clip(0) + 1e-12) / (w.clip(0) + 1e-12).sum()
            value, more = program.worst(w)
            cuts += more
            if value > lower:
                lower, center = value, w
    weights = np.zeros((len(x), len(x)))
    weights[program.first, program.second] = center
    return Proportions(best, weights, 1.0 / lower, gap=(upper - lower) / upper)


def _null_space(c: F8) -> F8:
    """Orthonormal basis (d, d - 1) of the vectors orthogonal to c."""
    q, _ = np.linalg.qr(c[:, None], mode="complete")
    return np.asarray(q[:, 1:])
