"""Frozen instances and figures of the LLM-PO benchmark."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from poets_core.keyed import rng_for
from poets_core.types import F8

OURS = "evidence balancing"
"""Our sampling rule."""
CELLS = [(kind, k, delta) for kind in ("bradley-terry", "cyclic") for k in (4, 8, 16) for delta in (0.1, 0.01)]
"""kind, policies, delta."""
FIGURES = {
    ("bradley-terry", 4, 0.1): 201, ("bradley-terry", 8, 0.1): 745, ("bradley-terry", 8, 0.01): 998,
    ("bradley-terry", 16, 0.1): 2166, ("bradley-terry", 16, 0.01): 2740, ("cyclic", 4, 0.1): 66,
    ("cyclic", 8, 0.1): 146, ("cyclic", 16, 0.1): 391, ("cyclic", 16, 0.01): 530,
}  # fmt: skip
"""Mean comparisons of an earlier sampling rule, to be within a tenth of or below."""
STRUCTURED = {(8, 3): 433.0, (16, 4): 1693.0}
"""policies, features -> mean comparisons to be at or below, delta .1 (on features of its own, which are not known)."""
GAP, LARGE_GAP = 0.7, 0.23
"""Score of the best above the next, of the cells and of the instance of 32 policies."""


def bradley_terry(k: int, gap: float = GAP) -> F8:
    """Scores of K policies: the best ahead by `gap`, the others evenly from 0 to -1."""
    return np.append(gap, np.linspace(0.0, -1.0, k - 1))


def win_probability(kind: str, k: int) -> F8:
    """The instance, f8 (K, K); the best policy stands where the key says, for no rule may know.

    Bradley-Terry: see `bradley_terry`. Cyclic: the winner beats all by .60, the others beat each other by .90 in
    a circle: each beats the half that follows it.
    """
    if kind == "bradley-terry":
        scores = bradley_terry(k)
        p = expit(scores[:, None] - scores[None])
    else:
        p = np.full((k, k), 0.5)
        p[0, 1:], p[1:, 0] = 0.6, 0.4
        m = k - 1
        for a in range(m):
            for step in range(1, m // 2 + 1):
                p[1 + a, 1 + (a + step) % m], p[1 + (a + step) % m, 1 + a] = 0.9, 0.1
    order = rng_for(0, "order", k).permutation(k)
    return np.asarray(p[np.ix_(order, order)])


def winner_of(p: F8) -> int:
    """The policy that beats all others."""
    q = p.copy()
    np.fill_diagonal(q, 1.0)
    return int(np.flatnonzero((q > 0.5).all(1))[0])


def linear_instance(k: int, d: int, number: int, gap: float = GAP) -> tuple[F8, F8]:
    """Parameters (d,) and features (K, d): the scores of `bradley_terry` on a direction that is not told."""
    rng = rng_for(0, "features", k, d, number)
    x = np.column_stack([bradley_terry(k, gap), rng.normal(size=(k, d - 1)) / 2.0])
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    order = rng.permutation(k)
    return turn[0], x[order] @ turn
