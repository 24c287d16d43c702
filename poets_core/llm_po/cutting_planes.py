"""Optimal proportions under a linear Bradley-Terry model: a concave program, solved by cutting planes.

The answer comes with a certificate: an upper bound on the optimum, and so a gap. Experiments follow the cheap steps
of `bradley_terry.primal_dual_step` instead; this is what they are measured by.

Source: LLM-PO (arXiv 2604.08779), structured space.
"""

from __future__ import annotations

import clarabel
import numpy as np
from jaxtyping import Float64
from scipy import sparse
from scipy.special import expit

from poets_core.errors import Diverged, InvalidComparisons
from poets_core.llm_po.allocation import Proportions
from poets_core.llm_po.bradley_terry import check_features, primal_dual_step
from poets_core.types import F8, I8

GAP = 1e-6
"""Relative distance of the certified bounds at which the program counts as solved."""
STEPS = 200
"""Primal-dual steps that come before the cutting planes."""
MOST_CUTS = 4000
NEAR = 1.0
"""How far above the least, relatively, a value may lie for its cut to be kept."""
PROXIMITY = 0.1
"""Pull towards the best point so far, relative to the value there, so that the cuts do not zigzag."""


class _Program:
    """F_j(w) = min over lambda with (x_best - x_j) . lambda = 0 of sum_e w_e kl(p_e, sigma(D_e . lambda))."""

    def __init__(self, theta: F8, features: F8, best: int) -> None:
        k = len(features)
        first, second = np.triu_indices(k, 1)
        self.features, self.best = np.ascontiguousarray(features), best
        self.differences = np.ascontiguousarray(features[first] - features[second])
        self.p = expit(self.differences @ theta)
        self.lambdas, self.dual = np.tile(theta, (k, 1)), np.full(k, 1.0 / k)
        self.others = np.arange(k) != best
        self.g, self.value = np.zeros((k, len(self.p))), np.zeros(k)

    def step(self, share: F8) -> float:
        """Take one primal-dual step of the proportions, in place; return the value of `share` as it was."""
        return primal_dual_step(
            self.p, self.differences, self.features, self.best, self.lambdas, self.dual, share, self.g, self.value
        )

    def worst(self, w: F8) -> tuple[float, F8]:
        """Return min_j F_j(w), and the supergradients (cuts, E) of all j that are near it."""
        # One cut would be enough to go on; those of all policies near the minimum save most of the later programs.
        low = self.step(w.copy())
        near = self.others & (self.value <= low * (1.0 + NEAR))
        return low, self.g[near].copy()


def structured_proportions(
    theta: Float64[np.ndarray, ...], features: Float64[np.ndarray, ...], *, regularisation: float = 0.0
) -> Proportions:
    """Return the proportions that name the best policy with the fewest comparisons under the model.

    F_j is concave and homogeneous in the proportions w, so every supergradient g bounds it, F_j(w') <= g . w';
    the quadratic program over these cuts bounds the optimum from above, every point evaluated from below.

    Args:
        theta: (d,) parameters of the model.
        features: (K, d), x; `bradley_terry_features` for the plain model. Both are checked here.
        regularisation: eta >= 0, in units of the optimum; the program maximises min_j F_j(w) - eta |w|^2 / 2,
            whose solution is unique; .01 costs less than 1e-6 of the optimum.

    Returns:
        proportions (entry (a, b) with a < b is the share of that pair), with the certified relative gap.

    Raises:
        InvalidComparisons: features that do not identify theta, two policies that share the best score, or eta < 0.
        Diverged: the solver failed, or the gap did not close.
    """
    x, theta = check_features(features), np.asarray(theta, dtype=np.float64)
    if theta.shape != (x.shape[1],) or not np.isfinite(theta).all():
        raise InvalidComparisons(f"Expected finite parameters of shape ({x.shape[1]},), got {theta.shape} or NaN.")
    if not regularisation >= 0.0:
        raise InvalidComparisons(f"Expected a regularisation of 0 or more, got {regularisation}.")
    order: I8 = np.argsort(-(x @ theta), kind="stable")
    best = int(order[0])
    if np.isclose((x @ theta)[best], (x @ theta)[order[1]], rtol=0, atol=1e-12):
        raise InvalidComparisons(f"Expected one best policy, got {best} and {int(order[1])} tied.")
    program = _Program(theta, x, best)
    n = len(program.p)
    # The primal-dual steps are cheap and come within about 1 %: their average, late ones weighing more, is a good
    # place to begin cutting.
    share, center = np.full(n, 1.0 / n), np.zeros(n)
    for step in range(1, STEPS + 1):
        program.step(share)
        center += share * 2.0 * step / (STEPS * (STEPS + 1.0))
    least, cuts = program.worst(center)
    eta = regularisation * least
    lower = least - 0.5 * eta * float(center @ center)
    while True:
        # Over all cuts so far the program is too hopeful: its value bounds the optimum from above.
        outer, upper = _best_of_cuts(cuts, eta, 0.0, center)
        if upper - lower <= GAP * abs(upper):
            break
        if len(cuts) > MOST_CUTS:
            raise Diverged(f"Expected a gap of {GAP} within {MOST_CUTS} cuts, got {(upper - lower) / abs(upper):.2g}.")
        # Its solution may lie far off, where cuts are still missing; a second one, held near the best point so far,
        # keeps the steps from zigzagging. Both are evaluated: true values bound from below.
        near, _ = _best_of_cuts(cuts, eta, PROXIMITY * abs(lower), center)
        for w in (near, outer):
            value, more = program.worst(w)
            cuts = np.vstack([cuts, more])
            if (now := value - 0.5 * eta * float(w @ w)) > lower:
                least, lower, center = value, now, w
    weights = np.zeros((len(x), len(x)))
    weights[np.triu_indices(len(x), 1)] = center
    return Proportions(best, weights, 1.0 / least, gap=max(0.0, (upper - lower) / abs(upper)))


def _best_of_cuts(cuts: F8, eta: float, proximity: float, center: F8) -> tuple[F8, float]:
    """Maximise t - eta |w|^2 / 2 - proximity |w - center|^2 / 2 with t <= g . w for all cuts g, w proportions.

    Returns:
        w, and t - eta |w|^2 / 2 there.

    Raises:
        Diverged: no solution.
    """
    m, n = cuts.shape
    scale = float(cuts.mean())  # the solver's tolerances are absolute
    quadratic = sparse.diags([*np.full(n, (eta + proximity) / scale), 0.0], format="csc")
    linear = np.append(-proximity / scale * center, -1.0)
    rows = sparse.vstack(
        [
            sparse.csc_matrix(np.append(np.ones(n), 0.0)[None]),
            sparse.csc_matrix(np.hstack([-cuts / scale, np.ones((m, 1))])),
            sparse.hstack([-sparse.eye(n), sparse.csc_matrix((n, 1))]),
        ],
        format="csc",
    )
    sides = np.concatenate([[1.0], np.zeros(m + n)])
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-10
    cones = [clarabel.ZeroConeT(1), clarabel.NonnegativeConeT(m + n)]
    solution = clarabel.DefaultSolver(sparse.triu(quadratic).tocsc(), linear, rows, sides, cones, settings).solve()
    if str(solution.status) not in ("Solved", "AlmostSolved"):
        raise Diverged(f"Expected a solved quadratic program of {m} cuts, got {solution.status}.")
    # No pair at exactly 0: the fit at w would then leave directions undetermined.
    w = np.asarray(solution.x)[:n].clip(0.0) + 1e-12
    w /= w.sum()
    return w, scale * float(np.asarray(solution.x)[n]) - 0.5 * eta * float(w @ w)
