"""How often each branch counts an observation: Poisson bootstrap weights, a pure function of what they belong to."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int64

from poets_core.keyed import rng_for


def bootstrap_weights(seed: int, observation_ids: Sequence[str], n_branches: int) -> Int64[np.ndarray, "M N"]:
    """Return Poisson(1) weights of N observations for M branches.

    Each weight depends on (seed, observation, branch) only: it is the same in
    every round, in any order of the data and for any number of branches, so
    replay never redraws it (redrawing collapses the disagreement).

    Args:
        seed: the run's seed.
        observation_ids: (N,) ids of the candidates.
        n_branches: M.

    Source: Poisson bootstrap of POETS (arXiv 2605.07775).
    """
    # All branches of an observation from one stream: its first m weights are the same for any number of branches.
    columns = [rng_for(seed, "bootstrap", name).poisson(1.0, n_branches) for name in observation_ids]
    return np.array(columns, dtype=np.int64).reshape(len(columns), n_branches).T
